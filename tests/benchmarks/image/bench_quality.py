"""Reconstruction of photographs at 576 tokens of 1,024 codes, against classical quantisation.

    python tests/benchmarks/image/bench_quality.py [--quick] [--set sklearn skimage] [--minutes 4]

Both sides spend 5,760 bits on a 96 x 96 x 3 patch. The classical side is k-means with 1,024
codewords on 4 x 4 x 3 blocks, fitted to the plain training patches and to the augmented ones.
`sklearn` trains on the left 70 % of two photographs and tests on the rest of both; `skimage` tests
on three photographs of which training sees nothing.

40 patches of a photograph are few: from one random draw to another PSNR changes by more than from
one quantiser to another. Each side is therefore tested on the same twelve draws; the table gives
means over them, and the rows of the report differences on the same patches.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from _photos import (
    SCALES,
    SKIMAGE_TEST,
    Images,
    augmented,
    blocks,
    crops,
    joined,
    sample_photos,
    skimage_photos,
)

from tokenry_benchmarks import Figure, report

CODES = 1024
JITTER = 0.05
DIMENSIONS = {"fsq": 5, "kmeans": 16, "vq": 16}
SETS = {
    "sklearn": (sample_photos, ("china", "flower")),
    "skimage": (skimage_photos, SKIMAGE_TEST),
}
# Decibels above the augmented classical codebook, over all test patches.
TARGETS = {"sklearn": {"fsq": 0.0, "kmeans": 0.2}, "skimage": {"fsq": 0.5, "kmeans": 0.5}}


DRAWS = 12
# What others measured on a draw of their own: plain and augmented classical, on `sklearn`.
QUOTED = (24.6, 25.1)

Code = Callable[[Images], tuple[Images, Any]]
"""Gives the reconstructions of patches, and the ids of their codes."""


class Found(NamedTuple):
    """PSNR of each draw, of each photograph over all draws, and how the codes were used."""

    draws: list[float]
    photos: list[float]
    used: int
    perplexity: float

    @property
    def psnr(self) -> float:
        """The mean over the draws."""
        return float(np.mean(self.draws))


def psnr(given: Images, found: Images) -> float:
    """10 log10(1 / mean squared error), over all patches; values are from 0 to 1."""
    return float(-10 * np.log10(np.mean((given - np.clip(found, 0, 1)).astype(np.float64) ** 2)))


def judged(code: Code, test: Sequence[Sequence[Images]]) -> Found:
    """Compare reconstructions of the test patches, draw by draw and photograph by photograph."""
    from tokenry_image._quality import code_use

    draws, photos, counts = [], [[] for _ in test[0]], np.zeros(CODES, np.int64)
    for parts in test:
        given = np.concatenate(parts)
        found, ids = code(given)
        counts += np.bincount(np.ravel(ids), minlength=CODES)
        draws.append(psnr(given, found))
        ends = np.cumsum([len(part) for part in parts])[:-1]
        for values, part, back in zip(photos, parts, np.split(found, ends), strict=True):
            values.append(psnr(part, back))
    return Found(draws, [float(np.mean(values)) for values in photos], *code_use(counts))


def classical(training: Images, seed: int) -> Code:
    """Fit k-means to blocks."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    rows = blocks(training)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:300_000]]
    start = MiniBatchKMeans(CODES, batch_size=16 * CODES, n_init=1, random_state=seed).fit(rows)
    words = KMeans(CODES, init=start.cluster_centers_, n_init=1, max_iter=20).fit(rows)

    def code(patches: Images) -> tuple[Images, Any]:
        ids = words.predict(blocks(patches))
        return joined(words.cluster_centers_[ids].astype(np.float32), len(patches)), ids

    return code


def ours(quantizer: str, training: Images, args: Any) -> Code:
    """Train a tokenizer with the defaults of its training."""
    from tokenry_core import Session
    from tokenry_image import ImageTokenizer

    budget = {"steps": args.steps} if args.steps else {"minutes": args.minutes}
    tokenizer = ImageTokenizer(
        cutout_size=96,
        bands=["red", "green", "blue"],
        column="image",
        stretch="linear",
        quantizer=quantizer,
        codebook_size=CODES,
        latent_dim=DIMENSIONS[quantizer],
        options=json.loads(args.options),
        training={"jitter": JITTER, **budget, **json.loads(args.training)},
    )
    told = lambda name, values: print(" ", name, values, flush=True) if args.verbose else None  # noqa: E731
    tokenizer.train(training, Session(event=told))

    def code(patches: Images) -> tuple[Images, Any]:
        tokens = tokenizer.encode(patches)
        found = tokenizer.decode(tokens).column("image").to_numpy_ndarray()
        return found, tokens["image_tokens"]

    return code


def run(name: str, args: Any) -> list[Figure]:
    """Print the table of one set, and give its comparisons."""
    load, photos = SETS[name]
    left, right = load()
    each, count, draws = (8, 40, 2) if args.quick else (40, args.patches, DRAWS)
    test = [
        [crops([photo], each, (1.0,), draw * len(right) + i) for i, photo in enumerate(right)]
        for draw in range(draws)
    ]
    plain = crops(left, count // 2, (1.0,), len(right))
    training = crops(left, count, SCALES, len(right) + 1)
    makers: dict[str, Callable[[], Code]] = {
        "classical, plain": lambda: classical(plain, 0),
        "classical, augmented": lambda: classical(augmented(training, JITTER, 0), 0),
    }
    for quantizer in args.quantizers:
        makers[quantizer] = lambda quantizer=quantizer: ours(quantizer, training, args)
    head = "".join(f"{photo[:8]:>9s}" for photo in photos)
    print(f"{name + ', PSNR in dB':22s}{'mean':>7s}{head} codes perplex.      time   draws")
    results: dict[str, Found] = {}
    for title, make in makers.items():
        start = time.perf_counter()
        found = results[title] = judged(make(), test)
        each_photo = "".join(f"{value:9.2f}" for value in found.photos)
        use = f"{found.used:6d} {found.perplexity:8.0f}{time.perf_counter() - start:8.0f} s"
        each_draw = " ".join(f"{value:.2f}" for value in found.draws)
        print(f"{title:22s}{found.psnr:7.2f}{each_photo}{use}   {each_draw}", flush=True)
    return compared(name, results)


def compared(name: str, results: dict[str, Found]) -> list[Figure]:
    """Set each of ours beside the augmented codebook, in the mean and where others measured."""
    plain, peer, *_ = results.values()
    figures = []
    for title, found in list(results.items())[2:]:
        goal = TARGETS[name].get(title)
        target = "" if goal is None else f">= {goal:+.1f} dB"
        job = f"{name}: {len(peer.draws)} draws, worst gain {_worst(found, peer):+.2f} dB"
        figures.append(Figure(job, title, found.psnr, "augmented", peer.psnr, "dB", target))
    if name == "sklearn":
        away = [
            abs(a - QUOTED[0]) + abs(b - QUOTED[1])
            for a, b in zip(plain.draws, peer.draws, strict=True)
        ]
        draw = int(np.argmin(away))
        job = f"{name}: draw {draw + 1}, plain {plain.draws[draw]:.2f} dB"
        for title, found in list(results.items())[2:]:
            values = found.draws[draw], "augmented", peer.draws[draw]
            target = {"kmeans": ">= 25.3 dB", "fsq": ">= 25.1 dB"}.get(title, "")
            figures.append(Figure(job, title, *values, "dB", target))
    return figures


def _worst(found: Found, peer: Found) -> float:
    """The least gain over the draws and the photographs."""
    return float(
        min(
            np.subtract(found.draws, peer.draws).min(), np.subtract(found.photos, peer.photos).min()
        )
    )


def main() -> None:
    """Print a table for each set, and the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--set", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=0, help="a budget in place of minutes")
    parser.add_argument("--options", default="{}", help="of the model, as JSON")
    parser.add_argument("--training", default="{}", help="further options, as JSON")
    parser.add_argument("--patches", type=int, default=2000)
    parser.add_argument("--quantizers", nargs="+", default=list(DIMENSIONS))
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.steps = 5
    report("image quality", [row for name in args.set for row in run(name, args)])


if __name__ == "__main__":
    main()
