# SPDX-License-Identifier: BSD-2-Clause
"""What a guest that only computes loses to others, on Bochs, whose clock is that of a parallel machine.

The guest watches the TSC (a selfish detour: a step of its loop that took longer than its own
instructions) and the VMM has a histogram of its exits; the two must agree.  It is alone, beside two
guests that exchange frames, and beside guests that request endless work.
"""

import re

import clocks
from patio.node import Node, NodeError, guest
from patio.targets import target

WINDOW = 50_000_000  # ticks, a second of Bochs's clock
OWN = 40  # exits by CPUID, its own, in the window
OWN_KINDS = ("io", "msr", "cpuid", "fetch")  # exits that the guest causes itself
ECHO = "52:54:00:00:00:0e"
LIMIT = 600  # seconds; it only ends what hangs
BESIDE = {
    "alone": ("", ()),
    "traffic": (f"""guest echo kernel echo.elf memory 16M
port echo guest echo mac {ECHO}
guest ping kernel ping.elf memory 16M cmdline "peer={ECHO} n=10000 loss=1"
port ping guest ping
""", ("echo", "ping")),
    "hogs": (f"""network second
guest echo kernel echo.elf memory 16M
port echo guest echo mac {ECHO}
guest print kernel hog.elf cmdline "how=print" memory 112M
guest index kernel hog.elf cmdline "how=index" cpus 2 memory 16M
port index guest index network second
guest gso kernel hog.elf cmdline "how=gso dst={ECHO}" memory 16M
port gso guest gso
guest again kernel triple.elf memory 64M restart always
""", ("echo", "hog", "triple")),
}
DETOURS = re.compile(r"noise: (asked|taken): (\d+) detours, (\d+) ticks, (\d+) to (\d+)")
MISSED = re.compile(r"noise: window 0: (\d+) ticks missed, at most (\d+) at once")


def conf(beside):
    """The node's text.  The guest has more memory to clear than most, so that these run when it starts."""
    options = f"windows=1 window={WINDOW} limit={WINDOW} exits={OWN}"
    return (f'guest noise kernel noise.elf cmdline "{options}" memory 96M debug-exit\nhistogram on\n'
            + BESIDE[beside][0])


def detours(text):
    """{kind: its figures} of what the guest printed."""
    found = {kind: {"count": int(n), "sum": int(ticks), "min": int(low), "max": int(high)}
             for kind, n, ticks, low, high in DETOURS.findall(text)}
    missed = MISSED.search(text)
    if len(found) != 2 or not missed:
        raise NodeError(f"the noise guest printed {text!r}")
    return found | {"missed": int(missed[1]), "longest": int(missed[2])}


def exits(found):
    """{kind of exit: {count, ticks, p50, p99, max, buckets}} of a `show histogram noise json`."""
    out = {}
    for r in found["exit_times"]:
        if r["exit"] is not None and r["count"]:
            out[r["exit"]] = {"count": r["count"], "ticks": r["sum"], "p50": r["p50"], "p99": r["p99"],
                              "max": r["max"], "buckets": [
                                  [b["from"], b["count"]] for b in found["exit_buckets"]
                                  if b["exit"] == r["exit"] and b.get("core") == r.get("core")]}
    return out


def measure(beside):
    """One row: nothing is typed before the guest has ended."""
    text, clock = conf(beside), clocks.CRITICAL
    cores = 2 + len(re.findall("^guest ", BESIDE[beside][0], re.M)) + BESIDE[beside][0].count("cpus 2")
    images = [guest(name) for name in ("noise", *BESIDE[beside][1])]
    with Node(text, images, target=clock.target, cores=cores, memory=768, timeout=LIMIT,
              **clock.machine) as node:
        node.expect(r"guest noise ended: [^\n]*\n")
        found = node.show("histogram noise")
        seen = exits(found)
        beside_it = [r["count"] for r in node.show("exits")["exits"] if r["guest"] != "noise"]
        ports = [p for p in node.show("ports")["ports"] if p["port"] in ("echo", "ping", "gso")]
        node.enter("noise")
        said = detours(node.expect(r"noise: window 0(?s:.*)noise: taken: [^\n]*\n").group())
    others = {kind: e for kind, e in seen.items() if kind not in OWN_KINDS}
    return {"clock": clock.name, "unit": clock.unit, "beside": beside, "window": WINDOW, **said,
            "stolen_exits": sum(e["count"] for e in others.values()),
            "stolen_ticks": sum(e["ticks"] for e in others.values()),
            "frames_beside": sum(p["out_frames"] for p in ports), "exits_beside": sum(beside_it),
            "exits": seen, "conditions": {
                "system": "patio", "clock": clock.name, "unit": clock.unit, "clock_is": clock.about,
                "repeats": "noise: the guest's own figures byte for byte; what others had done when they were "
                           "asked is not",
                "target": clock.target, "emulator": target(clock.target).version(), "cores": cores,
                "guests": "noise.elf and others of guest-images/tests", "configuration": text}}


def run(_experiments):
    """All rows; the count clock, on which CPUs take turns, has none."""
    return [measure(beside) for beside in BESIDE] if clocks.CRITICAL in clocks.chosen() else []
