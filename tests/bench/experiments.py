# SPDX-License-Identifier: BSD-2-Clause
"""The experiments of a run of the benches: each is made once, whichever bench asks for it.

The peer takes minutes of CPU time, so it is measured with PEER=1 only.  What it measured last is kept in
build/bench/peer-CLOCK-MODE.json (peer-SCRIPT-CLOCK-MODE.json of another script than that of rtt and
tcp), with all that it was measured on, and shown as of an earlier run.

Several run side by side: no clock of theirs depends on how fast the machine is.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import clocks
from icount import growth, inline, totals
import kvm_peer
import pair

EARLIER = "kvm, earlier run"
AT_ONCE = int(os.environ.get("AT_ONCE", "2"))  # emulators, each of which keeps one core busy


class Experiment:
    """What one experiment found: `results` by name, `conditions`; `system` names it in tables."""

    def __init__(self, clock, mode, results, conditions, system):
        self.clock, self.mode, self.system = clock, mode, system
        self.results, self.conditions = results, conditions
        self.patio = conditions["system"] == "patio"

    def exits(self, name, units):
        """({reason: [exits, ticks of the VMM or None]}, exits in all) for each of the `units` that the
        long run of `name` had more than the short one."""
        if self.patio:
            found = growth(pair.exits(self.results, f"{name}.short"),
                           pair.exits(self.results, f"{name}.long"), units)
            return found, totals(found)[0]
        (short, few), (long, many) = (kvm_peer.exits(self.results, f"{name}.{length}")
                                      for length in ("short", "long"))
        found = {k: [(long[k] - short[k]) / units, None] for k in long if k != "exits"}
        return {k: v for k, v in found.items() if v[0]}, (many - few) / units


def kept(clock, mode, script=pair.EXPERIMENT):
    """The file with the peer's last results."""
    words = ["peer", *([] if script is pair.EXPERIMENT else [script.name]), clock.name, mode]
    return os.path.join(clocks.folder(), "-".join(words) + ".json")


def keep(path, results, conditions):
    """Writes an experiment."""
    text = json.dumps({"conditions": conditions, "results": results}, indent=1, sort_keys=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(inline(text) + "\n")


class Experiments:
    """Those that were made already, by clock, mode, system and script."""

    def __init__(self):
        self.made = {}

    def patio(self, clock, mode, script=pair.EXPERIMENT):
        """alice and bob on a node."""
        return self._once((clock.name, mode, "patio", script.key()), lambda: self._measure(
            "Patio", pair.run, clock, mode, script, "patio"))

    def peer(self, clock, mode, script=pair.EXPERIMENT):
        """Under KVM, in this run or the last one; None where there is neither."""
        if mode not in kvm_peer.modes(clock):
            return None
        return self._once((clock.name, mode, "kvm", script.key()), lambda: self._peer(clock, mode, script))

    def _once(self, key, make):
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def _peer(self, clock, mode, script):
        path = kept(clock, mode, script)
        if os.environ.get("PEER") == "1":
            made = self._measure("Linux and KVM", kvm_peer.run, clock, mode, script, "kvm")
            keep(path, made.results, made.conditions)
            return made
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            old = json.load(file)
        return Experiment(clock, mode, old["results"], old["conditions"], EARLIER)

    @staticmethod
    def _measure(what, run, clock, mode, script, system):
        print(f"({what}: {script.key()}, clock {clock.name}, {mode})", file=sys.stderr, flush=True)
        return Experiment(clock, mode, *run(clock, mode, script), system)

    def all(self, script=pair.EXPERIMENT):
        """Every experiment of the clocks that are wanted, the peer beside Patio."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = [pool.submit(one, clock, mode, script) for clock in clocks.chosen() for mode in pair.MOVE
                       for one in (self.patio, self.peer)]
        return [made for made in (future.result() for future in futures) if made]
