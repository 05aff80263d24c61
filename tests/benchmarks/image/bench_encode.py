"""Encoding 12-band cutouts: where the time goes, and what reading and preparing them costs.

python tests/benchmarks/image/bench_encode.py [--quick]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tokenry_benchmarks import Row, contend, report

SIZE, BANDS = 96, 12
_BATCH = 64
_FILE = 1000  # rows of the file, which is read again and again


def write_cutouts(path: Path, rows: int) -> None:
    """Cutouts as lists per band, as the pipelines that make them write them."""
    random = np.random.default_rng(0)
    columns = {
        f"splus_cut_{band}": pa.ListArray.from_arrays(
            pa.array(np.arange(rows + 1, dtype=np.int32) * SIZE**2),
            pa.array(random.normal(size=rows * SIZE**2).astype(np.float32)),
        )
        for band in names()
    }
    table = pa.table({"id": np.arange(rows), **columns})
    pq.write_table(table, path, row_group_size=_BATCH, use_dictionary=False, compression="none")


def names() -> tuple[str, ...]:
    """The bands."""
    from tokenry_image import ImageConfig

    return ImageConfig().bands


def prepared(batches: Any, codec: Any) -> int:
    """Read columns into prepared images, batch by batch; gives how many pixels were seen."""
    from tokenry_image._columns import read_images
    from tokenry_image._encode import make_ready

    seen = 0
    for batch in batches:
        seen += make_ready(codec, read_images(batch, codec.config), "cpu").mask.numel()
    return seen


def copied(batches: Any) -> int:
    """Copy the bytes of every column into new memory."""
    seen = 0
    for batch in batches:
        for column in batch.columns[:BANDS]:
            seen += column.flatten().to_numpy().copy().size
    return seen


def batches_of(path: Path, times: int) -> Any:
    """Read the file as the source does, again and again."""
    columns = [f"splus_cut_{band}" for band in names()]
    for _ in range(times):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(_BATCH, columns=columns)


def forward_share(rows: int, device: str) -> None:
    """Print the share of encoding that the network and the codebook take."""
    import torch

    from tokenry_core import Runtime, open_source
    from tokenry_image import ImageTokenizer

    images = np.random.default_rng(0).normal(size=(rows, BANDS, SIZE, SIZE)).astype(np.float32)
    tokenizer = ImageTokenizer(latent_dim=5, training={"steps": 1, "batch_size": 4})
    tokenizer.train(images[:8])
    tokenizer.runtime = Runtime(device=device)
    tokenizer.prepare()
    (batch,) = open_source(tokenizer.open(images)).table.combine_chunks().to_batches()
    tokenizer.encode(batch)
    spent = 0.0

    def timed(run: Any) -> Any:
        def inner(*args: Any) -> Any:
            nonlocal spent
            start = time.perf_counter()
            out = run(*args)
            if device == "cuda":
                torch.cuda.synchronize()
            spent += time.perf_counter() - start
            return out

        return inner

    codec, quantizer = tokenizer.codec, tokenizer.codec.quantizer
    codec.encode = timed(codec.encode)  # type: ignore[method-assign]
    quantizer.ids = timed(quantizer.ids)  # type: ignore[method-assign]
    start = time.perf_counter()
    tokenizer.encode(batch)
    total = time.perf_counter() - start
    where = device if device == "cuda" else f"{torch.get_num_threads()} threads"
    print(
        f"\nencoding {rows} cutouts on {where}: {rows / total:.0f} images/s,"
        f" {spent / total:.1%} of the time in the forward pass"
    )


def training_rate(batch_size: int) -> None:
    """Print images/s of training on a GPU, and the share of what its matrix products reach."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from tokenry_image import ImageConfig
    from tokenry_image._codec import Codec

    codec = Codec(ImageConfig(quantizer="kmeans", latent_dim=16)).on("cuda")
    images = torch.randn(batch_size, BANDS, SIZE, SIZE, device="cuda")

    def step() -> None:
        with torch.autocast("cuda", torch.bfloat16):
            loss = (codec.network(images) - images).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]

    matrix = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    with FlopCounterMode(display=False) as counter:
        step()
    rate = counter.get_total_flops() / _seconds(step)
    peak = 2 * 8192**3 / _seconds(lambda: matrix @ matrix)
    print(
        f"training on {torch.cuda.get_device_name()}: {batch_size / _seconds(step):.0f} images/s,"
        f" {rate / peak:.1%} of the {peak / 1e12:.0f} TFLOP/s of its matrix products"
    )


def _seconds(run: Any, times: int = 10) -> float:
    import torch

    run()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(times):
        run()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / times


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000, help="cutouts, in thousands")
    args = parser.parse_args()
    rows, times = (64, 1) if args.quick else (_FILE, args.rows // _FILE)
    import torch

    from tokenry_image import ImageConfig
    from tokenry_image._codec import Codec

    codec = Codec(ImageConfig())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cutouts.parquet")
        write_cutouts(path, rows)
        assert prepared(batches_of(path, 1), codec) == copied(batches_of(path, 1))
        contenders = {
            "read and prepare": lambda: prepared(batches_of(path, times), codec),
            "read and copy": lambda: copied(batches_of(path, times)),
        }
        seconds = contend(contenders, 3, warmup=0)
    forward_share(16 if args.quick else 128, "cpu")
    if torch.cuda.is_available():
        forward_share(1024, "cuda")
        training_rate(256)
    row = Row(
        f"{rows * times} cutouts of {BANDS} x {SIZE} x {SIZE}",
        "read and prepare",
        seconds["read and prepare"],
        "read and copy",
        seconds["read and copy"],
        "at least 0.67x",
    )
    report("image encode", [row])


if __name__ == "__main__":
    main()
