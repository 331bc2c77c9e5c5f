# SPDX-License-Identifier: BSD-2-Clause
"""State that a guest leaves in its core's local APIC, or writes into it, harms neither the node nor the
core's next guest."""

import pytest

from machine import TINY, ended, judge, node, passes, said

pytestmark = pytest.mark.every_target

FREE = 0xa0000000  # a guest-physical address of absent memory
RAM = 0x1000000
WAYS = ["self", "timer", "page", "other", "init"]


def conf():
    text = [f"guest look kernel vectors.elf cpus 2 {TINY} autostart no",
            f"guest lvt kernel lvt.elf {TINY} autostart no",
            f'guest lvt-page kernel lvt.elf cmdline "page" {TINY} autostart no',
            f'guest modes kernel apicmode.elf cmdline "move={FREE} ram={RAM} ap=1" cpus 2 {TINY} '
            'autostart no']
    text += [f'guest {how} kernel vectors.elf cmdline "how={how}" cpus 2 {TINY} autostart no' for how in WAYS]
    return "\n".join(text) + "\n"


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(conf(), ["vectors", "lvt", "apicmode"], cores=3, single=False) as n:
        yield n.ready()


@pytest.mark.parametrize("how", WAYS)
def test_left_waiting(n, how):
    """A guest ends by a triple fault with vectors 16 to 31 pending: both its cores, the only ones beside the
    monitor's, are clean for the next guest."""
    n.monitor(f"start {how}")
    row = ended(n, how)
    lines = said(n, how).splitlines()
    assert row["state"] == "stopped" and "triple fault" in row["reason"], (row, lines)
    assert lines[-1] == "dies" and not [l for l in lines if l.startswith("FAIL")], lines
    passes(n, "look")


@pytest.mark.parametrize("name", ["lvt", "lvt-page"])
def test_delivery_modes(n, name):
    """Local interrupts with the modes SMI, INIT and ExtINT stay masked, and each attempt is counted."""
    n.monitor(f"start {name}")
    judge(n, name)
    assert next(v for v in n.show("vcpus")["vcpus"] if v["guest"] == name)["masked_lvts"] == 24


def test_modes(n):
    """Each transition of the APIC's mode, and the registers in each; its page can be moved to absent memory,
    and a move over memory is refused and counted.  The cores are clean for the next guest."""
    passes(n, "modes")
    assert [v["refused_bases"] for v in n.show("vcpus")["vcpus"] if v["guest"] == "modes"] == [1, 0]
    passes(n, "look")
