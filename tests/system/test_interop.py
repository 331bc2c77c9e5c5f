# SPDX-License-Identifier: BSD-2-Clause
"""VXLAN between a node's link and an ordinary Linux machine, through a router, which is Linux, too.

    near (10.1.0.1) 192.0.2.1 -- 192.0.2.254 router 198.51.100.254 -- 198.51.100.2 far (10.1.0.2)

Near is first an ordinary Linux, to check the set-up itself, then a guest behind a node's link.
"""

import json
import re
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from patio.capture import ZERO
from linux import PING_WAIT, answered, boot, linux, run
from patio.linux_machine import LinuxMachine, capture, far, free_wire, near
from machine import moved, only_on, until
from patio.node import Node

pytestmark = only_on("qemu-svm", "the wires are between QEMUs")

NEAR, ROUTER, FAR, VNI = "192.0.2.1", "192.0.2.254", "198.51.100.2", 42
STRANGER = "198.51.100.3"  # another address of the far machine's
IN_NEAR, IN_FAR = "10.1.0.1", "10.1.0.2"  # inside the VXLAN
MTU = 1450  # of it: 1500, less 50 for the outer headers
SIZES = range(18, MTU - 28 + 1)  # a ping's data, in frames of 60 bytes to the MTU
TOGETHER = 100  # sizes for each command
CONF = f"""guest dom0 memory 64M kernel dom0.elf pci 00:03.0
{linux("alice", IN_NEAR)}
port uplink guest dom0 edge
underlay uplink address {NEAR}/24 gateway {ROUTER}
network lab mode learn
port alice guest alice network lab
link far vxlan vni {VNI} remote {FAR} network lab
"""
TSHARK = ["tshark", "-n", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
          "-o", "tcp.check_checksum:TRUE", "-r"]


class Road:
    """The router and the far machine, whose VXLAN peer is NEAR."""

    def __init__(self):
        self.wire, second = free_wire(), free_wire()
        self.router = LinuxMachine("router", [far(self.wire), near(second)], f"ip={ROUTER}/24")
        self.far = LinuxMachine("far", [far(second)], f"ip={FAR}/24 gw=198.51.100.254")

    def ready(self):
        """Waits for both machines and configures them."""
        self.router.ready().run("ip addr add 198.51.100.254/24 dev eth1 && ip link set eth1 up && "
                                "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.far.ready().run(f"ip addr add {STRANGER}/24 dev eth0 && {vxlan(FAR, NEAR, IN_FAR)}")

    def close(self):
        self.router.close()
        self.far.close()


def vxlan(local, remote, inside, *, vni=VNI, words=""):
    """The command that makes Linux's VXLAN device with one peer and the MTU that fits the wire.  Its MAC is
    always the same, so that the other end's ARP entry stays valid."""
    mac = ":".join(f"{b:02x}" for b in (2, 0, *socket.inet_aton(inside)))
    return (f"ip link add vx address {mac} type vxlan id {vni} dstport 4789 local {local} "
            f"remote {remote} dev eth0 {words} && ip addr add {inside}/24 dev vx && "
            "ip link set vx up")


@dataclass
class Ends:
    """Both ends of the VXLAN: each runs a command and returns its output."""

    here: callable
    far: callable
    dump: str  # the file with the capture at the near end
    sizes: range  # of pings
    node: Node = None  # the near end, if it is a node


@contextmanager
def linux_near(road, dump):
    """An ordinary Linux machine."""
    with LinuxMachine("near", [near(road.wire)], f"ip={NEAR}/24 gw={ROUTER}",
                      extra=capture("n0", dump)) as m:
        road.ready()
        m.ready().run(vxlan(NEAR, FAR, IN_NEAR))
        yield Ends(m.run, road.far.run, str(dump), SIZES[::100])


@contextmanager
def patio_near(road, dump):
    """A guest of a node with a VXLAN link."""
    with boot(CONF, ["alice"], ["dom0"], wire=road.wire, memory=512,
              extra=capture("wire", dump)) as n:
        road.ready()
        yield Ends(lambda command: run(n, "alice", command), road.far.run, str(dump), SIZES, n)


@pytest.fixture(name="ends", scope="module", params=[linux_near, patio_near],
                ids=["linux", "patio"])
def the_ends(request, tmp_path_factory):
    road, dump = Road(), tmp_path_factory.mktemp("capture") / "near.pcap"
    try:
        with request.param(road, dump) as ends:
            yield ends
    finally:
        road.close()


def tcp(command, address):
    """TCP, hashed on both sides."""
    r = json.loads(re.search(r"\{.*\}", command(f"netprobe tcp {address} 9 4 sha"))[0])
    assert r["ok"] and r["sha256"] == r["peer_sha256"], r


def ping(ends, count=5, words=""):
    """All pings are answered; a failure shows the counters of the near end."""
    lost = answered(ends.here, IN_FAR, count, words)
    assert not lost, (lost, moved(ends.node) if ends.node else "")


def test_ping(ends):
    ping(ends)


def test_tcp(ends):
    """TCP works in both directions."""
    tcp(ends.here, IN_FAR)
    tcp(ends.far, IN_NEAR)


def test_every_size(ends):
    """Pings in frames of each size from 60 bytes to the MTU are answered."""
    for at in range(0, len(ends.sizes), TOGETHER):
        some = " ".join(map(str, ends.sizes[at:at + TOGETHER]))
        text = ends.here(f"for s in {some}; do ping -c 1 -W {PING_WAIT} -q -s $s {IN_FAR} >/dev/null || "
                         "echo lost $s; done")
        assert "lost" not in text, (text, moved(ends.node) if ends.node else "")


def test_checksum_on_the_wire(ends):
    """Outer UDP checksums of zero, as RFC 7348 recommends, and others, as Linux can send them, work."""
    for words in "noudpcsum", "udpcsum":
        ends.far(f"ip link del vx && {vxlan(FAR, NEAR, IN_FAR, words=words)}")
        ping(ends, 3, "-s 1000")


@pytest.mark.parametrize("address,vni,cause", [
    (FAR, VNI + 1, "unknown_vni"), (STRANGER, VNI, "unknown_peer")], ids=["vni", "peer"])
def test_stranger(ends, address, vni, cause):
    """Packets from an address that is no link's peer are dropped and counted; the peer's own still pass."""
    if not ends.node:
        pytest.skip("only a node's link tells its peers apart")
    before = ends.node.counter("uplink", f"drop.{cause}")
    ends.far(f"ip link del vx && {vxlan(address, NEAR, IN_FAR, vni=vni)}")

    def counted():
        ends.far(f"! ping -c 1 -W 1 {IN_NEAR}")
        return ends.node.counter("uplink", f"drop.{cause}") > before

    until("it is counted", counted)
    ends.far(f"ip link del vx && {vxlan(FAR, NEAR, IN_FAR)}")
    ping(ends)


def tshark(dump, *words):
    """The lines that tshark prints of a capture."""
    done = subprocess.run([*TSHARK, dump, *words], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_dissected(ends):
    """tshark recognises VXLAN in the capture, and finds no malformed packet and no wrong checksum."""
    assert not tshark(ends.dump, "-Y", "_ws.malformed")
    for layer in "ip", "udp", "tcp", "icmp":
        but = f" && !{ZERO}" if layer == "tcp" else ""
        assert not tshark(ends.dump, "-Y", f'{layer}.checksum.status == "Bad"{but}')
    for source, destination in (NEAR, FAR), (FAR, NEAR):
        assert len(tshark(ends.dump, "-Y", f"ip.src == {source} && ip.dst == {destination} && "
                          f"udp.dstport == 4789 && vxlan.vni == {VNI} && icmp")) >= len(ends.sizes)
