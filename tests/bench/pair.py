# SPDX-License-Identifier: BSD-2-Clause
"""alice and bob, one vCPU each, on a node: alice does a whole experiment, a script in tests/bench/, and
prints its results, and nothing is typed meanwhile.  So two runs differ in nothing but the emulator."""

import json
import os
import re
import threading
from dataclasses import dataclass, field

from clocks import folder
from icount import kernel_version
from patio import cpio
from patio.hardware import BUILD, ROOT
from patio.node import LINUX, Node, NodeError
from patio.targets import target

LINE = "quiet nokaslr mitigations=off cryptomgr.notests"
ADDRESSES = {"alice": "10.0.0.1", "bob": "10.0.0.2"}
MEMORY = 128  # MiB of a guest
NODE_MEMORY = 640
WARM = 200  # round trips before each run
CORES = {"kick": 3, "poll": 4, "adaptive": 4}  # the monitor, alice, bob; and the one that polls
# The last core is the one that polls.
MOVE = {"kick": "move kick\n", "poll": "move poll core {core}\n", "adaptive": "move adaptive core {core}\n"}
RESULT = re.compile(r"@@r (\S+) (\{.*\})\r*$", re.M)
LIMIT = 3600  # seconds; it only ends what hangs


@dataclass(frozen=True)
class Way:
    """What lies between alice and bob, each of whom is in a network of their own then, `left` and
    `right`: lines of the node's description, boot modules for them, as files() makes them, cores, MiB,
    and what the emulated machine has more."""

    name: str
    conf: callable  # of the clock
    files: callable
    cores: int
    memory: int
    machine: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Script:
    """What alice does: the file of that name beside this one is called with the system's name and these
    words, which sizes(clock) has by name, for the conditions.  `conf`: more lines of the node's
    description; `way`: None, the switch alone is between the two; `image`: the guests' initramfs below
    the script; `guests`: more words of their statements; `server`: what bob runs."""

    name: str
    sizes: callable
    conf: str = ""
    way: Way = None
    image: str = LINUX[1]
    guests: str = ""
    server: str = None

    def key(self):
        """A name for what it measures."""
        return " ".join(w for w in (self.archive(), self.guests, self.way and f"by {self.way.name}") if w)

    def archive(self):
        """The name of the guests' initramfs with the script."""
        return self.name if self.image == LINUX[1] else f"{self.name}-{os.path.basename(self.image).split('.')[0]}"

    def words(self, clock):
        """The script's arguments after the system's name."""
        for value in self.sizes(clock).values():
            yield from value if isinstance(value, list) else [value]


# What rtt and tcp are computed from.
EXPERIMENT = Script("experiment", lambda clock: {"rounds": list(clock.rounds), "warm": WARM,
                                                 "mib": clock.mib})
ISM_IMAGE, GROUP_IMAGE = (os.path.join(BUILD, "linux", f"{name}.cpio.gz") for name in ("ism", "group"))


def by_streams(run, guests=""):
    """The experiment by stream sockets of the kind that `run` gives to a program."""
    return Script("experiment", lambda clock: EXPERIMENT.sizes(clock) | {"run": run}, image=ISM_IMAGE,
                  guests=guests, server=f"{run}+netprobe-dynamic+tcp-server+10")


TCP = by_streams("env")
SMC = by_streams("smc-run", "ism bench")


def move(mode, count):
    """The statement of a node with so many cores."""
    return MOVE[mode].format(core=count - 1)


def idle(clock, mode):
    """Words of the guests' command lines: on the critical clock a guest whose frames are polled for
    does not halt either."""
    return "idle=poll" if clock.name == "critical" and mode != "kick" else ""


def line(name, words, run=None):
    """A guest's kernel command line."""
    return " ".join(w for w in (LINE, words, f"name={name} ip={ADDRESSES[name]}/24",
                                f"run={run}" if run else "") if w)


def run_words(system, clock, script=EXPERIMENT):
    """The experiment, as run= has it."""
    return "+".join(str(word) for word in (script.name, system, *script.words(clock)))


def initrd(script=EXPERIMENT):
    """The guests' initramfs with the experiment in it; the packed archive must be the last.  Another
    thread or process may be reading the file, so it is replaced whole."""
    path = os.path.join(folder(), f"{script.archive()}.cpio.gz")
    file = os.path.join(ROOT, "tests", "bench", script.name)
    new = f"{path}.{os.getpid()}.{threading.get_ident()}"
    cpio.write(new, cpio.archive({f"bin/{script.name}": file}), script.image)
    os.replace(new, path)
    return path


def conf(clock, mode, script=EXPERIMENT):
    """The node's description."""
    words = " ".join(w for w in ("console=ttyS0", clock.words, idle(clock, mode)) if w)
    text = ""
    for name, run, more in (("alice", run_words("patio", clock, script), "control"),
                            ("bob", script.server, "")):
        more = " ".join(w for w in (more, script.guests) if w)
        text += (f"guest {name} cpus 1 memory {MEMORY}M kernel vmlinuz initrd {script.archive()}.cpio.gz {more} "
                 f'cmdline "{words} {line(name, "", run)}"\n')
    networks = {"alice": " network left", "bob": " network right"} if script.way else {}
    text += "network left\nnetwork right\n" if networks else ""
    for name, last in (("alice", "a"), ("bob", "b")):
        text += f"port {name}.0 guest {name} mac 52:54:00:00:00:0{last}{networks.get(name, '')}\n"
    text += script.way.conf(clock) if script.way else ""
    return text + move(mode, cores(mode, script)) + script.conf + "console alice\n"


def cores(mode, script):
    """How many the node has."""
    return CORES[mode] + (script.way.cores if script.way else 0)


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


def run(clock, mode, script=EXPERIMENT):
    """(results, conditions) of an experiment on a node."""
    text, way = conf(clock, mode, script), script.way
    machine = clock.machine | (way.machine if way else {})
    with Node(text, [LINUX[0], initrd(script), *(way.files() if way else [])], target=clock.target,
              cores=cores(mode, script), memory=NODE_MEMORY + (way.memory if way else 0), timeout=LIMIT,
              **machine) as node:
        found = results(await_end(node))
    return found, {"system": "patio", "mode": mode, "clock": clock.name, "unit": clock.unit,
                   "clock_is": clock.about, "repeats": clock.repeats["patio"],
                   "emulator": target(clock.target).version(), "target": clock.target,
                   "machine": {k: list(v) if isinstance(v, tuple) else v
                               for k, v in machine.items()},
                   **script.sizes(clock), "cores": cores(mode, script), "guest_cpus": 1, "guest_memory": f"{MEMORY}M",
                   "kernel": kernel_version(), "configuration": text}


def bytes_of(found, name):
    """(bytes that the VMM copied, bytes that alice and bob got) during measurement `name`."""
    def total(when):
        rows = found[f"ports.{name}.{when}"]["ports"]
        return (sum(row["copied"] for row in rows),
                sum(row["out_bytes"] for row in rows if row["port"] in ("alice.0", "bob.0")))

    return [after - before for before, after in zip(total("before"), total("after"))]


def exits(found, name):
    """{reason: [exits, ticks in the VMM]} of all guests during measurement `name`."""
    def total(when):
        out = {}
        for row in found[f"exits.{name}.{when}"]["exits"]:
            slot = out.setdefault(row["exit"], [0, 0])
            slot[0] += row["count"]
            slot[1] += row["ticks"]
        return out

    before, after = total("before"), total("after")
    return {k: [a - b for a, b in zip(v, before.get(k, (0, 0)))] for k, v in after.items()}
