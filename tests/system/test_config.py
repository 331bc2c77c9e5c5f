# SPDX-License-Identifier: BSD-2-Clause
"""Changes of the configuration at run time: links are made, shown, explained, used and removed; wrong
lines are refused.

The wire between two edges of one node is a guest with two NICs, so that one node is both ends of a link.
"""

import json

import pytest

from machine import TINY, node, passes, refuse, said, until

ALICE, BOB = "52:54:00:00:00:0a", "52:54:00:00:00:0b"
CONF = f"""network here
network there
network wire.here
network wire.there
guest wire kernel wire.elf {TINY}
guest alice kernel ping.elf cmdline "ip=10.0.0.1 to=10.0.0.2 n=50" {TINY} autostart no
guest bob kernel echo.elf cmdline "ip=10.0.0.2" {TINY} autostart no
port end.here guest wire network wire.here edge
port end.there guest wire network wire.there edge
port alice guest alice network here mac {ALICE}
port bob guest bob network there mac {BOB}
"""
UNDERLAYS = """underlay end.here address 192.0.2.1/24
underlay end.there address 192.0.2.2/24
"""
VXLAN = """link far vxlan vni 42 remote 192.0.2.2 network here edge end.here
link near vxlan vni 42 remote 192.0.2.1 network there edge end.there
"""
UDP = VXLAN.replace("vxlan vni 42", "udp")
ROUTES = """network here mode route
network there mode route
route network here src any dst any from port alice to link far
route network here src any dst any from link far to port alice
add any any link near interface bob
add any any interface bob link near
"""


def renamed(text):
    """The same with links far2 and near2."""
    return text.replace("far", "far2").replace("near", "near2")


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, ["wire", "ping", "echo"], cores=4, memory=256) as n:
        n.ready()
        until("the wire is there", lambda: "wire: ready" in said(n, "wire"))
        n.monitor("start bob")
        until("bob is there", lambda: "echo: ready" in said(n, "bob"))
        yield n


def ask(n, line):
    """The answer in JSON."""
    return json.loads(next(l for l in n.monitor(f"{line} json").splitlines() if l[:1] == "{"))


def load(n, text):
    """The monitor's answer to a text."""
    n.monitor("load")
    for line in text.splitlines():
        n.monitor(line)
    return n.monitor("end")


def take(n, text):
    assert "error" not in (answer := load(n, text)), answer


def links(n):
    return {l["link"]: l for l in n.show("links")["links"]}


def mtus(n):
    return {p["port"]: p["mtu"] for p in n.show("ports")["ports"]}


def explain(n, src, dst, port):
    """(port, counter) of each port that such a frame would reach."""
    rows = ask(n, f"explain {src} {dst} {port}")["explain"]
    return [(r["port"], r["counter"]) for r in rows if r["port"]]


def talk(n):
    """Alice pings Bob through the link, each frame once each way."""
    before = links(n)
    passes(n, "alice")
    after = links(n)
    for link in "far", "near":
        for way in "in_frames", "out_frames":
            assert after[link][way] - before[link][way] >= 51, (link, way, after)
    assert after["far"]["out_frames"] - before["far"]["out_frames"] == \
        after["near"]["in_frames"] - before["near"]["in_frames"]


def without_routes(n):
    """The text that removes every route."""
    def end(name):
        return f"{'link' if name in links(n) else 'port'} {name}"
    return "".join(f"remove route network {r['network']} src {r['src']} dst {r['dst']} "
                   f"from {end(r['from'])} to {end(r['to'])}\n" for r in n.show("routes")["routes"])


def without_links(n):
    return "".join(f"remove link {name}\n" for name in links(n))


def remove_all(n):
    take(n, without_routes(n) + without_links(n)
         + "network here mode learn\nnetwork there mode learn\n"
         "remove underlay end.here\nremove underlay end.there\n")
    assert links(n) == {} and n.show("underlays")["underlays"] == []
    assert n.show("routes")["routes"] == []


@pytest.mark.parametrize("kind, text, mtu", [("vxlan", VXLAN, 1450), ("udp", UDP, 1458)],
                         ids=["vxlan", "udp"])
def test_a_link_comes_and_goes(n, kind, text, mtu):
    """In mode learn: a link is made, shown, explained, used, and removed completely."""
    assert mtus(n)["alice"] == 1500
    take(n, UNDERLAYS + text)
    until("both ends are resolved",
          lambda: {l["state"] for l in links(n).values()} == {"up"})
    far = links(n)["far"]
    assert (far["kind"], far["remote"], far["mtu"]) == (kind, "192.0.2.2", mtu)
    assert far["next_mac"] == "02:50:c0:00:02:02"
    assert mtus(n) | {"alice": mtu, "bob": mtu, "end.here": 1500} == mtus(n)
    assert explain(n, ALICE, "ff:ff:ff:ff:ff:ff", "alice") == [("far", "out_frames")]
    talk(n)
    assert explain(n, ALICE, BOB, "alice") == [("far", "out_frames")]
    assert explain(n, BOB, ALICE, "far") == [("alice", "port_down")]
    remove_all(n)
    assert mtus(n)["alice"] == 1500
    assert explain(n, ALICE, BOB, "alice") == [("alice", "no_route")]


def test_routes_over_a_link(n):
    """The same in networks of mode route, in one text with the link itself."""
    take(n, UNDERLAYS + VXLAN + ROUTES)
    talk(n)
    routes = {(r["from"], r["to"]): r["hits"] for r in n.show("routes")["routes"]}
    assert set(routes) == {("alice", "far"), ("far", "alice"), ("near", "bob"), ("bob", "near")}
    assert min(routes.values()) >= 51
    refuse(n, "remove link far", 'a route names link "far"; remove it first')
    remove_all(n)


def test_exact(n):
    """The same in mode exact."""
    take(n, "network here mode exact\nnetwork there mode exact\n" + UNDERLAYS + VXLAN)
    assert {x["network"]: x["mode"] for x in n.show("networks")["networks"]}["here"] == "exact"
    talk(n)
    assert explain(n, BOB, BOB, "alice") == [("alice", "spoofed")]
    remove_all(n)


def test_links_for_others(n):
    """One text replaces links by others with other names, and the routes by routes to these."""
    routes = ROUTES.split("\n", 2)[2]
    take(n, UNDERLAYS + VXLAN + ROUTES)
    talk(n)
    away = without_routes(n) + without_links(n)
    assert "far: this text also removes the port or link" in load(n, away + UDP + routes)
    assert links(n)["far"]["kind"] == "vxlan" and len(n.show("routes")["routes"]) == 4
    take(n, away + renamed(UDP + routes))
    passes(n, "alice")
    assert {name: l["kind"] for name, l in links(n).items()} == {"far2": "udp", "near2": "udp"}
    remove_all(n)


BAD = [
    ("link far vxlan vni 42 remote 192.0.2.2", "no edge port has an underlay"),
    (UNDERLAYS + VXLAN + "link third vxlan vni 42 remote 192.0.2.2 edge end.here",
     'load:5:32: link "far" already has this remote and VNI'),
    (UNDERLAYS + "network here mtu 1500\n" + VXLAN, 'does not fit link "far"; 1450 at most'),
    (UNDERLAYS + VXLAN + ROUTES + "route src any dst any to link fat", 'did you mean "far"?'),
    (UNDERLAYS + "underlay alice address 192.0.2.3/24", 'port "alice" is not an edge port'),
    (UNDERLAYS + VXLAN + "remove port end.here", "goes through port"),
]


@pytest.mark.parametrize("text, message", BAD, ids=range(len(BAD)))
def test_bad_texts_change_nothing(n, text, message):
    """The last line is wrong: the lines before it take no effect either."""
    refuse(n, text, message)
    assert links(n) == {} and n.show("underlays")["underlays"] == []


def test_lint(n):
    """What is probably a mistake is warned about when it is accepted, and again by `lint`."""
    assert ask(n, "lint")["lint"] == []
    answer = load(n, UNDERLAYS + VXLAN + renamed(UDP))
    assert 'warning: load:5:1: links "far" and "far2" of network "here" lead to the same node' in answer
    assert len(ask(n, "lint")["lint"]) == 2
    take(n, "remove link far2\nremove link near2\n")
    assert ask(n, "lint")["lint"] == []
    remove_all(n)
