# SPDX-License-Identifier: BSD-2-Clause
"""The checks of a demonstration: each is printed with its verdict, and kept for the report."""


class Claims:
    """`lines` has the name, verdict, text and figures of each check so far."""

    def __init__(self):
        self.lines = []

    def record(self, name, held, text, **figures):
        """Prints a line with its verdict and keeps it."""
        self.lines.append({"line": name, "held": bool(held), "text": text, **figures})
        print(f"{'ok    ' if held else 'FAILED'} {text}", flush=True)

    def all_held(self):
        return all(line["held"] for line in self.lines)
