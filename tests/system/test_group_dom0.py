# SPDX-License-Identifier: BSD-2-Clause
"""Dom0 as a member of a group: its NIC receives into the group's buffers and sends from them, so that no byte is copied
between the wire and a member's function, and one copy is made to and from a guest outside of the group.  Beside Dom0 the
members of another group exchange messages by their memory alone."""

import re
import threading
import time

import pytest

from machine import TINY, about, ended, judge, node, only_on, passes, said, until
from peer import Peer

TEST = 0x88B5  # guest-images/lib/packet.h
REQUEST = 1
SIZES = 60, 601, 1514
FRAMES = 200  # of the members among themselves
STATS = 60    # Dom0 prints its counters about every so many frames
MACS = {name: f"52:54:00:00:00:0{i}" for i, name in enumerate(("gen", "count", "back", "echo"), 1)}
MESSAGES = 10 ** 12  # more than pass before the guests are stopped
CHANNEL = "".join(f'guest {how} kernel group.elf cmdline "how={how} size={8 << 20} messages={MESSAGES}" {TINY} autostart no\n'
                  for how in ("send", "receive", "watch")) + "group c memory 8M members send receive watch\n"
CONF = f"""guest dom0 memory 64M kernel dom0.elf cmdline "stats={STATS}" pci 00:03.0
guest back kernel member.elf cmdline "how=relay back=1" {TINY}
guest gen kernel member.elf cmdline "how=generate frames={FRAMES} mac={MACS["count"]}" {TINY} autostart no
guest count kernel member.elf cmdline "how=count frames={FRAMES}" {TINY} autostart no
guest echo kernel echo.elf cmdline "ip=10.0.2.12" {TINY}
{CHANNEL}group m memory 8M buffers 4M members dom0 back gen count
port ext guest dom0 edge group m
port back guest back group m mac {MACS["back"]}
port gen guest gen group m mac {MACS["gen"]}
port count guest count group m mac {MACS["count"]}
port echo guest echo mac {MACS["echo"]}
"""

pytestmark = only_on("qemu-svm", "the frames are not to the NIC's own address, which Bochs's needs")


@pytest.fixture(name="peer", scope="module")
def the_peer():
    with Peer("10.0.2.2") as peer:
        yield peer


@pytest.fixture(name="n", scope="module")
def the_node(peer):
    with node(CONF, ["dom0", "member", "echo", "group"], cores=7, memory=640, wire=peer.wire) as n:
        n.ready()
        until("the bridge is ready", lambda: "bridge ready" in said(n, "dom0"))
        until("the function is there", lambda: "serves" in said(n, "back"))
        until("the guest is there", lambda: "ready" in said(n, "echo"))
        yield n


def request(peer, name, number, size):
    """A test frame to the guest, and its payload behind the first byte."""
    mac = bytes.fromhex(MACS[name].replace(":", ""))
    rest = bytes(3) + number.to_bytes(4, "big") + bytes((number + i) & 0xFF for i in range(size - 22))
    return mac + peer.mac + TEST.to_bytes(2, "big") + bytes([REQUEST]) + rest, rest


def returns(peer, name, first, count, size):
    """So many frames to the guest come back whole, one after the other; how many bytes that was."""
    mac = bytes.fromhex(MACS[name].replace(":", ""))
    for number in range(first, first + count):
        frame, rest = request(peer, name, number, size)
        head = peer.mac + mac + TEST.to_bytes(2, "big")
        seen = len(peer.frames)
        peer.socket.sendto(frame, peer.node)
        until(f"frame {number} is back", lambda: any(
            f[:14] == head and f[15:] == rest for f in peer.frames[seen:]))
    return count * size


def ports(n, column):
    return {p["port"]: p[column] for p in n.show("ports")["ports"]}


def copied(n):
    return ports(n, "copied")


def handed(n):
    return {c["object"]: c["value"] for c in n.show("counters")["counters"] if c["counter"] == "handed"}


def of_dom0(n):
    """Dom0's own counters, as it printed them last."""
    line = [l for l in said(n, "dom0").splitlines() if l.startswith("dom0: counters")][-1]
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}


def test_no_copy(n, peer):
    """From the wire to a function and back to the wire: nobody has copied a byte, neither the VMM nor Dom0."""
    before, count = handed(n), 15
    for i, size in enumerate(SIZES):
        returns(peer, "back", 100 * i, count, size)
    frames = count * len(SIZES)
    assert copied(n) == dict.fromkeys(("ext", *MACS), 0)
    assert {name: handed(n)[name] - before.get(name, 0) for name in ("ext", "back")} == {"ext": frames, "back": frames}
    dom0 = of_dom0(n)
    assert dom0["in_frames"] >= STATS // 2 and dom0["copied"] == 0, dom0


def test_one_copy(n, peer):
    """A guest outside of the group: each frame is copied once into its buffers, and its answer once into Dom0's."""
    before, total = copied(n), 0
    for i, size in enumerate(SIZES):
        total += returns(peer, "echo", 100 * i, 5, size)
    assert {name: value - before[name] for name, value in copied(n).items()} == {
        "ext": total, "echo": total, "back": 0, "gen": 0, "count": 0}


def test_messages_beside_dom0(n):
    """While messages pass, neither the two members of their group nor Dom0 exit at all; a third member sees them pass."""
    n.monitor("start receive")
    until("the channel is there", lambda: "ready" in said(n, "receive"))
    n.monitor("start send")
    passes(n, "watch")  # both have come to the messages
    before = {name: n.exits(name) for name in ("send", "receive", "dom0")}
    passes(n, "watch")
    assert {name: n.exits(name) for name in before} == before
    for name in "send", "receive":
        assert about(n, name)["state"] == "running"
        n.monitor(f"stop {name}")
        ended(n, name)


def flood(peer, stop):
    number = 0
    while not stop.is_set():
        frame, _ = request(peer, "back", number % 256, SIZES[2])
        peer.socket.sendto(frame, peer.node)
        number += 1
        time.sleep(0.001)


def test_dom0_dies_under_traffic(n, peer):
    """Its NIC writes into nobody's frames when Dom0 is stopped, and each time all buffers in the NIC's rings are back:
    these are half of its share, so that without them the third start would find none.  The others go on."""
    stop = threading.Event()
    thread = threading.Thread(target=flood, args=(peer, stop), daemon=True)
    thread.start()
    try:
        for _ in range(2):
            n.monitor("start count")
            until("it waits", lambda: ports(n, "up")["count"])
            n.monitor("start gen")
            n.monitor("stop dom0")
            ended(n, "dom0")
            judge(n, "gen")
            judge(n, "count")
            taken = ports(n, "in_frames")["ext"]
            n.monitor("start dom0")
            until("frames come from the wire again", lambda: ports(n, "in_frames")["ext"] > taken)
    finally:
        stop.set()
        thread.join()
    returns(peer, "back", 0, 5, SIZES[1])
    returns(peer, "echo", 0, 5, SIZES[1])
    assert about(n, "back")["starts"] == 1 and about(n, "dom0")["starts"] == 3
    assert not any(drops for name, drops in ports(n, "drops").items() if name != "ext")
