# SPDX-License-Identifier: BSD-2-Clause
"""Where the ticks of a round trip are spent on the critical clock, instruction by instruction: steps.json.

alice and bob of rtt, in the short run of 64 bytes.  Bochs's own debugger stops at the VMM's
virtio_net_egress(), by which each frame passes, and after some frames prints every instruction of every
CPU but the monitor's.  A walk is what the VMM executes for a frame up to the WRMSR that interrupts the
peer: in `kick` from the exit, in `poll` from the look at the ring that found it.  The next walk begins
when the peer's answer is there: what lies between two is the guests' (interrupt, driver, sockets, the
program), in `poll` with the wait until the polling core looks.
"""

import collections
import os
import re
import statistics

import pexpect

import clocks
import pair
from patio.node import LINUX, Node, NodeError
from walk import Image

LABEL = ("mode",)
COLUMNS = ("mode", "round_trips", "ticks", "vmm", "guests")
UNIT = "ticks of the critical clock, medians of a few round trips of 64 bytes"
PEER = "vmm: both walks of a round trip, each up to the peer's interrupt"
# Frames before the first that is traced, and those: among the 1200 of the short run.  The first ones
# would be no good: alice may be up before bob, and asks again and again.
BEFORE, TRACED = 700, 17
ROW = re.compile(r"^\((\d+)\)\.\[(\d+)\] \[0x[0-9a-f]+\] ([0-9a-f]{4}):([0-9a-f]+) \([^)]*\): (\S+)")
CODE = "0008"  # the VMM's code segment; Linux's are others
SHOWN = 16  # of a walk's functions, those with most instructions


def commands(image, cores):
    """The debugger's.  `trace on` is for the CPU that was chosen last."""
    lines = [f"lb {image.symbol['virtio_net_egress']:#x}", *["c"] * BEFORE]
    for core in range(1, cores):
        lines += [f"set $cpu={core}", "trace on"]
    return "\n".join([*lines, *["c"] * TRACED, "q"]) + "\n"


def rows(lines):
    """(CPU, tick, address or None in a guest, mnemonic) of each instruction in the debugger's output."""
    for line in lines:
        m = ROW.match(line)
        if m:
            vmm = m.group(3) == CODE
            yield int(m.group(1)), int(m.group(2)), int(m.group(4), 16) if vmm else None, m.group(5)


class Walker:
    """What one CPU executes; a walk begins at an exit, and anew at each look at a ring."""

    def __init__(self, egress, look):
        self.egress, self.look = egress, look
        self.now, self.began, self.passed = [], 0, False

    def step(self, tick, address, mnemonic):
        """(first tick, last tick, addresses) when a walk ends, else None."""
        if address is None:
            self.now, self.passed = [], False
            return None
        if not self.now or (address == self.look and not self.passed):
            self.now, self.began = [], tick
        self.now.append(address)
        self.passed = self.passed or address == self.egress
        if not self.passed or mnemonic != "wrmsr":
            return None
        walk = self.began, tick, tuple(self.now)
        self.now, self.passed = [], False
        return walk


def walks(found, egress, look):
    """All walks, by the tick at which they end; `look`: where one begins, None for at exits only."""
    walkers, out = {}, []
    for cpu, tick, address, mnemonic in found:
        walk = walkers.setdefault(cpu, Walker(egress, look)).step(tick, address, mnemonic)
        if walk:
            out.append(walk)
    return sorted(out)


def split(done):
    """{round_trips, ticks, vmm, guests} of walks in a row; the first may have been traced in part."""
    whole = done[1:]
    trips = [(whole[i + 2][1] - whole[i][1], sum(w[1] - w[0] for w in whole[i + 1:i + 3]))
             for i in range(0, len(whole) - 2, 2)]
    if not trips:
        raise NodeError("no round trip was traced whole")
    ticks, vmm = (round(statistics.median(part)) for part in zip(*trips))
    return {"round_trips": len(trips), "ticks": ticks, "vmm": vmm, "guests": ticks - vmm}


def functions(done, image):
    """[(function, instructions)], most first, of the walk that was met most often; by functions that
    have code of their own."""
    walk, _ = collections.Counter(addresses for _, _, addresses in done).most_common(1)[0]
    return collections.Counter(stack[0][0] for stack in image.stacks(walk)).most_common()


def trace(image, mode):
    """The debugger's output of one run."""
    clock, cores = clocks.CRITICAL, pair.CORES[mode]
    with Node(pair.conf(clock, mode), [LINUX[0], pair.initrd()], target=clock.target, cores=cores,
              memory=pair.NODE_MEMORY, timeout=pair.LIMIT, debugger=commands(image, cores),
              **clock.machine) as node:
        node.expect(pexpect.EOF, pair.LIMIT)
        with open(os.path.join(node.folder, "bochs.out"), encoding="ascii", errors="replace") as out:
            return list(rows(out))


def measure(image, mode):
    """One row."""
    look = image.symbol["send_batch"] if mode == "poll" else None
    done = walks(trace(image, mode), image.symbol["virtio_net_egress"], look)
    return {"mode": mode, **split(done), "functions": functions(done, image)}


def run(_experiments):
    """All rows."""
    image = Image()
    return [measure(image, mode) for mode in pair.MOVE]


def judge(_row):
    return []


def where(row):
    """One walk of the VMM."""
    parts = row["functions"]
    rest = sum(n for _, n in parts[SHOWN:])
    return ", ".join([f"{name}() {n}" for name, n in parts[:SHOWN]] + ([f"others {rest}"] if rest else []))
