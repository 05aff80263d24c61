"""Reconstruction of photographs at 576 tokens of 1,024 codes, against classical quantisation.

    python tests/benchmarks/image/bench_quality.py [--quick] [--minutes 2] [--quantizers fsq kmeans]

Both sides spend 5,760 bits on a 96 x 96 x 3 patch. The classical side is k-means with 1,024
codewords on 4 x 4 x 3 blocks, fitted to the plain training patches and to the augmented ones.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from _photos import SCALES, Images, augmented, blocks, crops, joined, sample_photos

CODES = 1024
JITTER = 0.05
OURS: dict[str, dict[str, Any]] = {
    "kmeans": {"latent_dim": 16, "encoder": "linear", "autoencoder_share": 0.0},
    "vq": {"latent_dim": 16, "encoder": "linear", "autoencoder_share": 0.0},
    "fsq": {"latent_dim": 5, "encoder": "conv", "autoencoder_share": 0.0},
}
TARGETS = {"kmeans": 25.3, "vq": 25.3, "fsq": 25.1}


def psnr(given: Images, found: Images) -> float:
    """10 log10(1 / mean squared error), over all patches; values are from 0 to 1."""
    return float(-10 * np.log10(np.mean((given - np.clip(found, 0, 1)).astype(np.float64) ** 2)))


def classical(training: Images, test: Images, seed: int) -> tuple[float, int, float]:
    """Fit k-means to blocks; give PSNR, codes used and perplexity on the test patches."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    from tokenry_image._quality import code_use

    rows = blocks(training)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:300_000]]
    start = MiniBatchKMeans(CODES, batch_size=16 * CODES, n_init=1, random_state=seed).fit(rows)
    words = KMeans(CODES, init=start.cluster_centers_, n_init=1, max_iter=20).fit(rows)
    ids = words.predict(blocks(test))
    found = joined(words.cluster_centers_[ids].astype(np.float32), len(test))
    used, perplexity = code_use(np.bincount(ids, minlength=CODES))
    return psnr(test, found), used, perplexity


def ours(quantizer: str, training: Images, test: Images, args: Any) -> tuple[float, int, float]:
    """Train a tokenizer; give PSNR, codes used and perplexity on the test patches."""
    from tokenry_core import Session
    from tokenry_image import ImageTokenizer
    from tokenry_image._quality import code_use

    options = dict(OURS[quantizer])
    budget = {"steps": 5} if args.quick else {"minutes": args.minutes}
    tokenizer = ImageTokenizer(
        cutout_size=96,
        bands=["red", "green", "blue"],
        column="image",
        stretch="linear",
        quantizer=quantizer,
        codebook_size=CODES,
        latent_dim=options.pop("latent_dim"),
        options={"encoder": options.pop("encoder"), "width": args.width, "blocks": args.blocks},
        training={
            **budget,
            **options,
            "batch_size": args.batch,
            "learning_rate": args.rate,
            "jitter": JITTER,
            "codebook_images": 8 if args.quick else 350,
            "evaluate_every": 500,
            "checkpoint_every": 100_000,
        },
    )
    told = lambda name, values: print(" ", name, values, flush=True) if args.verbose else None  # noqa: E731
    tokenizer.train(training, Session(event=told))
    tokens = tokenizer.encode(test)
    column = tokenizer.decode(tokens).column("image")
    used, perplexity = code_use(np.bincount(tokens["image_tokens"].ravel(), minlength=CODES))
    return psnr(test, column.to_numpy_ndarray()), used, perplexity


def main() -> None:
    """Print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--patches", type=int, default=2000)
    parser.add_argument("--quantizers", nargs="+", default=list(OURS))
    parser.add_argument("--no-classical", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    left, right = sample_photos()
    each, count = (8, 40) if args.quick else (40, args.patches)
    test = np.concatenate([crops([photo], each, (1.0,), seed) for seed, photo in enumerate(right)])
    plain = crops(left, count // 2, (1.0,), 2)
    training = crops(left, count, SCALES, 3)
    results: dict[str, tuple[float, int, float, float]] = {}

    def add(name: str, run: Any) -> None:
        start = time.perf_counter()
        results[name] = (*run(), time.perf_counter() - start)
        value, used, perplexity, seconds = results[name]
        print(
            f"{name:24s} {value:6.2f} dB {used:6d} {perplexity:8.0f} {seconds:7.0f} s", flush=True
        )

    print(f"{'':24s} {'PSNR':>9s} {'codes':>6s} {'perplex.':>8s} {'time':>9s}")
    if not args.no_classical:
        add("classical, plain", lambda: classical(plain, test, 0))
        mixed = augmented(training, JITTER, 0)
        add("classical, augmented", lambda: classical(mixed, test, 0))
    for quantizer in args.quantizers:
        add(quantizer, lambda quantizer=quantizer: ours(quantizer, training, test, args))
    rows = [
        {
            "ours": name,
            "psnr": round(results[name][0], 3),
            "peer": "classical, augmented",
            "peer_psnr": round(results["classical, augmented"][0], 3),
            "seconds": round(results[name][3], 1),
            "target": TARGETS[name],
            "checked": True,
        }
        for name in args.quantizers
        if "classical, augmented" in results
    ]
    print(json.dumps({"benchmark": "image quality (a)", "rows": rows}))


if __name__ == "__main__":
    main()
