# SPDX-License-Identifier: BSD-2-Clause
"""UDP round trips between two Linux guests, on both clocks, beside the peer: rtt.json."""

import clocks
from icount import by_reason, totals
from stats import distribution, late, summary, tail

SIZES = (64, 1400)
AIM_INSN = {"kick": 30500}  # count: the median
AIM_TICKS = {"kick": 4000, "poll": 3500}  # critical: the median above the loopback's
AIM_EXITS = {"kick": 2.1, "poll": 0, "adaptive": 0}
AIM_TO_POLL = 1.1  # of adaptive's round trip to poll's
FRAMES = 2  # of a round trip
EXITS_SLACK = 0.005  # a poll aim of none: a timer's or the like may fall into the measured time
PEER = ("kvm: Linux + KVM + vhost-net + bridge, the same guests in the same emulated machine; "
        f"priced: p50 and {clocks.EXIT_CYCLES} for each exit (EXIT_CYCLES)")


def measure(experiment, size):
    """One row: the long run's distribution, and its exits with the short run's taken off."""
    results, name = experiment.results, f"trip.{size}"
    probe, (short, long) = results[f"{name}.long"], experiment.conditions["rounds"]
    samples, below = probe["tsc_samples"], summary(results[f"floor.{size}"])
    found, exits = experiment.exits(name, long - short)
    shape = distribution(samples)
    vmm = round(totals(found)[1]) if experiment.patio and exits >= 1 else None
    return {"clock": experiment.clock.name, "unit": experiment.clock.unit,
            "system": experiment.system, "mode": experiment.mode, "size": size, **shape,
            "floor_p50": below["p50"], "above_floor": shape["p50"] - below["p50"],
            "exits_per_rtt": round(exits, 3), "exits_per_frame": round(exits / FRAMES, 3),
            "exit_cycles": clocks.EXIT_CYCLES, "priced": clocks.priced(shape["p50"], exits), "vmm_per_rtt": vmm,
            "lost": probe["lost"], "by_reason": by_reason(found), "floor": below,
            "late": late(samples), "samples": samples,
            "conditions": experiment.conditions}


def judge(row):
    """[(what, figure, aim, met)]: the aims are for 64 bytes, and for Patio."""
    if row["size"] != 64 or row["system"] != "patio":
        return []
    mode, out = row["mode"], []
    if row["clock"] == "count" and mode in AIM_INSN:
        out.append(("p50", row["p50"], AIM_INSN[mode], row["p50"] <= AIM_INSN[mode]))
    if row["clock"] == "critical" and mode in AIM_TICKS:
        out.append(("above_floor", row["above_floor"], AIM_TICKS[mode],
                    row["above_floor"] <= AIM_TICKS[mode]))
    out.append(("exits_per_rtt", row["exits_per_rtt"], AIM_EXITS[mode],
                row["exits_per_rtt"] <= AIM_EXITS[mode] + (0 if mode == "kick" else EXITS_SLACK)))
    if "to_poll" in row:
        out.append(("to_poll", row["to_poll"], AIM_TO_POLL, row["to_poll"] <= AIM_TO_POLL))
    return out


def where(row):
    """Where a round trip's instructions, or its time, go."""
    floor, above, vmm = row["floor_p50"], row["above_floor"], row["vmm_per_rtt"]
    first = f"{floor} guests' sockets and UDP (loopback)"
    if row["system"] != "patio":
        return f"{first}, {above} KVM, vhost, bridge, drivers, interrupts and idling"
    if row["clock"] == "count":
        if row["mode"] != "kick":
            return (f"{first}, {above} drivers, interrupts, idling and the polling core, whose "
                    "instructions all count while it waits")
        return f"{first}, {vmm} the VMM, {above - vmm} the guests' drivers, interrupts and idling"
    if row["mode"] != "kick":
        return (f"{first}, {above} virtio drivers on both sides, the polling core from the frame to "
                "the peer's interrupt, twice, and the interrupts")
    return (f"{first}, {vmm} the VMM in the senders' exits (lookup, copy, the peer's interrupt), "
            f"{above - vmm} virtio drivers on both sides, interrupts and waking up")


def notes(row):
    """The tail of a row: the late ones."""
    return tail(row["samples"])


def run(experiments):
    """All rows; those of mode adaptive say how far they are from mode poll."""
    rows = [measure(experiment, size) for experiment in experiments.all() for size in SIZES]
    poll = {(row["clock"], row["size"]): row["p50"] for row in rows
            if (row["system"], row["mode"]) == ("patio", "poll")}
    for row in rows:
        place = row["clock"], row["size"]
        if row["mode"] == "adaptive" and place in poll:
            row["to_poll"] = round(row["p50"] / poll[place], 3)
    return rows


LABEL = ("system", "mode", "size")
COLUMNS = ("system", "mode", "size", "p50", "p90", "p99", "p99.9", "max", "min", "mean", "floor_p50",
           "above_floor", "exits_per_rtt", "priced", "lost")
