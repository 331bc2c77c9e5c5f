"""What a guest leaves in its core's local APIC, or writes into it, harms neither the node nor the
core's next owner."""

import pytest

from machine import TINY, ended, judge, node, passes, said

pytestmark = pytest.mark.every_target

WAYS = ["self", "timer", "page", "other", "init"]


def conf():
    text = [f"guest look kernel vectors.elf cpus 2 {TINY} autostart no",
            f"guest lvt kernel lvt.elf {TINY} autostart no",
            f'guest lvt-page kernel lvt.elf cmdline "page" {TINY} autostart no']
    text += [f'guest {how} kernel vectors.elf cmdline "how={how}" cpus 2 {TINY} autostart no' for how in WAYS]
    return "\n".join(text) + "\n"


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(conf(), ["vectors", "lvt"], cores=3, single=False) as n:
        yield n.ready()


@pytest.mark.parametrize("how", WAYS)
def test_left_waiting(n, how):
    """A guest dies with vectors 16 to 31 waiting: it is stopped, and both its cores, the only ones
    beside the monitor's, are clean for the next."""
    n.monitor(f"start {how}")
    row = ended(n, how)
    lines = said(n, how).splitlines()
    assert row["state"] == "stopped" and "triple fault" in row["reason"], (row, lines)
    assert lines[-1] == "dies" and not [l for l in lines if l.startswith("FAIL")], lines
    passes(n, "look")


@pytest.mark.parametrize("name", ["lvt", "lvt-page"])
def test_delivery_modes(n, name):
    """SMI, INIT and ExtINT cannot be armed, and each attempt is counted."""
    n.monitor(f"start {name}")
    judge(n, name)
    assert next(v for v in n.show("vcpus")["vcpus"] if v["guest"] == name)["masked_lvts"] == 24
