# SPDX-License-Identifier: BSD-2-Clause
"""The tables of a bench: printed, on a page of docs/, and with verdicts in its JSON.

A bench is a module with run(experiments), which gives rows; COLUMNS and LABEL, which name a table's
columns and what says which row it is; PEER, and UNIT where it has no clocks; WITHOUT_CLOCK, the columns of
rows without, where others have one; REPEATS, where it repeats less than its clocks do; PAGE, where its table is
not on docs/figures.md; judge(row), where(row) and, where it has latencies, notes(row).
"""

import sys

import clocks
from figures import PAGE, cell, markdown, replace


def by_clock(rows):
    """[(the clock, or None for a bench that has one only; its rows)], in order."""
    names = list(dict.fromkeys(row.get("clock") for row in rows))
    return [(clocks.CLOCKS.get(name), [r for r in rows if r.get("clock") == name])
            for name in names]


def heading(bench, clock):
    """What the figures of a table are."""
    if clock:
        return f"clock {clock.name}: {clock.about}; {bench.PEER}"
    if hasattr(bench, "WITHOUT_CLOCK"):
        return bench.UNIT
    return f"{getattr(bench, 'UNIT', 'instructions under -icount shift=0')}; {bench.PEER}"


def columns_of(bench, clock):
    """Of the table of a clock, or of the one without."""
    return bench.COLUMNS if clock else getattr(bench, "WITHOUT_CLOCK", bench.COLUMNS)


def label(bench, row):
    return " ".join(str(row[c]) for c in bench.LABEL if row.get(c) is not None)


def remarks(bench, row):
    """Where the instructions of a row go, and what its tail is, each after its name."""
    said = [("where", bench.where(row))]
    if hasattr(bench, "notes"):
        said.append(("tail", bench.notes(row)))
    return [(name, text) for name, text in said if text]


def table(bench, name, rows):
    """Prints rows, the aims with their verdicts, and where the instructions go; a table for each
    clock."""
    for clock, part in by_clock(rows):
        columns = columns_of(bench, clock)
        cells = [columns] + [[cell(r.get(c)) for c in columns] for r in part]
        widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
        print(f"\n{name}: {heading(bench, clock)}")
        for line in cells:
            print("  " + "  ".join(text.rjust(w) for text, w in zip(line, widths)))
        for row in part:
            for what, figure, aim, met in bench.judge(row):
                print(f"  {'met   ' if met else 'MISSED'} {label(bench, row)}: {what} {cell(figure)}, "
                      f"aim at most {cell(aim)}")
            for kind, text in remarks(bench, row):
                print(f"  {kind:6} {label(bench, row)}: {text}")
        if clock:
            for system, how in getattr(bench, "REPEATS", clock.repeats).items():
                print(f"  repeats, {system}: {how}")
    sys.stdout.flush()


def page(bench, name, rows):
    """The same, as a page of docs/ has it."""
    lines = []
    for clock, part in by_clock(rows):
        if clock:
            lines += ["", f"Clock `{clock.name}`: {clock.about}; {bench.PEER}.", ""]
        elif hasattr(bench, "WITHOUT_CLOCK"):
            lines += ["", f"{bench.UNIT[0].upper()}{bench.UNIT[1:]}.", ""]
        lines += markdown(columns_of(bench, clock), part)
        for row in part:
            for kind, text in remarks(bench, row):
                lines += ["", f"{label(bench, row)}{'' if kind == 'where' else ', ' + kind}: {text}."]
    replace(name, lines[1:] if lines[:1] == [""] else lines, getattr(bench, "PAGE", PAGE))


def annotate(bench, rows):
    """Keeps the verdicts beside the figures."""
    for row in rows:
        row["aims"] = [{"what": w, "figure": f, "at_most": a, "met": m}
                       for w, f, a, m in bench.judge(row)]
        row |= dict(remarks(bench, row))
