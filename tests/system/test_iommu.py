# SPDX-License-Identifier: BSD-2-Clause
"""A device that attacks: a guest has QEMU's `edu` and lets it read and write the VMM, another guest, memory
where nothing is, and the addresses of interrupts.  The machine's memory, a file, shows what it reached."""

import mmap

import pytest

from linux import boot as boot_linux
from linux import linux, ping
from machine import TINY, about, ended, judge, node, only_on, refuse, said, until
from patio.node import guest

INTEL = ["-device", "intel-iommu,intremap=on,eim=on"]
AMD = ["-device", "amd-iommu,pt=off,intremap=on"]
EDU = ["-device", "edu,addr=4,dma_mask=0xffffffff"]
SECRET = "hello=1 secret=98431"
VICTIM = f'guest victim kernel hello.elf cmdline "{SECRET}" {TINY}\n'
MARK = b"DMA was here: "
CODE = slice(0x1100, 0x1200)  # of hello.elf, the same in each copy
IMAGE, HOLE = 0x100000, 0xD0000000  # the VMM's multiboot header, of no use after the boot; no memory

pytestmark = only_on("qemu-svm", "the other targets have no IOMMU")


def boot(conf, machine, memory, *options):
    return node(conf, ["hello", "dma"], machine="q35", memory=128, memory_file=str(memory),
                extra=(*machine, *EDU, *options))


def places(memory, what):
    """The physical addresses at which these bytes are."""
    found = []
    with open(memory, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        while (at := m.find(what, found[-1] + 1 if found else 0)) >= 0:
            found.append(at)
    return found


def attack(n, memory, words):
    """Gives the device to a guest that attacks the victim and what `words` name; its lines, and the address
    of the victim's memory."""
    with open(guest("hello"), "rb") as f:
        victim = max(places(memory, f.read()[CODE]))
    n.monitor(f'guest dma kernel dma.elf {TINY} pci 00:04.0 '
              f'cmdline "other={victim:#x} {words}"')
    return judge(n, "dma"), victim


@pytest.fixture(name="memory")
def the_memory(tmp_path):
    return tmp_path / "memory"


def test_without(memory):
    """Without an IOMMU all is reached, as the warning says."""
    with boot(VICTIM, [], memory) as n:
        n.ready()
        judge(n, "victim")
        lines, victim = attack(n, memory, f"vmm={IMAGE:#x} hole={HOLE:#x} cores=2")
        assert "vmm reads 02b0ad1b" in "\n".join(lines), lines
        assert places(memory, MARK + b"vmm") == [IMAGE]
        assert places(memory, MARK + b"other") == [victim]
        assert "forged interrupts: 1" in lines
        answer = n.monitor("iommu require")
        assert "this machine has no IOMMU (the firmware's tables name none)" in answer, answer


def confined(memory, machine, forged, settle):
    """With one, nothing is reached; what the guest itself has stays usable.  `forged`: how many of the
    interrupts that nobody set up this emulator lets through all the same.  Yields the node."""
    with boot(VICTIM + "iommu require\n", machine, memory) as n:
        n.ready()
        judge(n, "victim")
        vmm = max(places(memory, SECRET.encode()))  # in the VMM's description of the node
        lines, _ = attack(n, memory, f"vmm={vmm & ~31:#x} hole={HOLE:#x} cores=2 settle={settle}")
        assert "low memory: reached" in lines and f"forged interrupts: {forged}" in lines, lines
        assert "hole reads" + " 0000000000000000" * 4 in lines, lines
        for name in "vmm", "other":
            assert f"{name} reads" + " 0000000000000000" * 4 in lines, lines
            assert not places(memory, MARK + name.encode()), name
        assert not places(memory, MARK + b"hole")
        refuse(n, "iommu off\n", "iommu: it cannot be switched off while guest dma has a device")
        yield n


@pytest.fixture(name="amd")
def the_amd(memory):
    yield from confined(memory, AMD, forged=0, settle=0)


def test_amd_vi(amd):
    """AMD-Vi confines the device, over restarts of its guest, too."""
    amd.monitor("start dma")
    until("it started again", lambda: about(amd, "dma")["starts"] == 2)
    ended(amd, "dma")
    assert "FAIL" not in said(amd, "dma")


@pytest.fixture(name="intel")
def the_intel(memory):
    # QEMU's unit lets messages in the old form pass (docs/emulator-traps.md).
    yield from confined(memory, INTEL, forged=1, settle=1)


def test_vt_d(intel):
    """VT-d does, too, and what it stops is counted: for the device, and, as QEMU's edu does not say who it
    is when it writes to the addresses of interrupts, for nobody."""
    counted = {(c["object"], c["counter"]): c["value"] for c in intel.show("counters")["counters"]}
    stopped = [counted.get(("dma", f"device.00:04.0.stopped_{kind}"), 0) for kind in ("reads", "writes")]
    assert any(stopped) and counted[("node", "iommu.stopped_interrupts")], counted


def test_off(memory):
    """`iommu off`: the device reaches all, with a warning; and on again once no guest has a device."""
    with boot(VICTIM + "iommu off\n", AMD, memory) as n:
        n.ready()
        judge(n, "victim")
        _, victim = attack(n, memory, "")
        assert places(memory, MARK + b"other") == [victim]
        refuse(n, "iommu require\n", "iommu: it cannot be switched on while guest dma has a device")


@pytest.mark.parametrize("machine,nic", [(AMD, "e1000e"), (INTEL, "e1000")], ids=["msi", "pin"])
def test_driver(machine, nic):
    """An ordinary driver behind an IOMMU: Dom0's NIC, with its interrupts by MSI and by its pin.  Dom0 sleeps
    until one comes."""
    conf = f"""iommu require
guest dom0 memory 64M kernel dom0.elf pci 00:03.0
{linux("alice", "10.0.2.11", line="gw=10.0.2.2")}
port uplink guest dom0 edge
port alice guest alice
"""
    with boot_linux(conf, ["alice"], ["dom0"], cores=3, memory=512, machine="q35", extra=machine,
                    nic=["-netdev", "user,id=n", "-device", f"{nic},netdev=n,addr=3"]) as n:
        until("the bridge is ready", lambda: "bridge ready" in said(n, "dom0"))
        ping(n, "alice", "10.0.2.2", 5)
        assert not [c for c in n.show("counters")["counters"] if "stopped" in c["counter"]]
