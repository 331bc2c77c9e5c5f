"""The bench of exits: what the guest counts in ticks, the VMM counts in exits."""

import sys

import pytest

from node import ROOT

sys.path.append(f"{ROOT}/tests/bench")

import exits  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = (20, 60)
SVM = exits.MACHINES["svm"]


@pytest.fixture(name="costs", scope="module")
def the_costs():
    return exits.cost(SVM, ROUNDS)


@pytest.mark.parametrize("operation", exits.KIND)
def test_one_exit_a_round(costs, operation):
    """Each operation exits exactly once a round, and each part costs something."""
    count, total, generic = costs[operation]
    assert count == 1
    assert 0 < generic < total


def test_same_again(costs):
    """Under icount a second run counts the same, to the last instruction of every exit."""
    assert exits.cost(SVM, ROUNDS) == costs
    assert exits.life(SVM, exits.LIVES[0], 20) == exits.life(SVM, exits.LIVES[0], 20)
