"""QEMU with AMD SVM: by KVM where it nests SVM, else by TCG."""

import os
import re
import subprocess

from hardware import Unsupported, make_iso, wire_ports

NAME = "qemu-svm"
PATIENCE = 1
ICOUNT = ["-icount", "shift=0,sleep=off"]


def have_kvm():
    """True when KVM can run SVM guests inside the machine: nested virtualization on AMD."""
    try:
        with open("/proc/cpuinfo", encoding="ascii") as f:
            svm = re.search(r"^flags\s*:.*\bsvm\b", f.read(), re.M)
        with open("/sys/module/kvm_amd/parameters/nested", encoding="ascii") as f:
            nested = f.read().strip() in ("1", "Y")
        return bool(svm) and nested and os.access("/dev/kvm", os.R_OK | os.W_OK)
    except OSError:
        return False


def version():
    """The emulator's version, as it says it."""
    return subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=True).stdout.split("\n")[0]


def _clock(m, kvm):
    """The arguments that say what the CPUs are made of, and how their time goes."""
    if m.icount:
        return ICOUNT
    if kvm:
        return ["-accel", "kvm"]
    return ["-accel", "tcg,thread=single"] if m.single else []


def _firmware(m):
    """OVMF, with variables of its own that last as long as the machine; SeaBIOS needs no word."""
    if m.firmware == "bios":
        return []
    if m.boot in (None, "kernel"):
        raise Unsupported(f"{NAME}: {m.firmware} boots by GRUB only")
    flash = "if=pflash,format=raw,file=/usr/share/OVMF/OVMF"
    return ["-drive", f"{flash}_CODE_4M.fd,unit=0,readonly=on",
            "-drive", f"{flash}_VARS_4M.fd,unit=1,snapshot=on"]


def _boot(m, files, folder):
    if m.boot not in (None, "kernel"):
        return ["-cdrom", make_iso(folder, m, files), "-boot", "d"]
    modules = ",".join(f.replace(",", ",,") for f in files)
    return ["-kernel", m.image, "-initrd", modules] + (["-append", m.options] if m.options else [])


def _nic(m):
    if m.hub is not None:
        wire = f"vde,id=wire,sock={m.hub}"
    elif m.wire is not None:
        here, there = wire_ports(m.wire)
        wire = f"socket,id=wire,udp=127.0.0.1:{there},localaddr=127.0.0.1:{here}"
    else:
        return list(m.nic)
    return ["-netdev", wire, "-device", f"e1000,netdev=wire,addr=3,mac={m.mac}"]


def command(m, files, folder):
    """The command line for machine `m` with its boot modules, patio.conf first."""
    if m.cpu and "_" in m.cpu:  # a name of Bochs's
        raise Unsupported(f"{NAME}: no CPU {m.cpu}")
    kvm = have_kvm() and not m.icount and m.cpu is None
    return ["qemu-system-x86_64", "-M", m.machine, "-m", str(m.memory), "-smp", str(m.cores),
            "-nodefaults", "-display", "none", *([] if m.reboots else ["-no-reboot"]),
            "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
            *(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"] if m.exit_port else []),
            "-cpu", "host" if kvm else m.cpu or "EPYC,+x2apic", *_clock(m, kvm),
            *_firmware(m), *_boot(m, files, folder), *_nic(m),
            *(["-debugcon", f"file:{m.debugcon}"] if m.debugcon else []), *m.extra]


def complaints(text):
    """What the emulator said on its standard error, without what it always says."""
    return [l for l in text.splitlines() if "TCG doesn't support requested feature" not in l]


def agrees(code, status):
    """Whether the emulator's exit status is what the node's becomes (isa-debug-exit: 2n + 1)."""
    return code == (status << 1 | 1) & 0xFF
