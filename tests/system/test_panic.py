"""A panic of the VMM tells where it was, by names of functions."""

import re
import socket

from machine import LIMIT, TINY, node, only_on, until

PANIC = 127  # the node's status; PANIC_STATUS in arch/x86_64/platform.h


def emulator(path, command):
    """One command for the emulator's own monitor, which has taken it when it prompts again or ends."""
    with socket.socket(socket.AF_UNIX) as s:
        until("the emulator's monitor", lambda: not s.connect_ex(str(path)))
        s.settimeout(LIMIT)
        for text in b"", command.encode() + b"\n":
            s.sendall(text)
            said = b""
            while not said.endswith(b"(qemu) ") and (more := s.recv(4096)):
                said += more


@only_on("qemu-svm", "its monitor injects the machine check")
def test_machine_check(tmp_path):
    """An uncorrected machine check on an idle core: registers, a back-trace, the node's end."""
    path = tmp_path / "monitor"
    with node(f"guest echo kernel hello.elf {TINY} autostart no\n", ["hello"], memory=256, cores=2,
              extra=["-monitor", f"unix:{path},server=on,wait=off"]) as n:
        n.ready()
        emulator(path, "mce 0 0 0xb200000000000000 0x4 0 0")
        status, text = n.wait_end()
    assert "panic on core 0: exception 18" in text
    assert re.search(r"^  rip [0-9a-f]{16} rflags", text, re.M)
    assert re.search(r"^  #0 +[0-9a-f]{16} \w+\+0x[0-9a-f]+\r*$", text, re.M)
    assert re.search(r"#\d+ +[0-9a-f]{16} boot_main\+0x", text)
    assert status == PANIC
