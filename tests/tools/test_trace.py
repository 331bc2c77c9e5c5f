# SPDX-License-Identifier: BSD-2-Clause
"""patio-trace, given a window that was made here: which records become which frames, what it says of
those that are lost, and that nothing which a guest wrote into its ring leads it astray."""

import json
import os
import struct
import subprocess

import pytest

from patio.hardware import BUILD

PAGE, MAGIC, RING_MAGIC = 4096, 0x574F444E49574150, 0x31474E4952435254
HEADER, PART, PORT = struct.Struct("<QIIQQQI20x"), struct.Struct("<IIQQ32s"), struct.Struct("<32sII")
RING, RECORD = struct.Struct("<QIHHQQ32x"), struct.Struct("<QIHBBQQ")
TRACE, PORTS, STAMPS = 0, 1, 3
KICK, TAKEN, LOOKED_UP, COPIED, RAISED, RETURNED, GUEST_TAKEN, NIC_GIVEN, NIC_TAKEN, GUEST_GIVEN = range(10)
A, B = 0x0A0000005452, 0x0B0000005452
AT = 16 * PAGE  # of the window in the memory


def walk(start, number, source, to, frames, *, out=None, first=0, chains=None, entry=None):
    """The records of one walk, a tick apart: frames as (source MAC, destination MAC, TX position)."""
    some = (1 << len(frames)) - 1
    out = to if out is None else out
    steps = [(KICK, source, 0, 0, 0)]
    steps += [(TAKEN, source, i, src | tx << 48, dst | 64 << 48)
              for i, (src, dst, tx) in enumerate(frames)]
    steps += [(LOOKED_UP, source, 0, some, source if entry is None else entry),
              (COPIED, out, 0, first | (chains or len(frames)) << 32, len(frames)),
              (RAISED, to, 0, some, len(frames)), (RETURNED, source, 0, some, 0)]
    return [(start + i, number, port, step, frame, a, b)
            for i, (step, port, frame, a, b) in enumerate(steps)]


def ring(records, owner=0, room=64, written=None, claimed=None):
    slots = [bytes(RECORD.size)] * room
    for i, r in enumerate(records):
        slots[i % room] = RECORD.pack(*r)
    written = len(records) if written is None else written
    return RING.pack(RING_MAGIC, claimed or room, owner, 0, written, 1) + b"".join(slots)


def memory(tmp_path, rings, ports, self_at=AT, stamps=()):
    """A file that is a machine's memory with a window in it; rings of cores, and of guests."""
    table = b"".join(PORT.pack(name.encode(), guest, order) for name, guest, order in ports)
    parts, body, at = [], b"", PAGE
    for kind, owner, data in [(PORTS, 0, table), *((TRACE, owner, r) for owner, r in rings),
                              *((STAMPS, owner, r) for owner, r in stamps)]:
        data += bytes(-len(data) % PAGE)
        parts.append(PART.pack(kind, owner, at, len(data), b"part"))
        body += data
        at += len(data)
    head = HEADER.pack(MAGIC, 1, PAGE, at, 1_000_000, self_at, len(parts)) + b"".join(parts)
    path = tmp_path / "memory"
    path.write_bytes(bytes(AT) + head + bytes(PAGE - len(head)) + body + bytes(PAGE))
    return path


def ask(path, *words):
    return subprocess.run([os.path.join(BUILD, "patio-trace"), "--memory", path, *words],
                          capture_output=True, text=True, check=False)


def split(path):
    done = ask(path, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PAIR = [("alice", 1, 0), ("bob", 2, 0), ("uplink", 3, 0), ("link", 0, 0)]


def legs(group):
    return [(leg["from"], leg["to"]) for leg in group["legs"]]


def test_a_round_trip(tmp_path):
    """Each walk's records lie in its core's ring; the reply's points have a mark."""
    there = ring(walk(100, 1, 0, 1, [(A, B, 5)]))
    back = ring(walk(1000, 1, 1, 0, [(B, A, 9)]), 1)
    found = split(memory(tmp_path, [(0, there), (1, back)], PAIR))
    assert [(g["from"], g["to"], g["count"]) for g in found["frames"]] == [("alice", "bob", 1), ("bob", "alice", 1)]
    assert legs(found["frames"][0]) == [("kick", "taken"), ("taken", "looked_up"), ("looked_up", "copied"),
                                        ("copied", "raised")]
    [trip] = found["round_trips"]
    assert ("raised", "kick'") in legs(trip)
    assert trip["whole"] == {"from": "kick", "to": "raised'", "p50": 904, "p99": 904, "max": 904}
    assert (found["lost"], found["untied"]) == (0, 0)


def test_a_guest_with_a_nic(tmp_path):
    """The stamps of a guest are tied by port and position: of two frames each has its own."""
    core = ring(walk(100, 1, 0, 3, [(A, B, 5), (A, B, 6)], out=2, first=0xFFFF)
                + walk(5000, 2, 3, 0, [(B, A, 40)], entry=2))
    dom0 = [(200 + i, 0, 0, step, 0, at, 0) for i, (step, at) in enumerate(
        [(GUEST_TAKEN, 0xFFFF), (GUEST_TAKEN, 0), (NIC_GIVEN, 0xFFFF), (NIC_GIVEN, 0), (NIC_GIVEN, 77)])]
    dom0 += [(4000, 0, 0, NIC_TAKEN, 0, 40, 0), (4100, 0, 0, GUEST_GIVEN, 0, 40, 0)]
    found = split(memory(tmp_path, [(0, core)], PAIR, stamps=[(2, ring(dom0, 2))]))
    out, back = found["frames"]
    assert (out["from"], out["to"], out["count"]) == ("alice", "link", 2)
    assert legs(out)[-2:] == [("raised", "guest_taken"), ("guest_taken", "nic_given")]
    assert legs(back)[:2] == [("nic_taken", "guest_given"), ("guest_given", "kick")]
    assert back["legs"][0]["p50"] == 100
    assert found["untied"] == 1  # position 77
    [trip] = found["round_trips"]
    assert ("nic_given", "nic_taken'") in legs(trip)


def test_chains_that_hide_positions(tmp_path):
    """Two frames in three chains: which began where is not known, so no stamp is tied to either."""
    core = ring(walk(100, 1, 0, 2, [(A, B, 5), (A, B, 6)], chains=3))
    dom0 = ring([(200, 0, 0, GUEST_TAKEN, 0, 0, 0)], 2)
    found = split(memory(tmp_path, [(0, core)], PAIR, stamps=[(2, dom0)]))
    assert found["untied"] == 1
    assert legs(found["frames"][0])[-1] == ("copied", "raised")


def test_lost_records_are_counted(tmp_path):
    """What was overwritten is said, and half a walk is no frame."""
    records = [r for i in range(20) for r in walk(100 * i, i + 1, 0, 1, [(A, B, i)])]
    path = memory(tmp_path, [(0, ring(records))], PAIR)
    found = split(path)
    assert found["lost"] == len(records) - 63
    assert found["frames"][0]["count"] == 10  # of 63 records, six a walk
    assert f"{found['lost']} records lost" in ask(path).stdout


HOSTILE = {
    "a count far ahead": {"written": 2**64 - 1},
    "more records than there is room for": {"claimed": 2**31},
    "steps and positions that there are not": {},
}


@pytest.mark.parametrize("how", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_guest(tmp_path, how):
    """It spoils its own stamps; the frames of others are there."""
    wild = [(2**64 - 1 - i, 7, 0xFFFF, i, 0xFF, 2**64 - 1, 2**64 - 1) for i in range(60)]
    found = split(memory(tmp_path, [(0, ring(walk(100, 1, 0, 1, [(A, B, 5)])))], PAIR,
                         stamps=[(1, ring(wild, 1, **how))]))
    assert [g["count"] for g in found["frames"]] == [1]
    assert found["lost"] == 0 and (found["stamps_lost"] > 0) == ("written" in how)


def test_a_guest_that_plays_a_core(tmp_path):
    """Walks in a ring that a guest writes are none, whatever its header says."""
    mine = ring(walk(100, 1, 0, 1, [(A, B, 5)]))
    made_up = ring([r for i in range(5) for r in walk(1000 * i, i, 1, 0, [(B, A, i)])], 0)
    found = split(memory(tmp_path, [(0, mine)], PAIR, stamps=[(1, made_up)]))
    assert [(g["from"], g["count"]) for g in found["frames"]] == [("alice", 1)]


def test_a_guest_with_another_time(tmp_path):
    """A stamp that is earlier than what it follows is left out: no leg is below zero."""
    core = ring(walk(1000, 1, 0, 1, [(A, B, 5)]))
    stamps = ring([(2000, 0, 0, GUEST_TAKEN, 0, 0, 0), (1500, 0, 0, NIC_GIVEN, 0, 0, 0)], 1)
    [found] = split(memory(tmp_path, [(0, core)], PAIR, stamps=[(1, stamps)]))["frames"]
    assert ("raised", "guest_taken") in legs(found) and found["whole"]["max"] == 1000


def test_a_part_without_end(tmp_path):
    """Of a ring and of names that fill 200 GiB as much is read as there can be."""
    huge = 200 << 30
    head = HEADER.pack(MAGIC, 1, PAGE, huge, 1000, AT, 2)
    head += PART.pack(TRACE, 0, PAGE, huge - PAGE, b"ring") + PART.pack(PORTS, 0, PAGE, huge - PAGE, b"ports")
    path = tmp_path / "memory"
    path.write_bytes(bytes(AT) + head + bytes(PAGE - len(head)) + ring([]))
    os.truncate(path, AT + huge)
    done = subprocess.run([os.path.join(BUILD, "patio-trace"), "--memory", path, "--json"], timeout=60,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["frames"] == []


def test_names_that_a_guest_made_up(tmp_path):
    """No byte of a name commands the terminal, or ends a string."""
    core = ring(walk(100, 1, 0, 1, [(A, B, 5)]))
    path = memory(tmp_path, [(0, core)], [("a\x1b[2J", 1, 0), ('b"', 2, 0)])
    assert split(path)["frames"][0]["from"] == "a?[2J"
    assert "a?[2J > b?" in ask(path).stdout


def test_no_window(tmp_path):
    """A page that a guest wrote is none: it does not lie where it says."""
    path = memory(tmp_path, [], PAIR, self_at=AT + PAGE)
    done = ask(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no window" in done.stderr and done.stderr.startswith("patio-trace: ")
    assert ask(tmp_path / "nothing").returncode == 1
    assert ask(path, "--wrong").returncode == 2
    assert ask(path, "--help").returncode == 0


@pytest.mark.parametrize("hole,found", [(1 << 30, True), (2 << 30, True), (3 << 30, False)])
def test_a_window_above_4_gib(tmp_path, hole, found):
    """There an emulated machine's memory lies lower in its file, by the hole below 4 GiB."""
    at = (5 << 30) + AT
    small = memory(tmp_path, [(0, ring(walk(100, 1, 0, 1, [(A, B, 5)])))], PAIR, self_at=at)
    path = tmp_path / "large"
    with open(path, "wb") as f:
        f.seek(at - hole)
        f.write(small.read_bytes()[AT:])
        f.truncate(6 << 30)
    done = ask(path, "--json")
    assert (done.returncode == 0) == found and ('"count":1' in done.stdout) == found, done.stderr


def test_output_that_cannot_be_written(tmp_path):
    """Half an answer is a failure."""
    path = memory(tmp_path, [(0, ring(walk(100, 1, 0, 1, [(A, B, 5)])))], PAIR)
    for word in "--json", "--records":
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([os.path.join(BUILD, "patio-trace"), "--memory", path, word], stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1 and "patio-trace: No space left" in done.stderr


def test_two_windows(tmp_path):
    """A guest whose memory lies at the same address in the machine can make one up: then it is not
    known which is the node's, and nothing is said of either."""
    path = memory(tmp_path, [(0, ring(walk(100, 1, 0, 1, [(A, B, 5)])))], PAIR)
    assert split(path)["frames"]
    with open(path, "r+b") as f:
        f.seek(4 * PAGE)
        f.write(HEADER.pack(MAGIC, 1, PAGE, 2 * PAGE, 1000, 4 * PAGE, 0))
    done = ask(path)
    assert (done.returncode, done.stdout) == (1, "") and "several windows" in done.stderr
