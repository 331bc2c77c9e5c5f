# SPDX-License-Identifier: BSD-2-Clause
"""Unsuitable machines and wrong configurations: one clear message, and nothing takes effect in part."""

import re
import subprocess
from pathlib import Path

import pytest

from patio.hardware import BUILD
from machine import TINY, images, judge, node, not_inside_kvm, passes, refuse
from patio.node import RESCUE

HELLO = f'guest hello kernel hello.elf cmdline "hello=1" {TINY}\n'
GOLDEN = Path(__file__).resolve().parents[1] / "unit" / "golden" / "config_errors.txt"
CANNOT = 125  # the node's status


def patio_check(text, folder, *arguments):
    """(status, lines) of tools/patio-check for this text."""
    (folder / "patio.conf").write_text(text, encoding="utf-8")
    done = subprocess.run([Path(BUILD) / "patio-check", *arguments, "patio.conf", *images("hello")],
                          cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("machine,line", [
    ({"cpu": "EPYC,+x2apic,-svm"}, "cannot start: this CPU has neither AMD SVM nor Intel VT-x"),
    ({"cpu": "EPYC,-x2apic"}, "cannot start: this CPU has no x2APIC"),
    ({"cpu": "qemu64,+x2apic"}, "cannot start: this CPU's SVM has no nested paging"),
    ({"cpu": "athlon64_venice"}, "cannot start: this CPU has neither AMD SVM nor Intel VT-x"),
    ({"cpu": "corei7_sandy_bridge_2600k"}, "cannot start: this CPU has no x2APIC"),
    pytest.param({"cpu": "core2_penryn_t9600"}, "cannot start: this CPU's VT-x has no EPT",
                 marks=pytest.mark.every_target),
    ({"cpu": "corei5_lynnfield_750"}, "cannot start: this CPU's VT-x has no unrestricted guest"),
    ({"memory": 40}, "MiB of memory are left beside image and modules"),
], ids=["svm", "x2apic", "npt", "neither", "vmx-x2apic", "ept", "unrestricted", "memory"])
def test_bad_machine(machine, line):
    """One line says what the machine lacks, and the node ends."""
    with node(HELLO, ["hello"], **({"memory": 256} | machine)) as n:
        status, text = n.wait_end()
    assert status == CANNOT and line in text, text
    assert len([l for l in text.splitlines() if "error" in l]) == 1, text


def test_no_configuration():
    """The module patio.conf is missing."""
    with node(None, ["hello"], memory=256) as n:
        status, text = n.wait_end()
    assert status == CANNOT and "no boot module is called patio.conf" in text


@pytest.mark.parametrize("text,line", [
    ("guest a kernel gone.elf\n",
     "patio.conf: line 1: guest a: no boot module is called gone.elf"),
    (HELLO + "guest b kernel hello.elf initrd gone.gz\n",
     "line 2: guest b: no boot module is called gone.gz"),
    ("guest a kernel hello.elf memory 2G\n", "guest a: no 2048 MiB of contiguous memory left"),
    ("guest a kernel hello.elf cpus 9\n", "guest a: 9 vCPUs, but the node has 3 cores"),
    ("guest a kernel hello.elf core 7\n", "guest a: the node has no core 7"),
    ("guest a kernel hello.elf memory 64M pci 00:1f.7\n", "guest a: device 00:1f.7 is not there"),
    (HELLO + "group m memory 512M members hello\n", "group m: no 512 MiB of contiguous memory left"),
    (HELLO + "move poll core 9\n", "move poll: the node has no core 9"),
    ("".join(HELLO.replace("guest hello", f"guest g{i}") for i in range(4)),
     "line 4: guest g3: no free core for vCPU 0 (the node has 3)"),
    (HELLO + "guest b kernl hello.elf\n", 'patio.conf:2:9: unknown word "kernl"; did you mean'),
    ("\x00\xff\n", "patio.conf:1:1: "),
], ids=["kernel", "initrd", "memory", "cpus", "core", "pci", "group", "poll-core", "cores-taken", "word",
     "bytes"])
def test_bad_boot_file(tmp_path, text, line):
    """patio.conf is refused with the place of the error, takes no effect, and the node ends.  patio-check
    prints the same message, apart from the exact amount of memory left."""
    with node(text, ["hello"], memory=256) as n:
        status, said = n.wait_end()
    assert status == CANNOT and line in said, said
    assert "none of it has taken effect" in said and "started" not in said
    error = next(l for l in said.replace("\r", "").splitlines() if l.startswith("error: "))
    status, lines = patio_check(text, tmp_path, "--memory", "256M", "--cores", "3",
                                "--pci", "00:03.0")
    assert status == 1 and lines[-1] == "patio.conf: refused", lines
    assert error.split("(largest")[0] in [l.split("(largest")[0] for l in lines], (error, lines)


@pytest.fixture(name="n", scope="module")
def the_node():
    with node(HELLO + "port hello guest hello\n", ["hello"], memory=256) as n:
        n.ready()
        judge(n, "hello")
        yield n


def golden():
    """(name, text, message) of the parser's golden cases that can be typed."""
    for case in GOLDEN.read_text(encoding="latin-1").split("\n@case ")[1:]:
        name, rest = case.split("\n", 1)
        text, _, expected = rest.partition("\n@expect\n")
        message = expected.split("\n")[0]
        if re.fullmatch(r"[ -~\n]*", text) and "@" not in text and "\nend" not in text:
            yield name, text, message.replace("patio.conf:", "load:", 1)


@not_inside_kvm("the parser is the same, and hundreds of answers are millions of dear exits")
def test_every_refusal_of_the_parser(n):
    """All cases of the parser's golden file, one by one through the monitor's `load`."""
    cases = [c for c in golden() if c[2].startswith("load:")]
    assert len(cases) > 50
    for name, text, message in cases:
        try:
            refuse(n, text, message)
        except AssertionError as error:
            raise AssertionError(f"case {name}: {text!r}: {message!r}") from error


@pytest.mark.parametrize("line,message", [
    ("guest b kernel gone.elf", "no boot module is called gone.elf"),
    ("port hello2 guest hello mac 52:54:00:00:00:zz", "monitor:1:29: "),
    ("frobnicate", 'monitor:1:1: unknown statement "frobnicate"'),
    ("start nobody", 'unknown guest "nobody"'),
    ("network lab mode magic", "monitor:1:18: "),
    ("move poll core 99", "the node has no core 99")])
def test_bad_line(n, line, message):
    """A single line is refused in the same way, and the node goes on."""
    before = n.show("guests"), n.show("ports"), n.show("networks")
    answer = n.monitor(line)
    assert "error: " in answer and message in answer, answer
    assert (n.show("guests"), n.show("ports"), n.show("networks")) == before
    passes(n, "hello")


def test_bad_image(tmp_path):
    """A module that is no kernel: the guest does not start, and the monitor works.  patio-check finds it
    beforehand."""
    text, why = "guest a kernel patio.conf memory 32M\n", "neither a bzImage nor a multiboot kernel"
    with node(text, [], ["/bin/true"], memory=256) as n:
        n.expect(f"guest a: patio.conf: {why}")
        n.ready()
        assert n.show("guests")["guests"][0]["state"] == "new"
    status, lines = patio_check(text, tmp_path)
    assert status == 1 and f"error: patio.conf: guest a: patio.conf: {why}" in lines, lines


def test_patio_check(tmp_path):
    """patio-check accepts a text with a warning; what is not given is not checked, and a note says so."""
    text = HELLO + "network lab mode learn\nport p guest hello network lab\n" \
        "route network lab src any dst any to port p reflect\n"
    status, lines = patio_check(text, tmp_path, "--memory", "64M", "--cores", "1")
    assert status == 0 and lines[-1] == "patio.conf: taken", lines
    assert [l for l in lines if l.startswith("warning: patio.conf:") and "have no effect until" in l], lines
    assert [l for l in lines if l.startswith("note:")] == \
        ["note: no --pci given: whether PCI functions are there is not checked"]
    for wrong in ["--frobnicate"], ["--memory", "0"], ["--memory", "17179869185G"]:  # 2^64 + 1 GiB
        assert patio_check(text, tmp_path, *wrong)[0] == 2, wrong


def test_rescue(tmp_path):
    """After a typo the rescue monitor shows its place and accepts other texts, typed or from a boot
    module, whole or not at all.  Then the boot continues with the guests and the console that the new
    configuration names."""
    good = tmp_path / "patio.conf.good"
    good.write_text(HELLO + "console hello\n", encoding="ascii")
    with node(HELLO + "guest b kernl hello.elf\n", ["hello"], [str(good), "/bin/true"], memory=256,
              rescue=True) as n:
        n.expect('patio.conf:2:9: unknown word "kernl"; did you mean "kernel"?')
        n.expect("This node has no configuration")
        n.expect(r"Boot modules: patio.conf hello.elf patio.conf.good true\r*\n")

        def ask(line, prompt=RESCUE):
            n.expect(re.escape(prompt))
            n.child.send(line + "\r")
            n.expect(r"\r*\n")

        ask("show guests json")
        n.expect(re.escape('{"guests":[]}'))
        ask("show boot json")
        n.expect(re.escape('"configuration":"none","refused":"patio.conf:2:9: unknown word'))
        n.expect(re.escape('{"module":"hello.elf","size":'))
        ask("load patio.conf")
        n.expect('error: patio.conf:2:9: unknown word "kernl"')
        ask("load gone")
        n.expect("error: no boot module is called gone")
        ask("load true")
        n.expect("error: true:1:")
        ask("load")
        for line in HELLO.strip(), HELLO.strip(), "end":
            ask(line, "load> ")
        n.expect('error: load:2:7: guest "hello" is declared in line 1 already')
        ask("load patio.conf.good")
        n.expect("the node has a configuration now: the boot continues")
        n.expect("guest hello started")
        n.expect("ok magic")  # on the terminal, as `console hello` says
        n.where = "hello"
        judge(n, "hello")
        assert n.show("boot")["boot"]["configuration"] == "rescue monitor"


def test_rescue_without_a_configuration():
    """Without a module patio.conf a typed text is enough."""
    with node(None, ["hello"], memory=256, rescue=True) as n:
        n.expect(re.escape(RESCUE))
        for line in "load", HELLO.strip(), "port p guest hello", "end":
            n.child.send(line + "\r")
        n.ready()
        judge(n, "hello")
        assert [p["port"] for p in n.show("ports")["ports"]] == ["p"]
