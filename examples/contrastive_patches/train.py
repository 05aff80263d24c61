"""Learn an encoder of image tokens from patch pairs, by a weighted InfoNCE loss."""

from __future__ import annotations

import argparse

import torch
from torch import nn
from torch.nn.functional import cross_entropy, interpolate, normalize
from torch.utils.data import DataLoader

from tokenry_patch2d import PatchPairDataset


def textures(count: int, size: int, seed: int) -> torch.Tensor:
    """Images (count, 1, size, size) of smooth random structure, with noise of their own."""
    source = torch.Generator().manual_seed(seed)
    images = torch.zeros(count, 1, size, size)
    for cells in (4, 8, 16, 32):
        coarse = torch.randn(count, 1, cells, cells, generator=source)
        images += interpolate(coarse, size=(size, size), mode="bicubic") * (4 / cells) ** 0.5
    return images


def noisy(tokens: torch.Tensor, amount: float = 0.2) -> torch.Tensor:
    """Tokens as another exposure would show them."""
    return tokens + amount * torch.randn_like(tokens)


class Encoder(nn.Module):
    """Gives a unit vector for each token of size by size pixels, whichever way it is turned."""

    def __init__(self, size: int, width: int = 96, out: int = 32) -> None:
        super().__init__()
        self.size = size
        self.layers = nn.Sequential(
            nn.Linear(size * size, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.head = nn.Linear(width, out)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        square = tokens.unflatten(-1, (self.size, self.size))
        turns = [torch.rot90(square, k, (-2, -1)).flatten(-2) for k in range(4)]
        features = torch.stack([self.layers(turn) for turn in turns]).mean(0)
        return normalize(self.head(features), dim=-1)


def info_nce(
    encoder: Encoder, batch: dict[str, torch.Tensor], temperature: float = 0.1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the weighted loss, and how often the partner is the most similar of all tokens."""
    sample, first, second = batch["positives"].T
    anchors = encoder(noisy(batch["tokens1"][sample, first]))
    candidates = encoder(noisy(batch["tokens2"])).flatten(0, 1)
    partner = sample * batch["tokens2"].shape[1] + second
    similarity = anchors @ candidates.T / temperature
    losses = cross_entropy(similarity, partner, reduction="none")
    weights = batch["weights"] / batch["weights"].sum()
    right = (similarity.argmax(1) == partner).float()
    return (losses * weights).sum(), (right * weights).sum()


def evaluate(encoder: Encoder, loader: DataLoader) -> tuple[float, float]:
    """Mean loss and accuracy over a loader."""
    with torch.no_grad():
        scores = torch.tensor([[float(s) for s in info_nce(encoder, batch)] for batch in loader])
    loss, accuracy = scores.mean(0).tolist()
    return loss, accuracy


def main(argv: list[str] | None = None) -> tuple[float, float]:
    """Train and report; gives the accuracy before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args(argv)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the model is too small to be worth sharing out

    def pairs(count: int, seed: int) -> PatchPairDataset:
        return PatchPairDataset(
            textures(count, 96, seed),
            window=48,
            patch_size=8,
            pairs_per_image=2,
            rotation_choices=(0, 1, 2, 3),
            min_fraction=0.5,
            seed=seed,
        )

    training, held_out = pairs(arguments.images, seed=1), pairs(32, seed=2)
    loader = DataLoader(training, 16, shuffle=True, collate_fn=training.collate)
    test = DataLoader(held_out, 16, collate_fn=held_out.collate)
    encoder = Encoder(size=8)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=2e-3)

    loss, before = evaluate(encoder, test)
    print(f"untrained: loss {loss:.3f}, right token ranked first {before:.1%}")
    for epoch in range(arguments.epochs):
        training.set_epoch(epoch)  # other pairs of the same images
        for batch in loader:
            optimizer.zero_grad()
            loss_of_batch, _ = info_nce(encoder, batch)
            loss_of_batch.backward()
            optimizer.step()
        loss, after = evaluate(encoder, test)
        print(f"epoch {epoch + 1}: loss {loss:.3f}, right token ranked first {after:.1%}")
    return before, after


if __name__ == "__main__":
    main()
