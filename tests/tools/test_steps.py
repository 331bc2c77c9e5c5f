# SPDX-License-Identifier: BSD-2-Clause
"""tests/bench/steps.py: walks in what Bochs's debugger prints."""

import pytest

from patio import bochs
from patio.hardware import Machine, Unsupported
from patio.node import NodeError
from patio.targets import target
from steps import rows, split, walks

LOOK, EGRESS, OTHER = 0x100200, 0x100300, 0x100400


def insn(cpu, tick, address, text, code="0008"):
    return f"({cpu}).[{tick}] [0x000000{address & 0xffffff:06x}] {code}:{address:016x} (unk. ctxt): {text}   ; 90"


def in_guest(cpu, tick):
    return insn(cpu, tick, 0xffffffff8106a139, "wrmsr", "0010")


def visit(cpu, tick, interrupts=2):
    """An exit that passes a frame on: 10 ticks up to the first of its interrupts."""
    return [in_guest(cpu, tick - 1), insn(cpu, tick, OTHER, "mov eax, ebx"), insn(cpu, tick + 5, EGRESS, "push rbp"),
            *[insn(cpu, tick + 10 * (i + 1), OTHER, "wrmsr") for i in range(interrupts)], in_guest(cpu, tick + 40)]


def test_a_kick_is_a_walk_up_to_the_first_interrupt():
    text = ["Next at t=5", *visit(1, 100), "(1) Breakpoint 1, 0x0000000000100300 in ?? ()", *visit(2, 300)]
    assert walks(rows(text), EGRESS, None) == [(100, 110, (OTHER, EGRESS, OTHER)), (300, 310, (OTHER, EGRESS, OTHER))]


def test_an_exit_without_a_frame_is_none():
    text = [in_guest(1, 1), insn(1, 2, OTHER, "wrmsr"), in_guest(1, 3), insn(1, 4, EGRESS, "push rbp"), in_guest(1, 5),
            insn(1, 6, OTHER, "wrmsr")]
    assert not walks(rows(text), EGRESS, None)


def test_a_polling_core_begins_at_the_look_that_found_the_frame():
    text = [insn(3, 1, LOOK, "push rbp"), insn(3, 20, LOOK, "push rbp"), insn(3, 25, EGRESS, "push rbp"),
            insn(3, 27, LOOK, "push rbp"), insn(3, 30, OTHER, "wrmsr"), insn(3, 31, OTHER, "pause")]
    assert walks(rows(text), EGRESS, LOOK) == [(20, 30, (LOOK, EGRESS, LOOK, OTHER))]


def test_a_round_trip_is_two_walks_and_the_guests():
    """The first walk may have been traced in part."""
    text = [line for cpu, tick in ((2, 60), (1, 100), (2, 300), (1, 600), (2, 790), (1, 1100)) for line in visit(cpu, tick)]
    assert split(walks(rows(text), EGRESS, None)) == {"round_trips": 2, "ticks": 500, "vmm": 20, "guests": 480}
    with pytest.raises(NodeError):
        split(walks(rows(visit(1, 100)), EGRESS, None))


def test_commands_for_the_debugger_are_for_bochs(tmp_path, monkeypatch):
    monkeypatch.setattr(bochs, "make_iso", lambda folder, machine, files: f"{folder}/patio.iso")
    bochs.command(Machine(), [], str(tmp_path))
    assert not (tmp_path / "go.rc").exists()  # tools/bochs-run writes one
    bochs.command(Machine(debugger="lb 0x100300\nq\n"), [], str(tmp_path))
    assert (tmp_path / "go.rc").read_text() == "lb 0x100300\nq\n"
    with pytest.raises(Unsupported):
        target("qemu-svm").command(Machine(debugger="q\n"), [], str(tmp_path))
