# SPDX-License-Identifier: BSD-2-Clause
"""Bochs with Intel VT-x.  It is slow, deterministic, and one thread for all CPUs.

Each run has a folder of its own, for bochsrc, the CD and its logs.  tools/bochs-run starts it there.
"""

import os
import subprocess

from .hardware import ROOT, VENDORS, Unsupported, make_iso, wire_ports

NAME = "bochs-vmx"
VENDOR = VENDORS["vmx"]
LOSES_EARLY_INPUT = False  # its COM1 waits while it has a byte and no FIFO
PATIENCE = 8  # time limits are this many times the default target's
MEMORY_MAX = 3072  # MiB; its BIOS reports nothing above
CPU = "corei7_skylake_x"
IPS = 50000000  # instructions, and ticks of the TSC, in a second of its clocks
# Sound is off because its mixer thread dies of Debian's hardening; errors are not logged because
# ordinary accesses of a guest are among them.
RC = """config_interface: textconfig
display_library: rfb, options="timeout=0"
cpu: model={cpu}, count={cores}, ips={ips}, reset_on_triple_fault=0
memory: guest={memory}, host={memory}
romimage: file=$BXSHARE/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
pci: enabled=1, chipset=i440fx{slots}
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
port_e9_hack: enabled={port}
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
clock: sync=none, time0=946681200
{nic}"""


def version():
    """The emulator's version, from its own output."""
    text = subprocess.run(["bochs-bin", "--help"], capture_output=True, text=True,
                          check=False).stdout
    return next(l.strip() for l in text.splitlines() if "Bochs x86 Emulator" in l)


def accelerator():
    """A phrase for what executes the node's instructions."""
    return "Bochs's interpreter"


def _refuse(m):
    """Raises Unsupported for a property that this emulator does not have."""
    missing = {
        "no -kernel boot": m.boot == "kernel", "no icount": m.icount,
        f"no machine {m.machine}": m.machine != "pc", "no UEFI": m.firmware != "bios",
        f"no CPU {m.cpu}": m.cpu and "_" not in m.cpu,  # its models' names have one
        "no arguments of QEMU": m.nic or m.extra, "no file as its memory": m.memory_file, "no port but COM1": m.com != 1,
        f"no {m.memory} MiB of memory, {MEMORY_MAX} at most": m.memory > MEMORY_MAX,
    }
    for what, asked in missing.items():
        if asked:
            raise Unsupported(f"{NAME}: {what}")


def _nic(m, folder):
    if m.hub is not None:
        # a short link in this folder: a name longer than 15 bytes overruns Bochs's buffer
        os.symlink(os.path.join(m.hub, "ctl"), os.path.join(folder, "wire"))
        how = "ethmod=vde, ethdev=wire"
    elif m.wire is not None:
        here, there = wire_ports(m.wire)
        assert there == here + 1, "Bochs sends to the port after its own"
        how = f"ethmod=socket, ethdev={here}"
    else:
        return "", ""
    return ", slot2=e1000", f"e1000: enabled=1, mac={m.mac}, {how}\n"


def command(m, files, folder):
    """The command line for machine `m` with its boot modules, patio.conf first; prepares `folder`."""
    _refuse(m)
    m.boot = m.boot or "multiboot"
    slots, nic = _nic(m, folder)
    if m.debugger:
        with open(os.path.join(folder, "go.rc"), "w", encoding="ascii") as file:
            file.write(m.debugger)
    write_rc(folder, make_iso(folder, m, files), cpu=m.cpu or CPU, cores=m.cores, memory=m.memory,
             slots=slots, nic=nic, port=m.exit_port)
    return run(folder, m.debugcon)


def write_rc(folder, iso, port=True, **machine):
    """Writes bochsrc into `folder`, for a machine that boots from `iso`; `port`: the one by
    which a node ends the emulator."""
    with open(os.path.join(folder, "bochsrc"), "w", encoding="ascii") as f:
        f.write(RC.format(ips=IPS, iso=os.path.basename(iso), port=int(port), **machine))


def run(folder, debugcon=None):
    """The command line that runs Bochs by the folder's bochsrc; `debugcon` as in Machine."""
    return [os.path.join(ROOT, "tools", "bochs-run"), folder] + ([debugcon] if debugcon else [])


def complaints(text):
    """The lines of the emulator's standard error."""
    return text.splitlines()


def agrees(_code, _status):
    """Always true: Bochs's own status is 1 whatever the node's is."""
    return True
