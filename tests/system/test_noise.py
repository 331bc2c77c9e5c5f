# SPDX-License-Identifier: BSD-2-Clause
"""A guest that only computes loses no time to others, whatever they do.

Bochs's clock is that of a parallel machine: in one tick each core executes one instruction.  So ticks that
a core misses were taken from it, and a run repeats exactly.
"""

import re

import pytest

from machine import TINY, about, node, only_on, passes, until

SECOND = 50_000_000  # ticks: Bochs's TSC
WINDOWS = 2
EXITS = 40  # of the guest's own, in each window
START = 1  # CPUIDs of its start code
OWN = ["io", "msr", "cpuid", "fetch"]  # kinds of exits that a guest causes itself
LIMIT = 10_000  # ticks of a second: 10 us, at an instruction a nanosecond
ECHO = "52:54:00:00:00:0e"

pytestmark = [pytest.mark.every_target,
              only_on("bochs-vmx", "a clock on which cores run in parallel")]


def watching(name, windows, window):
    options = f"windows={windows} window={window} limit={LIMIT} exits={EXITS}"
    return f'guest {name} kernel noise.elf cmdline "{options}" {TINY} autostart no'


def conf():
    return f"""{watching("calm", 1, SECOND // 50)}
{watching("noise", WINDOWS, SECOND)} core 1
histogram on
network second
guest echo kernel echo.elf {TINY}
port echo guest echo mac {ECHO}
guest print kernel hog.elf cmdline "how=print" memory 112M autostart no
guest index kernel hog.elf cmdline "how=index" cpus 2 {TINY} autostart no
port index guest index network second
guest gso kernel hog.elf cmdline "how=gso dst={ECHO}" {TINY} autostart no
port gso guest gso
guest again kernel triple.elf memory 64M restart always autostart no
"""


def detours(lines, kind):
    """Of the steps in which the guest was interrupted: how many, ticks, the shortest, the longest."""
    [line] = [l for l in lines if l.startswith(f"noise: {kind}: ")]
    return [int(n) for n in re.findall(r"\d+", line)]


def agree(n, name):
    """Runs the guest; the VMM's histograms of its exits have all that the guest saw, and no more."""
    lines = passes(n, name)
    rows = {r["exit"]: r for r in n.show(f"histogram {name}")["exit_times"]}
    own, (count, ticks, shortest, _) = rows["cpuid"], detours(lines, "asked")
    switch = n.show("machine")["machine"]["exit_ticks"]
    assert count >= EXITS - 1 and own["count"] == count + START
    assert own["p50"] < shortest, "a detour is an exit and the world switch"
    assert own["sum"] < ticks < own["sum"] + 2 * switch * count
    # What others took from it came by calls of its core.
    called = rows.get("kick", {"count": 0})["count"]
    assert detours(lines, "taken")[0] <= called, (lines, rows)
    assert rows[None]["count"] == sum(r["count"] for kind, r in rows.items() if kind)
    return {kind: r for kind, r in rows.items() if kind not in OWN + [None]}


def test_a_computing_guest_misses_nothing():
    """Beside guests that request endless work, and one that restarts all the time, a guest that computes
    loses at most 10 us in any second."""
    with node(conf(), ["noise", "echo", "hog", "triple"], cores=7, memory=768, single=False) as n:
        n.ready()
        assert not agree(n, "calm")
        for name in "print", "index", "gso", "again":
            n.monitor(f"start {name}")
        until("it prints", lambda: n.counter("print", "console.visits"))
        until("it sends", lambda: n.counter("index", "visits"))
        until("it is refused", lambda: n.counter("gso", "drop.many_segments"))
        taken = agree(n, "noise")
        assert sum(r["sum"] for r in taken.values()) <= LIMIT, taken
        assert about(n, "again")["starts"] > 1
