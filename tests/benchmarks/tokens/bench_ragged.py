"""1,000 samples of 6 ragged fields to one padded array with labels and padding mask.

`python tests/benchmarks/tokens/bench_ragged.py [--quick]`. The peer pads the samples of each
field with torch's `pad_sequence` and joins the fields with `torch.cat`. Its samples come as they
are stored (values and row pointers), or as lists of tensors cut beforehand.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from tokenry_benchmarks import Row, contend, report
from tokenry_core.tokens import Ragged, Tokens

FIELDS = 6
Fields = dict[str, tuple[np.ndarray, np.ndarray]]


def fields(samples: int, longest: int, width: int) -> Fields:
    rng = np.random.default_rng(0)
    found = {}
    for number in range(FIELDS):
        indptr = np.concatenate([[0], np.cumsum(rng.integers(0, longest + 1, samples))])
        values = rng.standard_normal((indptr[-1], width), dtype=np.float32)
        found[f"field{number}"] = values, indptr
    return found


def cut(data: Fields) -> list[list[torch.Tensor]]:
    return [
        list(torch.split(torch.from_numpy(values), np.diff(indptr).tolist()))
        for values, indptr in data.values()
    ]


def peer(samples: list[list[torch.Tensor]]) -> tuple[torch.Tensor, ...]:
    padded, masks, labels = [], [], []
    for number, rows in enumerate(samples):
        block = pad_sequence(rows, batch_first=True)
        lengths = torch.tensor([len(row) for row in rows])
        padded.append(block)
        masks.append((torch.arange(block.shape[1]) < lengths[:, None]).float())
        labels.append(torch.full(block.shape[:2], number, dtype=torch.int32))
    return torch.cat(padded, 1), torch.cat(masks, 1), torch.cat(labels, 1)


def ours(data: Fields) -> tuple[np.ndarray, ...]:
    tokens = Tokens.from_pytree({key: Ragged(*rows) for key, rows in data.items()})
    return tokens.data, tokens.padding_mask, tokens.labels


def compare(samples: int, longest: int, width: int, repeats: int) -> list[Row]:
    data = fields(samples, longest, width)
    lists = cut(data)
    for found, expected in zip(ours(data), peer(lists), strict=True):
        assert np.array_equal(found, expected.numpy())
    times = contend(
        {"ours": lambda: ours(data), "stored": lambda: peer(cut(data)), "cut": lambda: peer(lists)},
        repeats,
        warmup=2,
    )
    job = f"{samples} x {FIELDS} fields, 0 to {longest} of {width}"
    peers = (("cut, pad_sequence + cat", "stored"), ("pad_sequence + cat of lists", "cut"))
    return [Row(job, "tokenry", times["ours"], called, times[p], ">= 5x") for called, p in peers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a smoke test")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)  # what is fastest for tensors this small
    samples, repeats = (100, 3) if quick else (1000, 15)
    rows = [
        row
        for longest, width in ((10, 1), (50, 1), (20, 16))
        for row in compare(samples, longest, width, repeats)
    ]
    report("ragged fields to one padded array", rows)


if __name__ == "__main__":
    main()
