from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from tokenry_core import TokenBatch
from tokenry_core.errors import BadRows, ConfigError, DataError, MissingColumn, ShapeError
from tokenry_core.testing import TokenizerCase, TokenizerTests
from tokenry_patch2d import (
    Patch2dPairsTokenizer,
    Patch2dTokenizer,
    build_sequence_pair,
    tokenize_patch,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 2, 9, 11)).astype(np.float32)
SQUARES = RNG.normal(size=(12, 1, 14, 14)).astype(np.float32)


def _table(images, **columns):
    flat = [None if n % 5 == 3 else image.ravel().tolist() for n, image in enumerate(images)]
    return pa.table({"id": range(len(images)), "image": flat, **columns})


BAD = {"id": [100, 101], "image": [[1.0, 2.0], []]}


class TestPatch2d(TokenizerTests):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        tokenizer = Patch2dTokenizer(shape=(2, 9, 11), patch_size=(4, 3), stride=2)
        return TokenizerCase(tokenizer, rows=_table(IMAGES), bad_rows=BAD)


class TestPatch2dPairs(TokenizerTests):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls):
        tokenizer = Patch2dPairsTokenizer(
            shape=(1, 14, 14), window=8, patch_size=4, num_patches=2, rotations=(0, 1, 2, 3)
        )
        return TokenizerCase(tokenizer, rows=_table(SQUARES), bad_rows=BAD)


def test_tokens_and_coords_are_those_of_the_function():
    tokens = Patch2dTokenizer(shape=(2, 9, 11), patch_size=4, stride=3).encode(IMAGES)
    expected, coords = tokenize_patch(torch.from_numpy(IMAGES), 4, 3)
    assert np.array_equal(tokens["patch_tokens"], expected)
    assert np.array_equal(tokens["patch_coords"], coords.expand(12, -1, -1))


COLUMNS = {
    "flat lists": lambda x: pa.array(list(x.reshape(len(x), -1))),
    "nested lists": lambda x: pa.array(x.tolist(), pa.list_(pa.list_(pa.list_(pa.float32())))),
    "bytes of integers": lambda x: pa.array(list(x.reshape(len(x), -1).astype(np.int16))),
    "float64": lambda x: pa.array(list(x.reshape(len(x), -1).astype(np.float64))),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS.keys())
@pytest.mark.parametrize("layout", ["chw", "hwc"])
def test_every_way_to_hold_pixels_is_read(column, layout):
    images = (IMAGES * 20).round()
    stored = images if layout == "chw" else np.moveaxis(images, 1, -1)
    tokenizer = Patch2dTokenizer(shape=(2, 9, 11), patch_size=4, layout=layout)
    tokens = tokenizer.encode({"image": column(np.ascontiguousarray(stored))})
    assert np.array_equal(tokens["patch_tokens"], tokenize_patch(torch.tensor(images), 4)[0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_tokens_have_the_dtype_asked_for(dtype):
    tokenizer = Patch2dTokenizer(shape=(2, 9, 11), patch_size=4, dtype=dtype)
    tokens = tokenizer.encode(torch.from_numpy(IMAGES))
    expected, _ = tokenize_patch(torch.from_numpy(IMAGES.astype(dtype)), 4)
    assert tokens["patch_tokens"].dtype == dtype
    assert np.array_equal(tokens["patch_tokens"], expected)


@pytest.mark.parametrize("layout", ["chw", "hwc"])
def test_decoding_gives_the_images_back_with_nulls(layout):
    images = IMAGES if layout == "chw" else np.moveaxis(IMAGES, 1, -1)
    tokenizer = Patch2dTokenizer(shape=(2, 9, 11), patch_size=5, stride=2, layout=layout)
    table = _table(np.ascontiguousarray(images))
    decoded = tokenizer.decode(tokenizer.encode(table))
    assert decoded.column("id").to_pylist() == list(range(12))
    column = decoded.column("image")
    assert column.null_count == 2
    for n in range(12):
        if column.is_valid()[n].as_py():
            assert np.array_equal(column[n].to_numpy(), images[n])


def test_decoding_reads_tokens_from_read_only_memory():
    tokenizer = Patch2dTokenizer(shape=(2, 9, 11), patch_size=4)
    tokens = tokenizer.encode(IMAGES)
    again = TokenBatch.from_arrow(tokens.to_arrow())
    assert tokenizer.decode(again).column("image").equals(tokenizer.decode(tokens).column("image"))


def test_a_saved_tokenizer_makes_the_same_tokens(tmp_path):
    tokenizer = Patch2dPairsTokenizer(shape=(1, 14, 14), window=8, patch_size=4, seed=3)
    again = Patch2dPairsTokenizer.load(tokenizer.save(tmp_path / "pairs.safetensors"))
    assert again == tokenizer
    assert again.encode(SQUARES) == tokenizer.encode(SQUARES)


def test_pairs_are_content_true_and_related_as_the_function_says():
    tokenizer = Patch2dPairsTokenizer(
        shape=(1, 14, 14), window=8, patch_size=3, stride=1, num_patches=9, rotations=(0, 1, 2, 3)
    )
    tokens = tokenizer.encode(SQUARES)
    deltas, turns = tokens["pair_deltas"].reshape(-1, 2), tokens["pair_rotations"].reshape(-1)
    assert set(turns) == {0, 1, 2, 3}
    patch = torch.zeros(len(turns), 1, 8, 8)
    found = build_sequence_pair(patch, patch, *deltas.T, turns.astype(int), 3, 1)
    forth, back = (
        tokens[f"pair_indices{way}"].reshape(len(turns), -1).astype(int)
        for way in ("1_to_2", "2_to_1")
    )
    count = forth.shape[1]
    assert np.array_equal(np.where(forth == count, -1, forth), found["overlap_indices1_to_2"])
    assert np.array_equal(np.where(back == count, -1, back), found["overlap_indices2_to_1"])
    fractions = tokens["pair_fractions"].reshape(len(turns), -1)
    assert np.array_equal(fractions, found["overlap_fractions"])
    first, second = (tokens[f"pair_tokens{n}"].reshape(-1, count, 3, 3) for n in (1, 2))
    whole = np.argwhere(fractions == 1)
    assert len(whole) > 500
    for n, i in whole:
        assert np.array_equal(first[n, i], np.rot90(second[n, forth[n, i]], turns[n]))


def test_pairs_follow_the_seed_and_the_pixels():
    def deltas(images, seed=0):
        tokenizer = Patch2dPairsTokenizer(
            shape=(1, 14, 14), window=8, patch_size=4, num_patches=20, seed=seed
        )
        return tokenizer.encode(images)["pair_deltas"]

    assert np.array_equal(deltas(SQUARES)[::-1], deltas(SQUARES[::-1].copy()))
    assert not np.array_equal(deltas(SQUARES), deltas(SQUARES, seed=1))
    assert not np.array_equal(deltas(SQUARES)[0], deltas(SQUARES)[1])
    assert len(np.unique(deltas(SQUARES)[0], axis=0)) > 10


def test_threads_make_no_difference():
    images = RNG.normal(size=(64, 3, 64, 64)).astype(np.float32)
    tokenizer = Patch2dTokenizer(shape=(3, 64, 64), patch_size=16)
    one = Patch2dTokenizer.restore(tokenizer.config, {}, threads=1)
    assert one.encode(images) == tokenizer.encode(images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "shape: missing"),
        ({"shape": (3, 8)}, "shape"),
        ({"shape": (3, 8, 8), "patch_size": 9}, r"patch_size \(9\) must be <= patch dimensions"),
        ({"shape": (3, 8, 8), "patch_size": 4, "stride": 5}, r"stride \(5\) must be <="),
        ({"shape": (3, 8, 8), "patch": 4}, "patch: unknown key"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Patch2dTokenizer(**options)


def test_images_too_small_for_their_pairs_are_refused_at_once():
    with pytest.raises(ValueError, match=r"smallest image that would do is"):
        Patch2dPairsTokenizer(shape=(3, 64, 64), window=64)


@pytest.mark.parametrize(
    "column", [pa.array([b"png"]), pa.array(["a.png"])], ids=["files", "paths"]
)
def test_image_files_are_refused_with_what_to_do(column):
    with pytest.raises(DataError, match="decode the image files first"):
        Patch2dTokenizer(shape=(1, 4, 4), patch_size=2).encode({"image": column})


def test_images_of_another_size_are_bad_rows():
    with pytest.raises(BadRows, match="the image has 3 pixels; expected are 16"):
        Patch2dTokenizer(shape=(1, 4, 4), patch_size=2).encode({"image": [[0.0] * 16, [0.0] * 3]})


def test_a_column_of_another_name_is_named():
    with pytest.raises(MissingColumn, match="image"):
        Patch2dTokenizer(shape=(1, 4, 4), patch_size=2).encode({"picture": [[0.0] * 16]})


def test_an_array_of_the_wrong_rank_is_an_error():
    with pytest.raises(ShapeError, match=r"\(rows, 1, 4, 4\), got shape \(4, 4\)"):
        Patch2dTokenizer(shape=(1, 4, 4), patch_size=2).encode(np.zeros((4, 4)))
