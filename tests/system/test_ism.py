# SPDX-License-Identifier: BSD-2-Clause
"""ISM devices: a guest that attacks a peer of its domain."""

import pytest

from machine import TINY, judge, node

CONF = f"""guest victim kernel ism.elf cmdline "role=victim" ism fast {TINY} autostart no
guest attacker kernel ism.elf cmdline "role=attacker" ism fast {TINY} autostart no
port victim guest victim
port attacker guest attacker
"""
STORM = 2000


def ism(n, guest):
    return {c["counter"]: c["value"] for c in n.show(f"counters {guest}")["counters"]
            if c["object"] == guest and c["counter"].startswith("ism.")}


@pytest.mark.every_target
def test_attacker():
    """Forged tokens, cursors and lengths are refused by name and reach nothing; storms cost the receiver one
    interrupt for each bit that it has not cleared."""
    with node(CONF, ["ism"], cores=3, memory=256) as n:
        n.ready()
        n.monitor("start victim")
        n.enter("victim")
        n.child.expect("ism: ready")
        n.monitor("start attacker")
        judge(n, "attacker")
        judge(n, "victim")
        attacker, victim = ism(n, "attacker"), ism(n, "victim")
        assert attacker["ism.messages"] == STORM + 2
        assert attacker["ism.bad_token"] == 2064 and attacker["ism.no_window"] == 1
        assert attacker["ism.out_of_bounds"] == 4 and attacker["ism.bad_address"] == 1
        assert attacker["ism.bad_cursor"] == 2 and attacker["ism.stale"] == 2
        assert attacker["ism.bad_request"] == 1 and attacker["ism.bad_header"] == 1
        assert victim["ism.interrupts"] == 3 and victim["ism.events"] == 32
        assert victim["ism.events_lost"] - (STORM - 32) in (0, 1)  # the attacker's end may be one
        row = n.show("ism victim")["ism"][0]
        assert row["domain"] == "fast" and not row["on"] and row["refused"] == 0
