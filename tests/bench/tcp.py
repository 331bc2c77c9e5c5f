# SPDX-License-Identifier: BSD-2-Clause
"""TCP bulk between two Linux guests, on both clocks, beside the peer: tcp.json."""

import clocks
from icount import by_reason, totals

AIM_INSN = 1_400_000  # count
PEER = ("kvm: Linux + KVM + vhost-net + bridge, the same guests in the same emulated machine; "
        f"priced: a MiB and {clocks.EXIT_CYCLES} for each exit (EXIT_CYCLES)")


def measure(experiment):
    """One row: the run of MIB, exits of twice as much with that run's taken off."""
    results, mib = experiment.results, experiment.conditions["mib"]
    probe, floor = results["tcp.short"], results["tcp.floor"]["tsc_per_mib"]
    found, exits = experiment.exits("tcp", mib)
    per_mib = probe["tsc_per_mib"]
    vmm = round(totals(found)[1]) if experiment.patio and exits >= 1 else None
    return {"clock": experiment.clock.name, "unit": experiment.clock.unit,
            "system": experiment.system, "mode": experiment.mode, "per_mib": per_mib,
            "bytes_per_1000": round((1 << 20) * 1000 / per_mib, 2),
            "floor_per_mib": floor, "above_floor": per_mib - floor,
            "exits_per_mib": round(exits, 2), "exit_cycles": clocks.EXIT_CYCLES,
            "priced": clocks.priced(per_mib, exits), "vmm_per_mib": vmm, "mib": mib,
            "write_bytes": probe["buf"], "by_reason": by_reason(found),
            "conditions": experiment.conditions}


def judge(row):
    if row["clock"] != "count" or row["system"] != "patio":
        return []
    return [("per_mib", row["per_mib"], AIM_INSN, row["per_mib"] <= AIM_INSN)]


def where(row):
    """Where a MiB's instructions, or its time, go."""
    floor, above, vmm = row["floor_per_mib"], row["above_floor"], row["vmm_per_mib"]
    first = f"{floor} the guests' own TCP (loopback)"
    if row["clock"] == "critical":
        return (f"{first}; {row['per_mib']} with the sender and the receiver each on a CPU of its "
                "own, which loopback is not")
    if row["system"] != "patio":
        return f"{first}, {above} KVM, vhost, bridge, drivers, interrupts and idling"
    if row["mode"] != "kick":
        return (f"{first}, {above} the switch on the polling core, its waiting, drivers, interrupts "
                "and idling")
    return (f"{first}, {vmm} the VMM (its copy included), {above - vmm} drivers, interrupts, idling")


def notes(_row):
    return None


def run(experiments):
    """All rows."""
    return [measure(experiment) for experiment in experiments.all()]


LABEL = ("system", "mode")
COLUMNS = ("system", "mode", "per_mib", "floor_per_mib", "exits_per_mib", "vmm_per_mib", "priced")
