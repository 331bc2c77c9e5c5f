# SPDX-License-Identifier: BSD-2-Clause
"""Ports whose frames lie in a group's memory: a chain of network functions in small guests, none of whose
frames is copied; a function that starts anew; a member that breaks the rules."""

import pytest

from machine import TINY, about, ended, judge, node, passes, refuse, said, until

FRAMES = 200  # fewer than the spare buffers of a member (209): none is lost, however slowly it works
FUNCTIONS = "filter", "forward", "relay"
# A sender, two functions that know nothing of each other, a counter; a replica of the first that ends its chain.
SERVED = "asks", "first", "second", "sum", "quits"
MACS = {name: f"52:54:00:00:00:{i:02x}" for i, name in enumerate(("gen", *FUNCTIONS, "count", "bad", *SERVED))}
CASES = {"gen": f"how=generate frames={FRAMES} mac={MACS['filter']}", "filter": "how=filter to=forward",
         "forward": f"how=forward mac={MACS['relay']}", "relay": "how=relay to=count",
         "count": f"how=count filtered=1 frames={FRAMES // 2}", "bad": "how=break",
         "asks": f"how=generate frames={FRAMES} mac={MACS['sum']}", "first": "how=filter", "second": "how=relay",
         "sum": f"how=count filtered=1 frames={FRAMES // 2}", "quits": "how=filter out=1"}
CONF = ("network default mode exact\nnetwork lab mode exact\n"
        + "".join(f'guest {name} kernel member.elf cmdline "{words}" {TINY} autostart no\n'
                  for name, words in CASES.items())
        + f"group m memory 8M buffers 6M members {' '.join(CASES)}\n"
        + "".join(f"port {name} guest {name} network {'lab' if name in SERVED else 'default'} group m mac {mac}\n"
                  for name, mac in MACS.items())
        + "service one ports first quits may-leave\nservice two ports second\n"
        + "flow f from asks proto udp chain one two to sum\n")


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, ["member"], cores=5, memory=512) as n:
        yield n.ready()


def serves(n, name):
    n.monitor(f"start {name}")
    until(f"{name} serves", lambda: "serves" in said(n, name))


def counters(n, name):
    return {c["counter"]: c["value"] for c in n.show("counters")["counters"] if c["object"] == name}


def test_chain(n):
    """gen -> filter (by address) -> forward (by name) -> relay (by its new address) -> count: the half that the
    filter lets pass arrives whole and in order, and no byte was copied."""
    for name in FUNCTIONS:
        serves(n, name)
    n.monitor("start count")
    until("it waits", lambda: about(n, "count")["state"] == "running" and counters(n, "count").get("starts"))
    passes(n, "gen")
    judge(n, "count")
    ports = {p["port"]: p for p in n.show("ports")["ports"]}
    assert not any(p["copied"] for name, p in ports.items() if name not in SERVED)
    assert {name: p["drops"] for name, p in ports.items()} == dict.fromkeys(MACS, 0)
    assert ports["gen"]["in_frames"] == ports["filter"]["out_frames"] == FRAMES
    assert counters(n, "filter")["dropped"] == FRAMES // 2
    assert counters(n, "filter")["direct"] == counters(n, "relay")["direct"] == FRAMES // 2
    assert [counters(n, name)["handed"] for name in ("filter", "forward", "relay", "count")] == [
        FRAMES, FRAMES // 2, FRAMES // 2, FRAMES // 2]


def test_restart(n):
    """A function that was stopped and started serves again; the others have gone on."""
    if about(n, "relay")["state"] != "running":
        test_chain(n)
    n.monitor("stop filter")
    ended(n, "filter")
    serves(n, "filter")
    n.monitor("start count")
    until("it waits", lambda: counters(n, "count")["starts"] == 2)
    passes(n, "gen")
    judge(n, "count")
    assert about(n, "relay")["starts"] == about(n, "forward")["starts"] == 1


def stop(n, *names):
    for name in names:
        if about(n, name)["state"] == "running":
            n.monitor(f"stop {name}")
            ended(n, name)


def test_service_chain(n):
    """The flow table leads frames through members as through other ports: the functions give them back to the switch,
    which hands them on."""
    stop(n, *FUNCTIONS)
    for name in SERVED[1:3]:
        serves(n, name)
    n.monitor("start sum")
    until("it waits", lambda: counters(n, "sum").get("starts"))
    passes(n, "asks")
    judge(n, "sum")
    assert [counters(n, name)["handed"] for name in ("first", "second", "sum")] == [
        FRAMES, FRAMES // 2, FRAMES // 2]


def test_out_of_its_chain(n):
    """What a function sends out of its chain goes to the chain's end, past the service that is left."""
    stop(n, *FUNCTIONS, *SERVED)
    for name in "quits", "second":
        serves(n, name)
    before = {name: counters(n, name) for name in ("second", "sum")}
    n.monitor("start sum")
    until("it waits", lambda: counters(n, "sum")["starts"] > before["sum"].get("starts", 0))
    passes(n, "asks")
    judge(n, "sum")
    assert counters(n, "quits")["out"] == counters(n, "quits")["dropped"] == FRAMES // 2
    assert counters(n, "sum")["handed"] == before["sum"].get("handed", 0) + FRAMES // 2
    assert counters(n, "second").get("handed", 0) == before["second"].get("handed", 0)


def test_rules(n):
    """Each broken rule is counted and stops the member that broke it, until it resets its port."""
    stop(n, *FUNCTIONS, *SERVED)
    passes(n, "bad")
    broken = {c: v for c, v in counters(n, "bad").items() if c.startswith("violation.")}
    assert broken == {f"violation.{c}": 1 for c in (
        "out_of_region", "wrong_owner", "bad_length", "bad_action", "ring_broken")}
    assert counters(n, "filter").keys().isdisjoint(broken)


def test_changes(n):
    """A group with ports stays; a port leaves and comes back while its guest is stopped."""
    refuse(n, "remove group m\n", 'port "gen" is in group "m"; remove it first')
    n.monitor("remove port bad")
    assert {g["member"]: (g["port"], g["buffers"]) for g in n.show("groups")["groups"]} == {
        name: (None if name == "bad" else name, 6 << 20) for name in CASES}
    n.monitor(f"port bad guest bad group m mac {MACS['bad']}")
    passes(n, "bad")
