# SPDX-License-Identifier: BSD-2-Clause
"""Whether an experiment repeats: each is made twice, and all results compared, digit by digit: repeat.json.

What a clock promises is in its `repeats` (clocks.py).  The peer is compared with PEER=1 only.
"""

import os

import clocks
import kvm_peer
import pair

UNIT = "results of an experiment, samples included, that differ when it is made again"
PEER = "each round trip of the long runs is one of them"


def flat(value, path=""):
    """{path: figure} of nested results."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        return {path: value}
    return {k: v for key, part in parts for k, v in flat(part, f"{path}/{key}").items()}


def compare(first, second):
    """(how many figures, the paths of those that differ) of two results."""
    one, two = flat(first), flat(second)
    names = one.keys() | two.keys()
    return len(names), sorted(n for n in names if n not in one or n not in two or one[n] != two[n])


def row(experiment, again):
    """What the second time shows."""
    figures, differ = compare(experiment.results, again)
    return {"of": experiment.clock.name, "system": experiment.system, "mode": experiment.mode,
            "figures": figures, "differ": len(differ), "first": differ[:20],
            "promised": experiment.conditions["repeats"], "conditions": experiment.conditions}


def run(experiments):
    """All rows."""
    rows = []
    for clock in clocks.chosen():
        for mode in pair.MOVE:
            rows.append(row(experiments.patio(clock, mode), pair.run(clock, mode)[0]))
            if os.environ.get("PEER") == "1" and mode in kvm_peer.modes(clock):
                rows.append(row(experiments.peer(clock, mode), kvm_peer.run(clock, mode)[0]))
    return rows


def judge(found):
    """Patio's repeat whole."""
    if found["system"] != "patio":
        return []
    return [("differ", found["differ"], 0, found["differ"] == 0)]


def where(found):
    return ", ".join(found["first"][:5]) or None


LABEL = ("of", "system", "mode")
COLUMNS = ("of", "system", "mode", "figures", "differ")
