"""What the built-in autoencoder starts from: principal components, or words on a grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, pixel_shuffle, pixel_unshuffle
from vector_quantize_pytorch import FSQ

__all__ = ["Components", "WordGrid"]

_ROWS = 1 << 14  # distances are computed for so many squares at a time
_ROUNDS, _NARROWING = 28, 16  # of the self-organising map, and those in which it gets narrower
_SQUARES = 1 << 18  # that a base is fitted to
_BORDER = 0.01  # width of the border between two words, in their distances


class Components(nn.Module):
    """A linear map of every square alone, which starts as its principal components."""

    def __init__(self, bands: int, latent_dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.encoder = nn.Conv2d(bands, latent_dim, side, stride=side)
        self.decoder = nn.ConvTranspose2d(latent_dim, bands, side, stride=side)

    def encode(self, images: Tensor) -> Tensor:
        """Give the latents."""
        return self.encoder(images)  # type: ignore[no-any-return]

    def decode(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Give the images, and what says most of each square: its latents."""
        return self.decoder(latents), latents

    @torch.no_grad()
    def begin(self, images: Tensor) -> None:
        """Find the components; distances between latents are those between squares.

        One factor for all makes the latents vary by one in the mean.
        """
        rows = _some(_squares(images, self.side)).double()
        mean = rows.mean(0).reshape(-1, self.side**2).mean(1)
        rows -= mean.repeat_interleave(self.side**2)
        values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
        weight = self.encoder.weight
        kept = min(weight.shape[0], len(values))
        # The sign of an eigenvector is arbitrary: the largest entry is made positive.
        axes = vectors.flip(1)[:, :kept].T
        axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
        spread = values.flip(0)[:kept].clamp_min(1e-12).mean().sqrt()
        shape = (kept, *weight.shape[1:])
        weight[:kept] = (axes / spread).reshape(shape).to(weight.dtype)
        self.decoder.weight[:kept] = (axes * spread).reshape(shape).to(weight.dtype)
        self.encoder.bias.copy_(-(weight.flatten(2).sum(2).double() @ mean))  # type: ignore[union-attr]
        self.decoder.bias.copy_(mean)  # type: ignore[union-attr]


class WordGrid(nn.Module):
    """A word for every point of a grid of `levels`: neighbours on the grid look alike.

    A square's latents are the place of the nearest word, moving over to the next one's near the
    border between the two. A place stands for its word.
    """

    seen: Tensor
    places: Tensor

    def __init__(self, bands: int, levels: tuple[int, ...], side: int) -> None:
        super().__init__()
        self.side, self.levels = side, levels
        self.fsq = FSQ(list(levels))
        codes, pixels = math.prod(levels), bands * side**2
        self.register_buffer("seen", torch.zeros(codes, pixels))
        self.register_buffer("places", _places(self._points(), levels), persistent=False)
        self.words = nn.Parameter(torch.zeros(codes, pixels))

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Give the latents; the words that squares are compared with do not learn."""
        parts = torch.split(_squares(images, self.side), _ROWS)
        grid = (len(images), images.shape[2] // self.side, images.shape[3] // self.side, -1)
        return torch.cat([self._place(rows) for rows in parts]).reshape(grid).movedim(-1, 1)

    def decode(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Give the images, and what says most of each square: its word, not its place."""
        ids = self.fsq.codes_to_indices(latents.movedim(1, -1)).clamp(0, len(self.words) - 1)
        words = embedding(ids, self.words).movedim(-1, 1)
        return pixel_shuffle(words, self.side), words

    @torch.no_grad()
    def begin(self, images: Tensor) -> None:
        """Fit the words by a self-organising map (Kohonen, 1982), all squares at once.

        Each round gives every square to its nearest word, and makes every word the mean of its
        own squares and, by a weight that falls with the distance on the grid, of its neighbours'.
        """
        rows, points = _some(_squares(images, self.side)), self._points()
        words = _plane(rows, points)
        apart = torch.cdist(points, points).square()
        first, last = max(1.0, max(self.levels) / 4), 0.15
        for turn in range(_ROUNDS):
            width = first * (last / first) ** min(1.0, turn / _NARROWING)
            sums, counts = _gathered(rows, words)
            nearness = torch.exp(apart / (-2 * width**2))
            weights = (nearness @ counts)[:, None]
            words = torch.where(weights > 1e-3, (nearness @ sums) / weights.clamp_min(1e-3), words)
        self.seen.copy_(words)
        self.words.copy_(words)

    def _place(self, rows: Tensor) -> Tensor:
        """The place of each row's nearest word; on the border, on the way to the second's."""
        ids = _distances(rows, self.seen).topk(2, largest=False).indices
        first, second = embedding(ids, self.seen).unbind(1)
        between = first - second
        # 0 on the border and 1 at the word; from differences, which round less than distances.
        inside = 2 * ((rows - (first + second) / 2) * between).sum(1)
        apart = between.square().sum(1)
        share = (0.5 - inside / apart.clamp_min(1e-30) / _BORDER).clamp(0.0, 0.5) * (apart > 0)
        here, there = embedding(ids, self.places).unbind(1)
        return here + share[:, None] * (there - here)

    def _points(self) -> Tensor:
        """The whole coordinates of every code."""
        codes = torch.arange(math.prod(self.levels), device=self.seen.device)
        points: Tensor = self.fsq.indices_to_level_indices(codes).float()
        return points


def _squares(images: Tensor, side: int) -> Tensor:
    """Every square of `side` pixels as a row."""
    squares = pixel_unshuffle(images, side)
    return squares.movedim(1, -1).reshape(-1, squares.shape[1])


def _some(rows: Tensor) -> Tensor:
    """Every so many rows, where there are more than a base needs."""
    return rows[:: 1 + len(rows) // _SQUARES]


def _distances(rows: Tensor, words: Tensor) -> Tensor:
    """Squared distances, less what is the same for all words."""
    return torch.addmm(words.square().sum(1), rows, words.T, alpha=-2)


def _gathered(rows: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
    """Sums and counts of the rows that each word is nearest to."""
    sums, counts = torch.zeros_like(words), words.new_zeros(len(words))
    for part in torch.split(rows, _ROWS):
        ids = _distances(part, words).argmin(1)
        sums.index_add_(0, ids, part)
        counts += torch.bincount(ids, minlength=len(words))
    return sums, counts


def _plane(rows: Tensor, points: Tensor) -> Tensor:
    """Words on the plane of the rows' first principal components, as far as they spread."""
    mean = rows.mean(0)
    values, vectors = torch.linalg.eigh((rows - mean).double().T @ (rows - mean).double())
    kept = min(points.shape[1], len(values))
    axes = vectors.flip(1)[:, :kept]
    axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    spread = (values.flip(0)[:kept].clamp_min(0) / len(rows)).sqrt()
    places = (points - points.mean(0)) / points.std(0)
    words: Tensor = mean + places[:, :kept] @ (axes * spread).T.to(rows)
    return words


def _places(points: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Latents that finite scalar quantisation rounds to the points, well within their cells."""
    count = points.new_tensor(levels)
    bound = (count - 1) * 1.001 / 2  # of vector-quantize-pytorch: bound * tanh(z + shift) - offset
    shift = torch.atanh(torch.where(count % 2 == 0, 0.5, 0.0) / bound)
    places: Tensor = torch.atanh((points - (count - 1) / 2) / ((count - 1) / 2 + 0.25)) - shift
    return places
