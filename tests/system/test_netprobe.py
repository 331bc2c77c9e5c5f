# SPDX-License-Identifier: BSD-2-Clause
"""When netprobe counts a datagram as lost, and what it counts; runs on the host."""

import json
import os
import socket
import struct
import subprocess
import time

from patio.hardware import BUILD
from machine import LIMIT, no_node
from stats import distribution, summary

ROUNDS, LATE_ROUND, LATE = 4, 2, 3  # LATE in seconds: longer than a datagram takes on a quiet machine

pytestmark = no_node()


def test_late_is_not_lost():
    """A datagram that is answered late, as on a busy machine, is neither lost nor sent again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(LIMIT)
        command = ["udp", "127.0.0.1", str(server.getsockname()[1]), str(ROUNDS), "0", "64"]
        with subprocess.Popen([os.path.join(BUILD, "linux", "netprobe"), *command],
                              stdout=subprocess.PIPE, text=True) as probe:
            numbers = []
            while len(set(numbers)) < ROUNDS:
                datagram, sender = server.recvfrom(99)
                numbers += struct.unpack_from("=I", datagram)
                if numbers[-1] == LATE_ROUND and numbers.count(LATE_ROUND) == 1:
                    time.sleep(LATE)
                server.sendto(datagram, sender)
            result = json.loads(probe.communicate(timeout=LIMIT)[0])
    assert numbers == list(range(ROUNDS))
    assert (result["n"], result["lost"], result["stale"]) == (ROUNDS, 0, 0), result


def test_its_figures_are_those_of_its_samples():
    """The raw samples say what the summary says; so the bench may compute it from them."""
    rounds, warm = 123, 5
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(LIMIT)
        command = ["udp", "127.0.0.1", str(server.getsockname()[1]), str(rounds), str(warm), "64",
                   "samples"]
        with subprocess.Popen([os.path.join(BUILD, "linux", "netprobe"), *command],
                              stdout=subprocess.PIPE, text=True) as probe:
            number = -1
            while number < warm + rounds - 1:
                datagram, sender = server.recvfrom(99)
                number, = struct.unpack_from("=I", datagram)
                server.sendto(datagram, sender)
            result = json.loads(probe.communicate(timeout=LIMIT)[0])
    assert len(result["tsc_samples"]) == rounds
    assert distribution(result["tsc_samples"]) == summary(result)
