# SPDX-License-Identifier: BSD-2-Clause
"""tests/bench/stats.py: distributions and late samples."""

import pytest

from stats import distribution, late, tail


def test_distribution_of_one():
    assert distribution([7]) == {"n": 1, "min": 7, "p50": 7, "p90": 7, "p99": 7, "p99.9": 7,
                                 "max": 7, "mean": 7}


def test_distribution_does_not_depend_on_order():
    up = list(range(1000))
    found = distribution(up[::-1])
    assert found == distribution(up)
    assert (found["p50"], found["p90"], found["p99"], found["p99.9"]) == (500, 900, 990, 999)
    assert (found["min"], found["max"], found["mean"]) == (0, 999, 499)


def test_a_period_shows():
    samples = [100] * 400
    for index in range(5, 400, 33):
        samples[index] = 250
    found = late(samples)
    assert found["period"] == 33 and found["count"] == 12
    assert [f["index"] for f in found["list"]] == list(range(5, 400, 33))
    assert found["list"][1] == {"index": 38, "when": 37 * 100 + 250, "took": 250, "over": 150}
    assert "every 33" in tail(samples)


def test_a_period_of_two_guests_shows():
    samples = [100] * 400
    for index in range(17, 400, 33):
        samples[index] = 250
    for index in range(20, 400, 33):
        samples[index] = 250
    assert late(samples)["period"] == 33
    assert "every 33: 17 (+150), 20 (+150), 50" in tail(samples)


@pytest.mark.parametrize("places", [[3, 50, 51, 200, 310], [1, 2], [], [10, 11, 12, 13, 14]])
def test_no_period_where_there_is_none(places):
    samples = [100] * 400
    for index in places:
        samples[index] = 1000
    found = late(samples)
    assert (found["period"], found["count"]) == (None, len(places))
    assert "every" not in tail(samples)


def test_the_limit_itself_is_not_late():
    assert late([100] * 9 + [150])["count"] == 0
    assert late([100] * 9 + [151])["count"] == 1
    assert late([100] * 9 + [151], factor=2)["count"] == 0


def test_the_list_is_bounded_and_the_count_is_not():
    found = late([10] * 300 + [100] * 200, listed=20)
    assert (len(found["list"]), found["count"]) == (20, 200)
    assert [f["index"] for f in found["list"]] == list(range(300, 320))
