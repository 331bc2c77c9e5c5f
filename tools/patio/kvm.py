# SPDX-License-Identifier: BSD-2-Clause
"""Whether this machine's KVM can run a node: KVM must give it the CPU's virtualization (nesting)."""

import os
import re

# By the CPU's flag in /proc/cpuinfo: KVM's module.
VENDORS = {"svm": "kvm_amd", "vmx": "kvm_intel"}


def _read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def nesting(root="/"):
    """(The virtualization that KVM nests here: "svm", "vmx" or None; the reason for None).  `root` is
    the folder with /proc, /sys and /dev."""
    device = os.path.join(root, "dev/kvm")
    if not os.path.exists(device):
        return None, "no /dev/kvm"
    if not os.access(device, os.R_OK | os.W_OK):
        return None, "/dev/kvm is not this user's to open"
    flags = re.search(r"^flags\s*:(.*)$", _read(os.path.join(root, "proc/cpuinfo")), re.M)
    for vendor, module in VENDORS.items():
        if not flags or vendor not in flags[1].split():
            continue
        parameter = os.path.join(root, "sys/module", module, "parameters/nested")
        if _read(parameter).strip() in ("1", "Y"):
            return vendor, ""
        return None, f"KVM does not nest: load {module} with nested=1"
    return None, "the CPU shows neither svm nor vmx"
