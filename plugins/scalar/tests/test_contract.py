"""The kit that every tokenizer passes."""

import numpy as np
import pyarrow as pa
import pytest

from tokenry_core.testing import TokenizerCase, TokenizerTests
from tokenry_scalar import Filter, ScalarTokenizer


def rows(n=60):
    rng = np.random.default_rng(5)
    magnitude = rng.normal(18, 2, n).astype(np.float32)
    magnitude[::9] = np.nan
    parallax = [None if i % 7 == 0 else float(v) for i, v in enumerate(rng.normal(0, 1, n))]
    return pa.table(
        {
            "source_id": np.arange(n) * 10**15,
            "mag_pstotal_r": magnitude,
            "parallax": parallax,
            "visits": rng.integers(0, 4, n),
        }
    )


OPTIONS = {
    "exact": {},
    "one-pass": {"estimator": "one-pass", "ties": "merge"},
    "reservoir": {"estimator": "reservoir", "max_values_per_col": 20, "decode": "mean"},
    "filtered": {
        "mag_filter_col": "mag_pstotal_r",
        "filters": (Filter("parallax", low=-1.0, clip=True),),
    },
}


@pytest.mark.slow
class TestScalarTokenizer(TokenizerTests):
    @pytest.fixture(scope="class", params=OPTIONS.values(), ids=OPTIONS.keys())
    @classmethod
    def case(cls, request):
        names = ["mag_pstotal_r", "parallax", "visits"]
        tokenizer = ScalarTokenizer(n_bins=8, scalar_columns=names, **request.param)
        return TokenizerCase(tokenizer, rows())
