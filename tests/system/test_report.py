# SPDX-License-Identifier: BSD-2-Clause
"""make report's page in a real browser, and one of its experiments on a real node."""

import os
import re
import subprocess

import pytest

import browser
import clocks
from machine import only_on
from patio.hardware import BUILD, ROOT
from report import growth, page, parts

RECORDED = os.path.join(ROOT, "tests", "tools", "report.json")
RUN = os.path.join(ROOT, "tests", "bench", "report", "run")
PICTURES = os.path.join(BUILD, "report-test")
WIDTHS = {"phone": 360, "tablet": 700, "desktop": 1280}  # CSS pixels
PAPER = 718  # of DIN A4 without its margins

pytestmark = only_on("qemu-svm", "the page is the same for all")


@pytest.fixture(name="chromium", scope="module")
def the_browser():
    with browser.Browser() as found:
        yield found


@pytest.fixture(name="path", scope="module")
def the_page():
    """The page of the recorded report, as the program writes it."""
    env = os.environ | {"PATIO_BUILD": os.path.relpath(PICTURES, ROOT)}
    done = subprocess.run([RUN, "--from", RECORDED], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits(chromium, path, name, dark):
    """No element is wider than the screen, also with all details open; no complaint; nothing but the file is
    asked for.  The pictures stay in build/report-test/."""
    chromium.show(path, WIDTHS[name], dark=dark)
    chromium.screenshot(os.path.join(PICTURES, f"{name}-{'dark' if dark else 'light'}.png"))
    assert chromium.overflows(WIDTHS[name]) == []
    assert chromium.complaints == []
    assert set(chromium.requests) == {f"file://{os.path.abspath(path)}"}
    assert chromium.evaluate("document.querySelectorAll('svg.plot').length") > 20


def test_the_page_fits_on_paper(chromium, path):
    """As tables, not as a phone's cards."""
    chromium.show(path, PAPER, media="print")
    assert chromium.overflows(PAPER) == []
    assert chromium.evaluate("getComputedStyle(document.querySelector('table:not(.narrow) thead')).display") != "none"


def test_colours_follow_the_reader_and_paper_is_white(chromium, path):
    shade = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('svg.plot path[style*=\"--kick\"]')).stroke"
    found = {}
    for name, words in (("light", {}), ("dark", {"dark": True}), ("print", {"dark": True, "media": "print"})):
        chromium.show(path, WIDTHS["desktop"], **words)
        found[name] = chromium.evaluate(shade), chromium.evaluate(line)
    assert found["light"] == found["print"] and found["light"][0] == "rgb(255, 255, 255)"
    assert all(a != b for a, b in zip(found["light"], found["dark"]))


def test_the_check_sees_what_does_not_fit(chromium, path):
    chromium.show(path, WIDTHS["phone"])
    chromium.evaluate("document.querySelector('h1').style.width = '500px'")
    assert any("H1" in text for text in chromium.overflows(WIDTHS["phone"]))
    chromium.evaluate("console.error('seen')")
    chromium.ask("Page.enable")
    assert chromium.complaints.pop() and not chromium.complaints


def test_an_experiment_becomes_a_page():
    """Round trips of a pair of guests, counted; on a network with routes."""
    row = growth.measure(clocks.COUNT, "kick", 2, of_routes=4)
    assert 1000 < row["min"] <= row["p50"] < 20000 and 100 < row["vmm_per_frame"] < row["p50"], row
    assert row["frames"] >= 2 * growth.TRIPS["count"]
    document = parts.empty()
    document["parts"]["routes"] = {"state": "measured", "why": None, "made": parts.made(1), "rows": [row]}
    [shown] = re.findall(r'data-from="/parts/routes/rows/0/vmm_per_frame"[^>]*>([^<]*)<', page.html(document))
    assert float(shown) == row["vmm_per_frame"]
