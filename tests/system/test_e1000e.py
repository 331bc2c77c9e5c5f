# SPDX-License-Identifier: BSD-2-Clause
"""A guest without virtio: Debian's own e1000e driver on the emulated 82574L, and a virtio guest beside it."""

import re

import pytest

from linux import LINE, boot, less, linux, ping, run, tcp, udp
from machine import only_on
from patio.linux_machine import INITRD, KERNEL
from patio.node import LINUX

ALICE, BOB = "10.0.0.1", "10.0.0.2"
FRAME_MAX = 1514  # bytes: the MTU and an Ethernet header
CONF = f"""guest alice memory 256M kernel dom0-vmlinuz initrd dom0.cpio.gz \
cmdline "{LINE} name=alice ip={ALICE}/24"
{linux("bob", BOB)}
port alice guest alice model e1000e
port bob guest bob
"""

pytestmark = only_on("qemu-svm", "the kernel that has the driver takes minutes to boot elsewhere")


@pytest.fixture(name="n", scope="module")
def the_node():
    with boot(CONF, ["alice", "bob"], modules=[*LINUX, KERNEL, INITRD], cores=3, memory=640) as n:
        yield n


def port(n, name):
    return n.show(f"ports {name}")["ports"][0]


def test_driver(n):
    """The driver is e1000e, with the port's MAC, a link of 1000 Mb/s and its three vectors."""
    assert port(n, "alice")["model"] == "e1000e"
    said = run(n, "alice", "cat /sys/class/net/eth0/address /sys/class/net/eth0/speed; "
               "readlink /sys/class/net/eth0/device/driver; cat /proc/interrupts")
    assert said.startswith(f'{port(n, "alice")["mac"]}\n1000\n'), said
    assert "/drivers/e1000e\n" in said
    assert set(re.findall(r"PCI-MSI.* (eth0\S*)", said)) == {"eth0-rx-0", "eth0-tx-0", "eth0"}


def test_traffic(n):
    """Ping, UDP and TCP in both directions lose nothing, and the driver has nothing to complain of."""
    ping(n, "alice", BOB)
    ping(n, "bob", ALICE)
    udp(n, "alice", BOB, size=1400)
    tcp(n, "bob", ALICE, less(2))
    assert (port(n, "alice")["drops"], port(n, "bob")["drops"]) == (0, 0)
    assert run(n, "alice", "dmesg | grep -i -e hang -e 'reset adapter' -e timed || true") == ""


def test_segments_stay_whole(n):
    """What the driver leaves to the NIC's segmentation goes to a virtio guest in one piece."""
    before = port(n, "alice")
    tcp(n, "alice", BOB, less(4))
    after = port(n, "alice")
    frames = after["in_frames"] - before["in_frames"]
    assert (after["in_bytes"] - before["in_bytes"]) / frames > FRAME_MAX


def test_statistics(n):
    """Linux adds up what the NIC's registers say, and they say what the switch has counted."""
    def packets(direction):
        return int(run(n, "alice", f"cat /sys/class/net/eth0/statistics/{direction}_packets"))

    before = packets("tx"), port(n, "alice")["in_frames"]
    ping(n, "alice", BOB, 20)
    assert packets("tx") - before[0] >= 20
    assert port(n, "alice")["in_frames"] - before[1] >= 20


def test_restart_of_the_interface(n):
    """Down and up again: the driver resets the NIC under traffic, and it works on."""
    resets = n.counter("alice", "resets")
    run(n, "alice", f"(ping -c 50 -i 0.01 {BOB} & ip link set eth0 down; ip link set eth0 up; wait) >/dev/null")
    ping(n, "bob", ALICE, 10)
    assert n.counter("alice", "resets") > resets
