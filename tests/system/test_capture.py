# SPDX-License-Identifier: BSD-2-Clause
"""The verdicts of tools/patio/capture.py on checksums: of frames made here, and of frames whose checksums
an emulated NIC completed.
"""

import struct
import subprocess

import pytest

from patio import capture
from machine import LIMIT, no_node, only_on
from patio.node import guest
from peer import ETH, ETH_IP, IP, checksum

PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65536, 1)  # of Ethernet frames
TCP = 6
URGENT, SUM = 18, 16  # offsets in its header
ALICE, BOB = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
FIELDS = 0, 0xFFFF, 0x1234

pytestmark = no_node()


def packet(segment, header_sum=None):
    """A frame with an IPv4 packet from Alice to Bob; with `header_sum` the identification makes the
    header's checksum zero, and that stands there."""
    fields = [0x45, 0, IP.size + len(segment), 0, 0, 64, TCP, 0, ALICE, BOB]
    right = checksum(IP.pack(*fields))
    fields[3], fields[7] = (0, right) if header_sum is None else (right, header_sum)
    return ETH.pack(bytes(6), bytes(6), ETH_IP) + IP.pack(*fields) + segment


def segment(wrong, tcp_sum):
    """A TCP segment with 100 bytes, whose urgent pointer makes its checksum zero (another value if
    `wrong`); its checksum field is `tcp_sum`."""
    made = bytearray(struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x50, 0x10, 500, 0, 0) + bytes(range(100)))
    pseudo = ALICE + BOB + struct.pack("!HH", TCP, len(made))
    struct.pack_into("!H", made, URGENT, checksum(pseudo + made) ^ wrong)
    struct.pack_into("!H", made, SUM, tcp_sum)
    return bytes(made)


def judged(path, *frames):
    """The verdicts on each frame's checksums: the IP header's, TCP's."""
    records = [struct.pack("<IIII", 0, 0, len(f), len(f)) + f for f in frames]
    path.write_bytes(PCAP + b"".join(records))
    return [f.checksums for f in capture.frames(path)]


@pytest.mark.parametrize("wrong,verdicts", [(0, [True, True, False]), (1, [False] * 3)])
def test_zero_of_tcp(tmp_path, wrong, verdicts):
    """If the sum is zero, 0 and 0xffff are right, and nothing else; if it is not, neither is."""
    frames = [packet(segment(wrong, field)) for field in FIELDS]
    assert judged(tmp_path / "pcap", *frames) == [[True, verdict] for verdict in verdicts]


def test_zero_of_ip(tmp_path):
    """The same for the IPv4 header's checksum; the two verdicts are independent."""
    frames = [packet(segment(0, 0xFFFF), field) for field in FIELDS]
    assert judged(tmp_path / "pcap", *frames) == [[True, True], [True, True], [False, True]]


@only_on("qemu-svm", "a guest without Patio")
@pytest.mark.parametrize("machine,nic", [("pc", "e1000"), ("q35", "e1000e")])
def test_zero_of_a_nic(tmp_path, machine, nic):
    """All checksums that a NIC completes are judged right, also a sum of zero."""
    dump = tmp_path / "nic.pcap"
    done = subprocess.run(
        ["qemu-system-x86_64", "-display", "none", "-no-reboot", "-nodefaults", "-m", "64", "-cpu",
         "EPYC,+x2apic", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
         "-kernel", guest("nic"), "-M", machine, "-netdev", "hubport,id=a,hubid=0", "-netdev",
         "hubport,id=b,hubid=0", "-device", "virtio-net-pci,netdev=b,disable-legacy=on",
         "-device", f"{nic},netdev=a", "-object", f"filter-dump,id=dump,netdev=a,file={dump}"],
        capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL, check=False)
    lines = done.stdout.splitlines()
    assert lines[-1:] == ["done"] and not [l for l in lines if l.startswith("FAIL")], lines
    assert len([l for l in lines if l.startswith("zero is written as ")]) == 2
    sums = [f.checksums for f in capture.frames(dump)]
    assert sums.count([True, True]) > 100 and not [s for s in sums if False in s], sums
