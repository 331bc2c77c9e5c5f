# SPDX-License-Identifier: BSD-2-Clause
"""The wire between nodes: tools/hub loses no frame, and Bochs receives every one."""

import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from patio.hardware import BUILD
from machine import LIMIT, TINY, no_node, node, only_on, said, until
from peer import ETH_IP, ICMP, Peer, icmp, ipv4
from vde import VdePort
from patio.wire import Wire

FRAMES = 600  # of a burst: far more than an emulator's socket holds
QUEUE = 300  # more than a connected socket can hold
PRELOAD = os.path.join(BUILD, "tools", "bochs_recvfrom.so")

pytestmark = no_node()


def frame(sender, number):
    """A frame with its sender and number in it, of a length that depends on the number."""
    return bytes([sender]) + number.to_bytes(4, "big") + bytes(55 + number * 991 % 1455)


@pytest.fixture(name="wire")
def the_wire():
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture(name="ports")
def the_ports(wire):
    """Four ports, every second one with an unconnected socket as Bochs has it."""
    ports = [VdePort(wire.path, LIMIT, connected=n % 2 == 0) for n in range(4)]
    until("all are open", lambda: len(wire.counts()) == len(ports))
    yield ports
    for port in ports:
        port.close()


def moved(wire, counter):
    return [port[counter] for port in wire.counts()]


def test_bursts_arrive(wire, ports):
    """One port sends a burst while the others do not read; each of them then gets all frames in order, and
    the sender none."""
    for n in range(FRAMES):
        ports[0].send(frame(0, n))
    until("the hub has all", lambda: moved(wire, "in") == [FRAMES, 0, 0, 0])
    for port in ports[1:]:
        assert [port.receive() for _ in range(FRAMES)] == [frame(0, n) for n in range(FRAMES)]
    assert moved(wire, "out") == [0] + 3 * [FRAMES] and moved(wire, "dropped") == 4 * [0]
    assert not any(port.waits() for port in ports)


def test_all_at_once(wire, ports):
    """All ports send at the same time; all frames of each sender arrive in order."""
    def send(sender):
        for n in range(FRAMES):
            ports[sender].send(frame(sender, n))

    senders = [threading.Thread(target=send, args=(s,)) for s in range(len(ports))]
    for sender in senders:
        sender.start()
    for here, port in enumerate(ports):
        heard = {s: [] for s in range(len(ports)) if s != here}
        for _ in range(FRAMES * len(heard)):
            found = port.receive()
            heard[found[0]].append(found)
        assert heard == {s: [frame(s, n) for n in range(FRAMES)] for s in heard}
    for sender in senders:
        sender.join()
    assert moved(wire, "dropped") == 4 * [0]


def test_slow_reader(wire, ports):
    """A port that does not read delays no other port, and gets all frames when it reads again."""
    slow, others = ports[1], ports[2:]
    for n in range(FRAMES):
        ports[0].send(frame(0, n))
        assert [port.receive() for port in others] == 2 * [frame(0, n)]
    assert wire.counts()[1]["waiting"] >= FRAMES - QUEUE
    assert [slow.receive() for _ in range(FRAMES)] == [frame(0, n) for n in range(FRAMES)]
    assert wire.counts()[1]["waiting"] == 0 and not slow.waits()


def test_who_goes_is_no_hindrance(wire, ports):
    """Ports disconnect, one with queued frames and one that never sent a request; the others continue, and
    a new one can connect."""
    for n in range(FRAMES):
        ports[0].send(frame(0, n))
    until("some wait", lambda: moved(wire, "in")[0] == FRAMES)
    ports[1].close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.connect(os.path.join(wire.path, "ctl"))
        stranger.sendall(bytes(200))
        assert stranger.recv(1) == b""  # it was cut off
    until("the ports are closed", lambda: len(wire.counts()) == 3)
    assert [ports[2].receive() for _ in range(FRAMES)] == [frame(0, n) for n in range(FRAMES)]
    with VdePort(wire.path, LIMIT) as new:
        new.send(frame(9, 0))
        assert ports[0].receive() == frame(9, 0) == ports[2].receive()


RECEIVE = """import ctypes, socket
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
for text in b"first", b"second":
    a.send(text)
address, length = ctypes.create_string_buffer(110), ctypes.c_int(-7)
buf = ctypes.create_string_buffer(99)
got = ctypes.CDLL(None).recvfrom(b.fileno(), buf, 99, 0, address, ctypes.byref(length))
print(got, b.recv(99).decode())
"""


def receive(**env):
    """The result of recvfrom() with a negative address length, and the next datagram."""
    return subprocess.run([sys.executable, "-c", RECEIVE], env=os.environ | env, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def test_recvfrom():
    """Bochs's call of recvfrom() fails and loses the datagram; with the preloaded library it succeeds."""
    assert receive() == "-1 second"
    assert receive(LD_PRELOAD=PRELOAD) == "5 second"


DOM0 = f"""guest dom0 memory 64M kernel dom0.elf pci 00:03.0
guest echo kernel echo.elf cmdline "ip=10.0.2.12" {TINY}
port uplink guest dom0 edge
port echo guest echo
"""
INSIDE = socket.inet_aton("10.0.2.12")
PINGS, ALARMS = 300, 20  # of the latter each second


class HubPeer(Peer):
    """The host outside, at a port of a hub."""

    def __init__(self, ip, wire):
        self.port = VdePort(wire.path, None, connected=False)
        super().__init__(ip)

    def plug(self):
        return self.port.data, self.port.hub, None

    def __exit__(self, *_):
        super().__exit__()
        self.port.close()

    def ping(self, number):
        rest = struct.pack("!HH", 1, number) + bytes(56)
        self.send(self.known[INSIDE], ETH_IP, ipv4(ICMP, self.ip, INSIDE, icmp(8, rest)))

    def answers(self, seconds):
        """The numbers of the answered pings; returns after the first answer, or at the time limit."""
        try:
            return {struct.unpack_from("!HH", self.replies.get(timeout=seconds))[1]}
        except queue.Empty:
            return set()


@contextmanager
def alarmed(pid):
    """Sends SIGALRM to a process again and again.  Each leaves garbage on its stack, as Bochs's own timer
    does once a second, which depends on the host's CPU and on the interrupted code."""
    over = threading.Event()

    def alarm():
        while not over.wait(1 / ALARMS):
            os.kill(pid, signal.SIGALRM)

    thread = threading.Thread(target=alarm)
    thread.start()
    yield
    over.set()
    thread.join()


def child(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


@pytest.mark.every_target
@only_on("bochs-vmx", "it is Bochs that lost frames")
def test_bochs_takes_in_all(wire):
    """Each ping is sent once, while alarms come: all are answered."""
    with HubPeer("10.0.2.2", wire) as peer, \
            node(DOM0, ["dom0", "echo"], memory=512, hub=wire.path) as n:
        n.ready()
        until("the bridge is ready", lambda: "bridge ready" in said(n, "dom0"))
        until("the echo is there", lambda: "echo: ready" in said(n, "echo"))
        assert peer.resolve(INSIDE, LIMIT)
        answered, bochs = set(), child(n.child.pid)
        with open(f"/proc/{bochs}/maps", encoding="utf-8") as maps:
            assert PRELOAD in maps.read()
        with alarmed(bochs):
            for number in range(PINGS):
                peer.ping(number)
                answered |= peer.answers(1)
        # the wire keeps the order: when the last ping is answered, a missing answer is a lost ping
        until("the last one is answered",
              lambda: peer.ping(PINGS) or answered.update(peer.answers(1)) or PINGS in answered)
        lost = set(range(PINGS)) - answered
        assert not lost, (lost, wire.counts(), n.show("counters uplink")["counters"])
