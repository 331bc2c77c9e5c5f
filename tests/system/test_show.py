# SPDX-License-Identifier: BSD-2-Clause
"""The answers to `show`: text and JSON have the same names and values."""

import pytest

from machine import HERE, TINY, judge, node

CONF = f"""network lab mode route
guest hello kernel hello.elf cmdline "hello=1" {TINY}
guest flood kernel flood.elf cmdline "count=100" {TINY}
guest later kernel hello.elf {TINY} autostart no
port flood guest flood network lab
port later guest later network lab edge
underlay later address 192.0.2.1/24 gateway 192.0.2.254 mtu 9000
link far vxlan vni 42 remote 192.0.2.2 network lab
link near udp remote 198.51.100.1
link wan direct network lab
route src any dst not 52:54:00:00:00:01 from flood to port later
route src any dst 52:54:00:00:00:01 from link far to link far reflect
network chained
port spare guest later network chained
port rest guest later network chained
service function ports spare fail open
flow web src 10.0.0.0/8 dst 10.1.0.0/16 proto tcp ports 80 8000-8080 chain function to rest
flow others src 2001:db8::/32 chain function out
group both memory 4M members hello flood
"""
# By target: the hypervisor below the node, and its signature (CPUID 40000000h).
UNDER = {"qemu-svm": ("QEMU's TCG", "TCGTCGTCGTCG"), "kvm-svm": ("KVM", "KVMKVMKVM"),
         "qemu-vmx": ("KVM", "KVMKVMKVM"), "kvm-vmx": ("KVM", "KVMKVMKVM"),
         "bochs-vmx": ("no visible hypervisor", "")}
TABLES = ["guests", "vcpus", "ports", "links", "underlays", "networks", "routes", "services",
          "flows", "groups", "exits", "counters"]


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, ["hello", "flood"], cores=3, memory=256) as n:
        n.ready()
        judge(n, "hello")
        judge(n, "flood")
        yield n


def as_text(key, value):
    """A JSON value in the form of the text tables."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key in ("memory", "prepared"):
        return f"{value >> 20}M"
    return str(value) if value != "" else '""'


def under(m):
    return m["hypervisor"], m["signature"]


@pytest.mark.parametrize("what", TABLES)
def test_text_and_json_agree(n, what):
    """Text and JSON have the same columns in the same order, the same rows and values."""
    rows = n.show(what)[what]
    lines = [l for l in n.monitor(f"show {what}").splitlines()
             if l.strip() and not l.startswith(("show", "["))]
    assert rows and len(lines) == 1 + len(rows), lines
    assert lines[0].split() == list(rows[0])
    for line, row in zip(lines[1:], rows):
        expected = [word for k, v in row.items() for word in as_text(k, v).split()]
        assert line.split() == expected


def test_all_is_the_sum(n):
    """`show all json` is one object with every table, each equal to the answer for it alone."""
    everything = n.show("all")
    after = TABLES.index("flows") + 1
    elsewhere = ["mirrors", "capture"]  # test_mirror.py has them
    assert list(everything) == [*TABLES[:after], *elsewhere, *TABLES[after:], "memory", "machine"]
    assert all(everything[t] == n.show(t)[t] for t in TABLES)
    assert everything["memory"]["total"] > everything["memory"]["free"] > 0


def test_machine(n):
    """`show machine`: the same in JSON and text; the cost of an exit was measured, and is not 0."""
    m = n.show("machine")["machine"]
    text = n.monitor("show machine")
    assert m["vendor"] == HERE.VENDOR and m["cores"] == 3, m
    assert 0 < m["exit_ticks"] <= m["exit_median_ticks"], m
    assert m["exit_ns"] == m["exit_ticks"] * 10**6 // m["tsc_khz"], m
    assert under(m) == UNDER.get(HERE.NAME, under(m)), m
    for key in "vendor", "cpu", "hypervisor", "exit_ticks", "tsc_khz":
        assert f"{key}: {m[key]}" in text, text


def test_narrowing(n):
    """A name narrows an answer to a guest or a port."""
    assert [g["guest"] for g in n.show("guests flood")["guests"]] == ["flood"]
    assert [p["port"] for p in n.show("ports later")["ports"]] == ["later"]
    assert [g["member"] for g in n.show("groups flood")["groups"]] == ["flood"]
    assert {c["object"] for c in n.show("counters flood")["counters"]} == {"flood"}
    assert [p["port"] for p in n.show("ports lab")["ports"]] == ["flood", "later"]
    assert [l["link"] for l in n.show("links lab")["links"]] == ["far", "wan"]
    assert [l["link"] for l in n.show("links near")["links"]] == ["near"]
    assert {c["object"] for c in n.show("counters far")["counters"]} == {"far"}
    assert [r["to"] for r in n.show("routes far")["routes"]] == ["far"]
    assert [r["to"] for r in n.show("routes wan")["routes"]] == ["later"]
    assert [f["flow"] for f in n.show("flows chained")["flows"]] == ["web", "others"]
    assert not n.show("flows lab")["flows"] and not n.show("services lab")["services"]


def test_links(n):
    """`show links`: the links as configured, and down without Dom0."""
    far, near, wan = n.show("links")["links"]
    assert far == {"link": "far", "kind": "vxlan", "network": "lab", "edge": "later",
                   "remote": "192.0.2.2", "vni": 42, "udp_port": 4789, "next_hop": "192.0.2.2",
                   "next_mac": "unresolved", "mtu": 8950, "state": "down", "in_frames": 0,
                   "out_frames": 0, "drops": 0}
    assert (near["next_hop"], near["vni"], near["mtu"]) == ("192.0.2.254", None, 8958)
    assert (wan["edge"], wan["next_mac"], wan["mtu"]) == ("later", None, 9000)
    assert {p["port"]: p["mtu"] for p in n.show("ports lab")["ports"]} == {"flood": 8950, "later": 9000}
    assert n.show("underlays")["underlays"] == [
        {"port": "later", "address": "192.0.2.1", "prefix": 24, "gateway": "192.0.2.254",
         "mac": "02:50:c0:00:02:01", "mtu": 9000, "links": 2}]


def test_explain_tells_the_counter(n):
    """explain names the counter that a real frame increments."""
    assert "port_down" in n.monitor("explain 52:54:00:00:00:05 ff:ff:ff:ff:ff:ff flood") or \
        "bridge_down" in n.monitor("explain 52:54:00:00:00:05 ff:ff:ff:ff:ff:ff flood")
    assert n.counter("later", "drop.bridge_down") == 100


def test_help_names_every_statement(n):
    """`help WORD` works for each statement that `help` lists."""
    lines = n.monitor("help").splitlines()
    words = {l.split()[0].split("|")[0] for l in lines if l[:1].isalpha()}
    assert {"guest", "port", "link", "route", "show", "lint", "load", "poweroff"} <= words
    for word in words:
        assert "error:" not in (page := n.monitor(f"help {word}")) and page.strip()
