# SPDX-License-Identifier: BSD-2-Clause
"""Two Linux guests of one vCPU on three cores: what each target must support of Linux."""

import pytest

from linux import boot, linux, ping, run, tcp, udp
from machine import HERE

ALICE, BOB = "10.0.0.1", "10.0.0.2"
CONF = f"""{linux("alice", ALICE)}
{linux("bob", BOB)}
port alice guest alice mac 52:54:00:00:00:0a
port bob guest bob mac 52:54:00:00:00:0b
"""

pytestmark = [pytest.mark.every_target, pytest.mark.nested("kvm-svm")]


@pytest.fixture(name="n", scope="module")
def the_node():
    with boot(CONF, ["alice", "bob"], cores=3, memory=576) as n:
        yield n


def test_ping(n):
    ping(n, "alice", BOB)
    ping(n, "bob", ALICE)


def test_udp_and_tcp(n):
    """UDP, and TCP with equal SHA-256: 4 MiB, or 1 MiB on targets with the slowest exits."""
    udp(n, "alice", BOB, 50)
    tcp(n, "alice", BOB, 1 if HERE.NAME.startswith("kvm-") else 4)


def test_shell(n):
    """Text passes the console unchanged in both directions."""
    text = "".join(chr(33 + i % 90) for i in range(400)).replace("'", "+")
    assert run(n, "bob", f"echo '{text}'").strip() == text
    assert run(n, "bob", "seq 1 500").split() == [str(i) for i in range(1, 501)]
