"""Linux guests on a node: booting them, and what the tests ask of their shells."""

import json
import re

from machine import HERE, node, said, until
from node import LINUX

LINE = "console=hvc0 quiet cryptomgr.notests panic=-1"


def linux(name, address, words="", line=""):
    """The declaration of a Linux guest; its port is called after it."""
    return (f'guest {name} memory 192M kernel vmlinuz initrd initrd.cpio.gz {words} '
            f'cmdline "{LINE} name={name} ip={address}/24 {line}"')


def boot(conf, up, names=(), **machine):
    """Boots a node and waits for the shells of the guests `up`.  With more than one thread the
    emulator itself can make a Linux guest hang (docs/emulator-traps.md)."""
    n = node(conf, names, LINUX, **machine)
    try:
        n.ready()
        for name in up:
            wait_shell(n, name)
    except BaseException:
        n.close()
        raise
    return n


def wait_shell(n, name, boots=1):
    """Waits until the Linux guest's shell is there, at its so manieth boot as far as its console
    remembers, and silences its echo."""
    there = re.compile(rf"(@@up name={name} .*?\n.*?){{{boots}}}{name}# ", re.S)
    until(f"the shell of {name}", lambda: there.search(said(n, name)))
    n.shell(name, "stty -echo")


def run(n, name, command):
    """A command that must succeed in a Linux guest; returns its output."""
    status, text = n.shell(name, command)
    assert status == 0, (command, status, text)
    return text


def ping(n, name, address, count=5):
    """All pings are answered."""
    text = run(n, name, f"ping -c {count} -i 0.02 -W 5 {address}")
    assert f"{count} packets received" in text, text


def answers(n, name, address):
    """One ping is answered."""
    return n.shell(name, f"ping -c 1 -W 1 {address}")[0] == 0


def probe(n, name, words):
    """netprobe's result, decoded."""
    text = run(n, name, f"netprobe {words}")
    return json.loads(re.search(r"\{.*\}", text)[0])


def udp(n, name, address, rounds=200, size=64):
    r = probe(n, name, f"udp {address} 7 {rounds} 5 {size}")
    assert (r["n"], r["lost"]) == (rounds, 0), r
    return r


def less(mib):
    """What a slow target moves instead."""
    return max(1, mib // HERE.PATIENCE)


def tcp(n, name, address, mib=8):
    """TCP from one guest to the other, hashed on both sides."""
    r = probe(n, name, f"tcp {address} 9 {mib} sha")
    assert r["ok"] and r["sha256"] == r["peer_sha256"], r
    return r
