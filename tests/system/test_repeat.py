# SPDX-License-Identifier: BSD-2-Clause
"""The benches' clocks repeat: a node that is run twice says the same, to the last digit of every time."""

import pytest

import clocks
from machine import HERE, node

pytestmark = pytest.mark.every_target
MAC = "52:54:00:00:00:0e"
# A guest's core clears its memory first: ping has more, and so starts when echo is there.
CONF = f"""guest echo memory 32M kernel echo.elf
guest ping memory 96M kernel ping.elf debug-exit cmdline "peer={MAC} n=200"
port echo guest echo mac {MAC}
port ping guest ping
console ping
idle exit-with ping
"""


def once(clock):
    """All that a node says from its first line to its last, with the time stamps of both."""
    with node(CONF, ["echo", "ping"], cores=3, memory=256, **clock.machine) as n:
        status, text = n.wait_end()
    assert status == 0 and "rtt n=" in text, text
    return text


def test_two_runs_are_the_same():
    """Round trips, exits and boot, stamped by the clock: byte for byte."""
    clock = next((c for c in clocks.CLOCKS.values() if c.target == HERE.NAME), None)
    if clock is None:
        pytest.skip(f"no clock of the benches is on {HERE.NAME}")
    assert once(clock) == once(clock)
