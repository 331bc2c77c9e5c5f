# SPDX-License-Identifier: BSD-2-Clause
"""Jumbo frames between two nodes, one with each NIC, by VXLAN and directly."""

import struct

import pytest

from linux import boot, linux, ping, run, tcp, udp
from patio.linux_machine import capture, far, free_wire
from machine import only_on, said, until
from test_config import links

WIRE = 9000  # its MTU
VXLAN = 50  # bytes that it puts between the wire's Ethernet header and a guest's packet
ETHERNET = 14  # header
HEADERS = 28  # IPv4 and UDP or ICMP, before a guest's data
GUEST = {1: "10.0.0.1", 2: "10.0.0.2"}
OUTER = {1: "192.0.2.1", 2: "192.0.2.2"}
NIC = {1: ("pc", "e1000"), 2: ("q35", "e1000e")}
ROAD = {"vxlan": WIRE - VXLAN, "direct": WIRE}  # the MTU that guests get

pytestmark = only_on("qemu-svm", "the wire is between two QEMUs")


def conf(number, road):
    """patio.conf: with VXLAN the wire is a network of its own; else the guest is on the wire."""
    head = f"""guest dom0 memory 64M kernel dom0.elf pci 00:03.0
{linux(f"g{number}", GUEST[number])}
"""
    if road == "direct":
        return head + f"""network default mtu {WIRE}
port uplink guest dom0 edge
port g{number} guest g{number} mac 52:54:00:00:00:0{number}
"""
    return head + f"""network wire
port uplink guest dom0 network wire edge
port g{number} guest g{number} mac 52:54:00:00:00:0{number}
underlay uplink address {OUTER[number]}/24 mtu {WIRE}
link other vxlan vni 42 remote {OUTER[3 - number]}
"""


def nic(end, number):
    """Arguments for a NIC whose frames come and go by UDP."""
    here, there = end
    return ["-netdev", f"socket,id=wire,udp=127.0.0.1:{there},localaddr=127.0.0.1:{here}",
            "-device", f"{NIC[number][1]},netdev=wire,addr=3,mac=52:54:00:00:00:d{number}"]


@pytest.fixture(name="road", scope="module", params=ROAD)
def the_road(request, tmp_path_factory):
    """Both nodes, the guests' MTU, and the file with what was on the wire."""
    end, pcap = far(free_wire()), tmp_path_factory.mktemp("wire") / "wire.pcap"

    def start(number, end, extra):
        return boot(conf(number, request.param), [f"g{number}"], ["dom0"], cores=3, memory=448,
                    machine=NIC[number][0], nic=nic(end, number), extra=extra)

    with start(1, end, capture("wire", pcap)) as one, start(2, end[::-1], ()) as two:
        for n in one, two:
            until("the bridge is ready", lambda n=n: "bridge ready" in said(n, "dom0"))
            assert f"dom0: mtu {WIRE}\n" in said(n, "dom0")
            until("the link is up", lambda n=n: {l["state"] for l in links(n).values()} <= {"up"})
        yield {1: one, 2: two}, ROAD[request.param], pcap


def both(nodes):
    """(node, its guest, the other guest's address) of each."""
    return [(n, f"g{number}", GUEST[3 - number]) for number, n in nodes.items()]


def drops(nodes):
    """The nodes' drops so far, by cause."""
    return {(number, c["object"], c["counter"]): c["value"] for number, n in nodes.items()
            for c in n.show("counters")["counters"] if c["counter"].startswith("drop.")}


def sizes(pcap):
    """The length of each frame that was on the wire."""
    data, at, found = pcap.read_bytes(), 24, []
    while at + 16 <= len(data):
        held, size = struct.unpack_from("<8x2I", data, at)
        found.append(size)
        at += 16 + held
    return found


def test_largest_packets(road):
    """The guests get the MTU that fits, and packets of that size pass both ways unfragmented."""
    nodes, mtu, _ = road
    before = None
    for n, guest, other in both(nodes):
        assert run(n, guest, "cat /sys/class/net/eth0/mtu").split()[-1] == str(mtu)
        ping(n, guest, other, nodes=nodes.values())
        before = before or drops(nodes)
        for size in 1473, 2048, 4097, 8100, mtu - HEADERS - 1, mtu - HEADERS:
            udp(n, guest, other, 20, size, nodes.values())
            ping(n, guest, other, 3, size=size, nodes=nodes.values())
    for n, guest, _ in both(nodes):
        name, value = (l.split() for l in run(n, guest, "grep ^Ip: /proc/net/snmp").splitlines()[:2])
        counts = dict(zip(name, value))
        assert (counts["ReasmReqds"], counts["FragCreates"]) == ("0", "0"), counts
    assert drops(nodes) == before


def test_streams(road):
    """TCP with equal SHA-256 both ways, in frames up to the wire's MTU and not longer."""
    nodes, mtu, pcap = road
    for n, guest, other in both(nodes):
        tcp(n, guest, other, 8)
    found = sizes(pcap)
    assert max(found) == WIRE + ETHERNET
    assert found.count(WIRE + ETHERNET) > 2 * 8 * 2**20 // mtu // 2
