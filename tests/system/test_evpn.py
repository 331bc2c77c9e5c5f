# SPDX-License-Identifier: BSD-2-Clause
"""Three nodes joined by BGP EVPN: make run NODES=3 EVPN=1, and that its checks can fail."""

import json
import os

import pytest

from patio.evpn import FDB, FLOOD, MACIP, mac, learns_nothing
from patio.hardware import BUILD
from machine import no_node, only_on
from test_tools import run

LINES = (["boot"] + 3 * ["peers"] + ["ping", "ping", "tcp"] + 3 * ["routes"]
         + ["move", "ping", "tcp"])

pytestmark = no_node()


@pytest.fixture(name="report", scope="module")
def the_run():
    status, out, err = run("make", "run", "NODES=3", "EVPN=1")
    assert status == 0, out + err
    with open(os.path.join(BUILD, "evpn.json"), encoding="utf-8") as file:
        return json.load(file)


@only_on("qemu-svm", "three Linux Dom0s and their guests are too much for a slow target")
def test_three_nodes(report):
    """The guests reach each other by BGP's routes alone, and a guest that moved is reached again."""
    assert report["held"] and [line["line"] for line in report["lines"]] == LINES
    assert all(line["held"] for line in report["lines"])


@only_on("qemu-svm", "three Linux Dom0s and their guests are too much for a slow target")
def test_judge(report):
    """It parses the tools' output correctly, and rejects a VXLAN device with a static peer or learning."""
    peers = [line for line in report["lines"] if line["line"] == "peers"]
    for line in peers:
        assert learns_nothing(line["device"])
        assert not learns_nothing(line["device"].replace(" local ", " remote 192.0.2.9 local "))
        assert not learns_nothing(line["device"].replace(" nolearning ", " "))
    before, after = (next(line for line in report["lines"] if line["line"] == name)["bgp"]
                     for name in ("routes", "move"))
    assert dict(MACIP.findall(before))[mac("carol")] == "192.0.2.3"
    assert dict(MACIP.findall(after))[mac("carol")] == "192.0.2.2"
    assert mac("carol") not in dict(MACIP.findall(before.replace(mac("carol"), "")))


def test_fdb():
    """The parser tells the flood entries of the forwarding table from those of guests."""
    text = f"{FLOOD} dst 192.0.2.2 self permanent\n52:54:00:00:01:02 master br0 \n"
    assert FDB.findall(text) == [(FLOOD, "192.0.2.2")]


def test_refused():
    """Another number of nodes is refused with one line."""
    status, out, err = run("tools/run", "--evpn", "2")
    assert status == 1 and not out and err.startswith("run: NODES=2 EVPN=1: ")
