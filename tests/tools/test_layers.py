# SPDX-License-Identifier: BSD-2-Clause
"""The rules of tests/check-layers: what is refused, and with which words."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

PATH = str(Path(__file__).resolve().parents[1] / "check-layers")
SPEC = importlib.util.spec_from_loader("layers", importlib.machinery.SourceFileLoader("layers", PATH))
layers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(layers)


@pytest.mark.parametrize("name, included", [
    ("arch/x86_64/smp.c", "vmm/main.h"), ("arch/x86_64/hvm/svm.c", "vmm/vm.h"),
    ("lib/log.c", "arch/x86_64/uart.h"), ("vnet/forward.c", "vnet/link/guard.h"),
    ("vnet/lookup/explain.c", "vnet/link/link.h"), ("vnet/frame/view.h", "vnet/vnet.h"),
    ("drivers/virtio/vring.h", "vnet/vnet.h"), ("drivers/e1000/e1000.c", "drivers/virtio/vring.h"),
    ("vmm/vcpu.c", "vmm/control/control.h"), ("vmm/devices/vapic.c", "vmm/control/show/out.h"),
    ("vmm/load/images.c", "vmm/vm.h"), ("guest-images/lib/vnic.c", "vnet/vnet.h")])
def test_refused(name, included):
    room = layers.room_of(name)
    assert layers.forbidden(name, included).startswith((room, name, "vnet/lookup/"))


@pytest.mark.parametrize("name, included", [
    ("vmm/main.c", "vmm/control/control.h"), ("vmm/control/show/show.c", "vmm/vm.h"),
    ("vmm/devices/vapic.c", "vmm/vm.h"), ("arch/x86_64/hvm/svm.c", "arch/x86_64/lapic.h"),
    ("drivers/virtio/virtio_net_rx.c", "vnet/vnet.h"), ("vnet/link/inbound.c", "vnet/state.h"),
    ("tests/unit/test_vring.c", "vmm/vm.h"), ("vnet/vnet.h", "stdint.h")])
def test_allowed(name, included):
    assert layers.forbidden(name, included) is None


def test_walk_is_compared():
    assert layers.defines("vnet/forward.c", "vnet_input")
    assert not layers.defines("vnet/forward.c", "outbound_egress")
    assert not layers.defines("vnet/absent.c", "vnet_input")
