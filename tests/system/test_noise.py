# SPDX-License-Identifier: BSD-2-Clause
"""A guest that only computes loses no time to others, whatever they do.

Bochs's clock is that of a parallel machine: in one tick each core executes one instruction.  So ticks that
a core misses were taken from it, and a run repeats exactly.
"""

import pytest

from machine import TINY, about, node, only_on, passes, until

SECOND = 50_000_000  # ticks: Bochs's TSC
WINDOWS = 2
LIMIT = 10_000  # ticks of a second: 10 us, at an instruction a nanosecond
ECHO = "52:54:00:00:00:0e"

pytestmark = [pytest.mark.every_target,
              only_on("bochs-vmx", "a clock on which cores run in parallel")]


def conf():
    watch = f'kernel noise.elf cmdline "windows={WINDOWS} window={SECOND} limit={LIMIT}" {TINY}'
    return f"""guest noise core 1 {watch} autostart no
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


def test_a_computing_guest_misses_nothing():
    """Beside guests that request endless work, and one that restarts all the time, a guest that computes
    loses at most 10 us in any second."""
    with node(conf(), ["noise", "echo", "hog", "triple"], cores=7, memory=768, single=False) as n:
        n.ready()
        for name in "print", "index", "gso", "again":
            n.monitor(f"start {name}")
        until("it prints", lambda: n.counter("print", "console.visits"))
        until("it sends", lambda: n.counter("index", "visits"))
        until("it is refused", lambda: n.counter("gso", "drop.many_segments"))
        passes(n, "noise")
        assert about(n, "again")["starts"] > 1
