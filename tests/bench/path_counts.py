# SPDX-License-Identifier: BSD-2-Clause
"""The same paths on one emulated machine whose clock counts instructions (icount.py).

Two machines have two clocks; so both ends of a wire, which is a hub between two NICs of one
machine, are on the same one here, and what a round trip costs is counted exactly, whatever else
the host does.  Nothing of the way is left out: each end has a Dom0 and a NIC of its own,
and the two ends' networks hear nothing of each other but by the wire.

    native              one Linux, two CPUs; the second NIC is in a network namespace
    direct, vxlan, udp  one Patio; alice and bob have a port for each path

QEMU's NICs keep 128 us between two interrupts, which the clock counts as well.  So each round trip
is made by a probe of its own, long after the one before; and native's NICs, like Dom0's, do not
interrupt in the middle of it for what was sent.  The NIC is an 82574L, whose interrupts are
messages.  As QEMU's completes no checksum inside of a tunnel, the guests complete their own.  Their
kernel is Debian's cloud kernel, which boots soonest; native's is the one with drivers of NICs, of
the same version.  Passthrough, which has no exits, is timed only.
"""

import json
import statistics

from icount import CPU, EXTRA, conditions, growth, snapshot, totals
from patio.linux_machine import LinuxMachine
from patio.node import LINUX, Node, NodeError, guest
from path_ends import LINE, calm
from patio.qemu import ICOUNT

LIMIT = 400  # seconds; it only ends what hangs
ROUNDS, WARM, SIZE = (300, 1000), 50, 64  # a short run and a long one
TRIPS = 100  # each by itself
FRAMES = 2
TX_DELAY = 2000  # of native, in 1.024 us
SUBNETS = {"direct": 0, "vxlan": 1, "udp": 2}  # and the guests' interfaces
LINKS = {"vxlan": "vxlan vni 42", "udp": "udp"}
NAMES = ("alice", "bob")
SLOTS = (3, 5)  # of the NICs


def address(path, end):
    """Of an end of a path."""
    return f"10.0.{SUBNETS[path]}.{end + 1}"


def nics():
    """QEMU's arguments for the two NICs and the wire between them."""
    out = []
    for end, slot in enumerate(SLOTS):
        out += ["-netdev", f"hubport,id=h{end},hubid=0", "-device",
                f"e1000e,netdev=h{end},addr={slot},mac=52:54:00:00:00:d{end},romfile="]
    return out


def side(end):
    """What one end of the paths is in patio.conf."""
    name, other = NAMES[end], f"192.0.2.{2 - end}"
    text = (f"guest {name} memory 128M kernel vmlinuz initrd initrd.cpio.gz "
            f'cmdline "console=hvc0 nokaslr {LINE} name={name} ip={address("direct", end)}/24"\n'
            f"guest dom0.{name} memory 64M kernel dom0.elf pci 00:0{SLOTS[end]}.0\n"
            f"network direct.{name}\n"
            f"port edge.{name} guest dom0.{name} edge network direct.{name}\n"
            f"port direct.{name} guest {name} network direct.{name}\n"
            f"underlay edge.{name} address 192.0.2.{end + 1}/24\n")
    for path, words in LINKS.items():
        text += (f"network {path}.{name}\nport {path}.{name} guest {name} network {path}.{name}\n"
                 f"link to.{path}.{name} {words} remote {other} network {path}.{name} "
                 f"edge edge.{name}\n")
    return text


class Patio:
    """The node with both ends."""

    paths = tuple(SUBNETS)

    def __init__(self):
        self.conf = side(0) + side(1)
        self.node = Node(self.conf, [*LINUX, guest("dom0")], cores=4, memory=640, icount=True,
                         cpu=CPU, machine="q35", nic=nics(), extra=EXTRA, timeout=LIMIT)

    def prepare(self):
        """Waits for the shells, and gives each interface its address."""
        self.node.ready()
        for end, name in enumerate(NAMES):
            self.node.enter(name)
            self.node.expect(f"@@up name={name} .*\n")
            self.node.expect(f"{name}# ")
            self.run("stty -echo", name)
            self.run("rmmod virtio_net && insmod /lib/modules/*-virtio_net.ko csum=0", name)
            for path, number in SUBNETS.items():
                eth = f"eth{number}"
                self.run(f"ip addr add {address(path, end)}/24 dev {eth} && ip link set {eth} up",
                         name)

    def run(self, command, name=NAMES[0]):
        """What a command in a guest's shell prints."""
        status, text = self.node.shell(name, command, LIMIT)
        if status:
            raise NodeError(f"{name}: {command}: status {status}\n{text}")
        return text

    def address(self, path):
        """Of the far end."""
        return address(path, 1)

    def exits(self):
        """{reason: [exits, instructions of the VMM]} of all guests since their start."""
        return snapshot(self.node)

    def close(self):
        """Ends it."""
        self.node.close()


class Native:
    """One Linux that is both ends: the far one's programs are in a namespace, on the second CPU."""

    paths = ("native",)
    conf = None

    def __init__(self):
        self.machine = LinuxMachine(
            "near", [], f"nokaslr mitigations=off ip={address('direct', 0)}/24",
            extra=["-cpu", CPU, "-smp", "2", "-M", "q35", *ICOUNT, *EXTRA, *nics()])

    def prepare(self):
        """Moves the second NIC into the namespace, and its interrupts to the second CPU."""
        self.machine.ready()
        self.run(calm("e1000e", "eth0", address("direct", 0), TX_DELAY))
        self.run("(unshare -n sleep 1000000 & echo $! >/tmp/far); sleep 1; "
                 "ip link set eth1 netns $(cat /tmp/far)")
        far = "nsenter -n -t $(cat /tmp/far) taskset 2"
        self.run(f"{far} ip addr add {address('direct', 1)}/24 dev eth1; {far} ip link set eth1 up")
        self.run("for i in $(grep eth1 /proc/interrupts | cut -d: -f1); do "
                 "echo 2 >/proc/irq/$i/smp_affinity; done")
        self.run(f"({far} netprobe udp-server 7 >/tmp/far.log 2>&1 &)")

    def run(self, command):
        """What a command in its shell prints."""
        return self.machine.run(command, LIMIT)

    def address(self, _path):
        """Of the far end."""
        return address("direct", 1)

    def exits(self):
        """There is no VMM."""
        return {}

    def close(self):
        """Ends it."""
        self.machine.close()


def probe(system, words):
    """A probe at the near end: (its result, the exits that fell into it)."""
    before = system.exits()
    system.run(f"taskset 1 netprobe {words} >/tmp/probe")
    after = system.exits()
    found = json.loads(system.run("cat /tmp/probe"))
    if "error" in found:
        raise NodeError(f"netprobe {words}: {found}")
    return found, {k: [a - b for a, b in zip(after[k], before.get(k, (0, 0)))] for k in after}


def trips(system, to):
    """What each of some round trips took, each made by itself; sorted."""
    system.run(f"taskset 1 sh -c 'for i in $(seq {TRIPS}); do netprobe udp {to} 7 1 0 {SIZE}; "
               "usleep 5000; done' >/tmp/trips")
    text = system.run("sed 's/.*\"tsc\":{\"min\":\\([0-9]*\\).*/\\1/' /tmp/trips")
    return sorted(int(line) for line in text.split())


def measure(system, path):
    """A path's figures, in instructions."""
    to = system.address(path)
    probe(system, f"udp {to} 7 {WARM} {WARM} {SIZE}")
    _, short = probe(system, f"udp {to} 7 {ROUNDS[0]} {WARM} {SIZE}")
    _, long = probe(system, f"udp {to} 7 {ROUNDS[1]} {WARM} {SIZE}")
    exits, insn = totals(growth(short, long, (ROUNDS[1] - ROUNDS[0]) * FRAMES))
    alone = trips(system, to)
    return {"rtt_insn": round(statistics.median(alone)), "rtt_insn_spread": [alone[0], alone[-1]],
            "counted_exits_per_frame": round(exits, 2), "vmm_insn_per_frame": round(insn)}


def run():
    """{path: its figures}; both machines at once, as they need not mind each other."""
    found, systems = {}, []
    try:
        for kind in Native, Patio:
            systems.append(kind())
        for system in systems:
            system.prepare()
        for system in systems:
            for path in system.paths:
                found[path] = measure(system, path) | {"counted_on": conditions(
                    nic="82574L, two of them on a hub", command_line=LINE,
                    configuration=system.conf)}
    finally:
        for system in systems:
            system.close()
    for row in found.values():
        row["insn_ratio"] = round(row["rtt_insn"] / found["native"]["rtt_insn"], 2)
    return found
