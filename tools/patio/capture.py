# SPDX-License-Identifier: BSD-2-Clause
"""A capture taken on a wire, as tshark reads it."""

import subprocess
from dataclasses import dataclass

# To tshark a TCP checksum is bad, too, when 0xffff stands where 0 is the sum, of which this field tells.
# Both are zero in one's complement, and a receiver, who sums up the field with all else, cannot tell
# them apart (RFC 1071).  Linux and QEMU's NICs send 0xffff: UDP wants it so, and they do not ask what
# it is (docs/emulator-traps.md).
ZERO = "tcp.checksum.ffff"
FIELDS = ["eth.src", "eth.dst", "eth.type", "frame.len", "ip.checksum.status",
          "tcp.checksum.status", "icmp.checksum.status", ZERO, "tcp.stream"]
CHECKED = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
GOOD = "1"  # a checksum's status, as tshark's fields have it
HEX = set("0123456789abcdef")


@dataclass
class Frame:
    """What tells whether a frame is its sender's own."""

    source: str
    destination: str
    ethertype: int  # 0: none
    size: int
    checksums: list  # for each header that has one, whether it is right
    stream: str  # the number of its TCP connection, in the order of their first frames; "": none


def _tshark(path, *words):
    """Its standard output; on standard error it only says that it runs as root, or why it fails."""
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
    """What the opener of a TCP connection sent, put together from the frames."""
    text = _tshark(path, "-q", "-z", f"follow,tcp,raw,{stream}")
    # a line of digits for each piece; those of the answers begin with a tab
    return bytes.fromhex("".join(l for l in text.splitlines() if l and not set(l) - HEX))
