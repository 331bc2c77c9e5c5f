# SPDX-License-Identifier: BSD-2-Clause
"""Patio under Linux and KVM, as on a developer's machine, also where the CPU cannot nest: an emulator
runs Debian's kernel with KVM (tools/kvm/), in which a QEMU with -accel kvm runs the node.

The emulator's first serial port is the node's; the second has what the node writes to port 0xE9.
"""

import os
import shlex
import shutil
import subprocess

from . import bochs
from . import qemu
from .hardware import BUILD, VENDORS, Unsupported, grub_iso

LINUX = os.path.join(BUILD, "linux", "vmlinuz")
INITRD = os.path.join(BUILD, "kvm", "initrd.cpio.lz4")
LINE = "console=ttyS0 quiet nokaslr mitigations=off cryptomgr.notests panic=-1 no_timer_check"
LINUX_MEMORY = 208  # MiB for Linux, its initramfs and QEMU, beside the node's memory


class Nested:
    """A target (tools/patio/targets.py); a subclass has the emulator."""

    def __init__(self, vendor, patience):
        self.NAME = f"kvm-{vendor}"
        self.VENDOR = VENDORS[vendor]
        self.PATIENCE = patience
        self.LOSES_EARLY_INPUT = True

    def _refuse(self, m):
        """Raises Unsupported for a property that the inner machine does not have."""
        missing = {
            "no GRUB": m.boot not in (None, "kernel"), "no icount": m.icount,
            "no UEFI": m.firmware != "bios", f"no CPU {m.cpu}": m.cpu,
            "no wire": m.wire is not None or m.hub is not None,
            "no arguments of QEMU": m.nic or m.extra,
        }
        for what, asked in missing.items():
            if asked:
                raise Unsupported(f"{self.NAME}: {what}")

    def _archive(self, m, files, folder):
        """Writes node.cpio: the node's files, and the command that runs it."""
        node = os.path.join(folder, "node")
        os.makedirs(node)
        names = [os.path.basename(f) for f in files]
        for name, path in [("patio.elf", m.image), *zip(names, files)]:
            os.symlink(os.path.abspath(os.path.join(folder, path)), os.path.join(node, name))
        command = [qemu.BINARY, *qemu.pc(m), *qemu.KVM,
                   *(["-debugcon", "file:/dev/ttyS1"] if m.debugcon else []),
                   *qemu.kernel("patio.elf", names, m.options)]
        with open(os.path.join(node, "run"), "w", encoding="ascii") as run:
            run.write(f"exec {shlex.join(command)}\n")
        archive = os.path.join(folder, "node.cpio")
        listing = "\n".join(["node", *(f"node/{n}" for n in sorted(os.listdir(node)))])
        with open(archive, "wb") as out:
            subprocess.run(["cpio", "-o", "-H", "newc", "-L", "--quiet"], cwd=folder, check=True,
                           input=listing.encode(), stdout=out)
        shutil.rmtree(node)
        return archive

    def command(self, m, files, folder):
        """The command line for machine `m` with its boot modules, patio.conf first; prepares
        `folder`."""
        self._refuse(m)
        return self.emulator(m, self._archive(m, files, folder), folder)

    def agrees(self, _code, _status):
        """Always true: Linux powers the emulator off whatever the node's status is."""
        return True


class InQemu(Nested):
    """AMD SVM: in QEMU's TCG."""

    version = staticmethod(qemu.version)
    complaints = qemu.SVM.complaints

    def accelerator(self):
        return "KVM in QEMU's TCG"

    def emulator(self, m, archive, folder):
        """One CPU, because with more TCG delivers some injected interrupts twice
        (docs/emulator-traps.md)."""
        initrd = os.path.join(folder, "initrd")
        with open(initrd, "wb") as out:  # the packed archive must be the last
            for part in archive, INITRD:
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, out)
        return [qemu.BINARY, "-M", "pc", "-m", str(m.memory + LINUX_MEMORY), "-smp", "1",
                "-nodefaults", "-display", "none", "-no-reboot", "-cpu", qemu.TCG_CPU,
                "-accel", "tcg,thread=single", "-kernel", LINUX, "-initrd", initrd, "-append", LINE,
                "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
                "-serial", f"file:{m.debugcon}" if m.debugcon else "null"]


class InBochs(Nested):
    """Intel VT-x: in Bochs.  One CPU, because Bochs steps all CPUs in one thread."""

    version = staticmethod(bochs.version)
    complaints = staticmethod(bochs.complaints)

    def accelerator(self):
        return "KVM in Bochs"

    def emulator(self, m, archive, folder):
        """Linux is told the TSC's rate, because Bochs's CPUID names another one."""
        most = bochs.MEMORY_MAX - LINUX_MEMORY
        if m.memory > most:
            raise Unsupported(f"{self.NAME}: no {m.memory} MiB of memory, {most} at most")
        commands = [f"linux /boot/vmlinuz {LINE} idle=poll tsc_early_khz={bochs.IPS // 1000}",
                    "initrd /boot/node.cpio /boot/kvm.cpio"]
        iso = grub_iso(folder, commands, {"vmlinuz": LINUX, "node.cpio": archive,
                                          "kvm.cpio": INITRD})
        bochs.write_rc(folder, iso, cpu=bochs.CPU, cores=1, memory=m.memory + LINUX_MEMORY, slots="",
                       nic=f"com2: enabled=1, mode=file, dev={m.debugcon}\n" if m.debugcon else "")
        return bochs.run(folder)


SVM, VMX = InQemu("svm", 4), InBochs("vmx", 32)
