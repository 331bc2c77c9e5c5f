# SPDX-License-Identifier: BSD-2-Clause
"""A Patio node in an emulator, driven over its serial line: for make run, tests and benches."""

import json
import os
import re

import pexpect

from .emulator import LIMIT, Emulator, MachineError
from .hardware import BUILD, Machine
from .targets import target as find_target

NodeError = MachineError
PROMPT = "patio> "
RESCUE = "rescue> "
CTRL_A = "\x01"
ENDS = re.compile(r"patio: ends with status (\d+)\r*\n")  # the last line of a node's log


def guest(name):
    """The path of one of our own guests' images."""
    return os.path.join(BUILD, "guests", name + ".elf")


LINUX = [os.path.join(BUILD, "linux", f) for f in ("vmlinuz", "initrd.cpio.gz")]


class Node(Emulator):
    """One emulated machine that runs Patio with the given patio.conf text and boot modules.

    `rescue`: a refused conf leads to the rescue monitor; otherwise it ends the node.
    `target`: its name; `machine`: fields of hardware.Machine.  Raises Unsupported for a machine that
    the target cannot emulate.  Time limits are those of the default target; a slow one gets more.
    """

    def __init__(self, conf, modules=(), *, target=None, timeout=LIMIT, log=None, rescue=False,
                 **machine):
        super().__init__()
        self.target = find_target(target)
        self.patience = self.target.PATIENCE
        self.complaints = self.target.complaints
        self.where = None  # whose console the terminal shows; None: the monitor
        path = os.path.join(self.folder, "patio.conf")
        if conf is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(conf)
        first = [path] if conf is not None else []
        files = first + list(modules)
        self.hardware = hardware = Machine(**machine)
        if not rescue:
            hardware.options = f"{hardware.options} rescue=no".strip()
        try:
            self.command = self.target.command(hardware, files, self.folder)
            self.start(self.command, timeout, log)
        except BaseException:
            self.close()
            raise

    def ready(self):
        """Waits for the monitor's first prompt."""
        self.expect(re.escape(PROMPT))
        return self

    def wait_end(self, timeout=LIMIT):
        """Waits until the node has ended itself; returns (status, all its output).  The status is None
        if the output has none: the node was reset, or failed."""
        try:
            self.child.expect(pexpect.EOF, timeout=timeout * self.target.PATIENCE)
        except pexpect.TIMEOUT:
            self.fail("the node did not end")
        text = self.child.before
        self.end_child()
        said = ENDS.findall(text)
        status = int(said[-1]) if said else None
        if said and self.hardware.exit_port and \
                not self.target.agrees(self.child.exitstatus, status):
            self.fail(f"status {status} was said, but the emulator's is {self.child.exitstatus}")
        return status, text

    def cost(self):
        """The cost of an exit on this machine, measured by the node itself, as a phrase."""
        m = self.show("machine")["machine"]
        return (f"under {m['hypervisor']} an exit costs {m['exit_ns'] / 1000:.1f} us "
                f"({m['exit_ticks']} ticks of the TSC)")

    # --- the monitor

    def leave(self):
        """Leaves a guest's console, if one is shown, for the monitor."""
        if self.where is not None:
            self.child.send(CTRL_A)
            self.expect(re.escape(PROMPT))
            self.where = None

    def monitor(self, line, timeout=None):
        """One line of the monitor; its answer as text."""
        self.leave()
        self.child.send(line + "\r")
        self.expect(r"\r*\n")
        self.expect(r"(?:^|\n)(?:" + re.escape(PROMPT) + "|load> )", timeout)
        return self.child.before.replace("\r", "")

    def show(self, what):
        """`show WHAT json`, decoded."""
        text = self.monitor(f"show {what} json")
        for line in text.splitlines():
            if line.startswith("{"):
                return json.loads(line)
        return self.fail(f"show {what}: no JSON in {text!r}")

    def counter(self, port, name):
        """A counter of a port or guest by name; 0 when it is not shown."""
        rows = self.show(f"counters {port}")["counters"]
        return sum(r["value"] for r in rows if r["counter"] == name)

    def moved(self, port):
        """The counters of a port that are not 0, as a line."""
        rows = self.show(f"counters {port}")["counters"]
        return " ".join(f"{r['counter']}={r['value']}" for r in rows if r["value"]) or "nothing"

    def exits(self, name):
        """{kind: count} of a guest's exits, all vCPUs together."""
        out = {}
        for r in self.show(f"exits {name}")["exits"]:
            out[r["exit"]] = out.get(r["exit"], 0) + r["count"]
        return out

    # --- guests' consoles

    def enter(self, name):
        """Puts the guest's console on the terminal."""
        if self.where == name:
            return
        self.leave()
        self.child.send(f"console {name}\r")
        self.expect(r"\r*\n")
        self.where = name

    def shell(self, name, command, timeout=None):
        """A command in a Linux guest's shell: (exit status, output)."""
        self.enter(name)
        return self.ask(command, timeout)
