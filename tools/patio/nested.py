# SPDX-License-Identifier: BSD-2-Clause
"""Patio under Linux and KVM, as on a developer's machine, also where the CPU cannot nest: an emulator
runs Debian's kernel with KVM (tools/kvm/), in which a QEMU with -accel kvm runs the node.

The emulator's first serial port is the node's; the second has what the node writes to port 0xE9, and
then what the Linux between reports, which without a second port the first has.
"""

import os
import shlex

from . import bochs
from . import cpio
from . import qemu
from .hardware import BUILD, VENDORS, Unsupported, grub_iso

LINUX = os.path.join(BUILD, "linux", "vmlinuz")
INITRD = os.path.join(BUILD, "kvm", "initrd.cpio.lz4")
LINE = "console=ttyS0 loglevel=0 nokaslr mitigations=off cryptomgr.notests panic=-1 no_timer_check"
REPORT = "report=/dev/ttyS1"  # in that line, if something takes what the second serial port sends
LINUX_MEMORY = 208  # MiB for Linux, its initramfs and QEMU, beside the node's memory


def line(second):
    """The kernel's command line; `second`: the file for what the second serial port sends, or None."""
    return f"{LINE} {REPORT}" if second else LINE


class Nested:
    """A target (tools/patio/targets.py).  A subclass has emulator(archive, folder, ...): the command
    line of the emulator for such an archive, `memory` MiB, and the file `second` for what its second
    serial port takes; it prepares `folder`."""

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
        """The node's files, and the command that runs it, as an archive."""
        names = [os.path.basename(f) for f in files]
        node = {f"node/{name}": os.path.join(folder, path)
                for name, path in [("patio.elf", m.image), *zip(names, files)]}
        command = [qemu.BINARY, *qemu.pc(m), *qemu.KVM,
                   *(["-debugcon", "file:/dev/ttyS1"] if m.debugcon else []),
                   *qemu.kernel("patio.elf", names, m.options)]
        return cpio.archive(node | {"node/run": f"exec {shlex.join(command)}\n".encode()})

    def command(self, m, files, folder):
        """The command line for machine `m` with its boot modules, patio.conf first; prepares
        `folder`."""
        self._refuse(m)
        return self.emulator(self._archive(m, files, folder), folder,
                             memory=m.memory + LINUX_MEMORY, second=m.debugcon)

    def agrees(self, _code, _status):
        """Always true: Linux powers the emulator off whatever the node's status is."""
        return True


class InQemu(Nested):
    """AMD SVM: in QEMU's TCG."""

    version = staticmethod(qemu.version)
    complaints = qemu.SVM.complaints

    def accelerator(self):
        return "KVM in QEMU's TCG"

    def emulator(self, archive, folder, *, memory, second=None, binary=qemu.BINARY,
                 clock=("-accel", "tcg,thread=single")):
        """One CPU, because with more TCG delivers some injected interrupts twice
        (docs/emulator-traps.md)."""
        initrd = os.path.join(folder, "initrd")
        cpio.write(initrd, archive, INITRD)  # the packed archive must be the last
        return [binary, "-M", "pc", "-m", str(memory), "-smp", "1",
                "-nodefaults", "-display", "none", "-no-reboot", "-cpu", qemu.TCG_CPU,
                *clock, "-kernel", LINUX, "-initrd", initrd, "-append", line(second),
                "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
                "-serial", f"file:{second}" if second else "null"]


class InBochs(Nested):
    """Intel VT-x: in Bochs.  One CPU, because Bochs steps all CPUs in one thread."""

    version = staticmethod(bochs.version)
    complaints = staticmethod(bochs.complaints)

    def accelerator(self):
        return "KVM in Bochs"

    def emulator(self, archive, folder, *, memory, second=None, cores=1):
        """Linux is told the TSC's rate, because Bochs's CPUID names another one."""
        most = bochs.MEMORY_MAX
        if memory > most:
            raise Unsupported(f"{self.NAME}: no {memory - LINUX_MEMORY} MiB of memory, "
                              f"{most - LINUX_MEMORY} at most")
        commands = [f"linux /boot/vmlinuz {line(second)} idle=poll tsc_early_khz={bochs.IPS // 1000}",
                    "initrd /boot/node.cpio /boot/kvm.cpio"]
        node = os.path.join(folder, "node.cpio")
        cpio.write(node, archive)
        iso = grub_iso(folder, commands, {"vmlinuz": LINUX, "node.cpio": node, "kvm.cpio": INITRD})
        bochs.write_rc(folder, iso, cpu=bochs.CPU, cores=cores, memory=memory, slots="",
                       nic=f"com2: enabled=1, mode=file, dev={second}\n" if second else "")
        return bochs.run(folder)


SVM, VMX = InQemu("svm", 4), InBochs("vmx", 32)
