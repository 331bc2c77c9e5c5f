# SPDX-License-Identifier: BSD-2-Clause
"""Our guests on bare QEMU, without Patio: what fails here is no fault of Patio's.

Each guest prints the line protocol of guest-images/lib/check.h.  Dom0 is put between two sockets, through
which this file acts as wire and switch.  Needs `make guests` and QEMU 10.
"""

import contextlib
import random
import select
import socket
import subprocess
import time
from pathlib import Path

import pytest

from patio.hardware import BUILD

GUESTS = Path(BUILD) / "guests"
PASSED = 1  # isa-debug-exit's exit status for status 0
LIMIT = 600  # seconds; only against hangs
HEADER = 14
LATE = 4  # seconds: longer than a frame takes on a quiet machine
REPLY = b"\2"  # TEST_REPLY in guest-images/lib/packet.h, in the place of TEST_REQUEST
NICS = [("pc", "e1000"), ("q35", "e1000e")]


def command(guest, words="", *more):
    return ["qemu-system-x86_64", "-display", "none", "-no-reboot", "-nodefaults", "-m", "64",
            "-cpu", "EPYC,+x2apic", "-serial", "stdio",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            "-kernel", str(GUESTS / f"{guest}.elf"), "-append", words, *more]


def run(guest, words="", *more):
    """Runs a guest to its end; returns its exit status and lines."""
    done = subprocess.run(command(guest, words, *more), capture_output=True, text=True,
                          timeout=LIMIT, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout.splitlines()


def passes(guest, words="", *more):
    status, lines = run(guest, words, *more)
    assert lines and lines[-1] == "done", lines
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert status == PASSED
    return lines


def test_hello(tmp_path):
    module = tmp_path / "module"
    module.write_bytes(b"contents")
    passes("hello", "hello=1 module=contents", "-initrd", f"{module} a word")


@pytest.mark.parametrize("guest,words,more", [
    ("xapic", "", ()), ("x2apic", "", ()), ("bigmem", "step=16384", ("-m", "5G")), ("cpuid", "svm=1", ()),
    ("smp", "", ("-smp", "2")), ("smp", "page=1", ("-smp", "2")), ("nobody", "how=msr", ()),
    ("clocks", "gate=0", ())])  # QEMU ignores the gate
def test_machine(guest, words, more):
    passes(guest, words, *more)


def test_triple():
    assert run("triple") == (0, ["triple: now"])  # -no-reboot turns the reset into an end


SLIRP = ("-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,disable-legacy=on")


@pytest.mark.parametrize("words", ["", "page=1", "poll=1"])
def test_com1(words):
    """The emulator's own UART behaves the same."""
    passes("com1", words)


@pytest.mark.parametrize("how", ["loop", "len", "avail", "indirect"])
def test_badring(how):
    passes("badring", f"how={how}", *SLIRP)


def test_ping_outside():
    lines = passes("ping", "ip=10.0.2.15 to=10.0.2.2 n=200", *SLIRP)
    assert any(line.startswith("rtt n=200 lost=0 ") for line in lines)


def test_late_is_not_lost(tmp_path):
    """A late answer, as on a busy machine, is not a lost one."""
    wire = Wire(tmp_path, "wire")
    with subprocess.Popen(
            command("ping", "peer=02:00:00:00:00:01 n=2", "-netdev", wire.netdev, "-device",
                    "virtio-net-pci,netdev=wire,disable-legacy=on"),
            stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as guest:
        try:
            for _ in range(2):
                asked = wire.receive()
                time.sleep(LATE)
                wire.send(asked[6:12] + asked[:6] + asked[12:14] + REPLY + asked[15:])
            assert "rtt n=2 lost=0 " in guest.communicate(timeout=LIMIT)[0]
        finally:
            guest.kill()


@pytest.mark.parametrize("machine,nic", NICS)
def test_nic_offloads(machine, nic):
    passes("nic", "", "-M", machine, "-netdev", "hubport,id=a,hubid=0", "-netdev",
           "hubport,id=b,hubid=0", "-device", "virtio-net-pci,netdev=b,disable-legacy=on",
           "-device", f"{nic},netdev=a")


class Wire:
    """One end of a cable: datagrams to and from QEMU."""

    def __init__(self, folder, name):
        self.ours, self.theirs = str(folder / f"{name}.t"), str(folder / f"{name}.q")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.ours)
        self.socket.settimeout(LIMIT)
        self.netdev = (f"dgram,id={name},local.type=unix,local.path={self.theirs},"
                       f"remote.type=unix,remote.path={self.ours}")

    def send(self, frame):
        self.socket.sendto(frame, self.theirs)

    def receive(self):
        return self.socket.recv(70000)

    def waits(self, seconds):
        """Whether a frame has arrived, or does within that time."""
        return bool(select.select([self.socket], [], [], seconds)[0])


class Bridge:
    def __init__(self, folder, machine, nic, words=""):
        self.wire, self.node = Wire(folder, "wire"), Wire(folder, "node")
        self.log = folder / "dom0.txt"
        self.process = subprocess.Popen(
            command("dom0", words, "-M", machine, "-netdev", self.wire.netdev, "-device",
                    f"{nic},netdev=wire,mac=52:54:00:00:00:dd", "-netdev", self.node.netdev,
                    "-device", "virtio-net-pci,netdev=node,disable-legacy=on"),
            stdout=self.log.open("wb"), stdin=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT
        while b"dom0: bridge ready" not in self.log.read_bytes():
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture(params=NICS, ids=lambda p: p[1])
def bridge(request, tmp_path_factory):
    made = Bridge(tmp_path_factory.mktemp("b"), *request.param)
    yield made
    made.close()


def frame(number, size, dst=b"\x02\0\0\0\0\x01"):
    head = dst + b"\x02\0\0\0\0\x02" + b"\x88\xb5" + number.to_bytes(4, "big")
    return head + random.Random(number).randbytes(size - len(head))


def test_bridge_inward(bridge):
    """Frames from the wire into the node, of each length that Ethernet allows, to any address."""
    for i in range(300):
        out = frame(i, 60 + i * 991 % 1455, random.Random(i).randbytes(6))
        bridge.wire.send(out)
        assert bridge.node.receive() == out


def test_bridge_outward(bridge):
    """Frames from the node onto the wire; above 4 KiB a frame fills several of the port's buffers."""
    for i in range(300):
        out = frame(i, 60 + i * (991 if i % 3 else 199) % (1455 if i % 3 else 16000))
        bridge.node.send(out)
        assert bridge.wire.receive() == out


def test_bridge_both_ways_at_once(bridge):
    """With 32 frames in flight, too few to fill a ring, order is kept and none is lost."""
    for burst in range(40):
        numbers = range(burst * 32, burst * 32 + 32)
        for i in numbers:
            bridge.node.send(frame(i, 60 + i % 1400))
            bridge.wire.send(frame(i + 100000, 60 + i % 1300))
        for i in numbers:
            assert bridge.wire.receive() == frame(i, 60 + i % 1400)
            assert bridge.node.receive() == frame(i + 100000, 60 + i % 1300)
    for here, there in (bridge.node, bridge.wire), (bridge.wire, bridge.node):
        here.send(frame(200000, 60))  # any further frame would arrive before this one
        assert there.receive() == frame(200000, 60)


def drain(here, there):
    """Sends numbered frames until one arrives: then no older one is in flight.  Frames that have arrived
    are read first, so that no more can queue up."""
    for number in range(10**6, 10**6 + LIMIT):
        with contextlib.suppress(TimeoutError, BlockingIOError):
            here.send(frame(number, 60))
        while there.waits(1):
            if there.receive() == frame(number, 60):
                return
    raise AssertionError("no frame arrives any more")


def test_bridge_does_not_wedge(bridge):
    """After floods from both sides, which overrun rings, single frames pass again both ways."""
    for side in bridge.node, bridge.wire:
        side.socket.settimeout(0.005)
        for i in range(800):
            with contextlib.suppress(TimeoutError, BlockingIOError):
                side.send(frame(i, 1500))
    drain(bridge.node, bridge.wire)
    drain(bridge.wire, bridge.node)
    for side in bridge.node, bridge.wire:
        side.socket.settimeout(LIMIT)
    for i in range(20):
        bridge.node.send(frame(i, 100))
        assert bridge.wire.receive() == frame(i, 100)
        bridge.wire.send(frame(i, 100))
        assert bridge.node.receive() == frame(i, 100)
