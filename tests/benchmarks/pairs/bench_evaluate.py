"""Every one of 2,000 image sets with every other of 2,000, within bounded memory.

`python tests/benchmarks/pairs/bench_evaluate.py [--quick]`

The peer calls the head with a row of pairs at a time, as a loop over sets does; both are timed on
a part of the table, of which all logits are compared first. Then the whole table is computed in
blocks, and the growth of the process's largest resident memory is printed beside the bytes of the
table itself. All pairs at once would need gigabytes for the first layer alone.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from tokenry_benchmarks import Row, contend, report
from tokenry_pairs import PairMatchingModel, score_matrix
from tokenry_pairs.model import REASONINGS

SMALL = {"img_size": 8, "patch_size": 2, "embed_dim": 64, "depth": 2, "num_heads": 4}
MEBI = 1 << 20


@torch.no_grad()
def row_by_row(model: PairMatchingModel, a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """The peer: one set against all others at a time."""
    rows = [model.head(one.expand(len(b), -1), b)[:, 0] for one in a]
    return torch.stack(rows).numpy()


def largest_memory() -> int:
    """Bytes that the process held at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def made(reasoning: str, sets: int) -> tuple[PairMatchingModel, torch.Tensor, torch.Tensor]:
    """A model with this head, and the vectors of two lots of sets."""
    model = PairMatchingModel(reasoning_type=reasoning, pretrained=False, backbone_options=SMALL)
    a, b = torch.randn(2, sets, 256, generator=torch.Generator().manual_seed(0))
    return model.eval(), a, b


def whole_table(reasoning: str, sets: int) -> np.ndarray:
    """Compute and print the whole table, and give it."""
    model, a, b = made(reasoning, sets)
    before, start = largest_memory(), time.perf_counter()
    table = score_matrix(model, a, b)
    took, grown = time.perf_counter() - start, largest_memory() - before
    print(
        f"{reasoning:16s} {sets} x {sets} in {took:.2f} s, {took / sets**2 * 1e9:.0f} ns a pair;"
        f" table {table.nbytes / MEBI:.1f} MiB, memory grew by {grown / MEBI:.1f} MiB"
    )
    return table


def compared(reasoning: str, sets: int, part: int, table: np.ndarray) -> Row:
    """Time both on a part of the table, once it is the same."""
    model, a, b = made(reasoning, sets)
    jobs = {
        "ours": lambda: score_matrix(model, a[:part], b),
        "peer": lambda: row_by_row(model, a[:part], b),
    }
    for job in jobs.values():
        np.testing.assert_allclose(job(), table[:part], rtol=1e-3, atol=1e-4)
    seconds = contend(jobs, repeats=3)
    title = f"{reasoning}: {part} x {sets} sets"
    return Row(title, "blocks", seconds["ours"], "row by row", seconds["peer"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    sets, part = (200, 20) if parser.parse_args().quick else (2000, 40)
    heads = sorted(REASONINGS, key=lambda name: name != "siamese")  # the least memory first
    tables = {name: whole_table(name, sets) for name in heads}
    report("pairs/evaluate", [compared(name, sets, part, tables[name]) for name in heads])


if __name__ == "__main__":
    main()
