# SPDX-License-Identifier: BSD-2-Clause
"""What each target inside Linux and KVM must be able to do, on one node, because their boots cost
most: boot, interrupts without exits, the corners of the world switch, NMIs."""

import pytest

from machine import HERE, TINY, node, only_on, passes
from patio import cpio
from patio.emulator import Emulator

pytestmark = [pytest.mark.nested("kvm-svm", "kvm-vmx"),
              pytest.mark.skipif(not HERE.NAME.startswith("kvm-"),
                                 reason="inside KVM only: other targets have a file for each")]
NAMES = ["hello", "x2apic", "corners", "nmi"]
CONF = f"""guest hello kernel hello.elf cmdline "hello=1" {TINY} autostart no
guest x2apic kernel x2apic.elf {TINY} autostart no
guest corners kernel corners.elf {TINY} autostart no
guest nmi kernel nmi.elf cmdline "rounds=300" cpus 2 {TINY} autostart no
"""


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, NAMES, cores=3, memory=256) as n:
        yield n.ready()


def test_machine(n):
    """KVM is seen underneath, with the vendor's virtualization, and an exit costs time there."""
    m = n.show("machine")["machine"]
    assert (m["vendor"], m["hypervisor"], m["cores"]) == (HERE.VENDOR, "KVM", 3), m
    assert 0 < m["exit_ticks"] <= m["exit_median_ticks"], m


@pytest.mark.parametrize("name", NAMES)
def test_guest(n, name):
    passes(n, name)


def test_poweroff(n):
    """KVM has nothing to complain of, and the node's end is the machine's."""
    n.child.sendline("poweroff")
    status, text = n.wait_end()
    assert status == 0 and "kvm: QEMU ended" not in text, text


@only_on("kvm-vmx", "QEMU's serial line takes no time")
def test_last_output():
    """What the Linux prints right before it powers off arrives, though its serial line is slower."""
    last = Emulator()
    last.patience = HERE.PATIENCE
    with last:
        last.start(HERE.emulator(cpio.archive({"node/run": b"seq -w 1 2000\nexit 1\n"}), last.folder, memory=256))
        last.expect(r"\b2000\r*\n")
        assert last.child.before.split()[-1999:] == [f"{n:04}" for n in range(1, 2000)], last.child.before
