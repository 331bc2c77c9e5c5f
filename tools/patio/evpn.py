# SPDX-License-Identifier: BSD-2-Clause
"""Three nodes on one underlay, with one network over all of them: what `make run NODES=3 EVPN=1`
boots, and its checks.

Dom0 is Linux with its kernel's VXLAN device; FRR's bgpd (BGP EVPN, RFC 7432 and 8365) distributes which
MAC address is behind which node.  Node 1 is the route reflector; no node has a list of the others.
"""

import json
import os
import re
import sys
import time

from .demonstration import result
from .emulator import LIMIT
from .hardware import BUILD, BUILD_NAME
from .node import LINUX, Node
from .wire import Wire, WireClaims, interact

NODES = 3
NAMES = "alice", "bob", "carol"
MTU = 1450  # of the guests: what VXLAN leaves of the underlay's 1500
VNI = 100
REFLECTOR = "192.0.2.1"
PINGS = 5
TCP_MIB = 2
PING_WAIT = 120  # seconds after the last ping: one without an answer by then is lost
LINE = "console=hvc0 quiet cryptomgr.notests"
DOM0_LINUX = [os.path.join(BUILD, "linux", f) for f in ("dom0-vmlinuz", "evpn.cpio.gz")]
MACIP = re.compile(r"\[2\]:\[0\]:\[48\]:\[([0-9a-f:]{17})\]\s+(\S+)")
FDB = re.compile(r"^([0-9a-f:]{17}) dst (\S+)", re.M)
FLOOD = "00:00:00:00:00:00"  # the FDB's entries for the nodes to which frames are flooded
HINT = """
  node 1's monitor: console alice, console dom0; show all, help: what is there
  in dom0: vtysh -c 'show bgp l2vpn evpn'; bridge fdb show dev vxlan0
  Ctrl-A           leaves a console for this monitor; from alice: ping 10.0.0.3
  poweroff         ends the nodes (in a console: Ctrl-A first)
"""
NEIGHBOR = re.compile(r"^ neighbor (\d\S*)", re.M)


class Member:
    """One of the nodes: Dom0 with the NIC, and a guest."""

    def __init__(self, number):
        self.number = number
        self.guest = NAMES[number - 1]
        self.vtep = f"192.0.2.{number}"
        self.node = None
        self.up = []  # the guests whose shells are there

    def conf(self):
        """Its patio.conf; node 2 also declares the guest that will move there, not started."""
        guests = [self.guest] + (["carol"] if self.number == 2 else [])
        return f"""network default mtu {MTU}
guest dom0 memory 224M kernel dom0-vmlinuz initrd evpn.cpio.gz pci 00:03.0 \\
      cmdline "{LINE} name=dom0 dom0=evpn ip={self.vtep}/24 vni={VNI} reflector={REFLECTOR}"
port uplink guest dom0 edge
""" + "".join(declare(name, name == self.guest) for name in guests)

    def start(self, wire):
        """Starts the node: the monitor's core is also the guests'."""
        self.node = Node(self.conf(), DOM0_LINUX + LINUX, target="qemu-svm",
                         cores=3 if self.number == 2 else 2,
                         memory=640 if self.number == 2 else 512, single=True, hub=wire.path,
                         mac=f"52:54:00:00:00:d{self.number}")

    def wait(self):
        """Waits for Dom0's shell and the guest's."""
        self.node.ready()
        for name in "dom0", self.guest:
            self.wait_shell(name)

    def wait_shell(self, name):
        """Waits for a guest's shell; returns when its network was up."""
        self.node.enter(name)
        self.node.expect(f"@@up name={name} .*\n")
        up = time.monotonic()
        self.node.expect(f"{name}# ")
        self.node.ask("stty -echo")
        self.up.append(name)
        return up

    def run(self, name, command):
        """Runs a command in a guest's shell; returns its output."""
        return self.node.shell(name, command)[1]

    def dom0(self, command):
        return self.run("dom0", command)

    def bgp(self):
        """({MAC: the address of its node} by routes of type 2, the whole text of `show bgp l2vpn evpn`)."""
        text = self.dom0("vtysh -c 'show bgp l2vpn evpn'")
        return dict(MACIP.findall(text)), text

    def fdb(self):
        """The forwarding table of the VXLAN device: [(MAC, the address of its node)]."""
        return FDB.findall(self.dom0("bridge fdb show dev vxlan0"))

    def flooded(self):
        """The nodes to which the VXLAN device floods."""
        return sorted(to for who, to in self.fdb() if who == FLOOD)


def learns_nothing(device):
    """Whether `ip -d link show` says of a VXLAN device that it was given no peer and learns none."""
    vxlan = re.search(r"^ *vxlan id .*", device, re.M)[0]
    return " nolearning " in vxlan and not re.search(r" (remote|group)6? ", vxlan)


def mac(name):
    return f"52:54:00:00:01:0{NAMES.index(name) + 1}"


def address(name):
    return f"10.0.0.{NAMES.index(name) + 1}"


def declare(name, here):
    """A guest and its port; it sends a gratuitous ARP when it is up, as a machine that has moved does."""
    announce = f"arping+-A+-c+1+-I+eth0+{address(name)}"
    return f"""guest {name} memory 128M kernel vmlinuz initrd initrd.cpio.gz \\
      autostart {"yes" if here else "no"} \\
      cmdline "{LINE} name={name} ip={address(name)}/24 run={announce}"
port {name} guest {name} mac {mac(name)}
"""


def until(true):
    """Waits until the condition holds; False: it did not within LIMIT."""
    end = time.monotonic() + LIMIT
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


class Evpn(WireClaims):
    """Boots the nodes and runs the checks one by one; `lines` keeps figures and verdict of each."""

    def __init__(self):
        super().__init__([Member(number) for number in range(1, NODES + 1)])

    def run(self):
        """Runs all checks, up to one that raises an error.  True when every check passed."""
        steps = [self.boot, self.peers, lambda: self.ping("bob"), lambda: self.ping("carol"),
                 self.tcp, self.routes, self.move, lambda: self.ping("carol"), self.tcp]
        return self.judge(steps)

    def boot(self):
        """Boots all nodes at the same time."""
        start = time.monotonic()
        self.wire = Wire()
        for member in self.members:
            member.start(self.wire)
        for member in self.members:
            member.wait()
        seconds = round(time.monotonic() - start, 1)
        mtus = [int(m.run(m.guest, "cat /sys/class/net/eth0/mtu")) for m in self.members]
        self.record("boot", mtus == NODES * [MTU],
                    f"{NODES} nodes, each with a Linux Dom0 that has the NIC, and a guest, whose MTU "
                    f"is {mtus[0]}, are up after {seconds:.0f} s", seconds=seconds, mtus=mtus,
                    configuration=[m.conf() for m in self.members],
                    commands=[" ".join(m.node.command) for m in self.members])

    def peers(self):
        """No VXLAN device has a configured peer or learns one, yet each floods to the other two."""
        for member in self.members:
            others = sorted(m.vtep for m in self.members if m is not member)
            until(lambda m=member, o=others: m.flooded() == o)
            flooded = member.flooded()
            device = member.dom0("ip -d link show vxlan0")
            neighbors = NEIGHBOR.findall(member.dom0("cat /etc/frr/bgpd.conf"))
            alone = neighbors == ([] if member.vtep == REFLECTOR else [REFLECTOR])
            self.record("peers", flooded == others and alone and learns_nothing(device),
                        f"node {member.number}: BGP neighbors configured: {' and '.join(neighbors) or 'none'}; "
                        f"VXLAN {'has no peer and learns none' if learns_nothing(device) else 'HAS A PEER, OR LEARNS'}; by BGP "
                        f"routes of type 3 it floods to {' and '.join(flooded) or 'nobody'}",
                        neighbors=neighbors, device=device, fdb=member.fdb())

    def ping(self, name):
        """Pings from the first node to the guest of that name."""
        text = self.members[0].run("alice", f"ping -c {PINGS} -W {PING_WAIT} {address(name)}")
        self.pings(f"alice -> {name}", text, PINGS)

    def tcp(self):
        """Both ends print the hash of what they sent or received."""
        r = result(self.members[0].run("alice", f"netprobe tcp {address('carol')} 9 {TCP_MIB} sha"),
                   "tcp")
        equal = r["ok"] and r["sha256"] == r["peer_sha256"] and r["mib"] == TCP_MIB
        self.record("tcp", equal, f"alice -> carol: TCP {TCP_MIB} MiB, SHA-256 "
                    + ("equal" if equal else "DIFFERS"), sha256=r["sha256"],
                    peer_sha256=r["peer_sha256"])

    def routes(self):
        """The guests' MAC addresses are routes of type 2, and the FDB has them from there."""
        wanted = {mac(m.guest): m.vtep for m in self.members}
        for member in self.members:
            held = until(lambda m=member: wanted.items() <= m.bgp()[0].items())
            text = member.bgp()[1]
            remote = {k: v for k, v in wanted.items() if v != member.vtep}.items()
            held = held and remote <= dict(member.fdb()).items()
            self.record("routes", held, f"node {member.number}: show bgp l2vpn evpn has the "
                        f"{NODES} guests' MACs as routes of type 2, and VXLAN's FDB those of the others",
                        bgp=text)

    def move(self):
        """Carol is stopped on node 3, and a guest with her MAC and address is started on node 2."""
        alice, second, third = self.members
        alice.node.enter("alice")
        start = time.monotonic()
        third.node.monitor("stop carol")
        third.up.remove("carol")
        second.node.monitor("start carol")
        up = second.wait_shell("carol")
        again = until(
            lambda: alice.node.shell("alice", f"ping -c 1 -W 1 {address('carol')}")[0] == 0)
        reached, gone = time.monotonic() - up, time.monotonic() - start
        here = until(lambda: alice.bgp()[0].get(mac("carol")) == second.vtep)
        self.record("move", again and here,
                    f"carol moved from node 3 to node 2: alice reached her {reached:.1f} s after "
                    f"her network was up, {gone:.1f} s after she was stopped; her route leads to "
                    f"{alice.bgp()[0].get(mac('carol'))}", reached_s=round(reached, 2),
                    gone_s=round(gone, 2), bgp=alice.bgp()[1])


def attend(members):
    """Gives the terminal to the first node until it ends."""
    for member in members:
        for name in member.up:
            member.run(name, "stty echo")
        member.node.leave()
    print(HINT)
    interact(*(member.node for member in members))


def demonstrate(nodes):
    """Runs the checks; on a terminal it ends in the first node's monitor.  Returns the exit status."""
    if nodes != str(NODES):
        raise SystemExit(f"run: NODES={nodes} EVPN=1: it is made for NODES={NODES}")
    start = time.monotonic()
    with Evpn() as evpn:
        held = evpn.run()
        seconds = round(time.monotonic() - start, 1)
        with open(os.path.join(BUILD, "evpn.json"), "w", encoding="utf-8") as file:
            json.dump({"held": held, "lines": evpn.lines, "seconds": seconds}, file, indent=1)
            file.write("\n")
        print(f"{'every check passed' if held else 'NOT every check passed'}, {seconds:.0f} s; figures in "
              f"{BUILD_NAME}/evpn.json")
        if held and sys.stdin.isatty() and sys.stdout.isatty():
            attend(evpn.members)
    return 0 if held else 1
