# SPDX-License-Identifier: BSD-2-Clause
"""A guest's COM1: Linux with its console there, and standard input that is piped to a guest."""

import hashlib
import os
import random
import re
import subprocess

import pytest

from patio.hardware import ROOT
from linux import wait_shell
from machine import LIMIT, node, said, until
from patio.node import CTRL_A, LINUX, guest

LINE = "console=ttyS0 quiet cryptomgr.notests panic=-1 name=alice"
CONF = f'guest alice memory 192M kernel vmlinuz initrd initrd.cpio.gz cmdline "{LINE}"\n'
PASTE = 65536  # bytes
PIPED = 1000
PASSWORD = "seven.seas"


def random_bytes(count):
    """Random bytes except Ctrl-A, which leaves the console; the same in each run."""
    return bytes(random.Random(count).choices([b for b in range(256) if chr(b) != CTRL_A], k=count))


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(CONF, [], LINUX, cores=2, memory=384) as n:
        n.ready()
        wait_shell(n, "alice")
        yield n


def test_shell(n):
    """The shell is on ttyS0, which has an interrupt, and ttyS0 is its controlling terminal: Ctrl-C ends the
    program that runs in it."""
    assert n.shell("alice", "tty") == (0, "/dev/ttyS0\n")
    assert re.search(r"IO-APIC +4-edge +ttyS0", n.shell("alice", "cat /proc/interrupts")[1])
    # The job itself prints this: Ctrl-C sent before it is the terminal's foreground job has no effect.
    n.child.send("sh -c \"echo wai''ts; exec sleep 100000\"; echo $?\n")
    n.expect("waits")
    n.child.send("\x03")
    assert n.shell("alice", "echo $?")[0] == 0


def test_everything_is_printed(n):
    """Output by the transmitter's interrupt, as fast as the guest can write."""
    text = n.shell("alice", "seq 1000")[1]
    assert text.split() == [str(i + 1) for i in range(1000)]


def test_paste(n):
    """64 KiB of input, sent as fast as possible, arrive unchanged."""
    data = random_bytes(PASTE)
    n.enter("alice")
    n.child.send(f"stty raw; echo rea''dy; head -c {PASTE} | sha256sum; stty -raw\n")
    n.expect("ready")
    sent = 0
    while sent < PASTE:
        sent += os.write(n.child.child_fd, data[sent:sent + 4096])
    n.expect(hashlib.sha256(data).hexdigest())
    lost = [c for c in n.show("counters alice")["counters"]
            if c["counter"] in ("console.input_lost", "console.com1_lost", "console.output_lost")]
    assert not lost, lost


def test_login(n):
    """getty on ttyS0 asks for a name, login for a password, which is not echoed; the user's shell has the
    terminal, and when it ends the first shell has it again."""
    n.shell("alice", f'echo "carol:$(mkpasswd -m sha256 {PASSWORD}):1000:1000::/tmp:/bin/sh" >>/etc/passwd')
    n.child.send("exec getty -L 115200 ttyS0 vt100\n")
    n.expect("alice login: ")
    n.child.send("carol\n")
    n.expect("Password: ")
    n.child.send(f"{PASSWORD}\n")
    n.expect(r"[$] ")
    assert PASSWORD not in n.child.before
    assert n.shell("alice", "id -un; tty; ps -o pid,args | grep -c '[g]etty'") == \
        (1, "carol\n/dev/ttyS0\n0\n")  # login has replaced getty
    n.child.send("exit\n")
    n.expect("alice# ")
    assert n.shell("alice", "stty -echo; id -un; tty") == (0, "root\n/dev/ttyS0\n")


def test_poweroff(n):
    n.enter("alice")
    n.child.send("poweroff -f\n")
    until("alice has ended", lambda: n.show("guests")["guests"][0]["state"] == "ended")
    assert "Power down" in said(n, "alice")


def checksum(data):
    """FNV-1a, in the form that the guest prints."""
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


@pytest.mark.parametrize("words", ["", "poll=1"])
def test_pipe_that_ends_at_once(words):
    """Each byte of make guest's standard input arrives, also those written before the boot."""
    data = random_bytes(PIPED)
    run = subprocess.run(["tools/guest", guest("com1"), "--mem", "32M", "--args",
                          f"n={PIPED} {words}"], cwd=ROOT, input=data, capture_output=True,
                         timeout=LIMIT, check=False)
    assert run.returncode == 0, run
    assert b"input n=%d fnv=%08x" % (PIPED, checksum(data)) in run.stdout


def test_script_by_pipe():
    """Lines written before Linux booted reach its shell, whose console is COM1."""
    script = b"stty -echo\necho a$((6 * 7))b\npoweroff -f\n"
    run = subprocess.run(["tools/guest", LINUX[0], "--initrd", LINUX[1], "--args", LINE], cwd=ROOT,
                         input=script, capture_output=True, timeout=LIMIT, check=False)
    assert run.returncode == 0 and b"a42b" in run.stdout, run
