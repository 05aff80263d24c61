import numpy as np
import pyarrow as pa

from tokenry_core import build_config
from tokenry_spectrum.kinds import FluxIvar

GROUP = {"name": "b", "kind": "flux_ivar", "flux_col": "flux", "ivar_col": "ivar"}


def kind(**options):
    return FluxIvar(build_config(FluxIvar.Config, {**GROUP, **options}))


def test_features_are_flux_and_root_of_the_positive_ivar():
    batch = pa.record_batch({"flux": [[1.5, -2.0, 3.0]], "ivar": [[4.0, -9.0, np.nan]]})
    points = kind().read(batch, {})
    expected = np.array([[1.5, -2.0, 3.0], [2.0, 0.0, np.nan]], np.float32)
    assert np.array_equal(points.features(0, 3), expected, equal_nan=True)


def test_runs_of_points_join_to_all_of_them():
    random = np.random.default_rng(0)
    batch = pa.record_batch(
        {"flux": list(random.random((5, 4))), "ivar": list(random.random((5, 4)))}
    )
    points = kind().read(batch, {})
    parts = [points.features(a, b) for a, b in ((0, 8), (8, 12), (12, 20))]
    assert np.array_equal(np.concatenate(parts, axis=1), points.features(0, 20))


def test_values_undo_the_features():
    flux, ivar = np.array([1.0, -2.0]), np.array([0.0, 2.25])
    values = kind().values(np.array([flux, np.sqrt(ivar)]), {})
    assert values["flux"].tolist() == flux.tolist()
    assert values["ivar"].tolist() == ivar.tolist()


def test_numbers_beyond_float32_are_not_finite():
    batch = pa.record_batch({"flux": [[1e300]], "ivar": [[1.0]]})
    assert np.isinf(kind().read(batch, {}).features(0, 1)[0, 0])


def test_the_grid_gives_wavelengths():
    axis, label = kind(grid=[3600.0, 0.8]).axis(3, {})
    assert np.allclose(axis, [3600.0, 3600.8, 3601.6])
    assert label == "wavelength"
