# SPDX-License-Identifier: BSD-2-Clause
"""The ways into Patio: each loader, each number of cores, both machines."""

import pytest

from machine import HERE, TINY, judge, node, said, until

CONF = f"""guest hello kernel hello.elf cmdline "hello=1 module=contents" \\
    module note args "a word" {TINY}
"""


@pytest.fixture(name="note")
def the_module(tmp_path):
    path = tmp_path / "note"
    path.write_bytes(b"contents")
    return str(path)


def finds_all(n, cores):
    """Patio starts all cores, and a guest finds its module and command line as declared."""
    n.expect(rf"Patio on {HERE.VENDOR} by [^:]*: {cores} core")
    n.ready()
    lines = judge(n, "hello")
    assert "ok module_bytes" in lines and "ok cmdline" in lines
    n.child.sendline("poweroff")
    assert n.wait_end()[0] == 0


@pytest.mark.parametrize("boot,cores,machine", [
    ("kernel", 1, "pc"), ("kernel", 2, "pc"), ("kernel", 4, "q35"),
    ("multiboot", 1, "pc"), ("multiboot", 1, "q35"), ("multiboot", 2, "pc"),
    pytest.param("multiboot2", 4, "pc", marks=pytest.mark.every_target), ("multiboot2", 2, "q35")])
def test_boot(note, boot, cores, machine):
    """By every loader, on both machines."""
    with node(CONF, ["hello"], [note], boot=boot, cores=cores, machine=machine,
              memory=256) as n:
        finds_all(n, cores)


@pytest.mark.parametrize("cores,machine", [(1, "pc"), (3, "pc"), (1, "q35"), (3, "q35")])
def test_uefi(note, cores, machine):
    """The same image, from the same kind of ISO, under UEFI."""
    with node(CONF, ["hello"], [note], boot="multiboot2", firmware="uefi", cores=cores,
              machine=machine, memory=256) as n:
        n.expect("Bds.*UEFI")  # the firmware's own words
        finds_all(n, cores)


def test_uefi_multiboot1():
    """Multiboot 1 cannot pass the address of UEFI's ACPI tables: one line says what to do instead."""
    with node(CONF, ["hello"], boot="multiboot", firmware="uefi", memory=256) as n:
        status, text = n.wait_end()
    assert status == 125 and "under UEFI, load by GRUB's multiboot2 command" in text, text


@pytest.mark.parametrize("machine,nic,memory", [("pc", "e1000", 512), ("q35", "e1000e", 5120)])
def test_uefi_passthrough(machine, nic, memory):
    """Dom0 has its NIC where UEFI put it, and after UEFI's own driver."""
    conf = "guest dom0 memory 64M kernel dom0.elf pci 00:03.0\nport uplink guest dom0 edge\n"
    with node(conf, ["dom0"], boot="multiboot2", firmware="uefi", machine=machine, memory=memory,
              nic=["-netdev", "user,id=n", "-device", f"{nic},netdev=n,addr=3"]) as n:
        n.ready()
        until("the bridge is ready", lambda: "bridge ready" in said(n, "dom0"))


@pytest.mark.every_target
def test_poweroff_when_all_have_ended():
    """`idle poweroff` ends the node after its last guest."""
    conf = f'guest hello kernel hello.elf cmdline "hello=1" {TINY}\nidle poweroff\n'
    with node(conf, ["hello"], memory=256) as n:
        assert n.wait_end()[0] == 0
