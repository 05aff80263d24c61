"""Reconstruction of photographs at 576 tokens of 1,024 codes, against classical quantisation.

    python tests/benchmarks/image/bench_quality.py [--quick] [--set sklearn skimage] [--minutes 4]

Both sides spend 5,760 bits on a 96 x 96 x 3 patch. The classical side is k-means with 1,024
codewords on 4 x 4 x 3 blocks, fitted to the plain training patches and to the augmented ones.
`sklearn` trains on the left 70 % of two photographs and tests on the rest of both; `skimage` tests
on three photographs of which training sees nothing.
"""

from __future__ import annotations

import argparse
import json
import time
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

CODES = 1024
JITTER = 0.05
DIMENSIONS = {"fsq": 5, "kmeans": 16, "vq": 16}
SETS = {
    "sklearn": (sample_photos, ("china", "flower")),
    "skimage": (skimage_photos, SKIMAGE_TEST),
}
# Decibels above the augmented classical codebook, over all test patches.
TARGETS = {"sklearn": {"fsq": 0.0, "kmeans": 0.2}, "skimage": {"fsq": 0.5, "kmeans": 0.5}}


class Found(NamedTuple):
    """PSNR of all test patches and of each photograph's, and how the codes were used."""

    psnr: float
    photos: list[float]
    used: int
    perplexity: float


def psnr(given: Images, found: Images) -> float:
    """10 log10(1 / mean squared error), over all patches; values are from 0 to 1."""
    return float(-10 * np.log10(np.mean((given - np.clip(found, 0, 1)).astype(np.float64) ** 2)))


def judged(test: list[Images], found: Images, ids: Any) -> Found:
    """Compare reconstructions of the test patches, photograph after photograph."""
    from tokenry_image._quality import code_use

    parts = np.split(found, np.cumsum([len(part) for part in test])[:-1])
    photos = [psnr(given, part) for given, part in zip(test, parts, strict=True)]
    used = code_use(np.bincount(np.ravel(ids), minlength=CODES))
    return Found(psnr(np.concatenate(test), found), photos, *used)


def classical(training: Images, test: list[Images], seed: int) -> Found:
    """Fit k-means to blocks, and quantise the test patches."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    rows = blocks(training)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:300_000]]
    start = MiniBatchKMeans(CODES, batch_size=16 * CODES, n_init=1, random_state=seed).fit(rows)
    words = KMeans(CODES, init=start.cluster_centers_, n_init=1, max_iter=20).fit(rows)
    patches = np.concatenate(test)
    ids = words.predict(blocks(patches))
    found = joined(words.cluster_centers_[ids].astype(np.float32), len(patches))
    return judged(test, found, ids)


def ours(quantizer: str, training: Images, test: list[Images], args: Any) -> Found:
    """Train a tokenizer with the defaults of its training, and quantise the test patches."""
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
    tokens = tokenizer.encode(np.concatenate(test))
    found = tokenizer.decode(tokens).column("image").to_numpy_ndarray()
    return judged(test, found, tokens["image_tokens"])


def run(name: str, args: Any) -> list[dict[str, Any]]:
    """Print the table of one set, and give what the JSON line says of it."""
    load, photos = SETS[name]
    left, right = load()
    each, count = (8, 40) if args.quick else (40, args.patches)
    test = [crops([photo], each, (1.0,), seed) for seed, photo in enumerate(right)]
    training = crops(left, count, SCALES, len(test) + 1)
    results: dict[str, tuple[Found, float]] = {}

    def add(title: str, find: Any) -> None:
        start = time.perf_counter()
        found = find()
        results[title] = found, time.perf_counter() - start
        each = "".join(f"{value:9.2f}" for value in found.photos)
        use = f"{found.used:6d} {found.perplexity:8.0f}"
        print(f"{title:22s}{found.psnr:7.2f}{each}{use}{results[title][1]:8.0f} s", flush=True)

    head = "".join(f"{photo[:8]:>9s}" for photo in photos)
    print(f"{name + ', PSNR in dB':22s}{'all':>7s}{head} codes perplex.      time")
    if not args.no_classical:
        plain = crops(left, count // 2, (1.0,), len(test))
        add("classical, plain", lambda: classical(plain, test, 0))
        mixed = augmented(training, JITTER, 0)
        add("classical, augmented", lambda: classical(mixed, test, 0))
    for quantizer in args.quantizers:
        add(quantizer, lambda quantizer=quantizer: ours(quantizer, training, test, args))
    peer = results.get("classical, augmented")
    return [
        {
            "set": name,
            "ours": title,
            "psnr": round(found.psnr, 3),
            "photos": [round(value, 3) for value in found.photos],
            "peer": "classical, augmented",
            "peer_psnr": round(peer[0].psnr, 3),
            "peer_photos": [round(value, 3) for value in peer[0].photos],
            "gain": round(found.psnr - peer[0].psnr, 3),
            "seconds": round(seconds, 1),
            "target": TARGETS[name].get(title),
            "checked": True,
        }
        for title, (found, seconds) in results.items()
        if peer is not None and title in args.quantizers
    ]


def main() -> None:
    """Print a table for each set and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--set", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=0, help="a budget in place of minutes")
    parser.add_argument("--options", default="{}", help="of the model, as JSON")
    parser.add_argument("--training", default="{}", help="further options, as JSON")
    parser.add_argument("--patches", type=int, default=2000)
    parser.add_argument("--quantizers", nargs="+", default=list(DIMENSIONS))
    parser.add_argument("--no-classical", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.steps = 5
    rows = [row for name in args.set for row in run(name, args)]
    print(json.dumps({"benchmark": "image quality", "rows": rows}))


if __name__ == "__main__":
    main()
