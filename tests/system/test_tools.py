# SPDX-License-Identifier: BSD-2-Clause
"""make guest with kernels of all kinds, and the demonstration of make run."""

import json
import os
import signal
import subprocess

import pytest

from patio.hardware import BUILD, ROOT
from machine import LIMIT, only_on
from patio.node import LINUX, guest


def run(*command, limit=6 * LIMIT, typed="", **env):
    """Runs a tool with an empty pipe as standard input: (status, standard output, standard error).  At the
    limit it is killed, with the emulator that it started."""
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace",
                          env=os.environ | env, start_new_session=True) as tool:
        try:
            out, err = tool.communicate(typed, timeout=limit)
        except BaseException:
            os.killpg(tool.pid, signal.SIGKILL)
            raise
    return tool.returncode, out, err


@pytest.mark.every_target
def test_make_guest():
    """Standard output has the guest's output only, and make succeeds if the guest's status is 0."""
    status, out, err = run("make", "guest", f"GUEST={guest('hello')}", "ARGS=hello=1", "MEM=32M")
    assert status == 0, err
    lines = out.replace("\r", "").split("\n")
    assert lines[0] == "ok magic" and lines[-2:] == ["done", ""]
    assert "cmdline 'hello.elf hello=1'" in lines


def test_status_of_a_guest():
    """A failed check is status 1, a fault 126 with registers, no kernel 125."""
    assert run("tools/guest", guest("hello"))[0] == 1
    status, out, err = run("tools/guest", guest("triple"))
    assert (status, out.strip()) == (126, "triple: now") and "triple fault" in err and "cr3" in err
    status, out, err = run("tools/guest", "Makefile")
    assert (status, out) == (125, "") and "neither a bzImage nor a multiboot kernel" in err
    assert run("tools/guest", "no-such-file")[0] == 125


def test_linux_by_make_guest():
    """A bzImage with an initramfs runs a command, then a script that was piped in before it booted; its
    status is 0."""
    kernel, initrd = LINUX
    status, out, err = run("tools/guest", kernel, "--initrd", initrd, "--cpus", "2", "--args",
                           "quiet cryptomgr.notests run=echo+twice;nproc",
                           typed="stty -echo\necho the scr''ipt\npoweroff\n")
    assert status == 0, err
    assert "twice" in out and "@@up name=guest" in out and "\n2" in out.replace("\r", "")
    assert "the script" in out


@only_on("qemu-svm", "behind its NIC is QEMU's user network")
def test_demonstration():
    """`make run` without a terminal: every check passes."""
    status, out, err = run("tools/run")
    assert status == 0, out + err
    with open(os.path.join(BUILD, "run.json"), encoding="utf-8") as file:
        report = json.load(file)
    assert report["held"] and len(report["lines"]) == 6
    assert all(line["held"] for line in report["lines"])
