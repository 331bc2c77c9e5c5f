# SPDX-License-Identifier: BSD-2-Clause
"""Steps shared by the system tests, on top of tools/patio/node.py.

No verdict depends on speed: LIMIT is only against hangs.
"""

import re
import socket
import time

import pytest

from patio.emulator import LIMIT as SECONDS
from patio.hardware import Unsupported
from patio.node import CTRL_A, PROMPT, Node, guest
from patio.targets import target

LOG_LINE = r"\[ *\d+\.\d{6} c\d+ \w+\] .*\n"  # a line of the node's log, which may appear at any time
HERE = target()
LIMIT = SECONDS * HERE.PATIENCE  # seconds
PAUSE = min(0.1 * HERE.PATIENCE, 1)  # seconds between two queries, which cost a slow target time
TINY = "memory 32M debug-exit"  # enough for each of our own guests


def only_on(name, why):
    """Marks a test that runs on one target only, with the reason."""
    return pytest.mark.skipif(HERE.NAME != name, reason=f"{name} only: {why}")


def not_inside_kvm(why):
    """Marks what makes no sense on a node in Linux and KVM in an emulator, and says why."""
    return pytest.mark.skipif(HERE.NAME.startswith("kvm-"), reason=f"not inside KVM: {why}")


def no_node():
    """Marks what is about the host's tools: a node, if any, is on a target of the test's choice."""
    return not_inside_kvm("it has no node there")


def images(*names):
    return [guest(n) for n in names]


def node(conf, names=(), modules=(), **machine):
    """A node with images of our own guests as modules; with one emulator thread, so that the host's load
    does not disturb the guests' clocks.  If the target cannot emulate that machine, the test is skipped
    with the reason."""
    machine.setdefault("single", True)
    try:
        return Node(conf, images(*names) + list(modules), **machine)
    except Unsupported as what:
        return pytest.skip(str(what))


def until(what, probe, limit=LIMIT):
    """Calls the function until its result is true, and returns it; `what` is for the error."""
    end = time.monotonic() + limit
    while not (answer := probe()):
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(PAUSE)
    return answer


def emulator(path, command):
    """Sends a command to QEMU's monitor, waits for its next prompt or end; returns the answer."""
    with socket.socket(socket.AF_UNIX) as s:
        until("the emulator's monitor", lambda: not s.connect_ex(str(path)))
        s.settimeout(LIMIT)
        for text in b"", command.encode() + b"\n":
            s.sendall(text)
            answer = b""
            while not answer.endswith(b"(qemu) ") and (more := s.recv(4096)):
                answer += more
    return answer.decode(errors="replace")


def moved(*nodes):
    """All counters of the nodes that are not 0, for the message of a test that lost frames."""
    return [f"{c['object']} {c['counter']}={c['value']}" for n in nodes
            for c in n.show("counters")["counters"] if c["value"]]


def about(n, name):
    """The guest's row of `show guests`."""
    return next(g for g in n.show("guests")["guests"] if g["guest"] == name)


def ended(n, name, *states):
    """Waits until the guest has ended or was stopped; returns its row."""
    states = states or ("ended", "stopped")
    return until(f"{name} is {states}",
                 lambda: (g := about(n, name))["state"] in states and g)


def said(n, name):
    """All lines that the guest has printed, as far as its console's history has them."""
    n.enter(name)
    n.child.send(CTRL_A)
    n.expect(re.escape(PROMPT))
    n.where = None
    return re.sub(LOG_LINE, "", n.child.before.replace("\r", "")).strip()


def judge(n, name):
    """Waits for the guest's end; it ended by itself, and each of its checks passed.  Returns its lines."""
    row = ended(n, name)
    lines = said(n, name).splitlines()
    assert row["state"] == "ended" and row["status"] == 0, (row, lines)
    assert lines[-1] == "done" and not [l for l in lines if l.startswith("FAIL")], lines
    return lines


def passes(n, name):
    """Starts the guest and judges it."""
    n.monitor(f"start {name}")
    return judge(n, name)


def refuse(n, text, message):
    """`load` of the text is refused with the message, and nothing has changed."""
    before = {k: v for k, v in n.show("all").items() if k in ("guests", "networks", "routes")}
    ports = [p["port"] for p in n.show("ports")["ports"]]
    n.monitor("load")
    for line in text.splitlines():
        n.monitor(line)
    answer = n.monitor("end")
    assert message in answer, answer
    after = {k: v for k, v in n.show("all").items() if k in before}
    assert after == before and [p["port"] for p in n.show("ports")["ports"]] == ports
