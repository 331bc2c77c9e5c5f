# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark of exits: for each operation that the guest times, the VMM counts one exit."""

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
    """Each operation makes exactly one exit, and each part has a cost."""
    count, total, generic = costs[operation]
    assert count == 1
    assert 0 < generic < total


def test_same_again():
    """Instructions are counted, so two equal runs give exactly the same figures."""
    first, second = (exits.life(chosen(), exits.KIND, 20) for _ in range(2))
    assert first == second
