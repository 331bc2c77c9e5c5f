# SPDX-License-Identifier: BSD-2-Clause
"""What a demonstration claims, line by line: printed with a verdict, and kept for its report."""


class Claims:
    """`lines` has the name, verdict, text and figures of each claim so far."""

    def __init__(self):
        self.lines = []

    def record(self, name, held, text, **figures):
        """Prints a line with its verdict and keeps it."""
        self.lines.append({"line": name, "held": bool(held), "text": text, **figures})
        print(f"{'ok    ' if held else 'FAILED'} {text}", flush=True)

    def all_held(self):
        return all(line["held"] for line in self.lines)
