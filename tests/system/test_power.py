# SPDX-License-Identifier: BSD-2-Clause
"""How a node ends on a machine: power-off by ACPI, reset, and a reset after a panic, whose text is kept.

The machines here lack the emulator's exit port, so that the hardware's own methods are used.
"""

import re

import pytest

from machine import HERE, TINY, emulator, judge, node, only_on, said, until

HELLO = f'guest hello kernel hello.elf cmdline "hello=1" {TINY}\n'
BARE = {"memory": 256, "exit_port": False}


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_poweroff(machine):
    """ACPI S5 ends the emulator."""
    with node(HELLO, ["hello"], machine=machine, **BARE) as n:
        n.ready()
        judge(n, "hello")
        n.child.send("poweroff\r")
        status, text = n.wait_end()
    assert status == 0 and "could not be switched off" not in text, text
    assert HERE.NAME != "qemu-svm" or n.child.exitstatus == 0


def begins_again(n):
    """The machine was reset, and boots to the monitor."""
    n.expect(r"Patio on ")
    n.ready()


def test_reboot():
    """`reboot` resets the machine; the next boot reports no panic."""
    with node(HELLO, ["hello"], reboots=True, **BARE) as n:
        n.ready()
        n.child.send("reboot\r")
        begins_again(n)
        judge(n, "hello")
        assert n.show("last-panic") == {"last_panic": {"boots_ago": None, "time": None},
                                        "last_panic_text": []}


@pytest.mark.parametrize("boot", [
    "kernel", pytest.param("multiboot2", marks=pytest.mark.every_target)])
def test_panic_text(boot):
    """A panic on another core resets the machine, and the next boots have its text."""
    with node(HELLO, ["hello"], boot=boot, reboots=True, options="self-test=panic-once-1 panic=reset,1s",
              **BARE) as n:
        n.expect("patio: panic on core 1: self-test panic-once")
        n.expect("patio: resets in 1 s")
        n.expect(r"warn\] the last boot ended in a panic \(`show last-panic`\): "
                 "patio: panic on core 1: self-test panic-once")
        n.ready()
        judge(n, "hello")
        kept = n.show("last-panic")
        assert kept["last_panic"]["boots_ago"] == 1
        lines = [row["line"] for row in kept["last_panic_text"]]
        assert lines[0] == "patio: panic on core 1: self-test panic-once", lines
        assert any(re.fullmatch(r" +#\d+ +[0-9a-f]{16} core_main\+0x[0-9a-f]+", l) for l in lines), lines
        if HERE.NAME == "qemu-svm":
            n.child.send("reboot\r")
            begins_again(n)
            assert n.show("last-panic")["last_panic"]["boots_ago"] == 2


@only_on("qemu-svm", "its monitor injects the machine check")
def test_panic_as_described(tmp_path):
    """`panic` in patio.conf: a reset although the emulator has an exit port; with guests running."""
    path = tmp_path / "monitor"
    conf = (f"guest echo kernel echo.elf cmdline ip=10.0.0.1 {TINY}\nport echo.0 guest echo\n"
            "panic reset 0s\n")
    with node(conf, ["echo"], memory=256, cores=2, reboots=True,
              extra=["-monitor", f"unix:{path},server=on,wait=off"]) as n:
        n.ready()
        until("the guest runs", lambda: "echo: ready" in said(n, "echo"))
        emulator(path, "mce 0 0 0xbe00000000000000 0x5 0x12345000 0x86")
        n.expect("panic on core 0: exception 18")
        n.expect("the last boot ended in a panic")
        n.ready()
        text = n.monitor("show last-panic")
        assert "machine check: bank 0 status be00000000000000" in text
        assert re.search(r"^  rip [0-9a-f]{16} rflags", text, re.M), text


@only_on("qemu-svm", "its monitor injects the machine check")
def test_devices_are_silent(tmp_path):
    """After a panic with `panic halt` bus mastering is off in the NIC that a guest was using."""
    path = tmp_path / "monitor"
    conf = "guest dom0 memory 64M kernel dom0.elf pci 00:03.0\nport uplink guest dom0 edge\npanic halt\n"

    def masters():
        """Bit 2 of the command register of 00:03.0, by configuration mechanism #1."""
        emulator(path, "o /w 0xcf8 0x80001804")
        word = re.search(r"portw?\S*\[0x0cfc\] = (0x\w+)", answer := emulator(path, "i /hx 0xcfc"))
        assert word, answer
        return int(word[1], 16) & 4

    with node(conf, ["dom0"], memory=512, cores=2,
              nic=["-netdev", "user,id=n", "-device", "e1000,netdev=n,addr=3"],
              extra=["-monitor", f"unix:{path},server=on,wait=off"]) as n:
        n.ready()
        until("the bridge is ready", lambda: "bridge ready" in said(n, "dom0"))
        assert masters()
        emulator(path, "mce 0 0 0xbe00000000000000 0x5 0x12345000 0x86")
        n.expect("patio: ends with status 127")
        until("the NIC is silent", lambda: not masters())
