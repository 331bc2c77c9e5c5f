# SPDX-License-Identifier: BSD-2-Clause
"""Guests that request endless work by one access: the monitor, a stop and other guests are not delayed."""

import pytest

from machine import HERE, TINY, about, ended, node, passes, until

ECHO = "52:54:00:00:00:0e"
PATIENCE = {"bochs-vmx": " timeout=50000000"}.get(HERE.NAME, "")

pytestmark = pytest.mark.every_target


def conf():
    return f"""network second
guest echo kernel echo.elf {TINY}
port echo guest echo mac {ECHO}
guest once kernel ping.elf cmdline "peer={ECHO} n=50{PATIENCE}" {TINY} autostart no
port once guest once
guest print kernel hog.elf cmdline "how=print" memory 112M debug-exit autostart no
guest window kernel hog.elf cmdline "how=window" memory 112M debug-exit autostart no
guest index kernel hog.elf cmdline "how=index" cpus 2 {TINY} autostart no
port index guest index network second
guest gso kernel hog.elf cmdline "how=gso dst={ECHO}" {TINY} autostart no
port gso guest gso
"""


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(conf(), ["echo", "ping", "hog"], cores=5, memory=768) as n:
        n.ready()
        until("echo is up", lambda: n.show("ports echo")["ports"][0]["up"])
        yield n


def stops(n, name):
    """The guest runs until it is stopped, and a stop ends it."""
    assert about(n, name)["state"] == "running"
    n.monitor(f"stop {name}")
    assert ended(n, name)["reason"] == "command from the monitor"


def test_print(n):
    """240 GiB printed on the terminal by one kick: Ctrl-A works, other guests continue, a stop ends it."""
    n.monitor("start print")
    visits = lambda: n.counter("print", "console.visits")
    until("it prints", visits)
    n.enter("print")
    n.child.expect(r"\.{100}")
    n.leave()
    before = visits()
    passes(n, "once")
    until("it goes on printing", lambda: visits() > before)
    until("what has no room is counted", lambda: n.counter("print", "console.output_lost"))
    stops(n, "print")


def test_window(n):
    """Many kicks by one string instruction in configuration space: each is an exit of its own."""
    n.monitor("start window")
    kicks = lambda: n.counter("window", "console.kicks")
    until("it kicks", lambda: kicks() > 10)
    exits = n.exits("window")["io"]  # read before the kicks here, and after them at the end
    before = kicks()
    until("it goes on kicking", lambda: kicks() > before + 100)
    more = kicks() - before
    assert more <= n.exits("window")["io"] - exits
    stops(n, "window")


def test_index(n):
    """A ring that never gets empty does not keep its guest's first vCPU from being stopped."""
    n.monitor("start index")
    frames = lambda: n.counter("index", "in_frames")
    until("it sends", lambda: n.counter("index", "visits"))
    passes(n, "once")
    before = frames()
    until("it goes on sending", lambda: frames() > before)
    stops(n, "index")


def test_gso(n):
    """Frames of 8125 segments are dropped, and do not delay the receiver's other senders."""
    n.monitor("start gso")
    refused = lambda: n.counter("gso", "drop.many_segments")
    until("it sends", lambda: refused() > 100)
    before, received = refused(), n.counter("echo", "out_frames")
    passes(n, "once")
    assert n.counter("echo", "out_frames") - received == 50
    until("it goes on sending", lambda: refused() > before)
    stops(n, "gso")
