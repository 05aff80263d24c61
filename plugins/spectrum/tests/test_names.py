"""Names that authors of kinds write, and what a fit gives."""

import numpy as np
import pyarrow as pa

from tokenry_spectrum import Codebook, NearestCentroid, fit_codebook
from tokenry_spectrum.kinds import (
    FluxIvar,
    GaiaXp,
    Group,
    Kind,
    Lists,
    Points,
    ZtfMagErr,
    read_lists,
)


def test_a_codebook_says_what_its_training_saw():
    found = fit_codebook(np.array([[0.0], [0.1], [5.0], [5.1]]), 2)
    assert isinstance(found, Codebook)
    assert found.centroids.tolist() == [[np.float32(0.05)], [np.float32(5.05)]]
    assert found.inertia < 0.02
    assert found.iterations >= 1
    nearest = NearestCentroid(found.centroids, 2)
    assert nearest.labels([[4.0]]).tolist() == [1]


def test_every_kind_of_ours_is_a_kind_with_a_group():
    for kind in (FluxIvar, GaiaXp, ZtfMagErr):
        assert issubclass(kind, Kind)
        assert issubclass(kind.Config, Group)


def test_lists_of_a_batch_become_points():
    batch = pa.record_batch({"flux": [[1.0, 2.0], None], "ivar": [[1.0, 4.0], [1.0, 1.0]]})
    lists = read_lists(batch, ["flux", "ivar"])
    assert isinstance(lists, Lists)
    assert lists.lengths.tolist() == [2, 0]
    config = FluxIvar.Config(name="b", kind="flux_ivar", flux_col="flux", ivar_col="ivar")
    points = FluxIvar(config).read(batch, {})
    assert isinstance(points, Points)
    assert points.features(0, 2).tolist() == [[1.0, 2.0], [1.0, 2.0]]
