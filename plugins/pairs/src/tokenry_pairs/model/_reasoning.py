"""ReasoningHead: two vectors of sets become one logit, the same whichever comes first."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from tokenry_core.errors import ConfigError, ShapeError, nearest

__all__ = ["REASONINGS", "ReasoningHead"]


class Comparison(Protocol):
    """How a head compares: what can be done once per set, and what is left per pair.

    `pair_width` is about how many numbers are in memory at once for a pair.
    """

    pair_width: int

    def prepare(self, vectors: Tensor) -> Tensor:
        """Whatever is needed of each set alone, (B, ...) from (B, E)."""
        ...

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Logits of prepared sets whose leading dimensions broadcast."""
        ...

    def table(self, left: Tensor, right: Tensor) -> Tensor:
        """Logits (S, R) of every prepared set with every other."""
        ...


class ConcatMLP(nn.Module):
    """An MLP of [a; b; |a - b|; a * b], averaged over both orders.

    The first layer is linear in the four parts, so that a's and b's own share is computed once per
    set; |a - b| and a * b are the same in either order.
    """

    def __init__(self, input_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.input_dim = input_dim
        self.pair_width = 4 * input_dim + 5 * hidden_dim
        self.sides = nn.Linear(input_dim, 2 * hidden_dim, bias=False)
        self.between = nn.Linear(2 * input_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, 1)

    def prepare(self, vectors: Tensor) -> Tensor:
        """The vector, and its share of the first layer in the first and the second place."""
        return torch.cat([vectors, self.sides(vectors)], -1)

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Mean of the two orders' logits."""
        dim = self.input_dim
        a, b = left[..., :dim], right[..., :dim]
        a_first, a_second = left[..., dim:].chunk(2, -1)
        b_first, b_second = right[..., dim:].chunk(2, -1)
        shared = self.between(torch.cat([(a - b).abs(), a * b], -1))
        hidden = gelu(shared + a_first + b_second) + gelu(shared + b_first + a_second)
        logits: Tensor = self.output(hidden / 2)
        return logits.squeeze(-1)

    def table(self, left: Tensor, right: Tensor) -> Tensor:
        """Every pair through `compare`."""
        return self.compare(left[:, None], right[None])


class CrossAttention(nn.Module):
    """Each vector is split into parts, and the parts of either attend to those of the other.

    What a part finds in the other set is compared with the part itself, |part - found| and
    part * found; the logit is the mean over both directions.
    """

    def __init__(self, input_dim: int, hidden_dim: int, parts: int = 4) -> None:
        super().__init__()
        self.parts = parts
        self.width = max(1, hidden_dim // parts)
        self.pair_width = 5 * parts * self.width + 3 * hidden_dim
        self.split = nn.Linear(input_dim, 4 * parts * self.width)
        self.hidden = nn.Linear(2 * parts * self.width, hidden_dim)
        self.output = nn.Linear(hidden_dim, 1)

    def prepare(self, vectors: Tensor) -> Tensor:
        """Parts, queries, keys and values of each vector, (B, 4, parts, width)."""
        split: Tensor = self.split(vectors)
        return split.reshape(*vectors.shape[:-1], 4, self.parts, self.width)

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Mean of the two directions' logits."""
        hidden = self._direction(left, right) + self._direction(right, left)
        logits: Tensor = self.output(hidden / 2)
        return logits.squeeze(-1)

    def table(self, left: Tensor, right: Tensor) -> Tensor:
        """Every pair through `compare`."""
        return self.compare(left[:, None], right[None])

    def _direction(self, asking: Tensor, asked: Tensor) -> Tensor:
        part, query = asking[..., 0, :, :], asking[..., 1, :, :]
        key, value = asked[..., 2, :, :], asked[..., 3, :, :]
        weights = (query @ key.transpose(-1, -2) * self.width**-0.5).softmax(-1)
        found = weights @ value
        compared = torch.cat([(part - found).abs(), part * found], -1)
        return gelu(self.hidden(compared.flatten(-2)))


class Siamese(nn.Module):
    """The cosine of both vectors after one linear map, times a learned scale, plus a bias."""

    def __init__(self, input_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.pair_width = 3
        self.project = nn.Linear(input_dim, hidden_dim)
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())
        self.bias = nn.Parameter(torch.tensor(-5.0))

    def prepare(self, vectors: Tensor) -> Tensor:
        """Vectors of length one."""
        return normalize(self.project(vectors), dim=-1)

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Scaled cosines."""
        return (left * right).sum(-1) * self.log_scale.exp() + self.bias

    def table(self, left: Tensor, right: Tensor) -> Tensor:
        """One matrix product."""
        return left @ right.T * self.log_scale.exp() + self.bias


_TYPES = {"concat_mlp": ConcatMLP, "cross_attention": CrossAttention, "siamese": Siamese}
REASONINGS: tuple[str, ...] = tuple(_TYPES)


class ReasoningHead(nn.Module):
    """Says how likely two set vectors are of the same individual, as a logit.

    `reasoning_type` is "concat_mlp", "cross_attention" or "siamese". Swapping the sets changes
    nothing but rounding.

    >>> head = ReasoningHead(32, reasoning_type="siamese")
    >>> a, b = torch.ones(4, 32), torch.zeros(4, 32)
    >>> head(a, b).shape, head.score_all(a, b[:3]).shape
    (torch.Size([4, 1]), torch.Size([4, 3]))
    """

    def __init__(
        self, input_dim: int, hidden_dim: int = 256, reasoning_type: str = "concat_mlp"
    ) -> None:
        super().__init__()
        if reasoning_type not in _TYPES:
            raise ConfigError(
                f'reasoning_type: "{reasoning_type}" was given; allowed are'
                f" {', '.join(REASONINGS)}.{nearest(reasoning_type, REASONINGS)}"
            )
        self.input_dim = input_dim
        self.reasoning_type = reasoning_type
        self.comparison = _TYPES[reasoning_type](input_dim, hidden_dim)

    def forward(self, set_a: Tensor, set_b: Tensor) -> Tensor:
        """Give logits (B, 1) of (B, E) and (B, E)."""
        self.check(set_a, set_b)
        if set_a.shape[0] != set_b.shape[0]:  # len() would fix the size of an exported graph
            raise ShapeError(
                f"{len(set_a)} sets and {len(set_b)} sets were given; pairs need as many of both"
                " (score_all compares each with each)"
            )
        comparison: Comparison = self.comparison
        left, right = comparison.prepare(set_a), comparison.prepare(set_b)
        return comparison.compare(left, right)[:, None]

    def score_all(self, set_a: Tensor, set_b: Tensor) -> Tensor:
        """Give logits (S, R) of every one of (S, E) with every one of (R, E)."""
        self.check(set_a, set_b)
        comparison: Comparison = self.comparison
        return comparison.table(comparison.prepare(set_a), comparison.prepare(set_b))

    def check(self, *vectors: Tensor) -> None:
        """Refuse what is not (sets, E)."""
        for one in vectors:
            if one.ndim != 2 or one.shape[1] != self.input_dim:
                raise ShapeError(
                    f"set vectors of shape {tuple(one.shape)} were given; expected are (sets,"
                    f" {self.input_dim})"
                )
