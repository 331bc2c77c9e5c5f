# SPDX-License-Identifier: BSD-2-Clause
"""make report's page, of a short report that was recorded (report.json, samples cut): what stands in it is
what the JSON has, nothing comes from outside, and what is missing is named."""

import copy
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import clocks
import pair
from figures import cell
from patio.hardware import ROOT
from patio.node import NodeError
from report import curve, growth, itinerary, noise, page, parts, plots
from report.sections import SECTIONS
from test_bench import LONG, made, patio_exits

RECORDED = os.path.join(ROOT, "tests", "tools", "report.json")
RUN = os.path.join(ROOT, "tests", "bench", "report", "run")
NUMBER = re.compile(r"\d+(?:[.]\d+)*")
MEASURED = list(parts.MEASURE)


@pytest.fixture(name="document")
def the_document():
    return parts.load(RECORDED)


@pytest.fixture(name="html", scope="module")
def the_page():
    """The recorded report's page, which takes some seconds to draw."""
    return page.html(parts.load(RECORDED))


def tree(html):
    """The page, read as XML: it is that, too."""
    return ElementTree.fromstring(html.split("\n", 1)[1])


def section(document, ident):
    """One section, as XML."""
    return ElementTree.fromstring(page.section(document, next(s for s in SECTIONS if s[0] == ident)))


def text_of(document, ident):
    return ElementTree.tostring(section(document, ident), encoding="unicode")


def at(document, pointer):
    """What a JSON pointer points to (RFC 6901; no name here needs its escapes)."""
    value = document
    for word in pointer.split("/")[1:]:
        value = value[int(word)] if isinstance(value, list) else value[word]
    return value


def texts(element, leave=()):
    """The texts of an element, but of those below it that are left out."""
    if element.tag in leave or "data-from" in element.attrib:
        return
    yield element.text or ""
    for child in element:
        yield from texts(child, leave)
        yield child.tail or ""


def numbers(text):
    return set(NUMBER.findall(text))


def test_the_recorded_report_has_every_part(document):
    assert [document["parts"][name]["state"] for name in MEASURED] == ["measured"] * len(MEASURED)
    assert {row["clock"] for name in MEASURED for row in document["parts"][name]["rows"]} == set(clocks.CLOCKS)


def test_identifiers_are_unique_and_references_lead_somewhere(html):
    names = re.findall(r'\bid="([^"]+)"', html)
    assert len(names) == len(set(names))
    used = re.findall(r'href="#([^"]+)"', html) + re.findall(r"url\(#([^)]+)\)", html)
    assert len(used) > 50 and set(used) <= set(names)


def test_every_figure_is_in_the_json(html, document):
    """Each by its pointer; and no other number is in the texts, but those of the page's own words."""
    root = tree(html)
    shown = [e for e in root.iter() if "data-from" in e.attrib]
    assert len(shown) > 200
    for element in shown:
        assert element.text == cell(at(document, element.attrib["data-from"])), element.attrib
    own = numbers(" ".join(texts(tree(page.html(parts.empty())), ("style",))))
    rest = numbers(" ".join(texts(root, ("style", "svg", "th"))))
    assert rest <= own | numbers(json.dumps(document)), rest - own - numbers(json.dumps(document))


@pytest.mark.parametrize("name,figure,idents", [
    ("tcp", "per_mib", ["tcp"]), ("rtt", "above_floor", ["rtt", "modes"]), ("guests", "p50", ["guests"]),
    ("routes", "vmm_per_frame", ["routes"])])
def test_a_figure_that_changes_changes_its_own_sections_only(html, document, name, figure, idents):
    """Of these it also changes a drawing, where one has it."""
    first = {s.get("id"): s for s in tree(html).iter("section") if s.get("id")}
    document["parts"][name]["rows"][0][figure] *= 2
    for ident in {"tcp", "modes", "routes", *idents}:
        changed = text_of(document, ident)
        before = ElementTree.tostring(first[ident], encoding="unicode").rstrip()
        assert (before != changed) == (ident in idents)
        drawn = [re.findall(r"<svg.*?</svg>", text, re.S) for text in (before, changed)]
        assert (drawn[0] != drawn[1]) == (ident in idents and ident != "rtt")


def test_a_line_has_a_vertex_for_each_figure(html, document):
    rows = document["parts"]["curve"]["rows"]
    for clock, mode in {(r["clock"], r["mode"]) for r in rows}:
        sizes = [r["size"] for r in rows if (r["clock"], r["mode"]) == (clock, mode)]
        [line] = [e for e in tree(html).iter("g") if e.get("id") == f"curve-{clock}-line-{mode}"]
        [path] = [e for e in line if e.tag == "path"]
        assert len(re.findall("[ML]", path.get("d"))) == len(sizes) == len(curve.SIZES)


def test_no_block_has_two_clocks(html, document):
    """Nor a drawing: each is in the block of its clock, whose badge says which."""
    blocks = [e for e in tree(html).iter("section") if e.get("class") == "clock-block"]
    assert len(blocks) > 9
    for block in blocks:
        [badge] = [e for e in block.iter("span") if (e.get("class") or "").startswith("clock ")]
        clock = badge.get("class").split()[1]
        seen = {at(document, e.get("data-from").rsplit("/rows/", 1)[0] + "/rows/" +
                   e.get("data-from").split("/rows/")[1].split("/")[0])["clock"]
                for e in block.iter() if "data-from" in e.attrib}
        assert seen == {clock} and list(block.iter("svg"))
        assert all(clock in e.get("aria-label") for e in block.iter("svg"))


def test_nothing_comes_from_outside(html):
    assert not re.search(r"\bsrc=|@import|https?:|<script|<iframe|<object", html)
    assert set(re.findall(r"url\((.)", html)) == {"#"}
    assert set(re.findall(r'<link [^>]*href="([^"]*)"', html)) == {"data:,"}
    assert all(v.startswith("#") or v == "data:," for v in re.findall(r'href="([^"]*)"', html))
    assert 'content="width=device-width' in html and "@media print" in html
    assert "prefers-color-scheme: dark" in html


def test_the_same_json_gives_the_same_bytes(html, document, tmp_path):
    parts.store(document, str(tmp_path / "again.json"))
    assert page.html(parts.load(str(tmp_path / "again.json"))) == html


@pytest.mark.parametrize("name", MEASURED)
def test_a_part_that_is_missing_is_named(document, name):
    """Whether it was not run or failed, where its section would be, and in the list at the top."""
    for part, word in ((parts.missing(), "was not run"),
                       ({"state": "failed", "why": "boom <b> & 7", "made": parts.made(1), "rows": []}, "failed")):
        document["parts"][name] = part
        for ident in (s[0] for s in SECTIONS if s[2] == name):
            found = section(document, ident)
            assert f"the part {name} {word}: {part['why']}" in "".join(found.itertext())
            assert not list(found.iter("svg"))
        states = "".join(ElementTree.fromstring(page.state_of(document)).itertext())
        assert states.count(part["state"]) == sum(s[2] == name for s in SECTIONS)


def test_an_empty_report_is_a_page_that_says_so():
    text = "".join(tree(page.html(parts.empty())).itertext())
    assert all(f"the part {name} was not run" in text for name in MEASURED)


def test_parts_of_different_commits_are_warned_of(document):
    for part in document["parts"].values():
        part["made"] |= {"commit": "one", "modified": False}
    assert page.warning(document) == ""
    document["parts"]["noise"]["made"]["commit"] = "two"
    assert "are of different commits: one, two." in page.warning(document)
    document["parts"]["noise"]["made"] |= {"commit": "one", "modified": True}
    assert "are of different commits: one, one with changes." in page.warning(document)


def with_peer(document, **changes):
    """The report with a row of the peer's beside each of Patio's."""
    document = copy.deepcopy(document)
    for name in "rtt", "tcp", "curve":
        rows = [copy.deepcopy(r) for r in document["parts"][name]["rows"]]
        for row in rows:
            row["conditions"] |= {"system": "kvm", **changes}
            row |= {"system": "kvm"}
        document["parts"][name]["rows"] += rows
    return document


def test_the_peer_stands_beside_when_it_is_there(document):
    for ident in "rtt", "curve", "tcp":
        assert "kvm: kick" not in text_of(document, ident)
        text = text_of(with_peer(document), ident)
        assert "kvm: kick" in text and "†" not in text
        assert ident == "tcp" or "var(--kvm-kick)" in text


def test_rows_that_may_not_be_compared_are_marked(document):
    text = text_of(with_peer(document, emulator="QEMU emulator version 99"), "tcp")
    assert "† kvm kick, kvm poll: emulator: QEMU emulator version 99 instead of" in text
    text = text_of(with_peer(document, kernel="linux-image-7"), "curve")
    assert "† kvm kick, kvm poll: guests: linux-image-7 instead of" in text
    earlier = with_peer(document)
    for row in earlier["parts"]["tcp"]["rows"]:
        if row["system"] == "kvm":
            row["system"] = "kvm, earlier run"
    assert "kvm, earlier run poll: of an earlier run. Not to be compared" in text_of(earlier, "tcp")


@pytest.mark.parametrize("error", [NodeError("it ended"), KeyError("p50"), OSError("no file")])
def test_an_experiment_that_fails_is_a_part_that_failed(monkeypatch, error):
    def fails(_):
        raise error
    monkeypatch.setitem(parts.MEASURE, "tcp", fails)
    found = parts.measured("tcp", None)
    assert (found["state"], found["rows"]) == ("failed", []) and str(error) in found["why"]
    monkeypatch.setitem(parts.MEASURE, "tcp", lambda _: [])
    assert parts.measured("tcp", None)["state"] == "failed"


@pytest.mark.parametrize("text", ["{}", "[]", '{"report": 99, "parts": {}}', '{"report": 1}', "no JSON"])
def test_a_file_that_is_no_report_is_refused(tmp_path, text):
    (tmp_path / "old.json").write_text(text)
    with pytest.raises(ValueError):
        parts.load(str(tmp_path / "old.json"))
    done = subprocess.run([RUN, "--from", tmp_path / "old.json"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("report: ") and not done.stdout


def test_a_part_that_there_is_not_is_refused():
    done = subprocess.run([RUN, "rtt", "latency"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no part latency: there are rtt, tcp" in done.stderr


# --- what measures


def test_rows_have_their_verdicts():
    """As the bench prints them."""
    class All:
        def all(self):
            return [made("count", "patio", patio_exits, trip=40000)]

    row = parts.MEASURE["rtt"](All())[0]
    assert [(a["what"], a["met"]) for a in row["aims"]] == [("p50", False), ("exits_per_rtt", True)]
    assert "loopback" in row["where"] and "late" in row["tail"]
    text = text_of({"parts": {**parts.empty()["parts"], "rtt": {
        "state": "measured", "why": None, "made": parts.made(1), "rows": [row]}}}, "rtt")
    assert "missed: patio kick 64: p50" in text and "met: patio kick 64: exits_per_rtt" in text


def test_a_row_of_the_curve():
    experiment = made("critical", "patio", patio_exits)
    for what, ticks in (("echo", 8192), ("floor", 4096)):
        experiment.results[f"{what}.1024"] = {"n": LONG, "tsc": dict.fromkeys(
            ("min", "mean", "med", "p90", "p99", "p999", "max"), ticks)}
    row = curve.measure(experiment, 1024)
    assert (row["p50"], row["above_floor"], row["rate"], row["floor_rate"]) == (8192, 4096, 250.0, 500.0)


def test_scripts_get_their_words():
    assert pair.run_words("kvm", clocks.CRITICAL, curve.SCRIPT) == "curve+kvm+40+8+4"
    assert pair.run_words("patio", clocks.COUNT) == "experiment+patio+2000+6000+200+16"
    text = pair.conf(clocks.COUNT, "poll", itinerary.SCRIPT)
    assert "initrd itinerary.cpio.gz control" in text and "run=itinerary+patio+140+50" in text
    assert text.endswith("move poll core 3\ntrace off\nconsole alice\n")


def test_the_way_that_was_gone_most_often():
    trips = [{"from": "ping", "to": "a", "count": 1}, {"from": "ping", "to": "b", "count": 9},
             {"from": "echo", "to": "b", "count": 99}]
    assert itinerary.best({"round_trips": trips}, "ping")["count"] == 9
    assert itinerary.best({"round_trips": trips}, "ping", "a")["count"] == 1
    with pytest.raises(NodeError):
        itinerary.best({"round_trips": trips}, "alice")


def test_noise_reads_what_the_guest_and_the_vmm_say():
    text = ("noise: window 0: 812 ticks missed, at most 400 at once\n"
            "noise: asked: 39 detours, 21480 ticks, 530 to 1340\n"
            "noise: taken: 2 detours, 812 ticks, 400 to 412\n")
    found = noise.detours(text)
    assert (found["missed"], found["longest"]) == (812, 400)
    assert found["taken"] == {"count": 2, "sum": 812, "min": 400, "max": 412}
    with pytest.raises(NodeError):
        noise.detours(text.replace("taken", "given"))
    row = {"guest": "noise", "core": None, "count": 2, "p50": 9, "p99": 9, "max": 9, "sum": 17}
    found = noise.exits({
        "exit_times": [row | {"exit": None}, row | {"exit": "io"}, row | {"exit": "msr", "count": 0}],
        "exit_buckets": [{"exit": "io", "core": None, "from": 8, "count": 2},
                         {"exit": "msr", "core": None, "from": 1, "count": 1}]})
    assert found == {"io": {"count": 2, "ticks": 17, "p50": 9, "p99": 9, "max": 9, "buckets": [[8, 2]]}}


def test_growth_describes_as_many_guests_and_routes_as_it_says():
    text = growth.conf(clocks.COUNT, "poll", 8, 0, 10)
    assert len(re.findall("^guest ", text, re.M)) == 8 and "move poll core 9\n" in text
    text = growth.conf(clocks.COUNT, "kick", 2, 1000, 3)
    routes = re.findall(r"^route src any dst (\S+) to port (\S+)$", text, re.M)
    assert len(routes) == len(set(dst for dst, _ in routes)) == 1000
    ports = dict(re.findall(r"^port (\S+) guest \S+ mac (\S+)$", text, re.M))
    assert [dst for dst, to in routes if ports[to] == dst] == list(ports.values())


def test_the_tail_of_a_distribution_is_drawn_whole():
    values, shares = plots.steps_of(list(range(6000)))
    assert values[-20:] == list(range(5980, 6000)) and len(values) < 6000 // 10
    assert shares == sorted(shares) and shares[0] == 0
    assert plots.tail_place(0.9) == pytest.approx(1) and plots.tail_place(0.999) == pytest.approx(3)
