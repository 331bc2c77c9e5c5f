# SPDX-License-Identifier: BSD-2-Clause
"""The page: one file of HTML out of a report's JSON.  It needs no network, and the same JSON gives the same
bytes."""

from html import escape
from pathlib import Path

from report.markup import details, paragraph, tag
from report.sections import SECTIONS

STYLE = Path(__file__).with_name("style.css")
TITLE = "Patio: where the time goes"
RULES = [
    "Figures of two clocks are never compared, added or divided, and no drawing has both.",
    "Figures are compared only where the emulator, its version and the guests' systems are the same; rows that "
    "differ are marked †.",
    "A tick is no nanosecond, and no figure here is the time of a real machine: caches, TLBs, exits and messages "
    "between CPUs cost nothing on either clock. What is priced says so.",
    "Figures of parts that were measured by different commits are compared with care; each part names its own.",
]


def conditions(document):
    """Every row's conditions, with the part's name."""
    for name, part in document["parts"].items():
        for row in part["rows"]:
            if row.get("conditions"):
                yield name, row["conditions"]


def clocks_table(document):
    """What each clock is, on which emulator, and whether its runs repeat."""
    found = {}
    for _, c in conditions(document):
        key = (c.get("clock"), c.get("clock_is"), c.get("emulator"))
        slot = found.setdefault(key, {"kernels": [], "repeats": {}})
        slot["kernels"].append(c.get("guests") or c.get("kernel"))
        slot["repeats"].setdefault(c.get("system"), []).append(c.get("repeats"))
    lines = []
    for (clock, about, emulator), slot in found.items():
        repeats = "; ".join(f"{system}: {text}" for system, texts in slot["repeats"].items()
                            for text in dict.fromkeys(texts))
        cells = (("clock", clock), ("a tick", about), ("emulator", emulator),
                 ("guests", "; ".join(dict.fromkeys(slot["kernels"]))), ("repeats", repeats))
        lines.append(tag("tr", "".join(tag("td", escape(str(text)), data_label=name) for name, text in cells)))
    head = tag("tr", "".join(tag("th", h, scope="col") for h in (
        "clock", "a tick", "emulator", "guests", "two runs are the same")))
    return tag("table", tag("thead", head) + tag("tbody", "".join(lines))) if lines else ""


def source(made):
    """By which commit a part was measured."""
    return made["commit"] + (" with changes" if made["modified"] else "")


def warning(document):
    """A line if the parts are of different commits, or of trees with changes."""
    found = dict.fromkeys(source(part["made"]) for part in document["parts"].values() if part["made"])
    if len(found) > 1:
        return paragraph("The parts of this report are of different commits: " + ", ".join(found) + ".", class_="odd")
    return ""


def state_of(document):
    """The list of sections, each with what became of it."""
    items = []
    for ident, heading, name, _, _ in SECTIONS:
        part = document["parts"][name]
        items.append(tag("li", tag("a", escape(heading), href=f"#{ident}") + " "
                         + tag("span", part["state"], class_=f"state {part['state'].replace(' ', '-')}")))
    return tag("nav", tag("ul", "".join(items)))


def measured_by(part):
    """Who measured a part."""
    made = part["made"]
    host = made["host"]
    return paragraph(
        f"Measured by commit {source(made)}, {made['date']}, in {made['seconds']} s, on {host['cpu']}, "
        f"{host['cpus']} CPUs, Linux {host['kernel']}, load {host['load']}; none of the figures is a time of that "
        "machine.", class_="made")


def setup(part):
    """The conditions of a part's rows as they are, each kind once."""
    seen, texts = set(), []
    for row in part["rows"]:
        c = row.get("conditions") or {}
        text = "\n".join(f"{key}: {value}" for key, value in c.items())
        if text and text not in seen:
            seen.add(text)
            texts.append(tag("pre", escape(text)))
    return details("Conditions, and the nodes' descriptions", "".join(texts)) if texts else ""


def section(document, entry):
    """One section; a part without figures says why."""
    ident, heading, name, about, make = entry
    part = document["parts"][name]
    text = tag("h2", escape(heading)) + paragraph(about)
    if part["state"] != "measured":
        text += paragraph(f"No figures: the part {name} {'was not run' if part['state'] == 'not run' else 'failed'}: "
                          f"{part['why']}.", class_="absent")
        return tag("section", text, id=ident, class_="part")
    text += make(document) + measured_by(part)
    if ident == name:  # the part's own section, not another view of it
        text += setup(part)
    return tag("section", text, id=ident, class_="part")


def html(document):
    """The whole page."""
    compare = tag("section", tag("h2", "What may be compared") + tag("ul", "".join(
        tag("li", escape(rule)) for rule in RULES)) + warning(document) + clocks_table(document),
        id="compare", class_="part")
    body = (tag("header", tag("h1", TITLE) + paragraph(
        "A frame between two guests of Patio: how long it takes, what it costs, where that goes, and what it takes "
        "from others. Each figure's place in report.json is the attribute data-from of its element.")
        + state_of(document)) + tag("main", compare + "\n".join(section(document, entry) for entry in SECTIONS)))
    head = ('<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>'
            '<link rel="icon" href="data:,"/>'
            + tag("title", TITLE) + tag("style", STYLE.read_text(encoding="utf-8")))
    return "<!DOCTYPE html>\n" + tag("html", tag("head", head) + "\n" + tag("body", body), lang="en") + "\n"
