# SPDX-License-Identifier: BSD-2-Clause
"""Linux as Dom0: an unmodified Debian kernel with the physical NIC, and its own bridge to the wire.

The 82540EM interrupts by its pin, the others by MSI-X; the 82576 is function 1 of its device.
"""

import re

import pytest

from patio.hardware import wire_ports
from linux import LINE, answered, answers, linux, ping, run, tcp, unreachable, wait_shell
from patio.linux_machine import INITRD, KERNEL, LinuxMachine, far, free_wire
from machine import about, ended, moved, node, only_on, until
from patio.node import LINUX
from test_dom0 import ALICE, ECHO_IP, OUTSIDE, fetch, the_server, the_sink

DOM0_IP = "10.0.2.20"
NICS = [("pc", "e1000,addr=3", "IO-APIC"), ("q35", "e1000e,addr=3", "PCI-MSI"),
        ("q35", "igb,addr=3.1", "PCI-MSI")]
OTHERS = ["-device", "virtio-rng-pci,addr=3,multifunction=on"]  # function 0

pytestmark = only_on("qemu-svm", "behind the NIC is QEMU's user network, or another QEMU")
FIXTURES = [the_server, the_sink]  # `outside` and `sink`


def conf(nic, words, alice, more):
    """Dom0 with `words` on its command line, alice with `more` on hers, and echo."""
    pci = f'00:03.{nic.partition("addr=3.")[2] or "0"}'
    return f"""guest dom0 cpus 2 memory 256M kernel dom0-vmlinuz initrd dom0.cpio.gz pci {pci} \
cmdline "{LINE} name=dom0 {words}"
{linux("alice", alice, line=more)}
guest echo memory 32M kernel echo.elf cmdline "ip={ECHO_IP}"
port uplink guest dom0 edge
port alice guest alice
port echo guest echo
"""


def boot(text, machine, nic, backend):
    """A node with Linux as Dom0, both shells there; `backend`: QEMU's, called n."""
    n = node(text, ["echo"], [*LINUX, KERNEL, INITRD], cores=4, memory=768, machine=machine,
             nic=["-netdev", backend, "-device", f"{nic},netdev=n",
                  *(OTHERS if "addr=3." in nic else [])])
    try:
        n.ready()
        for name in "alice", "dom0":
            wait_shell(n, name)
    except BaseException:
        n.close()
        raise
    return n


@pytest.fixture(name="booted", scope="module", params=NICS, ids=lambda p: p[1].split(",")[0])
def the_node(request):
    """(The node, the kind of interrupt that /proc/interrupts in Dom0 must show for its NIC)."""
    machine, nic, kind = request.param
    text = conf(nic, f"dom0=bridge ip={DOM0_IP}/24", ALICE, f"gw={OUTSIDE}")
    with boot(text, machine, nic, "user,id=n") as n:
        until("outside answers", lambda: answers(n, "alice", OUTSIDE))
        yield n, kind


@pytest.fixture(name="n")
def the_node_alone(booted):
    return booted[0]


def interrupts(n):
    """The NIC's interrupts in Dom0: {number: ([count on each CPU], kind, name)}."""
    rows = re.findall(r"(\d+): +(\d+) +(\d+) +(\S+) +\S+ +(eth1\S*)",
                      run(n, "dom0", "cat /proc/interrupts"))
    return {int(irq): ([int(a), int(b)], kind, name) for irq, a, b, kind, name in rows}


def test_outside(n, outside):
    """Pings from a guest are answered, a file arrives unchanged, and Dom0 itself can be reached."""
    ping(n, "alice", OUTSIDE, 20)
    ping(n, "alice", DOM0_IP)
    fetch(n, outside)


def test_upload(n, sink):
    """TCP in the other direction: large frames are segmented and checksums completed on the way out."""
    port, digest = sink
    text = run(n, "alice", f"netprobe pattern 4 | tee /tmp/p | nc {OUTSIDE} {port}; "
               "sha256sum /tmp/p; rm /tmp/p")
    assert text.split()[:3] == ["got", "it", digest()]


def test_interrupts_are_direct(booted, outside):
    """The interrupts are of the kind that the NIC's driver chooses, and cost no exit."""
    n, kind = booted
    woken, before, exits = rescheduled(n), interrupts(n), n.exits("dom0")
    fetch(n, outside)
    now, after, woken = n.exits("dom0"), interrupts(n), rescheduled(n) - woken
    assert {k for _, k, _ in after.values()} == {kind}
    assert (len(after) >= 3) == (kind == "PCI-MSI")  # rx, tx, other
    assert sum(map(sum, (c for c, _, _ in after.values()))) > 10 + sum(
        map(sum, (c for c, _, _ in before.values())))
    assert now["memory"] == exits["memory"]  # MSI-X table and I/O APIC
    assert now["msr"] - exits["msr"] <= woken  # by IPI


def rescheduled(n):
    """How many interrupts its vCPUs have sent each other."""
    text = run(n, "dom0", "grep -e RES -e CAL -e TLB /proc/interrupts")
    return sum(int(x) for x in re.findall(r" (\d+)(?= )", text))


def test_interrupts_move(n, outside):
    """When Dom0 moves its NIC's interrupts to the other vCPU, they arrive there."""
    for target in 1, 0:
        irqs = list(interrupts(n))
        run(n, "dom0", "; ".join(f"echo {1 << target} > /proc/irq/{i}/smp_affinity" for i in irqs))
        fetch(n, outside)  # Linux moves some at the next interrupt only, and one kind is rare
        before = interrupts(n)
        fetch(n, outside)
        after = interrupts(n)
        moved = [sum(after[i][0][cpu] - before[i][0][cpu] for i in irqs) for cpu in (0, 1)]
        assert moved[target] > 5 > moved[1 - target], (before, after)


def test_death_and_return(n, outside):
    """Without Dom0 local traffic continues and frames to the outside are counted as drops; when Dom0 is
    back, they pass."""
    ping(n, "alice", OUTSIDE)
    n.monitor("stop dom0")
    ended(n, "dom0")
    ping(n, "alice", ECHO_IP)
    unreachable(n, "alice", OUTSIDE, "uplink")
    ping(n, "alice", ECHO_IP)
    n.monitor("start dom0")
    wait_shell(n, "dom0", boots=2)
    assert about(n, "dom0")["starts"] == 2
    until("outside answers", lambda: answers(n, "alice", OUTSIDE))
    ping(n, "alice", OUTSIDE, 20)
    fetch(n, outside)


def test_linux_vxlan():
    """A VXLAN device in Dom0's bridge, instead of the wire, is connected to one of an ordinary Linux."""
    wire, nic, vni, inside = free_wire(), "e1000e,addr=3", 42, "10.1.0.2"
    here, there = wire_ports(wire)
    words = f"dom0=vxlan ip=192.0.2.1/24 vni={vni} remote=192.0.2.2 inner=10.1.0.20/24"
    backend = f"socket,id=n,udp=127.0.0.1:{there},localaddr=127.0.0.1:{here}"
    with LinuxMachine("far", [far(wire)], "ip=192.0.2.2/24") as m:
        with boot(conf(nic, words, "10.1.0.1", "mtu=1450"), "q35", nic, backend) as n:
            m.ready().run(f"ip link add vx type vxlan id {vni} dstport 4789 local 192.0.2.2 "
                          f"remote 192.0.2.1 dev eth0 && ip addr add {inside}/24 dev vx && "
                          "ip link set vx up")
            until("far answers", lambda: answers(n, "alice", inside))
            ping(n, "alice", inside, 20)
            tcp(n, "alice", inside, 2)
            assert not (lost := answered(m.run, "10.1.0.1", 20)), (lost, moved(n))
            ping(n, "dom0", inside)
            text = run(n, "dom0", "ip -d link show master br0")
            assert f"vxlan id {vni} remote 192.0.2.2" in text, text


@pytest.mark.parametrize("device, bar, at, seen", [
    ("qemu-xhci", 0, [0, 0x300c], ["0x01000040", "0x00000001"]),
    ("rtl8139,mac=52:54:00:12:34:56", 1, [0, 0x100], ["0x12005452", "0xFFFFFFFF"]),
], ids=["64bit", "256bytes"])
def test_bars(device, bar, at, seen):
    """Memory BARs that are not simply mapped: a 64-bit one with the MSI-X table among other registers, and
    one smaller than a page, with no register behind its end."""
    text = ("guest dom0 memory 256M kernel dom0-vmlinuz initrd dom0.cpio.gz pci 00:03.0 "
            f'cmdline "{LINE} name=dom0"\n')
    with node(text, [], [KERNEL, INITRD], cores=2, memory=512, machine="q35",
              nic=["-device", f"{device},addr=3"]) as n:
        n.ready()
        wait_shell(n, "dom0")
        resource = f"sed -n {bar + 1}p /sys/bus/pci/devices/0000:00:1f.0/resource"
        reads = "; ".join(f"devmem $(($1 + {offset})) 32" for offset in at)
        assert run(n, "dom0", f"set -- $({resource}); {reads}").split() == seen
