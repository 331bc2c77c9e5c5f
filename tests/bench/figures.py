# SPDX-License-Identifier: BSD-2-Clause
"""The tables of `make bench` on a page of docs/, most on figures.md, each between two lines that name it.

    <!-- rtt: make bench BENCH=rtt WRITE=1 -->
    <!-- end of rtt -->
"""

import os
import re

from patio.hardware import ROOT

PAGE = "figures.md"


def markdown(columns, rows):
    """A table; rows are dictionaries, and what a row has not is a dash."""
    lines = [columns, ["---"] * len(columns), *([cell(row.get(c)) for c in columns] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def cell(value):
    """A figure as text, digits in groups of three."""
    if value is None:
        return "-"
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)


def replace(name, lines, page=PAGE):
    """Puts lines where a page of docs/ has the table of that name; the page must have one."""
    path = os.path.join(ROOT, "docs", page)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    first, last = f"<!-- {name}: make bench BENCH={name} WRITE=1 -->", f"<!-- end of {name} -->"
    pattern = re.compile(re.escape(first) + ".*?" + re.escape(last), re.S)
    if len(pattern.findall(text)) != 1:
        raise OSError(f"docs/{page} has not one place for {name}")
    block = "\n".join([first, "", *lines, "", last])
    with open(path, "w", encoding="utf-8") as file:
        file.write(pattern.sub(lambda _: block, text))
