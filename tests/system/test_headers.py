# SPDX-License-Identifier: BSD-2-Clause
"""Frames with VLAN tags, IPv6 extension headers and congestion marks from one node to the other, over a
link and directly over Dom0.  Between the nodes' NICs is a relay that acts as a router and marks packets."""

import re
import struct

import pytest

from machine import TINY, node, only_on, passes, said, until
from peer import checksum
from relay import Relay
from test_links import ADDRESS, join, nic

pytestmark = only_on("qemu-svm", "the wire is between two QEMUs")

ETHER, IPV4, UDP, VXLAN = 14, 20, 8, 8
VXLAN_PORT, MTU = 4789, 1450
JUDGE, BESIDE = "52:54:00:00:00:02", "52:54:00:00:00:03"  # behind the link, and on the wire itself
KINDS = ["ipv4", "ipv6", "ipv4_tag", "ipv4_tags", "ipv6_tags", "hop_by_hop", "destination", "mobility",
         "all", "authenticated"]
NOT_ECT, ECT1, ECT0, CE = range(4)
# RFC 6040, figure 4, as the sender prints the arrived fields: by outer field, a digit for each inner
# field; - is a drop.
DECAPSULATED = {NOT_ECT: "0123", ECT1: "0113", ECT0: "0123", CE: "-333"}


WORDS = {"large": "payload=20000", "small": "payload=100", "marked": "payload=100 marked=1",
         "too.large": f"mtu={MTU}"}


def sender(name, words, judge=JUDGE):
    return f'guest {name} kernel headers.elf cmdline "to={judge} {words}" {TINY} autostart no\n'


def conf(number, guests, ports):
    return f"""network wire
guest dom0 memory 64M kernel dom0.elf pci 00:03.0
{guests}port uplink guest dom0 network wire edge
{ports}underlay uplink address {ADDRESS[number]}/24
"""


ONE = conf(1, "".join(sender(g, w) for g, w in WORDS.items()) +
           sender("beside", WORDS["large"], BESIDE),
           "".join(f"port {g} guest {g}\n" for g in WORDS) + "port beside guest beside network wire\n")
TWO = conf(2, f"guest judge kernel headers.elf {TINY}\nguest judge.beside kernel headers.elf {TINY}\n",
           f"port judge guest judge mac {JUDGE}\n"
           f"port judge.beside guest judge.beside network wire mac {BESIDE}\n")


@pytest.fixture(name="relay", scope="module")
def the_relay():
    with Relay() as relay:
        yield relay


@pytest.fixture(name="nodes", scope="module")
def the_nodes(relay):
    with node(ONE, ["dom0", "headers"], cores=3, memory=512, nic=nic(relay.ends[0], 1)) as one, \
            node(TWO, ["dom0", "headers"], cores=4, memory=256, nic=nic(relay.ends[1], 2)) as two:
        for n in one, two:
            n.ready()
            until("the bridge is ready", lambda n=n: "bridge ready" in said(n, "dom0"))
        for judge in "judge", "judge.beside":
            until("the judge listens", lambda judge=judge: "headers: ready" in said(two, judge))
        join((one, two), "other", "vxlan vni 42 network default")
        yield one, two


def came(lines):
    """{kind: the ECN fields with which its four frames arrived}."""
    return dict(re.findall(r"^came (\S+) (\S{4})$", "\n".join(lines), re.M))


def all_but_the_covered_came(n, name):
    """All kinds of frames arrive unchanged, except authenticated ones, which cannot be segmented."""
    lines = passes(n, name)
    assert came(lines) == {k: "----" if k == "authenticated" else "0123" for k in KINDS}, lines


def is_vxlan(frame):
    return frame[12:14] == b"\x08\x00" and frame[23] == 17 and \
        frame[36:38] == VXLAN_PORT.to_bytes(2, "big")


def marker(ecn):
    """The relay's function: sets this ECN field in each VXLAN packet."""
    def mark(frame):
        if not is_vxlan(frame):
            return frame
        ip = bytearray(frame[ETHER:ETHER + IPV4])
        ip[1] = ip[1] & ~3 | ecn
        ip[10:12] = b"\0\0"
        ip[10:12] = struct.pack("!H", checksum(bytes(ip)))
        return frame[:ETHER] + bytes(ip) + frame[ETHER + IPV4:]
    return mark


def tos(frame):
    """The ECN field of the IP header behind any tags; None without IP."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, ip = frame[at:at + 2], frame[at + 2:]
    return {b"\x08\x00": ip[1], b"\x86\xdd": (ip[0] << 4 | ip[1] >> 4) & 0xff}.get(kind)


def test_over_a_link(nodes, relay):
    """Each kind crosses the link in segments of the right size, with its tags and extension headers;
    authenticated frames are not segmented.  The outer headers have the inner ECN field."""
    one, two = nodes
    relay.frames.clear()
    all_but_the_covered_came(one, "large")
    assert one.counter("other", "drop.authenticated") == 4
    assert not [l for l in said(two, "judge").splitlines() if l.startswith("FAIL")]
    seen = [(f[ETHER + 1], tos(f[ETHER + IPV4 + UDP + VXLAN:])) for f in relay.frames if is_vxlan(f)]
    seen = [(outer, inner) for outer, inner in seen if inner is not None]
    assert len(seen) == 4 * 9 * 17 and all(outer == inner & 3 for outer, inner in seen)


def test_over_dom0(nodes):
    """The same without a link: Dom0 and its NIC segment them."""
    one, two = nodes
    all_but_the_covered_came(one, "beside")
    assert not [l for l in said(two, "judge.beside").splitlines() if l.startswith("FAIL")]


@pytest.mark.parametrize("outer", DECAPSULATED)
def test_congestion(nodes, relay, outer):
    """An outer ECN field set by a router reaches the inner packet as RFC 6040 says, also behind tags and
    under an authentication header; packets without ECN support are dropped and counted."""
    one, two = nodes
    dropped = two.counter("uplink", "drop.ce_not_ect")
    relay.change = marker(outer)
    lines = passes(one, "marked" if outer == CE else "small")
    relay.change = bytes
    assert came(lines) == dict.fromkeys(KINDS, DECAPSULATED[outer]), lines
    more = two.counter("uplink", "drop.ce_not_ect") - dropped
    assert more == (len(KINDS) if outer == CE else 0)


def test_too_large(nodes):
    """A frame one byte too large, whole or to be segmented, is answered by ICMP behind the same tags, with
    the MTU that fits behind them; a frame of that size passes."""
    one, _ = nodes
    before = one.counter("other", "drop.too_big")
    passes(one, "too.large")
    assert one.counter("other", "drop.too_big") - before == 2 * len(KINDS) - 1
