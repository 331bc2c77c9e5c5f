# SPDX-License-Identifier: BSD-2-Clause
"""The drawings, by matplotlib, as SVG inside of the page: no identifier twice, no address outside, text as
text, and colours by name of the style sheet (style.css), which knows light, dark and paper.

What is drawn is named by `gid`s of SVG's groups, for tests: `line-NAME` has one vertex for each figure.
"""

import io
import math
import re
from dataclasses import dataclass
from html import escape

import matplotlib

matplotlib.use("svg")

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Colours that no figure uses, each standing for one of the style sheet.
NAMES = ("ink", "soft", "grid", "paper", "floor", "kick", "poll", "adaptive", "kvm-kick", "kvm-poll",
         "step1", "step2", "step3", "step4", "step5", "step6", "step7", "step8")
COLOUR = {name: f"#fe{i:02x}fe" for i, name in enumerate(NAMES)}
FALLBACK = "adaptive"
STYLE = {"kick": ("-", "o"), "poll": ("--", "s"), "adaptive": ("-.", "^"), "kvm-kick": (":", "D"),
         "kvm-poll": ((0, (3, 1, 1, 1)), "v"), "floor": ((0, (1, 1)), "x")}
WIDTH = 3.8  # inches of 72 units; the page scales it
RC = {
    "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif", "axes.labelsize": 9,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.linewidth": 0.6,
    "axes.axisbelow": True, "lines.linewidth": 1.6, "lines.markersize": 3.5, "hatch.linewidth": 0.8,
    "text.color": COLOUR["ink"], "axes.labelcolor": COLOUR["ink"], "axes.edgecolor": COLOUR["soft"],
    "xtick.color": COLOUR["ink"], "ytick.color": COLOUR["ink"], "grid.color": COLOUR["grid"],
    "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
    "legend.handlelength": 2.6, "hatch.color": COLOUR["paper"],
}
UNIT = {"insn": "instructions", "ticks": "ticks"}


@dataclass(frozen=True)
class Series:
    """What is drawn as one: `key` is its colour's name."""

    label: str
    key: str
    x: list
    y: list


def colour_of(row):
    """The name of the colour of a row's system and mode."""
    mode = row.get("mode")
    name = mode if row.get("system") in (None, "patio") else f"kvm-{mode}"
    return name if name in STYLE else FALLBACK


def label_of(row):
    """A row's system and mode, for people."""
    system = row.get("system")
    return row.get("mode") if system in (None, "patio") else f"{system}: {row.get('mode')}"


def grouped(value, _place=None):
    """A number of an axis: digits in groups of three, or 10k."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    if value >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:g}"


def bytes_of(value, _place=None):
    """A size for people."""
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor:
            return f"{value / factor:g} {unit}"
    return f"{value:g} B"


def inside(name, text):
    """matplotlib's SVG, fit to stand in a page together with others."""
    svg = text[text.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"|\s(width|height)="[\d.]+pt"|\sversion="[^"]*"', "", svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    for colour, value in COLOUR.items():
        svg = svg.replace(value, f"var(--{colour})")
    return re.sub(r">\s+<", "><", svg).strip()


def draw(name, title, height, painter):
    """The SVG of a drawing: painter(axes) paints it.  `name` is an identifier that no other has."""
    with matplotlib.rc_context({**RC, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        painter(figure.add_subplot())
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    svg = inside(name, out.getvalue())
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}" class="plot"', 1)


def log_axis(axis, formatter, base=10):
    """A logarithmic axis with few labels."""
    axis.set_major_formatter(FuncFormatter(formatter))
    axis.set_minor_formatter(NullFormatter())
    if base == 2:
        axis.set_major_locator(LogLocator(base=2, numticks=8))


def legend(axes, lines, columns=2):
    """Above the drawing, where it hides nothing."""
    if lines:
        axes.legend(handles=lines, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0, ncol=columns)


def curves(name, title, series, labels, *, size_axis=False, log_y=True, points=True):
    """Lines over a logarithmic axis.  `labels`: of x and y."""
    def paint(axes):
        drawn = []
        for one in series:
            dash, marker = STYLE.get(one.key, ("-", "o"))
            line, = axes.plot(one.x, one.y, label=one.label, color=COLOUR[one.key], linestyle=dash,
                              marker=marker if points else None)
            line.set_gid(f"line-{one.label}".replace(" ", "-").replace(":", ""))
            drawn.append(line)
        axes.set_xscale("log", base=2)
        log_axis(axes.xaxis, bytes_of if size_axis else grouped, base=2)
        axes.set_xlim(left=min(min(one.x) for one in series) / 1.3)
        if log_y:
            axes.set_yscale("log")
            log_axis(axes.yaxis, grouped)
        else:
            axes.set_ylim(0, 1.15 * max(max(one.y) for one in series))
            axes.yaxis.set_major_formatter(FuncFormatter(grouped))
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        legend(axes, drawn)

    return draw(name, title, 3.2, paint)


TAILS = (0, 0.5, 0.9, 0.99, 0.999)
NEAR = 4  # times the least: an axis that ends below is not logarithmic
STEPS = 400  # of a distribution that has more samples


def tail_place(share):
    """Where a share of all samples stands on the axis that stretches the tail: a decade each."""
    return -math.log10(max(1 - share, 1e-9))


def steps_of(samples):
    """(values, shares) of a distribution: all of it if it is short, else enough steps of it, and each of the
    last ones."""
    ordered, n = sorted(samples), len(samples)
    places = range(n) if n <= STEPS else sorted(
        {round(i * (n - 1) / (STEPS - 1)) for i in range(STEPS)} | set(range(n - 20, n)))
    return [ordered[i] for i in places], [i / n for i in places]


def distributions(name, title, series, label):
    """Cumulative distributions of samples (`y` of each), the tail stretched: each decade of the rarest has
    the same height."""
    def paint(axes):
        drawn, top = [], 1
        near = min(min(one.y) for one in series) * NEAR > max(max(one.y) for one in series)
        for one in series:
            values, shares = steps_of(one.y)
            heights = [tail_place(share) for share in shares]
            top = max(top, heights[-1])
            line, = axes.plot(values, heights, label=one.label, color=COLOUR[one.key],
                              linestyle=STYLE.get(one.key, ("-", ""))[0], drawstyle="steps-post")
            line.set_gid(f"line-{one.label}".replace(" ", "-").replace(":", ""))
            drawn.append(line)
        if not near:
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(FuncFormatter(grouped))
            axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5), numticks=20))
            axes.tick_params(axis="x", which="minor", labelsize=8)
        axes.xaxis.set_major_formatter(FuncFormatter(grouped))
        axes.set_ylim(0, top + 0.1)
        axes.set_yticks([tail_place(share) for share in TAILS], ["0", "p50", "p90", "p99", "p99.9"])
        axes.set_xlabel(label)
        axes.set_ylabel("share of round trips")
        legend(axes, drawn)

    return draw(name, title, 3.2, paint)


@dataclass(frozen=True)
class Segment:
    """A part of a bar: `hatch` tells two of one colour apart."""

    label: str
    key: str
    length: float
    hatch: str = ""


def bars(name, title, rows, label, columns=2):
    """Horizontal stacked bars: [(name, [Segment])], in this order from above."""
    def paint(axes):
        drawn = {}
        for place, (_, segments) in enumerate(rows):
            left = 0
            for one in segments:
                bar = axes.barh(place, one.length, left=left, height=0.62, color=COLOUR[one.key],
                                hatch=one.hatch, edgecolor=COLOUR["paper"], linewidth=0.6, label=one.label)
                left += one.length
                drawn.setdefault(one.label, bar)
        axes.set_yticks(range(len(rows)), [text for text, _ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(FuncFormatter(grouped))
        axes.set_xlim(left=0)
        axes.set_xlabel(label)
        legend(axes, list(drawn.values()), columns)

    lines = len({one.label for _, segments in rows for one in segments})
    return draw(name, title, 0.9 + 0.32 * len(rows) + 0.19 * ((lines + columns - 1) // columns), paint)


BESIDE = 1.05  # times the one before: equal buckets of several series are not on top of each other


def histogram(name, title, rows, label):
    """Counts by length: [Series], whose x are the least values of buckets; those of one bucket stand side by
    side."""
    def paint(axes):
        drawn = []
        for place, one in enumerate(rows):
            marker = STYLE.get(one.key, ("-", "o"))[1]
            beside = [x * BESIDE ** place for x in one.x]
            line, = axes.plot(beside, one.y, label=one.label, color=COLOUR[one.key], linestyle="", marker=marker)
            line.set_gid(f"line-{one.label}".replace(" ", "-"))
            axes.vlines(beside, 0.7, one.y, color=COLOUR[one.key], linewidth=1)
            drawn.append(line)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
        for axis in (axes.xaxis, axes.yaxis):
            log_axis(axis, grouped)
        axes.xaxis.set_minor_formatter(FuncFormatter(grouped))
        axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5), numticks=20))
        axes.set_xlabel(label)
        axes.set_ylabel("how many")
        legend(axes, drawn)

    return draw(name, title, 3.0, paint)
