"""SetPoolingModule: the tokens of a set of images become one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from tokenry_core.errors import ConfigError, DataError, ShapeError, nearest

__all__ = ["POOLINGS", "SetPoolingModule", "Shares", "pad_sets"]

PoolingType = Literal["mean", "attention", "cls_mean"]
POOLINGS: tuple[str, ...] = get_args(PoolingType)


class Shares(NamedTuple):
    """What images bring to the vector of any set that they are in.

    `means` (n, queries, dim) are those of each image's own tokens, and the softmax of `logs`
    (n, queries) over the images of a set their weights in it.
    """

    means: Tensor
    logs: Tensor


class SetPoolingModule(nn.Module):
    """Pools the tokens of a set's images into a vector; neither order nor padding matters.

    - `mean`: the mean of all tokens of all images.
    - `attention`: weighted means of all tokens. Each of `queries` learned directions gives every
      token a score; a softmax over the tokens of the whole set gives the weights.
    - `cls_mean`: the mean of the images' first tokens.

    Each is followed by a linear map to `output_dim`.

    >>> pool = SetPoolingModule(64, 32, "attention")
    >>> pool([torch.zeros(3, 17, 64), torch.zeros(1, 17, 64)]).shape
    torch.Size([2, 32])
    """

    def __init__(
        self, input_dim: int, output_dim: int, pooling_type: str = "attention", *, queries: int = 4
    ) -> None:
        super().__init__()
        if pooling_type not in POOLINGS:
            raise ConfigError(
                f'pooling_type: "{pooling_type}" was given; allowed are {", ".join(POOLINGS)}.'
                f"{nearest(pooling_type, POOLINGS)}"
            )
        self.pooling_type = pooling_type
        self.input_dim = input_dim
        attends = pooling_type == "attention"
        self.score = nn.Linear(input_dim, queries, bias=False) if attends else None
        self.project = nn.Linear((queries if attends else 1) * input_dim, output_dim)

    def forward(self, token_sets: Sequence[Tensor] | Tensor, mask: Tensor | None = None) -> Tensor:
        """Give (B, output_dim) from a list of (images, tokens, dim), or from a padded tensor.

        A tensor is (B, images, tokens, dim); `mask` (B, images) is true where an image is, and
        no mask means that all are there.
        """
        if not isinstance(token_sets, Tensor):
            token_sets, mask = pad_sets(token_sets)
        self._check(token_sets, mask)
        if self.pooling_type == "cls_mean":
            token_sets = token_sets[:, :, :1]
        if mask is not None:
            token_sets = token_sets.masked_fill(~mask[:, :, None, None], 0)
        pooled: Tensor = self.project(self._means(token_sets, mask))
        return pooled

    def shares(self, tokens: Tensor) -> Shares:
        """Give what each image (n, tokens, dim) brings to a set; it takes hardly any memory.

        An image that is in many sets is so looked at once: `join` makes their vectors, which are
        those of `forward` to rounding.
        """
        if self.score is None:
            means = (tokens[:, :1] if self.pooling_type == "cls_mean" else tokens).mean(1)
            return Shares(means[:, None], means.new_zeros(len(means), 1))
        scores = self.score(tokens)  # (n, tokens, queries)
        return Shares(scores.softmax(1).transpose(1, 2) @ tokens, scores.logsumexp(1))

    def join(self, shares: Shares, mask: Tensor | None = None) -> Tensor:
        """Give (B, output_dim) of sets of shares, (B, images, …) each, and their mask."""
        means, logs = shares
        if mask is not None:
            logs = logs.masked_fill(~mask[:, :, None], float("-inf"))
        pooled: Tensor = self.project((logs.softmax(1)[..., None] * means).sum(1).flatten(1))
        return pooled

    def _means(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        sets, images, count, dim = tokens.shape
        flat = tokens.reshape(sets, images * count, dim)
        if self.score is not None:
            scores = self.score(flat)  # (sets, tokens, queries)
            if mask is not None:
                there = mask[:, :, None].expand(sets, images, count).reshape(sets, -1, 1)
                scores = scores.masked_fill(~there, float("-inf"))
            weighted: Tensor = scores.softmax(1).transpose(1, 2) @ flat
            return weighted.flatten(1)
        if mask is None:
            return flat.mean(1)
        return flat.sum(1) / (mask.sum(1, keepdim=True) * count)

    def _check(self, tokens: Tensor, mask: Tensor | None) -> None:
        if tokens.ndim != 4 or tokens.shape[-1] != self.input_dim:
            raise ShapeError(
                f"tokens of shape {tuple(tokens.shape)} were given; expected are (sets, images,"
                f" tokens, {self.input_dim})"
            )
        require_images(tokens.shape[:2], mask)


def require_images(shape: tuple[int, ...] | torch.Size, mask: Tensor | None) -> None:
    """Refuse a mask of another shape than (sets, images), and sets without an image."""
    sets, images = shape
    if mask is not None and (tuple(mask.shape) != tuple(shape) or mask.dtype != torch.bool):
        raise ShapeError(
            f"a mask of shape {tuple(mask.shape)} and {mask.dtype} was given; expected is"
            f" ({sets}, {images}) of torch.bool, true where there is an image"
        )
    if torch.compiler.is_compiling():  # what follows looks at values
        return
    if images == 0:
        raise DataError(f"{sets} sets without an image were given; a set has at least one")
    if mask is not None and not bool(mask.any(1).all()):
        empty = torch.nonzero(~mask.any(1)).flatten().tolist()
        raise DataError(f"set {empty[0]} has no image (its mask is false); a set has at least one")


def pad_sets(token_sets: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Give sets of different sizes as one tensor with zeros, and the mask of what is real.

    >>> padded, mask = pad_sets([torch.ones(1, 2), torch.ones(3, 2)])
    >>> padded.shape, mask.tolist()
    (torch.Size([2, 3, 2]), [[True, False, False], [True, True, True]])
    """
    if not token_sets:
        raise DataError("an empty list of sets was given; give at least one set of images")
    shapes = {tuple(one.shape[1:]) for one in token_sets}
    if len(shapes) > 1:
        raise ShapeError(
            f"sets of different shapes were given: {sorted(shapes)}; all images of a batch have the"
            " same number of tokens"
        )
    for number, one in enumerate(token_sets):
        if len(one) == 0:
            raise DataError(f"set {number} has no image; a set has at least one")
    sizes = [len(one) for one in token_sets]
    if len(set(sizes)) == 1:
        return torch.stack(list(token_sets)), None
    padded = nn.utils.rnn.pad_sequence(list(token_sets), batch_first=True)
    places = torch.arange(max(sizes), device=padded.device)
    return padded, places < torch.tensor(sizes, device=padded.device)[:, None]
