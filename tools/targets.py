"""Targets: an emulator with a CPU each.  Which one is said by name, by PATIO_TARGET, or not at all.

Each is a module with NAME, PATIENCE, command(), version(), complaints() and agrees(), as
tools/qemu.py.
"""

import os

import bochs
import qemu

TARGETS = {t.NAME: t for t in (qemu, bochs)}
DEFAULT = qemu.NAME


def chosen():
    """The name of the target that is meant where none is said."""
    return os.environ.get("PATIO_TARGET") or DEFAULT


def target(name=None):
    """The target of that name; SystemExit, with the names that there are, when it is none."""
    name = name or chosen()
    if name not in TARGETS:
        raise SystemExit(f'unknown target "{name}": {" or ".join(TARGETS)}')
    return TARGETS[name]
