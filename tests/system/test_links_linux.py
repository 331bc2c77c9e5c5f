# SPDX-License-Identifier: BSD-2-Clause
"""Two Linux guests on one node, connected by a link with both ends on this node; a guest with two NICs is
the wire."""

import pytest

from linux import boot, linux, ping, run, tcp, udp
from machine import TINY, only_on, said, until
from test_config import links, take

ALICE, BOB = "10.0.0.1", "10.0.0.2"
CONF = f"""network here
network there
network wire.here
network wire.there
guest wire kernel wire.elf {TINY}
{linux("alice", ALICE)}
{linux("bob", BOB, "cpus 2", "nox2apic")}
port end.here guest wire network wire.here edge
port end.there guest wire network wire.there edge
port alice guest alice network here mac 52:54:00:00:00:0a
port bob guest bob network there mac 52:54:00:00:00:0b
underlay end.here address 192.0.2.1/24
underlay end.there address 192.0.2.2/24
link far vxlan vni 42 remote 192.0.2.2 network here edge end.here
link near vxlan vni 42 remote 192.0.2.1 network there edge end.there
"""
MTU = 1450
HEADERS = 28  # IPv4 and ICMP, before a ping's data

pytestmark = only_on("qemu-svm", "five cores and two Linux guests")


@pytest.fixture(name="n", scope="module")
def the_node():
    with boot(CONF, ["alice", "bob"], ["wire"], cores=5, memory=640) as n:
        until("the wire is there", lambda: "wire: ready" in said(n, "wire"))
        until("both ends are resolved",
              lambda: {l["state"] for l in links(n).values()} == {"up"})
        yield n


def test_without_x2apic(n):
    """With `nox2apic` Linux switches each CPU from x2APIC mode, in which it starts, to xAPIC mode; the second
    CPU, started from an xAPIC while its own is an x2APIC, comes up."""
    assert run(n, "bob", "cat /sys/devices/system/cpu/online").strip() == "0-1"
    assert "x2apic disabled" in run(n, "bob", "dmesg")
    assert n.exits("bob")["memory"] > 1000  # at the page


def test_mtu(n):
    """Linux gets the MTU that fits by virtio; a frame of that size passes unfragmented."""
    for guest in "alice", "bob":
        assert run(n, guest, "cat /sys/class/net/eth0/mtu").split()[-1] == str(MTU)
    for size in 18, 1000, MTU - HEADERS:
        ping(n, "alice", BOB, 3, size=size)
    assert links(n)["far"]["drops"] == 0


def test_traffic(n):
    """Pings, datagrams, and TCP with equal SHA-256, both ways."""
    for here, there in ("alice", BOB), ("bob", ALICE):
        ping(n, here, there)
        udp(n, here, there, 50)
        tcp(n, here, there, 2)


def test_other_link_beneath(n):
    """Links are replaced between two connections; the guests do not notice."""
    take(n, "remove link far\nremove link near\n")
    take(n, "link far udp remote 192.0.2.2 network here edge end.here\n"
         "link near udp remote 192.0.2.1 network there edge end.there\n")
    until("both ends are resolved", lambda: {l["state"] for l in links(n).values()} == {"up"})
    tcp(n, "alice", BOB, 2)
