import pytest
import torch

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_pairs import ReasoningHead
from tokenry_pairs.model import REASONINGS


def test_concat_mlp_is_the_mean_of_an_mlp_over_both_orders():
    head = ReasoningHead(4, 6, "concat_mlp")
    own, (a, b) = head.comparison, torch.randn(2, 3, 4)
    first = torch.cat([own.sides.weight[:6], own.sides.weight[6:], own.between.weight], 1)

    def hidden(x, y):
        parts = torch.cat([x, y, (x - y).abs(), x * y], 1)
        return torch.nn.functional.gelu(parts @ first.T + own.between.bias)

    expected = own.output((hidden(a, b) + hidden(b, a)) / 2)
    torch.testing.assert_close(head(a, b), expected)


def test_siamese_is_a_scaled_cosine():
    head = ReasoningHead(4, 6, "siamese")
    a, b = torch.randn(2, 3, 4)
    cosine = torch.cosine_similarity(head.comparison.project(a), head.comparison.project(b))
    torch.testing.assert_close(head(a, b)[:, 0], 10 * cosine - 5)


@pytest.mark.parametrize("reasoning", REASONINGS)
def test_every_weight_of_a_head_learns(reasoning):
    head = ReasoningHead(4, 6, reasoning)
    head(torch.randn(3, 4), torch.randn(3, 4)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())


@pytest.mark.parametrize("reasoning", REASONINGS)
def test_the_output_tells_pairs_apart(reasoning):
    head = ReasoningHead(4, 6, reasoning)
    a, b = torch.randn(2, 3, 4)
    assert head(a, b).unique().numel() == 3
    assert not torch.allclose(head(a, b), head(a, a))


def test_an_unknown_head_lists_those_that_exist():
    with pytest.raises(ConfigError, match=r'concat_mlp, cross_attention.*Did you mean "siamese"'):
        ReasoningHead(4, reasoning_type="siames")


def test_vectors_that_do_not_fit_are_named():
    head = ReasoningHead(4)
    with pytest.raises(ShapeError, match=r"\(2, 5\).*\(sets, 4\)"):
        head(torch.zeros(2, 5), torch.zeros(2, 5))
    with pytest.raises(ShapeError, match=r"3 sets and 2 sets.*score_all"):
        head(torch.zeros(3, 4), torch.zeros(2, 4))
