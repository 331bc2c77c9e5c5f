# SPDX-License-Identifier: BSD-2-Clause
"""The node's own console: on another port, at another speed, by the firmware's table, or nowhere."""

import re
import struct

import pytest

from machine import TINY, judge, node, only_on

HELLO = f'guest hello kernel hello.elf cmdline "hello=1" {TINY}\n'
COM2 = 0x2F8
PASSED = 1  # isa-debug-exit's exit status for status 0


def spcr(folder, port, baud):
    """QEMU's argument for an SPCR of a 16550 at these I/O ports; `baud`: the table's code."""
    body = struct.pack("<B3xBBBBQBBIBB", 0, 1, 8, 0, 1, port, 3, 3, 3, baud, 0)
    path = folder / "spcr"
    path.write_bytes(body.ljust(80 - 36, b"\0"))
    return "-acpitable", f"sig=SPCR,rev=2,data={path}"


def works(n):
    """The monitor uses that port, by interrupt."""
    n.ready()
    judge(n, "hello")
    return n


def test_com2():
    with node(HELLO, ["hello"], memory=256, com=2, options="console=com2,57600 log=debug") as n:
        n.expect(re.escape("console: port 2f8, 57600 baud"))
        works(n)


def test_spcr(tmp_path):
    """Without the option, too, the port named by the firmware's table is used: COM2, 9600 baud."""
    with node(HELLO, ["hello"], memory=256, com=2, options="log=debug",
              extra=spcr(tmp_path, COM2, 3)) as n:
        n.expect(re.escape("console: port 2f8, 9600 baud"))
        works(n)


@only_on("qemu-svm", "nothing but the emulator's status tells the node's")
@pytest.mark.parametrize("port", ["none", "com3"])
def test_none(port):
    """The node runs without a console, or with a port that does not exist, and ends as configured."""
    conf = HELLO + "idle exit-with hello\n"
    with node(conf, ["hello"], memory=256, options=f"console={port}") as n:
        status, text = n.wait_end()
    assert (status, text) == (None, "") and n.child.exitstatus == PASSED, (text, n.child)
