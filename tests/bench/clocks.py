# SPDX-License-Identifier: BSD-2-Clause
"""The two clocks of the benches.  A figure is of one of them, and says which; they are never mixed.

count     QEMU under -icount: the instructions of all CPUs together.  It says what work there is,
          wherever it is done, and nothing of what waits for what.
critical  Bochs with `clock: sync=none`: all CPUs step together, and a tick is one instruction of each.
          It says how long something takes where CPUs work at the same time, as on a real machine.

Neither prices an exit, a cache line or a message between CPUs: an exit is one instruction of each.
So figures stand beside the same ones with EXIT_CYCLES for each exit, whether it is waited for or not.
"""

import os
from dataclasses import dataclass, field

import icount
from patio import bochs
from patio.hardware import BUILD

EXACT = "byte for byte, because nothing comes in from outside"
NOT_PROMISED = ("medians within 0.2 %, not digit by digit: the Linux below has devices, and what QEMU's "
                "main loop does for them is not tied to the count of instructions")
EXIT_CYCLES = int(os.environ.get("EXIT_CYCLES", "1500"))


@dataclass(frozen=True)
class Clock:
    """A clock: `unit` as the name of a column has it, `target` and `machine` of a node, `words` of its
    guests' command lines, and of an experiment round trips (a short run and a long one) and MiB of
    TCP.  `repeats`: how far two runs of the same thing are the same, and why not farther, of each system."""

    name: str
    unit: str
    about: str
    target: str
    repeats: dict
    words: str = ""
    rounds: tuple = (2000, 6000)
    mib: int = 16
    machine: dict = field(default_factory=dict)


COUNT = Clock(
    "count", "insn", "instructions of all CPUs together, QEMU -icount shift=0", "qemu-svm",
    repeats={"patio": EXACT, "kvm": NOT_PROMISED}, machine={
        "icount": True, "cpu": icount.CPU, "extra": (*icount.EXTRA, "-seed", "1")})
CRITICAL = Clock(
    "critical", "ticks", "ticks of a parallel machine, one instruction of each CPU; Bochs sync=none",
    bochs.NAME, repeats={"patio": EXACT, "kvm": EXACT}, rounds=(400, 1200), mib=4,
    machine={"boot": "multiboot"})
CLOCKS = {clock.name: clock for clock in (COUNT, CRITICAL)}


def chosen():
    """The clocks that are wanted: CLOCK=count or critical in the environment, else both."""
    name = os.environ.get("CLOCK")
    if name and name not in CLOCKS:
        raise SystemExit(f'unknown clock "{name}": {" or ".join(CLOCKS)}')
    return [CLOCKS[name]] if name else list(CLOCKS.values())


def priced(figure, exits):
    """A figure with EXIT_CYCLES for each of its exits."""
    return round(figure + exits * EXIT_CYCLES)


def folder():
    """Where the benches keep what they measured."""
    path = os.path.join(BUILD, "bench")
    os.makedirs(path, exist_ok=True)
    return path
