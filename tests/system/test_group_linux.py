# SPDX-License-Identifier: BSD-2-Clause
"""Two Debian guests with memory in common: each finds it as a character device, cached, without a tool; what
one stores the other loads; messages go through it without an exit of either; programs move frames there, and
sleep while none come; one guest starts again, and the other goes on."""

import json
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
    """The kernel maps it write-back: it takes that from the MTRRs that CPUID has.  So is the port's own region."""
    run(n, "alice", "mount -t debugfs d /sys/kernel/debug")
    rows = run(n, "alice", "cat /sys/kernel/debug/x86/pat_memtype_list")
    port = int(run(n, "alice", "cat /sys/class/uio/uio0/maps/map0/addr"), 16)
    for at, size in (PLACE, 16 << 20), (port, 128 << 10):
        types = [kind for start, kind in re.findall(r"\[mem 0x(\w+)-0x\w+\] (\S+)", rows)
                 if at <= int(start, 16) < at + size]
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


BURST = 32  # frames that come together: one interrupt


def begin(n, name, words):
    """A network function in the background, ready for frames."""
    run(n, name, beside(f"netfunction {words} >/tmp/function 2>&1"))
    until(f"{words} is ready", lambda: "ready" in run(n, name, "cat /tmp/function"))


def result(n, name):
    """What it said at its end."""
    text = until("its result", lambda: (t := run(n, name, "cat /tmp/function")) and '"ok":' in t and t)
    return json.loads(text.split("\n")[1])


def ask(n, bursts):
    """bob sends bursts to alice's function, each when the one before came back; he sleeps until then."""
    text = run(n, "bob", f"netfunction -s {DAX} ask {bursts * BURST} {MACS['alice']} {BURST}")
    return json.loads(text.split("\n")[1])


def interrupts(n, name):
    """Those of the guest's port."""
    return int(run(n, name, "grep patio_shm /proc/interrupts").split()[1])


def sleeping(n, name):
    """Whether its network function waits for an interrupt: nothing else of the guest has work, so its CPU is halted."""
    state = run(n, name, "p=$(pidof netfunction); cat /proc/$p/wchan; grep State: /proc/$p/status")
    return "poll" in state and "S (sleeping)" in state


def up(n, name):
    return next(p["up"] for p in n.show("ports")["ports"] if p["port"] == name)


def lost(n):
    return [p["drops"] for p in n.show("ports")["ports"]]


def slept(counts, bursts, least=0):
    """It slept until an interrupt each time, of which there was one for each burst at most, and looked for frames in
    vain once before it slept, and once more if the interrupt was of frames that it had seen."""
    assert counts["ok"] and least <= counts["sleeps"] == counts["wakeups"] <= bursts, counts
    assert counts["empty"] <= 2 * bursts, counts


def test_sleep(n):
    """A function that sleeps while no frames come, on an interrupt for a burst of them: all frames arrive."""
    bursts, drops, first = less(40), lost(n), interrupts(n, "alice")
    begin(n, "alice", f"-s {DAX} relay {(bursts + 1) * BURST}")
    until("alice sleeps", lambda: sleeping(n, "alice"))
    slept(ask(n, bursts), bursts)
    until("alice sleeps again", lambda: sleeping(n, "alice"))
    count = interrupts(n, "alice")
    assert first < count <= first + bursts
    slept(ask(n, 1), 1)
    counts = result(n, "alice")
    slept(counts, bursts + 1, 2)
    assert counts["frames"] == (bursts + 1) * BURST and interrupts(n, "alice") == count + 1
    assert lost(n) == drops


def kill(n, name):
    run(n, name, "kill -9 $(pidof netfunction)")
    until(f"the port of {name} is down", lambda: not up(n, name))


def begins_anew(n):
    """Frames to alice are lost and interrupt nobody, until she runs again."""
    count, drops = interrupts(n, "alice"), n.counter("alice", "drop.port_down")
    run(n, "bob", f"netfunction {DAX} generate 10 {MACS['alice']}")
    assert n.counter("alice", "drop.port_down") == drops + 10 and interrupts(n, "alice") == count
    begin(n, "alice", f"-s {DAX} relay {less(40) * BURST}")
    assert ask(n, less(40))["ok"] and result(n, "alice")["ok"]


def test_killed(n):
    """Who is killed, asleep or at work, leaves its port down and quiet; while it runs it has the port alone."""
    begin(n, "alice", f"-s {DAX} relay 1000000")
    status, text = n.shell("alice", f"netfunction {DAX} count 1 2>&1")
    assert status == 1 and "/dev/uio0: Device or resource busy" in text
    kill(n, "alice")
    begins_anew(n)
    begin(n, "alice", f"-s {DAX} count 1000000000")
    begin(n, "bob", f"{DAX} generate 1000000000 {MACS['alice']} 64")
    handed = n.counter("alice", "handed")
    until("frames move", lambda: n.counter("alice", "handed") > handed)
    kill(n, "alice")
    kill(n, "bob")
    begins_anew(n)


def test_unbound(n):
    """Without its driver the port is taken from who has it, and polled without an interrupt; with it, all is as before."""
    driver = "/sys/bus/pci/drivers/patio_shm"
    device = run(n, "alice", f"cd {driver}; echo 0*").strip()
    for words in "-s ", "":
        begin(n, "alice", f"{words}{DAX} relay 1000000")
        ask(n, 1)
        run(n, "alice", f"echo {device} >{driver}/unbind")
        until("it ends", lambda: "it was taken away" in run(n, "alice", "cat /tmp/function"))
        assert not up(n, "alice") and n.shell("alice", "test -e /dev/uio0")[0] == 1
        status, text = n.shell("alice", f"netfunction -s {DAX} relay 1 2>&1")
        assert status == 1 and "the module patio_shm does not have the port" in text
        begin(n, "alice", f"{DAX} relay {BURST}")
        assert ask(n, 1)["ok"] and result(n, "alice")["ok"]
        run(n, "alice", f"echo {device} >{driver}/bind")
        begin(n, "alice", f"-s {DAX} relay {BURST}")
        assert ask(n, 1)["ok"]
        slept(result(n, "alice"), 1)


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
