# SPDX-License-Identifier: BSD-2-Clause
"""member-offset: where a structure of a kernel module has a member, by BTF whose strings count on from those of a
kernel that is not there."""

import importlib.machinery
import importlib.util
import struct
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "guest-images/linux/ism/member-offset"
KERNEL = 12345  # bytes of the kernel's strings
INT, POINTER, STRUCT, PROTOTYPE, VARIABLE, SECTION = 1, 2, 4, 13, 14, 15


def load():
    loader = importlib.machinery.SourceFileLoader("member_offset", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("member_offset", loader))
    loader.exec_module(module)
    return module


class Btf:
    def __init__(self):
        self.strings, self.types = b"\0", b""

    def name(self, text):
        self.strings += text.encode() + b"\0"
        return KERNEL + len(self.strings) - len(text) - 1

    def add(self, kind, name=0, rest=b"", count=0, flag=0):
        self.types += struct.pack("<III", name, flag << 31 | kind << 24 | count, 0) + rest

    def structure(self, name, members, flag=0):
        rest = b"".join(struct.pack("<III", n, 1, bit) for n, bit in members)
        self.add(STRUCT, name, rest, len(members), flag)

    def bytes(self):
        head = struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(self.types), len(self.types), len(self.strings))
        return head + self.types + self.strings


@pytest.fixture(name="btf")
def a_module():
    """Other kinds of types before it, another structure with a member of the same name, and one whose first name is
    one of the kernel's."""
    btf = Btf()
    btf.add(INT, 17, b"\0" * 4)
    btf.add(POINTER)
    btf.add(PROTOTYPE, 0, b"\0" * 16, 2)
    token, conn, idx, sock = (btf.name(n) for n in ("peer_token", "connection", "peer_idx", "socket"))
    btf.structure(sock, [(token, 64), (33, 0)])
    btf.add(VARIABLE, 18, b"\0" * 4)
    btf.structure(conn, [(21, 0), (idx, 352), (token, 4032)])
    btf.add(SECTION, 19, b"\0" * 24, 2)
    return btf


def test_found(btf):
    program = load()
    assert program.offset(btf.bytes(), ["connection", "peer_token", "peer_idx"]) == 504
    assert program.offset(btf.bytes(), ["connection", "peer_idx", "peer_token"]) == 44


def test_bitfields(btf):
    """With the flag, the upper byte is a bitfield's size."""
    a, b, c = (btf.name(n) for n in ("third", "first_of_it", "second_of_it"))
    btf.structure(a, [(b, 8 << 24 | 16), (c, 64)], flag=1)
    assert load().offset(btf.bytes(), ["third", "first_of_it", "second_of_it"]) == 2


def test_not_found(btf):
    program = load()
    with pytest.raises(ValueError):
        program.offset(btf.bytes(), ["connection", "nothing"])
    with pytest.raises(AssertionError):
        program.offset(btf.bytes(), ["socket", "peer_idx", "peer_token"])
