# SPDX-License-Identifier: BSD-2-Clause
"""An emulated machine, driven over its serial line."""

import os
import re
import shutil
import tempfile

import pexpect

# Seconds, for the default target, after which a wait is taken for a hang.  Ten times the longest wait
# on a quiet machine, because no verdict may depend on how fast the machine is.
LIMIT = 600


class MachineError(Exception):
    """The machine did not do what was expected; the text ends with its last output."""


class Emulator:
    """A machine between start() and close(), with a folder of its own.

    `patience`: the factor by which each time limit, in seconds, is multiplied.
    """

    patience = 1

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="patio-")
        self.child = None

    def start(self, command, timeout=LIMIT, log=None):
        """Starts the emulator; all output of the serial line is written to `log`, too."""
        self.child = pexpect.spawn(
            "/bin/sh", ["-c", 'exec "$@" 2>"$0"', os.path.join(self.folder, "emulator.err")] + command,
            timeout=timeout * self.patience, encoding="utf-8", codec_errors="replace", echo=False,
            maxread=65536)
        self.child.delaybeforesend = None
        self.child.logfile_read = log

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Kills the emulator."""
        if self.child:
            self.end_child()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end_child(self):
        """Closes the line and ends the child; pexpect gives up after a tenth of a second, by when it
        has sent SIGKILL, but a loaded machine may not have carried that out."""
        try:
            self.child.close(force=True)
        except pexpect.ExceptionPexpect:
            self.child.ptyproc.wait()

    def complaints(self, text):
        """The lines of the emulator's standard error that belong into an error message."""
        return text.splitlines()

    def fail(self, what):
        """Raises MachineError with the last output."""
        text = (self.child.before or "")[-4000:] if isinstance(self.child.before, str) else ""
        path = os.path.join(self.folder, "emulator.err")
        with open(path, encoding="utf-8", errors="replace") as f:
            err = "\n".join(self.complaints(f.read()))
        raise MachineError(f"{what}\n--- last output\n{text}\n--- emulator\n{err}")

    def expect(self, pattern, timeout=None):
        """Waits for a regular expression (or the first of a list); returns the match."""
        limit = -1 if timeout is None else timeout * self.patience
        try:
            self.child.expect(pattern, timeout=limit)
            return self.child.match
        except pexpect.TIMEOUT:
            why = f"timed out waiting for {pattern!r}"
        except pexpect.EOF:
            why = f"the machine ended while {pattern!r} was awaited"
        return self.fail(why)

    def ask(self, command, timeout=None):
        """Runs a command in the shell on the serial line: (exit status, output)."""
        mark = f"@@{os.urandom(4).hex()}"
        split = f"{mark[:4]}''{mark[4:]}"  # so that the echo of the command does not match the mark
        self.child.send(f"echo {split}; {command}; echo {split} $?\n")
        self.expect(re.escape(mark) + r" (\d+)\r*\n", timeout)
        status = int(self.child.match.group(1))
        text = self.child.before.replace("\r", "")
        return status, text.split(mark + "\n", 1)[-1]
