# SPDX-License-Identifier: BSD-2-Clause
"""The parts of a report: what measures each, and the JSON that a report is.

    {"report": 1, "parts": {NAME: {"state", "why", "made", "rows"}}}

`state` is "measured", "failed" (`why`) or "not run".  `made` says by which commit, when, how long and on
which machine: parts of one file may be of different runs.  `rows` are the figures, each with its clock
and its `conditions`.
"""

import datetime
import json
import os
import platform
import subprocess
import time

import rtt
import tcp
from bench_tables import annotate
from icount import inline
from patio.hardware import BUILD, ROOT
from patio.node import NodeError
from report import curve, growth, itinerary, noise

FORMAT = 1


def judged(bench):
    """A bench's rows with its verdicts, and where the time goes, in words."""
    def run(experiments):
        rows = bench.run(experiments)
        annotate(bench, rows)
        return rows
    return run


MEASURE = {"rtt": judged(rtt), "tcp": judged(tcp), "curve": curve.run, "itinerary": itinerary.run,
           "noise": noise.run, "guests": growth.run_guests, "routes": growth.run_routes}
FAILURES = (NodeError, OSError, KeyError, ValueError, IndexError, subprocess.SubprocessError)
FOLDER = os.path.join(BUILD, "report")


def git(*words):
    """What git prints, or nothing where this is no checkout."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def processor():
    """The host CPU's name."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [l.split(":", 1)[1].strip() for l in file if l.startswith("model name")]
    return names[0] if names else platform.machine()


def host():
    """The machine on which the emulators ran."""
    return {"cpu": processor(), "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
            "kernel": platform.release()}


def made(seconds):
    """Who measured a part, when and where."""
    return {"commit": git("rev-parse", "--short=12", "HEAD") or "unknown",
            "modified": bool(git("status", "--porcelain", "--untracked-files=no")),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "seconds": round(seconds), "host": host()}


def measured(name, experiments):
    """One part, measured or failed."""
    start = time.monotonic()
    try:
        rows, why = MEASURE[name](experiments), None
    except FAILURES as error:
        rows, why = [], f"{type(error).__name__}: {error}"
    if not rows and why is None:
        why = "nothing of it is on the clocks that were chosen"
    return {"state": "failed" if why else "measured", "why": why,
            "made": made(time.monotonic() - start), "rows": rows}


def missing():
    """A part that nobody asked for."""
    return {"state": "not run", "why": "not among the parts that were asked for", "made": None, "rows": []}


def empty():
    """A report without figures."""
    return {"report": FORMAT, "parts": {name: missing() for name in MEASURE}}


def load(path):
    """An old report; parts that it does not know are `not run`.  ValueError: the file is none."""
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    if not isinstance(found, dict) or found.get("report") != FORMAT or not isinstance(found.get("parts"), dict):
        raise ValueError(f"{path} is no report of format {FORMAT}")
    parts = {name: found["parts"].get(name) or missing() for name in MEASURE}
    return {"report": FORMAT, "parts": parts}


def store(document, path):
    """Writes a report."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(inline(json.dumps(document, indent=1)) + "\n")
