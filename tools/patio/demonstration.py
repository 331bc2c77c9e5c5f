# SPDX-License-Identifier: BSD-2-Clause
"""What `make run` boots, and the demonstration's checks: each prints a line and is kept."""

import json
import time

from .claims import Claims
from .node import LINUX, Node, NodeError, guest

ROUNDS, WARM, SIZE = 200, 20, 64
TCP_MIB, TCP_PART = 256, 16  # part by part: a limit of time ends what hangs, not what is slow
PINGS = 100
PING_WAIT = 120  # seconds of the guest's clock after the last ping: one without an answer by then is lost
BOB = "10.0.2.12"  # in the emulator's user network, so that the guests reach what is outside
OUTSIDE = "10.0.2.2"
LINE = "console=hvc0 quiet cryptomgr.notests gw=10.0.2.2"
CONF = f"""# Dom0 with the physical NIC and two Linux guests on one learning network
guest dom0  memory 64M  kernel dom0.elf pci 00:03.0
guest alice memory 256M kernel vmlinuz initrd initrd.cpio.gz \\
            cmdline "{LINE} name=alice ip=10.0.2.11/24"
guest bob   memory 256M kernel vmlinuz initrd initrd.cpio.gz \\
            cmdline "{LINE} name=bob ip={BOB}/24" cpus 2

port uplink  guest dom0 edge
port alice.0 guest alice mac 52:54:00:00:00:0a
port bob.0   guest bob mac 52:54:00:00:00:0b
"""
MACHINE = {
    "cores": 5,  # the monitor, Dom0, alice, bob, bob
    "memory": 768,
    "nic": ["-netdev", "user,id=outside", "-device", "e1000,netdev=outside,addr=3"],
}


def boot(log=None):
    """The node with its three guests, from power-on to their shells; a context manager."""
    node = Node(CONF, [guest("dom0")] + LINUX, log=log, **MACHINE)
    try:
        node.ready()
        node.enter("dom0")
        node.expect("dom0: bridge ready")
        for name in "bob", "alice":
            node.enter(name)
            node.expect(f"@@up name={name} .*\n")
            node.expect(f"{name}# ")
    except BaseException:
        node.close()
        raise
    return node


def result(text, kind):
    """The line of JSON that netprobe printed."""
    for line in text.splitlines():
        at = line.find('{"kind"')
        if at >= 0:
            found = json.loads(line[at:])
            if found["kind"] == kind and "error" not in found:
                return found
    raise NodeError(f"netprobe {kind} failed: {text.strip()}")


def milli(ns):
    return f"{ns / 1e6:.2f}"


class Demonstration(Claims):
    """Runs the checks one by one; `lines` keeps the figures and verdict of each."""

    def __init__(self, node, outside):
        self.node = node
        self.outside = outside
        super().__init__()

    def run(self):
        """Runs all checks; one that raises an error is recorded as failed, and the next is run."""
        self.node.shell("alice", "stty -echo")
        self.node.shell("bob", "stty -echo")
        for line in self.udp, self.tcp, self.exits, self.pings, self.fetch, self.cores:
            try:
                line()
            except (NodeError, KeyError, ValueError) as error:
                self.record(line.__name__, False, f"{line.__name__}: {error}")
                if not self.node.child.isalive():
                    break
        if not self.all_held() and self.node.child.isalive():
            for port in "alice.0", "bob.0", "uplink":
                print(f"       {port}: {self.node.moved(port)}")
        return self.all_held() and len(self.lines) == 6

    def netprobe(self, kind, words):
        return result(self.node.shell("alice", f"netprobe {kind} {words}")[1], kind)

    def udp(self):
        r = self.netprobe("udp", f"{BOB} 7 {ROUNDS} {WARM} {SIZE}")
        ns, lost = r["ns"], r["lost"]
        self.record("udp", lost == 0 and r["n"] == ROUNDS,
                    f"alice -> bob: {r['n']} UDP round trips of {SIZE} bytes, min/median/p99 "
                    f"{milli(ns['min'])}/{milli(ns['med'])}/{milli(ns['p99'])} ms, lost={lost}",
                    rounds=r["n"], size=SIZE, lost=lost, min_ns=ns["min"], median_ns=ns["med"],
                    p99_ns=ns["p99"])

    def tcp(self):
        parts = [self.netprobe("tcp", f"{BOB} 9 {TCP_PART} 65536 sha") for _ in range(TCP_MIB // TCP_PART)]
        equal = all(r["ok"] and r["sha256"] == r["peer_sha256"] and r["mib"] == TCP_PART for r in parts)
        rate = TCP_MIB / (sum(r["ns"] for r in parts) / 1e9)
        self.record("tcp", equal,
                    f"alice -> bob: TCP {TCP_MIB} MiB, {rate:.1f} MiB/s with hashing on both "
                    f"sides, SHA-256 {'equal' if equal else 'DIFFERS'}",
                    mib=TCP_MIB, mib_per_s=round(rate, 2), sha256=[r["sha256"] for r in parts],
                    peer_sha256=[r["peer_sha256"] for r in parts])

    def guests_exits(self):
        """{reason: count} of alice and bob together."""
        total = {}
        for name in "alice", "bob":
            for kind, count in self.node.exits(name).items():
                total[kind] = total.get(kind, 0) + count
        return total

    def exits(self):
        """The exits of a run of one round are subtracted: those of the shell and of the start."""
        counts = [self.guests_exits()]
        for rounds in 1, 1 + ROUNDS:
            self.netprobe("udp", f"{BOB} 7 {rounds} {WARM} {SIZE}")
            counts.append(self.guests_exits())
        start, short, long = counts
        per_trip = {k: (long[k] - 2 * short.get(k, 0) + start.get(k, 0)) / ROUNDS for k in long}
        per_trip = {k: round(v, 3) for k, v in per_trip.items() if abs(v) >= 0.005}
        total = round(sum(per_trip.values()), 3)
        reasons = ", ".join(f"{k} {v:.2f}" for k, v in per_trip.items()) or "none"
        others = sum(v for k, v in per_trip.items() if k not in ("io", "msr"))
        # a kick for each frame, and IPIs between bob's vCPUs; nothing else
        held = (abs(per_trip.get("io", 0) - 2) <= 0.1 and per_trip.get("msr", 0) <= 4
                and others < 0.1)
        self.record("exits", held,
                    f"alice -> bob: {total:.2f} exits per round trip, both guests: {reasons}",
                    exits_per_round_trip=total, by_reason=per_trip, rounds=ROUNDS)

    def pings(self):
        _, text = self.node.shell("alice", f"ping -c {PINGS} -i 0.05 -W {PING_WAIT} {OUTSIDE} | tail -2")
        answered = next((int(w) for w in _words(text, "packets received")), 0)
        self.record("pings", answered == PINGS,
                    f"alice -> outside: {answered} of {PINGS} pings answered",
                    sent=PINGS, answered=answered)

    def fetch(self):
        start = time.monotonic()
        _, text = self.node.shell(
            "alice", f"wget -q -O /tmp/file {self.outside.url} && sha256sum /tmp/file; "
            "rm -f /tmp/file")
        seconds = time.monotonic() - start
        equal = self.outside.sha256 in text.split()
        mib = self.outside.size >> 20
        self.record("fetch", equal,
                    f"alice -> outside: a file of {mib} MiB fetched in {seconds:.1f} s, SHA-256 "
                    f"{'equal' if equal else 'DIFFERS: ' + text.strip()}",
                    bytes=self.outside.size, seconds=round(seconds, 2),
                    sha256=self.outside.sha256)

    def cores(self):
        _, text = self.node.shell("bob", "cat /sys/devices/system/cpu/online; nproc")
        held = text.split()[-2:] == ["0-1", "2"]
        self.record("cores", held, f"bob: {'2 vCPUs, both online' if held else text.strip()}",
                    online=text.split()[-2:][0] if text.split() else "")


def _words(text, after):
    """The word before each occurrence of `after`."""
    for part in text.split(after)[:-1]:
        yield part.split()[-1]
