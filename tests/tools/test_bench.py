# SPDX-License-Identifier: BSD-2-Clause
"""The benches' arithmetic, on results that were made up: clocks, prices, exits, verdicts, tables."""

import json
import os
import re
import subprocess
import threading

import pytest

import bench_tables
import channel
import clocks
import dom0
import experiments
import figures
import hops
import kvm_peer
import memory
import mpi
import pair
import repeat
import relayed
import rtt
import tcp
from experiments import EARLIER, Experiment, Experiments, keep, kept
from icount import inline
from patio.hardware import ROOT
from patio.node import NodeError

SHORT, LONG, MIB = 10, 30, 4
MEND = os.path.join(ROOT, "tests", "bench", "peer", "mend-qemu")


def patio_exits(io, ticks):
    return {"exits": [{"exit": "io", "count": io, "ticks": ticks},
                      {"exit": "io", "count": 0, "ticks": 0}]}


def kvm_exits(all_of_them, halts):
    return {"exits": all_of_them, "halt_exits": halts}


def made(clock, system, of_exits, trip=30000):
    """An experiment in which each round trip and each MiB has two exits of 500 ticks."""
    results, so_far = {}, 100
    for name, units in (("trip.64.short", SHORT), ("trip.64.long", LONG), ("floor.64", 0),
                        ("trip.1400.short", SHORT), ("trip.1400.long", LONG), ("floor.1400", 0),
                        ("tcp.short", MIB), ("tcp.long", 2 * MIB), ("tcp.floor", 0)):
        results[f"exits.{name}.before"] = of_exits(so_far, so_far * 500)
        so_far += 2 * units + 7  # what starts and ends it
        results[f"exits.{name}.after"] = of_exits(so_far, so_far * 500)
        results[name] = {"tsc_per_mib": 1000000 + trip, "buf": 65536} if "tcp" in name else {
            "lost": 0, "n": units, "tsc_samples": [trip] * units,
            "tsc": dict.fromkeys(("min", "mean", "med", "p90", "p99", "p999", "max"), 25000)}
    conditions = {"system": system, "rounds": [SHORT, LONG], "mib": MIB}
    return Experiment(clocks.CLOCKS[clock], "kick", results, conditions, system)


@pytest.mark.parametrize("clock", ["count", "critical"])
@pytest.mark.parametrize("system,of_exits", [("patio", patio_exits), ("kvm", kvm_exits)])
def test_a_row_of_round_trips(clock, system, of_exits):
    row = rtt.measure(made(clock, system, of_exits), 64)
    assert (row["clock"], row["unit"]) == (clock, clocks.CLOCKS[clock].unit)
    assert (row["p50"], row["p99.9"], row["floor_p50"], row["above_floor"]) == (30000, 30000, 25000, 5000)
    assert row["exits_per_rtt"] == 2
    assert row["priced"] == 30000 + 2 * clocks.EXIT_CYCLES
    assert row["vmm_per_rtt"] == (1000 if system == "patio" else None)
    assert row["samples"] == [30000] * LONG and row["late"]["count"] == 0


def ports(copied, delivered):
    """Alice's and bob's ports, with the traffic divided between them, and the relay's, whose bytes
    nobody counts as delivered."""
    return {"ports": [{"port": name, "copied": copied // 4, "out_bytes": delivered // 2}
                      for name in ("alice.0", "relay.0", "relay.1", "bob.0")]}


def test_copies_are_of_delivered_bytes():
    """What both runs have, before and in between, is taken off."""
    experiment = made("count", "patio", patio_exits)
    for name, copied, delivered in (("trip.64.short", 4000, 1000), ("trip.64.long", 12000, 5000)):
        experiment.results[f"ports.{name}.before"] = ports(400, 200)
        experiment.results[f"ports.{name}.after"] = ports(400 + copied, 200 + delivered)
    row = memory.measure(experiment, "some way", memory.UDP, 64)
    assert row["copies"] == 2.0 and row["exits_per_rtt"] == 2 and row["vmm_per_frame"] == 500


def test_a_relay_is_between_two_networks():
    text = pair.conf(clocks.COUNT, "kick", relayed.BRIDGE)
    for port in ("alice.0 guest alice mac 52:54:00:00:00:0a network left",
                 "bob.0 guest bob mac 52:54:00:00:00:0b network right",
                 "relay.0 guest relay mac 52:54:00:00:00:0c network left",
                 "relay.1 guest relay mac 52:54:00:00:00:0d network right"):
        assert f"port {port}\n" in text
    assert "network" not in pair.conf(clocks.COUNT, "kick")
    scripts = [relayed.BRIDGE, relayed.HOPS, relayed.TCP_BRIDGE, pair.EXPERIMENT, pair.TCP, pair.SMC]
    assert len({script.key() for script in scripts}) == len(scripts)


def test_streams_have_a_server_and_an_image():
    text = pair.conf(clocks.COUNT, "kick", pair.SMC)
    assert text.count(" initrd experiment-ism.cpio.gz ") == text.count(" ism bench ") == 2
    assert " run=smc-run+netprobe-dynamic+tcp-server+10" in text and "+smc-run\"" in text
    assert "ism bench" not in pair.conf(clocks.COUNT, "kick", pair.TCP)


def channel_experiment(clock="count", exits=0, copied=0, side=300):
    """Round trips of 64 bytes through a group's memory, of which the VMM sees so much more in the long run."""
    results = {"stream.64": {"tsc_per_mib": 4000}, "stream.65536": {"tsc_per_mib": 1000}}
    for length, n in (("short", SHORT), ("long", LONG)):
        name, more = f"trip.64.{length}", length == "long"
        results[name] = {"n": n, "tsc": {"med": 700}, "send": {"med": side}, "receive": {"med": 300}}
        for when, add in (("before", 0), ("after", 1)):
            results[f"exits.{name}.{when}"] = patio_exits(add * (7 + more * exits), 0)
            results[f"ports.{name}.{when}"] = ports(add * (400 + more * copied), 0)
    return Experiment(clocks.CLOCKS[clock], "kick", results, {"system": "patio"}, "patio")


def test_a_row_of_the_channel():
    units = LONG - SHORT
    row = channel.measure(channel_experiment(exits=units, copied=2 * units * 64), 64)
    assert (row["p50"], row["one_way"], row["send"], row["receive"]) == (700, 350, 300, 300)
    assert (row["per_mib"], row["exits_per_rtt"], row["copies"]) == (4000, 1, 1.0)
    assert channel.measure(channel_experiment(), 64, channel.BULK)["per_mib"] == 1000
    assert channel.measure(channel_experiment(exits=-1), 64)["exits_per_rtt"] == 0


def test_the_aims_of_the_channel():
    """No exits and no copies on any clock; instructions of each side where they are counted."""
    def missed(clock="count", **more):
        return {w for w, _, _, met in memory.judge(channel.measure(channel_experiment(clock, **more), 64)) if not met}

    assert missed() == set() and missed(side=400) == set()
    assert missed(side=401) == {"send"} and missed("critical", side=401) == set()
    assert missed(exits=1) == {"exits_per_rtt"} and missed("critical", copied=2000) == {"copies"}


def test_the_channel_has_a_group_and_a_server():
    text = pair.conf(clocks.COUNT, "kick", channel.SCRIPT)
    assert channel.MEMORY in text and text.count(" initrd channel-group.cpio.gz ") == 2
    assert "run=channel+serve" in text and f"+{'+'.join(map(str, channel.SIZES))}\"" in text


class ByDom0:
    """Experiments by two Dom0s, in which a frame has one exit at each crossing with kicks, and so many with
    the others."""

    def __init__(self, exits):
        self.exits = {name: 1.0 if name == "kick" else exits for name in dom0.MODES}

    def patio(self, clock, mode, script):
        assert (clock, mode) == (clocks.COUNT, "kick") and script in dom0.DOM0S.values()
        results = {}
        for name, each in self.exits.items():
            for length, n in zip(("short", "long"), dom0.ROUNDS):
                exits = 7 + round(n * dom0.CROSSINGS * each)
                results[f"{name}.{length}"] = {"tsc": {"med": 300000}}
                results[f"exits.{name}.{length}.before"] = patio_exits(50, 5000)
                results[f"exits.{name}.{length}.after"] = patio_exits(50 + exits, 5000 + 600 * exits)
        return Experiment(clock, mode, results, {"system": "patio"}, "patio")


@pytest.mark.parametrize("exits,met", [(0, True), (0.1, True), (0.105, False), (1.0, False)])
def test_the_aim_of_polling_for_dom0(exits, met):
    """A tenth of the exits with kicks, for each kind of Dom0 and each mode but that."""
    rows = dom0.run(ByDom0(exits))
    assert [(r["dom0"], r["mode"]) for r in rows] == [
        (kind, mode) for kind in ("tiny", "Linux") for mode in ("kick", "poll", "adaptive", "adaptive for 200us")]
    assert (rows[0]["exits_per_frame"], rows[0]["vmm_per_frame"], rows[0]["fewer"]) == (1, 600, "0.0 %")
    assert {r["exits_per_frame"] for r in rows if r["mode"] != "kick"} == {exits}
    assert [m for r in rows for _, _, aim, m in dom0.judge(r) if aim == 0.1] == [met] * 6


def test_two_dom0s_and_a_wire():
    """Each has an edge in a network of its own, and one end of the wire; one core is left for polling."""
    script = dom0.DOM0S["Linux"]
    text, cores = pair.conf(clocks.COUNT, "kick", script), pair.cores("kick", script)
    for side, slot in ("left", 3), ("right", 5):
        assert f"port uplink.{side} guest dom0.{side} edge network {side}\n" in text
        assert re.search(f"guest dom0.{side} .* pci 00:0{slot}.0 ", text)
    assert f"run=crossings+patio+{cores - 1}+" in text and text.count("guest ") - text.count(" guest ") == 4 == cores - 2
    assert [a.count("hubid=0") for a in dom0.wire()[1::4]] == [1, 1]


def mpi_results():
    """Of two sizes by both ways, after 1000 bytes by each of the switch and ISM."""
    results = {}
    for way, ticks, by_switch, by_ism in (("tcp", 4000, 5000, 0), ("smc", 1000, 10, 5000)):
        results[way] = {"sizes": [{"size": size, "latency_tsc": ticks, "message_tsc": ticks // 2} for size in (1, 4096)]}
        for n, when in enumerate(("before", "after")):
            results[f"ports.{way}.{when}"] = {"ports": [
                {"port": port, "in_bytes": 500 + n * by_switch // 2} for port in ("alice.0", "bob.0")]}
            results[f"ism.{way}.{when}"] = {"ism": [
                {"guest": guest, "bytes": 500 + n * by_ism // 2} for guest in ("alice", "bob")]}
    return results


def test_mpi_by_both_ways(monkeypatch, tmp_path):
    """A row for each size, whose table is on a page of its own; nothing on the clock that counts waiting."""
    rows = mpi.measure(Experiment(clocks.CRITICAL, "kick", mpi_results(), {"system": "patio"}, "Patio"))
    assert [(r["size"], r["tcp"], r["smc"], r["smc_to_tcp"]) for r in rows] == [(n, 4000, 1000, 0.25) for n in (1, 4096)]
    assert (rows[1]["tcp_bytes"], rows[1]["smc_bytes"]) == (2048.0, 8192.0)
    assert (rows[0]["tcp_moved"], rows[0]["smc_moved"]) == ({"switch": 5000, "ism": 0}, {"switch": 10, "ism": 5000})
    monkeypatch.setenv("CLOCK", "count")
    assert mpi.run(None) == []
    monkeypatch.setattr(figures, "ROOT", str(tmp_path))
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / mpi.PAGE
    frame = ("<!-- mpi: make bench BENCH=mpi WRITE=1 -->", "<!-- end of mpi -->")
    page.write_text("\n".join(("before", *frame, "behind")))
    bench_tables.page(mpi, "mpi", rows)
    text = page.read_text()
    assert "| 4 096 | 4 000 | 1 000 | 0.25 | 2048.0 | 8192.0 |" in text
    assert text.startswith(f"before\n{frame[0]}\n") and text.endswith(f"{frame[1]}\nbehind")


def test_mpi_has_an_agent_at_bob():
    text = pair.conf(clocks.CRITICAL, "kick", mpi.SCRIPT)
    assert text.count(" initrd mpi-mpi.cpio.gz ") == text.count(" ism bench ") == 2
    assert " run=mpi-agent\"" in text and f" run=mpi+patio+{mpi.LARGEST}+{mpi.ROUNDS}\"" in text


def hop_rows(insn, copies=0, ns=50):
    """What ringbench found: hops of a group at both sizes, and chains of that kind."""
    def found(dut, size, each):
        return {"dut": dut, "size": size, "ports": 2, "macs": 16, "routes": None, "batch": 32, "ns_per_frame": ns,
                "insn_per_frame": each, "copies_per_frame": copies, "conditions": ""}

    return [*(found("group-route", size, insn) for size in (64, 1514)), found("group-chain1", 64, 1000),
            found("group-chain5", 64, 6 * insn), found("deb", 64, 900), found("patio", 64, 800)]


def test_rows_of_hops(tmp_path, monkeypatch):
    monkeypatch.setattr(clocks, "folder", lambda: str(tmp_path))
    monkeypatch.setattr(hops.subprocess, "run", lambda *_, **__: None)
    (tmp_path / "hops.json").write_text(json.dumps(hop_rows(150)[:4]))
    assert [r["way"] for r in hops.run()] == ["group, route", "group, route", "group, chain of 1", "group, chain of 5"]
    (tmp_path / "ring.json").write_text(json.dumps(hop_rows(150)))
    rows = hops.run()
    assert rows[-1]["way"] == hops.PEERS["deb"] and len(rows) == 5  # of the bench ring, the peer only
    assert [(r["hops"], r["insn"]) for r in rows[2:4]] == [(2, 500), (6, 150)]


@pytest.mark.parametrize("more,missed", [
    ({}, set()), ({"insn": 151}, {"insn"}), ({"ns": 61}, {"ns"}), ({"copies": 1}, {"copies"}),
    ({"insn": 551}, {"insn", "five_to_one_insn"})])
def test_the_aims_of_hops(more, missed):
    found = hop_rows(**{"insn": 150, **more})
    verdicts = [v for r in hops.of_group(found) + hops.of_chains(found) for v in memory.judge(r)]
    assert {what for what, _, _, met in verdicts if not met} == missed
    assert {v[0] for v in verdicts} == {"ns", "insn", "insn_to_short", "copies", *hops.FIVE}


def test_five_hops_are_compared_in_time_too():
    found = hop_rows(150)
    found[3]["ns_per_frame"] = 166  # five of its six hops are 138.3, and a hop of the short chain is 25
    assert [what for r in hops.of_chains(found) for what, _, _, met in hops.judge(r) if not met] == ["five_to_one_ns"]


def test_a_hop_is_flat_in_frame_size():
    found = hop_rows(100)
    found[1]["insn_per_frame"] = 102
    assert [what for r in hops.of_group(found) for what, _, _, met in hops.judge(r) if not met] == ["insn_to_short"]


def test_rows_without_a_clock_have_a_table_of_their_own(capsys):
    rows = [channel.measure(channel_experiment(), 64), *hops.of_group(hop_rows(150))]
    bench_tables.table(memory, "memory", rows)
    text = capsys.readouterr().out
    assert text.count("memory: ") == 2 and "met    group, route 64: insn 150" in text
    assert "met    group channel 64: send 300" in text and "one_way" not in text


def test_the_aims_of_each_clock():
    def verdicts(clock, trip):
        return {what: met for what, _, _, met in
                rtt.judge(rtt.measure(made(clock, "patio", patio_exits, trip), 64))}

    assert verdicts("critical", 29000) == {"above_floor": True, "exits_per_rtt": True}
    assert verdicts("critical", 29001) == {"above_floor": False, "exits_per_rtt": True}
    assert verdicts("count", 30500) == {"p50": True, "exits_per_rtt": True}
    assert verdicts("count", 30501) == {"p50": False, "exits_per_rtt": True}
    assert rtt.judge(rtt.measure(made("critical", "kvm", kvm_exits), 64)) == []
    assert rtt.judge(rtt.measure(made("critical", "patio", patio_exits), 1400)) == []


def test_a_row_of_tcp():
    row = tcp.measure(made("count", "patio", patio_exits))
    assert (row["per_mib"], row["exits_per_mib"], row["vmm_per_mib"]) == (1030000, 2, 1000)
    assert row["priced"] == 1030000 + 2 * clocks.EXIT_CYCLES


def test_where_adds_up():
    """What the parts of a `where` are together is the median."""
    row = rtt.measure(made("critical", "patio", patio_exits), 64)
    parts = [int(word) for word in rtt.where(row).replace(",", " ").split() if word.isdigit()]
    assert sum(parts) == row["p50"]


def test_no_table_has_both_clocks(capsys):
    rows = [rtt.measure(made(clock, "patio", patio_exits), 64) for clock in clocks.CLOCKS]
    assert [(clock.name, len(part)) for clock, part in bench_tables.by_clock(rows)] == [
        ("count", 1), ("critical", 1)]
    bench_tables.table(rtt, "rtt", rows)
    text = capsys.readouterr().out
    assert text.count("rtt: clock ") == 2 and text.count("p99.9") == 2
    assert f"{clocks.EXIT_CYCLES} for each exit" in text


def test_the_peer_of_an_earlier_run(tmp_path, monkeypatch):
    monkeypatch.setattr(clocks, "folder", lambda: str(tmp_path))
    monkeypatch.delenv("PEER", raising=False)
    clock = clocks.CRITICAL
    assert Experiments().peer(clock, "kick") is None
    first = made("critical", "kvm", kvm_exits)
    keep(kept(clock, "kick"), first.results, first.conditions)
    again = Experiments().peer(clock, "kick")
    assert again.system == EARLIER
    assert rtt.measure(again, 64)["p50"] == 30000
    assert Experiments().peer(clocks.COUNT, "poll") is None


def test_experiments_side_by_side(tmp_path, monkeypatch):
    """Each is made once, in a thread of its own; the peer stands beside Patio, whoever ends first."""
    begun = threading.Barrier(2)

    def run(system):
        def measure(clock, mode, _script):
            begun.wait(60)
            return {"mode": mode}, {"system": system}
        return measure

    monkeypatch.setattr(clocks, "folder", lambda: str(tmp_path))
    monkeypatch.setenv("PEER", "1")
    monkeypatch.setattr(experiments, "AT_ONCE", 2)
    monkeypatch.setattr(pair, "MOVE", {"kick": "", "poll": ""})  # two by two
    monkeypatch.setattr(pair, "run", run("patio"))
    monkeypatch.setattr(kvm_peer, "run", run("kvm"))
    monkeypatch.setenv("CLOCK", "critical")
    some = Experiments()
    assert [(e.mode, e.system) for e in some.all()] == [
        ("kick", "patio"), ("kick", "kvm"), ("poll", "patio"), ("poll", "kvm")]
    assert len(list(some.all())) == 4 and begun.n_waiting == 0


def test_samples_are_on_one_line():
    value = {"samples": [1, 22, 333], "names": ["a", "b"], "late": [{"index": 1}], "empty": []}
    text = inline(json.dumps(value, indent=1))
    assert json.loads(text) == value
    assert '"samples": [1,22,333]' in text


def test_an_experiment_that_failed():
    good = '@@r trip.64.long {"n":1}\r\n@@r tcp {"n":2}\r\n'
    assert pair.results(good) == {"trip.64.long": {"n": 1}, "tcp": {"n": 2}}
    for text in ("", good + "experiment: tcp.short: nobody\r\n",
                 good + '@@r trip.1400.long {"kind":"udp","error":"recv"}\r\n',
                 '@@r trip.64.long {"n":1\r\n', '@@r trip.64.long {"n":1,"samples":[1,}\r\n'):
        with pytest.raises(NodeError):
            pair.results(text)


def test_what_differs_between_two_runs():
    one = {"a": {"x": [1, 2, 3]}, "b": 5}
    assert repeat.compare(one, {"a": {"x": [1, 2, 3]}, "b": 5}) == (4, [])
    assert repeat.compare(one, {"a": {"x": [1, 9, 3]}, "b": 5}) == (4, ["/a/x/1"])
    assert repeat.compare(one, {"a": {"x": [1, 2]}, "c": 5}) == (5, ["/a/x/2", "/b", "/c"])


def test_the_peer_polls_where_there_are_cpus():
    assert kvm_peer.modes(clocks.COUNT) == ["kick"]
    assert kvm_peer.modes(clocks.CRITICAL) == ["kick", "poll"]
    for clock in clocks.CLOCKS.values():
        for mode in kvm_peer.modes(clock):
            lines = kvm_peer.lines(clock, mode)
            assert pair.line("alice", "", pair.run_words("kvm", clock)).split()[:3] == \
                pair.LINE.split()[:3]
            assert set(lines["bob"].split()) >= set(pair.LINE.split())
            assert ("idle=poll" in lines["bob"]) == (mode == "poll")


CALL = bytes.fromhex("48c783 10010000 ffffffff f605 00000000 02 0f85 00000000"
                     "ba01000000 4889df e8".replace(" ", ""))
STORE = {6: bytes.fromhex("89b310d7ffff"), 7: bytes.fromhex("4489a310d7ffff")}


@pytest.mark.parametrize("length", STORE)
def test_mending_takes_one_store_out(tmp_path, length):
    before, out = b"\x90" * 20 + STORE[length] + b"\x90" * 9 + CALL + b"\x90" * 20, tmp_path / "out"
    (tmp_path / "in").write_bytes(before)
    subprocess.run([MEND, str(tmp_path / "in"), str(out)], check=True)
    after = out.read_bytes()
    assert len(after) == len(before)
    assert {i for i in range(len(before)) if before[i] != after[i]} <= set(range(20, 20 + length))
    assert after[20] in (0x66, 0x0f) and out.stat().st_mode & 0o111


@pytest.mark.parametrize("code", [b"\x90" * 100, b"\x90" * 100 + CALL,
                                  (STORE[6] + CALL + b"\x90" * 200) * 2])
def test_an_unknown_qemu_is_left_alone(tmp_path, code):
    (tmp_path / "in").write_bytes(code)
    done = subprocess.run([MEND, str(tmp_path / "in"), str(tmp_path / "out")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "not one" in done.stderr
    assert not (tmp_path / "out").exists()
