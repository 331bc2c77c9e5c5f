# SPDX-License-Identifier: BSD-2-Clause
"""Pieces of the page.  Each figure in it has `data-from`, the JSON pointer (RFC 6901) of where it stands in
the report, so that a reader, or a test, finds it there.  The page is XML as well as HTML."""

from dataclasses import dataclass
from html import escape

from figures import cell

NARROW = 6  # columns: such a table fits a phone as it is


@dataclass(frozen=True)
class Row:
    """A row of a part, and its JSON pointer."""

    pointer: str
    data: dict

    def get(self, key):
        """The value at a path of keys, as "whole/p50"; None where there is none."""
        value = self.data
        for word in key.split("/"):
            value = value[int(word)] if isinstance(value, list) else (value or {}).get(word)
        return value


def rows_of(document, name):
    """The rows of a part."""
    return [Row(f"/parts/{name}/rows/{i}", data) for i, data in enumerate(document["parts"][name]["rows"])]


def by_clock(rows):
    """{clock: its rows}, in their order."""
    out = {}
    for row in rows:
        out.setdefault(row.get("clock"), []).append(row)
    return out


def tag(name, text, **attributes):
    """An element; `text` is markup already.  A trailing _ of an attribute's name is left out."""
    words = "".join(f' {k.rstrip("_").replace("_", "-")}="{escape(str(v))}"' for k, v in attributes.items()
                    if v is not None)
    return f"<{name}{words}>{text}</{name}>"


def paragraph(text, **attributes):
    return tag("p", escape(text), **attributes)


def figure(row, key, name="span", **attributes):
    """A number out of the report."""
    value = row.get(key)
    if value is None:
        return tag(name, "–", **attributes)
    return tag(name, escape(cell(value)), data_from=f"{row.pointer}/{key}", **attributes)


def cell_of(row, heading, key, mark):
    """A cell: a number to the right, a word to the left; `key` may be a function of the row that gives
    markup."""
    if callable(key):
        return tag("td", tag("span", key(row)), data_label=heading)
    value = row.get(key)
    if isinstance(value, str) or (value is None and key in ("mode", "system")):
        return tag("td", escape(value or "–") + mark, data_label=heading)
    return figure(row, key, "td", class_="n", data_label=heading)


def table(columns, rows, marks=None, caption=None):
    """A table of [(heading, key)]; `marks`: {a row's pointer: what stands behind its first word}."""
    marks = marks or {}
    head = tag("tr", "".join(tag("th", escape(heading), scope="col") for heading, _ in columns))
    lines = [tag("tr", "".join(cell_of(row, heading, key, marks.get(row.pointer, "") if not i else "")
                               for i, (heading, key) in enumerate(columns))) for row in rows]
    title = tag("caption", caption) if caption else ""
    narrow = "narrow" if len(columns) <= NARROW else None
    return tag("table", title + tag("thead", head) + tag("tbody", "\n".join(lines)), class_=narrow)


def details(summary, text):
    """Text that opens when it is asked for; in print it is open."""
    return tag("details", tag("summary", escape(summary)) + text)


def badge(clock, unit):
    """Which clock the figures beside it are of."""
    return tag("span", escape(f"clock {clock}: {UNITS.get(unit, unit)}"), class_=f"clock {clock}")


UNITS = {"insn": "instructions of all CPUs", "ticks": "ticks of a parallel machine"}


def plot(svg, caption):
    """A drawing with what it shows."""
    return tag("figure", svg + tag("figcaption", caption))
