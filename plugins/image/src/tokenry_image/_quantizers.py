"""From latents to token ids and back: a fixed grid, a fitted codebook, or a moving one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding
from vector_quantize_pytorch import FSQ, VectorQuantize

from ._config import ImageConfig
from ._levels import fsq_levels

__all__ = ["Quantized", "QuantizerModule", "make_quantizer"]

TIE = 1e-5  # a latent this close to a boundary may fall on either side on another machine
# The same on a grid: between two words latents change a hundred times as fast as pixels.
GRID_TIE = 1e-3
_DEAD = 0.05  # a codeword that fewer latents of a step are nearest to is moved among them
_ROWS = 1 << 14  # distances are computed for so many latents at a time


class Quantized(NamedTuple):
    """Latents as the decoder will see them, and the ids of their codes."""

    latents: Tensor
    ids: Tensor


class QuantizerModule(nn.Module):
    """Quantises (N, latent_dim, H', W') to ids (N, H', W').

    `learned` says that it has a codebook, which `begin` has to be given latents for.
    """

    learned = True

    @abstractmethod
    def forward(self, latents: Tensor) -> Quantized:
        """Quantise in training; gradients pass where the quantiser lets them."""

    @abstractmethod
    def ids(self, latents: Tensor) -> Tensor:
        """Give the ids."""

    @abstractmethod
    def near_ties(self, latents: Tensor, ids: Tensor) -> Tensor:
        """Say of each id whether rounding errors can give another."""

    @abstractmethod
    def lookup(self, ids: Tensor) -> Tensor:
        """Give the latents that ids stand for."""

    def begin(self, latents: Tensor, seed: int) -> None:
        """Fit the codebook."""


class FsqQuantizer(QuantizerModule):
    """Finite scalar quantisation: each latent dimension is rounded to a few levels."""

    learned = False

    def __init__(self, codes: int, dim: int) -> None:
        super().__init__()
        self.fsq = FSQ(list(fsq_levels(codes, dim)))

    def forward(self, latents: Tensor) -> Quantized:
        """Round, and let gradients pass straight through."""
        return Quantized(*self.fsq(latents))

    def ids(self, latents: Tensor) -> Tensor:
        """Give the ids."""
        return self.fsq(latents)[1]  # type: ignore[no-any-return]

    def near_ties(self, latents: Tensor, ids: Tensor) -> Tensor:
        """Say where moving a dimension up or down by `GRID_TIE` changes the id."""
        moved = (latents + GRID_TIE, latents - GRID_TIE)
        return (self.ids(moved[0]) != ids) | (self.ids(moved[1]) != ids)

    def lookup(self, ids: Tensor) -> Tensor:
        """Give the grid points."""
        return self.fsq.indices_to_codes(ids)  # type: ignore[no-any-return]


class CodebookQuantizer(QuantizerModule):
    """A codebook: the nearest codeword stands for a latent."""

    codebook: Tensor

    @property
    def words(self) -> Tensor:
        """The codewords, (codes, latent_dim)."""
        return self.codebook.detach()

    @torch.no_grad()
    def ids(self, latents: Tensor) -> Tensor:
        """Give the nearest codewords."""
        rows = _rows(latents)
        found = [_distances(part, self.words).argmin(1) for part in torch.split(rows, _ROWS)]
        return torch.cat(found).reshape(latents.shape[0], *latents.shape[2:])

    def near_ties(self, latents: Tensor, ids: Tensor) -> Tensor:
        """Say where the boundary to another codeword's cell is nearer than `TIE`."""
        out = []
        parts = torch.split(_rows(latents), _ROWS), torch.split(ids.flatten(), _ROWS)
        for part, first in zip(*parts, strict=True):
            distances = _distances(part, self.words)
            best = distances.gather(1, first[:, None])
            second, other = distances.scatter(1, first[:, None], torch.inf).min(1, keepdim=True)
            between = (self.words[first] - self.words[other[:, 0]]).norm(dim=1, keepdim=True)
            # With d1, d2 the distances, the boundary is (d2^2 - d1^2) / (2 between) away.
            out.append((second - best < 2 * TIE * between)[:, 0])
        return torch.cat(out).reshape(ids.shape)

    def lookup(self, ids: Tensor) -> Tensor:
        """Give the codewords."""
        return embedding(ids.long(), self.words).movedim(-1, 1)


class KMeansQuantizer(CodebookQuantizer):
    """A codebook that k-means fitted to finished latents, and that is learned from then on."""

    def __init__(self, codes: int, dim: int) -> None:
        super().__init__()
        self.codebook = nn.Parameter(torch.zeros(codes, dim))

    @torch.no_grad()
    def begin(self, latents: Tensor, seed: int) -> None:
        """Fit the codebook."""
        self.codebook.copy_(fit_words(latents, len(self.codebook), seed))

    def forward(self, latents: Tensor) -> Quantized:
        """Replace latents by their codewords, which gradients go to."""
        ids = self.ids(latents)
        return Quantized(embedding(ids, self.codebook).movedim(-1, 1), ids)


class VqQuantizer(CodebookQuantizer):
    """A codebook that follows the latents by moving averages and revives unused words."""

    def __init__(self, codes: int, dim: int) -> None:
        super().__init__()
        self.vq = VectorQuantize(
            dim,
            codes,
            decay=0.99,
            threshold_ema_dead_code=_DEAD,
            commitment_weight=0.0,
            rotation_trick=False,
            accept_image_fmap=True,
        )

    @property
    def words(self) -> Tensor:
        """The codewords, (codes, latent_dim)."""
        return self.vq._codebook.embed[0]  # type: ignore[no-any-return]

    def begin(self, latents: Tensor, seed: int) -> None:
        """Start from k-means, with moving averages that agree with it."""
        book, words = self.vq._codebook, fit_words(latents, self.vq.codebook_size, seed)
        ids = _distances(_rows(latents)[:_ROWS], words).argmin(1)
        share = torch.bincount(ids, minlength=len(words)).float() / len(ids)
        book.embed.data.copy_(words[None])
        book.cluster_size.copy_(share[None] * latents[:, 0].numel())
        book.embed_avg.copy_(words[None] * book.cluster_size[..., None])
        book.initted.fill_(1)

    def forward(self, latents: Tensor) -> Quantized:
        """Replace latents by their codewords, and move these in training."""
        quantized, ids, _ = self.vq(latents.detach())
        return Quantized(quantized, ids)


def make_quantizer(config: ImageConfig) -> QuantizerModule:
    """Give the quantiser that the configuration names."""
    kinds: dict[str, Callable[[int, int], QuantizerModule]] = {
        "fsq": FsqQuantizer,
        "kmeans": KMeansQuantizer,
        "vq": VqQuantizer,
    }
    return kinds[config.quantizer](config.codebook_size, config.latent_dim)


def fit_words(latents: Tensor, codes: int, seed: int) -> Tensor:
    """Give the codewords that scikit-learn's k-means finds, sorted by their first dimension.

    Where there are fewer different latents than codes, the words that are left over repeat.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    rows = np.ascontiguousarray(_rows(latents).float().cpu().numpy())
    different = np.unique(rows, axis=0)
    if len(different) <= codes:
        words = np.resize(different, (codes, rows.shape[1]))
    else:
        start = MiniBatchKMeans(
            codes, random_state=seed, batch_size=16 * codes, n_init=1, max_no_improvement=20
        ).fit(rows)
        # Passes over all rows gain what the small batches left, and give empty words new places.
        fitted = KMeans(codes, init=start.cluster_centers_, n_init=1, max_iter=20).fit(rows)
        words = fitted.cluster_centers_
    order = np.lexsort(words.T[::-1])
    return torch.from_numpy(words[order]).to(latents)


def _rows(latents: Tensor) -> Tensor:
    return latents.movedim(1, -1).reshape(-1, latents.shape[1])


def _distances(rows: Tensor, words: Tensor) -> Tensor:
    """Squared distances, (rows, codes)."""
    squares = rows.square().sum(1, keepdim=True) + words.square().sum(1)
    return torch.addmm(squares, rows, words.T, alpha=-2)
