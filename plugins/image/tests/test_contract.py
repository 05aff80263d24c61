"""The plugin keeps every promise of the test kit."""

import numpy as np
import pyarrow as pa
import pytest

from tokenry_core import tensor_column
from tokenry_core.testing import ModelCase, ModelTests, TokenizerCase, TokenizerTests
from tokenry_image import ImageTokenizer, conv_autoencoder

REASONS = {"test_decoding_is_undone_by_encoding": "a reconstruction is near its image, not equal"}
SIZE, ROWS = 8, 12


def images(rows=ROWS, bands=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, bands, SIZE, SIZE)).astype(np.float32)


def tiny(quantizer="fsq", **options):
    training = {"steps": 4, "batch_size": 4, "evaluate_every": 2, "validation": 0.2}
    given = {
        "cutout_size": SIZE,
        "bands": ["R", "G"],
        "codebook_size": 16,
        "quantizer": quantizer,
        "options": {"width": 8, "blocks": 1},
        "training": training,
    }
    return ImageTokenizer(**{**given, **options})


def column(values, kind):
    if kind == "tensor":
        return tensor_column(values)
    flat = [row.ravel().tolist() for row in values]
    if kind == "nested":
        return pa.array(values.tolist(), pa.list_(pa.list_(pa.float32())))
    size = values[0].size if kind == "fixed" else -1
    return pa.array(flat, pa.list_(pa.float32(), size))


def rows(kind):
    values = images()
    return pa.table(
        {
            "id": np.arange(ROWS) * 3,
            "splus_cut_R": column(values[:, 0], kind),
            "splus_cut_G": column(values[:, 1], kind),
        }
    )


class TestQuantizers(TokenizerTests):
    reasons = REASONS
    test_decoding_is_undone_by_encoding = None

    @pytest.fixture(scope="class", params=["fsq", "kmeans", "vq"])
    @classmethod
    def case(cls, request):
        quantizer = request.param
        bad = {"id": [1], "splus_cut_R": [[1.0]], "splus_cut_G": [[1.0] * SIZE**2]}
        return TokenizerCase(tiny(quantizer), rows("list"), bad_rows=bad, many=60)


class TestColumns(TokenizerTests):
    reasons = REASONS
    test_decoding_is_undone_by_encoding = None

    @pytest.fixture(scope="class", params=["fixed", "tensor", "nested"])
    @classmethod
    def case(cls, request):
        return TokenizerCase(tiny(absent_band="mask"), rows(request.param), many=60)


class TestConvAutoencoder(ModelTests):
    @pytest.fixture
    def case(self):
        config = {"bands": 3, "latent_dim": 5, "width": 8, "blocks": 1}
        return ModelCase(conv_autoencoder, config, size=(16, 24))
