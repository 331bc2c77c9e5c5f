# SPDX-License-Identifier: BSD-2-Clause
"""What is between two guests' sockets, one way beside the other: memory.json.

Copies are bytes that the VMM copied for each byte that reached alice or bob; what a Linux between them
copies in its own memory is in its instructions.
"""

import clocks
import pair
from icount import by_reason, totals
from relayed import BRIDGE, HOPS

WAYS = (("user-level relay", "kick", HOPS), ("Dom0's bridge", "kick", BRIDGE),
        ("switch, kick", "kick", pair.EXPERIMENT), ("switch, poll", "poll", pair.EXPERIMENT))
SIZES = (64, 1400)
FRAMES = 2  # of a round trip, by the ends
PEER = f"priced: p50 and {clocks.EXIT_CYCLES} for each exit (EXIT_CYCLES)"


def measure(experiment, way, size):
    """One row, of the long runs with the short ones taken off."""
    results, name = experiment.results, f"udp.{size}"
    short, long = experiment.conditions["rounds"]
    found, exits = experiment.exits(name, long - short)
    copied, delivered = (b - a for a, b in zip(*(pair.bytes_of(results, f"{name}.{length}")
                                                 for length in ("short", "long"))))
    median, tcp = results[f"{name}.long"]["tsc"]["med"], results["tcp.short"]["tsc_per_mib"]
    return {"clock": experiment.clock.name, "unit": experiment.clock.unit, "way": way, "size": size,
            "p50": median, "above_floor": median - results[f"floor.{size}"]["tsc"]["med"],
            "per_mib": tcp, "exits_per_rtt": round(exits, 3),
            "vmm_per_frame": round(totals(found)[1] / FRAMES) if exits >= 1 else None,
            "copies": round(copied / delivered, 2), "priced": clocks.priced(median, exits),
            "by_reason": by_reason(found), "conditions": experiment.conditions}


def judge(_row):
    return []


def where(_row):
    return None


def run(experiments):
    """All rows; those of the switch are of the experiments of rtt and tcp."""
    return [measure(experiments.patio(clock, mode, script), way, size)
            for clock in clocks.chosen() for way, mode, script in WAYS for size in SIZES]


LABEL = ("way", "size")
COLUMNS = ("way", "size", "p50", "above_floor", "per_mib", "exits_per_rtt", "vmm_per_frame", "copies",
           "priced")
