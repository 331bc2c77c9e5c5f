# SPDX-License-Identifier: BSD-2-Clause
"""An ordinary Linux machine, without Patio, in an emulator of its own, to which a node's network is
joined.

It has Debian's kernel with its VXLAN device, and iproute2, from Dom0's image (guest-images/linux).  Each
of its virtio NICs is one end of a wire, which is two UDP ports of the loopback interface.
"""

import os
import random
import socket

from .emulator import Emulator
from .hardware import BUILD, wire_ports

# At its start Linux counts the timer's interrupts for a while, and panics when there were too few,
# which an emulator on a loaded host does not promise; under KVM it leaves that check out by itself.
TIMER = "no_timer_check"
KERNEL, INITRD = (os.path.join(BUILD, "linux", f) for f in ("dom0-vmlinuz", "dom0.cpio.gz"))


def free_wire():
    """A wire whose two UDP ports are free at this moment."""
    while True:
        wire = random.randrange(20000, 60000, 2)
        try:
            for port in wire_ports(wire):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.bind(("127.0.0.1", port))
            return wire
        except OSError:
            pass


def near(wire):
    """The node's end of a wire: (the port at which it receives, the port to which it sends)."""
    return wire_ports(wire)


def far(wire):
    """The other end."""
    here, there = wire_ports(wire)
    return there, here


def capture(nic, path):
    """QEMU's arguments for a capture of the network backend `nic` in a file."""
    return ["-object", f"filter-dump,id=dump,netdev={nic},file={path}"]


class LinuxMachine(Emulator):
    """One machine, from its creation to close(); `ends` are its NICs' ends of wires, eth0 first.

    `words` go on the kernel's command line (docs/linux-guest.md: ip=, gw=, mtu=), `extra` to the
    emulator, to which the NICs' backends are n0, n1 and so on.
    """

    def __init__(self, name, ends, words="", *, extra=(), log=None):
        super().__init__()
        self.name = name
        line = f"console=ttyS0 quiet cryptomgr.notests panic=-1 {TIMER} name={name} {words}"
        command = ["qemu-system-x86_64", "-M", "pc", "-m", "256", "-nodefaults", "-display", "none",
                   "-no-reboot", "-chardev", "stdio,id=serial,signal=off", "-serial",
                   "chardev:serial", "-kernel", KERNEL, "-initrd", INITRD, "-append", line, *extra]
        for i, (here, there) in enumerate(ends):
            command += ["-netdev", f"socket,id=n{i},udp=127.0.0.1:{there},localaddr=127.0.0.1:{here}",
                        "-device", f"virtio-net-pci,netdev=n{i},mac={self.mac(i)},romfile="]
        self.start(command, log=log)

    def mac(self, nic):
        """The address of NIC number `nic`, which begins with the machine's name."""
        return ":".join(f"{b:02x}" for b in (2, *self.name.encode()[:4].ljust(4, b"\0"), nic))

    def ready(self):
        """Waits for the shell."""
        self.expect(f"@@up name={self.name} (?s:.*){self.name}# ")
        self.run("stty -echo")
        return self

    def run(self, command, timeout=None):
        """A command in its shell that must succeed; its output."""
        status, text = self.ask(command, timeout)
        if status:
            self.fail(f"{self.name}: {command}: status {status}\n{text}")
        return text
