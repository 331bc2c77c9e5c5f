# SPDX-License-Identifier: BSD-2-Clause
"""A Linux guest that starts another kernel without the node's knowledge: by kexec, and after a panic.
Another guest sends frames to it all the time, also while no driver runs its NIC."""

import os
import shutil
import subprocess

import pytest

from patio.hardware import BUILD
from linux import LINE, ping, run, wait_shell
from machine import TINY, about, moved, node, only_on
from patio.node import LINUX

pytestmark = only_on("qemu-svm", "three boots of Linux")

ALICE, ECHO, MAC = "10.0.0.1", "10.0.0.2", "52:54:00:00:00:0a"
WORDS = f"{LINE} name=alice ip={ALICE}/24"
PARTS = {"vmlinuz": LINUX[0], "initrd": LINUX[1], "kexec": os.path.join(BUILD, "linux", "kexec")}
CONF = f"""guest alice memory 512M kernel vmlinuz initrd kexec.initrd cmdline "{WORDS}"
guest echo kernel echo.elf cmdline "ip={ECHO}" {TINY}
guest caller kernel ping.elf cmdline "peer={MAC} n=10000 loss=1 timeout=200000000" {TINY} restart always
port alice guest alice mac {MAC}
port echo guest echo
port caller guest caller
"""


@pytest.fixture(name="initrd", scope="module")
def the_initrd(tmp_path_factory):
    """The image's initrd, followed by an archive with a kernel, the image's initrd and the program that
    loads them.  An archive must begin at a multiple of four bytes."""
    folder = tmp_path_factory.mktemp("kexec")
    (folder / "kexec").mkdir()
    for name, path in PARTS.items():
        shutil.copy(path, folder / "kexec" / name)
    first = folder / "kexec" / "initrd"
    first.write_bytes(first.read_bytes() + bytes(-first.stat().st_size % 4))
    names = "\n".join(["kexec", *(f"kexec/{name}" for name in PARTS)])
    more = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=folder, input=names.encode(),
                          capture_output=True, check=True).stdout
    (folder / "kexec.initrd").write_bytes(first.read_bytes() + more)
    return str(folder / "kexec.initrd")


@pytest.fixture(name="n", scope="module")
def the_node(initrd):
    with node(CONF, ["echo", "ping"], [LINUX[0], initrd], cores=4, memory=768) as n:
        n.ready()
        wait_shell(n, "alice")
        yield n


def test_kexec(n):
    """The first kernel leaves its NIC reset or (an older Linux) with bus mastering off: from then on the
    node writes nothing into its rings, and the second kernel can drive the NIC."""
    ping(n, "alice", ECHO)
    before = n.counter("alice", "drop.port_down")
    run(n, "alice", "(cat kexec/initrd; find kexec | cpio -o -H newc) >/tmp/second")
    n.child.send(f"kexec/kexec kexec/vmlinuz /tmp/second '{WORDS} second crashkernel=128M'\n")
    wait_shell(n, "alice", 2)
    assert " second " in run(n, "alice", "cat /proc/cmdline")
    left = n.counter("alice", "resets") == 3 or n.counter("alice", "master_off") == 1
    assert left and n.counter("alice", "starts") == 2, moved(n)
    assert n.counter("alice", "drop.port_down") > before
    ping(n, "alice", ECHO)
    assert about(n, "alice")["starts"] == 1


def test_crash_kernel(n):
    """The crash kernel, in its reserved memory, finds the NIC still running, and can drive it; it can read
    the memory of the first kernel."""
    run(n, "alice", f"kexec/kexec -p kexec/vmlinuz kexec/initrd '{WORDS} third'")
    n.child.send("echo c >/proc/sysrq-trigger\n")
    wait_shell(n, "alice", 3)
    assert " third" in run(n, "alice", "cat /proc/cmdline")
    run(n, "alice", '[ "$(head -c 4 /proc/vmcore | tail -c 3)" = ELF ]')
    ping(n, "alice", ECHO)
    assert about(n, "alice")["starts"] == 1
