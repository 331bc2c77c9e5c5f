# SPDX-License-Identifier: BSD-2-Clause
"""Linux guests on a node: booting them, and running commands in their shells."""

import json
import re
import zlib

from machine import HERE, moved, node, said, until
from patio.node import LINUX

PING_WAIT = 120  # seconds of the guest's clock after the last ping: one without an answer by then is lost
LINE = "console=hvc0 quiet cryptomgr.notests panic=-1"


def linux(name, address, words="", line=""):
    """The declaration of a Linux guest and its port, which has the same name."""
    return (f'guest {name} memory 192M kernel vmlinuz initrd initrd.cpio.gz {words} '
            f'cmdline "{LINE} name={name} ip={address}/24 {line}"')


def boot(conf, up, names=(), modules=LINUX, **machine):
    """Boots a node with these kernel and initrd and waits for the shells of the guests `up`.  With more than one thread the
    emulator itself can make a Linux guest hang (docs/emulator-traps.md)."""
    n = node(conf, names, modules, **machine)
    try:
        n.ready()
        for name in up:
            wait_shell(n, name)
    except BaseException:
        n.close()
        raise
    return n


def wait_shell(n, name, boots=1):
    """Waits for the Linux guest's shell, of the given boot among those that its console's history
    shows, and turns the echo off."""
    there = re.compile(rf"(@@up name={name} .*?\n.*?){{{boots}}}{name}# ", re.S)
    until(f"the shell of {name}", lambda: there.search(said(n, name)))
    n.shell(name, "stty -echo")


def run(n, name, command):
    """A command that must succeed in a Linux guest; returns its output."""
    status, text = n.shell(name, command)
    assert status == 0, (command, status, text)
    return text


def beside(command):
    """The command line that runs a command in the background.  The shell must not be its parent: without
    the terminal's echo BusyBox's shell ends if a child ends while it waits for a line
    (docs/linux-guest.md)."""
    return f"( ({command}) & )"


def one_member(path):
    """Whether the archive is one gzip member: GRUB unpacks what it loads, and only the first one."""
    unpacker = zlib.decompressobj(wbits=31)
    with open(path, "rb") as f:
        unpacker.decompress(f.read())
    return unpacker.eof and not unpacker.unused_data


def answered(command, address, count=5, words=""):
    """Pings; None if all are answered, else ping's output.  `command`: a function that runs a command
    in a shell and returns its output."""
    text = command(f"ping -c {count} -i 0.02 -W {PING_WAIT} {words} {address} || true")
    return None if f"{count} packets received" in text else text


def ping(n, name, address, count=5, *, size=56, nodes=()):
    """All pings are answered; a failure shows the counters of all nodes on the path."""
    lost = answered(lambda command: run(n, name, command), address, count, f"-s {size}")
    assert not lost, (lost, moved(*(nodes or [n])))


def answers(n, name, address):
    """One ping is answered."""
    return n.shell(name, f"ping -c 1 -W 1 {address}")[0] == 0


def probe(n, name, words):
    """netprobe's result, decoded."""
    text = run(n, name, f"netprobe {words}")
    return json.loads(re.search(r"\{.*\}", text)[0])


def unreachable(n, name, address, port):
    """Each ping fails, and its frames are counted as bridge_down at the port, because Dom0 is not running.
    A guest that has forgotten the address sends ARP requests instead, fewer than pings."""
    before = n.counter(port, "drop.bridge_down")

    def counted():
        assert not answers(n, name, address)
        return n.counter(port, "drop.bridge_down") >= before + 3

    until("frames are counted", counted)


def udp(n, name, address, rounds=200, size=64, nodes=()):
    r = probe(n, name, f"udp {address} 7 {rounds} 5 {size}")
    assert (r["n"], r["lost"]) == (rounds, 0), (r, moved(*(nodes or [n])))
    return r


def less(mib):
    """The MiB to transfer: fewer on a slow target."""
    return max(1, mib // HERE.PATIENCE)


def tcp(n, name, address, mib=8):
    """TCP from one guest to the other, hashed on both sides."""
    r = probe(n, name, f"tcp {address} 9 {mib} sha")
    assert r["ok"] and r["sha256"] == r["peer_sha256"], r
    return r
