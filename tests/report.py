# SPDX-License-Identifier: BSD-2-Clause
"""A pytest plugin that prints results in the form of tests/run: a line for each test, with the output of
a failed one.

The environment's PATIO_WANTED selects the tests whose name contains it, PATIO_FILE those whose name
begins so, and PATIO_CHOSEN those that are run on this target where none is named, besides all on the
first one.  Its value is who asks.  `test`: those marked every_target, and on targets inside KVM, which
are slow, only those marked nested with the target's name.  `soak`: the same, but inside KVM all on
SVM, and on VT-x, which is slower by far, also those marked every_target, unless a nested mark names
only other targets.
"""

import os
import re
import textwrap

FULL = 12000  # characters of a failure's text
DEFAULT = "qemu-svm"  # the target that is not named in an item's name
REPORTS = []  # all, for --durations
NESTED = "kvm-"  # how the names of the targets inside KVM begin
NESTED_WHOLE = "kvm-svm"  # that of them which is fast enough for all tests in a soak


def name_of(nodeid):
    """tests/system/test_boot.py::test_iso[multiboot] -> system boot iso[multiboot]; the target
    stands after `system` when it is not the default."""
    path, _, test = nodeid.partition("::")
    file = re.sub(r"^test_|\.py$", "", os.path.basename(path))
    kind = {"tests/system": "system", "tests/tools": "unit tools"}.get(os.path.dirname(path), "bare")
    target = os.environ.get("PATIO_TARGET") or DEFAULT
    where = "" if target == DEFAULT else f" {target}"
    return f"{kind}{where} {file} {re.sub('^test_', '', test)}".strip()


def pytest_addoption(parser):
    """Options of pytest's own reporter, which its assertion code reads."""
    parser.addoption("--verbose", type=int, default=0)
    parser.addoption("--tb", dest="tbstyle", default="short")


def indented(text):
    """A failure's last lines, indented so that none looks like a verdict."""
    return textwrap.indent(text[-FULL:], "    ", lambda line: True)


def pytest_configure(config):
    config.addinivalue_line("markers", "every_target: plain `make test` runs it on each target, but "
                            "inside KVM")
    config.addinivalue_line("markers", "nested(target, ...): plain `make test` runs it there, too")


def is_chosen(item, target, chooser):
    """Whether the chooser, test or soak, runs the test on this target, which is not its first."""
    every = item.get_closest_marker("every_target")
    if not target.startswith(NESTED):
        return every
    nested = [name for mark in item.iter_markers("nested") for name in mark.args]
    if target in nested:
        return True
    return chooser == "soak" and (target == NESTED_WHOLE or (every and not nested))


def pytest_collection_modifyitems(config, items):
    wanted, file, chosen = (os.environ.get(f"PATIO_{name}", "") for name in ("WANTED", "FILE", "CHOSEN"))
    target = os.environ.get("PATIO_TARGET") or DEFAULT
    keep = [i for i in items if wanted in name_of(i.nodeid) and name_of(i.nodeid).startswith(file)
            and (not chosen or is_chosen(i, target, chosen))]
    config.hook.pytest_deselected(items=[i for i in items if i not in keep])
    items[:] = keep


def pytest_collection_finish(session):
    if session.config.option.collectonly:
        for item in session.items:
            print(name_of(item.nodeid))


def pytest_runtest_logreport(report):
    """Prints a test's verdict after its call; set-up and tear-down count only if they fail."""
    REPORTS.append(report)
    if report.skipped or (report.passed and report.when != "call"):
        if report.skipped:
            why = report.longrepr[2].removeprefix("Skipped: ")
            print(f"skip {name_of(report.nodeid)}: {why}", flush=True)
        return
    where = "" if report.when == "call" else f" ({report.when})"
    print(f"{'ok  ' if report.passed else 'FAIL'} {name_of(report.nodeid)}{where} "
          f"{report.duration:.1f} s", flush=True)
    if report.failed:
        print(indented(report.longreprtext), flush=True)


class Summary:
    """The parts of pytest's own reporter, which is switched off, that its plugins' summaries need."""

    def __init__(self, config, reports):
        self.config, self.stats = config, {"": reports}

    def write_sep(self, _, title):
        print(f"    {title}", flush=True)

    def write_line(self, line):
        print(f"    {line}", flush=True)


def pytest_sessionfinish(session, exitstatus):
    config = session.config
    if config.option.durations is not None and not config.option.collectonly:
        config.hook.pytest_terminal_summary(terminalreporter=Summary(config, REPORTS),
                                            exitstatus=exitstatus, config=config)


def pytest_collectreport(report):
    if report.failed:
        print(f"FAIL {name_of(report.nodeid)} (collect) 0.0 s\n"
              f"{indented(report.longreprtext)}")
