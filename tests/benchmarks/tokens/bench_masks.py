"""Attention masks of 4,096 tokens with all three kinds of rules: against loops over tokens.

`python tests/benchmarks/tokens/bench_masks.py [--quick]`. The block loop fills whole blocks by
slices and loops only where cross_local matches token to token; the token loop asks the rules for
every pair, and is timed on fewer tokens and scaled.
"""

from __future__ import annotations

import argparse
from math import prod

import numpy as np

from tokenry_benchmarks import Row, contend, report
from tokenry_core.tokens import build_block_summary, build_mask_function, build_self_attention_mask

RULES = {
    "local": ["theta"],
    "cross": [("mu", "obs"), ("obs", "mu")],
    "cross_local": [("theta", "obs", (0, 0)), ("obs", "obs", (0, 0))],
}


def hierarchy(sites: int, times: int) -> dict[str, dict]:
    shapes = {"mu": (sites,), "theta": (sites,), "obs": (sites, times)}
    slices, offset = {}, 0
    for key, shape in shapes.items():
        slices[key] = {"offset": offset, "event_shape": shape}
        offset += prod(shape)
    return slices


def span(slices: dict, key: str) -> slice:
    start = slices[key]["offset"]
    return slice(start, start + prod(slices[key]["event_shape"]))


def block_loop(slices: dict, rules: dict) -> np.ndarray:
    total = sum(prod(s["event_shape"]) for s in slices.values())
    mask = np.ones((total, total), np.int8)
    for a, b in rules["cross"]:
        mask[span(slices, a), span(slices, b)] = 0
    for a in rules["local"]:
        mask[span(slices, a), span(slices, a)] = 0
    for a, b, (i, j) in rules["cross_local"]:
        mask[span(slices, a), span(slices, b)] = 0
        mask[span(slices, b), span(slices, a)] = 0
        grids = [
            np.arange(span(slices, k).start, span(slices, k).stop).reshape(slices[k]["event_shape"])
            for k in (a, b)
        ]
        for place in range(grids[0].shape[i]):
            for row in grids[0].take(place, i).ravel():
                for column in grids[1].take(place, j).ravel():
                    mask[row, column] = mask[column, row] = 1
    return mask.astype(np.float32)


def token_loop(slices: dict, rules: dict) -> np.ndarray:
    tokens = [(key, index) for key, s in slices.items() for index in np.ndindex(*s["event_shape"])]
    mask = np.ones((len(tokens), len(tokens)), np.float32)
    for row, (q, place) in enumerate(tokens):
        for column, (k, other) in enumerate(tokens):
            if (q, k) in rules["cross"] or (q == k and q in rules["local"]):
                mask[row, column] = 0
            for a, b, (i, j) in rules["cross_local"]:
                if (q, k) == (a, b):
                    mask[row, column] = place[i] == other[j]
                elif (q, k) == (b, a):
                    mask[row, column] = place[j] == other[i]
    return mask


def compare(sites: int, times: int, repeats: int) -> list[Row]:
    slices, small = hierarchy(sites, times), hierarchy(16, 14)
    tokens, fewer = (sum(prod(s["event_shape"]) for s in h.values()) for h in (slices, small))
    expected = block_loop(slices, RULES)
    assert np.array_equal(build_self_attention_mask(slices, RULES), expected)
    assert np.array_equal(token_loop(small, RULES), build_self_attention_mask(small, RULES))
    assert build_block_summary(slices, slices, RULES).allowed.sum() == expected.sum()
    index = np.arange(tokens)
    allowed = build_mask_function(slices, slices, RULES)(0, 0, index[:, None], index)
    assert np.array_equal(allowed, expected.astype(bool))
    seconds = contend(
        {
            "float": lambda: build_self_attention_mask(slices, RULES),
            "bool": lambda: build_self_attention_mask(slices, RULES, dtype=bool),
            "summary": lambda: build_block_summary(slices, slices, RULES),
            "block loop": lambda: block_loop(slices, RULES),
            "token loop": lambda: token_loop(small, RULES),
        },
        repeats,
    )
    naive = seconds["token loop"] * (tokens / fewer) ** 2
    job = f"{tokens} tokens, {sites} sites x {times} times"
    peers = [("loop over all tokens", naive), ("loop over matches", seconds["block loop"])]
    rows = [
        Row(f"{job}, {ours}", "tokenry", seconds[ours], *peer, ">= 50x")
        for ours in ("float", "bool")
        for peer in peers
    ]
    rows.append(Row(f"{job}, summary", "tokenry", seconds["summary"], *peers[1]))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a smoke test")
    quick = parser.parse_args().quick
    sizes = [(16, 14)] if quick else [(64, 62), (8, 510)]
    rows = [row for size in sizes for row in compare(*size, 1 if quick else 5)]
    report("attention masks", rows)


if __name__ == "__main__":
    main()
