# SPDX-License-Identifier: BSD-2-Clause
"""No frame of one network of a node reaches the other."""

import pytest

from machine import TINY, node, passes, said, until

FRAMES = 500

pytestmark = pytest.mark.every_target


def conf():
    text = ["network red", "network blue mode route"]
    for net in "red", "blue":
        text += [f'guest ear-{net} kernel listen.elf cmdline "announce=1" {TINY}',
                 f'guest mouth-{net} kernel flood.elf cmdline "count={FRAMES} size=600" {TINY} '
                 'autostart no',
                 f"port ear-{net} guest ear-{net} network {net}",
                 f"port mouth-{net} guest mouth-{net} network {net}"]
    text += ["route src any dst any from mouth-blue to port ear-blue"]
    return "\n".join(text) + "\n"


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(conf(), ["listen", "flood"], cores=4, memory=512) as n:
        yield n.ready()


def heard(n, net):
    """The frames for the network's listener: delivered ones, and those dropped for want of a buffer."""
    rows = n.show(f"counters ear-{net}")["counters"]
    return sum(r["value"] for r in rows
               if r["counter"] == "out_frames" or r["counter"].startswith("drop."))


@pytest.mark.parametrize("net,other", [("red", "blue"), ("blue", "red")])
def test_isolated(n, net, other):
    """A flood of broadcasts reaches the listener of its own network, and not the other's."""
    for ear in net, other:
        until(f"{ear} listens", lambda e=ear: "listen: ready" in said(n, f"ear-{e}"))
    mine, theirs = heard(n, net), heard(n, other)
    passes(n, f"mouth-{net}")
    until("all frames are accounted for", lambda: heard(n, net) >= mine + FRAMES)
    assert heard(n, net) == mine + FRAMES
    assert heard(n, other) == theirs
    assert "len=600" in said(n, f"ear-{net}")
    assert n.counter(f"mouth-{net}", "in_frames") == FRAMES


def test_no_route_is_counted(n):
    """In a network of mode route a frame that matches no route is counted as no_route."""
    assert n.counter("ear-blue", "drop.no_route") == 1  # its announcement
    verdict = n.monitor(
        "explain 52:54:00:00:00:01 ff:ff:ff:ff:ff:ff ear-blue json")
    assert '"counter":"no_route"' in verdict
