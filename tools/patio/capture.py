# SPDX-License-Identifier: BSD-2-Clause
"""A capture taken on a wire, as tshark reads it."""

import subprocess
from dataclasses import dataclass

# tshark also calls a TCP checksum bad if it is 0xffff where the sum is 0; this field says so.  Both are
# zero in one's complement, and no receiver, which sums up the field with the rest, can tell them apart
# (RFC 1071).  Linux and QEMU's NICs write 0xffff for every protocol, as UDP requires it
# (docs/emulator-traps.md).
ZERO = "tcp.checksum.ffff"
FIELDS = ["eth.src", "eth.dst", "eth.type", "frame.len", "ip.checksum.status",
          "tcp.checksum.status", "icmp.checksum.status", ZERO, "tcp.stream"]
CHECKED = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
GOOD = "1"  # tshark's status of a checksum that is right
HEX = set("0123456789abcdef")


@dataclass
class Frame:
    """The properties of a frame that the checks look at."""

    source: str
    destination: str
    ethertype: int  # 0: none
    size: int
    checksums: list  # for each header that has one, whether it is right
    stream: str  # the number of its TCP connection, in the order of their first frames; "": none


def _tshark(path, *words):
    """tshark's standard output; its standard error has only a warning about root, or why it fails."""
    return subprocess.run(["tshark", "-n", "-r", path, *CHECKED, *words], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def frames(path):
    """All frames of the capture."""
    words = [w for field in FIELDS for w in ("-e", field)]
    found = []
    for line in _tshark(path, "-T", "fields", *words).splitlines():
        source, destination, kind, size, ip, tcp, icmp, zero, stream = line.split("\t")
        sums = ip, GOOD if zero else tcp, icmp
        found.append(Frame(source, destination, int(kind or "0", 16), int(size),
                           [s == GOOD for s in sums if s], stream))
    return found


def sent(path, stream):
    """The bytes that the client of a TCP connection sent, reassembled from the frames."""
    text = _tshark(path, "-q", "-z", f"follow,tcp,raw,{stream}")
    # one line of hexadecimal digits for each segment; those of the server begin with a tab
    return bytes.fromhex("".join(l for l in text.splitlines() if l and not set(l) - HEX))
