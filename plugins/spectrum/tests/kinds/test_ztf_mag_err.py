import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import build_config
from tokenry_spectrum.kinds import ZtfMagErr
from tokenry_spectrum.kinds._ztf_mag_err import time_order

GROUP = {"name": "g", "kind": "ztf_mag_err", "mag_col": "m", "err_col": "e"}


def kind(**options):
    return ZtfMagErr(build_config(ZtfMagErr.Config, {**GROUP, **options}))


def test_features_are_magnitude_and_bounded_weight():
    batch = pa.record_batch({"m": [[18.0, 19.0, 20.0]], "e": [[0.5, 1e-9, np.nan]]})
    found = kind().read(batch, {}).features(0, 3)
    assert np.allclose(found, [[18, 19, 20], [2, 1000, np.nan]], equal_nan=True)


def test_points_are_put_by_time():
    batch = pa.record_batch(
        {"m": [[1.0, 2.0, 3.0], [4.0, 5.0]], "e": [[0.1] * 3, [0.1] * 2], "t": [[3, 1, 2], [1, 2]]}
    )
    points = kind(time_col="t").read(batch, {})
    assert points.features(0, 5)[0].tolist() == [2, 3, 1, 4, 5]
    assert points.positions(0, 5).tolist() == [1, 2, 3, 1, 2]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, np.nan]), max_size=6), max_size=6))
def test_time_order_is_a_stable_sort_of_each_row(rows):
    times = np.array([t for row in rows for t in row], np.float64)
    lengths = np.array([len(row) for row in rows], np.int64)
    order = time_order(times, lengths)
    found = np.arange(len(times)) if order is None else order
    start, expected = 0, []
    for row in rows:
        expected += (start + np.argsort(np.array(row), kind="stable")).astype(int).tolist()
        start += len(row)
    assert found.tolist() == expected


def test_values_undo_the_features():
    values = kind().values(np.array([[18.0], [20.0]]), {})
    assert values == {"m": pytest.approx([18.0]), "e": pytest.approx([0.05])}
