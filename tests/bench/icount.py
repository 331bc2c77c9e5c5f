# SPDX-License-Identifier: BSD-2-Clause
"""Nodes and machines whose clock counts instructions, and what the figures of all benches share.

Under `-icount shift=0` the time stamp counter grows by one for every instruction that any CPU of
the emulated machine executes, and idle time is skipped.  Ticks are instructions.
"""

import json
import os
import subprocess

from patio.hardware import BUILD
from patio.node import LINUX, Node, NodeError

CPU = "EPYC,+x2apic"
EXTRA = ["-rtc", "base=2020-01-01T00:00:00,clock=vm"]
LINE = "console=hvc0 quiet nokaslr mitigations=off cryptomgr.notests"
ALICE, BOB = "10.0.0.1", "10.0.0.2"
CORES = {"kick": 3, "poll": 4}  # the monitor, alice, bob; and the one that polls
CONF = f"""
guest alice cpus 1 memory 128M kernel vmlinuz initrd initrd.cpio.gz \\
            cmdline "{LINE} name=alice ip={ALICE}/24"
guest bob   cpus 1 memory 128M kernel vmlinuz initrd initrd.cpio.gz \\
            cmdline "{LINE} name=bob ip={BOB}/24"
port alice.0 guest alice mac 52:54:00:00:00:0a
port bob.0   guest bob   mac 52:54:00:00:00:0b
"""
MOVE = {"kick": "move kick\n", "poll": "move poll core 3\n"}


def emulator():
    """The emulator's version, as it says it."""
    return subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=True).stdout.split("\n")[0]


def kernel_version():
    with open(os.path.join(BUILD, "linux", "kernel", "version"), encoding="ascii") as file:
        return file.read().strip()


def conditions(**more):
    """What every row was measured on."""
    return {"emulator": emulator(), "cpu": CPU, "icount": "shift=0,sleep=off", "boot": "-kernel",
            "kernel": kernel_version(), **more}


def warm_up(node):
    """What a guest does once only, at its first packets, is no part of any figure."""
    netprobe(node, f"udp {BOB} 7 100 0 64")
    netprobe(node, f"tcp {BOB} 9 1")


def boot_pair(mode):
    """alice and bob, one vCPU each, alone on the node, both at their shells."""
    node = Node(CONF + MOVE[mode], LINUX, cores=CORES[mode], memory=640, icount=True, cpu=CPU,
                extra=EXTRA, timeout=400)
    try:
        node.ready()
        for name in "bob", "alice":
            node.enter(name)
            node.expect(f"@@up name={name} .*\n")
            node.expect(f"{name}# ")
            node.shell(name, "stty -echo")
        warm_up(node)
    except BaseException:
        node.close()
        raise
    return node


def pair_conditions(mode):
    return conditions(cores=CORES[mode], guest_cpus=1, guest_memory="128M", command_line=LINE)


def netprobe(node, words):
    """A measurement in alice: (netprobe's result, the exits that fell into it).

    Its output goes to a file meanwhile: printing costs exits too.
    """
    start = snapshot(node)
    node.shell("alice", f"netprobe {words} >/tmp/probe", 400)
    end = snapshot(node)
    _, text = node.shell("alice", "cat /tmp/probe")
    found = json.loads(text)
    if "error" in found:
        raise NodeError(f"netprobe {words}: {text.strip()}")
    return found, {k: [v - w for v, w in zip(end[k], start.get(k, (0, 0)))] for k in end}


def snapshot(node):
    """{reason: [exits, instructions of the VMM]} of both guests together, since their start."""
    total = {}
    for row in node.show("exits")["exits"]:
        slot = total.setdefault(row["exit"], [0, 0])
        slot[0] += row["count"]
        slot[1] += row["ticks"]
    return total


def growth(short, long, units):
    """{reason: [exits, instructions]} for each of `units` that the second run had more.

    So what the shell and the start of a measurement cost is taken off.
    """
    found = {}
    for kind, counts in long.items():
        more = [(v - w) / units for v, w in zip(counts, short.get(kind, (0, 0)))]
        if abs(more[0]) >= 0.0005:
            found[kind] = more
    return found


def totals(found):
    """(exits, instructions), all reasons together."""
    return sum(v[0] for v in found.values()), sum(v[1] for v in found.values())


def by_reason(found):
    return {k: {"exits": round(v[0], 3), "insn": round(v[1])} for k, v in found.items()}


def write(name, rows):
    """Keeps the rows in build/bench/."""
    folder = os.path.join(BUILD, "bench")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump({"bench": name, "rows": rows}, file, indent=1)
        file.write("\n")
