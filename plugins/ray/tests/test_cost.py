"""The cost model: what it says of simple cases."""

import pytest

from tokenry_core.errors import ConfigError
from tokenry_ray import Estimate, estimate

FREE = {"startup": 0, "driver": 0, "fragment": 0}


def test_twice_the_workers_take_half_the_time():
    one, two = (estimate(1e9, n, 1e5, **FREE).seconds for n in (10, 20))
    assert one == pytest.approx(2 * two)


def test_estimate_reads_as_a_sentence():
    assert str(Estimate(7200.0, 1000, "driver")) == (
        "2.00 hours for 1,000 fragments, limited by the driver"
    )


def test_part_of_a_round_takes_as_long_as_a_whole_one():
    assert estimate(5e6, 4, 1e6, **FREE).seconds == estimate(8e6, 4, 1e6, **FREE).seconds


def test_run_smaller_than_a_fragment_takes_its_own_rows():
    assert estimate(1e3, 4, 1e3, **FREE).seconds == pytest.approx(1)


def test_many_workers_on_small_fragments_wait_for_the_driver():
    found = estimate(1e9, 10_000, 1e6, fragment_rows=1e4)
    assert found.limit == "driver"
    assert found.seconds == estimate(1e9, 20_000, 1e6, fragment_rows=1e4).seconds
    assert estimate(1e9, 8, 1e6, fragment_rows=1e6).limit == "workers"


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"workers": 0}, {"rows_per_second": -1}])
def test_numbers_are_positive(wrong):
    given = {"rows": 1e6, "workers": 2, "rows_per_second": 1e5, **wrong}
    with pytest.raises(ConfigError, match="more than 0"):
        estimate(**given)
