# SPDX-License-Identifier: BSD-2-Clause
"""Large pages on a CPU that must not fetch from them (iTLB multihit, CVE-2018-12207)."""

import pytest

from machine import TINY, node, only_on, passes

pytestmark = pytest.mark.every_target

CONF = (f"guest one kernel fetch.elf {TINY} autostart no\n"
        f'guest two kernel fetch.elf cpus 2 cmdline "cpus=2" {TINY} autostart no\n')


def run(option):
    """{guest: (regions that it executed in, exits for fetches)} with this boot option."""
    out = {}
    with node(CONF, ["fetch"], cores=3, options=option) as n:
        n.ready()
        for name in ("one", "two"):
            regions = int(passes(n, name)[-2].split()[1])
            out[name] = regions, n.exits(name).get("fetch", 0)
    return out


@only_on("bochs-vmx", "no AMD CPU has the erratum")
def test_each_region_is_split_once():
    """A guest that executes everywhere makes one exit for each 2 MiB; two vCPUs that reach a region at the
    same time make at most one more."""
    counts = run("itlb-multihit=on")
    regions, exits = counts["one"]
    assert regions > 10 and exits == regions + 1, counts
    regions, exits = counts["two"]
    assert regions < exits <= 2 * (regions + 1), counts


def test_elsewhere_large_pages_are_executed():
    assert all(exits == 0 for _, exits in run("itlb-multihit=off").values())
