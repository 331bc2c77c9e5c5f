# SPDX-License-Identifier: BSD-2-Clause
"""Messages between two members of a group through their memory, 1 byte to 1 MiB: channel.json.

Programs of alice and bob poll, and neither their kernels nor the VMM take part.  A latency is half of a round
trip, as those who plot MPI have it; `send` and `receive` are what either side executes for a message that is
there at once, of which a message longer than a segment has its last segment only.
"""

import clocks
import pair
from icount import by_reason

WAY = "group channel"
SIZES = (1, 4, 16, 64, 256, 1024, 1400, 4096, 16384, 65536, 262144, 1048576)
BULK = 65536  # bytes of a message where a MiB stands beside that of TCP, whose writes are as long
MEMORY = "group frames memory 16M members alice bob\n"
SCRIPT = pair.Script("channel", lambda clock: {
    "small": list(clock.rounds), "large": [n // 100 for n in clock.rounds], "warm": 20, "sizes": list(SIZES)},
    conf=MEMORY, image=pair.GROUP_IMAGE, server="channel+serve")
AIM_SIDE, AIM_SIZE = 400, 64  # count: instructions of each side, one way
PEER = "copies are the VMM's"


def measure(experiment, size, bulk=None):
    """One row; the MiB is of messages of `bulk` bytes, or of these."""
    results, name = experiment.results, f"trip.{size}"
    probe, units = results[f"{name}.long"], results[f"{name}.long"]["n"] - results[f"{name}.short"]["n"]
    found, exits = experiment.exits(name, units)
    copied, _ = (b - a for a, b in zip(*(pair.bytes_of(results, f"{name}.{length}")
                                         for length in ("short", "long"))))
    exits = max(exits, 0)  # those of vnetctl itself, which are in both runs, vary by one or two
    median = probe["tsc"]["med"]
    return {"clock": experiment.clock.name, "unit": experiment.clock.unit, "way": WAY, "sockets": None,
            "size": size, "p50": median, "one_way": median // 2, "send": probe["send"]["med"],
            "receive": probe["receive"]["med"],
            "per_mib": round(results[f"stream.{bulk or size}"]["tsc_per_mib"]),
            "exits_per_rtt": round(exits, 3), "copies": round(copied / (2 * units * size), 2),
            "priced": clocks.priced(median, exits), "by_reason": by_reason(found),
            "conditions": experiment.conditions}


def judge(row):
    """No exit and no copy of the VMM's at any size; what a short message costs each side."""
    out = [(what, row[what], 0, row[what] <= 0) for what in ("exits_per_rtt", "copies")]
    if row["clock"] == "count" and row["size"] == AIM_SIZE:
        out += [(side, row[side], AIM_SIDE, row[side] <= AIM_SIDE) for side in ("send", "receive")]
    return out


def where(_row):
    return None


def run(experiments):
    """All rows."""
    return [measure(experiments.patio(clock, "kick", SCRIPT), size)
            for clock in clocks.chosen() for size in SIZES]


LABEL = ("way", "size")
COLUMNS = ("size", "p50", "one_way", "send", "receive", "per_mib", "exits_per_rtt", "copies")
