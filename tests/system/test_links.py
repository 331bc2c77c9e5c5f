# SPDX-License-Identifier: BSD-2-Clause
"""Two nodes connected by links, each with Dom0 and a tiny guest; their NICs are on one wire."""

import pytest

from patio.linux_machine import far, free_wire
from machine import TINY, moved, node, only_on, passes, said, until
from test_config import links, load, take

pytestmark = only_on("qemu-svm", "the wire is between two QEMUs")

ADDRESS = {1: "192.0.2.1", 2: "192.0.2.2"}
GUEST = {1: f'guest g kernel ping.elf cmdline "ip=10.0.0.1 to=10.0.0.2 n=100" {TINY} autostart no',
         2: f'guest g kernel echo.elf cmdline "ip=10.0.0.2" {TINY}'}


def conf(number):
    """patio.conf: the outer wire is a network of its own; the guest is in `default`."""
    return f"""network wire
guest dom0 memory 64M kernel dom0.elf pci 00:03.0
{GUEST[number]}
port uplink guest dom0 network wire edge
port g guest g mac 52:54:00:00:00:0{number}
underlay uplink address {ADDRESS[number]}/24
"""


def nic(end, number):
    """Arguments for an 82540EM whose frames are UDP datagrams."""
    here, there = end
    return ["-netdev", f"socket,id=wire,udp=127.0.0.1:{there},localaddr=127.0.0.1:{here}",
            "-device", f"e1000,netdev=wire,addr=3,mac=52:54:00:00:00:d{number}"]


@pytest.fixture(name="nodes", scope="module")
def the_nodes():
    end = far(free_wire())
    with node(conf(1), ["dom0", "ping"], cores=3, memory=256, nic=nic(end, 1)) as one, \
            node(conf(2), ["dom0", "echo"], cores=3, memory=256, nic=nic(end[::-1], 2)) as two:
        for n in one, two:
            n.ready()
            until("the bridge is ready", lambda n=n: "bridge ready" in said(n, "dom0"))
        until("the echo is there", lambda: "echo: ready" in said(two, "g"))
        yield one, two


def join(nodes, name, words):
    """Makes a link to the other node on both, and waits until both next hops are resolved."""
    for n, remote in zip(nodes, (ADDRESS[2], ADDRESS[1])):
        take(n, f"link {name} {words} remote {remote}\n")
    for n in nodes:
        until("the next hop is resolved", lambda n=n: links(n)[name]["state"] == "up")


def part(nodes, name):
    for n in nodes:
        take(n, f"remove link {name}\n")


def frames(nodes):
    """The frames received and sent by the links of both nodes."""
    return [l[way] for n in nodes for l in links(n).values() for way in ("in_frames", "out_frames")]


@pytest.mark.parametrize("words", ["vxlan vni 42", "udp", "vxlan vni 0 udp-port 8472"])
def test_joined_at_run_time(nodes, words):
    """100 pings, and ARP before them, go through the link once each, without a drop."""
    join(nodes, "other", words)
    lines = passes(nodes[0], "g")
    assert [l for l in lines if l.startswith("rtt n=100 lost=0")], (lines, moved(*nodes))
    assert len(set(frames(nodes))) == 1 and frames(nodes)[0] >= 101, frames(nodes)
    assert [links(n)["other"]["drops"] for n in nodes] == [0, 0]
    part(nodes, "other")


def test_joined_twice_no_loop(nodes):
    """Two parallel links and flooding: frames from outside are not sent outside again, so none loops."""
    join(nodes, "one", "vxlan vni 1")
    answer = load(nodes[0], f"link two udp remote {ADDRESS[2]}\n")
    assert "lead to the same node" in answer and "error" not in answer
    take(nodes[1], f"link two udp remote {ADDRESS[1]}\n")
    passes(nodes[0], "g")
    seen = [frames(nodes)]
    until("all is silent", lambda: seen.append(frames(nodes)) or seen[-1] == seen[-2])
    assert sum(seen[-1]) < 4 * 2 * 220, seen
    part(nodes, "one")
    part(nodes, "two")


def test_unknown_peer(nodes):
    """A link that only one node has: the other node counts its packets and delivers none."""
    take(nodes[0], f"link lone vxlan vni 7 remote {ADDRESS[2]}\n")
    until("the next hop is resolved", lambda: links(nodes[0])["lone"]["state"] == "up")
    heard = nodes[1].counter("g", "out_frames")
    nodes[0].monitor("start g")
    until("the other end counts it", lambda: [
        c for c in nodes[1].show("counters uplink")["counters"]
        if c["counter"] in ("drop.unknown_vni", "drop.outer_other") and c["value"] > 0])
    nodes[0].monitor("stop g")
    assert nodes[1].counter("g", "out_frames") == heard
    take(nodes[0], "remove link lone\n")
