# SPDX-License-Identifier: BSD-2-Clause
"""Round trips of messages by their size, 1 byte to 1 MiB over TCP: the curve that NetPIPE draws."""

import pair
from stats import summary

SIZES = tuple(1 << i for i in range(21))
PER = 1000  # ticks, of the rate
SCRIPT = pair.Script("curve", lambda clock: {
    "trips_small_large": [100, 20] if clock.name == "count" else [40, 8], "warm": 4})


def rate(size, ticks):
    """Bytes in PER ticks, one way: a message takes half of its round trip."""
    return round(size * PER / (ticks / 2), 2)


def measure(experiment, size):
    """One row."""
    probe, floor = (summary(experiment.results[f"{what}.{size}"]) for what in ("echo", "floor"))
    return {"clock": experiment.clock.name, "unit": experiment.clock.unit,
            "system": experiment.system, "mode": experiment.mode, "size": size,
            **{k: probe[k] for k in ("n", "min", "p50", "p90", "p99", "max")},
            "rate": rate(size, probe["p50"]), "floor_p50": floor["p50"],
            "floor_rate": rate(size, floor["p50"]), "above_floor": probe["p50"] - floor["p50"],
            "conditions": experiment.conditions}


def run(experiments):
    """All rows."""
    return [measure(experiment, size) for experiment in experiments.all(SCRIPT) for size in SIZES]
