# SPDX-License-Identifier: BSD-2-Clause
"""A guest that sends with other machines' addresses gets none of their frames, and none of its frames is
taken for the node's own."""

from machine import TINY, node, passes, said, until

VICTIM = "52:54:00:00:00:0b"
UNDERLAY = "02:50:c0:00:02:01"  # the default MAC of an underlay with address 192.0.2.1
MADE_UP = 60000
QUOTA = 256

INSIDE = f"""guest victim kernel echo.elf {TINY}
guest friend kernel ping.elf cmdline "peer={VICTIM} n=40" {TINY} autostart no
guest stranger kernel stranger.elf cmdline "as={VICTIM} made={MADE_UP}" {TINY}
port victim guest victim mac {VICTIM}
port friend guest friend
port stranger guest stranger
"""

# The edge's guest prints the frames that it gets: those that a Dom0 would send to the wire.
OUTER = f"""network wire
guest dom0 kernel listen.elf {TINY}
guest stranger kernel stranger.elf cmdline "outer=1 as={UNDERLAY} ip=192.0.2.1" {TINY} autostart no
port uplink guest dom0 network wire edge
underlay uplink address 192.0.2.1/24
port stranger guest stranger network wire
"""


def test_nobody_loses_frames():
    """All round trips of two guests succeed while a third sends with the address of one of them."""
    with node(INSIDE, ["echo", "ping", "stranger"], cores=4, memory=256) as n:
        n.ready()
        until("the echo is there", lambda: "echo: ready" in said(n, "victim"))
        until("the stranger is at work", lambda: "stranger: ready" in said(n, "stranger"))
        lines = passes(n, "friend")
        assert [l for l in lines if l.startswith("rtt n=40 lost=0")], lines
        assert "overheard" not in said(n, "stranger")
        rows = {r["counter"]: r["value"] for r in n.show("counters stranger")["counters"]}
        assert rows["drop.spoofed"] > 0, rows
        assert rows["drop.learn_quota"] >= MADE_UP - QUOTA - 1, rows


def test_nothing_passes_for_the_node():
    """No frame with the underlay's MAC or IP address reaches the edge; a legitimate one does."""
    with node(OUTER, ["listen", "stranger"], cores=3, memory=256) as n:
        n.ready()
        assert "shares network" in n.monitor("lint")
        until("the edge listens", lambda: "listen: ready" in said(n, "dom0"))
        passes(n, "stranger")
        until("the honest frame is heard", lambda: "len=100" in said(n, "dom0"))
        assert said(n, "dom0").count("heard ") == 1, said(n, "dom0")
        assert n.counter("stranger", "drop.outer_forged") == 3
