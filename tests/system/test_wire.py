# SPDX-License-Identifier: BSD-2-Clause
"""Dom0 with an 82540EM, which every target has, and a host of ours on its wire.

The guest behind Dom0 has the NIC's own MAC: on Bochs the wire receives no unicast frames for another.
"""

import pytest

from patio.hardware import NIC_MAC
from machine import LIMIT, TINY, about, ended, node, passes, said, until
from peer import ICMP, Peer

INSIDE, OUTSIDE = "10.0.2.12", "10.0.2.2"
CONF = f"""guest dom0 memory 64M kernel dom0.elf pci 00:03.0
guest inside kernel {{kernel}} {TINY} autostart no
port uplink guest dom0 edge
port inside guest inside mac {NIC_MAC}
"""
ECHO = f'echo.elf cmdline "ip={INSIDE}"'
PING = f'ping.elf cmdline "ip={INSIDE} to={OUTSIDE} n=20"'

pytestmark = pytest.mark.every_target


@pytest.fixture(name="peer")
def the_peer():
    with Peer(OUTSIDE) as peer:
        yield peer


def boot(kernel, peer):
    """A node whose Dom0 is running."""
    return node(CONF.format(kernel=kernel), ["dom0", "echo", "ping"], memory=512, wire=peer.wire)


def bridge_is_ready(n, times=1):
    until("the bridge is ready", lambda: said(n, "dom0").count("bridge ready") == times)


def test_to_outside(peer):
    """A guest finds the host outside, and each of its pings is answered."""
    with boot(PING, peer) as n:
        bridge_is_ready(n.ready())
        lines = passes(n, "inside")
        assert [l for l in lines if l.startswith("rtt n=20 lost=0")], lines
        assert peer.seen[ICMP] >= 20


def test_from_outside(peer):
    """A guest answers ARP, pings, and datagrams of many sizes, before and after a restart of Dom0."""
    with boot(ECHO, peer) as n:
        bridge_is_ready(n.ready())
        n.monitor("start inside")
        until("it is up", lambda: n.show("ports inside")["ports"][0]["up"])
        assert peer.pings(INSIDE, 20, LIMIT)
        for size in 18, 19, 100, 511, 1000, 1472:
            assert peer.echoes(INSIDE, bytes(i & 0xFF for i in range(size)), LIMIT)
        n.monitor("stop dom0")
        ended(n, "dom0")
        assert not peer.pings(INSIDE, 1, 2)
        n.monitor("start dom0")
        bridge_is_ready(n, 2)
        assert about(n, "dom0")["starts"] == 2
        assert peer.pings(INSIDE, 20, LIMIT)
