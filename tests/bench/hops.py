# SPDX-License-Identifier: BSD-2-Clause
"""Hops, ring to ring, as host programs of tests/bench/ringbench measure them: rows of memory.json.

A hop takes a frame from one port to the next.  Members of a group hand its buffer over; a virtio device has
it copied.  A chain of n functions is n + 1 hops, whose flow the switch finds anew at each.
"""

import json
import os
import re
import subprocess

import clocks
from patio.hardware import ROOT

RUN = os.path.join(ROOT, "tests", "bench", "ringbench", "run")
AIM_NS, AIM_INSN, AIM_FLAT, AIM_FIVE = 60, 150, 1.01, 5.5
BATCH = 32  # of the aims
UNITS = ("ns", "insn")
FIVE = [f"five_to_one_{unit}" for unit in UNITS]
CHAIN = re.compile(r"(virtio|group)-chain(\d+)$")
# The peers' hop in the rows of the bench ring: a switch between vhost devices, of few addresses.
PEERS = {"deb": "DPDK's vhost, Debian's build, earlier run", "nat": "DPDK's vhost, built for this CPU, earlier run"}
PEER_ROW = {"ports": 2, "macs": 16, "batch": BATCH}


def row(found, way, hops=1):
    """One row out of one of ringbench's."""
    per_hop = {name: None if found[f"{name}_per_frame"] is None else round(found[f"{name}_per_frame"] / hops, 2)
               for name in ("ns", "insn", "copies")}
    return {"clock": None, "way": way, "size": found["size"], "batch": found["batch"], "hops": hops,
            **per_hop, "conditions": found["conditions"]}


def of_group(found):
    """The hops of a group."""
    rows = [row(f, f"group, {f['dut'].removeprefix('group-')}") for f in found
            if f["dut"].startswith("group-") and not CHAIN.match(f["dut"]) and f["batch"] == BATCH]
    short = {r["way"]: r["insn"] for r in rows if r["size"] == 64}
    for r in rows:
        r["insn_to_short"] = round(r["insn"] / short[r["way"]], 3)
    return rows


def of_chains(found):
    """Chains over both kinds of ports; the longest says what five of its hops are in hops of the shortest."""
    chains = [(CHAIN.match(f["dut"]), f) for f in found]
    rows = {(m[1], int(m[2]), f["size"]): row(f, f"{m[1]}, chain of {m[2]}", int(m[2]) + 1) for m, f in chains if m}
    for (kind, functions, size), r in rows.items():
        if functions == 5:
            for unit in UNITS:
                r[f"five_to_one_{unit}"] = round(5 * r[unit] / rows[kind, 1, size][unit], 2)
    return list(rows.values())


def of_peers(found):
    """The peers' hop, as the bench ring has measured it."""
    return [row(f, PEERS[f["dut"]]) for f in found
            if f["dut"] in PEERS and all(f[k] == v for k, v in PEER_ROW.items())]


def read(name):
    """The rows of a file of ringbench's; none where it was not measured."""
    path = os.path.join(clocks.folder(), f"{name}.json")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def judge(r):
    """[(what, figure, aim, met)] of a row."""
    out = []
    if "insn_to_short" in r:
        out = [(what, r[what], aim, r[what] <= aim) for what, aim in (
            ("ns", AIM_NS), ("insn", AIM_INSN), ("insn_to_short", AIM_FLAT), ("copies", 0))]
    out += [(what, r[what], AIM_FIVE, r[what] <= AIM_FIVE) for what in FIVE if what in r]
    return out


def run():
    """All rows; the peers' are of the last run of the bench ring."""
    subprocess.run([RUN, "hops"], check=True, stdout=subprocess.DEVNULL)
    found = read("hops")
    return of_group(found) + of_chains(found) + of_peers(read("ring"))


COLUMNS = ("way", "size", "batch", "hops", "ns", "insn", "copies")
