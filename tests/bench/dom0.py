# SPDX-License-Identifier: BSD-2-Clause
"""What frames between guests and Dom0 cost in exits where a core polls, against kicks: dom0.json.

alice and bob are in networks of their own, each with a Dom0 whose NIC is at one end of a wire: a hub
inside the emulated machine.  Each frame goes from a guest to its Dom0, over the wire, and from the other
Dom0 to its guest: two crossings.  alice has one datagram under way at a time, in each mode as many as in
any other.  The aim is that of IVCOM: 90 % fewer exits than with kicks.  Once for the tiny Dom0 and once
for Linux with its bridge.
"""

import os

import clocks
import pair
from icount import by_reason, totals
from patio.linux_machine import INITRD, KERNEL
from patio.node import guest

SLOTS = {"left": 3, "right": 5}  # of the NICs
TINY = "memory 64M kernel dom0.elf"
LINUX = f"memory 256M kernel {os.path.basename(KERNEL)} initrd {os.path.basename(INITRD)}"
SIZE = 64
ROUNDS, WARM = (100, 300), 20  # QEMU's NIC keeps 128 us between interrupts, which polling cores spend
CROSSINGS = 4  # of a round trip
AIM_FEWER = 0.9  # of kick's exits
MODES = {"kick": "kick", "poll": "poll", "adaptive": "adaptive", "patient": "adaptive for 200us"}
REPEATS = {"patio": "the exits; not the times, because frames cross devices of the emulator"}
PEER = "exits of all guests; times have the waiting of QEMU's NICs in them"


def wire():
    """QEMU's arguments for the two NICs and the hub between them."""
    out = []
    for side, slot in enumerate(SLOTS.values()):
        out += ["-netdev", f"hubport,id=h{side},hubid=0", "-device",
                f"e1000e,netdev=h{side},addr={slot},mac=52:54:00:00:00:d{side + 1},romfile="]
    return out


def way(name, words, line, files, memory):
    """Round trips by way of two Dom0s of a kind; the last core is the one that may poll."""
    def conf(_clock):
        text = ""
        for side, slot in SLOTS.items():
            text += (f"guest dom0.{side} {words} pci 00:0{slot}.0 {line}\n"
                     f"port uplink.{side} guest dom0.{side} edge network {side}\n")
        return text

    by = pair.Way(name, conf, files, cores=3, memory=memory, machine={"machine": "q35", "nic": wire()})
    core = pair.CORES["kick"] + by.cores - 1
    return pair.Script("crossings", lambda clock: {"core": core, "rounds": list(ROUNDS), "warm": WARM, "size": SIZE},
                       way=by)


DOM0S = {
    "tiny": way("two tiny Dom0s", TINY, "", lambda: [guest("dom0")], 160),
    "Linux": way("two Linux Dom0s", LINUX, f'cmdline "console=hvc0 {pair.LINE} dom0=bridge"',
                 lambda: [KERNEL, INITRD], 544)}


def measure(experiment, dom0, name):
    """One row, of the long run with the short one taken off."""
    short, long = ROUNDS
    found, exits = experiment.exits(name, (long - short) * CROSSINGS)
    exits = max(exits, 0)  # those of vnetctl itself, which are in both runs, vary by one or two
    return {"clock": experiment.clock.name, "unit": experiment.clock.unit, "dom0": dom0,
            "mode": MODES[name], "size": SIZE,
            "p50": experiment.results[f"{name}.long"]["tsc"]["med"],
            "exits_per_frame": round(exits, 3), "vmm_per_frame": round(totals(found)[1]) if exits >= 0.5 else None,
            "by_reason": by_reason(found), "conditions": experiment.conditions | {"repeats": REPEATS["patio"]}}


def judge(row):
    if row["mode"] == "kick":
        return []
    aim = round(row["kick"] * (1 - AIM_FEWER), 3)
    return [("exits_per_frame", row["exits_per_frame"], aim, row["exits_per_frame"] <= aim)]


def where(_row):
    return None


def run(experiments):
    """All rows, on the clock that counts."""
    rows = []
    for dom0, script in DOM0S.items():
        made = experiments.patio(clocks.COUNT, "kick", script)
        rows += [measure(made, dom0, name) for name in MODES]
    kicks = {row["dom0"]: row["exits_per_frame"] for row in rows if row["mode"] == "kick"}
    for row in rows:
        row["kick"] = kicks[row["dom0"]]
        row["fewer"] = f"{100 * (1 - row['exits_per_frame'] / row['kick']):.1f} %"
    return rows


LABEL = ("dom0", "mode")
COLUMNS = ("dom0", "mode", "p50", "exits_per_frame", "fewer", "vmm_per_frame")
