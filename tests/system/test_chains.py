# SPDX-License-Identifier: BSD-2-Clause
"""Flows through chains of functions: guests that give frames back to the port where they got them."""

import itertools
import re
import time

import pytest

from machine import TINY, ended, node, passes, refuse, said, until

ECHO, A, B = (f"52:54:00:00:00:{n:02x}" for n in (14, 1, 2))
FUNCTIONS = ["fw", "ids1", "ids2", "nat"]
N, FLOWS = 320, 32
TO = f"peer={ECHO} to=10.0.0.9"
SOON = "timeout=50000000"  # in ticks, for frames that are not answered
CONF = f"""guest echo kernel echo.elf cmdline "ip=10.0.0.9" {TINY}
guest stream kernel stream.elf cmdline "ip=10.0.0.1 {TO} n={N} flows={FLOWS}" {TINY} autostart no
guest lossy kernel ping.elf cmdline "ip=10.0.0.2 to=10.0.0.9 n=3 loss=1 {SOON}" {TINY} autostart no
port echo guest echo mac {ECHO}
port stream guest stream mac {A}
port lossy guest lossy mac {B}
""" + "".join(f"""guest {name} kernel relay.elf {TINY}
port {name} guest {name}
""" for name in FUNCTIONS) + """service firewall ports fw
service watch ports ids1 ids2
service translate ports nat
flow there src 10.0.0.1 proto udp ports 7 chain firewall watch translate to echo
flow back dst 10.0.0.1 proto udp ports 7 chain translate watch firewall out
"""


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, ["echo", "stream", "ping", "relay"], cores=6, memory=512) as n:
        n.ready()
        until("the functions are there", lambda: all(up(n, name) for name in ["echo", *FUNCTIONS]))
        yield n


def up(n, name):
    return n.show(f"ports {name}")["ports"][0]["up"]


def frames(n):
    """How many frames went to each replica and came into each flow."""
    return {row["port"]: row["frames"] for row in n.show("services")["services"]}, \
        {row["flow"]: row["frames"] for row in n.show("flows")["flows"]}


def more(n, run):
    """What the counters of frames() have more after the guest's run."""
    before = frames(n)
    passes(n, run)
    return [{key: value - old[key] for key, value in new.items()} for old, new in zip(before, frames(n))]


def said_nothing(n, *lines):
    """Statements that the node accepts."""
    for line in lines:
        assert not re.search(r"^\S+:\d+:\d+: ", answer := n.monitor(line), re.M), answer


@pytest.mark.every_target
def test_a_chain_in_both_directions(n):
    """Each datagram passes three functions on its way, and its answer on the way back; every flow's answers
    come in order; both directions of a flow meet one replica, and the replicas share the flows."""
    replicas, flows = more(n, "stream")
    assert flows == {"there": N, "back": N}
    assert replicas["fw"] == replicas["nat"] == 2 * N
    shares = replicas["ids1"], replicas["ids2"]
    assert sum(shares) == 2 * N and all(shares) and not any(s % (2 * N // FLOWS) for s in shares)
    assert n.counter("fw", "in_frames") >= 2 * N


def test_a_replica_that_dies_and_comes_back(n):
    """While one replica is stopped the other one has all flows; when it is started again it has its own ones
    back, once they were quiet for a while."""
    before, _ = more(n, "stream")
    n.monitor("stop ids1")
    ended(n, "ids1")
    during, _ = more(n, "stream")
    assert (during["ids1"], during["ids2"]) == (0, 2 * N)
    n.monitor("start ids1")
    until("it is back", lambda: up(n, "ids1"))
    pauses = itertools.count(2)

    def has_its_own():
        time.sleep(next(pauses))
        return more(n, "stream")[0] == before
    until("it has its own flows", has_its_own)


def test_without_a_replica(n):
    """A service of which no replica is up drops the frames of its flows, by name; with `fail open` they pass
    it by.  A flow before the others is an exception."""
    n.monitor("stop nat")
    ended(n, "nat")
    said_nothing(n, "flow pings before there src 10.0.0.2 proto icmp chain translate out",
                 "flow pass before pings src 10.0.0.2 dst 10.0.0.8 out")
    passes(n, "lossy")
    assert n.counter("lossy", "drop.service_down") == 3
    assert [f["flow"] for f in n.show("flows")["flows"]] == ["pass", "pings", "there", "back"]
    said_nothing(n, "remove flow pings", "remove flow pass", "remove flow there", "remove flow back",
                 "remove service translate", "service translate ports nat fail open",
                 "flow there src 10.0.0.1 proto udp ports 7 chain firewall watch translate to echo",
                 "flow back dst 10.0.0.1 proto udp ports 7 chain translate watch firewall out")
    replicas, flows = more(n, "stream")
    assert replicas["nat"] == 0 and replicas["fw"] == 2 * N and flows == {"there": N, "back": N}
    n.monitor("start nat")
    until("it is back", lambda: up(n, "nat"))
    assert more(n, "stream")[0]["nat"] == 2 * N


def test_explain_walks_the_chain(n):
    """`explain` has a row for each hop, as the frames went."""
    answer = n.monitor(f"explain {A} {ECHO} stream src 10.0.0.1 dst 10.0.0.9 proto udp ports 1000 7")
    hops = [line.split() for line in answer.splitlines() if "there" in line]
    assert [h[3] for h in hops] in (["fw", ids, "nat", "echo"] for ids in ("ids1", "ids2")), answer
    assert [h[4] for h in hops] == ["out_frames"] * 4, answer
    assert [h[6] for h in hops] == ["firewall", "watch", "translate", "-"], answer


def test_what_is_refused(n):
    """What a flow names cannot be removed; what contradicts the others is refused; nothing changes."""
    refuse(n, "remove service watch", 'flow "there" names service "watch"; remove it first')
    refuse(n, "remove port fw", 'service "firewall" names port "fw"; remove it first')
    refuse(n, "flow f chain firewall watch firewall out", 'service "firewall" is in this chain already')
    refuse(n, "service more ports ids1", 'port "ids1" is in service "watch" already')
    refuse(n, "flow f from lossy chain firewall out\nflow g from echo chain firewall out",
           "behind service firewall its frames cannot be told from those of flow f")
    assert "relay: ready" in said(n, "fw")
