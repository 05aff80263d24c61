import numpy as np
import pytest
import torch

from tokenry_pairs.training._cache import TokenCache


def digests(count, first=0):
    return [bytes([first + i]) * 32 for i in range(count)]


def tokens(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3, 4)).astype(np.float32)


@pytest.fixture(params=["memory", "disk"])
def folder(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "tokens"


def test_tokens_come_back_by_digest_from_any_chunk(folder):
    cache = TokenCache(folder)
    cache.add(digests(4), tokens(4))
    cache.add(digests(2, first=9), tokens(2, seed=1))
    names = [*digests(2, first=9), *digests(4)]
    found = cache.gather(cache.places(names).reshape(2, 3, 2))
    expected = np.concatenate([tokens(2, seed=1), tokens(4)]).reshape(2, 3, 3, 4)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_missing_names_each_absent_image_once_in_order(folder):
    cache = TokenCache(folder)
    cache.add(digests(1), tokens(1))
    assert cache.missing([b"z" * 32, *digests(1), b"a" * 32, b"z" * 32]) == [b"z" * 32, b"a" * 32]


def test_another_process_finds_the_tokens(tmp_path):
    TokenCache(tmp_path).add(digests(3), tokens(3))
    again = TokenCache(tmp_path)
    assert again.missing(digests(3)) == []
    np.testing.assert_array_equal(again.gather(again.places(digests(3))), tokens(3))


def test_two_writers_do_not_disturb_each_other(tmp_path):
    one, two = TokenCache(tmp_path), TokenCache(tmp_path)
    one.add(digests(2), tokens(2))
    two.add(digests(3), tokens(3))
    assert len(TokenCache(tmp_path)) == 3


@pytest.mark.parametrize("cut", [0, 10, 100])
@pytest.mark.parametrize("suffix", [".tokens.npy", ".digests.npy"])
def test_a_damaged_file_holds_nothing(tmp_path, suffix, cut):
    TokenCache(tmp_path).add(digests(3), tokens(3))
    (path,) = tmp_path.glob(f"*{suffix}")
    path.write_bytes(path.read_bytes()[:cut])
    assert TokenCache(tmp_path).missing(digests(3)) == digests(3)


def test_pickled_objects_are_not_read(tmp_path):
    TokenCache(tmp_path).add(digests(2), tokens(2))
    for path in tmp_path.glob("*.npy"):
        np.save(path, np.array([object()]), allow_pickle=True)
    assert len(TokenCache(tmp_path)) == 0


def test_gathered_tokens_may_be_written_to(tmp_path):
    cache = TokenCache(tmp_path)
    cache.add(digests(2), tokens(2))
    found = cache.gather(cache.places(digests(2)))
    found.zero_()
    assert torch.equal(cache.gather(cache.places(digests(2))), torch.from_numpy(tokens(2)))
