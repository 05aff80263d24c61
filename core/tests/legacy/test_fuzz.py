"""Damaged files give inert data or a LegacyError: no other error, no crash, no execution."""

from __future__ import annotations

import io
import pickle
import pickletools
import random
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.cluster import KMeans

from tokenry_core.errors import LegacyError
from tokenry_core.legacy import Record, read_legacy

CONTAINERS = (dict, list, tuple, set, frozenset, np.ndarray, Record)
PLAIN = (*CONTAINERS, str, bytes, bytearray, int, float, complex, type(None), np.generic, np.dtype)
ROUNDS = 1_500
CAP = 64 * 2**20


class Touch:
    """Pickles as a call that creates the file `fuzz-marker` in the working directory."""

    def __reduce__(self) -> tuple[object, ...]:
        return open, ("fuzz-marker", "w")


def valid_files() -> dict[str, bytes]:
    points = np.random.default_rng(0).normal(size=(20, 2))
    model = KMeans(3, n_init=1, random_state=0).fit(points)
    rows = np.array([(1, "a", None)], dtype=[("n", "i4"), ("s", "U2"), ("o", "O")])
    value = {"model": model, "rows": rows, "touch": Touch(), "when": np.datetime64("2020-01-01")}
    files = {f"pickle-{protocol}": pickle.dumps(value, protocol) for protocol in range(6)}
    for name, compress in {"plain": 0, "zlib": 3, "xz": ("xz", 3), "bz2": ("bz2", 3)}.items():
        stream = io.BytesIO()
        joblib.dump(value, stream, compress=compress)
        files[f"joblib-{name}"] = stream.getvalue()
    for name, write in {"npz": np.savez, "npz-deflated": np.savez_compressed}.items():
        stream = io.BytesIO()
        write(stream, a=np.array(value, dtype=object), b=np.arange(9), c=rows)
        files[name] = stream.getvalue()
    stream = io.BytesIO()
    np.save(stream, rows)
    files["npy"] = stream.getvalue()
    return files


FILES = valid_files()


def damaged(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        place = rng.randrange(len(changed))
        kind = rng.random()
        if kind < 0.6:
            changed[place] ^= 1 << rng.randrange(8)
        elif kind < 0.8:
            changed[place : place + 4] = rng.choice([b"\xff\xff\xff\x7f", bytes(4), b"\xff" * 4])
        elif kind < 0.9:
            del changed[place : place + rng.randrange(1, 9)]
        else:
            start = rng.randrange(len(changed))
            changed[place:place] = changed[start : start + rng.randrange(40)]
    return bytes(changed)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_give_inert_data_or_an_error(save, flatten, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    rng = random.Random(name)
    for _ in range(ROUNDS if len(FILES[name]) < 8_000 else ROUNDS // 5):
        path = save(damaged(FILES[name], rng), "fuzz.bin")
        try:
            found = read_legacy(path, max_bytes=CAP)
        except LegacyError:
            continue
        assert all(isinstance(item, PLAIN) for item in flatten(found))
    assert not Path("fuzz-marker").exists()


NAMES = [
    b"numpy\ndtype", b"numpy\nndarray", b"numpy.core.multiarray\n_reconstruct",
    b"numpy._core.multiarray\nscalar", b"numpy.core.numeric\n_frombuffer", b"_codecs\nencode",
    b"builtins\nset", b"builtins\nfrozenset", b"builtins\nbytearray", b"builtins\ncomplex",
    b"builtins\nobject", b"collections\nOrderedDict", b"copyreg\n_reconstructor",
    b"copyreg\n__newobj__", b"joblib.numpy_pickle\nNumpyArrayWrapper", b"os\nsystem",
]  # fmt: skip
TEXTS = ["f8", "O", "U3", "V8", "M8", "b", "<", "C", "a", "latin1", "shape", "dtype", "subclass"]
BARE = [
    opcode.code.encode("latin-1")
    for opcode in pickletools.opcodes
    if opcode.arg is None and opcode.name not in ("STOP", "BINPERSID", "NEXT_BUFFER")
]


def composed(rng: random.Random) -> bytes:
    """Give a pickle of random steps, which name what the reader knows and reuse each other."""
    steps = []
    for _ in range(rng.randrange(3, 60)):
        text = rng.choice(TEXTS).encode()
        steps.append(
            rng.choice(
                [
                    b"c" + rng.choice(NAMES) + b"\n",
                    b"\x8c" + bytes([len(text)]) + text,
                    b"K" + bytes([rng.randrange(5)]),
                    b"C\x08" + bytes(8),
                    b"h" + bytes([rng.randrange(4)]),
                    b"q" + bytes([rng.randrange(4)]),
                    *rng.choices(BARE, k=8),
                ]
            )
        )
    return b"\x80\x04" + b"".join(steps) + b"."


def test_random_steps_give_inert_data_or_an_error(save, flatten):
    rng = random.Random(0)
    for _ in range(10_000):
        path = save(composed(rng), "steps.bin")
        try:
            found = read_legacy(path, max_bytes=CAP)
        except LegacyError:
            continue
        assert all(isinstance(item, PLAIN) for item in flatten(found))
