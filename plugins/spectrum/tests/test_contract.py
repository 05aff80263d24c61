"""The promises of the contract, by the kit."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from tokenry_core.testing import TokenizerCase, TokenizerTests
from tokenry_spectrum import SpectrumTokenizer

SPECTRUM = {"name": "b", "kind": "flux_ivar", "flux_col": "flux", "ivar_col": "ivar"}
CURVE = {
    "name": "g",
    "kind": "ztf_mag_err",
    "mag_col": "mag",
    "err_col": "err",
    "time_col": "time",
}


def rows(n=24, length=12, seed=0):
    random = np.random.default_rng(seed)
    flux = random.normal(size=(n, length)).astype(np.float32)
    ivar = random.gamma(2, size=(n, length)).astype(np.float32)
    flux[3, 2], ivar[5, 7] = np.nan, np.inf
    counts = random.integers(1, 9, n)
    curves = [random.normal(18, 1, c) for c in counts]
    table = {
        "id": np.arange(n),
        "flux": pa.array([None if i == 6 else list(f) for i, f in enumerate(flux)]),
        "ivar": pa.array(list(map(list, ivar))),
        "mag": pa.array([[] if i == 2 else list(c) for i, c in enumerate(curves)]),
        "err": pa.array([[] if i == 2 else list(0.01 * c) for i, c in enumerate(curves)]),
        "time": pa.array(
            [[] if i == 2 else list(random.random(len(c))) for i, c in enumerate(curves)]
        ),
    }
    return pa.table(table)


def bad_rows():
    return {
        "id": [100, 101, 102],
        "flux": [[1.0] * 12, [1.0] * 11, [1.0] * 12],
        "ivar": [[1.0] * 11, [1.0] * 11, [1.0] * 12],
        "mag": [[18.0], [18.0], [18.0, 19.0]],
        "err": [[0.1], [0.1], [0.1]],
        "time": [[0.1], [0.1], [0.1]],
    }


class TestRectangularAndRagged(TokenizerTests):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        tokenizer = SpectrumTokenizer(codebook_size=16, groups=[SPECTRUM, CURVE])
        return TokenizerCase(tokenizer, rows=rows(), bad_rows=bad_rows())


class TestTightCaps(TokenizerTests):
    """Every cap bites, so that files need a second pass."""

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        tokenizer = SpectrumTokenizer(
            codebook_size=8,
            groups=[SPECTRUM],
            max_rows_per_file=10,
            max_points_per_row=7,
            max_features_per_group=40,
        )
        return TokenizerCase(tokenizer, rows=rows(), many=200)


class TestLightCurvesThatAreFound(TokenizerTests):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        names = {"mag": "ztf_mag_g", "err": "ztf_magerr_g", "time": "ztf_hmjd_g"}
        table = rows().select(["id", *names])
        table = table.rename_columns(["id", *names.values()])
        table = table.append_column("ztf_mag_r", table["ztf_mag_g"])
        table = table.append_column("ztf_magerr_r", table["ztf_magerr_g"])
        return TokenizerCase(SpectrumTokenizer(codebook_size=16), rows=table, many=200)


class TestFixedSizeLists(TokenizerTests):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        table = rows()
        fixed = pa.list_(pa.float32(), 12)
        table = pa.table(
            {
                "id": table["id"],
                "flux": table["flux"].cast(fixed),
                "ivar": table["ivar"].cast(fixed),
            }
        )
        return TokenizerCase(SpectrumTokenizer(codebook_size=16, groups=[SPECTRUM]), rows=table)


class TestGaia(TokenizerTests):
    reasons: ClassVar = {
        "test_decoding_is_undone_by_encoding": "coefficients cannot be had back from the flux"
    }
    test_decoding_is_undone_by_encoding = None

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        pytest.importorskip("gaiaxpy", reason="the extra [gaia]")
        random = np.random.default_rng(3)
        bp = [None if i == 6 else list(random.normal(size=55)) for i in range(12)]
        rp = [None if i == 7 else str(list(random.normal(size=55))) for i in range(12)]
        table = {"source_id": np.arange(12), "bp_coefficients": bp, "gaiaxp_rp_coefficients": rp}
        groups = [
            "gaiaxp_bp",
            {"name": "xp", "kind": "gaiaxpy_xp", "xp_band": "BOTH", "mode": "calibrate"},
        ]
        return TokenizerCase(
            SpectrumTokenizer(codebook_size=32, groups=groups),
            rows=table,
            bad_rows={
                "source_id": [90, 91],
                "bp_coefficients": [[1.0] * 54, [1.0] * 55],
                "gaiaxp_rp_coefficients": [str([1.0] * 55), "[1.0, none]"],
            },
            many=100,
        )
