# SPDX-License-Identifier: BSD-2-Clause
"""Dom0 and the path out of the node, with both NICs; Dom0 is stopped and started again."""

import hashlib
import socket
import threading

import pytest

from linux import answers, boot, linux, ping, run, unreachable
from machine import about, ended, only_on, said, until
from patio.outside import Outside

ALICE, ECHO_IP, OUTSIDE = "10.0.2.11", "10.0.2.12", "10.0.2.2"
CONF = f"""guest dom0 memory 64M kernel dom0.elf pci 00:03.0
{linux("alice", ALICE, line=f"gw={OUTSIDE}")}
guest echo memory 32M kernel echo.elf cmdline "ip={ECHO_IP}"
port uplink guest dom0 edge
port alice guest alice
port echo guest echo
"""
NICS = [("pc", "e1000"), ("q35", "e1000e")]
RESTS = 20  # queries of a guest's exits; between two it has time to make some

pytestmark = only_on("qemu-svm", "behind the NIC is QEMU's user network; test_wire.py is for all")


@pytest.fixture(name="outside", scope="module")
def the_server():
    with Outside(mib=4) as server:
        yield server


@pytest.fixture(name="n", scope="module", params=NICS, ids=lambda p: p[1])
def the_node(request):
    machine, nic = request.param
    with boot(CONF, ["alice"], ["dom0", "echo"], cores=4, memory=512, machine=machine,
              nic=["-netdev", "user,id=n", "-device", f"{nic},netdev=n,addr=3"]) as n:
        until("the bridge is ready", lambda: "bridge ready" in said(n, "dom0"))
        yield n


def fetch(n, outside):
    """A file is fetched from the outside server unchanged."""
    text = run(n, "alice", f"wget -q -O /tmp/f {outside.url} && sha256sum /tmp/f; rm /tmp/f")
    assert text.split()[0] == outside.sha256


def test_outside(n, outside):
    """Pings are answered, and a file arrives unchanged."""
    ping(n, "alice", OUTSIDE, 20)
    fetch(n, outside)


@pytest.fixture(name="sink")
def the_sink():
    """An outside server that hashes what it receives: (its port, a function that returns the hash)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = []

        def serve():
            peer, _ = server.accept()
            digest = hashlib.sha256()
            with peer:
                while data := peer.recv(65536):
                    digest.update(data)
                found.append(digest.hexdigest())
                peer.sendall(b"got it\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], lambda: thread.join() or found[0]


def test_upload(n, sink):
    """TCP in the other direction: large frames are segmented and checksums completed on the way out."""
    port, digest = sink
    text = run(n, "alice", f"netprobe pattern 4 | tee /tmp/p | nc {OUTSIDE} {port}; "
               "sha256sum /tmp/p; rm /tmp/p")
    assert text.split()[:3] == ["got", "it", digest()]


def test_dom0_halts_when_idle(n):
    """Dom0 makes no exit without traffic, while other guests run."""
    run(n, "alice", "true")
    n.leave()
    until("it rests", lambda: len({str(n.exits("dom0")) for _ in range(RESTS)}) == 1)


def test_death_and_return(n, outside):
    """Without Dom0 local traffic continues and frames to the outside are counted as drops; when Dom0 is
    back, they pass."""
    ping(n, "alice", OUTSIDE)
    n.monitor("stop dom0")
    ended(n, "dom0")
    ping(n, "alice", ECHO_IP)
    unreachable(n, "alice", OUTSIDE, "uplink")
    ping(n, "alice", ECHO_IP)
    n.monitor("start dom0")
    until("the bridge is back", lambda: said(n, "dom0").count("bridge ready") == 2)
    assert about(n, "dom0")["starts"] == 2
    until("outside answers", lambda: answers(n, "alice", OUTSIDE))
    ping(n, "alice", OUTSIDE, 20)
    fetch(n, outside)
