# SPDX-License-Identifier: BSD-2-Clause
"""What is between two guests' sockets, one way beside the other: memory.json.

Copies are bytes that the VMM copied for each byte that reached alice or bob by the switch; what a Linux
between them copies in its own memory is in its instructions.
"""

import channel
import clocks
import hops
import pair
from icount import by_reason, totals
from relayed import BRIDGE, HOPS, TCP_BRIDGE

UDP, TCP, SMC = "UDP", "TCP", "SMC"
BASE = "Dom0's bridge"
WAYS = (("user-level relay", UDP, "kick", HOPS), (BASE, UDP, "kick", BRIDGE),
        ("switch, kick", UDP, "kick", pair.EXPERIMENT), ("switch, poll", UDP, "poll", pair.EXPERIMENT),
        (BASE, TCP, "kick", TCP_BRIDGE), ("switch, kick", TCP, "kick", pair.TCP),
        ("ISM", SMC, "kick", pair.SMC))
SIZES = (64, 1400)
FRAMES = 2  # of a round trip, by the ends
PEER = f"priced: p50 and {clocks.EXIT_CYCLES} for each exit (EXIT_CYCLES)"
AIM_ISM, AIM_ISM_TO_BASE, AIM_BULK_TO_BASE = 22_000, 0.3, 0.333  # count: of the same over TCP


def measure(experiment, way, sockets, size):
    """One row, of the long runs with the short ones taken off."""
    results, name = experiment.results, f"trip.{size}"
    short, long = experiment.conditions["rounds"]
    found, exits = experiment.exits(name, long - short)
    copied, delivered = (b - a for a, b in zip(*(pair.bytes_of(results, f"{name}.{length}")
                                                 for length in ("short", "long"))))
    median, tcp = results[f"{name}.long"]["tsc"]["med"], results["tcp.short"]["tsc_per_mib"]
    return {"clock": experiment.clock.name, "unit": experiment.clock.unit, "way": way,
            "sockets": sockets, "size": size,
            "p50": median, "above_floor": median - results[f"floor.{size}"]["tsc"]["med"],
            "per_mib": tcp, "exits_per_rtt": round(exits, 3),
            "vmm_per_frame": round(totals(found)[1] / FRAMES) if exits >= 1 else None,
            "copies": round(copied / delivered, 2) if sockets != SMC else None,
            "priced": clocks.priced(median, exits),
            "by_reason": by_reason(found), "conditions": experiment.conditions}


def judge(row):
    """The aims of ISM, beside what a privileged domain relays of the same sockets; those of the group's
    channel, and of hops."""
    if row["clock"] is None:
        return hops.judge(row)
    if row["way"] == channel.WAY:
        return channel.judge(row)
    if row["sockets"] != SMC or row["clock"] != "count":
        return []
    out = [("p50_to_base", row["p50_to_base"], AIM_ISM_TO_BASE, row["p50_to_base"] <= AIM_ISM_TO_BASE),
           ("per_mib_to_base", row["per_mib_to_base"], AIM_BULK_TO_BASE,
            row["per_mib_to_base"] <= AIM_BULK_TO_BASE)]
    return out + ([("p50", row["p50"], AIM_ISM, row["p50"] <= AIM_ISM)] if row["size"] == 64 else [])


def where(_row):
    return None


def run(experiments):
    """All rows; the first ones of the switch are of the experiments of rtt and tcp."""
    rows = [measure(experiments.patio(clock, mode, script), way, sockets, size)
            for clock in clocks.chosen() for way, sockets, mode, script in WAYS for size in SIZES]
    base = {(r["clock"], r["size"]): r for r in rows if (r["way"], r["sockets"]) == (BASE, TCP)}
    for row in rows:
        if row["sockets"] == SMC:
            for name in "p50", "per_mib":
                row[f"{name}_to_base"] = round(row[name] / base[row["clock"], row["size"]][name], 3)
    rows += [channel.measure(experiments.patio(clock, "kick", channel.SCRIPT), size, channel.BULK)
             for clock in clocks.chosen() for size in SIZES]
    return sorted(rows, key=lambda row: list(clocks.CLOCKS).index(row["clock"])) + hops.run()


LABEL = ("way", "sockets", "size")
COLUMNS = ("way", "sockets", "size", "p50", "above_floor", "per_mib", "exits_per_rtt", "vmm_per_frame",
           "copies", "priced")
UNIT = ("hops, ring to ring, as host programs: ns and instructions of the VMM for a frame and hop, and how often a "
        "byte is copied (tests/bench/ringbench)")
WITHOUT_CLOCK = hops.COLUMNS
