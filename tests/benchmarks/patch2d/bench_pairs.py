"""Pairs of patches: against qlty, and against a plain copy of the tokens.

`python tests/benchmarks/patch2d/bench_pairs.py [--quick]`; qlty comes from the package index.
"""

from __future__ import annotations

import argparse

import torch
from qlty.pretokenizer_2d import build_sequence_pair as peer

from tokenry_benchmarks import Row, contend, report
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


def again(run, times):
    """What a short call costs when it is repeated, and not just after something else."""
    return lambda: [run() for _ in range(times)]


def small(repeats, extent, stride, target):
    """One pair, by numbers and not by tensors."""
    arguments, times = (*scene(None, extent, 5.0), 16, stride), 50
    out = build_sequence_pair(*arguments)
    check(out, peer(*arguments))
    tokens = out["tokens1"].clone(), out["tokens2"].clone()
    seconds = contend(
        {
            "ours": again(lambda: build_sequence_pair(*arguments), times),
            "geometry": again(lambda: geometry(arguments[:5], 16, stride), times),
            "token copy": again(
                lambda: (tokens[0].copy_(out["tokens1"]), tokens[1].copy_(out["tokens2"])), times
            ),
            "qlty": lambda: peer(*arguments),
        },
        repeats,
    )
    ours, shape, copy = (seconds[name] / times for name in ("ours", "geometry", "token copy"))
    job = f"one pair {extent}² p16 s{stride}"
    rows = [Row(job, "ours", ours, "qlty", seconds["qlty"], ">= 50x")]
    return [*rows, Row(f"{job}, geometry", "geometry", shape, "token copy", copy, target)]


def batch(count, extent, size, stride, repeats):
    """A batch into new memory and into reused memory."""
    arguments = *scene(count, extent, 10.0), size, stride
    out, expected = build_sequence_pair(*arguments), peer(*arguments)
    check(out, expected)
    del expected  # gigabytes, which new memory would otherwise be taken from elsewhere
    copy = torch.empty_like(out["tokens1"])
    check(build_sequence_pair(*arguments, out=out), peer(*arguments))
    seconds = contend(
        {
            "ours": lambda: build_sequence_pair(*arguments),
            "ours, out=": lambda: build_sequence_pair(*arguments, out=out),
            "geometry": again(lambda: geometry(arguments[:5], size, stride), 5),
            "token copy": lambda: (copy.copy_(out["tokens1"]), copy.copy_(out["tokens2"])),
            "qlty": lambda: peer(*arguments),
        },
        repeats,
        warmup=2,
    )
    job, shape = f"{count} pairs {extent}² p{size} s{stride}", seconds["geometry"] / 5
    ours, into, copied = (seconds[name] for name in ("ours", "ours, out=", "token copy"))
    return [
        Row(f"{job}, new memory", "ours", ours, "qlty", seconds["qlty"], ">= 10x"),
        Row(f"{job}, out=", "ours, out=", into, "qlty", seconds["qlty"], ">= 40x"),
        Row(f"{job}, out=", "ours, out=", into, "token copy", copied),
        Row(f"{job}, geometry", "geometry", shape, "token copy", copied, ">= 50x (2 %)"),
    ]


def large(repeats):
    """One pair of 15,625 tokens: qlty's search is timed at 441 tokens and scaled by tokens²."""
    arguments = *scene(None, 512, 30.0), 16, 4
    out = build_sequence_pair(*arguments)
    six = [patch.expand(6, -1, -1, -1) for patch in arguments[:2]]  # its compiled path begins at 6
    expected = peer(*six, *arguments[2:])
    for name in ("overlap_indices1_to_2", "overlap_indices2_to_1", "tokens1", "tokens2"):
        if not torch.equal(out[name], expected[name][0]):
            raise SystemExit(f"{name} differs from qlty's")
    del expected
    tokens = out["tokens1"].clone(), out["tokens2"].clone()
    reduced = *scene(None, 96, 10.0), 16, 4
    seconds = contend(
        {
            "ours": lambda: build_sequence_pair(*arguments),
            "ours, out=": lambda: build_sequence_pair(*arguments, out=out),
            "geometry": again(lambda: geometry(arguments[:5], 16, 4), 5),
            "copy": lambda: (tokens[0].copy_(out["tokens1"]), tokens[1].copy_(out["tokens2"])),
            "clone": lambda: [part.clone() for part in tokens],
        },
        repeats,
    )
    slow = contend({"qlty": lambda: peer(*reduced)}, 1, warmup=0)["qlty"] * (15_625 / 441) ** 2
    ours, into, shape = seconds["ours"], seconds["ours, out="], seconds["geometry"] / 5
    job = "one pair 512² p16 s4"
    return [
        Row(f"{job}, new memory", "ours", ours, "qlty, scaled", slow),
        Row(f"{job}, new memory", "ours", ours, "token clone", seconds["clone"], "about 1x"),
        Row(f"{job}, out=", "ours, out=", into, "token copy", seconds["copy"], "about 1x"),
        Row(f"{job}, geometry", "geometry", shape, "token copy", seconds["copy"], ">= 50x (2 %)"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a smoke test")
    arguments = parser.parse_args()
    if arguments.quick:
        rows = small(3, 64, 8, "") + batch(8, 64, 16, 8, 3)
    else:
        rows = small(9, 64, 8, "") + small(3, 128, 4, ">= 50x (2 %)")
        rows += batch(256, 128, 16, 4, 3) + large(7)
    report("patch2d pairs", rows)


if __name__ == "__main__":
    main()
