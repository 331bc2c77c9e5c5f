# SPDX-License-Identifier: BSD-2-Clause
"""The VMM's own page tables: a forbidden access of the VMM ends the node with a panic that says why."""

import re
import socket

import pytest

from machine import TINY, node, only_on, until

PANIC = 127  # the node's status; PANIC_STATUS in arch/x86_64/panic.h
CONF = f"guest echo kernel hello.elf {TINY} autostart no\n"


def forbidden(what, reason, *marks):
    return pytest.param(what, reason, marks=marks, id=what)


@pytest.mark.parametrize("what,reason", [
    forbidden("text-write", "write to read-only text", pytest.mark.every_target),
    forbidden("rodata-write", "write to read-only data"),
    forbidden("module-write", "write to a boot module"),
    forbidden("data-execute", "execution of data", pytest.mark.every_target),
    forbidden("rodata-execute", "execution of data"),
    forbidden("heap-execute", "execution of data"),
    forbidden("null-read", "null pointer"),
    forbidden("stack-overflow", "stack overflow"),
    forbidden("stack-overflow-1", "stack overflow", pytest.mark.every_target)])
def test_forbidden(what, reason):
    """The VMM makes the access itself (vmm/self_test.c): the panic has the reason and a back-trace."""
    with node(CONF, ["hello"], memory=256, cores=2, options=f"self-test={what}") as n:
        status, text = n.wait_end()
    assert "nothing stopped it" not in text
    core = 1 if what.endswith("-1") else 0
    assert f"panic on core {core}: exception" in text, text
    assert f"\n  {reason}" in text, text
    caller = "deeper" if reason == "stack overflow" else "boot_main"
    assert re.search(rf"#\d+ +[0-9a-f]{{16}} {caller}[\w.]*\+0x", text), text
    assert status == PANIC


def ask(path, command):
    """Sends a command to QEMU's monitor; returns the answer."""
    with socket.socket(socket.AF_UNIX) as s:
        until("the emulator's monitor", lambda: not s.connect_ex(str(path)))
        text = b""
        for line in (None, command):
            if line:
                s.sendall(line.encode() + b"\n")
            text = b""
            while not text.endswith(b"(qemu) "):
                text += s.recv(65536)
    return text.decode().replace("\r", "")


def read_port(path, size, port):
    return int(re.search(r"= 0x([0-9a-f]+)", ask(path, f"i/{size} {port:#x}"))[1], 16)


def functions(path):
    """All PCI functions of the machine, each as a number of bus, device and function."""
    rows = re.findall(r"Bus +(\d+), device +(\d+), function +(\d+)", ask(path, "info pci"))
    assert rows
    return [int(b) << 8 | int(d) << 3 | int(f) for b, d, f in rows]


def monitor(path):
    return ["-monitor", f"unix:{path},server=on,wait=off"]


@only_on("qemu-svm", "its monitor reads configuration space")
@pytest.mark.parametrize("machine,firmware", [("q35", "bios"), ("pc", "uefi")])
def test_masters(tmp_path, machine, firmware):
    """Once Patio runs, bus mastering is off in every function but bridges, also in the controller from which
    the firmware has booted."""
    path = tmp_path / "monitor"
    disk = ["-drive", "if=none,id=d,format=raw,file=/dev/zero,readonly=on,file.locking=off",
            "-device", "pci-bridge,id=behind,chassis_nr=1,addr=9",
            "-device", "virtio-blk-pci,drive=d,bus=behind,addr=4"]
    with node(CONF, ["hello"], memory=256, machine=machine, firmware=firmware, boot="multiboot2",
              options="log=debug", extra=monitor(path) + disk) as n:
        n.expect(r"PCI: (\d+) functions, bus mastering turned off in (\d+)")
        turned_off = int(n.child.match.group(2))
        n.ready()
        masters = []
        for bdf in functions(path):
            ask(path, f"o/w 0xcf8 {1 << 31 | bdf << 8 | 4:#x}")
            if read_port(path, "h", 0xcfc) & 4:
                ask(path, f"o/w 0xcf8 {1 << 31 | bdf << 8 | 8:#x}")
                masters.append((bdf, read_port(path, "w", 0xcfc) >> 24))
    assert turned_off
    assert all(kind == 6 for _, kind in masters), masters


@only_on("qemu-svm", "its monitor shows the registers")
def test_registers(tmp_path):
    """CR0.WP, SMEP and SMAP on each core."""
    path = tmp_path / "monitor"
    with node(CONF, ["hello"], memory=256, cores=3, extra=monitor(path)) as n:
        n.ready()
        text = ask(path, "info registers -a")
    cr0 = [int(v, 16) for v in re.findall(r"CR0=([0-9a-f]{8})", text)]
    cr4 = [int(v, 16) for v in re.findall(r"CR4=([0-9a-f]{8})", text)]
    assert len(cr0) == len(cr4) == 3
    assert all(v & 1 << 16 for v in cr0) and all(v >> 20 & 3 == 3 for v in cr4), (cr0, cr4)


@only_on("qemu-svm", "its monitor shows the map")
@pytest.mark.parametrize("memory", [256, 5120])
def test_map(tmp_path, memory):
    """The page tables as the CPU walks them: no user page, no page writable and executable, and only text
    executable."""
    path = tmp_path / "monitor"
    with node(CONF, ["hello"], memory=memory, extra=monitor(path)) as n:
        n.ready()
        rows = re.findall(r"^([0-9a-f]{16}): [0-9a-f]{16} (\S{9})$", ask(path, "info tlb"), re.M)
    assert len(rows) > 2048  # the first 4 GiB by 2 MiB
    assert not [r for r in rows if "U" in r[1]]
    run = [int(r[0], 16) for r in rows if "X" not in r[1]]  # X: may not be executed
    assert run and run == list(range(0x100000, run[-1] + 1, 4096)), run
    assert not [r for r in rows if "X" not in r[1] and "W" in r[1]]
    assert int(rows[0][0], 16) == 0x1000  # page 0 is not mapped
