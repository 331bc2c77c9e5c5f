# SPDX-License-Identifier: BSD-2-Clause
"""Two nodes of two vendors on one wire: make run NODES=svm,vmx, and that its checks can fail."""

import json
import os

import pytest

from patio import capture
from patio.hardware import BUILD
from machine import LIMIT, no_node
from test_tools import run
from patio.two_nodes import CAPTURE, strange
from vde import VdePort
from patio.wire import Wire, WireClaims

LINES = ["boot", "boot", "ping", "ping", "tcp", "tcp", "own", "checksums", "streams"]

pytestmark = no_node()


def test_svm_and_vmx(tmp_path):
    """The guests reach each other both ways, and only their own frames are on the wire."""
    status, out, err = run("tools/run", "svm,vmx")
    assert status == 0, out + err
    with open(os.path.join(BUILD, "nodes.json"), encoding="utf-8") as file:
        report = json.load(file)
    assert report["held"] and [line["line"] for line in report["lines"]] == LINES
    assert all(line["held"] for line in report["lines"])
    assert [line["vendor"] for line in report["lines"][:2]] == ["AMD SVM", "Intel VT-x"]
    judge_can_say_no(tmp_path / "damaged.pcap")


def judge_can_say_no(path):
    """With other MACs every frame is reported as foreign, and with a bit changed every checksum as wrong."""
    frames = capture.frames(CAPTURE)
    assert frames and strange(frames, []) == frames
    with open(CAPTURE, "rb") as file:
        path.write_bytes(damaged(file.read()))
    sums = [f.checksums for f in capture.frames(path) if f.checksums]
    assert sums and all(False in s for s in sums)


def damaged(pcap):
    """The capture with one bit of each frame inverted."""
    out, at = bytearray(pcap), 24
    while at < len(out):
        size = int.from_bytes(out[at + 8 : at + 12], "little")
        out[at + 16 + 30] ^= 1  # in the IPv4 addresses, which the header's sum covers
        at += 16 + size
    return bytes(out)


class Silent:
    """A stand-in for a node on the wire, with some counters of its uplink."""

    def __init__(self, number):
        self.number, self.node = number, self

    def moved(self, port):
        return f"{port} in_frames={4 + self.number}"

    def close(self):
        """Does nothing."""


def test_a_missing_ping_is_accounted_for(capsys):
    """A failed check is followed by the counters of both uplinks and of the hub."""
    with WireClaims([Silent(1), Silent(2)]) as claims:
        claims.wire = Wire()
        with VdePort(claims.wire.path, LIMIT) as one, VdePort(claims.wire.path, LIMIT) as two:
            one.send(bytes(60))
            assert two.receive() == bytes(60)
            assert not claims.judge([lambda: claims.pings("a -> b", "4 packets received", 5)])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "FAILED a -> b: 5 pings, not all answered: 4 packets received".split(),
        "node 1, uplink: uplink in_frames=5".split(), "node 2, uplink: uplink in_frames=6".split(),
        "hub, port=0 waiting=0 in=1 out=0 dropped=0".split(),
        "hub, port=1 waiting=0 in=0 out=1 dropped=0".split()]


@pytest.mark.parametrize("nodes", ["svm", "svm,kvm", "vmx,vmx", "svm,svm,vmx"])
def test_refused(nodes):
    """An invalid NODES is refused with one line."""
    status, out, err = run("tools/run", nodes)
    assert status == 1 and not out and err.startswith(f"run: NODES={nodes}: ")
