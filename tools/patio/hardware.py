# SPDX-License-Identifier: BSD-2-Clause
"""The description of an emulated machine, the same for every target, and the files that it boots from.

A target is an emulator with a CPU (tools/patio/targets.py).  It raises Unsupported for a machine that it
cannot emulate.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
BUILD_NAME = os.environ.get("PATIO_BUILD") or "build"  # make's B, relative to the root
BUILD = os.path.join(ROOT, BUILD_NAME)
IMAGE = os.path.join(BUILD, "patio.elf")
ISO_DATE = "2020010100000000"
NIC_MAC = "52:54:00:00:00:dd"
VENDORS = {"svm": "AMD SVM", "vmx": "Intel VT-x"}  # as in the first line of a node's log


class Unsupported(Exception):
    """This target cannot emulate that machine; the text says which target and what it lacks."""


@dataclass
class Machine:
    """One node's machine; None or empty: the target's default."""

    cores: int = 3
    memory: int = 1024  # MiB
    machine: str = "pc"  # or "q35"
    boot: str = None  # "kernel" (by the emulator itself), "multiboot", "multiboot2" (by GRUB)
    firmware: str = "bios"  # or "uefi", which boots by GRUB only
    options: str = ""  # of the image's command line
    cpu: str = None  # the emulator's name for a CPU model
    icount: bool = False  # the clock counts instructions, and waiting takes no time
    single: bool = False  # one thread of the emulator for all cores
    wire: int = None  # an 82540EM at 00:03.0 whose frames are UDP datagrams, see wire_ports()
    hub: str = None  # or an 82540EM on a hub (tools/hub): the folder of the hub's sockets
    mac: str = NIC_MAC  # the 82540EM's; with `wire` Bochs receives only frames to it and broadcasts
    nic: tuple = ()  # instead: the emulator's arguments for a NIC
    exit_port: bool = True  # the emulator's exit port, which ends it with a status
    reboots: bool = False  # a reset starts the machine again, instead of ending the emulator
    com: int = 1  # the number of the serial port, 1 to 4; the machine has no other
    debugcon: str = None  # the file for what is written to port 0xE9
    memory_file: str = None  # where its memory lies, for others to read while it runs
    debugger: str = None  # commands for Bochs's own debugger, a line each
    extra: tuple = ()  # more arguments of the emulator
    image: str = IMAGE


def wire_ports(wire):
    """(The UDP port of 127.0.0.1 at which the wire's NIC receives, the one to which it sends).  A
    datagram is a frame."""
    return wire, wire + 1


def make_iso(folder, m, files):
    """Writes patio.iso into `folder`: GRUB loads the image and the files, patio.conf first."""
    module = "module2" if m.boot == "multiboot2" else "module"
    names = [os.path.basename(f) for f in files]
    lines = [f"{m.boot} /boot/patio.elf {m.options}"]
    lines += [f"{module} /boot/{name} {name}" for name in names]
    copies = {name: os.path.join(folder, f) for name, f in zip(names, files)}
    return grub_iso(folder, lines, {"patio.elf": m.image, **copies})


def grub_iso(folder, commands, files):
    """Writes patio.iso into `folder`, with each file {name: path} in /boot, and a GRUB that executes
    these commands; returns its path.  GRUB finds it by its date, which is always the same: so two
    runs execute the same instructions."""
    tree = os.path.join(folder, "iso")
    os.makedirs(os.path.join(tree, "boot/grub"))
    for name, path in files.items():
        shutil.copy(path, os.path.join(tree, "boot", name))
    lines = ["set timeout=0", "set default=0", 'menuentry "Patio" {',
             *(f"  {c}" for c in commands), "  boot", "}", ""]
    with open(os.path.join(tree, "boot/grub/grub.cfg"), "w", encoding="ascii") as f:
        f.write("\n".join(lines))
    iso = os.path.join(folder, "patio.iso")
    subprocess.run(["grub-mkrescue", "-o", iso, tree, f"--modification-date={ISO_DATE}"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return iso
