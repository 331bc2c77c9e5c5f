# SPDX-License-Identifier: BSD-2-Clause
"""Ways from alice to bob through a third guest, a Linux with the Dom0's image and a NIC in each of their
networks: what a switch inside the VMM is compared with.

    bridge  Linux's bridge in that guest: a privileged domain that relays
    hops    two user-level programs with UDP between them, each with a TAP device (hop.c, relay): VNET/U
"""

import os
from dataclasses import replace

import pair
from clocks import folder
from patio import cpio
from patio.hardware import BUILD, ROOT
from patio.linux_machine import INITRD, KERNEL

MEMORY = 256  # MiB of the relay
TUN = "lib/modules/90-tun.ko"  # where init loads it, after the others
BENCH = os.path.join(ROOT, "tests", "bench")


def conf(words):
    """The lines of a relay with these words on its command line, by the clock."""
    def lines(clock):
        line = " ".join(w for w in ("console=ttyS0", clock.words, pair.LINE, "name=relay", words) if w)
        return (f"guest relay cpus 1 memory {MEMORY}M kernel {os.path.basename(KERNEL)} "
                f'initrd relay.cpio.gz cmdline "{line}"\n'
                "port relay.0 guest relay mac 52:54:00:00:00:0c network left\n"
                "port relay.1 guest relay mac 52:54:00:00:00:0d network right\n")
    return lines


def files():
    """The relay's kernel, and its initramfs with what the user-level hops need."""
    path, modules = os.path.join(folder(), "relay.cpio.gz"), os.path.join(BUILD, "linux", "dom0-kernel")
    tun = next(os.path.join(where, "tun.ko") for where, _, names in os.walk(modules) if "tun.ko" in names)
    more = {TUN: tun, "bin/hop": os.path.join(folder(), "root", "bin", "hop"),
            "bin/relay": os.path.join(BENCH, "relay")}
    cpio.write(path, cpio.archive(more), INITRD)
    return [KERNEL, path]


def by(name, words, script=pair.EXPERIMENT):
    """The experiment, with a relay between the two."""
    return replace(script, way=pair.Way(name, conf(words), files, cores=1, memory=MEMORY))


BRIDGE = by("bridge", "dom0=bridge")
HOPS = by("hops", "run=relay")
TCP_BRIDGE = by("bridge", "dom0=bridge", pair.TCP)
