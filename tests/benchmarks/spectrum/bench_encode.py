"""Spectra in list columns to tokens, against the bare assignment of the same points.

`python tests/benchmarks/spectrum/bench_encode.py [--quick]`. The peer is given the features ready
made; ours takes Arrow list columns (by their offsets) or the Parquet file. Memory is what encoding
needs beside rows and tokens.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _points import points

from tokenry_benchmarks import Row, contend, report
from tokenry_spectrum import SpectrumTokenizer

GROUP = {"name": "b", "kind": "flux_ivar", "flux_col": "flux", "ivar_col": "ivar"}


def spectra(rows, length):
    x = points(rows * length, 2)
    flux, ivar = x[:, 0].copy(), (x[:, 1] + 4).clip(0) ** 2
    offsets = pa.array(np.arange(rows + 1, dtype=np.int64) * length)
    lists = {
        name: pa.LargeListArray.from_arrays(offsets, pa.array(values.astype(np.float32)))
        for name, values in (("flux", flux), ("ivar", ivar))
    }
    return pa.record_batch({"id": np.arange(rows), **lists})


def extra_memory(run):
    """Bytes resident at the peak beyond those before and the result; 0 where Linux cannot say."""

    def status(field):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

    try:
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS:")
        result = run()
        return status("VmHWM:") - before - result["tokens_b"].nbytes
    except OSError:
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows, length, repeats = (500, 2000, 3) if quick else (20_000, 2000, 5)
    batch = spectra(rows, length)
    tokenizer = SpectrumTokenizer(codebook_size=2048, max_features_per_group=500_000,
                                  max_iterations=5, groups=[GROUP])  # fmt: skip
    tokenizer.train(batch.slice(0, min(rows, 1000)))
    group = tokenizer._groups[0]
    features = group.read(batch).features(0, rows * length)
    shape = (rows, length)

    def assign():
        return group.nearest.of_features(features, group.mean, 1 / group.std)

    assert np.array_equal(assign().reshape(shape), tokenizer.encode(batch)["tokens_b"])
    job = f"{rows} spectra of {length} points"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectra.parquet"
        pq.write_table(
            pa.table(batch), path, compression="none", use_dictionary=False, row_group_size=4000
        )
        assert np.array_equal(tokenizer.encode(path)["tokens_b"], assign().reshape(shape))
        seconds = contend(
            {
                "lists": lambda: tokenizer.encode(batch),
                "bare": assign,
                "file": lambda: tokenizer.encode(path),
                "read": lambda: pq.read_table(path),
            },
            repeats,
        )
    memory = extra_memory(lambda: tokenizer.encode(batch))
    print(f"memory beside rows and tokens: {memory / 2**20:.0f} MiB")
    rate = rows * length / seconds["lists"] / 1e6
    print(f"from lists: {rate:.0f} million points a second")
    bare = "bare assignment of ready features"
    report("spectrum: encoding", [
        Row(f"{job}, Arrow lists", "encode", seconds["lists"], bare, seconds["bare"], ">= 0.5"),
        Row(f"{job}, Parquet file", "encode", seconds["file"], "reading it alone", seconds["read"]),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
