# SPDX-License-Identifier: BSD-2-Clause
"""The observation window and a guest that abuses it: what it writes is dropped, what cannot be dropped ends
that guest alone, no device uses the window for it, and who has no `control` has no window."""

import re

import pytest

from machine import TINY, ended, judge, node, passes, said

HOW = ["write", "rings", "exec", "walk", "stack"]
CONF = "".join(f'guest {how} kernel window.elf cmdline "how={how}" {TINY} control autostart no\n'
               for how in HOW) + f"""guest none kernel window.elf cmdline "how=none" {TINY} autostart no
guest witness kernel window.elf cmdline "how=write" {TINY} control autostart no
port rings guest rings
"""

@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, ["window"], cores=2, memory=448) as n:
        yield n.ready()


@pytest.mark.parametrize("name", ["write", "rings", "none"])
def test_dropped(n, name):
    """The guest's own checks pass: the header stays as it is."""
    passes(n, name)


@pytest.mark.parametrize("name,reason", [
    ("exec", "execution in absent memory"),
    ("walk", "page tables in absent memory|triple fault"),  # SVM's walk writes, VT-x's reads the window
    ("stack", "stack or table of an interrupt or exception")])
def test_stopped(n, name, reason):
    """It ends this guest, with the reason; another one finds the window as it was."""
    n.monitor(f"start {name}")
    row = ended(n, name)
    assert row["state"] == "stopped" and re.search(reason, row["reason"]), (row, said(n, name))
    n.monitor("restart witness")
    judge(n, "witness")
