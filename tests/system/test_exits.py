# SPDX-License-Identifier: BSD-2-Clause
"""The bench of exits: what the guest counts in ticks, the VMM counts in exits."""

import pytest

import exits
from patio.targets import chosen

pytestmark = pytest.mark.skipif(chosen() not in exits.MACHINES,
                                reason="only on a clock that counts instructions")
ROUNDS = (20, 60)


@pytest.fixture(name="costs", scope="module")
def the_costs():
    return exits.cost(chosen(), ROUNDS)


@pytest.mark.parametrize("operation", exits.KIND)
def test_one_exit_a_round(costs, operation):
    """Each operation exits exactly once a round, and each part costs something."""
    count, total, generic = costs[operation]
    assert count == 1
    assert 0 < generic < total


def test_same_again():
    """Instructions are counted, so two equal lives count the same, to the last one."""
    first, second = (exits.life(chosen(), exits.KIND, 20) for _ in range(2))
    assert first == second
