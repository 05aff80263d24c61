"""Pairs of patches: against qlty, and against a plain copy of the tokens.

`python tests/benchmarks/patch2d/bench_pairs.py [--quick]`; qlty comes from the package index.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from _timing import Row, contend, report
from qlty.pretokenizer_2d import build_sequence_pair as peer

from tokenry_patch2d import build_sequence_pair
from tokenry_patch2d._arguments import per_pair, quarter_turns
from tokenry_patch2d._grid import make_grid
from tokenry_patch2d._relate import relate

HOST = torch.device("cpu")


def scene(count, extent, spread):
    """Patches, shifts and turns; without a count, of one pair, as numbers."""
    source = torch.Generator().manual_seed(0)
    patches = torch.randn(2, count or 1, 3, extent, extent, generator=source)
    dx, dy = torch.randn(2, count or 1, generator=source) * spread
    rot = torch.randint(0, 4, (count or 1,), generator=source)
    if count is None:
        return patches[0, 0], patches[1, 0], dx.item(), dy.item(), rot.item()
    return patches[0], patches[1], dx, dy, rot


def check(found, expected):
    for name, values in expected.items():
        close = torch.allclose if name == "overlap_fractions" else torch.equal
        if found[name].shape != values.shape or not close(found[name], values):
            raise SystemExit(f"{name} differs from qlty's")


def geometry(arguments, size, stride):
    """What `build_sequence_pair` does beside the tokens."""
    patch, _, dx, dy, rot = arguments
    count = len(patch) if patch.ndim == 4 else 1
    grid = make_grid(patch.shape[-2:], size, stride)
    turn = quarter_turns(rot, count, "cw", HOST)
    dx, dy = (per_pair(shift, count, "dx", torch.float64, HOST) for shift in (dx, dy))
    return relate(grid, dx, dy, turn, "first")


def single(repeats):
    arguments = *scene(None, 64, 5.0), 16, 8
    check(build_sequence_pair(*arguments), peer(*arguments))
    seconds = contend(
        {
            "ours": lambda: [build_sequence_pair(*arguments) for _ in range(100)],
            "qlty": lambda: peer(*arguments),
        },
        repeats,
    )
    return [
        Row("one pair 64² p16 s8", "ours", seconds["ours"] / 100, "qlty", seconds["qlty"], ">= 50x")
    ]


def batch(count, extent, size, stride, repeats):
    arguments = *scene(count, extent, 10.0), size, stride
    expected, out = peer(*arguments), build_sequence_pair(*arguments)
    check(out, expected)
    tokens = expected["tokens1"], expected["tokens2"]
    copies = tuple(torch.zeros_like(part) for part in tokens)
    check(build_sequence_pair(*arguments, out=copies), expected)
    seconds = contend(
        {
            "ours": lambda: build_sequence_pair(*arguments),
            "ours, out=": lambda: build_sequence_pair(*arguments, out=out),
            "geometry": lambda: geometry(arguments[:5], size, stride),
            "token copy": lambda: [a.copy_(b) for a, b in zip(copies, tokens, strict=True)],
            "qlty": lambda: peer(*arguments),
        },
        repeats,
    )
    job = f"{count} pairs {extent}² p{size} s{stride}"
    return [
        Row(f"{job}, new memory", "ours", seconds["ours"], "qlty", seconds["qlty"], ">= 10x"),
        Row(f"{job}, out=", "ours, out=", seconds["ours, out="], "qlty", seconds["qlty"], ">= 40x"),
        Row(
            f"{job}, geometry", "geometry", seconds["geometry"],
            "token copy", seconds["token copy"], ">= 50x (2 %)",
        ),
    ]  # fmt: skip


def large(repeats):
    """One pair of 15,625 tokens: qlty's search is timed at 441 tokens and scaled by tokens²."""
    arguments = *scene(None, 512, 30.0), 16, 4
    out = build_sequence_pair(*arguments)
    batched = [value[None] if torch.is_tensor(value) else value for value in arguments[:2]]
    six = [patch.expand(6, -1, -1, -1) for patch in batched]  # its compiled path begins at six
    expected = peer(*six, *arguments[2:])
    for name in ("overlap_indices1_to_2", "overlap_indices2_to_1", "tokens1", "tokens2"):
        if not torch.equal(out[name], expected[name][0]):
            raise SystemExit(f"{name} differs from qlty's")
    tokens = out["tokens1"].clone(), out["tokens2"].clone()
    small = *scene(None, 96, 10.0), 16, 4
    seconds = contend(
        {
            "ours": lambda: build_sequence_pair(*arguments),
            "ours, out=": lambda: build_sequence_pair(*arguments, out=out),
            "geometry": lambda: geometry(arguments[:5], 16, 4),
            "token copy": lambda: [a.copy_(out[b]) for a, b in zip(tokens, ("tokens1", "tokens2"))],
            "token clone": lambda: [part.clone() for part in tokens],
        },
        repeats,
    )
    slow = contend({"qlty": lambda: peer(*small)}, 1, warmup=0)["qlty"] * (15_625 / 441) ** 2
    job = "one pair 512² p16 s4"
    return [
        Row(f"{job}, new memory", "ours", seconds["ours"], "qlty, scaled", slow),
        Row(f"{job}, new memory", "ours", seconds["ours"], "token clone", seconds["token clone"], "about 1x"),
        Row(f"{job}, out=", "ours, out=", seconds["ours, out="], "token copy", seconds["token copy"], "about 1x"),
        Row(f"{job}, geometry", "geometry", seconds["geometry"], "token copy", seconds["token copy"], ">= 50x (2 %)"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a smoke test")
    arguments = parser.parse_args()
    rows = single(3 if arguments.quick else 9)
    if arguments.quick:
        rows += batch(8, 64, 16, 8, 3)
    else:
        rows += batch(1, 128, 16, 4, 9) + batch(256, 128, 16, 4, 3) + large(7)
    report("patch2d pairs", rows)


if __name__ == "__main__":
    main()
