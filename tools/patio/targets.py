# SPDX-License-Identifier: BSD-2-Clause
"""Targets, each an emulator with a CPU: chosen by name, by PATIO_TARGET, or by default.

Each is a module or an object with NAME, VENDOR (as the node names its CPU), PATIENCE,
LOSES_EARLY_INPUT, command(), version(), accelerator(), complaints() and agrees(), as in
tools/patio/qemu.py.
"""

import os

from . import bochs, nested, qemu
from .kvm import nesting

TARGETS = {t.NAME: t for t in (qemu.SVM, qemu.VMX, bochs, nested.SVM, nested.VMX)}
# VT-x where KVM nests it; otherwise SVM, by KVM if it nests that, else by TCG.
DEFAULT = qemu.VMX.NAME if nesting()[0] == "vmx" else qemu.SVM.NAME


def chosen():
    """The name of the target for runs that do not name one."""
    return os.environ.get("PATIO_TARGET") or DEFAULT


def target(name=None):
    """The target of that name; SystemExit with the list of names if there is none."""
    name = name or chosen()
    if name not in TARGETS:
        raise SystemExit(f'unknown target "{name}": {" or ".join(TARGETS)}')
    return TARGETS[name]


def about(name=None):
    """A target in one line: its name, the CPU's vendor, and what executes its instructions."""
    t = target(name)
    return f"{t.NAME}: {t.VENDOR} by {t.accelerator()} ({t.version()})"
