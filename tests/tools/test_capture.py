# SPDX-License-Identifier: BSD-2-Clause
"""patio-capture, given a window that was made here: when it ends, and with which status."""

import os
import struct
import subprocess

import pytest

from patio.hardware import BUILD
from test_trace import AT, HEADER, MAGIC, PAGE, PART

CAPTURE, CAPTURE_MAGIC, RING_BYTES = 2, 0x3153474E49524143, 4096
HEAD, MIRROR = struct.Struct("<QIIQQQ"), struct.Struct("<32s64sIIQ")
RING, RECORD = struct.Struct("<6Q80x"), struct.Struct("<IBBHQQQIIBBBB12x")
FRAME = bytes(range(64))
FRAME_KIND = 1


@pytest.fixture(name="memory")
def the_memory(tmp_path):
    """A file that is a machine's memory, with a mirror that has copied one frame."""
    record = RECORD.pack(RECORD.size + len(FRAME), FRAME_KIND, 1, 0, 0, 1000, 0, len(FRAME), len(FRAME), 0, 0, 1,
                         0) + FRAME
    ring = RING.pack(RING_BYTES, 0, len(record), 0, 0, 0) + record + bytes(RING_BYTES - len(record))
    mirrors = MIRROR.pack(b"all", b"network default", 2**32 - 1, 0, 1) + 7 * bytes(MIRROR.size)
    head = HEAD.pack(CAPTURE_MAGIC, 1, 0, len(ring), 1000, 0) + mirrors
    part = head + bytes(PAGE - len(head)) + ring
    size = -(-len(part) // PAGE) * PAGE
    top = HEADER.pack(MAGIC, 1, PAGE, PAGE + size, 1000, AT, 1) + PART.pack(CAPTURE, 0, PAGE, size, b"capture")
    path = tmp_path / "memory"
    path.write_bytes(bytes(AT) + top + bytes(PAGE - len(top)) + part + bytes(size - len(part)))
    return path


def start(memory, *words, **how):
    return subprocess.Popen([os.path.join(BUILD, "patio-capture"), "--memory", memory, *words],
                            stderr=subprocess.PIPE, **how)


def end(program):
    """(its status, what it said)"""
    said = program.communicate(timeout=60)[1]
    return program.returncode, said.decode()


def test_written(memory, tmp_path):
    """The frame is in the file."""
    path = tmp_path / "all.pcapng"
    assert end(start(memory, "--for", "0", "--write", path)) == (0, "patio-capture: 1 packets, 0 records lost\n")
    assert FRAME in path.read_bytes()


def test_a_file_that_takes_no_more(memory):
    """A stream that is not whole is a failure."""
    status, said = end(start(memory, "--for", "0", "--write", "/dev/full"))
    assert status == 1 and "/dev/full: No space left" in said


def test_a_reader_that_goes(memory):
    """A pipe whose reader has seen enough is not."""
    reader, writer = os.pipe()
    os.close(reader)
    program = start(memory, "--for", "0", stdout=writer)
    os.close(writer)
    assert end(program)[0] == 0


def test_a_mirror_that_is_removed(memory):
    """With `--mirror` it ends when that mirror does, also if another one takes its place."""
    assert end(start(memory, "--mirror", "none")) == (1, "patio-capture: none: no such mirror\n")
    program = start(memory, "--mirror", "all", stdout=subprocess.PIPE)
    assert program.stdout.read(4)  # it has begun
    with open(memory, "r+b") as f:
        f.seek(AT + PAGE + HEAD.size)
        f.write(b"new\0")
    assert end(program)[0] == 0
