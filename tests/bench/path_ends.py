# SPDX-License-Identifier: BSD-2-Clause
"""Pairs of machines on one wire, one for each way from a Linux to another: what paths.py compares.

    native       Debian's kernel on the emulated machines themselves
    passthrough  the same kernel as Patio's only guest, with the NIC passed through
    direct       as a guest of Patio; the tiny Dom0 has the NIC, and its bridge leads to the wire
    vxlan, udp   the same by a link of the switch: VXLAN, and plain Ethernet in UDP

Kernel, initramfs, NIC and wire are the same in all of them, and no NIC holds interrupts back.
"""

import os
import shutil
import tempfile

from icount import CPU, snapshot
from patio.hardware import BUILD
from patio.linux_machine import KERNEL, LinuxMachine
from patio.node import Node, NodeError, guest

INITRD = os.path.join(BUILD, "bench", "paths.cpio.gz")  # Dom0's, and udpstream
THREADS = "tcg,thread=single"
LINE = "quiet cryptomgr.notests mitigations=off panic=-1"
MEMORY = 256  # MiB of the Linux
NAMES = ("alice", "bob")
ADDRESSES = ("10.0.0.1", "10.0.0.2")
OUTER = ("192.0.2.1", "192.0.2.2")  # the underlays'
LIMIT = 150  # seconds; it only ends what hangs
MODERATION = ("InterruptThrottleRate", "TxIntDelay", "TxAbsIntDelay", "RxIntDelay", "RxAbsIntDelay")
SECOND = os.sysconf("SC_CLK_TCK")


def direct(end):
    """A node's text: the tiny Dom0, whose edge is in the guest's network."""
    return ("guest dom0 memory 64M kernel dom0.elf pci 00:03.0\n"
            f"port uplink guest dom0 edge\nport {NAMES[end]} guest {NAMES[end]}\n")


def linked(words):
    """The same, but the edge is in a network of its own, and a link leads to the other node."""
    def conf(end):
        return ("guest dom0 memory 64M kernel dom0.elf pci 00:03.0\nnetwork wire\n"
                "port uplink guest dom0 edge network wire\n"
                f"port {NAMES[end]} guest {NAMES[end]}\n"
                f"underlay uplink address {OUTER[end]}/24\n"
                f"link far {words} remote {OUTER[1 - end]} network default edge uplink\n")
    return conf


class Wire:
    """A wire with two ends, without privileges: datagrams between two sockets of the file system.

    What one end sends while the other's queue is full waits in the sender's emulator.
    """

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="patio-wire-")

    def nic(self, end):
        """QEMU's arguments for a NIC at end 0 or 1."""
        here, there = (os.path.join(self.folder, str(n)) for n in (end, 1 - end))
        return ["-netdev", f"dgram,id=wire,local.type=unix,local.path={here},"
                f"remote.type=unix,remote.path={there}",
                "-device", f"e1000,netdev=wire,addr=3,mac=52:54:00:00:00:d{end + 1},romfile="]

    def close(self):
        """Removes the sockets."""
        shutil.rmtree(self.folder, ignore_errors=True)


def calm(driver, eth, address, tx_delay=0):
    """The command that starts the NIC's driver anew: `eth` holds no interrupt back then
    but those of what was sent, for `tx_delay` units of 1.024 us."""
    words = " ".join(f"{word}={tx_delay if word.startswith('Tx') else 0}" for word in MODERATION)
    return (f"rmmod {driver} && insmod /lib/modules/*-{driver}.ko {words} && "
            f"ip addr add {address}/24 broadcast + dev {eth} && ip link set {eth} up")


class End:
    """One of the two machines; `own` says whether its Linux drives the NIC itself."""

    def __init__(self, end, machine, own):
        self.end, self.machine, self.own = end, machine, own

    def prepare(self):
        """Waits for the shell, and starts what receives."""
        self.wait()
        if self.own:
            self.run(calm("e1000", "eth0", ADDRESSES[self.end]))
        self.run("(udpstream >/tmp/udpstream.log 2>&1 &)")

    def cpu(self):
        """Seconds of processor time that its emulator has had."""
        with open(f"/proc/{self.machine.child.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / SECOND


class Bare(End):
    """A Linux on the emulated machine itself."""

    def __init__(self, end, wire):
        super().__init__(end, LinuxMachine(
            NAMES[end], [], f"mitigations=off ip={ADDRESSES[end]}/24",
            extra=["-cpu", CPU, "-accel", THREADS, "-m", str(MEMORY), "-initrd", INITRD,
                   *wire.nic(end)]), own=True)
        self.conf = None

    def wait(self):
        """Waits for the shell."""
        self.machine.ready()

    def run(self, command):
        """What a command in the Linux's shell prints."""
        return self.machine.run(command, LIMIT)


class Hosted(End):
    """A Linux on Patio; `conf(end)` is the node's text beside the Linux's own declaration."""

    def __init__(self, end, wire, conf=None):
        self.name = NAMES[end]
        self.conf = (f"guest {self.name} memory {MEMORY}M kernel {os.path.basename(KERNEL)} "
                     f"initrd {os.path.basename(INITRD)} {'' if conf else 'pci 00:03.0'} "
                     f'cmdline "console=hvc0 {LINE} name={self.name} ip={ADDRESSES[end]}/24"\n'
                     + (conf(end) if conf else ""))
        super().__init__(end, Node(
            self.conf, [KERNEL, INITRD, guest("dom0")], cores=2, memory=640, single=True, cpu=CPU,
            nic=wire.nic(end), timeout=LIMIT), own=not conf)

    def wait(self):
        """Waits for the shell."""
        self.machine.ready()
        self.machine.enter(self.name)
        self.machine.expect(f"@@up name={self.name} .*\n")
        self.machine.expect(f"{self.name}# ")
        self.run("stty -echo")

    def run(self, command):
        """What a command in the Linux's shell prints."""
        status, text = self.machine.shell(self.name, command, LIMIT)
        if status:
            raise NodeError(f"{self.name}: {command}: status {status}\n{text}")
        return text

    def exits(self):
        """{reason: [exits, ticks of the VMM]} of its guests since their start."""
        return snapshot(self.machine)


ROWS = {
    "native": Bare,
    "passthrough": Hosted,
    "direct": lambda end, wire: Hosted(end, wire, direct),
    "vxlan": lambda end, wire: Hosted(end, wire, linked("vxlan vni 42")),
    "udp": lambda end, wire: Hosted(end, wire, linked("udp")),
}


class Pair:
    """Both ends of a row, which idle while another one is measured."""

    def __init__(self, row):
        self.ends, self.wire = [], Wire()
        try:
            for end in 0, 1:
                self.ends.append(ROWS[row](end, self.wire))
        except BaseException:
            self.close()
            raise

    def prepare(self):
        """Waits for both."""
        for end in self.ends:
            end.prepare()

    def cpu(self):
        """Seconds of processor time of both emulators."""
        return sum(end.cpu() for end in self.ends)

    def close(self):
        """Ends both."""
        for end in self.ends:
            end.machine.close()
        self.wire.close()
