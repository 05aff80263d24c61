import pytest
import torch

from tokenry_core.errors import ConfigError, DataError, ShapeError
from tokenry_pairs import SetPoolingModule
from tokenry_pairs.model import POOLINGS
from tokenry_pairs.model._pooling import Shares


def identity(pool):
    with torch.no_grad():
        pool.project.weight.copy_(torch.eye(*pool.project.weight.shape))
        pool.project.bias.zero_()
    return pool


def test_mean_is_the_mean_of_all_tokens():
    tokens = torch.randn(2, 3, 5, 4)
    torch.testing.assert_close(
        identity(SetPoolingModule(4, 4, "mean"))(tokens), tokens.mean((1, 2))
    )


def test_cls_mean_is_the_mean_of_first_tokens():
    tokens = torch.randn(2, 3, 5, 4)
    pooled = identity(SetPoolingModule(4, 4, "cls_mean"))(tokens)
    torch.testing.assert_close(pooled, tokens[:, :, 0].mean(1))


@pytest.mark.parametrize("queries", [1, 2])
def test_attention_is_a_weighted_mean_for_each_query(queries):
    tokens = torch.randn(1, 2, 3, 4)
    pool = identity(SetPoolingModule(4, 4 * queries, "attention", queries=queries))
    flat = tokens.reshape(6, 4)
    weights = (flat @ pool.score.weight.T).softmax(0)
    torch.testing.assert_close(pool(tokens)[0], (weights.T @ flat).flatten())


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("masked", [False, True])
def test_shares_of_single_images_join_to_the_vectors_of_their_sets(pooling, masked):
    pool, tokens = SetPoolingModule(8, 6, pooling), 3 * torch.randn(5, 4, 7, 8)
    mask = torch.rand(5, 4, generator=torch.manual_seed(0)) > 0.4 if masked else None
    if mask is not None:
        mask[:, 0] = True
    means, logs = pool.shares(tokens.flatten(0, 1))
    joined = pool.join(Shares(means.view(5, 4, -1, 8), logs.view(5, 4, -1)), mask)
    torch.testing.assert_close(joined, pool(tokens, mask), rtol=1e-4, atol=1e-5)


def test_an_unknown_pooling_lists_those_that_exist():
    with pytest.raises(ConfigError, match=r'"atention".*mean, attention.*Did you mean "attention"'):
        SetPoolingModule(4, 4, "atention")


def test_a_set_without_an_image_is_refused():
    pool = SetPoolingModule(4, 4, "mean")
    with pytest.raises(DataError, match="set 1 has no image"):
        pool([torch.zeros(2, 3, 4), torch.zeros(0, 3, 4)])
    with pytest.raises(DataError, match="set 1 has no image"):
        pool(torch.zeros(2, 1, 3, 4), torch.tensor([[True], [False]]))
    with pytest.raises(DataError, match="without an image"):
        pool(torch.zeros(2, 0, 3, 4))
    with pytest.raises(DataError, match="empty list"):
        pool([])


def test_shapes_that_do_not_fit_are_named():
    pool = SetPoolingModule(4, 4, "mean")
    with pytest.raises(ShapeError, match=r"\(2, 3, 5\)"):
        pool(torch.zeros(2, 3, 5))
    with pytest.raises(ShapeError, match="same number of tokens"):
        pool([torch.zeros(1, 3, 4), torch.zeros(1, 2, 4)])
    with pytest.raises(ShapeError, match=r"mask of shape \(2,\)"):
        pool(torch.zeros(2, 1, 3, 4), torch.ones(2, dtype=torch.bool))
    with pytest.raises(ShapeError, match="torch.float32"):
        pool(torch.zeros(2, 1, 3, 4), torch.ones(2, 1))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_padding_tokens_hold_does_not_matter(pooling):
    pool = SetPoolingModule(4, 4, pooling)
    tokens, mask = torch.randn(2, 3, 5, 4), torch.tensor([[True, False, True], [True, True, False]])
    filled = torch.where(mask[:, :, None, None], tokens, torch.nan)
    assert pool(filled, mask).isfinite().all()
    torch.testing.assert_close(pool(filled, mask), pool(tokens, mask))
