# SPDX-License-Identifier: BSD-2-Clause
"""SMC-D between Linux guests: TCP programs, unchanged, whose data passes the network stacks by."""

import json
import os
import re

import pytest

from linux import beside, linux, one_member, run, wait_shell
from machine import moved, node, only_on, until
from patio.hardware import BUILD
from patio.node import LINUX

ALICE, BOB, CAROL = "10.0.0.1", "10.0.0.2", "10.0.0.3"
INITRD = os.path.join(BUILD, "linux", "ism.cpio.gz")
MPI = os.path.join(BUILD, "linux", "mpi.cpio.gz")


def guest(name, address, domain):
    image = "mpi.cpio.gz" if domain else "ism.cpio.gz"
    return linux(name, address, domain).replace("initrd.cpio.gz", image)


# Carol knows SMC, and is in no domain.
CONF = f"""{guest("alice", ALICE, "ism fast")}
{guest("bob", BOB, "ism fast")}
{guest("carol", CAROL, "")}
port alice guest alice
port bob guest bob
port carol guest carol
"""
SERVERS = "smc-run netprobe-dynamic tcp-server 5009 >/tmp/server 2>&1"
MIB = 1 << 20

pytestmark = only_on("qemu-svm", "three Linux guests with 20 MiB of programs")


def serve(n, name):
    run(n, name, beside(SERVERS))
    until("the server listens", lambda: re.search("^5009 0 ", run(n, name, "smc list"), re.M))


@pytest.fixture(name="n", scope="module")
def the_node():
    # With icount the guests' time passes at once while they are idle: ten minutes are seconds.
    with node(CONF, [], [LINUX[0], INITRD, MPI], cores=4, memory=1024, icount=True, cpu="EPYC,+x2apic") as n:
        n.ready()
        for name in "alice", "bob", "carol":
            wait_shell(n, name)
            serve(n, name)
        yield n


def test_grub_unpacks_all_of_it():
    assert one_member(INITRD)


def counters(n, name):
    return {c["counter"][4:]: c["value"] for c in n.show(f"counters {name}")["counters"]
            if c["object"] == name and c["counter"].startswith("ism.")}


def transfer(n, address, mib=4):
    """A stream by a program that knows nothing of SMC, hashed on both sides."""
    text = run(n, "alice", f"smc-run netprobe-dynamic tcp {address} 5009 {mib} sha")
    answer = json.loads(re.search(r"\{.*\}", text)[0])
    assert answer["ok"] and answer["sha256"] == answer["peer_sha256"], answer


def modes(n, name, port=5009):
    """How the connections to this port travel.  Before the handshake is over smc_diag says SMCR."""
    return [m[2] for m in re.finditer(r"^\d+ (\d+) (\S+) ", run(n, name, "smc list"), re.M)
            if int(m[1]) == port and m[2] != "SMCR"]


def echoes(n, address, rounds=1000000):
    """Round trips in the background, until they are killed; returns once the connection is there."""
    words = f"smc-run netprobe-dynamic tcp-echo {address} 5009 {rounds} 1 64"
    run(n, "alice", "rm -f /tmp/over; " + beside(f"{words} >/tmp/echo 2>&1; echo $? >/tmp/over"))
    return until("a connection", lambda: modes(n, "alice"))


def over(n):
    """The status with which the round trips ended."""
    text = "until [ -s /tmp/over ]; do usleep 10000; done; cat /tmp/over"
    return int(run(n, "alice", text).split()[-1])  # a line of the log may stand before it


def stop_echoes(n):
    run(n, "alice", "killall netprobe-dynamic")
    over(n)
    serve(n, "alice")


def test_stream(n):
    """A stream of 4 MiB goes by SMC-D, one exit for each message, and not by the switch."""
    before, frames = counters(n, "alice"), n.show("ports alice")["ports"][0]
    transfer(n, BOB)
    after, sent = counters(n, "alice"), n.show("ports alice")["ports"][0]
    assert after["data"] - before.get("data", 0) >= 4 * MIB, moved(n)
    assert sent["in_bytes"] - frames["in_bytes"] < MIB // 16
    assert after["submits"] == after["messages"] and after["interrupts"] > before.get("interrupts", 0)


def test_kernel_names_it(n):
    """The kernel itself says that the connection is SMC-D, at both ends."""
    assert echoes(n, BOB) == ["SMCD"]
    assert "SMCD" in run(n, "bob", "smc list")
    row = n.show("ism alice")["ism"][0]
    assert row["on"] and row["domain"] == "fast" and row["dmbs"] and row["peers"] == 1
    stop_echoes(n)


def test_falls_back(n):
    """With a guest outside of the domain the same programs use TCP, over the switch."""
    before, frames = counters(n, "alice")["data"], n.show("ports alice")["ports"][0]
    transfer(n, CAROL, 1)
    assert echoes(n, CAROL) == ["TCP"]
    stop_echoes(n)
    assert counters(n, "alice")["data"] == before
    assert n.show("ports alice")["ports"][0]["in_bytes"] - frames["in_bytes"] > MIB


def test_device_goes(n):
    """Without its device bob's connections end, and new ones are TCP; with it they are SMC-D again."""
    assert echoes(n, BOB) == ["SMCD"]
    run(n, "bob", "rmmod patio_ism")
    assert over(n) != 0
    row = n.show("ism bob")["ism"][0]
    assert not row["on"] and row["dmbs"] == 0
    assert echoes(n, BOB) == ["TCP"]
    stop_echoes(n)
    run(n, "bob", "insmod /lib/modules/*-patio_ism.ko")
    assert echoes(n, BOB) == ["SMCD"]
    stop_echoes(n)


def test_peer_dies(n):
    """A guest that is stopped in the middle: its peer's connection ends.  Started again it has a new GID, and
    connections to it are SMC-D."""
    assert echoes(n, BOB) == ["SMCD"]
    n.monitor("restart bob")
    assert over(n) != 0
    assert counters(n, "alice")["events"] > 0
    wait_shell(n, "bob", boots=2)
    serve(n, "bob")
    assert echoes(n, BOB) == ["SMCD"]
    stop_echoes(n)
    transfer(n, BOB, 1)


def test_programs(n):
    """An HTTP server and client, and iperf3, as Debian has them."""
    before = counters(n, "bob").get("data", 0)
    run(n, "bob", "mkdir -p /www; netprobe pattern 2 >/www/file; "
                  + beside("smc-run busybox-dynamic httpd -f -p 80 -h /www >/tmp/httpd 2>&1")
                  + "; " + beside("smc-run iperf3 -s >/tmp/iperf3 2>&1"))
    until("the servers listen", lambda: all(
        re.search(f"^{port} 0 ", run(n, "bob", "smc list"), re.M) for port in (80, 5201)))
    got = run(n, "alice", f"smc-run busybox-dynamic wget -q -O - http://{BOB}/file | sha256sum")
    assert got.split()[0] == run(n, "bob", "sha256sum </www/file").split()[0]
    assert counters(n, "bob")["data"] - before >= 2 * MIB
    before, frames = counters(n, "alice")["data"], n.show("ports alice")["ports"][0]
    answer = json.loads(run(n, "alice", f"smc-run iperf3 -c {BOB} -n 4M -J"))
    assert answer["end"]["sum_sent"]["bytes"] >= 4 * MIB
    # Its server closes the stream when it is told of the end, not when it has read all: how much has gone
    # by then depends on how fast it is.  None of that went by the switch.
    assert counters(n, "alice")["data"] > before
    assert n.show("ports alice")["ports"][0]["in_bytes"] - frames["in_bytes"] < MIB // 16


@pytest.fixture(name="mpirun", scope="module")
def started_ranks(n):
    """A function that has Debian's mpirun start a rank in each guest; it returns the ranks' result, and how many
    bytes the two guests sent meanwhile by ISM, and to the switch."""
    def sent():
        return (sum(counters(n, name).get("data", 0) for name in ("alice", "bob")),
                sum(n.show(f"ports {name}")["ports"][0]["in_bytes"] for name in ("alice", "bob")))

    def mpirun():
        before = sent()
        text = run(n, "alice", f"mpirun --allow-run-as-root --host {ALICE},{BOB} -n 2 smc-run mpi-table 65536 4")
        answer = json.loads(re.search(r"\{.*\}", text)[0])
        assert answer["ranks"] == ["alice", "bob"] and answer["ok"] and answer["wrong"] == 0, text
        assert answer["bytes"] > 2 * MIB
        return answer, *(b - a for a, b in zip(before, sent()))

    run(n, "bob", beside("mpi-agent >/tmp/agent 2>&1"))
    run(n, "alice", f"until echo : | busybox nc {BOB} 5514; do usleep 10000; done")
    return mpirun


def test_mpi(mpirun):
    """The messages of an MPI program go by SMC-D, and every byte is right; what starts the ranks is all that the
    switch sees."""
    answer, by_ism, by_switch = mpirun()
    assert by_ism > answer["bytes"] and by_switch < MIB // 16


def test_mpi_falls_back(n, mpirun):
    """The same program, while one of the guests has no device: TCP."""
    run(n, "bob", "rmmod patio_ism")
    answer, by_ism, by_switch = mpirun()
    run(n, "bob", "insmod /lib/modules/*-patio_ism.ko")
    assert by_ism == 0 and by_switch > answer["bytes"]


def test_more_connections_than_buffers(n):
    """Of 270 connections as many are SMC-D as there are buffers, and the others TCP: all work.  The buffers stay
    registered when the connections have ended, for the next ones."""
    run(n, "bob", beside("smc-many accept 5010 >/tmp/many 2>&1"))
    until("the server listens", lambda: re.search("^5010 0 ", run(n, "bob", "smc list"), re.M))
    run(n, "alice", beside(f"smc-many connect {BOB} 5010 270 >/tmp/many 2>&1"))
    assert "all 270" in run(n, "alice", "until [ -s /tmp/many ]; do usleep 10000; done; cat /tmp/many")
    found = modes(n, "alice", 5010)
    assert len(found) == 270 and 200 < found.count("SMCD") <= 256 and found.count("TCP") >= 14, found
    run(n, "alice", "killall smc-many; until [ -z \"$(smc list | grep SMCD)\" ]; do usleep 200000; done")
    assert n.show("ism alice")["ism"][0]["dmbs"] > 200
    transfer(n, BOB, 1)


def test_buffers_are_given_back(n):
    """Ten minutes after the last connection no buffer is registered any more, and the next connection gets one."""
    def idle():
        run(n, "alice", "sleep 300")
        return not n.show("ism alice")["ism"][0]["dmbs"] and not n.show("ism bob")["ism"][0]["dmbs"]

    assert n.show("ism alice")["ism"][0]["dmbs"]
    until("all buffers are given back", idle)
    transfer(n, BOB, 1)
    assert n.show("ism bob")["ism"][0]["dmbs"] == 1


def test_nobody_breaks_a_rule(n):
    """After all of that: no message was refused but those for a peer that was gone, or had closed."""
    for name in "alice", "bob":
        refused = {k for k, v in counters(n, name).items() if v} & {
            "bad_cursor", "bad_header", "no_window", "out_of_bounds", "bad_address", "bad_request",
            "bad_command", "bad_index", "bad_length", "bad_submit", "bad_access", "bad_area"}
        assert not refused, counters(n, name)


def test_device_off_behind_its_driver(n):
    """A device that is off although its driver runs, as after its shutdown or without bus mastering, takes no
    message: the sender's kernel does not wait for one."""
    assert echoes(n, BOB) == ["SMCD"]
    run(n, "bob", "d=$(dirname $(grep -l 0x10f2 /sys/bus/pci/devices/*/device)); "
                  "printf '\\003' | dd of=$d/config bs=1 seek=4 conv=notrunc")
    assert not n.show("ism bob")["ism"][0]["on"] and over(n) != 0
    before = counters(n, "bob").get("bad_submit", 0)
    run(n, "bob", "killall netprobe-dynamic")  # its connection ends, with a last message
    until("it was sent", lambda: counters(n, "bob").get("bad_submit", 0) > before)
    run(n, "bob", "rmmod patio_ism; insmod /lib/modules/*-patio_ism.ko")
    serve(n, "bob")
    assert echoes(n, BOB) == ["SMCD"]
    stop_echoes(n)
