# SPDX-License-Identifier: BSD-2-Clause
"""How a round trip's time is split over the steps of its way, from the trace (docs/trace.md).

local                on both clocks, between the two Linux guests of pair.py, which read the trace themselves
tiny, direct, vxlan  on the count clock, between our own small guests, which have next to no network stack;
                     both nodes' halves of the way are on one emulated machine, whose two NICs are on one
                     wire, because two machines have two clocks.  The trace is read from its memory file.
"""

import json
import os
import subprocess
import tempfile

import clocks
from clocks import chosen
from patio.hardware import BUILD
from patio.node import Node, NodeError, guest
from patio.targets import target
import pair

TRIPS, WARM = 140, 50
SCRIPT = pair.Script("itinerary", lambda clock: {"trips": TRIPS, "warm": WARM}, conf="trace off\n")
TINY_TRIPS, EARLY = 150, 30  # the early ones may be lost: the NICs have no link yet
GAP = 300_000  # ticks between two: QEMU's NIC keeps 128 us between two interrupts
PATIENCE = 20_000_000  # ticks: of a frame that was sent before the other end was there
LIMIT = 600  # seconds; it only ends what hangs
NICS = (3, 5)  # slots
MAC = "52:54:00:00:00:0e"
# What leads from the one end's network to the other's.
LINKS = {"direct": None, "vxlan": "vxlan vni 42", "udp": "udp"}


def best(trace, source, to=None):
    """The round trips of a pair of ports that were met most often, as patio-trace prints them."""
    found = [t for t in trace["round_trips"] if t["from"] == source and (to is None or t["to"] == to)]
    if not found:
        raise NodeError(f"the trace has no round trip from {source}")
    return max(found, key=lambda t: t["count"])


def row(path, mode, clock, found, lost, conditions):
    """One row: its legs, in their order, and the whole."""
    return {"clock": clock.name, "unit": clock.unit, "path": path, "mode": mode, "size": 64,
            "count": found["count"], "lost": lost, "legs": found["legs"],
            "whole": {k: found["whole"][k] for k in ("p50", "p99", "max")},
            "legs_p50": sum(leg["p50"] for leg in found["legs"]), "conditions": conditions}


def local(experiment):
    """The row of a pair of Linux guests."""
    trace = experiment.results["trace"]
    return row("local", experiment.mode, experiment.clock, best(trace, "alice.0", "bob.0"),
               trace["lost"], experiment.conditions)


def side(end, link, tiny):
    """What one end of the wire is in patio.conf: Dom0, the NIC, the guest."""
    inside = f"in.{end}" if link else f"wire.{end}"
    text = (f"guest dom0.{end} memory 64M kernel dom0.elf pci 00:0{NICS[end]}.0\nnetwork wire.{end}\n"
            f"port edge.{end} guest dom0.{end} edge network wire.{end}\n")
    if link:
        text += (f"underlay edge.{end} address 192.0.2.{end + 1}/24\nnetwork {inside}\n"
                 f"link far.{end} {link} remote 192.0.2.{2 - end} network {inside} "
                 f"edge edge.{end}\n")
    return text + tiny.format(network=f"network {inside}")


def pinger():
    """The guest that asks; one that has more memory to clear starts later than the one that answers."""
    return ("guest ping memory 96M kernel ping.elf debug-exit "
            f'cmdline "peer={MAC} n={TINY_TRIPS + EARLY} gap={GAP} loss=1 timeout={PATIENCE}"\n'
            "port ping guest ping {network}\n")


def echo():
    return f"guest echo memory 32M kernel echo.elf\nport echo guest echo {{network}} mac {MAC}\n"


def conf(path):
    """A node's text; `idle exit-with`: nothing is typed from its first instruction to its last."""
    if path == "tiny":
        ends = (echo() + pinger()).replace("{network}", "")
    else:
        ends = side(1, LINKS[path], echo()) + side(0, LINKS[path], pinger())
    return ends + "trace on port ping\nmove kick\nidle exit-with ping\n"


def nics():
    """Two 82540EM on a wire."""
    out = []
    for end, slot in enumerate(NICS):
        out += ["-netdev", f"hubport,id=h{end},hubid=0", "-device",
                f"e1000,netdev=h{end},addr={slot},mac=52:54:00:00:00:d{end},romfile="]
    return out


def traced(path):
    """(The trace of a path between tiny guests, the node's text)."""
    text, clock = conf(path), clocks.COUNT
    images = [guest(name) for name in ("ping", "echo", *([] if path == "tiny" else ["dom0"]))]
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="patio-") as memory:
        with Node(text, images, target=clock.target, cores=4 if path == "tiny" else 6, memory=512,
                  timeout=LIMIT, memory_file=memory.name, nic=() if path == "tiny" else nics(),
                  **clock.machine) as node:
            status, said = node.wait_end(LIMIT)
        if status != 0:
            raise NodeError(f"itinerary {path}: status {status}\n{said[-1500:]}")
        return json.loads(subprocess.run(
            [os.path.join(BUILD, "patio-trace"), "--memory", memory.name, "--json"],
            capture_output=True, text=True, check=True).stdout), text


def small(path):
    """The row of a path between tiny guests."""
    trace, text = traced(path)
    clock = clocks.COUNT
    return row(path, "kick", clock, best(trace, "ping"), trace["lost"], {
        "system": "patio", "mode": "kick", "clock": clock.name, "unit": clock.unit,
        "clock_is": clock.about, "repeats": clock.repeats["patio"], "target": clock.target,
        "emulator": target(clock.target).version(), "guests": "ping.elf, echo.elf, dom0.elf",
        "configuration": text})


def run(experiments):
    """All rows."""
    rows = [local(experiments.patio(clock, mode, SCRIPT)) for clock in chosen() for mode in pair.MOVE]
    if clocks.COUNT in chosen():
        rows += [small(path) for path in ("tiny", *LINKS)]
    return rows
