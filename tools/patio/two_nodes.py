# SPDX-License-Identifier: BSD-2-Clause
"""Two nodes on one wire, each with Dom0 and a Linux guest: what `make run NODES=svm,vmx` boots, and
its checks.

The first QEMU captures the frames on the wire.
"""

import hashlib
import json
import os
import sys
import time

from . import capture
from .demonstration import result
from .hardware import BUILD, BUILD_NAME
from .wire import TARGETS, Side, Wire, WireClaims, interact

VENDORS = {"svm": "AMD SVM", "vmx": "Intel VT-x"}
CAPTURE = os.path.join(BUILD, "nodes.pcap")
PINGS = 5
PING_WAIT = 120  # seconds of the sender's clock after the last ping: later answers count as lost
TCP_MIB = 1
TCP_HEADER = 16  # bytes that netprobe sends before the hashed ones
ETHERTYPES = 0x0800, 0x0806  # IPv4, ARP
EVERYBODY = "ff:ff:ff:ff:ff:ff"
FRAME_MAX = 1514  # bytes: the guests' MTU and an Ethernet header
HINT = """
  node 1's monitor: console {me} enters her console, show all, help: what is there
  Ctrl-A           leaves a console for this monitor; from {me}: ping {other}
  poweroff         ends both nodes (in a console: Ctrl-A first)
"""


def strange(frames, macs):
    """The frames that are not from one of the guests to another or to all, that carry something else
    than IPv4 and ARP (an encapsulated frame, for one), or that are too long."""
    return [f for f in frames if f.source not in macs or f.destination not in (*macs, EVERYBODY)
            or f.ethertype not in ETHERTYPES or f.size > FRAME_MAX]


class TwoNodes(WireClaims):
    """Boots the nodes and runs the checks one by one; `lines` keeps figures and verdict of each."""

    def __init__(self, kinds):
        super().__init__([Side(kind, name, number) for number, (kind, name) in
                          enumerate(zip(kinds, ("alice", "bob")), 1)])
        self.hashes = []  # of the data sent by TCP, as its senders print them

    def run(self):
        """Runs all checks, up to one that raises an error.  True when every check passed."""
        alice, bob = self.members
        steps = [self.boot, lambda: self.ping(alice, bob), lambda: self.ping(bob, alice),
                 lambda: self.tcp(alice, bob), lambda: self.tcp(bob, alice), self.look]
        return self.judge(steps)

    def boot(self):
        """Boots both nodes at the same time."""
        self.wire = Wire()
        dump = CAPTURE
        for side in self.members:
            side.start(self.wire, dump if side.kind == "svm" else None)
            dump = None if side.kind == "svm" else dump
        for side in self.members:
            vendor = side.wait()
            self.record("boot", vendor == VENDORS[side.kind],
                        f"node {side.number}: {vendor} ({side.node.target.NAME}); Dom0 bridges its "
                        f"82540EM, {side.guest} is up", vendor=vendor, **side.conditions())

    def ping(self, here, there):
        """Each ping is answered."""
        text = here.shell(f"ping -c {PINGS} -W {PING_WAIT} {there.address}")
        self.pings(f"{here.guest} -> {there.guest}", text, PINGS)

    def tcp(self, here, there):
        """A guest sends, and both ends print the hash of the data."""
        r = result(here.shell(f"netprobe tcp {there.address} 9 {TCP_MIB} sha"), "tcp")
        equal = r["ok"] and r["sha256"] == r["peer_sha256"] and r["mib"] == TCP_MIB
        self.hashes.append(r["sha256"])
        self.record("tcp", equal, f"{here.guest} -> {there.guest}: TCP {TCP_MIB} MiB, SHA-256 "
                    + ("equal" if equal else "DIFFERS"), sha256=r["sha256"],
                    peer_sha256=r["peer_sha256"])

    def look(self):
        """The checks of the frames on the wire."""
        frames = capture.frames(CAPTURE)
        self.own(frames)
        self.checksums(frames)
        self.streams(frames)

    def own(self, frames):
        """All frames are the guests' own: no Dom0 or NIC sent or encapsulated one."""
        macs = [side.mac for side in self.members]
        wrong = strange(frames, macs)
        heard = {f.source for f in frames} == set(macs)
        text = (f"{len(wrong)} of {len(frames)} frames are not from guest to guest: {wrong[:3]}"
                if wrong else f"{len(frames)} frames, each from guest to guest by their own MACs, "
                f"IPv4 or ARP, {FRAME_MAX} bytes at most" if heard else "a guest was not heard")
        self.record("own", heard and not wrong, f"wire: {text}", frames=len(frames),
                    strange=len(wrong))

    def checksums(self, frames):
        """All checksums are right, whether a guest, Dom0 or its NIC wrote them."""
        sums = [good for f in frames for good in f.checksums]
        wrong = sums.count(False)
        bad = [f"number {i} of {f.size} bytes from {f.source}"
               for i, f in enumerate(frames, 1) if False in f.checksums]
        self.record("checksums", sums and not wrong,
                    f"wire: {len(sums) - wrong} of {len(sums)} checksums of IPv4, ICMP and TCP "
                    "are right" + (f"; not that of frame {', '.join(bad[:3])}" if bad else ""),
                    checked=len(sums), wrong=wrong)

    def streams(self, frames):
        """The TCP connections, which are those of tcp() in its order."""
        numbers = sorted({int(f.stream) for f in frames if f.stream})
        seen = [hashlib.sha256(capture.sent(CAPTURE, n)[TCP_HEADER:]).hexdigest() for n in numbers]
        equal = seen == self.hashes
        self.record("streams", equal, f"wire: {len(seen)} TCP streams put together from the frames, "
                    f"SHA-256 {'as the guests say' if equal else f'DIFFERS: {seen}'}", sha256=seen)


def parse(text):
    """The kinds that NODES names; SystemExit for what cannot be run."""
    kinds = text.split(",")
    if len(kinds) != 2 or set(kinds) - set(TARGETS):
        raise SystemExit(f"run: NODES={text}: two of {' and '.join(TARGETS)}, such as svm,vmx")
    if "svm" not in kinds:
        raise SystemExit(f"run: NODES={text}: one must be svm, as it is QEMU that captures")
    return kinds


def attend(two):
    """Gives the terminal to the first node until it ends."""
    here, there = two.members
    for side in two.members:
        side.shell("stty echo")
        side.node.leave()
    print(HINT.format(me=here.guest, other=there.address))
    interact(here.node, there.node)


def demonstrate(text):
    """Runs the checks; on a terminal it ends in the first node's monitor.  Returns the exit status."""
    start = time.monotonic()
    with TwoNodes(parse(text)) as two:
        held = two.run()
        seconds = round(time.monotonic() - start, 1)
        with open(os.path.join(BUILD, "nodes.json"), "w", encoding="utf-8") as file:
            json.dump({"held": held, "nodes": text, "lines": two.lines, "seconds": seconds,
                       "capture": f"{BUILD_NAME}/nodes.pcap"}, file, indent=1)
            file.write("\n")
        print(f"{'every check passed' if held else 'NOT every check passed'}, {seconds:.0f} s; figures in "
              f"{BUILD_NAME}/nodes.json, the capture in {BUILD_NAME}/nodes.pcap")
        if held and sys.stdin.isatty() and sys.stdout.isatty():
            attend(two)
    return 0 if held else 1
