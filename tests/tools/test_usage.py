# SPDX-License-Identifier: BSD-2-Clause
"""Every program in tools/ says how it is used, and does nothing else; an option that it does not have is
an error."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_A_GUEST = {"tools/kvm/init"}  # the first process of an initramfs
LISTED = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "tools"], cwd=ROOT, check=True,
                        stdout=subprocess.PIPE, text=True).stdout.split()
PROGRAMS = sorted({name for name in LISTED if os.access(ROOT / name, os.X_OK)} - OF_A_GUEST)


def run(program, option, folder):
    """(status, standard output, standard error) of a program in an empty folder, which stays empty."""
    done = subprocess.run([ROOT / program, option], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert not list(folder.iterdir())
    return done.returncode, done.stdout, done.stderr


def test_there_are_programs():
    assert {"tools/hub", "tools/run", "tools/kvm/make-initrd"} <= set(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_help(program, tmp_path):
    status, out, err = run(program, "--help", tmp_path)
    assert (status, err) == (0, "")
    assert out.startswith("usage: ") and Path(program).name in out


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_such_option(program, tmp_path):
    status, out, err = run(program, "--no-such-option", tmp_path)
    assert status not in (0, None) and out == "" and err
    assert "Traceback" not in err
