# SPDX-License-Identifier: BSD-2-Clause
"""Targets: an emulator with a CPU each.  Which one is said by name, by PATIO_TARGET, or not at all.

Each is a module or an object with NAME, VENDOR (as the node names its CPU), PATIENCE,
LOSES_EARLY_INPUT, command(), version(), accelerator(), complaints() and agrees(), as in
tools/patio/qemu.py.
"""

import os

from . import bochs, nested, qemu
from .kvm import nesting

TARGETS = {t.NAME: t for t in (qemu.SVM, qemu.VMX, bochs, nested.SVM, nested.VMX)}
# Where KVM nests VT-x it is used; elsewhere QEMU has SVM, by KVM or without.
DEFAULT = qemu.VMX.NAME if nesting()[0] == "vmx" else qemu.SVM.NAME


def chosen():
    """The name of the target that is meant where none is said."""
    return os.environ.get("PATIO_TARGET") or DEFAULT


def target(name=None):
    """The target of that name; SystemExit, with the names that there are, when it is none."""
    name = name or chosen()
    if name not in TARGETS:
        raise SystemExit(f'unknown target "{name}": {" or ".join(TARGETS)}')
    return TARGETS[name]


def about(name=None):
    """A target in one line: its name, the CPU's vendor, and what executes its instructions."""
    t = target(name)
    return f"{t.NAME}: {t.VENDOR} by {t.accelerator()} ({t.version()})"
