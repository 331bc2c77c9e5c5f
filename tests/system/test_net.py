# SPDX-License-Identifier: BSD-2-Clause
"""The switch between our own guests: broken rings, isolation, routes, kick and poll."""

import re

import pytest

from machine import TINY, about, ended, node, passes, said, until

ECHO, PING = "52:54:00:00:00:0e", "52:54:00:00:00:01"

# how the guest breaks its ring: the violation's counter
BROKEN = {"index": "avail_overrun", "loop": "chain_loop", "addr": "bad_address",
          "len": "zero_length", "avail": "head_range", "indirect": "indirect_refused"}

CALM = "windows=1 window=20000000 limit=1000000000"  # ticks; how many others take is the host's matter
OWN = {"io", "msr", "cpuid", "control", "fetch"}  # kinds of exits that a guest causes itself

SOON = "timeout=50000000"  # in ticks, for frames that are not answered

pytestmark = pytest.mark.every_target


def pings(name, words):
    return f'guest {name} kernel ping.elf cmdline "peer={ECHO} {words}" {TINY} autostart no'


def ports(*names):
    return [f"port {n} guest {n}" for n in names]


def conf():
    text = [f"guest echo kernel echo.elf {TINY}", f"port echo guest echo mac {ECHO}",
            pings("forever", "n=500") + " restart always",
            pings("stubborn", f"n=500 loss=1 {SOON}") + " restart always",
            pings("once", "n=50"), pings("lossy", f"n=3 loss=1 {SOON}"),
            pings("few", "n=1000 poll=1"), pings("many", "n=3000 poll=1"),
            f"guest triple kernel triple.elf {TINY} autostart no",
            f'guest ear kernel listen.elf cmdline "announce=1" {TINY} autostart no',
            "port ear guest ear",
            f'guest spinner kernel echo.elf cmdline "poll=1" {TINY} autostart no',
            f"port spinner guest spinner network second mac {ECHO}",
            f'guest calm kernel noise.elf cmdline "{CALM}" {TINY} autostart no']
    text += [f'guest {how} kernel badring.elf cmdline "how={how}" {TINY} autostart no'
             for how in BROKEN]
    text += ports("forever", "stubborn", "once", "lossy", *BROKEN)
    text += ["port few guest few network second", "port many guest many network second"]
    text += [f"guest heir kernel busmaster.elf {TINY} autostart no",
             "port heir.0 guest heir network third", "port heir.1 guest heir network third"]
    return "network second\nnetwork third\n" + "\n".join(text) + "\n"


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(conf(), ["echo", "ping", "badring", "busmaster", "listen", "triple", "noise"], cores=5,
              memory=1024) as n:
        yield n.ready()


@pytest.fixture(name="traffic", scope="module")
def traffic_beside(n):
    """Two guests that talk all the time; frames() counts what reached one of them."""
    until("echo is up", lambda: n.show("ports echo")["ports"][0]["up"])
    n.monitor("start forever")
    frames = lambda: n.counter("forever", "out_frames")
    until("traffic", frames)
    return frames


@pytest.mark.parametrize("how", BROKEN)
def test_broken_ring(n, traffic, how):
    """The device requests a reset, counts the violation by name, and works after the reset; other guests are
    not disturbed."""
    passes(n, how)
    assert n.counter(how, f"violation.{BROKEN[how]}") == 1
    seen = traffic()
    until("the others' traffic goes on", lambda: traffic() > seen + 500)
    assert set(re.findall(r"^rtt n=500 lost=(\d+)", said(n, "forever"), re.M)) <= {"0"}


def test_old_rings_stay_dead(n):
    """A device whose bus mastering was turned off while it ran writes nothing until a driver resets it, even
    if bus mastering is on again."""
    passes(n, "heir")
    assert n.counter("heir.0", "master_off") == 1
    assert n.counter("heir.0", "drop.port_down") or n.counter("heir.1", "drop.no_route")


def test_fault_beside_traffic(n, traffic):
    """A guest that triple-faults is stopped with that reason; other guests are not disturbed."""
    n.monitor("start triple")
    assert ended(n, "triple")["reason"] == "triple fault"
    seen = traffic()
    until("the others' traffic goes on", lambda: traffic() > seen + 500)


def test_learned_frames_go_to_one_port(n, traffic):
    """Once the switch has learned both ends, a third port of the network gets none of their frames."""
    n.monitor("start ear")
    until("it listens", lambda: "listen: ready" in said(n, "ear"))
    seen, heard = traffic(), n.counter("ear", "out_frames")
    until("traffic", lambda: traffic() > seen + 1000)
    assert n.counter("ear", "out_frames") == heard
    n.monitor("stop ear")
    ended(n, "ear")


def test_dead_peer(n, traffic):
    """Frames to a stopped guest's port are counted as port_down; when the guest is started again it answers,
    also to a guest that has sent all the time."""
    passes(n, "once")
    n.monitor("stop forever")  # which would wait for a lost answer for ever
    ended(n, "forever")
    n.monitor("start stubborn")
    stubborn = lambda: n.counter("stubborn", "out_frames")
    until("traffic", stubborn)
    n.monitor("stop echo")
    assert ended(n, "echo")["reason"] == "command from the monitor"
    before = n.counter("echo", "drop.port_down")
    lines = passes(n, "lossy")
    assert [l for l in lines if l.startswith("rtt n=3 lost=3")]
    assert n.counter("echo", "drop.port_down") >= before + 3
    n.monitor("start echo")
    until("echo is up", lambda: n.show("ports echo")["ports"][0]["up"])
    passes(n, "once")
    seen = stubborn()
    until("traffic comes back by itself", lambda: stubborn() > seen + 100)
    n.monitor("stop stubborn")
    ended(n, "stubborn")
    n.monitor("start forever")
    seen = traffic()
    until("traffic", lambda: traffic() > seen)


def test_restart_always(n, traffic):
    """`restart always` starts a guest again whenever it ends."""
    starts = about(n, "forever")["starts"]
    until("it is started again", lambda: about(n, "forever")["starts"] > starts)
    assert traffic()


def cost(n, name):
    """(Notifications, exits, its peer's exits) of one run of a guest that pings."""
    def now():
        return (n.counter(name, "kicks"), sum(n.exits(name).values()),
                sum(n.exits("spinner").values()))
    before = now()
    passes(n, name)
    return [b - a for a, b in zip(before, now())]


@pytest.fixture(name="spinner")
def the_spinner(n):
    """The peer of guests that count exits: it polls its ring itself, and never halts.  It takes the core of
    `forever`, so that core 3 is free to poll."""
    n.monitor("stop forever")
    ended(n, "forever", "new", "ended", "stopped")
    if about(n, "spinner")["state"] != "running":
        n.monitor("start spinner")
        until("spinner runs", lambda: about(n, "spinner")["state"] == "running")


def test_kick_and_poll(n, spinner):
    """In mode kick a round trip costs an exit on each side, in mode poll none; then back to kick.  The guests'
    printing costs some hundred exits, the same for few and for many rounds."""
    for move, each in ("move kick", 1), ("move poll core 3", 0), ("move kick", 1):
        assert "error" not in n.monitor(move)
        few, many = cost(n, "few"), cost(n, "many")
        kicks, *exits = (b - a - 2000 * each for a, b in zip(few, many))
        assert kicks == 0 and all(abs(e) < 200 for e in exits), (move, few, many)


def polling(n):
    """Of the core that polls: how often it looked at the rings, went to sleep, and was woken by a notification
    or by a command."""
    rows = {r["counter"]: r["value"] for r in n.show("counters")["counters"] if r["object"] == "node"}
    return {what: rows.get(f"poll.{what}", 0) for what in ("rounds", "rests", "wakes")}


def sleeps(n):
    """What polling() says if that core sleeps: on this node each sleep but the present one has ended with a
    wake-up."""
    found = polling(n)
    return found if found["rests"] == found["wakes"] + 1 else None


def test_adaptive(n, spinner):
    """While frames come a core polls, and hardly a round trip has a notification.  When none come
    it sleeps, and a notification moves its frames and wakes the core: nothing is lost."""
    n.monitor("move adaptive core 3 for 1000ms")
    port = n.show("ports few")["ports"][0]
    assert (port["move"], port["core"]) == ("adaptive", 3)
    kicks, *_ = cost(n, "few")
    assert kicks < 1000 / 10
    n.monitor("move adaptive for 1us")
    before = until("it sleeps", lambda: sleeps(n))
    passes(n, "few")
    after = until("it sleeps again", lambda: sleeps(n))
    assert after["wakes"] > before["wakes"] and after["rounds"] > before["rounds"]
    n.monitor("move kick")
    until("it sleeps, as there is nothing to poll", lambda: sleeps(n))
    passes(n, "few")
    assert polling(n)["wakes"] <= after["wakes"] + 1, "of the command; no notification concerns it"


def test_an_idle_network_costs_nothing(n, spinner):
    """In mode adaptive, while no frame comes, the core that polls looks at no ring, no guest of the network
    exits, and nothing is taken from a guest that computes: its histogram has exits of its own only."""
    def costs():
        return polling(n), {name: n.exits(name) for name in ("echo", "spinner")}
    n.monitor("histogram on")
    n.monitor("move adaptive core 3 for 50us")
    until("it sleeps", lambda: sleeps(n))
    before = costs()
    passes(n, "calm")
    assert costs() == before
    kinds = {r["exit"] for r in n.show("histogram calm")["exit_times"]}
    assert kinds - {None} <= OWN, kinds
    n.monitor("histogram off")
    n.monitor("move kick")
