"""Dom0 with an 82540EM that every target has, and a host of ours on its wire."""

import pytest

from machine import LIMIT, TINY, about, ended, node, passes, said, until
from peer import ICMP, UDP, Peer

ECHO, PINGER, OUTSIDE = "10.0.2.12", "10.0.2.13", "10.0.2.2"
CONF = f"""guest dom0 memory 64M kernel dom0.elf pci 00:03.0
guest echo kernel echo.elf cmdline "ip={ECHO}" {TINY}
guest pinger kernel ping.elf cmdline "ip={PINGER} to={OUTSIDE} n=20" {TINY} autostart no
port uplink guest dom0 edge
port echo guest echo mac 52:54:00:00:00:0e
port pinger guest pinger
"""

pytestmark = pytest.mark.every_target


@pytest.fixture(name="peer", scope="module")
def the_peer():
    with Peer(OUTSIDE) as peer:
        yield peer


@pytest.fixture(name="n", scope="module")
def the_node(peer):
    with node(CONF, ["dom0", "echo", "ping"], cores=4, memory=512, wire=peer.wire) as n:
        n.ready()
        until("the bridge is ready", lambda: "bridge ready" in said(n, "dom0"))
        yield n


def test_from_outside(n, peer):
    """A guest answers ARP, pings and datagrams of many sizes that come by the wire."""
    until("echo is up", lambda: n.show("ports echo")["ports"][0]["up"])
    assert peer.pings(ECHO, 20, LIMIT)
    for size in 18, 19, 100, 511, 1000, 1472:
        assert peer.echoes(ECHO, bytes(i & 0xFF for i in range(size)), LIMIT)


def test_to_outside(n, peer):
    """A guest finds the host outside and each of its pings is answered."""
    before = peer.seen[ICMP]
    lines = passes(n, "pinger")
    assert [l for l in lines if l.startswith("rtt n=20 lost=0")], lines
    assert peer.seen[ICMP] == before + 20 and not peer.seen[UDP]


def test_death_and_return(n, peer):
    """Without Dom0 nothing comes in; started again it has the NIC again."""
    n.monitor("stop dom0")
    ended(n, "dom0")
    assert not peer.pings(ECHO, 1, 2)
    n.monitor("start dom0")
    until("the bridge is back", lambda: said(n, "dom0").count("bridge ready") == 2)
    assert about(n, "dom0")["starts"] == 2
    assert peer.pings(ECHO, 20, LIMIT)
