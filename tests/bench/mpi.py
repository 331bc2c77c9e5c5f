# SPDX-License-Identifier: BSD-2-Clause
"""Open MPI between two Linux guests, over TCP and over SMC-D: mpi.json.

Both ranks poll, so the sum of all instructions says how long they waited, not what it cost: there is
only the critical clock, where each rank has a core of its own.
"""

import os

import clocks
import pair
from patio.hardware import BUILD

LARGEST, ROUNDS = 1 << 20, 100
IMAGE = os.path.join(BUILD, "linux", "mpi.cpio.gz")
SCRIPT = pair.Script("mpi", lambda _clock: {"largest": LARGEST, "rounds": ROUNDS}, image=IMAGE,
                     guests="ism bench", server="mpi-agent")
PER = 1000  # ticks: of what `bytes` counts
PEER = (f"Debian's Open MPI, one rank in each guest: half a round trip's ticks by TCP over the switch and by SMC-D; "
        f"bytes in {PER} ticks, in windows of 16 messages")
PAGE = "ism.md"


def moved(results, way):
    """(bytes of alice's and bob's frames to the switch, bytes of all messages by ISM) of a run."""
    def total(when):
        ports, ism = results[f"ports.{way}.{when}"]["ports"], results[f"ism.{way}.{when}"]["ism"]
        return sum(row["in_bytes"] for row in ports), sum(row["bytes"] for row in ism)

    return [after - before for before, after in zip(total("before"), total("after"))]


def measure(experiment):
    """A row for each size."""
    tcp, smc = (experiment.results[way] for way in ("tcp", "smc"))
    by = {f"{way}_moved": dict(zip(("switch", "ism"), moved(experiment.results, way))) for way in ("tcp", "smc")}
    return [{"clock": experiment.clock.name, "unit": experiment.clock.unit, "size": a["size"],
             "tcp": a["latency_tsc"], "smc": b["latency_tsc"], "smc_to_tcp": round(b["latency_tsc"] / a["latency_tsc"], 2),
             "tcp_bytes": bytes_in(a), "smc_bytes": bytes_in(b), **by, "conditions": experiment.conditions}
            for a, b in zip(tcp["sizes"], smc["sizes"])]


def bytes_in(row):
    return round(row["size"] * PER / row["message_tsc"], 2)


def judge(_row):
    return []


def where(_row):
    return None


def run(experiments):
    """All rows."""
    if clocks.CRITICAL not in clocks.chosen():
        return []
    return measure(experiments.patio(clocks.CRITICAL, "kick", SCRIPT))


LABEL = ("size",)
COLUMNS = ("size", "tcp", "smc", "smc_to_tcp", "tcp_bytes", "smc_bytes")
