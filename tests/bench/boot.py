# SPDX-License-Identifier: BSD-2-Clause
"""What booting a Linux guest costs, and what the VMM keeps for itself: boot.json."""

import os
import re
import subprocess

from icount import CPU, EXTRA, conditions
from patio.hardware import IMAGE
from patio.node import LINUX, Node, NodeError
from patio.qemu import ICOUNT

MEMORY = 256  # MiB of the guest, and of the bare machine
WORDS = "quiet nokaslr name=alice run=netprobe+clock"
LINES = {"Debian's kernel as it is": WORDS, "cryptomgr.notests": f"cryptomgr.notests {WORDS}"}
PEER = "bare: the same kernel and initramfs without Patio, firmware included"


def clock(text):
    match = re.search(r'"kind":"clock","tsc":(\d+)', text)
    if not match:
        raise NodeError(f"no clock in the guest's output: {text[-1000:]}")
    return int(match[1])


def page_up(size):
    return (size + 4095) & ~4095


def memory_row(node):
    """Bytes: the image in memory, the VMM's tables, and all that is not the guest's."""
    m = node.show("memory")["memory"]
    modules = sum(page_up(os.stat(f).st_size) for f in LINUX)
    return {"image_file_bytes": os.stat(IMAGE).st_size, "image_memory_bytes": m["image"],
            "vmm_tables_bytes": m["vmm"],
            "kept_bytes": m["total"] - m["free"] - (MEMORY << 20) - modules}


def patio(name, words):
    """A node with alice alone."""
    words = f"console=hvc0 {words}"
    conf = (f'guest alice cpus 1 memory {MEMORY}M kernel vmlinuz initrd initrd.cpio.gz '
            f'cmdline "{words}"\nport alice.0 guest alice\nconsole alice\nlog debug\n')
    with Node(conf, LINUX, cores=2, memory=512, icount=True, cpu=CPU, extra=EXTRA, timeout=400,
              options="log=debug") as node:
        entry = int(node.expect(r"entered at TSC (\d+)").group(1))
        start = int(node.expect(r"guest alice runs from TSC (\d+)").group(1))
        shell = int(node.expect(r'"kind":"clock","tsc":(\d+)').group(1))
        node.where = "alice"
        return {"system": "patio", "variant": name, "reset_to_entry_insn": entry,
                "entry_to_guest_insn": start - entry, "entry_to_shell_insn": shell - entry,
                "reset_to_shell_insn": shell, **memory_row(node),
                "conditions": conditions(cores=2, guest_cpus=1, guest_memory=f"{MEMORY}M",
                                         command_line=words)}


def bare(name, words):
    """The same kernel on the emulated machine itself; it ends by a reset."""
    words = f"console=ttyS0 {words};poweroff"
    command = ["qemu-system-x86_64", "-M", "q35", "-m", str(MEMORY), "-smp", "1", "-nodefaults",
               "-display", "none", "-no-reboot", "-serial", "stdio", "-cpu", CPU, *ICOUNT, *EXTRA,
               "-kernel", LINUX[0], "-initrd", LINUX[1], "-append", words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False,
                          stdin=subprocess.DEVNULL)
    return {"system": "bare", "variant": name, "reset_to_shell_insn": clock(done.stdout),
            "conditions": conditions(cores=1, guest_memory=f"{MEMORY}M", command_line=words)}


def run(_nodes):
    """All rows."""
    return [system(name, words) for name, words in LINES.items() for system in (patio, bare)]


def judge(_row):
    return []


def where(row):
    """What Patio itself took, and what it made of the kernel's boot."""
    if row["system"] == "bare":
        return None
    return (f"{row['entry_to_guest_insn']} Patio up to the guest's start (clearing its memory "
            f"included), {row['entry_to_shell_insn'] - row['entry_to_guest_insn']} the guest")


LABEL = ("system", "variant")
COLUMNS = ("system", "variant", "entry_to_guest_insn", "entry_to_shell_insn",
           "reset_to_shell_insn", "image_file_bytes", "image_memory_bytes", "kept_bytes")
