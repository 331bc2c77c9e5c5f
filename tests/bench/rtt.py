# SPDX-License-Identifier: BSD-2-Clause
"""UDP round trips between two Linux guests: rtt.json."""

from icount import BOB, by_reason, growth, netprobe, pair_conditions, totals

SHORT, LONG, WARM = 2000, 6000, 200
AIM_INSN = {"kick": 30500}
AIM_EXITS = {"kick": 2.1, "poll": 0}
EXITS_SLACK = 0.005  # a poll aim of none: a timer's or the like may fall into the measured time
FRAMES = 2  # of a round trip
PEER = ("peer (Linux + KVM + vhost-net + bridge, same machine): 82219 instructions, 5.93 exits "
        "at 64 bytes")


def measure(node, mode, size):
    """One row: the long run's distribution, and its exits with the short run's taken off."""
    _, short = netprobe(node, f"udp {BOB} 7 {SHORT} {WARM} {size}")
    probe, long = netprobe(node, f"udp {BOB} 7 {LONG} {WARM} {size}")
    found = growth(short, long, LONG - SHORT)
    exits, insn = totals(found)
    floor = netprobe(node, f"udp 127.0.0.1 7 {SHORT} {WARM} {size}")[0]["tsc"]["med"]
    return {"mode": mode, "size": size, "rtt_insn_median": probe["tsc"]["med"],
            "rtt_insn_min": probe["tsc"]["min"], "exits_per_rtt": round(exits, 3),
            "vmm_insn_per_frame": round(insn / FRAMES) if mode == "kick" else None,
            "rtt_insn_p99": probe["tsc"]["p99"], "lost": probe["lost"],
            "floor_insn_median": floor, "by_reason": by_reason(found), "rounds": LONG,
            "conditions": pair_conditions(mode)}


def judge(row):
    """[(what, figure, aim, met)]: the aims are for 64 bytes."""
    if row["size"] != 64:
        return []
    mode, out = row["mode"], []
    if mode in AIM_INSN:
        out.append(("rtt_insn_median", row["rtt_insn_median"], AIM_INSN[mode],
                    row["rtt_insn_median"] <= AIM_INSN[mode]))
    out.append(("exits_per_rtt", row["exits_per_rtt"], AIM_EXITS[mode],
                row["exits_per_rtt"] <= AIM_EXITS[mode] + (EXITS_SLACK if mode == "poll" else 0)))
    return out


def where(row):
    """Where a round trip's instructions go."""
    floor, rtt = row["floor_insn_median"], row["rtt_insn_median"]
    if row["mode"] == "poll":
        return (f"{floor} guests' sockets and UDP (loopback), {rtt - floor} drivers, interrupts, "
                "idling and the polling core, whose instructions all count while it waits")
    vmm = FRAMES * row["vmm_insn_per_frame"]
    return (f"{floor} guests' sockets and UDP (loopback), {vmm} the VMM, "
            f"{rtt - floor - vmm} the guests' drivers, interrupts and idling")


def run(nodes):
    """All rows; `nodes(mode)` gives the running pair."""
    return [measure(nodes(mode), mode, size) for mode in ("kick", "poll") for size in (64, 1400)]


LABEL = ("mode", "size")
COLUMNS = ("mode", "size", "rtt_insn_median", "rtt_insn_min", "exits_per_rtt",
           "vmm_insn_per_frame", "floor_insn_median", "lost")
