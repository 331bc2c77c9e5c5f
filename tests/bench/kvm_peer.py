# SPDX-License-Identifier: BSD-2-Clause
"""The peer: the same two guests under Linux, KVM, vhost-net and a bridge, in the same emulated machine.

The Linux with KVM is that of the targets kvm-svm and kvm-vmx (tools/patio/nested.py, tools/kvm/), with
one archive in front: tests/bench/peer/ and the guests' files, which are alice's and bob's on a node,
byte for byte.  It is set up as a careful user does it: each vCPU and each vhost worker has a CPU of its
own where the clock knows more than one, no mitigations, modern virtio with MSI-X, TAP with offloads.
"""

import lzma
import os

from icount import EXTRA, kernel_version
import pair
from patio import cpio, nested, qemu
from patio.emulator import Emulator
from patio.hardware import BUILD, ROOT
from patio.node import LINUX

MEMORY = 1024  # MiB of the Linux with KVM
FOLDER = os.path.join(ROOT, "tests", "bench", "peer")
QEMU = os.path.join(BUILD, "bench", "qemu-system-x86_64")  # mended, see mend-qemu
MODULES = "llc stp bridge tun tap vhost_iotlb vhost vhost_net".split()
KERNEL = os.path.join(BUILD, "linux", "kernel", "root", "lib", "modules")
FIRMWARE = "/usr/share/qemu/linuxboot_dma.bin"  # for QEMU's -kernel
# 200 us and 50 us, at the rate of a real CPU: as many ticks of one that runs at 50 MHz.
HALT_POLL_NS, VHOST_POLL_US = 10_000_000, 2500


def modules():
    """{name in the archive: path or bytes} of the modules that a bridge and vhost-net need; what the
    kernel has built in is not among them."""
    found, out = {}, {}
    for where, _, names in os.walk(KERNEL):
        found |= {name: os.path.join(where, name) for name in names}
    for name in MODULES:
        if f"{name}.ko" in found:
            out[f"node/modules/{name}.ko"] = found[f"{name}.ko"]
        elif f"{name}.ko.xz" in found:
            with lzma.open(found[f"{name}.ko.xz"]) as packed:
                out[f"node/modules/{name}.ko"] = packed.read()
    return out


def setting(clock, mode):
    """(CPUs, host's arguments, its files by name) of the peer that stands beside Patio in `mode`.

    On the count clock there is one CPU (docs/emulator-traps.md).  On the critical one `kick` is KVM
    as it comes but that its polling before a halt is long enough to succeed; `poll` spends a CPU more,
    as Patio's does, on vhost that polls, and on guests that never leave their CPUs.
    """
    if clock.name == "count":
        return 1, "0 0 0 0", {"halt-poll-ns": "", "qemu.args": "", "net.args": ""}
    if mode == "kick":
        return 3, "1 2 0 0", {"halt-poll-ns": f"{HALT_POLL_NS}\n", "qemu.args": "", "net.args": ""}
    return 4, "1 2 3 0", {"halt-poll-ns": "", "qemu.args": "-overcommit cpu-pm=on",
                          "net.args": f",poll-us={VHOST_POLL_US}"}


def modes(clock):
    """Those that the peer has on that clock: with one CPU nobody can poll."""
    return ["kick"] if clock.name == "count" else ["kick", "poll"]


def lines(clock, mode, script=pair.EXPERIMENT):
    """{guest: kernel command line}."""
    words = f"panic=-1 {pair.idle(clock, mode)}".strip()
    return {"alice": f"console=hvc0 {pair.line('alice', words, pair.run_words('kvm', clock, script))}",
            "bob": f"console=ttyS0 {pair.line('bob', words)}"}


def archive(clock, mode, script):
    """The bytes of /node in the Linux with KVM."""
    _, words, files = setting(clock, mode)
    files = files | {f"{name}.line": text for name, text in lines(clock, mode, script).items()}
    return cpio.archive({
        "node/run": f"exec sh ./host {words}\n".encode(), "node/vmlinuz": LINUX[0],
        "node/guest.cpio.gz": pair.initrd(script), "usr/share/qemu/linuxboot_dma.bin": FIRMWARE,
        **{f"node/{name}": text.encode() for name, text in files.items()},
        **{f"node/{name}": os.path.join(FOLDER, name) for name in ("host", "join")}, **modules()})


class Peer(Emulator):
    """The emulated machine with the Linux that has KVM."""

    def __init__(self, clock, mode, script, log=None):
        super().__init__()
        target = nested.SVM if clock.name == "count" else nested.VMX
        self.patience = target.PATIENCE
        self.complaints = target.complaints
        packed = archive(clock, mode, script)
        if clock.name == "count":
            self.command = ["env", f"QEMU_MODULE_DIR={qemu.MODULES}", *target.emulator(
                packed, self.folder, memory=MEMORY, binary=QEMU,
                clock=(*qemu.ICOUNT, *EXTRA, "-seed", "1", "-L", "/usr/share/qemu", "-L",
                       "/usr/share/seabios"))]
        else:
            self.command = target.emulator(packed, self.folder, memory=MEMORY,
                                           cores=setting(clock, mode)[0])
        self.version = target.version()
        self.start(self.command, log=log)


def run(clock, mode, script=pair.EXPERIMENT, log=None):
    """(results, conditions) of an experiment on the peer."""
    cores, words, files = setting(clock, mode)
    with Peer(clock, mode, script, log) as machine:
        version = machine.expect(r"@@peer (.*?)\r*\n", pair.LIMIT).group(1)
        found = pair.results(pair.await_end(machine))
        emulator = machine.version
    return found, {"system": "kvm", "mode": mode, "clock": clock.name, "unit": clock.unit,
                   "clock_is": clock.about, "repeats": clock.repeats["kvm"],
                   "emulator": emulator,
                   "inner_qemu": version, "kernel": kernel_version(), **script.sizes(clock), "cores": cores,
                   "cpus_of_alice_bob_and_their_vhosts": words, "settings": files,
                   "guest_cpus": 1, "guest_memory": f"{pair.MEMORY}M",
                   "command_lines": lines(clock, mode, script), "host_command_line": nested.LINE}


def exits(found, name):
    """({kind: how many}, all) of both guests' exits in measurement `name`, as KVM counts them."""
    before, after = (found[f"exits.{name}.{when}"] for when in ("before", "after"))
    kinds = {k: after[k] - before[k] for k in after}
    return kinds, kinds["exits"]
