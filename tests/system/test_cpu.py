# SPDX-License-Identifier: BSD-2-Clause
"""Corner cases of the world switch, as guests see them, on each vendor's CPU."""

import pytest

from machine import TINY, node, only_on, passes

pytestmark = pytest.mark.every_target


@pytest.fixture(name="n", scope="module")
def the_node():
    """A thread of the emulator for each core: with one thread for all, a vCPU that spins would delay the
    one it waits for by a time slice in each round."""
    conf = (f"guest corners kernel corners.elf {TINY} autostart no\n"
            f'guest nmi kernel nmi.elf cpus 2 {TINY} autostart no\n'
            f'guest held kernel nmihold.elf cmdline "hold=1" {TINY} autostart no\n'
            f'guest next kernel nmihold.elf {TINY} autostart no\n')
    with node(conf, ["corners", "nmi", "nmihold"], cores=2, single=False) as n:
        yield n.ready()


def test_corners(n):
    """Control registers, single steps, traps, NMIs, forbidden instructions.  Whatever would affect the
    caches of all cores exits: four cache instructions, and CR0's CD and NW."""
    passes(n, "corners")
    exits = n.exits("corners")
    assert exits["cache"] == 4 and exits["control"] >= 6, exits


def test_no_kick_is_lost(n):
    """Each NMI sent to a vCPU at any moment between its exit and its next entry is taken, though nothing
    else would make that vCPU exit again."""
    passes(n, "nmi")


def test_blocked_nmis_end_with_their_guest(n):
    """A guest that ends in its NMI handler leaves no blocking to the next one on its core."""
    passes(n, "held")
    passes(n, "next")


@only_on("bochs-vmx", "no CPU of QEMU's has SPEC_CTRL")
def test_speculation_control():
    """On a CPU with SPEC_CTRL the guest's register keeps its bits over an exit."""
    with node(f"guest corners kernel corners.elf {TINY} autostart no\n", ["corners"], cores=2,
              cpu="corei7_icelake_u") as n:
        n.ready()
        assert "speculation control 5" in passes(n, "corners")
