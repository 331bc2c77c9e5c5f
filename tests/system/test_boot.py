"""The ways into Patio: each loader, each number of cores, both machines."""

import pytest

from machine import HERE, TINY, judge, node

CONF = f"""guest hello kernel hello.elf cmdline "hello=1 module=contents" \\
    module note args "a word" {TINY}
"""
CPU = {"qemu-svm": "AMD SVM", "bochs-vmx": "Intel VT-x"}[HERE.NAME]


@pytest.mark.parametrize("boot,cores,machine", [
    ("kernel", 1, "pc"), ("kernel", 2, "pc"), ("kernel", 4, "q35"),
    ("multiboot", 1, "pc"), ("multiboot", 1, "q35"), ("multiboot", 2, "pc"),
    pytest.param("multiboot2", 4, "pc", marks=pytest.mark.every_target), ("multiboot2", 2, "q35")])
def test_boot(tmp_path, boot, cores, machine):
    """Patio starts all cores, and a guest with a module and a command line finds all it expects."""
    note = tmp_path / "note"
    note.write_bytes(b"contents")
    with node(CONF, ["hello"], [str(note)], boot=boot, cores=cores, machine=machine,
              memory=256) as n:
        n.expect(rf"Patio on {CPU} by [^:]*: {cores} core")
        n.ready()
        lines = judge(n, "hello")
        assert "ok module_bytes" in lines and "ok cmdline" in lines
        n.child.sendline("poweroff")
        assert n.wait_end()[0] == 0


@pytest.mark.every_target
def test_poweroff_when_all_have_ended():
    """`idle poweroff` ends the node after its last guest."""
    conf = f'guest hello kernel hello.elf cmdline "hello=1" {TINY}\nidle poweroff\n'
    with node(conf, ["hello"], memory=256) as n:
        assert n.wait_end()[0] == 0
