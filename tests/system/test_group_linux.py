# SPDX-License-Identifier: BSD-2-Clause
"""Two Debian guests with memory in common: each finds it as a character device, cached, without a tool; what
one stores the other loads; messages go through it without an exit of either; one starts again, and the other
goes on."""

import os
import re

import pytest

from linux import boot, beside, less, one_member, run, wait_shell
from machine import about, until
from patio.hardware import BUILD
from patio.node import LINUX

DAX, HOLE = "/dev/dax0.0", 4 << 20  # behind the two channels
PLACE = 256 << 30
INITRD = os.path.join(BUILD, "linux", "group.cpio.gz")
MACS = {"alice": "52:54:00:00:00:0a", "bob": "52:54:00:00:00:0b"}
CONF = "".join(
    f'guest {name} memory 192M kernel vmlinuz initrd group.cpio.gz core {core} cmdline "console=hvc0 quiet '
    f'cryptomgr.notests panic=-1 name={name}"\n' for name, core in (("alice", 1), ("bob", 2))
) + "group frames memory 16M buffers 8M members alice bob\n" + "".join(
    f"port {name} guest {name} group frames mac {mac}\n" for name, mac in MACS.items())


@pytest.fixture(name="n", scope="module")
def the_node():
    with boot(CONF, ["alice", "bob"], modules=[LINUX[0], INITRD], cores=3, memory=640) as n:
        yield n


def test_grub_unpacks_all_of_it():
    assert one_member(INITRD)


def has_device(n, name):
    until(f"{name} has {DAX}", lambda: n.shell(name, f"test -c {DAX}")[0] == 0)


def test_found(n):
    """Linux's own drivers bind and, by the node's label, make a character device of all but its 2 MiB."""
    for name in "alice", "bob":
        has_device(n, name)
        assert run(n, name, "cat /sys/bus/dax/devices/dax0.0/size").strip() == str(14 << 20)
        region = "/sys/bus/nd/devices/region0"
        assert run(n, name, f"cat {region}/size {region}/resource").split() == [str(16 << 20), hex(PLACE)]
        uuids = run(n, name, "cat /sys/bus/nd/devices/dax0.*/uuid").split()
        assert "frames".encode().hex() in uuids[0].replace("-", ""), uuids
    assert all(g["driver"] and g["address"] == f"{PLACE:x}" for g in n.show("groups")["groups"])


def test_cached(n):
    """The kernel maps it write-back: it takes that from the MTRRs that CPUID has."""
    run(n, "alice", "mount -t debugfs d /sys/kernel/debug")
    rows = run(n, "alice", "cat /sys/kernel/debug/x86/pat_memtype_list")
    types = [kind for start, kind in re.findall(r"\[mem 0x(\w+)-0x\w+\] (\S+)", rows)
             if PLACE <= int(start, 16) < PLACE + (16 << 20)]
    assert types and set(types) == {"write-back"}, rows
    assert "PAT" not in run(n, "alice", "dmesg | grep -i 'PAT.*disabled' || true")


def test_file(n):
    """A file that one guest stores there is read by the other."""
    length = 1 << 20
    command = f"netprobe pattern 1 | daxchannel {DAX} write {HOLE}"
    run(n, "alice", command)
    sums = [run(n, name, text).split()[0] for name, text in (
        ("alice", "netprobe pattern 1 | sha256sum"),
        ("bob", f"daxchannel {DAX} read {HOLE} {length} | sha256sum"))]
    assert sums[0] == sums[1]


def quiet_exits(n, name):
    """The guest's exits, when its terminal has come to rest: its shell's prompt, which follows a command that
    was just run there, has been printed, and no more is counted."""
    n.expect("# ")
    last = None
    while last != (last := n.exits(name)):
        pass
    return last


def exchange(n, still, there, back, count, size):
    """Messages between two programs; the guest `still` runs its own in the background, and does not exit
    from when both have started."""
    other = "bob" if still == "alice" else "alice"
    run(n, still, beside(f"daxchannel {DAX} {there} {count} {size} >/tmp/{there}"))
    until("its channel is there", lambda: "ready" in run(n, still, f"cat /tmp/{there}"))
    before = quiet_exits(n, still), n.exits(other)
    answer = run(n, other, f"daxchannel {DAX} {back} {count} {size}")
    after = n.exits(still), n.exits(other)
    assert f'"n":{count},"size":{size},' in answer and '"ok":true' in answer, answer
    until("the other's result", lambda: '"ok":true' in run(n, still, f"cat /tmp/{there}"))
    return [{k: b[k] - a.get(k, 0) for k in b if b[k] != a.get(k, 0)} for a, b in zip(before, after)]


@pytest.mark.parametrize("still", ["alice", "bob"])
def test_no_exits(n, still):
    """While messages pass, neither guest exits: one has none at all, the other those of its terminal,
    however many messages there are."""
    count = less(40000)
    for there, back, messages in ("receive", "send", count), ("answer", "ask", count // 10):
        quiet, typing = exchange(n, still, there, back, messages, 64)
        assert not quiet, quiet
        assert sum(typing.values()) < 300 <= messages, typing


def test_sizes(n):
    """From a byte to a MiB, longer than the largest segment; each message is checked."""
    for size in 1, 4096, 1 << 20:
        exchange(n, "alice", "receive", "send", 20, size)


def test_functions(n):
    """A program of each guest moves frames in the group's memory: none is copied.  First only one way, then each
    comes back before the next one."""
    for role, there, frames in ("generate", "count", 500), ("ask", "relay", less(40)):
        run(n, "alice", beside(f"netfunction {DAX} {there} {frames} >/tmp/{there}"))
        until("it is ready", lambda: "ready" in run(n, "alice", f"cat /tmp/{there}"))
        assert '"ok":true' in run(n, "bob", f"netfunction {DAX} {role} {frames} {MACS['alice']}")
        until("the other's result", lambda: '"ok":true' in run(n, "alice", f"cat /tmp/{there}"))
    ports = {p["port"]: p for p in n.show("ports")["ports"]}
    assert {name: (p["copied"], p["drops"]) for name, p in ports.items()} == dict.fromkeys(MACS, (0, 0))
    assert ports["alice"]["out_frames"] == 500 + less(40) and ports["bob"]["out_frames"] == less(40)
    assert n.counter("alice", "handed") == 500 + less(40)


def test_restart(n):
    """A member starts again and finds the memory as it was; the other one goes on meanwhile."""
    starts = about(n, "bob")["starts"]
    run(n, "alice", f"echo still here | daxchannel {DAX} write {HOLE}")
    n.monitor("restart bob")
    assert "still here" in run(n, "alice", f"daxchannel {DAX} read {HOLE} 11")
    wait_shell(n, "bob", 2)
    assert about(n, "bob")["starts"] == starts + 1 and about(n, "alice")["starts"] == 1
    has_device(n, "bob")
    assert "still here" in run(n, "bob", f"daxchannel {DAX} read {HOLE} 11")
    exchange(n, "alice", "receive", "send", 1000, 64)
