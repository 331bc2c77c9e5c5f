# SPDX-License-Identifier: BSD-2-Clause
"""alice and bob, one vCPU each, on a node: alice does the whole experiment (tests/bench/experiment) and
prints its results, and nothing is typed meanwhile.  So two runs differ in nothing but the emulator."""

import json
import os
import re
import threading

from clocks import folder
from icount import kernel_version
from patio import cpio
from patio.hardware import ROOT
from patio.node import LINUX, Node, NodeError
from patio.targets import target

LINE = "quiet nokaslr mitigations=off cryptomgr.notests"
ADDRESSES = {"alice": "10.0.0.1", "bob": "10.0.0.2"}
MEMORY = 128  # MiB of a guest
NODE_MEMORY = 640
WARM = 200  # round trips before each run
CORES = {"kick": 3, "poll": 4, "adaptive": 4}  # the monitor, alice, bob; and the one that polls
MOVE = {"kick": "move kick\n", "poll": "move poll core 3\n", "adaptive": "move adaptive core 3\n"}
RESULT = re.compile(r"@@r (\S+) (\{.*\})\r*$", re.M)
LIMIT = 3600  # seconds; it only ends what hangs


def idle(clock, mode):
    """Words of the guests' command lines: on the critical clock a guest whose frames are polled for
    does not halt either."""
    return "idle=poll" if clock.name == "critical" and mode != "kick" else ""


def line(name, words, run=None):
    """A guest's kernel command line."""
    return " ".join(w for w in (LINE, words, f"name={name} ip={ADDRESSES[name]}/24",
                                f"run={run}" if run else "") if w)


def run_words(system, clock):
    """The experiment, as run= has it."""
    short, long = clock.rounds
    return f"experiment+{system}+{short}+{long}+{WARM}+{clock.mib}"


def sizes(clock):
    """How much an experiment does, for its conditions."""
    return {"rounds": list(clock.rounds), "warm": WARM, "mib": clock.mib}


def initrd():
    """The guests' initramfs with the experiment in it; the packed archive must be the last.  Another
    thread or process may be reading the file, so it is replaced whole."""
    path = os.path.join(folder(), "experiment.cpio.gz")
    script = os.path.join(ROOT, "tests", "bench", "experiment")
    new = f"{path}.{os.getpid()}.{threading.get_ident()}"
    cpio.write(new, cpio.archive({"bin/experiment": script}), LINUX[1])
    os.replace(new, path)
    return path


def conf(clock, mode):
    """The node's description."""
    words = " ".join(w for w in ("console=ttyS0", clock.words, idle(clock, mode)) if w)
    text = ""
    for name, run, more in (("alice", run_words("patio", clock), "control"), ("bob", None, "")):
        text += (f"guest {name} cpus 1 memory {MEMORY}M kernel vmlinuz initrd experiment.cpio.gz {more} "
                 f'cmdline "{words} {line(name, "", run)}"\n')
    for name, last in (("alice", "a"), ("bob", "b")):
        text += f"port {name}.0 guest {name} mac 52:54:00:00:00:0{last}\n"
    return text + MOVE[mode] + "console alice\n"


def results(text):
    """{name: decoded} of an experiment's output; NodeError where a measurement failed."""
    try:
        found = {name: json.loads(value) for name, value in RESULT.findall(text)}
    except ValueError as error:
        raise NodeError(f"the experiment printed what is no JSON: {error}") from error
    failed = [l for l in text.splitlines() if l.startswith("experiment:")]
    failed += [f"{name}: {value}" for name, value in found.items() if "error" in value]
    if failed or not found:
        raise NodeError("the experiment failed: " + ("; ".join(failed) or text[-2000:]))
    return found


def await_end(machine):
    """Waits for the experiment; all that was printed."""
    machine.expect(r"@@begin\r*\n", LIMIT)
    machine.expect(r"@@end rc=(\d+)\r*\n", LIMIT)
    return machine.child.before


def run(clock, mode):
    """(results, conditions) of an experiment on a node."""
    text = conf(clock, mode)
    with Node(text, [LINUX[0], initrd()], target=clock.target, cores=CORES[mode], memory=NODE_MEMORY,
              timeout=LIMIT, **clock.machine) as node:
        found = results(await_end(node))
    return found, {"system": "patio", "mode": mode, "clock": clock.name, "unit": clock.unit,
                   "clock_is": clock.about, "repeats": clock.repeats["patio"],
                   "emulator": target(clock.target).version(), "target": clock.target,
                   "machine": {k: list(v) if isinstance(v, tuple) else v
                               for k, v in clock.machine.items()},
                   **sizes(clock), "cores": CORES[mode], "guest_cpus": 1, "guest_memory": f"{MEMORY}M",
                   "kernel": kernel_version(), "configuration": text}


def exits(found, name):
    """{reason: [exits, ticks in the VMM]} of both guests during measurement `name`."""
    def total(when):
        out = {}
        for row in found[f"exits.{name}.{when}"]["exits"]:
            slot = out.setdefault(row["exit"], [0, 0])
            slot[0] += row["count"]
            slot[1] += row["ticks"]
        return out

    before, after = total("before"), total("after")
    return {k: [a - b for a, b in zip(v, before.get(k, (0, 0)))] for k, v in after.items()}
