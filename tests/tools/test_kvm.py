# SPDX-License-Identifier: BSD-2-Clause
"""tools/patio/kvm.py: whether KVM nests here, and which vendor."""

import pytest

from patio.kvm import nesting


def machine(folder, flags, **modules):
    """A machine's /dev, /proc and /sys: the CPU's flags, and each KVM module's `nested`."""
    (folder / "dev").mkdir()
    (folder / "dev/kvm").touch()
    (folder / "proc").mkdir()
    (folder / "proc/cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    for name, nested in modules.items():
        (folder / "sys/module" / name / "parameters").mkdir(parents=True)
        (folder / "sys/module" / name / "parameters/nested").write_text(f"{nested}\n")
    return str(folder)


@pytest.mark.parametrize("flags,modules,vendor", [
    ("fpu svm npt", {"kvm_amd": "1"}, "svm"), ("fpu svm", {"kvm_amd": "Y"}, "svm"),
    ("fpu vmx ept", {"kvm_intel": "Y"}, "vmx"), ("fpu vmx", {"kvm_intel": "1"}, "vmx")])
def test_it_nests(tmp_path, flags, modules, vendor):
    assert nesting(machine(tmp_path, flags, **modules)) == (vendor, "")


@pytest.mark.parametrize("flags,modules,why", [
    ("fpu vmx", {"kvm_intel": "N"}, "load kvm_intel with nested=1"),
    ("fpu svm", {"kvm_amd": "0"}, "load kvm_amd with nested=1"),
    ("fpu vmx", {}, "load kvm_intel with nested=1"),
    ("fpu vmx", {"kvm_amd": "1"}, "load kvm_intel with nested=1"),
    ("fpu vmxx xsvm", {"kvm_intel": "Y"}, "neither svm nor vmx")])
def test_it_does_not(tmp_path, flags, modules, why):
    vendor, reason = nesting(machine(tmp_path, flags, **modules))
    assert vendor is None and why in reason


def test_no_kvm(tmp_path):
    assert nesting(str(tmp_path)) == (None, "no /dev/kvm")
