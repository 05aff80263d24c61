"""What the built-in autoencoder starts from: principal components, or words on a grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, pixel_shuffle, pixel_unshuffle
from vector_quantize_pytorch import FSQ

__all__ = ["Components", "WordGrid"]

_ROWS = 1 << 14  # distances are computed for so many squares at a time
_ROUNDS = 32  # of the self-organising map
_SQUARES = 1 << 18  # that it is fitted to
_SHARP = 100.0  # how much narrower than a word's cell the border to the next one is


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

    def decode(self, latents: Tensor) -> Tensor:
        """Give the images."""
        return self.decoder(latents)  # type: ignore[no-any-return]

    @torch.no_grad()
    def begin(self, images: Tensor) -> None:
        """Find the components; distances between latents are those between squares.

        One factor for all makes the latents vary by one in the mean.
        """
        rows = _squares(images, self.side).double()
        mean = images.double().mean((0, 2, 3))
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
    sharpness: Tensor

    def __init__(self, bands: int, levels: tuple[int, ...], side: int) -> None:
        super().__init__()
        self.side, self.levels = side, levels
        self.fsq = FSQ(list(levels))
        codes, pixels = math.prod(levels), bands * side**2
        self.register_buffer("seen", torch.zeros(codes, pixels))
        self.register_buffer("places", _places(self._points(), levels), persistent=False)
        self.register_buffer("sharpness", torch.ones(()))
        self.words = nn.Parameter(torch.zeros(codes, pixels))

    def encode(self, images: Tensor) -> Tensor:
        """Give the latents; the words that squares are compared with rest."""
        out = []
        with torch.no_grad():
            for rows in torch.split(_squares(images, self.side), _ROWS):
                nearness = torch.softmax(-self.sharpness * _distances(rows, self.seen), 1)
                out.append(nearness @ self.places)
        grid = (len(images), images.shape[2] // self.side, images.shape[3] // self.side, -1)
        return torch.cat(out).reshape(grid).movedim(-1, 1)

    def decode(self, latents: Tensor) -> Tensor:
        """Give the images; a gradient of the latents is the slope of the words on the grid."""
        codes = latents.movedim(1, -1)
        ids = self.fsq.codes_to_indices(codes.detach())
        pixels = embedding(ids, self.words)
        if latents.requires_grad:
            steps = codes - codes.detach()  # zero, with a gradient
            for step, slope in zip(steps.unbind(-1), self._slopes(), strict=True):
                pixels = pixels + step[..., None] * embedding(ids, slope)
        return pixel_shuffle(pixels.movedim(-1, 1), self.side)

    @torch.no_grad()
    def begin(self, images: Tensor) -> None:
        """Fit the words by a self-organising map (Kohonen, 1982), all squares at once.

        Each round gives every square to its nearest word, and makes every word the mean of its
        own squares and, by a weight that falls with the distance on the grid, of its neighbours'.
        """
        rows, points = _squares(images, self.side), self._points()
        rows = rows[:: 1 + len(rows) // _SQUARES]
        words = _plane(rows, points)
        apart = torch.cdist(points, points).square()
        first, last = max(1.0, max(self.levels) / 4), 0.15
        for turn in range(_ROUNDS):
            width = first * (last / first) ** (turn / (_ROUNDS - 1))
            sums, counts, error = _gathered(rows, words)
            nearness = torch.exp(apart / (-2 * width**2))
            weights = (nearness @ counts)[:, None]
            words = torch.where(weights > 1e-3, (nearness @ sums) / weights.clamp_min(1e-3), words)
        self.seen.copy_(words)
        self.words.copy_(words)
        self.sharpness.fill_(_SHARP / max(error, 1e-12))

    def _points(self) -> Tensor:
        """The whole coordinates of every code."""
        codes = torch.arange(math.prod(self.levels), device=self.seen.device)
        points: Tensor = self.fsq.indices_to_level_indices(codes).float()
        return points

    def _slopes(self) -> list[Tensor]:
        """How each word changes along each dimension of the grid, per unit of the codes."""
        table = self.words.detach().reshape(*self.levels[::-1], -1)  # the first turns fastest
        steps = torch.gradient(table, dim=list(range(len(self.levels))))[::-1]
        slopes = zip(steps, self.levels, strict=True)
        return [step.reshape(self.words.shape) * (level // 2) for step, level in slopes]


def _squares(images: Tensor, side: int) -> Tensor:
    """Every square of `side` pixels as a row."""
    squares = pixel_unshuffle(images, side)
    return squares.movedim(1, -1).reshape(-1, squares.shape[1])


def _distances(rows: Tensor, words: Tensor) -> Tensor:
    """Squared distances, less what is the same for all words."""
    return torch.addmm(words.square().sum(1), rows, words.T, alpha=-2)


def _gathered(rows: Tensor, words: Tensor) -> tuple[Tensor, Tensor, float]:
    """Sums and counts of the rows that each word is nearest to, and their mean distance."""
    sums, counts, error = torch.zeros_like(words), words.new_zeros(len(words)), 0.0
    for part in torch.split(rows, _ROWS):
        least, ids = _distances(part, words).min(1)
        sums.index_add_(0, ids, part)
        counts += torch.bincount(ids, minlength=len(words))
        error += float((least + part.square().sum(1)).sum())
    return sums, counts, error / len(rows)


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
