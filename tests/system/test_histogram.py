# SPDX-License-Identifier: BSD-2-Clause
"""Histograms: each frame and each exit is in one, while guests run and others read."""

import pytest

from machine import TINY, node, only_on, passes, said, until

ROUNDS = 200
MAC = {"ping": "52:54:00:00:00:01", "echo": "52:54:00:00:00:02"}

pytestmark = only_on("qemu-svm", "what is shown is the same on each target")


def conf():
    lines = ["network default mode route", "histogram on"]
    words = {"ping": f'cmdline "peer={MAC["echo"]} n={ROUNDS}" autostart no', "echo": ""}
    for name, more in words.items():
        lines += [f"guest {name} kernel {name}.elf {TINY} {more}",
                  f"port {name} guest {name} mac {MAC[name]}",
                  f"route src any dst {MAC[name]} to port {name}"]
    return "\n".join(lines) + "\n"


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(conf(), ["ping", "echo"], cores=3, memory=256) as n:
        n.ready()
        until("the echo is there", lambda: "echo: ready" in said(n, "echo"))
        passes(n, "ping")
        yield n


def only(rows, **wanted):
    return [r for r in rows if all(r[k] == v for k, v in wanted.items())]


def check(row, buckets):
    """A row and its buckets say the same."""
    assert sum(b["count"] for b in buckets) == row["count"] > 0
    marks = [row[k] for k in ("p50", "p90", "p99", "p99.9", "max")]
    assert marks == sorted(marks) and buckets[-1]["from"] <= row["max"] <= row["sum"], row
    assert buckets[0]["from"] <= row["p50"] and row["sum"] <= row["max"] * row["count"]


def test_every_frame_by_port_and_route(n):
    """As many as were delivered, or as the route won; on the cores where they were moved."""
    found = n.show("histogram")
    ports = {p["port"]: p for p in n.show("ports")["ports"]}
    hits = {r["to"]: r["hits"] for r in n.show("routes")["routes"]}
    for name in MAC:
        for table, key in ("port", "port"), ("route", "to"):
            [row] = only(found[f"{table}_times"], **{key: name, "core": None})
            check(row, only(found[f"{table}_buckets"], **{key: name, "core": None}))
            wanted = ports[name]["out_frames"] if table == "port" else hits[name]
            assert row["count"] == wanted >= ROUNDS, row
    assert found["histogram"]["on"] and found["histogram"]["tsc_khz"] > 0


def test_every_exit_by_kind(n):
    """Of a guest that runs: as many of each kind as `show exits` has, with their time; a request of
    the monitor's own may come between the two answers."""
    found, exits = n.show("histogram echo"), n.show("exits echo")["exits"]
    assert not only(found["exit_times"], guest="ping")
    [all_of_them] = only(found["exit_times"], exit=None)
    check(all_of_them, only(found["exit_buckets"], exit=None))
    kinds = {r["exit"]: r for r in found["exit_times"] if r["exit"]}
    for kind, row in kinds.items():
        check(row, only(found["exit_buckets"], exit=kind))
    for e in exits:
        if e["exit"] == "kick":
            continue
        assert kinds[e["exit"]]["count"] == e["count"]
        assert kinds[e["exit"]]["sum"] >= e["ticks"], "to the entry, and that is later"
    assert all_of_them["count"] == sum(r["count"] for r in kinds.values())
    assert all_of_them["sum"] == sum(r["sum"] for r in kinds.values())


def test_text(n):
    lines = n.monitor("show histogram echo").splitlines()
    [heading] = [l for l in lines if l.startswith("port ")]
    assert heading.split()[2:] == ["count", "p50", "p90", "p99", "p99.9", "max", "sum"]
    assert "from" not in heading and not [l for l in lines if "bucket" in l]


def test_off_and_on(n):
    """The memory comes back, and a new life of the histograms begins at nothing."""
    while_on = n.show("memory")["memory"]["free"]
    n.monitor("histogram off")
    off = n.show("histogram")
    assert not off["histogram"]["on"] and n.show("memory")["memory"]["free"] > while_on
    assert not any(off[k] for k in off if k != "histogram")
    passes(n, "ping")
    assert not n.show("histogram")["port_times"]
    n.monitor("histogram on")
    assert not n.show("histogram")["port_times"]
    passes(n, "ping")
    [row] = only(n.show("histogram ping")["port_times"], core=None)
    assert row["count"] == ROUNDS
