# SPDX-License-Identifier: BSD-2-Clause
"""What each target inside Linux and KVM must support: boot, interrupts without exits, corner cases of the
world switch, NMIs.  On one node, because booting these targets takes long."""

import pytest

from machine import HERE, TINY, node, passes

pytestmark = [pytest.mark.nested("kvm-svm", "kvm-vmx"),
              pytest.mark.skipif(not HERE.NAME.startswith("kvm-"),
                                 reason="inside KVM only: other targets have a file for each")]
# Two vCPUs that wait for each other hang on kvm-vmx, which has one CPU (docs/emulator-traps.md).
NAMES = ["hello", "x2apic", "corners"] + (["nmi"] if HERE.NAME == "kvm-svm" else [])
CONF = f"""guest hello kernel hello.elf cmdline "hello=1" {TINY} autostart no
guest x2apic kernel x2apic.elf {TINY} autostart no
guest corners kernel corners.elf {TINY} autostart no
guest nmi kernel nmi.elf cmdline "rounds=300" cpus 2 {TINY} autostart no
"""


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, ["hello", "x2apic", "corners", "nmi"], cores=3, memory=256) as n:
        yield n.ready()


def test_machine(n):
    """The node detects KVM and the CPU's virtualization, and has measured the cost of an exit."""
    m = n.show("machine")["machine"]
    assert (m["vendor"], m["hypervisor"], m["cores"]) == (HERE.VENDOR, "KVM", 3), m
    assert 0 < m["exit_ticks"] <= m["exit_median_ticks"], m


@pytest.mark.parametrize("name", NAMES)
def test_guest(n, name):
    passes(n, name)


def test_poweroff(n):
    """KVM logs no warning, and the node's end ends the machine."""
    n.child.sendline("poweroff")
    status, text = n.wait_end()
    assert status == 0 and "kvm: QEMU ended" not in text, text
