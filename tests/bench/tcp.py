# SPDX-License-Identifier: BSD-2-Clause
"""TCP bulk between two Linux guests: tcp.json."""

from icount import BOB, by_reason, growth, netprobe, pair_conditions, totals

MIB = 16
AIM_INSN = 1_400_000
PEER = ("peer (Linux + KVM + vhost-net + bridge, same machine): 4.14 M instructions per MiB; "
        "floor 0.99 M")


def measure(node, mode):
    """One row: instructions of a run of MIB, exits of twice as much with that run's taken off."""
    probe, short = netprobe(node, f"tcp {BOB} 9 {MIB}")
    _, long = netprobe(node, f"tcp {BOB} 9 {2 * MIB}")
    found = growth(short, long, MIB)
    exits, insn = totals(found)
    floor = netprobe(node, f"tcp 127.0.0.1 9 {MIB}")[0]["tsc_per_mib"]
    return {"mode": mode, "insn_per_mib": probe["tsc_per_mib"],
            "exits_per_mib": round(exits, 2),
            "vmm_insn_per_mib": round(insn) if mode == "kick" else None,
            "floor_insn_per_mib": floor, "mib": MIB, "write_bytes": probe["buf"],
            "by_reason": by_reason(found), "conditions": pair_conditions(mode)}


def judge(row):
    return [("insn_per_mib", row["insn_per_mib"], AIM_INSN, row["insn_per_mib"] <= AIM_INSN)]


def where(row):
    """Where a MiB's instructions go."""
    floor, total = row["floor_insn_per_mib"], row["insn_per_mib"]
    if row["mode"] == "poll":
        return (f"{floor} the guests' own TCP (loopback), {total - floor} the switch on the "
                "polling core, its waiting, drivers, interrupts and idling")
    return (f"{floor} the guests' own TCP (loopback), {row['vmm_insn_per_mib']} the VMM (its copy "
            f"included), {total - floor - row['vmm_insn_per_mib']} drivers, interrupts, idling")


def run(nodes):
    """All rows; `nodes(mode)` gives the running pair."""
    return [measure(nodes(mode), mode) for mode in ("kick", "poll")]


LABEL = ("mode",)
COLUMNS = ("mode", "insn_per_mib", "exits_per_mib", "vmm_insn_per_mib", "floor_insn_per_mib")
