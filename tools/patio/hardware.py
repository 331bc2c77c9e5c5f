# SPDX-License-Identifier: BSD-2-Clause
"""The machine that a node is given, the same words for every target; and the files it boots from.

A target is an emulator with a CPU (tools/patio/targets.py).  What one cannot be, it says by Unsupported.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
BUILD_NAME = os.environ.get("PATIO_BUILD") or "build"  # as make's B says it, from the root
BUILD = os.path.join(ROOT, BUILD_NAME)
IMAGE = os.path.join(BUILD, "patio.elf")
NIC_MAC = "52:54:00:00:00:dd"
VENDORS = {"svm": "AMD SVM", "vmx": "Intel VT-x"}  # as the node's first line has them


class Unsupported(Exception):
    """This target cannot be that machine; the text says which and what."""


@dataclass
class Machine:
    """One node's machine; None and empty stand for the target's own."""

    cores: int = 3
    memory: int = 1024  # MiB
    machine: str = "pc"  # or "q35"
    boot: str = None  # "kernel" (by the emulator itself), "multiboot", "multiboot2" (by GRUB)
    firmware: str = "bios"  # or "uefi", which boots by GRUB only
    options: str = ""  # of the image's command line
    cpu: str = None  # in the emulator's words
    icount: bool = False  # the clock counts instructions, and waiting takes no time
    single: bool = False  # one thread of the emulator for all cores
    wire: int = None  # an 82540EM at 00:03.0 whose frames come and go by UDP, see wire_ports()
    hub: str = None  # or the folder of a hub's sockets (tools/hub): they come and go by that
    mac: str = NIC_MAC  # its own; on Bochs only frames to it and broadcasts come in by UDP
    nic: tuple = ()  # instead: the emulator's own arguments
    exit_port: bool = True  # the emulator's own, which ends it with a status
    reboots: bool = False  # a reset starts the machine again, instead of ending the emulator
    com: int = 1  # which port the serial line is, 1 to 4; the others are not there
    debugcon: str = None  # the file for what is written to port 0xE9
    memory_file: str = None  # where its memory lies, for others to read while it runs
    extra: tuple = ()  # more arguments of the emulator
    image: str = IMAGE


def wire_ports(wire):
    """Of a wire: (the UDP port of 127.0.0.1 that the NIC receives at, the one it sends to).  A
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
    """Writes patio.iso into `folder`, with each file {name: path} in /boot, and a GRUB that does
    these commands; returns its path."""
    tree = os.path.join(folder, "iso")
    os.makedirs(os.path.join(tree, "boot/grub"))
    for name, path in files.items():
        shutil.copy(path, os.path.join(tree, "boot", name))
    lines = ["set timeout=0", "set default=0", 'menuentry "Patio" {',
             *(f"  {c}" for c in commands), "  boot", "}", ""]
    with open(os.path.join(tree, "boot/grub/grub.cfg"), "w", encoding="ascii") as f:
        f.write("\n".join(lines))
    iso = os.path.join(folder, "patio.iso")
    subprocess.run(["grub-mkrescue", "-o", iso, tree], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return iso
