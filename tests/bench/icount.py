# SPDX-License-Identifier: BSD-2-Clause
"""Nodes and machines whose clock counts instructions, and what the figures of all benches share.

Under `-icount shift=0` the time stamp counter grows by one for every instruction that any CPU of
the emulated machine executes, and idle time is skipped.  Ticks are instructions.
"""

import json
import os
import re
import subprocess

from patio.hardware import BUILD

CPU = "EPYC,+x2apic"
EXTRA = ["-rtc", "base=2020-01-01T00:00:00,clock=vm"]


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
    return {k: {"exits": round(v[0], 3), "ticks": None if v[1] is None else round(v[1])}
            for k, v in found.items()}


def write(name, rows):
    """Keeps the rows in build/bench/."""
    folder = os.path.join(BUILD, "bench")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
        file.write(inline(json.dumps({"bench": name, "rows": rows}, indent=1)) + "\n")


def inline(text):
    """JSON with each list of whole numbers on one line: samples are many."""
    return re.sub(r"\[\s*(\d+(?:,\s*\d+)*)\s*\]",
                  lambda found: "[" + re.sub(r"\s+", "", found[1]) + "]", text)
