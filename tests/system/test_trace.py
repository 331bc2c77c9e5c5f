# SPDX-License-Identifier: BSD-2-Clause
"""The trace: what patio-trace says of round trips inside a node, to another node through Dom0 as they
are, and to another node over a link."""

import json
import os
import subprocess
import tempfile

import pytest

from machine import TINY, node, only_on, passes, said, until
from patio.hardware import BUILD
from patio.linux_machine import far, free_wire
from test_config import links, take
from test_links import nic

ROUNDS = 40
ADDRESS = {1: "192.0.2.1", 2: "192.0.2.2"}
NEAR = [("l", "local", "le"), ("d", "default", "de"), ("v", "lab", "ve")]  # who asks, where, whom
MAC = {name: f"52:54:00:00:01:{i:02x}" for i, name in enumerate(["l", "d", "v", "le", "de", "ve"])}
INSIDE = [("kick", "taken"), ("taken", "looked_up"), ("looked_up", "copied"), ("copied", "raised")]
OUT = [("raised", "guest_taken"), ("guest_taken", "nic_given")]
IN = [("nic_taken", "guest_given"), ("guest_given", "kick")]

pytestmark = only_on("qemu-svm", "the machine's memory lies in a file there")


def pinger(name, network, peer):
    return f"""guest {name} kernel ping.elf cmdline "peer={MAC[peer]} n={ROUNDS}" {TINY} autostart no
port {name} guest {name} network {network} mac {MAC[name]}
"""


def echo(name, network):
    return f"""guest {name} kernel echo.elf {TINY}
port {name} guest {name} network {network} mac {MAC[name]}
"""


def conf(number, guests, more=""):
    """Dom0's port is in `default`, where others are reached as they are; `lab` goes over a link."""
    return f"""network lab
network local
guest dom0 memory 64M kernel dom0.elf pci 00:03.0
port uplink guest dom0 edge
underlay uplink address {ADDRESS[number]}/24
link far vxlan vni 7 remote {ADDRESS[3 - number]} network lab
{guests}{more}"""


def the_conf(number):
    if number == 2:
        return conf(2, echo("de", "default") + echo("ve", "lab"))
    asking = "".join(pinger(*words) for words in NEAR)
    return conf(1, asking + echo("le", "local"), "trace on\n")


@pytest.fixture(name="nodes", scope="module")
def the_nodes():
    """(node 1, the file that is its memory)."""
    end = far(free_wire())
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="patio-") as memory, \
            node(the_conf(1), ["dom0", "ping", "echo"], cores=7, memory=384, nic=nic(end, 1),
                 memory_file=memory.name) as one, \
            node(the_conf(2), ["dom0", "echo"], cores=4, memory=256, nic=nic(end[::-1], 2)) as two:
        for n in one, two:
            n.ready()
            until("the bridge is ready", lambda n=n: "bridge ready" in said(n, "dom0"))
        for n, name in (one, "le"), (two, "de"), (two, "ve"):
            until("the echo is there", lambda n=n, name=name: "echo: ready" in said(n, name))
        for name, _, _ in NEAR[:2]:
            passes(one, name)
        until("the next hop is resolved", lambda: links(one)["far"]["state"] == "up")
        passes(one, NEAR[2][0])
        yield one, memory.name


def split(memory, *words):
    done = subprocess.run([os.path.join(BUILD, "patio-trace"), "--memory", memory, "--json", *words],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def trips(found, source, to):
    return [g for g in found["round_trips"] if (g["from"], g["to"]) == (source, to)]


def marked(legs):
    return [tuple(f"{point}'" for point in leg) for leg in legs]


@pytest.mark.parametrize("source,to,legs", [
    ("l", "le", INSIDE + [("raised", "kick'")] + marked(INSIDE)),
    ("d", "uplink", INSIDE + OUT + [("nic_given", "nic_taken'")] + marked(IN + INSIDE)),
    ("v", "far", INSIDE + OUT + [("nic_given", "nic_taken'")] + marked(IN + INSIDE)),
], ids=["local", "direct", "encapsulated"])
def test_the_split_of_a_round_trip(nodes, source, to, legs):
    """All round trips of a path have the same points, in this order; the whole is no less than any
    part of it."""
    found = split(nodes[1])
    # The first frame may have been sent to all, the address not being known yet.
    [trip] = [t for t in trips(found, source, to) if t["count"] >= ROUNDS - 2]
    assert [(l["from"], l["to"]) for l in trip["legs"]] == legs
    for leg in [*trip["legs"], trip["whole"]]:
        assert 0 < leg["p50"] <= leg["p99"] <= leg["max"] <= trip["whole"]["max"], leg
    assert found["lost"] == 0


def test_a_filter_and_off(nodes):
    """Of what comes later only the frames of one port are traced, then none."""
    n, memory = nodes
    take(n, "trace on port l\n")
    assert n.show("trace")["trace"] == {"on": True, "port": "l", "mac": None}
    before = {g["from"]: g["count"] for g in split(memory)["frames"]}
    for name in "d", "l":
        passes(n, name)
    after = {g["from"]: g["count"] for g in split(memory)["frames"]}
    assert after["l"] >= before["l"] + ROUNDS and after["d"] == before["d"]
    assert "`trace` names port" in n.monitor("remove port l")
    take(n, "trace off\n")
    assert n.show("trace")["trace"] == {"on": False, "port": None, "mac": None}
    passes(n, "l")
    assert {g["from"]: g["count"] for g in split(memory)["frames"]} == after
