"""Windows to tokens: against torch's unfold, qlty, and a plain copy of the same bytes.

`python tests/benchmarks/patch2d/bench_tokens.py [--quick]`; qlty comes from the package index.
"""

from __future__ import annotations

import argparse

import torch

from tokenry_benchmarks import Row, contend, report
from tokenry_patch2d import tokenize_patch


def unfold(images, size, stride, out=None):
    """The whole batch by torch's own views, where the grid is regular."""
    view = images.unfold(2, size, stride).unfold(3, size, stride).permute(0, 2, 3, 1, 4, 5)
    if out is None:
        return view.reshape(len(images), -1, images.shape[1] * size * size)
    out.view(view.shape).copy_(view)
    return out


def qlty_tokens(images, size, stride):
    """Image by image: qlty takes one at a time."""
    from qlty.pretokenizer_2d import tokenize_patch as peer

    return torch.stack([peer(image, size, stride)[0] for image in images])


def rows_of(shape, size, stride, repeats):
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    regular = all((extent - size) % stride == 0 for extent in shape[2:])
    expected = qlty_tokens(images, size, stride)
    fresh, buffer = torch.zeros_like(expected), torch.zeros_like(expected)
    contenders = {
        "ours": lambda: tokenize_patch(images, size, stride)[0],
        "ours, out=": lambda: tokenize_patch(images, size, stride, out=fresh)[0],
        "qlty": lambda: qlty_tokens(images, size, stride),
    }
    if regular:
        contenders["unfold"] = lambda: unfold(images, size, stride)
        contenders["unfold, out"] = lambda: unfold(images, size, stride, buffer)
    for name, run in contenders.items():
        if not torch.equal(run(), expected):
            raise SystemExit(f"{name} gives other tokens")
    contenders["copy"] = lambda: buffer.copy_(expected)
    seconds = contend(contenders, repeats)
    job = f"{'x'.join(map(str, shape))} p{size} s{stride}"

    def row(what, ours, peer, target):
        return Row(f"{job}, {what}", ours, seconds[ours], peer, seconds[peer], target)

    rows = [row("new memory", "ours", "qlty", ">= 5x clamped" if not regular else "")]
    if regular:
        rows += [
            row("new memory", "ours", "unfold", ">= 1.5x"),
            row("reused memory", "ours, out=", "unfold, out", ">= 1.5x"),
        ]
    return [*rows, row("reused memory", "ours, out=", "copy", ">= 1.25x")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small shapes, for a smoke test")
    arguments = parser.parse_args()
    cases = [
        ((64, 3, 128, 128), 16, 8),
        ((256, 3, 128, 128), 16, 4),
        ((64, 3, 128, 128), 8, 4),
        ((8, 3, 1024, 1024), 16, 16),
        ((64, 3, 130, 133), 16, 8),
    ]
    if arguments.quick:
        cases = [((4, 3, 64, 64), 16, 8), ((4, 3, 70, 67), 16, 8)]
    rows = [row for case in cases for row in rows_of(*case, 3 if arguments.quick else 7)]
    report("patch2d tokens", rows)


if __name__ == "__main__":
    main()
