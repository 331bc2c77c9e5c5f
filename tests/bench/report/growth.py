# SPDX-License-Identifier: BSD-2-Clause
"""How a round trip between two small guests grows with guests, and with the routes of their network.

guests   pairs of our own ping and echo, in one network, of which all talk at once; on the critical clock
         their round trips, on both what the VMM does for a frame
routes   one pair in a network in mode `route`, which has ever more routes, none of another guest's
"""

import re

import clocks
import pair
from patio.node import Node, NodeError, guest
from patio.targets import target

GUESTS = (2, 4, 8)
ROUTES = (2, 128, 1024, 8192)
TRIPS = {"count": 1000, "critical": 500}
EARLY = 20  # round trips more, which may be lost: the other guest may not be there yet
PATIENCE = 2_000_000  # ticks after which one is lost
SIZE = 64
LIMIT = 900  # seconds; it only ends what hangs
MEMORY = 16  # MiB of a guest, and of one that asks twice as many: it starts later
RTT = re.compile(r"rtt n=(\d+) lost=(\d+) min=(\d+) med=(\d+)\r*\n")


def mac(number):
    return f"52:54:00:00:{number >> 8:02x}:{number & 0xFF:02x}"


def pairs(count, trips):
    """The guests of so many pairs, and their ports."""
    text = ""
    for i in range(count):
        text += (f"guest echo{i} memory {MEMORY}M kernel echo.elf\n"
                 f"port echo{i} guest echo{i} mac {mac(2 * i)}\n"
                 f"guest ping{i} memory {2 * MEMORY}M kernel ping.elf debug-exit "
                 f'cmdline "peer={mac(2 * i)} n={trips + EARLY} size={SIZE} loss=1 timeout={PATIENCE}"\n'
                 f"port ping{i} guest ping{i} mac {mac(2 * i + 1)}\n")
    return text


def routes(count):
    """Statements for so many routes: the two that the pair needs, and of addresses that nobody has."""
    lines = ["network default mode route",
             *(f"route src any dst {mac(n)} to port {name}" for n, name in enumerate(("echo0", "ping0")))]
    lines += [f"route src any dst {mac(n)} to port echo0" for n in range(2, count)]
    return "\n".join(lines) + "\n"


def conf(clock, mode, guests, of_routes, cores):
    text = pairs(guests // 2, TRIPS[clock.name]) + pair.move(mode, cores) + "histogram on\n"
    return text + (routes(of_routes) if of_routes else "")


def trips(node, number):
    """The figures that a guest printed."""
    node.enter(f"ping{number}")
    n, lost, low, median = (int(f) for f in node.expect(RTT).groups())
    if lost > EARLY:
        raise NodeError(f"ping{number} lost {lost} of {n}")
    return {"n": n, "min": low, "p50": median}


def of_vmm(node):
    """Ticks for a frame, on average, by the node's histograms of all ports: from the beginning of the exit
    in which its sender asked for the walk, or from the taking of the batch, to its receiver's interrupt."""
    rows = [r for r in node.show("histogram")["port_times"] if r["core"] is None]
    return round(sum(r["sum"] for r in rows) / sum(r["count"] for r in rows), 1)


def measure(clock, mode, guests, of_routes=0):
    """One row."""
    cores = 1 + guests + (mode != "kick")
    text = conf(clock, mode, guests, of_routes, cores)
    with Node(text, [guest("ping"), guest("echo")], target=clock.target, cores=cores, memory=512,
              timeout=LIMIT, **clock.machine) as node:
        ended = set()
        while len(ended) < guests // 2:
            ended.add(node.expect(r"guest (ping\d+) ended: [^\n]*\n").group(1))
        each = [trips(node, i) for i in range(guests // 2)]
        delivered = sum(p["out_frames"] for p in node.show("ports")["ports"])
        ticks = of_vmm(node)
    medians = [e["p50"] for e in each]
    return {"clock": clock.name, "unit": clock.unit, "mode": mode, "guests": guests,
            "routes": of_routes or None, "p50": sorted(medians)[len(medians) // 2],
            "p50_worst": max(medians), "min": min(e["min"] for e in each), "frames": delivered,
            "vmm_per_frame": ticks, "conditions": {
                "system": "patio", "mode": mode, "clock": clock.name, "unit": clock.unit,
                "clock_is": clock.about, "repeats": clock.repeats["patio"], "target": clock.target,
                "emulator": target(clock.target).version(), "cores": cores, "trips": TRIPS[clock.name],
                "size": SIZE, "guests": "ping.elf, echo.elf of guest-images/tests",
                "configuration": text if not of_routes else text[:text.index("route src")]}}


def run_guests(_experiments):
    """All rows of `guests`."""
    return [measure(clock, mode, guests) for clock in clocks.chosen() for mode in pair.MOVE
            for guests in GUESTS]


def run_routes(_experiments):
    """All rows of `routes`: what a look-up costs is work, which the count clock knows."""
    if clocks.COUNT not in clocks.chosen():
        return []
    return [measure(clocks.COUNT, "kick", 2, of_routes) for of_routes in ROUTES]
