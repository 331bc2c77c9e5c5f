# SPDX-License-Identifier: BSD-2-Clause
"""The VNET/P paper's table, between two emulated machines: paths.json.

Each way (path_ends.py) has a pair of machines of its own; all of them are up, and idle but for the
one that is measured.  Repeat r of all rows is made before repeat r + 1 of any, so that whatever
else the machine does falls on all of them alike; a ratio is to native's figure of the same repeat.

Times are the emulator's, not a machine's: an exit costs it the refilling of its translation caches,
and the wire is a socket.  Beside them is the processor time that both emulators took, which waits
for nobody, and instructions, counted on one machine (path_counts.py).
"""

import json
import os
import statistics
import time

from icount import conditions, growth, totals
import path_counts
from patio.hardware import BUILD
from patio.node import NodeError
from path_ends import ADDRESSES, CPU, LINE, ROWS, THREADS, Pair

QUICK = os.environ.get("QUICK") == "1"
REPEATS = 3 if QUICK else 9
BUDGET = 120 if QUICK else 360  # seconds: no repeat begins after so long, but LEAST are made
LEAST = 3
ROUNDS, WARM, SIZE = 300, 20, 64  # of a round trip's probe; bytes
TCP_MIB = 4
DATAGRAMS, DATAGRAM = 2000, 1400  # of the UDP probe; bytes, which fit the smallest MTU
EXIT_ROUNDS = (200, 800)
FRAMES = 2  # of a round trip; each passes through both nodes
PAPER = {"native": 1.00, "passthrough": 1.29, "direct": 2.16, "vxlan": 2.29, "udp": 2.29}
AIMS = {"direct": 1.5, "vxlan": 1.6, "udp": 1.6}
MIB = 1 << 20
PEER = "the paper's ratios: " + ", ".join(f"{k} {v}" for k, v in PAPER.items())
UNIT = "wall times of emulated machines on a shared machine, medians of interleaved repeats"


def probe(end, words):
    """A probe in one Linux against the other: its result.  The output stays off the console."""
    found = json.loads(end.run(f"{words} >/tmp/probe; cat /tmp/probe"))
    if "error" in found:
        raise NodeError(f"{words}: {found}")
    return found


def round_trips(pair, rounds=ROUNDS):
    return probe(pair.ends[0], f"netprobe udp {ADDRESSES[1]} 7 {rounds} {WARM} {SIZE}")


def busy():
    """Seconds of processor time that this machine has spent on anything."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(f) for f in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")  # idle, iowait


def repeat(pair):
    """One repeat of a row: its figures by name."""
    start = [time.monotonic(), busy(), pair.cpu()]
    trip = round_trips(pair)
    seconds, all_cpu, own_cpu = (b - a for a, b in
                                 zip(start, [time.monotonic(), busy(), pair.cpu()]))
    bulk = probe(pair.ends[0], f"netprobe tcp {ADDRESSES[1]} 9 {TCP_MIB}")
    flood = probe(pair.ends[0], f"udpstream {ADDRESSES[1]} {DATAGRAMS} {DATAGRAM}")
    return {"rtt_min_us": trip["ns"]["min"] / 1e3, "rtt_us": trip["ns"]["med"] / 1e3,
            "rtt_p99_us": trip["ns"]["p99"] / 1e3, "lost": trip["lost"],
            "cpu_us": own_cpu / (ROUNDS + WARM) * 1e6,
            "others": max(0, all_cpu - own_cpu) / seconds,
            "tcp_mib_s": 1e9 / bulk["ns_per_mib"],
            "udp_mib_s": flood["received"] * DATAGRAM / MIB / (flood["ns"] / 1e9),
            "udp_lost": 1 - flood["received"] / flood["sent"]}


def snapshots(pair):
    """{reason: [exits, ticks of the VMM]} of both nodes together, since their start."""
    total = {}
    for end in pair.ends:
        for reason, counts in end.exits().items():
            total[reason] = [a + b for a, b in zip(total.get(reason, (0, 0)), counts)]
    return total


def exits(pair):
    """(exits, ticks of the VMMs) for a frame of a round trip, on both nodes together."""
    found = []
    for rounds in EXIT_ROUNDS:
        before = snapshots(pair)
        round_trips(pair, rounds)
        after = snapshots(pair)
        found.append({k: [a - b for a, b in zip(after[k], before.get(k, (0, 0)))] for k in after})
    return totals(growth(*found, (EXIT_ROUNDS[1] - EXIT_ROUNDS[0]) * FRAMES))


def measure(pairs):
    """{row: [its repeats]}."""
    found, start = {row: [] for row in pairs}, time.monotonic()
    for r in range(REPEATS):
        if r >= LEAST and time.monotonic() - start > BUDGET:
            break
        for row, pair in pairs.items():
            found[row].append(repeat(pair))
    return found


def spread(values):
    """The least and the greatest."""
    return [round(min(values), 2), round(max(values), 2)]


def median(values, digits=2):
    return round(statistics.median(values), digits)


def summary(row, repeats, native):
    """A row's figures, of its repeats and native's."""
    def column(name):
        return [r[name] for r in repeats]

    def ratios(name):
        return [r[name] / n[name] for r, n in zip(repeats, native)]

    return {"path": row, "paper_ratio": PAPER[row], "rtt_ratio": median(ratios("rtt_us")),
            "rtt_ratio_spread": spread(ratios("rtt_us")),
            "rtt_min_ratio": round(min(column("rtt_min_us")) /
                                   min(n["rtt_min_us"] for n in native), 2),
            "cpu_ratio": median(ratios("cpu_us")), "cpu_ratio_spread": spread(ratios("cpu_us")),
            "rtt_min_us": round(min(column("rtt_min_us"))),
            "rtt_us": median(column("rtt_us"), None),
            "rtt_p99_us": median(column("rtt_p99_us"), None),
            "cpu_us": median(column("cpu_us"), None),
            "tcp_mib_s": median(column("tcp_mib_s")), "tcp_ratio": median(ratios("tcp_mib_s")),
            "tcp_ratio_spread": spread(ratios("tcp_mib_s")),
            "udp_mib_s": median(column("udp_mib_s")), "udp_ratio": median(ratios("udp_mib_s")),
            "udp_ratio_spread": spread(ratios("udp_mib_s")),
            "udp_lost": median(column("udp_lost"), 3), "lost": sum(column("lost")),
            "others_cpus": median(column("others")), "repeats": repeats}


def machines(pair):
    """What a row was timed on."""
    with open(os.path.join(BUILD, "linux", "dom0-kernel", "version"), encoding="ascii") as file:
        kernel = file.read().strip()
    return conditions(kernel=kernel, cpu=CPU, threads=THREADS, icount=None, command_line=LINE,
                      nic="e1000 (82540EM), no moderation of interrupts",
                      wire="unix datagrams between the two emulators",
                      host_cpus=os.cpu_count(), load=os.getloadavg(), noise="shared machine: "
                      "wall times vary; others_cpus is what else it was doing, in CPUs",
                      round_trips=ROUNDS, bytes=SIZE, tcp_mib=TCP_MIB, datagrams=DATAGRAMS,
                      datagram_bytes=DATAGRAM, configuration=pair.ends[0].conf)


def timed():
    """All rows, as far as pairs of machines show them."""
    pairs = {}
    try:
        for row in ROWS:
            pairs[row] = Pair(row)
        for pair in pairs.values():
            pair.prepare()
            round_trips(pair)  # what happens once only is no part of any figure
        found = measure(pairs)
        rows = [summary(row, found[row], found["native"]) for row in ROWS]
        for row in rows:
            pair = pairs[row["path"]]
            row["conditions"] = machines(pair)
            if row["path"] != "native":
                count, ticks = exits(pair)
                row |= {"exits_per_frame": round(count, 2), "vmm_ticks_per_frame": round(ticks)}
        return rows
    finally:
        for pair in pairs.values():
            pair.close()


def run(_nodes):
    """All rows."""
    rows, counted = timed(), path_counts.run()
    native = {"native_insn": counted["native"]["rtt_insn"]}
    return [row | native | counted.get(row["path"], {}) for row in rows]


def judge(row):
    """[(what, figure, aim, met)]: each way to look at a round trip."""
    aim = AIMS.get(row["path"])
    return [(what, row[what], aim, row[what] <= aim)
            for what in ("rtt_ratio", "rtt_min_ratio", "cpu_ratio", "insn_ratio")] if aim else []


def where(row):
    """Where a round trip's instructions go."""
    if row["path"] not in AIMS:
        return None
    vmm = FRAMES * row["vmm_insn_per_frame"]
    rest = row["rtt_insn"] - row["native_insn"] - vmm
    return (f"{row['rtt_insn']} instructions: {row['native_insn']} as native's, {vmm} both VMMs, "
            f"{rest} Dom0s, virtio drivers, interrupts, idling")


LABEL = ("path",)
COLUMNS = ("path", "paper_ratio", "rtt_ratio", "rtt_ratio_spread", "rtt_min_ratio", "cpu_ratio",
           "rtt_min_us", "rtt_us", "rtt_p99_us", "cpu_us", "tcp_mib_s", "tcp_ratio", "udp_mib_s",
           "udp_ratio", "exits_per_frame",
           "vmm_ticks_per_frame", "vmm_insn_per_frame", "rtt_insn", "insn_ratio")
