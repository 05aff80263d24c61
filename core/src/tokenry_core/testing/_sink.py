"""SinkTests: what every sink promises."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokenry_core import Field, FieldSpec, Sink, Spec, TokenBatch

from ._kit import Kit
from ._promises import expect, promised, raises, shown

__all__ = ["SinkCase", "SinkTests", "sample_batches"]

_READ = "Sink.write"
PROVENANCE = {"tokenizers": {"t": {"name": "t", "fingerprint": "0" * 64}}}


def sample_batches(seed: int = 0) -> list[TokenBatch]:
    """Give three batches with a field of each sort: discrete and dense, rectangular and ragged."""
    random = np.random.default_rng(seed)
    spec = Spec(
        (
            FieldSpec.tokens("colour", codes=8, event=(2,)),
            FieldSpec.tokens("words", codes=70_000, ragged=True),
            FieldSpec("brightness", "dense", "float32", (3,)),
            FieldSpec("patches", "dense", "float32", (4,), ragged=True),
        )
    )
    batches, first = [], 1000
    for rows in (5, 1, 4):
        indptr = np.concatenate([[0], np.cumsum(random.integers(0, 4, rows))]).astype(np.int64)
        points = int(indptr[-1])
        fields = {
            "colour": Field(random.integers(0, 9, (rows, 2)).astype(np.uint16)),
            "words": Field(random.integers(0, 70_000, points).astype(np.uint32), indptr),
            "brightness": Field(random.normal(size=(rows, 3)).astype(np.float32)),
            "patches": Field(random.normal(size=(points, 4)).astype(np.float32), indptr),
        }
        ids = np.arange(first, first + rows)
        batches.append(TokenBatch(spec, fields, ids, "source_id", {"N": 8}, {"missing": rows}))
        first += rows
    return batches


@dataclass
class SinkCase:
    """A sink that writes below `folder`, and a way to read back what it wrote.

    `read` is given the final files of one fragment and gives a mapping with "ids" and as many
    fields as can be read back, under the keys that a `TokenBatch` has. Give `batches` where the
    sink cannot write every sort of field.
    """

    sink: Any
    folder: Path
    read: Callable[[Sequence[Path]], Mapping[str, Any]]
    batches: Sequence[TokenBatch] = field(default_factory=sample_batches)


class SinkTests(Kit):
    """Checks a sink; a subclass gives the fixture `case`."""

    @pytest.fixture
    def case(self) -> SinkCase:
        """The sink: `return SinkCase(MySink(path=tmp_path), tmp_path, read=read_back)`."""
        raise NotImplementedError(
            f"{type(self).__qualname__} lacks the fixture `case`: define it, and let it return a"
            " tokenry_core.testing.SinkCase"
        )

    def test_is_a_sink(self, case: SinkCase) -> None:
        expect(isinstance(case.sink, Sink), "it is a Sink", shown(case.sink), _READ)
        with promised("a sink travels to other processes: it pickles", _READ):
            pickle.loads(pickle.dumps(case.sink))  # noqa: S301 (our own bytes)

    def test_writes_partial_files_only(self, case: SinkCase) -> None:
        promise = "write gives the files that it wrote, each NAME.partial, and writes no others"
        before = _files(case.folder)
        paths = _write(case, "a")
        good = paths and all(path.name.endswith(".partial") for path in paths)
        expect(good, promise, shown([str(path) for path in paths]), _READ)
        new = _files(case.folder) - before
        same = new == {path.resolve() for path in paths} and len(set(paths)) == len(paths)
        expect(same, promise, f"wrote {shown(sorted(map(str, new)))}", _READ)

    def test_written_tokens_can_be_read(self, case: SinkCase) -> None:
        promise = "what was written is read back: every row, in order"
        with promised(promise, _READ):
            found = case.read(_finished(_write(case, "a")))
        expect("ids" in found, promise, f"there are only {list(found)}", _READ)
        expected = TokenBatch.concat(case.batches)
        for key in found:
            if key not in ("id_col", *expected.meta):
                expect(key in expected, promise, f'"{key}" was never written', _READ)
                same = np.array_equal(np.asarray(found[key]), expected[key], equal_nan=False)
                same = same or _same_with_nan(np.asarray(found[key]), expected[key])
                expect(same, promise, f'"{key}" is {shown(found[key])}', _READ)

    def test_writing_twice_gives_the_same_bytes(self, case: SinkCase) -> None:
        promise = "the same batches give the same bytes"
        first = {path.name: path.read_bytes() for path in _write(case, "a")}
        second = {path.name: path.read_bytes() for path in _write(case, "a")}
        expect(first.keys() == second.keys(), promise, "other files", _READ)
        for name, content in first.items():
            expect(content == second[name], promise, f"{name} differs", _READ)

    def test_fragments_have_files_of_their_own(self, case: SinkCase) -> None:
        promise = "each fragment has files of its own below the sink's folder"
        names = ["a", "b", "A", "part-0", "part-00", "part_0", "part.0"]
        seen: dict[Path, str] = {}
        for name in names:
            with promised(f'{promise} ("{name}")', _READ):
                paths = _write(case, name)
            for path in paths:
                inside = path.resolve().is_relative_to(case.folder.resolve())
                expect(inside, promise, f'"{name}" wrote {path}', _READ)
                other = seen.setdefault(path.resolve(), name)
                expect(other == name, promise, f'"{other}" and "{name}" share {path}', _READ)

    def test_fragment_without_rows_is_written(self, case: SinkCase) -> None:
        with promised("a fragment all of whose rows were left out can be written", _READ):
            for path in _write(
                case,
                "nothing",
                [batch.select(np.zeros(batch.rows, bool)) for batch in case.batches[:1]],
            ):
                expect(path.exists(), "files that are given exist", str(path), _READ)

    def test_errors_of_the_batches_come_through(self, case: SinkCase) -> None:
        promise = "an error while batches are made comes through, and leaves no finished file"
        before = _files(case.folder)

        def failing() -> Iterator[TokenBatch]:
            yield case.batches[0]
            raise LookupError("the third row is odd")

        with raises(LookupError, promise, _READ, naming=["the third row is odd"]):
            case.sink.write("a", failing(), PROVENANCE)
        left = [path for path in _files(case.folder) - before if path.suffix != ".partial"]
        expect(not left, promise, shown(left), _READ)

    def test_batches_are_not_changed(self, case: SinkCase) -> None:
        expected = [batch.to_arrow() for batch in case.batches]
        kept = [pickle.dumps(batch) for batch in expected]
        _write(case, "a")
        same = [pickle.dumps(batch.to_arrow()) for batch in case.batches] == kept
        expect(same, "the batches are never changed", "write changed them", _READ)


def _write(case: SinkCase, stem: str, batches: Sequence[TokenBatch] | None = None) -> list[Path]:
    # A generator: a sink is given batches as they are made, and can go over them once.
    given = (batch for batch in (case.batches if batches is None else batches))
    return [Path(path) for path in case.sink.write(stem, given, PROVENANCE)]


def _finished(paths: Sequence[Path]) -> list[Path]:
    out = [path.with_name(path.name.removesuffix(".partial")) for path in paths]
    for partial, final in zip(paths, out, strict=True):
        os.replace(partial, final)
    return out


def _files(folder: Path) -> set[Path]:
    return {path.resolve() for path in folder.rglob("*") if path.is_file()}


def _same_with_nan(a: Any, b: Any) -> bool:
    return bool(a.dtype.kind == b.dtype.kind == "f" and np.array_equal(a, b, equal_nan=True))
