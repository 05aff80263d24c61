"""Photographs into patch embeddings, against one image at a time in float32.

`python tests/benchmarks/dino/bench_encode.py [--quick] [--threads 2] [--device cuda]`

The peer is what scripts do: open an image, resize it, normalise it, run the model in float32 with
torch's fused attention, and take the patches. Models are random with LayerScale at 1: at its usual
1e-5 a random model's blocks add next to nothing, and would hide any error.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from _images import write_photos
from PIL import Image

from tokenry_benchmarks import Row, contend, report
from tokenry_dino import DinoPatchTokenizer, bucket_input_size
from tokenry_dino._decode import decode_image
from tokenry_dino._forward import has_bfloat16
from tokenry_dino._view import view_image

BUCKET = (1216, 832)
LEAST_COSINE = 0.999


class OneByOne:
    """The peer: one image, float32, one process."""

    def __init__(self, tokenizer: DinoPatchTokenizer, device: str) -> None:
        backbone = DinoPatchTokenizer(tokenizer.config).backbone
        self.vit, self.prefix = backbone.vit.to(device), backbone.prefix
        self.size = bucket_input_size(tokenizer.config.buckets[0], backbone.patch_size)
        self.device = device
        shape = (3, 1, 1)
        self.mean, self.std = (torch.tensor(v).view(shape) for v in (backbone.mean, backbone.std))

    def __call__(self, paths: list[Path]) -> list[torch.Tensor]:
        return [self._one(path) for path in paths]

    @torch.inference_mode()
    def _one(self, path: Path) -> torch.Tensor:
        image = Image.open(path).convert("RGB").resize(self.size, Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        pixels = ((pixels - self.mean) / self.std)[None].to(self.device)
        return self.vit.forward_features(pixels)[0, self.prefix :].half().cpu()


def tokenizer_of(precision: str, args: argparse.Namespace) -> DinoPatchTokenizer:
    options = {"init_values": 1.0, **({"depth": 4} if args.quick else {})}
    tokenizer = DinoPatchTokenizer(
        model=args.model,
        weights="random",
        options=options,
        precision=precision,
        buckets=[bucket_of(args)],
    )
    state = tokenizer.state()
    return type(tokenizer).restore(
        tokenizer.config, state, device=args.device, threads=args.threads
    )


def bucket_of(args: argparse.Namespace) -> tuple[int, int]:
    return (424, 280) if args.quick else BUCKET


def cosine(ours: torch.Tensor, theirs: list[torch.Tensor]) -> float:
    both = ours.double(), torch.cat(theirs).double()
    return float(torch.cosine_similarity(*both, dim=-1).min())


def encode_rows(args: argparse.Namespace, paths: list[Path]) -> list[Row]:
    batch = pa.record_batch(
        {"id": [path.stem for path in paths], "image": [str(path) for path in paths]}
    )
    precisions = ["float32"]
    if has_bfloat16(torch.device(args.device)):
        precisions.append("bfloat16")
    else:
        print("this device has no units for bfloat16: float32 alone is compared")
    ours = {precision: tokenizer_of(precision, args) for precision in precisions}
    peer = OneByOne(ours["float32"], args.device)
    expected = peer(paths)
    for precision, tokenizer in ours.items():
        tokens = torch.from_numpy(tokenizer.encode_batch(batch)["dino_patches_flat"])
        least = cosine(tokens, expected)
        print(f"{precision}: least cosine of a patch with the peer's {least:.6f}")
        if least < LEAST_COSINE:
            raise SystemExit(f"{precision} differs from the peer: {least}")
        tokenizer.timing.total = tokenizer.timing.waiting = 0
    runs = {name: (lambda t=t: t.encode_batch(batch)) for name, t in ours.items()}
    seconds = contend({"peer": lambda: peer(paths), **runs}, repeats=3, warmup=0)
    for name, tokenizer in ours.items():
        print(f"{name}: {tokenizer.timing.share:.2%} of the time the model waited for images")
    targets = {"float32": "at least 1.0", "bfloat16": "at least 2.5"}
    return [
        Row(
            f"{len(paths)} photos, {args.model}, {args.device}",
            name,
            seconds[name] / len(paths),
            "one by one, float32 SDPA",
            seconds["peer"] / len(paths),
            targets[name],
        )
        for name in ours
    ]


def view_row(args: argparse.Namespace, paths: list[Path]) -> Row:
    """Decode and resize; equal to Pillow's own by construction, and checked."""
    size = bucket_input_size(bucket_of(args), 14)
    files = [path.read_bytes() for path in paths]

    def ours() -> list[np.ndarray]:
        return [view_image(decode_image(data), bucket_of(args), size) for data in files]

    def plain() -> list[np.ndarray]:
        opened = (Image.open(path).convert("RGB") for path in paths)
        return [np.asarray(image.resize(size, Image.Resampling.BICUBIC)) for image in opened]

    pairs = zip(ours(), plain(), strict=True)
    worst = max(float(np.abs(a.astype(int) - b.astype(int)).mean()) for a, b in pairs)
    print(f"decoded and resized: {worst:.3f} grey levels from Pillow's on average")
    assert worst < 1
    seconds = contend({"ours": ours, "peer": plain}, repeats=3)
    name = "decode and resize, one thread"
    return Row(name, "checked views", seconds["ours"], "plain Pillow", seconds["peer"], "about 1")


def show_peak(args: argparse.Namespace, row: Row) -> None:
    """Print the share of the device's measured bfloat16 peak that the model reaches."""
    backbone = tokenizer_of("float32", args).backbone
    width, height = bucket_input_size(bucket_of(args), backbone.patch_size)
    tokens, dim = backbone.num_tokens(height, width) + backbone.prefix, backbone.token_dim
    work = len(backbone.vit.blocks) * (24 * tokens * dim**2 + 4 * tokens**2 * dim)
    side = 8192 if args.device.startswith("cuda") else 2048
    a = torch.randn(side, side, device=args.device, dtype=torch.bfloat16)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        (a @ a)[0, 0].item()
        times.append(time.perf_counter() - start)
    peak = 2 * side**3 / min(times)
    reached = work / row.seconds
    print(
        f"{1 / row.seconds:.2f} images/s, {reached / 1e9:,.0f} GFLOP/s:"
        f" {reached / peak:.0%} of the {peak / 1e9:,.0f} that a bfloat16 product reaches"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small images, four layers")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="dinov2_vits14")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--images", type=int, default=None)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    count = args.images or (4 if args.quick else 3)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(Path(folder), count, *bucket_of(args))
        rows = encode_rows(args, paths)
        show_peak(args, rows[-1])
        rows.append(view_row(args, paths))
    report("dino_encode", rows)


if __name__ == "__main__":
    main()
