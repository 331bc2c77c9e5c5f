# SPDX-License-Identifier: BSD-2-Clause
"""Which system tests run where, when no target is named."""

import pytest

from tests.report import is_chosen

MARKS = {"plain": [], "every": [pytest.mark.every_target],
         "nested": [pytest.mark.nested("kvm-svm", "kvm-vmx")],
         "pair": [pytest.mark.every_target, pytest.mark.nested("kvm-svm")]}
BOCHS = {"every", "pair"}  # what runs on a slow target without KVM, whoever asks
CHOSEN = {("test", "bochs-vmx"): BOCHS, ("soak", "bochs-vmx"): BOCHS,
          ("test", "kvm-svm"): {"nested", "pair"}, ("soak", "kvm-svm"): set(MARKS),
          ("test", "kvm-vmx"): {"nested"}, ("soak", "kvm-vmx"): {"every", "nested"}}


class Item:
    """A test with these marks."""

    def __init__(self, marks):
        self.marks = [m.mark for m in marks]

    def iter_markers(self, name):
        return (m for m in self.marks if m.name == name)

    def get_closest_marker(self, name):
        return next(self.iter_markers(name), None)


@pytest.mark.parametrize("chooser,target", CHOSEN)
def test_chosen(chooser, target):
    taken = {name for name, marks in MARKS.items() if is_chosen(Item(marks), target, chooser)}
    assert taken == CHOSEN[chooser, target]
