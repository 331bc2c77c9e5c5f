# SPDX-License-Identifier: BSD-2-Clause
"""The threads of a physical core are given to one guest only, except with `smt share`."""

from machine import TINY, about, node, only_on, until

THREADS = ["-smp", "4,sockets=1,cores=2,threads=2"]
CONF = "".join(f'guest {name} kernel echo.elf cmdline "ip=10.0.0.1" {TINY} autostart no {core}\n'
               f"port {name}.0 guest {name}\n"
               for name, core in (("alice", ""), ("bob", ""), ("carol", ""), ("dave", "core 0"),
                                  ("pair", "cpus 2")))


def threads(conf=CONF):
    return node(conf, ["echo"], memory=512, cores=4, extra=THREADS)


def starts(n, name):
    """Starts a guest; None once it runs, else the monitor's error."""
    answer = n.monitor(f"start {name}")
    if "error" in answer:
        return answer
    until(f"{name} runs", lambda: about(n, name)["state"] == "running")
    return None


@only_on("qemu-svm", "Bochs has one thread a core")
def test_isolate():
    """Of four threads two guests get one each, and their siblings stay free: a third guest is refused with
    the reason, and so is one that names a thread by number.  With `smt share` both can start."""
    with threads() as n:
        n.expect("SMT: 2 threads per physical core, given to one guest")
        n.ready()
        assert starts(n, "alice") is None and starts(n, "bob") is None
        assert "those that are free are threads" in starts(n, "carol")
        assert "core 0 is a thread of a physical core" in starts(n, "dave")
        assert "same physical core" in n.monitor("move poll core 3")
        core = next(v["core"] for v in n.show("vcpus")["vcpus"] if v["guest"] == "bob")
        answer = n.monitor(f"guest eve kernel echo.elf memory 32M core {core}")
        assert f"guest eve: core {core} runs another guest" in answer
        assert "eve" not in [g["guest"] for g in n.show("guests")["guests"]]
        n.monitor("smt share")
        assert starts(n, "carol") is None


@only_on("qemu-svm", "Bochs has one thread a core")
def test_pair():
    """A guest of two vCPUs gets both threads of a physical core; the poll core has one to itself."""
    with threads(CONF + "move poll core 3\n") as n:
        n.ready()
        assert starts(n, "pair") is None
        used = sorted(v["core"] for v in n.show("vcpus")["vcpus"] if v["guest"] == "pair")
        assert used == [0, 1]
        assert "those that are free are threads" in starts(n, "alice")
        n.monitor("stop pair")
        until("it is off", lambda: about(n, "pair")["state"] == "stopped")
        assert starts(n, "dave") is None


@only_on("qemu-svm", "its machine's description says so")
def test_share_and_single():
    """The lines of the boot log with `smt share`, and without SMT."""
    with threads(CONF + "smt share\n") as n:
        n.expect(r"SMT: 2 threads per physical core, given to any guests \(smt share\)")
    with node(CONF, ["echo"], memory=512) as n:
        n.expect("SMT: 1 thread per physical core")
