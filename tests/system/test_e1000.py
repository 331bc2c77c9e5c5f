# SPDX-License-Identifier: BSD-2-Clause
"""A guest without virtio's driver: Debian's own e1000 and e1000e on the two emulated NICs, and a virtio guest
beside it, in a network with each."""

import re

import pytest

from linux import LINE, boot, less, linux, ping, run, tcp, udp
from machine import only_on
from patio.linux_machine import INITRD, KERNEL
from patio.node import LINUX

FRAME_MAX = 1514  # bytes: the MTU and an Ethernet header
CONF = f"""network second
guest alice memory 256M kernel dom0-vmlinuz initrd dom0.cpio.gz cmdline "{LINE} name=alice"
{linux("bob", "10.0.0.2")}
port e1000e guest alice model e1000e
port e1000 guest alice network second model e1000
port bob.0 guest bob
port bob.1 guest bob network second
"""
# By driver, which is also the port's name: alice's address, bob's, and the interrupts in /proc/interrupts.
NICS = {"e1000e": ("10.0.0.1", "10.0.0.2", {"PCI-MSI {}-rx-0", "PCI-MSI {}-tx-0", "PCI-MSI {}"}),
        "e1000": ("10.0.1.1", "10.0.1.2", {"IO-APIC {}"})}

pytestmark = only_on("qemu-svm", "the kernel that has the drivers takes minutes to boot elsewhere")


@pytest.fixture(name="booted", scope="module")
def the_node():
    with boot(CONF, ["alice", "bob"], modules=[*LINUX, KERNEL, INITRD], cores=3, memory=640) as n:
        run(n, "bob", "ip addr add 10.0.1.2/24 dev eth1 && ip link set eth1 up")
        for driver, (address, _, _) in NICS.items():
            name = interface(n, driver)
            run(n, "alice", f"ip addr add {address}/24 dev {name} && ip link set {name} up")
        yield n


@pytest.fixture(name="nic", params=list(NICS))
def the_nic(booted, request):
    """(The node, the driver and port, alice's address there, bob's)."""
    return (booted, request.param, *NICS[request.param][:2])


def interface(n, driver):
    """Its name in alice."""
    return run(n, "alice", f"ls /sys/bus/pci/drivers/{driver}/0000:*/net").strip()


def port(n, name):
    return n.show(f"ports {name}")["ports"][0]


def test_driver(nic):
    """The driver has the port's MAC, a link of 1000 Mb/s, and its kind of interrupt."""
    n, driver, _, _ = nic
    name = interface(n, driver)
    assert port(n, driver)["model"] == driver
    said = run(n, "alice", f"cd /sys/class/net/{name}; cat address speed; cat /proc/interrupts")
    assert said.startswith(f'{port(n, driver)["mac"]}\n1000\n'), said
    found = re.findall(rf"(PCI-MSI|IO-APIC) .* ({name}\S*)\n", said)
    assert {" ".join(pair) for pair in found} == {i.format(name) for i in NICS[driver][2]}, said


def test_traffic(nic):
    """Ping, UDP and TCP in both directions lose nothing, unless TCP fills the NIC's ring faster than a slow
    guest empties it; and the driver has nothing to complain of."""
    n, driver, alice, bob = nic
    ping(n, "alice", bob)
    ping(n, "bob", alice)
    udp(n, "alice", bob, rounds=50, size=1400)
    tcp(n, "bob", alice, less(2))
    assert port(n, driver)["drops"] == n.counter(driver, "drop.rx_full")
    assert run(n, "alice", "dmesg | grep -i -e hang -e 'reset adapter' -e timed -e 'nobody cared' || true") == ""


def test_segments_stay_whole(nic):
    """What the driver leaves to the NIC's segmentation goes to a virtio guest in one piece."""
    n, driver, _, bob = nic
    before = port(n, driver)
    tcp(n, "alice", bob, less(2))
    after = port(n, driver)
    frames = after["in_frames"] - before["in_frames"]
    assert (after["in_bytes"] - before["in_bytes"]) / frames > FRAME_MAX


def test_statistics(nic):
    """Linux adds up what the NIC's registers say of what was sent."""
    n, driver, _, bob = nic
    file = f"/sys/class/net/{interface(n, driver)}/statistics/tx_packets"
    before = int(run(n, "alice", f"cat {file}"))
    ping(n, "alice", bob, 20)
    assert int(run(n, "alice", f"cat {file}")) - before >= 20


def test_restart_of_the_interface(nic):
    """Down and up again: the driver resets the NIC under traffic, and it works on."""
    n, driver, alice, bob = nic
    name, resets = interface(n, driver), n.counter(driver, "resets")
    run(n, "alice", f"(ping -c 20 -i 0.01 -W 1 {bob} & ip link set {name} down; ip link set {name} up; wait) >/dev/null")
    ping(n, "bob", alice, 10)
    assert n.counter(driver, "resets") > resets
