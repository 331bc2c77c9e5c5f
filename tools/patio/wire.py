# SPDX-License-Identifier: BSD-2-Clause
"""Nodes on a wire: each has Dom0, whose NIC is on it, and a Linux guest.

The wire is tools/hub.  It needs no privileges, and every target can be on it.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import pexpect

from .claims import Claims
from .hardware import ROOT
from .node import LINUX, Node, NodeError, guest

TARGETS = {"svm": "qemu-svm", "vmx": "bochs-vmx"}
CORES = 2  # the monitor's, which the guest shares, and Dom0's
LINE = "console=hvc0 quiet cryptomgr.notests"


class Wire:
    """A hub; `path` is the folder of its sockets."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="patio-wire-")
        self.path = os.path.join(self.folder, "hub")
        # it ends with its standard input, so it never outlives this process
        self.hub = subprocess.Popen([os.path.join(ROOT, "tools", "hub"), self.path], text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.hub.stdout.readline() != "ready\n":
            self.close()
            raise NodeError("tools/hub did not start")

    def counts(self):
        """The counters of each port, in the order in which they connected: a list of {counter: frames}."""
        self.hub.stdin.write("\n")
        self.hub.stdin.flush()
        return json.loads(self.hub.stdout.readline())

    def close(self):
        """Ends the hub."""
        self.hub.kill()
        self.hub.communicate()
        shutil.rmtree(self.folder)


class Side:
    """A node on the wire, with its guest, addresses and target."""

    def __init__(self, kind, name, number):
        self.kind = kind
        self.guest = name
        self.number = number
        self.address = f"10.0.0.{number}"
        self.mac = f"52:54:00:00:00:{number + 9:02x}"
        self.nic_mac = f"52:54:00:00:00:d{number}"
        self.node = None

    def conf(self):
        """Its patio.conf: Dom0 with the physical NIC, and the guest, on one learning network."""
        return f"""guest dom0 memory 64M kernel dom0.elf pci 00:03.0
guest {self.guest} memory 192M kernel vmlinuz initrd initrd.cpio.gz \\
      cmdline "{LINE} name={self.guest} ip={self.address}/24"
port uplink guest dom0 edge
port {self.guest} guest {self.guest} mac {self.mac}
"""

    def start(self, wire, dump):
        """Starts the node; a QEMU writes what its NIC sends and receives to the file `dump`."""
        extra = ["-object", f"filter-dump,id=dump,netdev=wire,file={dump}"] if dump else []
        self.node = Node(self.conf(), [guest("dom0")] + LINUX, target=TARGETS[self.kind],
                         cores=CORES, memory=512, single=True, hub=wire.path,
                         mac=self.nic_mac, extra=extra)

    def wait(self):
        """Waits for the bridge and the shell; returns the vendor that the node's first line names."""
        vendor = self.node.expect(r"Patio on (.*?) by ").group(1)
        self.node.ready()
        self.node.enter("dom0")
        self.node.expect("dom0: bridge ready")
        self.node.enter(self.guest)
        self.node.expect(f"@@up name={self.guest} .*\n")
        self.node.expect(f"{self.guest}# ")
        self.shell("stty -echo")
        return vendor

    def shell(self, command):
        """Runs a command in the guest's shell; returns its output."""
        return self.node.shell(self.guest, command)[1]

    def conditions(self):
        """The node's target, emulator and configuration, for the report."""
        return {"target": self.node.target.NAME, "emulator": self.node.target.version(),
                "command": " ".join(self.node.command), "configuration": self.conf()}


def interact(here, *others):
    """Gives the terminal to a node until it ends, and ends the others then."""
    # the output of the others is read and dropped: a full pipe would block them
    readers = [threading.Thread(target=node.child.expect, args=[pexpect.EOF],
                                kwargs={"timeout": None}) for node in others]
    for reader in readers:
        reader.start()
    here.child.send("\r")
    try:
        here.child.interact(escape_character=None)
    finally:
        for node, reader in zip(others, readers):
            node.child.kill(signal.SIGTERM)
            reader.join()
    print()


class WireClaims(Claims):
    """Checks of nodes on one wire; each of `members` has its `node`."""

    def __init__(self, members):
        super().__init__()
        self.members = members
        self.wire = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for member in self.members:
            if member.node:
                member.node.close()
        if self.wire:
            self.wire.close()

    def judge(self, steps):
        """Runs all checks, up to one that raises an error.  True when every check passed."""
        try:
            for step in steps:
                step()
        except (NodeError, KeyError, ValueError, OSError, subprocess.SubprocessError) as error:
            self.record("error", False, str(error))
        if not self.all_held():
            self.account()
        return self.all_held()

    def pings(self, names, text, count):
        """Records whether all pings were answered, from ping's output."""
        answered = f"{count} packets received" in text
        self.record("ping", answered, f"{names}: {count} pings, "
                    + ("all answered" if answered else f"not all answered: {text.strip()}"))

    def account(self):
        """Prints the counters of each uplink and of the hub, which tell a loss on the wire (the hub sent
        a node more frames than its uplink received) from a drop by Patio, which has a counter."""
        try:
            for member in self.members:
                print(f"       node {member.number}, uplink: {member.node.moved('uplink')}")
            for port in self.wire.counts():
                print("       hub,", " ".join(f"{name}={value}" for name, value in port.items()))
        except (NodeError, AttributeError, KeyError, ValueError, OSError) as error:
            print(f"       no more counters: {error}")
