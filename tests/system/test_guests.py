# SPDX-License-Identifier: BSD-2-Clause
"""Our own guests on one node: the machine that they see, and the ways in which they end."""

import io
import re

import pytest

from machine import TINY, about, ended, judge, node, passes, said, until

IMAGES = ["com1", "xapic", "x2apic", "smp", "cpuid", "bigmem", "nobody", "triple", "absent",
          "clocks", "windowbar", "nic"]

# An emulated NIC, a virtio device, and all frames between them: the program that tests our driver on an
# emulator's NICs tests these.
WIRE = """network {0} mode route
port {0}.a guest {0} network {0} model {0}
port {0}.b guest {0} network {0}
route network {0} src any dst any from {0}.a to port {0}.b
route network {0} src any dst any from {0}.b to port {0}.a
"""

pytestmark = pytest.mark.every_target


def conf():
    """A guest for each case, none started."""
    cases = {
        "com1": "kernel com1.elf", "com1page": 'kernel com1.elf cmdline "page=1"',
        "xapic": "kernel xapic.elf", "x2apic": "kernel x2apic.elf",
        "ticks": 'kernel x2apic.elf cmdline "ticks=3000"',
        "smp": "kernel smp.elf cpus 2", "page": 'kernel smp.elf cpus 2 cmdline "page=1"',
        "rounds": 'kernel smp.elf cpus 2 cmdline "rounds=3000"',
        "cpuid": "kernel cpuid.elf", "triple": "kernel triple.elf",
        "msr": 'kernel nobody.elf cmdline "how=msr"', "in": 'kernel nobody.elf cmdline "how=port"',
        "read": 'debug-absent stop kernel nobody.elf cmdline "how=read"',
        "write": 'debug-absent stop kernel nobody.elf cmdline "how=write"',
        "exec": 'kernel nobody.elf cmdline "how=exec"',
        "walk": 'kernel nobody.elf cmdline "how=walk"',
        "float": 'kernel nobody.elf cmdline "how=float"',
        "clocks": "kernel clocks.elf", "absent": "kernel absent.elf", "many": 'kernel absent.elf cmdline "reads=3000 pages=50"',
        "window": "kernel windowbar.elf cpus 2 control",
        "windows": 'kernel windowbar.elf cpus 2 control cmdline "reads=20000"',
        "again": "kernel triple.elf restart always",
        "e1000": 'kernel nic.elf cmdline "rounds=5"', "e1000e": 'kernel nic.elf cmdline "rounds=5"',
    }
    text = [f"guest {name} {what} {TINY} autostart no" for name, what in cases.items()]
    text.append("guest small kernel cpuid.elf memory 1M autostart no")
    return "\n".join(text + ["guest bigmem kernel bigmem.elf memory 512M debug-exit autostart no\n",
                             *map(WIRE.format, ("e1000", "e1000e"))])


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(conf(), IMAGES, cores=4, memory=1536) as n:
        yield n.ready()


@pytest.mark.parametrize("name", ["com1", "com1page", "xapic", "x2apic", "smp", "page", "cpuid",
                                  "bigmem", "msr", "in", "absent", "clocks", "window", "e1000", "e1000e"])
def test_guest(n, name):
    """The guest's own checks pass: the machine behaves as a PC."""
    passes(n, name)


def cost(n, name):
    """{kind: exits} of one run of the guest from start to end, without those that vary: the console's port
    accesses, kicks that start a core, and the fetches of the first run, one for each large page
    (docs/guest-cpu.md)."""
    before = n.exits(name)
    passes(n, name)
    after = n.exits(name)
    return {k: v - before.get(k, 0) for k, v in after.items() if k not in ("io", "kick", "fetch")}


def test_timer_ticks_cost_no_exit(n):
    """2900 more timer interrupts with their EOIs, each ending a HLT, cost not one more exit."""
    io = n.exits("ticks").get("io", 0)
    assert cost(n, "ticks") == cost(n, "x2apic")
    assert n.exits("ticks")["io"] - io < 1500  # for what it prints


def test_reading_the_window_costs_no_exit(n):
    """19980 more reads of the observation window, where the guest has moved it, cost nothing."""
    assert cost(n, "windows") == cost(n, "window")


def test_received_interrupts_cost_no_exit(n):
    """2000 more rounds between two vCPUs cost the two ICR writes of each round, and nothing else."""
    few, many = cost(n, "smp"), cost(n, "rounds")
    assert many.pop("msr") - few.pop("msr") == 2 * 2000
    assert many == few


def test_triple_fault(n):
    """A triple fault stops the guest with its reason and registers in the log; it can be started again."""
    n.monitor("start triple")
    n.child.expect("guest triple stopped: triple fault")
    dump = n.child.before
    assert "rip 0000" in dump and "cr3" in dump and "code at rip" in dump
    assert ended(n, "triple")["reason"] == "triple fault"
    assert said(n, "triple") == "triple: now"
    starts = about(n, "triple")["starts"]
    n.monitor("restart triple")
    assert ended(n, "triple")["starts"] == starts + 1


def test_restarts_are_limited(n):
    """A guest that ends at once after each start: after five restarts its next start is delayed, on its own
    core, and it can be stopped meanwhile.  Later starts are ten seconds of the node's own clock apart at
    least, however slow the machine is."""
    n.child.logfile_read = log = io.StringIO()
    n.monitor("start again")
    n.child.expect("guest again restarts too often: its next start is in [0-9]+ s")
    n.monitor("stop again")
    row = ended(n, "again")
    n.child.logfile_read = None
    stamps = [float(time) for time in
              re.findall(r"\[ *([0-9]+\.[0-9]+) c[0-9]+ \w+ *\] guest again", log.getvalue())]
    assert 6 <= row["starts"] <= 6 + (stamps[-1] - stamps[0]) // 10, stamps
    assert row["reason"] == "command from the monitor"
    n.monitor("start again")
    until("it starts when it is told to", lambda: about(n, "again")["starts"] > row["starts"])
    n.monitor("stop again")
    ended(n, "again")


def test_too_little_memory(n):
    """A kernel that does not fit into the guest's memory is refused; the message has what it needs."""
    n.monitor("start small")
    n.child.expect("guest small: cpuid.elf needs 2 MiB, and the guest has 1")
    passes(n, "cpuid")


def test_monitor_comes():
    """The monitor waits for the first start of each guest of the boot, and not for later ones: guests that
    end at once, and wait for their next start nearly all the time, do not block it."""
    dies = [f"guest {name} kernel triple.elf restart always {TINY}\n" for name in ("a", "b", "c")]
    with node("".join(dies), ["triple"], cores=4, memory=256) as n:
        n.ready()
        n.monitor("stop a")
        ended(n, "a")


def test_absent_memory_is_named(n):
    """Reads of absent memory: each is counted, some are logged, and the log is not flooded."""
    n.child.logfile_read = log = io.StringIO()
    n.monitor("start many")
    n.child.expect("guest many ended")  # the last line of its run
    n.child.logfile_read = None
    judge(n, "many")
    pages = re.findall("guest many: read of absent memory at guest-physical d00(..)000: all ones",
                       log.getvalue())
    assert len(set(pages[:4])) == 4 and len(pages) < 300, pages
    counters = {c["counter"]: c["value"] for c in n.show("counters many")["counters"]}
    assert counters["absent.reads"] == 3000 and "absent.writes" not in counters


@pytest.mark.parametrize("name,reason", [
    ("read", "read of absent memory at guest-physical d0000000 (`debug-absent stop`)"),
    ("write", "write to absent memory at guest-physical d0000000 (`debug-absent stop`)"),
    ("float", "read of guest-physical d0000000, which is no memory, by an instruction that Patio "
              "does not emulate"),
    ("walk", "page tables in absent memory, guest-physical d0000000"),
    ("exec", "execution in absent memory, guest-physical d0000000")])
def test_memory_that_nobody_claims(n, name, reason):
    """The guest is stopped with the address and its registers in the log; the node continues."""
    n.monitor(f"start {name}")
    n.child.expect(f"guest {name} stopped")
    assert "code at rip" in n.child.before
    row = ended(n, name)
    assert (row["state"], row["reason"]) == ("stopped", reason)
    passes(n, "cpuid")
