# SPDX-License-Identifier: BSD-2-Clause
"""What the page shows of each part: a function of the report, the same for the same JSON."""

from html import escape

from report import plots
from report.markup import badge, by_clock, details, figure, paragraph, plot, rows_of, table, tag
from report.plots import Segment, Series, colour_of, label_of
from rtt import FRAMES

STEPS = {"kick": "step1", "taken": "step2", "looked_up": "step3", "copied": "step4", "guest_taken": "step5",
         "nic_taken": "step6", "guest_given": "step7"}  # a leg, by the point where it begins
LEGS = {"kick": "kick to taken", "taken": "looked up", "looked_up": "copied", "copied": "interrupt sent",
        "guest_taken": "Dom0, to its NIC", "nic_taken": "Dom0, from its NIC", "guest_given": "Dom0's kick",
        "raised": "receiver", "nic_given": "wire, other node"}


BESIDE_COLUMNS = 7  # of a table that stands beside a drawing


def aims(rows):
    """The verdicts on rows, as a list."""
    out = []
    for row in rows:
        for i, aim in enumerate(row.get("aims") or []):
            word = "met" if aim["met"] else "missed"
            of = " ".join(str(w) for w in (row.get("system"), row.get("mode"), row.get("size")) if w)
            out.append(tag("li", f"{word}: {escape(of)}: {escape(aim['what'])} {figure(row, f'aims/{i}/figure')}, "
                           f"aim at most {figure(row, f'aims/{i}/at_most')}", class_=word))
    return tag("ul", "".join(out), class_="aims") if out else ""


# What rows that are compared have in common.
ALIKE = {"emulator": lambda c: c.get("emulator"), "guests": lambda c: c.get("guests") or c.get("kernel")}


def differences(rows):
    """({a row's pointer: its mark}, [text]): what rows of one table were not measured alike on."""
    marks, found = {}, {}
    first = rows[0].get("conditions") or {}
    for row in rows[1:]:
        own = row.get("conditions") or {}
        odd = [f"{name}: {running(own)} instead of {running(first)}" for name, running in ALIKE.items()
               if running(own) != running(first)]
        if "earlier" in str(row.get("system")):
            odd.append("of an earlier run")
        if odd:
            marks[row.pointer] = " †"
            of = " ".join(row.get(key) for key in ("system", "path", "mode") if row.get(key))
            found.setdefault("; ".join(odd), {})[of] = None
    return marks, [f"† {', '.join(of)}: {odd}. Not to be compared with the rows above." for odd, of in found.items()]


def clock_block(clock, rows, pictures, columns, more="", open_table=True):
    """Everything of one clock: drawings, the table, and what is odd about its rows.  One drawing has its
    table beside it where there is room."""
    marks, texts = differences(rows)
    shown = table(columns, rows, marks)
    if not open_table:
        shown = details("The figures", shown)
    notes = "".join(paragraph(text, class_="odd") for text in texts)
    heading = tag("h3", badge(clock, rows[0].get("unit")))
    drawings = tag("div", "".join(pictures), class_="plots")
    figures = tag("div", shown + notes + more)
    beside = " beside" if len(pictures) == 1 and len(columns) <= BESIDE_COLUMNS else ""
    return tag("section", heading + tag("div", drawings + figures, class_=f"body{beside}"), class_="clock-block")


def blocks(rows, one):
    """one(clock, its rows) of each clock."""
    return "".join(one(clock, part) for clock, part in by_clock(rows).items())


# --- round trips


RTT = [("system", "system"), ("mode", "mode"), ("bytes", "size"), ("p50", "p50"), ("p90", "p90"), ("p99", "p99"),
       ("p99.9", "p99.9"), ("max", "max"), ("min", "min"), ("mean", "mean"),
       ("loopback p50", "floor_p50"), ("above loopback", "above_floor"), ("exits a frame", "exits_per_frame"),
       ("with priced exits", "priced"), ("lost", "lost")]


def remarks(rows):
    """Where the time goes, and the late ones, of each row."""
    lines = [tag("li", escape(f"{label_of(row.data)}, {row.get('size')} bytes: {row.get(key)}."))
             for row in rows for key in ("where", "tail") if row.get(key)]
    return details("Where it goes, and which round trips were late", tag("ul", "".join(lines))) if lines else ""


def rtt(document):
    """Distributions, tables, tails."""
    def one(clock, rows):
        unit = plots.UNIT[rows[0].get("unit")]
        pictures = []
        for size in dict.fromkeys(row.get("size") for row in rows):
            series = [Series(label_of(r.data), colour_of(r.data), [], r.get("samples")) for r in rows
                      if r.get("size") == size]
            name = f"rtt-{clock}-{size}"
            pictures.append(plot(plots.distributions(
                name, f"Distribution of round trips of {size} bytes, clock {clock}", series,
                f"round trip, {unit}"), escape(f"Round trips of {size} bytes, cumulative. Each step up the "
                                               "axis is a tenth of the rest: the tail is not hidden.")))
        return clock_block(clock, rows, pictures, RTT, aims(rows) + remarks(rows))

    return blocks(rows_of(document, "rtt"), one)


# --- the modes, and exits; out of rtt's rows


def split_of(row):
    """Loopback, the network, the price of exits."""
    return [Segment("sockets and UDP (loopback)", "floor", row.get("floor_p50")),
            Segment("the network between the guests", "step1", row.get("above_floor")),
            Segment("exits, as priced", "step2", row.get("priced") - row.get("p50"), "////")]


MODES = [("system", "system"), ("mode", "mode"), ("loopback p50", "floor_p50"), ("above loopback", "above_floor"),
         ("p50", "p50"), ("with priced exits", "priced"), ("of poll's", "to_poll")]


def modes(document):
    """How frames are moved, side by side: the round trip of the smallest message."""
    rows = rows_of(document, "rtt")
    least = min((row.get("size") for row in rows), default=0)

    def one(clock, part):
        unit = plots.UNIT[part[0].get("unit")]
        svg = plots.bars(f"modes-{clock}", f"Round trips by mode, clock {clock}",
                         [(label_of(r.data), split_of(r)) for r in part], f"median round trip, {unit}", 1)
        return clock_block(clock, part, [plot(svg, f"Median round trip of {least} bytes. Neither emulator prices an "
                                              f"exit, so {figure(part[0], 'exit_cycles')} for each stand beside, "
                                              "waited for or not.")], MODES)

    return blocks([row for row in rows if row.get("size") == least], one)


EXITS = [("system", "system"), ("mode", "mode"), ("bytes", "size"), ("exits a frame", "exits_per_frame"),
         ("exits a round trip", "exits_per_rtt")]


def reasons(row, known):
    """A row's exits a frame, by reason; the peer's counters overlap, so only their sum is shown."""
    found = row.get("by_reason") or {}
    if row.get("system") != "patio":
        return [Segment("all reasons", "floor", row.get("exits_per_frame"))]
    return [Segment(why, f"step{known.index(why) % 8 + 1}", found[why]["exits"] / FRAMES) for why in known
            if why in found]


def exits(document):
    """Exits a frame, by their reasons."""
    rows = rows_of(document, "rtt")
    known = sorted({why for row in rows if row.get("system") == "patio" for why in row.get("by_reason") or {}})

    def one(clock, part):
        svg = plots.bars(f"exits-{clock}", f"Exits for each frame, clock {clock}", [
            (f"{label_of(r.data)}, {r.get('size')} B", reasons(r, known)) for r in part], "exits a frame", 3)
        return clock_block(clock, part, [plot(svg, "Exits of both guests for each frame of a round trip; a round "
                                              "trip has two frames.")], EXITS)

    return blocks(rows, one)


# --- message sizes, throughput


CURVE = [("system", "system"), ("mode", "mode"), ("bytes", "size"), ("p50", "p50"), ("p90", "p90"), ("max", "max"),
         ("loopback p50", "floor_p50"), ("above loopback", "above_floor"), ("bytes in 1000", "rate"),
         ("loopback's", "floor_rate")]


def curve(document):
    """Round trip and rate by the size of a message."""
    def one(clock, rows):
        unit = plots.UNIT[rows[0].get("unit")]
        kinds = list(dict.fromkeys((r.get("system"), r.get("mode")) for r in rows))
        lines = {kind: [r for r in rows if (r.get("system"), r.get("mode")) == kind] for kind in kinds}

        def series(key, floor):
            out = [Series(label_of(part[0].data), colour_of(part[0].data), [r.get("size") for r in part],
                          [r.get(key) for r in part]) for part in lines.values()]
            first = lines[kinds[0]]
            return out + [Series("loopback", "floor", [r.get("size") for r in first],
                                 [r.get(floor) for r in first])]

        pictures = [
            plot(plots.curves(f"curve-{clock}", f"Round trip by message size, clock {clock}",
                              series("p50", "floor_p50"), ("message", f"median round trip, {unit}"), size_axis=True),
                 "Round trip of a message over TCP, both axes logarithmic."),
            plot(plots.curves(f"rate-{clock}", f"Throughput by message size, clock {clock}",
                              series("rate", "floor_rate"), ("message", f"bytes in 1000 {unit}"), size_axis=True),
                 "The same as throughput: what one direction carries. Loopback does both ends on one CPU.")]
        return clock_block(clock, rows, pictures, CURVE, open_table=False)

    return blocks(rows_of(document, "curve"), one)


TCP = [("system", "system"), ("mode", "mode"), ("a MiB", "per_mib"), ("loopback", "floor_per_mib"),
       ("bytes in 1000", "bytes_per_1000"), ("exits a MiB", "exits_per_mib"), ("the VMM's part", "vmm_per_mib"),
       ("with priced exits", "priced")]


def tcp(document):
    """Bulk."""
    def one(clock, rows):
        unit = plots.UNIT[rows[0].get("unit")]
        bars = [(label_of(r.data), [
            Segment("a MiB", "step1", r.get("per_mib")),
            Segment("exits, as priced", "step2", r.get("priced") - r.get("per_mib"), "////")]) for r in rows]
        bars += [("loopback", [Segment("loopback in one guest", "floor", rows[0].get("floor_per_mib"))])]
        svg = plots.bars(f"tcp-{clock}", f"A MiB over TCP, clock {clock}", bars, f"{unit} for a MiB", 2)
        return clock_block(clock, rows, [plot(svg, "What a MiB takes: shorter is faster.")], TCP, aims(rows))

    return blocks(rows_of(document, "tcp"), one)


# --- the itinerary


def legs_of(row):
    """The steps of a way, those of the reply hatched."""
    out = []
    for i, leg in enumerate(row.get("legs")):
        point = leg["from"].rstrip("'")
        back = leg["from"].endswith("'")
        out.append(Segment(LEGS.get(point, point), STEPS.get(point, "floor" if point == "raised" else "step8"),
                           row.get(f"legs/{i}/p50"), "////" if back else ""))
    return out


WHOLE = [("path", "path"), ("mode", "mode"), ("round trips", "count"), ("p50", "whole/p50"), ("p99", "whole/p99"),
         ("max", "whole/max"), ("sum of the steps' p50", "legs_p50"), ("records lost", "lost")]


def way(row):
    """The table of one way's steps."""
    lines = []
    for i, leg in enumerate(row.get("legs")):
        cells = [tag("td", escape(leg[k]), data_label=k) for k in ("from", "to")]
        cells += [figure(row, f"legs/{i}/{k}", "td", class_="n", data_label=k) for k in ("p50", "p99", "max")]
        lines.append(tag("tr", "".join(cells)))
    head = tag("tr", "".join(tag("th", h, scope="col") for h in ("from", "to", "p50", "p99", "max")))
    return details(f"{row.get('path')}, {row.get('mode')}: each step", tag(
        "table", tag("thead", head) + tag("tbody", "".join(lines)), class_="narrow"))


def inside_only(row):
    """The steps inside of nodes and Dom0s: what is left without peers and wires."""
    return [s for s in legs_of(row) if s.key not in ("floor", "step8")]


def itinerary(document):
    """Stacked bars of the steps."""
    def one(clock, rows):
        unit = plots.UNIT[rows[0].get("unit")]
        pictures = []
        for name, pick, text in (
                ("way", legs_of, "Medians of each step, the reply's hatched."),
                ("inside", inside_only, "The same without the peer's stack and the wire: the VMM, and Dom0 where the "
                                        "way leads through it.")):
            svg = plots.bars(f"{name}-{clock}", f"Steps of a round trip, clock {clock}", [
                (f"{r.get('path')}, {r.get('mode')}", pick(r)) for r in rows], f"{unit}", 2)
            pictures.append(plot(svg, escape(text)))
        return clock_block(clock, rows, pictures, WHOLE, "".join(way(row) for row in rows))

    return blocks(rows_of(document, "itinerary"), one)


# --- noise


NOISE = [("beside it", "beside"), ("window", "window"), ("missed in the window", "missed"), ("longest", "longest"),
         ("detours by others", "taken/count"), ("VMM: exits by others", "stolen_exits"),
         ("VMM: their ticks", "stolen_ticks"), ("own detours", "asked/count"), ("own, in all", "asked/sum"),
         ("frames of the others", "frames_beside"), ("exits of the others", "exits_beside")]
BESIDE = {"alone": "floor", "traffic": "kick", "hogs": "poll"}


def noise(document):
    """What a computing guest loses."""
    def one(clock, rows):
        series = []
        for row in rows:
            found = {}
            for entry in row.get("exits").values():
                for least, count in entry["buckets"]:
                    found[least] = found.get(least, 0) + count
            least = sorted(found)
            series.append(Series(row.get("beside"), BESIDE.get(row.get("beside"), plots.FALLBACK), least,
                                 [found[n] for n in least]))
        svg = plots.histogram(f"noise-{clock}", f"Exits of the computing guest by their length, clock {clock}",
                              series, f"an exit, {plots.UNIT[rows[0].get('unit')]}")
        return clock_block(clock, rows, [plot(svg, escape(
            "All exits of the guest that computes, its own included (its start, its console, a CPUID now and then), "
            "by the VMM's histogram. The table has what the guest itself saw beside what the VMM booked."))], NOISE)

    return blocks(rows_of(document, "noise"), one)


# --- growth


GUESTS = [("mode", "mode"), ("guests", "guests"), ("p50", "p50"), ("worst pair's p50", "p50_worst"), ("least", "min"),
          ("VMM for a frame, on average", "vmm_per_frame"), ("frames", "frames")]
ROUTES = [("routes", "routes"), ("p50", "p50"), *GUESTS[4:]]


def growth(name, key, columns):
    """A section of figures over a growing number."""
    def one(clock, rows):
        unit = plots.UNIT[rows[0].get("unit")]
        kinds = dict.fromkeys(row.get("mode") for row in rows)

        def series(figure_name):
            return [Series(mode, mode if mode in plots.STYLE else plots.FALLBACK,
                           [r.get(key) for r in rows if r.get("mode") == mode],
                           [r.get(figure_name) for r in rows if r.get("mode") == mode]) for mode in kinds]

        pictures = [plot(plots.curves(f"{name}-{figure_name}-{clock}", f"{text} by number of {key}, clock {clock}",
                                      series(figure_name), (key, f"{unit}"), log_y=False), escape(text + "."))
                    for figure_name, text in (("p50", "Median round trip"),
                                              ("vmm_per_frame", "The VMM's part of a frame, on average"))]
        return clock_block(clock, rows, pictures, columns)

    return lambda document: blocks(rows_of(document, name), one)


# Each section of the page: its identifier, heading, the part that it is made of, what it shows, how it is made.
SECTIONS = [
    ("rtt", "Round trips", "rtt", "UDP between two Linux guests on one node: every percentile, not an average.", rtt),
    ("modes", "How frames are moved", "rtt", "The same round trips by the mode in which the switch runs, and by the "
     "system; of the peer where it was measured.", modes),
    ("exits", "Exits", "rtt", "What the guests leave for the VMM for each frame.", exits),
    ("curve", "By the size of a message", "curve", "Messages of one byte to a MiB, there and back over one TCP "
     "connection, as NetPIPE does it.", curve),
    ("tcp", "Bulk", "tcp", "TCP, one way, as fast as it goes.", tcp),
    ("itinerary", "The itinerary", "itinerary", "Where the time of a round trip went, from the node's own trace. "
     "“local” is between two Linux guests; “tiny” between two small guests of our own, and “direct”, “vxlan” and "
     "“udp” between such guests on two networks, through two Dom0s, two NICs and a wire.", itinerary),
    ("noise", "Noise", "noise", "What a guest that only computes loses to others.", noise),
    ("guests", "More guests", "guests", "Pairs of small guests in one network, all of which talk at once. On the count "
     "clock a round trip has the instructions of all of them; only the VMM's part is of one frame.",
     growth("guests", "guests", GUESTS)),
    ("routes", "More routes", "routes", "One pair in a network that looks up routes.",
     growth("routes", "routes", ROUTES)),
]

