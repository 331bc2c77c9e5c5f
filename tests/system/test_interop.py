"""A network that reaches an ordinary Linux machine by VXLAN, through another one that routes.

    near (10.1.0.1) 192.0.2.1 -- 192.0.2.254 router 198.51.100.254 -- 198.51.100.2 far (10.1.0.2)

Near is first an ordinary Linux too, which proves the rig.
"""

import json
import re
import subprocess

import pytest

from linux_machine import LinuxMachine, capture, far, free_wire, near
from machine import only_on

pytestmark = only_on("qemu-svm", "the wires are between QEMUs")

NEAR, FAR, VNI = "192.0.2.1", "198.51.100.2", 42
IN_NEAR, IN_FAR = "10.1.0.1", "10.1.0.2"  # inside the VXLAN
MTU = 1450  # of it: 1500, less 50 for the outer headers
HEADERS = 28  # IPv4 and ICMP, before a ping's data
SMALLEST = 18  # its data in a frame of 60 bytes
TSHARK = ["tshark", "-n", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
          "-o", "tcp.check_checksum:TRUE", "-r"]


class Road:
    """The router and the far machine, on which VXLAN leads to `NEAR`."""

    def __init__(self):
        self.wire, second = free_wire(), free_wire()
        self.router = LinuxMachine("router", [far(self.wire), near(second)], "ip=192.0.2.254/24")
        self.far = LinuxMachine("far", [far(second)], f"ip={FAR}/24 gw=198.51.100.254")

    def ready(self):
        """Waits for both, and sets them up."""
        self.router.ready().run("ip addr add 198.51.100.254/24 dev eth1 && ip link set eth1 up && "
                                "echo 1 > /proc/sys/net/ipv4/ip_forward")
        vxlan(self.far.ready(), FAR, NEAR, IN_FAR)

    def close(self):
        self.router.close()
        self.far.close()


def vxlan(m, local, remote, inside):
    """Linux's own VXLAN device to one peer; its MTU is what the wire leaves, by its own reckoning."""
    m.run(f"ip link add vx type vxlan id {VNI} dstport 4789 local {local} remote {remote} dev eth0 && "
          f"ip addr add {inside}/24 dev vx && ip link set vx up")


@pytest.fixture(name="road", scope="module")
def the_road():
    road = Road()
    yield road
    road.close()


@pytest.fixture(name="dump", scope="module")
def the_capture(tmp_path_factory):
    return tmp_path_factory.mktemp("capture") / "near.pcap"


@pytest.fixture(name="here", scope="module")
def the_near_linux(road, dump):
    """Runs a command inside the VXLAN at its near end."""
    with LinuxMachine("near", [near(road.wire)], f"ip={NEAR}/24 gw=192.0.2.254",
                      extra=capture("n0", dump)) as m:
        road.ready()
        vxlan(m.ready(), NEAR, FAR, IN_NEAR)
        yield m.run


def tcp(run, address):
    """TCP, hashed on both sides."""
    r = json.loads(re.search(r"\{.*\}", run(f"netprobe tcp {address} 9 4 sha"))[0])
    assert r["ok"] and r["sha256"] == r["peer_sha256"], r


def test_ping(here):
    text = here(f"ping -c 5 -W 10 {IN_FAR}")
    assert "5 packets received" in text, text


def test_tcp(here, road):
    """Both ways."""
    tcp(here, IN_FAR)
    tcp(road.far.run, IN_NEAR)


def test_every_size(here):
    """Frames of each size from 60 bytes to the MTU, in steps of one, are answered; their checksums are
    judged at both ends."""
    text = here(f"for s in $(seq {SMALLEST} {MTU - HEADERS}); do "
                f"ping -c 1 -W 10 -q -s $s {IN_FAR} >/dev/null || echo lost $s; done")
    assert "lost" not in text, text


def tshark(dump, *words):
    """The lines that tshark prints of a capture."""
    done = subprocess.run([*TSHARK, str(dump), *words], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_dissected(here, road, dump):
    """What passed at the near end is VXLAN to tshark, and nothing is malformed or sums up wrong."""
    assert here and not tshark(dump, "-Y", "_ws.malformed")
    for layer in "ip", "udp", "tcp", "icmp":
        assert not tshark(dump, "-Y", f'{layer}.checksum.status == "Bad"')
    for source, destination in (NEAR, FAR), (FAR, NEAR):
        assert len(tshark(dump, "-Y", f"ip.src == {source} && ip.dst == {destination} && "
                          f"udp.dstport == 4789 && vxlan.vni == {VNI} && icmp")) > MTU - 60
