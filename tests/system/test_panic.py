# SPDX-License-Identifier: BSD-2-Clause
"""Machine checks and panics of the VMM: the report has the place by function names."""

import re

import pytest

from machine import TINY, emulator, ended, node, only_on, passes, said, until

PANIC = 127  # the node's status; PANIC_STATUS in arch/x86_64/panic.h


@pytest.fixture(name="machine")
def the_machine(tmp_path):
    """(A node, a function that sends a command to its emulator's monitor)."""
    path = tmp_path / "monitor"
    conf = (f"guest echo kernel hello.elf cmdline hello=1 {TINY} autostart no\n"
            f"guest hit kernel mcheck.elf {TINY} autostart no\n")
    with node(conf, ["hello", "mcheck"], memory=256, cores=2,
              extra=["-monitor", f"unix:{path},server=on,wait=off"]) as n:
        yield n.ready(), lambda command: emulator(path, command)


@only_on("qemu-svm", "its monitor injects the machine check")
def test_machine_check(machine):
    """An uncorrected machine check on an idle core is a panic: its bank, the registers, a back-trace, and
    the node ends."""
    n, tell = machine
    tell("mce 0 0 0xbe00000000000000 0x5 0x12345000 0x86")
    status, text = n.wait_end()
    assert "panic on core 0: exception 18" in text
    assert ("machine check: bank 0 status be00000000000000 address 12345000 misc 86 "
            "MCG status 5" in text)
    assert re.search(r"^  rip [0-9a-f]{16} rflags", text, re.M)
    assert re.search(r"^  #0 +[0-9a-f]{16} \w+\+0x[0-9a-f]+\r*$", text, re.M)
    assert re.search(r"#\d+ +[0-9a-f]{16} boot_main\+0x", text)
    assert status == PANIC


@only_on("qemu-svm", "its monitor injects the machine check")
def test_survived_machine_check(machine):
    """An error in data that no program has consumed (UC and S, without PCC and AR) is logged, and the node
    continues; so it does after a second one, which would shut the machine down if MCG_STATUS had not been
    cleared."""
    n, tell = machine
    for address in ("12345000", "23456000"):
        tell(f"mce 1 2 0xbd00000000000000 0x5 0x{address} 0x86")
        n.expect(f"core 1 continues after a machine check: bank 2 status bd00000000000000 address "
                 f"{address} misc 86 MCG status 5")
    n.child.send("\r")
    n.ready()
    passes(n, "echo")


@only_on("qemu-svm", "its monitor injects the machine check")
def test_machine_check_in_a_guest(machine):
    """A machine check while a guest runs that has cleared CR4.MCE, which on hardware would shut the whole
    machine down: only the guest is affected, and another guest can run on that core."""
    n, tell = machine
    n.monitor("start hit")
    until("the guest waits", lambda: "waiting" in said(n, "hit"))
    tell("mce 1 0 0xbd80000000000000 0x5 0x12345000 0x86")
    ended(n, "hit")
    passes(n, "echo")
