"""Catalog, cutout and spectrum of each galaxy as one sequence, and a transformer that learns it.

A run file makes the tokens; a `Vocabulary` joins the ids of three tokenizers; `Tokens` says of each
token which field it is from and its place there. The transformer predicts every token from those
before it, and then completes the spectra of galaxies it has never seen.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import galaxies
import numpy as np
import pyarrow.parquet as pq
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import cross_entropy

import tokenry
from tokenry_core import Field, TokenBatch
from tokenry_core.tokens import Tokens, Vocabulary, tokens_from_batch

HERE = Path(__file__).resolve().parent
SPECTRUM = "tokens_galaxy"


class CausalTransformer(nn.Module):
    """Gives logits for every token from the tokens before it."""

    def __init__(self, vocabulary: Vocabulary, fields: int, longest: int, width: int = 64) -> None:
        super().__init__()
        self.value = nn.Embedding(vocabulary.size, width)
        self.field = nn.Embedding(fields, width)
        self.place = nn.Embedding(longest, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, vocabulary.size)
        self.start = vocabulary.mask

    def forward(self, tokens: Tokens) -> torch.Tensor:
        ids = tokens.data[..., 0]
        before = torch.cat([torch.full_like(ids[:, :1], self.start), ids[:, :-1]], 1)
        # Which field and place comes next is known; only its value is not.
        asked = self.field(tokens.labels) + self.place(tokens.positions)
        causal = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        return self.out(self.layers(self.value(before) + asked, mask=causal, is_causal=True))


def losses(model: CausalTransformer, tokens: Tokens) -> torch.Tensor:
    """Give the loss of every token, in bits."""
    nats = cross_entropy(model(tokens).mT, tokens.data[..., 0].long(), reduction="none")
    return nats / np.log(2)


def read_tokens(folder: str) -> tuple[Tokens, Vocabulary]:
    """Give all tokens of a run as joint ids, and the vocabulary that says what they mean."""
    made = tokenry.open_tokens(folder)
    tokenizers = [tokenry.load(f"artifacts/{name}.safetensors") for name in made.tokenizers]
    vocabulary = Vocabulary.of(tokenizers)
    vocabulary.save("vocabulary.json")
    joint = tokens_from_batch(made.load(), vocabulary=vocabulary)
    return joint.map(torch.from_numpy), vocabulary


def train(model: CausalTransformer, tokens: Tokens, steps: int) -> None:
    """Train on batches drawn at random."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for number in range(steps):
        chosen = torch.randint(len(tokens.data), (64,))
        loss = losses(model, tokens[chosen]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if number % max(1, steps // 5) == 0:
            print(f"step {number:4d}  {loss.item():.2f} bits a token")


def entropy(ids: torch.Tensor) -> float:
    """Give the bits that a token costs when nothing is known but how common it is."""
    share = torch.bincount(ids.flatten()).double() / ids.numel()
    return float(-(share[share > 0] * share[share > 0].log2()).sum())


@torch.no_grad()
def report(model: CausalTransformer, tokens: Tokens) -> dict[str, tuple[float, float]]:
    """Print for each field what a token costs alone, and what it costs after those before it."""
    bits = losses(model, tokens)
    found = {}
    print(f"{'field':15s} {'tokens':>6s} {'alone':>6s} {'after the others':>17s}")
    for key, label in tokens.label_map.items():
        mine = tokens.labels[0] == label
        found[key] = entropy(tokens.select_tokens([key]).data), float(bits[:, mine].mean())
        print(f"{key:15s} {int(mine.sum()):6d} {found[key][0]:6.2f} {found[key][1]:17.2f}")
    return found


@torch.no_grad()
def complete(model: CausalTransformer, tokens: Tokens, vocabulary: Vocabulary) -> np.ndarray:
    """Give the likeliest spectrum of each galaxy, from its catalog and cutout alone."""
    slot, first = tokens.layout[SPECTRUM], vocabulary.offset(SPECTRUM)
    flat = tokens.data.clone()
    flat[:, slot.offset : slot.stop] = vocabulary.pad
    for place in range(slot.offset, slot.stop):
        logits = model(tokens.with_data(flat))[:, place]
        own = logits[:, first : first + vocabulary.fields[-1].codes]
        flat[:, place, 0] = first + own.argmax(-1)
    codes = vocabulary.decode(SPECTRUM, flat[:, slot.offset : slot.stop, 0].numpy())
    spectrum = tokenry.load("artifacts/spectrum.safetensors")
    batch = TokenBatch(spectrum.spec, {SPECTRUM: Field(codes)}, np.arange(len(codes)))
    return np.stack(spectrum.decode(batch)["flux"].to_numpy(zero_copy_only=False))


def draw(found: np.ndarray, truth: np.ndarray) -> float:
    """Draw true and completed spectra of a few galaxies; give the median error of the line."""
    lines = galaxies.GRID[found.argmax(1)], galaxies.GRID[truth.argmax(1)]
    figure = Figure(figsize=(9, 4), layout="tight")
    axes = figure.subplots(2, 3, sharex=True, sharey=True)
    for axis, seen, made in zip(axes.flat, truth, found, strict=False):
        axis.plot(galaxies.GRID, seen, color="0.6", label="measured")
        axis.plot(galaxies.GRID, made, color="tab:red", label="completed")
    axes[0, 0].legend(frameon=False)
    figure.supxlabel("wavelength in nm")
    figure.savefig("completed.png", dpi=120)
    return float(np.median(np.abs(lines[0] - lines[1])))


def main(argv: list[str] | None = None) -> tuple[dict[str, tuple[float, float]], float]:
    """Run everything below ./joint; gives the bits of each field and the error of the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galaxies", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args(argv)
    folder = Path("joint")
    shutil.rmtree(folder, ignore_errors=True)
    galaxies.write(folder / "galaxies", arguments.galaxies)
    shutil.copy(HERE / "run.yaml", folder)
    os.chdir(folder)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the model is too small to be worth sharing out

    print(tokenry.train("run.yaml", progress=False))
    print(tokenry.encode("run.yaml", progress=False))
    tokens, vocabulary = read_tokens("tokens")
    print(f"{tokens!r}: {vocabulary.size} joint ids")

    held_out = len(tokens.data) // 10
    longest = int(tokens.positions.max()) + 1
    model = CausalTransformer(vocabulary, len(tokens.label_map), longest)
    train(model, tokens[held_out:], arguments.steps)
    bits = report(model, tokens[:held_out])

    measured = pq.read_table("galaxies/part0.parquet").slice(0, held_out)["flux"]
    error = draw(complete(model, tokens[:held_out], vocabulary), np.stack(measured.to_numpy()))
    print(f"emission lines of completed spectra are off by {error:.0f} nm (median)")
    print("picture: joint/completed.png")
    return bits, error


if __name__ == "__main__":
    main()
