# SPDX-License-Identifier: BSD-2-Clause
"""Guests with memory in common: members exchange messages without exits, one starts again while the other
goes on, and nobody else reaches the memory, also not by a device."""

import re

import pytest

from machine import TINY, about, ended, judge, node, only_on, passes, refuse, said, until

FOR_EVER = 10**18  # ticks
CASES = {"ask": "", "answer": f"sessions=2 timeout={FOR_EVER}", "send": "", "receive": "", "device": "", "rules": "", "exec": "",
         "outside": ""}
MEMBERS = "ask answer send receive device rules exec"
CONF = "".join(f'guest {name} kernel group.elf cmdline "how={name} {words}" {TINY} autostart no\n'
               for name, words in CASES.items()) + f"group m memory 16M members {MEMBERS}\n"


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, ["group"], cores=3, memory=384) as n:
        yield n.ready()


@pytest.mark.every_target
def test_messages(n):
    """Two sessions of 1000 messages each way, by loads and stores.  The guest that answers goes on while the
    other one ends and starts again; the memory stays as they left it.  Messages cost no exits."""
    n.monitor("start answer")
    assert "session 1, after message 0" in passes(n, "ask")
    assert about(n, "answer")["state"] == "running"
    assert "session 2, after message 1000" in passes(n, "ask")
    judge(n, "answer")
    assert sum(n.exits("answer").values()) < 1000
    assert {(g["group"], g["memory"], g["prepared"]) for g in n.show("groups")["groups"]} == {
        ("m", 16 << 20, 16 << 20)}


def test_channel(n):
    """A thousand messages of up to 60 KiB, longer than the ring, by the library's channel."""
    n.monitor("start receive")
    until("the channel is there", lambda: "ready" in said(n, "receive"))
    passes(n, "send")
    judge(n, "receive")
    assert sum(n.exits("receive").values()) < 1000


@pytest.mark.parametrize("name", [
    "device", "rules", pytest.param("outside", marks=pytest.mark.every_target)])
def test_guest(n, name):
    """The guest's own checks pass."""
    before = n.exits(name)
    passes(n, name)
    if name == "outside":
        assert n.exits(name)["memory"] > before.get("memory", 0)


def test_counters(n):
    """What the device did, and which rules were broken, is counted at the guest that did it."""
    if about(n, "rules")["starts"] == 0:
        passes(n, "rules")
    if about(n, "device")["starts"] == 0:
        passes(n, "device")
    assert n.counter("device", "pmem.m.flushes") == 2 + 3 * 16
    assert n.counter("rules", "pmem.m.flushes") == 1
    broken = {c["counter"]: c["value"] for c in n.show("counters")["counters"]
              if c["object"] == "rules" and ".violation." in c["counter"]}
    assert broken == {"pmem.m.violation.no_answer": 1, "pmem.m.violation.no_header": 2,
                      "pmem.m.violation.bad_address": 1, "pmem.m.violation.zero_length": 1}


@pytest.mark.every_target
def test_execution(n):
    """No member executes what another wrote: it is stopped, and the others find their memory."""
    n.monitor("start exec")
    row = ended(n, "exec")
    assert row["state"] == "stopped" and re.search("execution in", row["reason"]), row
    passes(n, "device")


def test_changes(n):
    """A group cannot change while a member runs; afterwards it goes, and its memory is given back."""
    n.monitor("start answer")
    until("it runs", lambda: about(n, "answer")["state"] == "running")
    for text in "remove group m\n", "group n memory 4M members outside answer\n":
        refuse(n, text, "the groups of guest answer cannot change while it runs: stop it first")
    n.monitor("stop answer")
    ended(n, "answer")
    refuse(n, "group n memory 32G members ask answer\n", "no 32768 MiB of contiguous memory left")
    free = n.show("memory")["memory"]["free"]
    n.monitor("remove group m")
    assert not n.show("groups")["groups"]
    assert n.show("memory")["memory"]["free"] >= free + (16 << 20)
    n.monitor("group m memory 16M members answer outside")
    rows = n.show("groups answer")["groups"]
    assert [(r["member"], r["prepared"]) for r in rows] == [("answer", 0)]


@only_on("qemu-svm", "a NIC without a wire")
def test_with_a_device():
    """A member with a physical device has the memory where it is in the node, so that DMA reaches it; the
    others have it at its fixed place, and they understand each other."""
    conf = (f'guest owner kernel group.elf pci 00:03.0 cmdline "how=ask device=1" {TINY} autostart no\n'
            f'guest answer kernel group.elf cmdline "how=answer" {TINY} autostart no\n'
            "group m memory 16M members owner answer\n")
    nic = ("-netdev", "hubport,hubid=0,id=wire", "-device", "e1000,netdev=wire,addr=3")
    with node(conf, ["group"], cores=2, memory=256, nic=nic) as n:
        n.ready()
        n.monitor("start answer")
        passes(n, "owner")
        judge(n, "answer")
