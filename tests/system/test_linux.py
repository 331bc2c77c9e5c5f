# SPDX-License-Identifier: BSD-2-Clause
"""Two Linux guests and the switch between them: learning, routed, by kick and by poll."""

import re

import pytest

from linux import answers, beside, boot, less, linux, ping, run, tcp, udp, wait_shell
from machine import HERE, TINY, about, ended, refuse, until
from patio.node import LINUX, guest

ALICE, BOB = "10.0.0.1", "10.0.0.2"
MAC = {"alice": "52:54:00:00:00:0a", "bob": "52:54:00:00:00:0b"}
CONF = f"""{linux("alice", ALICE)}
{linux("bob", BOB, "cpus 2")}
port alice guest alice mac {MAC["alice"]}
port bob guest bob mac {MAC["bob"]}
guest function kernel relay.elf {TINY} autostart no
"""
POLL_CORE = 4
WAKES = 500
FRAME_MAX = 1514  # bytes: the MTU and an Ethernet header; a larger average proves GSO frames


@pytest.fixture(name="n", scope="module")
def the_node():
    with boot(CONF, ["alice", "bob"], modules=[*LINUX, guest("relay")], cores=6, memory=800) as n:
        yield n


def test_both_vcpus_are_online(n):
    assert run(n, "bob", "cat /sys/devices/system/cpu/online").strip() == "0-1"
    assert run(n, "bob", "nproc").strip() == "2"
    for cpu in 0, 1:
        assert run(n, "bob", f"taskset -c {cpu} true") == ""


def test_topology(n):
    """Linux sees two cores of one package, each with its own first-level cache, and a shared last level."""
    cpu = "/sys/devices/system/cpu/cpu1/"
    last = 'cat $(ls -d {c}cache/index* | tail -n 1)/shared_cpu_list'.format(c=cpu)
    assert run(n, "bob", f"cat {cpu}topology/core_cpus_list").strip() == "1"
    assert run(n, "bob", f"cat {cpu}topology/package_cpus_list").strip() == "0-1"
    assert run(n, "bob", f"cat {cpu}cache/index0/shared_cpu_list").strip() == "1"
    assert run(n, "bob", last).strip() == "0-1"


def test_clock(n):
    """Linux uses kvm-clock, or the TSC if it is invariant, without calibrating the TSC."""
    best = {"qemu-svm": "kvm-clock", "bochs-vmx": "tsc"}.get(HERE.NAME)
    if not best:
        pytest.skip("whether the TSC is invariant is the host's matter here")
    source = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    assert run(n, "alice", f"cat {source}").strip() == best


# Messages of level warn or above that Debian's kernel prints on the bare emulator, too
# (docs/linux-guest.md).
BARE = {"qemu-svm": [r"Speculative Return Stack Overflow: .*",
                     r"Warning: unable to open an initial console\."],
        "bochs-vmx": [r"RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable .*",
                      r"acpi PNP0A03:00: fail to add MMCONFIG information, .*",
                      r"Warning: unable to open an initial console\."]}


# What Linux says of an emulator that its host lets wait; not of the machine.
SLOW = [r"hrtimer: interrupt took \d+ ns",
        r"clocksource: Long readout interval, skipping watchdog check: .*"]


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_boot_log(n, name):
    """Linux prints no warning or error about the machine that it does not print on the bare emulator."""
    if HERE.NAME not in BARE:
        pytest.skip("what Linux prints on such a bare machine is not known")
    said = run(n, name, "dmesg -r | grep '^<[0-4]>' || true")
    lines = [re.sub(r"^<\d>\[ *[\d.]+\] ", "", line) for line in said.splitlines()]
    known = BARE[HERE.NAME] + SLOW
    assert [line for line in lines if not any(re.fullmatch(p, line) for p in known)] == []
    assert "DMI: Patio Guest" in run(n, name, "dmesg | grep DMI:")


def traffic(n):
    ping(n, "alice", BOB)
    ping(n, "bob", ALICE)
    udp(n, "alice", BOB)
    udp(n, "bob", ALICE, size=1400)
    tcp(n, "alice", BOB, less(8))
    tcp(n, "bob", ALICE, less(8))


def drops(n):
    return {p["port"]: p["drops"] for p in n.show("ports")["ports"]}


def test_learning_network(n):
    """Ping, UDP and TCP work both ways; no frame is dropped."""
    before = drops(n)
    traffic(n)
    assert drops(n) == before


def test_segments_stay_whole(n):
    """TCP between local guests crosses the switch in frames longer than the MTU.  How long they are depends on
    the speed of the answers, so only the average is checked."""
    before = n.show("ports alice")["ports"][0]
    tcp(n, "alice", BOB, less(16))
    after = n.show("ports alice")["ports"][0]
    frames = after["in_frames"] - before["in_frames"]
    assert (after["in_bytes"] - before["in_bytes"]) / frames > FRAME_MAX


def exits(n):
    """The exits of both guests, without those for IPIs between bob's two vCPUs."""
    bob = {k: v for k, v in n.exits("bob").items() if k != "msr"}
    return sum(n.exits("alice").values()) + sum(bob.values())


def test_idle_guests_do_not_exit(n):
    """An idle guest that its timer wakes hundreds of times makes only its console's few exits.  The guest
    waits by its own clock, so that the timer has fired however slow the machine is."""
    ticks = "awk '/LOC:/ {print $2}' /proc/interrupts"
    run(n, "alice", "true")
    before = exits(n)
    text = run(n, "alice", f"{ticks}; for i in $(seq {WAKES}); do usleep 2000; done; {ticks}")
    first, last = map(int, text.split())
    assert last - first >= WAKES
    assert exits(n) - before < WAKES // 5


def exits_of(n, rounds):
    """The exits during that many UDP round trips, those of starting the probe included."""
    before = exits(n)
    udp(n, "alice", BOB, rounds)
    return exits(n) - before


def test_kick_and_poll_while_traffic_flows(n):
    """Switching between kick and poll during a transfer; in mode poll a round trip costs no exit."""
    run(n, "alice", beside(f"netprobe tcp {BOB} 9 {less(64)} sha >/tmp/flow 2>&1; touch /tmp/over"))
    for _ in range(4):
        assert "error" not in n.monitor(f"move poll core {POLL_CORE}")
        udp(n, "bob", ALICE, 20)
        assert n.show("ports alice")["ports"][0]["move"] == "poll"
        assert "error" not in n.monitor("move kick")
        udp(n, "bob", ALICE, 20)
    assert '"ok":true' in run(
        n, "alice", "until [ -e /tmp/over ]; do usleep 10000; done; cat /tmp/flow")
    n.monitor(f"move poll core {POLL_CORE}")
    polled = exits_of(n, 1100) - exits_of(n, 100)
    n.monitor("move kick")
    kicked = exits_of(n, 1100) - exits_of(n, 100)
    assert polled < 100 and kicked >= 2000 - 100, (polled, kicked)


def polling(n):
    """Of the core that polls: how often it looked at the rings, went to sleep, and was woken."""
    rows = {r["counter"]: r["value"] for r in n.show("counters")["counters"] if r["object"] == "node"}
    return {what: rows.get(f"poll.{what}", 0) for what in ("rounds", "rests", "wakes")}


def test_adaptive(n):
    """Under load a round trip costs no exit, as in mode poll.  When no frame comes, the core that polls looks
    at no ring while a guest's timer wakes her hundreds of times; then the next frame is moved at once."""
    def frames():
        return [p["in_frames"] for p in n.show("ports")["ports"]]

    def quiet():
        """A window in which neither kernel sent a frame of its own, as for its neighbour's address."""
        before, sent = polling(n), frames()
        run(n, "alice", f"for i in $(seq {WAKES}); do usleep 2000; done")
        after = polling(n)
        return (before, after) if frames() == sent and before["rests"] > before["wakes"] else None

    assert "error" not in n.monitor(f"move adaptive core {POLL_CORE} for 1000ms")
    polled = exits_of(n, 600) - exits_of(n, 100)
    assert polled < 100, polled
    n.monitor("move adaptive for 50us")
    before, after = until("a quiet window", quiet)
    assert after == before
    traffic(n)
    assert polling(n)["wakes"] > after["wakes"]
    n.monitor("move kick")


ROUTES = [f"route src any dst {MAC['bob']} to port bob",
          f"route src any dst {MAC['alice']} to port alice",
          f"route src {MAC['alice']} dst none to port bob",
          "route src any dst any from bob to port alice"]


def test_routed_network(n):
    """The same traffic by routes; explain shows the winning route, whose hits grow; without routes all frames
    are dropped and counted as no_route."""
    assert "error" not in n.monitor("network default mode route")
    n.shell("alice", f"ip neigh flush dev eth0; ping -c 2 -W 1 {BOB}")
    assert n.counter("alice", "drop.no_route") > 0
    n.monitor("load")
    for line in ROUTES:
        n.monitor(line)
    assert "error" not in n.monitor("end")
    until("alice asks again for bob's address", lambda: answers(n, "alice", BOB))
    traffic(n)
    verdict = n.monitor(f"explain {MAC['alice']} {MAC['bob']} alice json")
    assert '"route":0' in verdict and '"port":"bob"' in verdict
    assert all(r["hits"] for r in n.show("routes")["routes"][:2])
    refuse(n, ROUTES[0], "load:1:")
    for line in reversed(ROUTES):
        assert "error" not in n.monitor("remove " + line)
    n.monitor("network default mode learn")
    ping(n, "alice", BOB)


def test_through_a_function(n):
    """TCP passes a function, a guest that takes no large frames: they go into the flow whole, are segmented for
    the function, and their checksums are right at the other end."""
    n.monitor("port function guest function")
    n.monitor("start function")
    until("the function is there", lambda: n.show("ports function")["ports"][0]["up"])
    for line in "service relay ports function", "flow tcp proto tcp chain relay out":
        n.monitor(line)
    tcp(n, "alice", BOB, less(8))
    flow, service = n.show("flows")["flows"][0], n.show("services")["services"][0]
    assert flow["frames"] == service["frames"] >= n.counter("function", "out_frames") > 0
    assert flow["bytes"] > FRAME_MAX * flow["frames"], "large frames went whole into the flow"
    assert n.counter("function", "in_frames") > flow["frames"], "and were segmented for the function"
    for line in "remove flow tcp", "remove service relay", "stop function":
        n.monitor(line)
    ended(n, "function")
    n.monitor("remove port function")


def test_guest_that_panics(n):
    """A guest that panics requests a reset and is restarted; the other guest is not disturbed."""
    n.enter("bob")
    n.child.send("echo c >/proc/sysrq-trigger\n")
    until("bob was started again", lambda: about(n, "bob")["starts"] == 2)
    assert run(n, "alice", "echo alive").strip() == "alive"
    wait_shell(n, "bob", boots=2)
    ping(n, "alice", BOB)


def test_guest_that_powers_off(n):
    """A guest that powers off has ended; the other is not disturbed; it can be started again."""
    n.enter("bob")
    n.child.send("poweroff -f\n")
    row = until("bob has ended", lambda: (b := about(n, "bob"))["state"] == "ended" and b)
    assert row["reason"] == "powered off" and row["status"] == 0
    assert run(n, "alice", "echo alive").strip() == "alive"
    n.monitor("start bob")
    wait_shell(n, "bob", boots=3)
    ping(n, "alice", BOB)
