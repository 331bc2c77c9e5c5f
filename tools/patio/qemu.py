# SPDX-License-Identifier: BSD-2-Clause
"""QEMU: with AMD SVM by KVM where it nests SVM, else by TCG; with Intel VT-x by KVM alone."""

import subprocess

from .hardware import VENDORS, Unsupported, make_iso, wire_ports
from .kvm import nesting

BINARY = "qemu-system-x86_64"
MODULES = "/usr/lib/x86_64-linux-gnu/qemu"  # for a copy of it elsewhere
TCG_CPU = "EPYC,+x2apic"
# With vapic, QEMU handles each write of the APIC's task priority and then sets the vCPU's registers; KVM
# thereby corrupts the control registers that a nested guest reads (docs/emulator-traps.md).
KVM = ["-cpu", "host", "-accel", "kvm", "-global", "kvm-apic.vapic=off"]
ICOUNT = ["-icount", "shift=0,sleep=off"]


def version():
    """QEMU's version, from its own output."""
    return subprocess.run([BINARY, "--version"], capture_output=True, text=True,
                          check=True).stdout.split("\n")[0]


def tcg_clock(m):
    """The arguments for TCG's clock and number of threads."""
    if m.icount:
        return ICOUNT
    return ["-accel", "tcg,thread=single"] if m.single else []


def _firmware(m):
    """The arguments for OVMF, with a copy of its variables for this machine; none for SeaBIOS."""
    if m.firmware == "bios":
        return []
    if m.boot in (None, "kernel"):
        raise Unsupported(f"{m.firmware} boots by GRUB only")
    flash = "if=pflash,format=raw,file=/usr/share/OVMF/OVMF"
    return ["-drive", f"{flash}_CODE_4M.fd,unit=0,readonly=on",
            "-drive", f"{flash}_VARS_4M.fd,unit=1,snapshot=on"]


def _boot(m, files, folder):
    if m.boot not in (None, "kernel"):
        return ["-cdrom", make_iso(folder, m, files), "-boot", "d"]
    return kernel(m.image, files, m.options)


def kernel(image, files, options):
    """The arguments that boot a multiboot image with its modules."""
    modules = ",".join(f.replace(",", ",,") for f in files)
    return ["-kernel", image, "-initrd", modules] + (["-append", options] if options else [])


def _nic(m):
    if m.hub is not None:
        wire = f"vde,id=wire,sock={m.hub}"
    elif m.wire is not None:
        here, there = wire_ports(m.wire)
        wire = f"socket,id=wire,udp=127.0.0.1:{there},localaddr=127.0.0.1:{here}"
    else:
        return list(m.nic)
    return ["-netdev", wire, "-device", f"e1000,netdev=wire,addr=3,mac={m.mac}"]


def _memory(m):
    if not m.memory_file:
        return []
    return ["-object", f"memory-backend-file,id=ram,size={m.memory}M,share=on,mem-path={m.memory_file}"]


def pc(m):
    """The arguments of every node's PC, independent of accelerator and boot files."""
    return ["-M", m.machine + (",memory-backend=ram" if m.memory_file else ""), *_memory(m), "-m", str(m.memory), "-smp", str(m.cores), "-nodefaults",
            "-display", "none", *([] if m.reboots else ["-no-reboot"]),
            "-chardev", "stdio,id=serial,signal=off",
            "-device", f"isa-serial,chardev=serial,index={m.com - 1}",
            *(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"] if m.exit_port else [])]


class Qemu:
    """A target (tools/patio/targets.py): QEMU with one vendor's virtualization."""

    PATIENCE = 1
    LOSES_EARLY_INPUT = True  # see feed() in tools/guest

    def __init__(self, vendor):
        self.NAME = f"qemu-{vendor}"
        self.VENDOR = VENDORS[vendor]
        self.vendor = vendor
        self.version = version

    def has_kvm(self):
        """True when KVM runs such nodes here."""
        return nesting()[0] == self.vendor

    def accelerator(self):
        """A phrase for what executes the node's instructions."""
        return "KVM, nested" if self.has_kvm() else "QEMU's TCG"

    def _cpu(self, m):
        if self.has_kvm() and not m.icount and m.cpu is None:
            return KVM
        if self.vendor == "vmx":
            why = "no icount" if m.icount else f"no CPU {m.cpu}" if m.cpu else nesting()[1]
            raise Unsupported(f"{self.NAME}: {why or 'this CPU is AMD'}")
        return ["-cpu", m.cpu or TCG_CPU, *tcg_clock(m)]

    def command(self, m, files, folder):
        """The command line for machine `m` with its boot modules, patio.conf first."""
        if m.cpu and "_" in m.cpu:  # a name of Bochs's
            raise Unsupported(f"{self.NAME}: no CPU {m.cpu}")
        if m.debugger:
            raise Unsupported(f"{self.NAME}: no debugger of its own")
        return [BINARY, *pc(m), *self._cpu(m), *_firmware(m), *_boot(m, files, folder), *_nic(m),
                *(["-debugcon", f"file:{m.debugcon}"] if m.debugcon else []), *m.extra]

    def complaints(self, text):
        """The lines of the emulator's standard error, without a warning that it always prints."""
        return [l for l in text.splitlines() if "TCG doesn't support requested feature" not in l]

    def agrees(self, code, status):
        """Whether the emulator's exit status is the node's as isa-debug-exit changes it: 2n + 1."""
        return code == (status << 1 | 1) & 0xFF


SVM, VMX = Qemu("svm"), Qemu("vmx")
