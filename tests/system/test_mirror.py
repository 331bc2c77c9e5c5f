# SPDX-License-Identifier: BSD-2-Clause
"""Mirrors: what patio-capture writes of a node's frames, tshark opens; and the same switch on the host,
given the capture, does what the node's did."""

import base64
import os
import re
import subprocess

import pytest

from linux import boot, linux, run
from machine import HERE, LIMIT, TINY, node, only_on, passes, refuse, said, until
from patio.hardware import BUILD

PING, ECHO = "52:54:00:00:00:01", "52:54:00:00:00:02"
ROUNDS, FLOOD, MADE_UP, LEARNED = 20, 200, 40, 10
CONF = f"""guest ping kernel ping.elf cmdline "peer={ECHO} n={ROUNDS}" {TINY} autostart no
guest echo kernel echo.elf {TINY}
guest flood kernel flood.elf cmdline "count={FLOOD}" {TINY} autostart no
guest stranger kernel stranger.elf cmdline "as={ECHO} made={MADE_UP}" {TINY} autostart no
port ping guest ping mac {PING}
port echo guest echo mac {ECHO}
port flood guest flood
port stranger guest stranger addresses {LEARNED}
trace on
mirror all network default
mirror head port ping cut 20
"""
IMAGES = ["ping", "echo", "flood", "stranger"]
OUTSIDE = only_on("qemu-svm", "the emulated machine's memory is a file")
CAPTURE, REPLAY = os.path.join(BUILD, "patio-capture"), os.path.join(BUILD, "replay")
FIELDS = ["frame.interface_name", "frame.packet_flags_direction", "frame.packet_id", "frame.cap_len",
          "frame.len", "frame.comment"]
IN, OUT = "1", "2"


@pytest.fixture(name="n", scope="module")
def the_node(tmp_path_factory):
    memory = str(tmp_path_factory.mktemp("mirror") / "memory")
    file = {"memory_file": memory} if HERE.NAME.startswith("qemu") else {}
    with node(CONF, IMAGES, cores=5, memory=256, **file) as n:
        n.ready()
        n.memory = memory
        until("the echo is there", lambda: "echo: ready" in said(n, "echo"))
        yield n


@pytest.fixture(name="pinged", scope="module")
def the_node_after_round_trips(n):
    passes(n, "ping")
    return n


def opened(path):
    """What tshark finds in a capture, a dict for each packet; it must like all of it."""
    words = [w for field in FIELDS for w in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", *words], check=False, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    rows = [dict(zip(FIELDS, line.split("\t"))) for line in done.stdout.splitlines()]
    for r in rows:
        r["direction"] = str(int(r["frame.packet_flags_direction"] or "0", 0) & 3)
    return rows


def captured(n, path, *words):
    """What is in the rings now."""
    done = subprocess.run([CAPTURE, "--memory", n.memory, "--for", "0", "--write", path, *words],
                          check=False, capture_output=True, text=True)
    assert done.returncode == 0 and " 0 records lost" in done.stderr, done.stderr
    return opened(path)


def mirrored(n):
    return {m["mirror"]: m["frames"] for m in n.show("mirrors")["mirrors"]}


@pytest.mark.every_target
def test_counted(pinged):
    """Each frame is seen where it comes from and where it goes to."""
    n = pinged
    assert mirrored(n) == {"all": 4 * ROUNDS, "head": 2 * ROUNDS}
    assert n.show("mirrors")["capture"] == {"left_out": 0, "cut_short": 0}


@OUTSIDE
def test_opened(pinged, tmp_path):
    """Copies with their direction, one ID for those of one frame, cut or whole, and the itinerary."""
    n = pinged
    rows = captured(n, str(tmp_path / "all.pcapng"), "--mirror", "all")
    assert len(rows) == 4 * ROUNDS
    assert {(r["frame.interface_name"], r["direction"]) for r in rows} == \
        {(name, way) for name in ("ping", "echo") for way in (IN, OUT)}
    assert len({r["frame.packet_id"] for r in rows}) == 2 * ROUNDS
    assert all(r["frame.cap_len"] == r["frame.len"] == "64" for r in rows)
    assert any(re.search(r"itinerary: kick-\d+ns taken\+0ns looked_up\+\d+ns copied\(port \d\)\+\d+ns "
                         r"raised\(port \d\)\+\d+ns returned\+\d+ns", r["frame.comment"]) for r in rows), rows[0]
    rows = captured(n, str(tmp_path / "head.pcapng"), "--mirror", "head")
    assert len(rows) == 2 * ROUNDS
    assert {(r["frame.interface_name"], r["frame.cap_len"], r["frame.len"]) for r in rows} == \
        {("ping", "20", "64")}


def counters(n):
    """What the switch has counted, as replay prints it."""
    found = {(r["object"], r["counter"]): r["value"] for r in n.show("counters")["counters"]
             if r["value"] and re.fullmatch(r"(in|out)_frames|flooded|drop\..*", r["counter"])}
    for r in n.show("ports")["ports"]:
        found |= {(r["port"], c): r[c] for c in ("in_bytes", "out_bytes") if r[c]}
    return found


@OUTSIDE
def test_replayed(n, tmp_path):
    """Floods, learned and refused sources: the same frames, the same counters.  A change that is refused is
    none."""
    path, conf = str(tmp_path / "all.pcapng"), tmp_path / "patio.conf"
    conf.write_text(CONF, encoding="utf-8")
    with subprocess.Popen([CAPTURE, "--memory", n.memory, "--mirror", "all", "--write", path],
                          stderr=subprocess.PIPE, text=True) as reader:
        passes(n, "flood")
        refuse(n, "".join(f"port x{i} guest ping\n" for i in range(34)), "the guest's PCI bus is full")
        n.monitor("start stranger")
        until("the stranger is at work", lambda: "stranger: ready" in said(n, "stranger"))
        n.monitor("stop stranger")
        until("it is gone", lambda: n.show("guests stranger")["guests"][0]["state"] == "stopped")
        reader.terminate()
        told = reader.communicate(timeout=LIMIT)[1]
    assert " 0 records lost" in told, told
    done = subprocess.run([REPLAY, str(conf), path], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    there = counters(n)
    assert there["stranger", "drop.learn_quota"] == MADE_UP - LEARNED and there["flood", "flooded"] == FLOOD
    assert there["stranger", "drop.spoofed"] > 0
    lines = (line.split() for line in done.stdout.splitlines())
    assert {(port, name): int(value) for port, name, value in lines} == there
    drops = {w for r in opened(path) for w in re.findall(r"drop=\w+", r["frame.comment"])}
    assert {"drop=learn_quota", "drop=spoofed"} <= drops


@only_on("qemu-svm", "a Linux guest")
def test_inside(tmp_path):
    """In a Linux guest with `control` the same program reads the window, without an exit."""
    text = f"""{linux("dom0", "10.0.0.1", "control")}
guest ping kernel ping.elf cmdline "peer={ECHO} n={ROUNDS}" {TINY} autostart no
guest echo kernel echo.elf {TINY}
network lab
port dom0 guest dom0
port ping guest ping network lab mac {PING}
port echo guest echo network lab mac {ECHO}
mirror lab network lab
"""
    path = tmp_path / "inside.pcapng"
    with boot(text, ["dom0"], ["ping", "echo"], cores=4, memory=512) as n:
        passes(n, "ping")
        run(n, "dom0", "patio-capture --for 0 --write /tmp/lab 2>/tmp/told")
        assert f"{4 * ROUNDS} packets, 0 records lost" in run(n, "dom0", "cat /tmp/told")
        path.write_bytes(base64.b64decode(run(n, "dom0", "base64 /tmp/lab")))
    assert len(opened(str(path))) == 4 * ROUNDS
