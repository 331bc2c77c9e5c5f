# SPDX-License-Identifier: BSD-2-Clause
"""What a list of samples says: its distribution, and which of them were late.

The sample at a permille is the one at place n * permille / 1000 of the sorted ones, counted from 0:
the same as netprobe prints (guest-images/linux/probe.h).
"""

import os

PLACES = {"p50": 500, "p90": 900, "p99": 990, "p99.9": 999}
LATE = float(os.environ.get("LATE", "1.5"))  # a sample over so many times the median is late
LATE_LISTED = 50  # of the late ones, the first
PERIODIC = 0.75  # of the distances between late samples, equal to within one: then it is a period


def at(ordered, permille):
    """The sample at that permille of a sorted list that is not empty."""
    return ordered[len(ordered) * permille // 1000]


def distribution(samples):
    """{n, min, p50, p90, p99, p99.9, max, mean} of a list that is not empty."""
    ordered = sorted(samples)
    return {"n": len(ordered), "min": ordered[0],
            **{name: at(ordered, permille) for name, permille in PLACES.items()},
            "max": ordered[-1], "mean": sum(ordered) // len(ordered)}


def summary(probe):
    """The same of netprobe's own summary, where it printed no samples."""
    names = {"min": "min", "p50": "med", "p90": "p90", "p99": "p99", "p99.9": "p999", "max": "max",
             "mean": "mean"}
    return {"n": probe["n"], **{name: probe["tsc"][its] for name, its in names.items()}}


def period(indices):
    """The distance at which late samples follow each other, None where they have none.  Two may share
    it at two places, as where each of two guests does something every so many packets: then it is
    the distance from each to the next but one."""
    for step in (1, 2):
        gaps = sorted(b - a for a, b in zip(indices, indices[step:]))
        if len(gaps) < 3:
            return None
        usual = gaps[len(gaps) // 2]
        near = sum(abs(gap - usual) <= 1 for gap in gaps)
        if near >= PERIODIC * len(gaps) and usual > step:
            return usual
    return None


def late(samples, factor=LATE, listed=LATE_LISTED):
    """Which samples took more than `factor` times the median.

    {"factor", "limit", "count", "period", "list"}: of each listed one its index, when it began (what
    the samples before it took together), what it took, and by how much that is over the median.
    """
    median = distribution(samples)["p50"]
    limit = factor * median
    found, now = [], 0
    for index, sample in enumerate(samples):
        if sample > limit:
            found.append({"index": index, "when": now, "took": sample, "over": sample - median})
        now += sample
    return {"factor": factor, "limit": limit, "count": len(found),
            "period": period([f["index"] for f in found]), "list": found[:listed]}


def tail(samples):
    """The late samples of a list in words, for a line below a table."""
    found = late(samples)
    if not found["count"]:
        return f"none of {len(samples)} late, over {found['factor']} x p50"
    every = f", every {found['period']}" if found["period"] else ""
    shown = ", ".join(f"{f['index']} (+{f['over']})" for f in found["list"][:8])
    more = " and more" if found["count"] > 8 else ""
    return (f"{found['count']} of {len(samples)} late, over {found['factor']} x p50{every}: "
            f"{shown}{more}")
