"""Training gives one result, whatever the division, and records what it saw."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core import (
    ArrowSource,
    BaseTokenizer,
    FieldSpec,
    PassTask,
    Session,
    Spec,
    describe_training,
    row_keys,
    train,
)
from tokenry_core.errors import ConfigError, DataError


@dataclass(frozen=True)
class Config:
    pass


class Recorder(BaseTokenizer[Config]):
    """Remembers every row that it saw, in each of two passes."""

    name = "recorder"
    Config = Config
    passes = 2
    spec = Spec((FieldSpec.tokens("a", codes=3),))

    def __init__(self):
        super().__init__()
        self.seen = []

    def columns(self, schema):
        return ["g"]

    def update(self, state, batch, keys):
        assert keys.dtype == np.uint64
        assert keys.tolist() == row_keys(batch).tolist()
        assert "g" in batch.schema.names
        assert "other" not in batch.schema.names
        return (state or []) + list(zip(keys.tolist(), batch["g"].to_pylist(), strict=True))

    def merge(self, a, b):
        return a + b

    def finish(self, state):
        self.seen.append(state if state is None else sorted(state))
        return len(self.seen) < self.passes

    def encode_batch(self, batch): ...


class Looper(Recorder):
    update = merge = finish = None

    def fit(self, source, session):
        self.session = session
        self.seen = [b for f in source.fragments() for b in f.read(["g"], 100)]


class Untrained(Recorder):
    update = merge = finish = None


def rows(count):
    return {"id": np.arange(count), "g": np.arange(count) * 0.5, "other": np.arange(count)}


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 15), st.integers(1, 9), st.booleans())
def test_every_row_is_seen_once_a_pass(count, workers, fragment_rows, batch_rows, backwards):
    source = ArrowSource(rows(count), fragment_rows=fragment_rows)
    tokenizer = Recorder()

    def reduced(task, shares, merge):
        results = [task(share) for share in shares]
        return reduce(merge, results[::-1] if backwards else results)

    data = train(tokenizer, source, reduce=reduced, workers=workers, batch_rows=batch_rows)
    keys = row_keys(pa.record_batch({"id": np.arange(count)})).tolist()
    expected = sorted(zip(keys, rows(count)["g"].tolist(), strict=True))
    assert [seen or [] for seen in tokenizer.seen] == [expected, expected]
    assert data.rows == count


def test_tokenizer_with_a_loop_of_its_own_is_given_the_session():
    tokenizer, session = Looper(), Session(seed=7)
    data = train(tokenizer, ArrowSource(rows(10), fragment_rows=4), session)
    assert tokenizer.session is session
    assert (data.rows, len(tokenizer.seen)) == (10, 3)


def test_tokenizer_that_needs_no_training_says_so():
    with pytest.raises(ConfigError, match='"recorder" needs no training'):
        train(Untrained(), ArrowSource(rows(3)))


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"batch_rows": 0}])
def test_numbers_of_workers_and_rows_are_positive(wrong):
    with pytest.raises(ConfigError, match="each has to be 1 or more"):
        train(Recorder(), ArrowSource(rows(3)), **wrong)


def test_description_does_not_depend_on_the_order_of_fragments():
    fragments = ArrowSource(rows(10), fragment_rows=3).fragments()
    expected = describe_training(fragments, 10)
    assert describe_training(fragments[::-1], 10) == expected
    assert describe_training(fragments[1:], 10) != expected
    digests = sorted(fragment.digest for fragment in fragments)
    assert expected.digest == hashlib.sha256("".join(digests).encode()).hexdigest()


def test_description_changes_with_the_data():
    one = train(Recorder(), ArrowSource(rows(10)))
    changed = {**rows(10), "g": np.arange(10) * 0.25}
    assert train(Recorder(), ArrowSource(changed)).digest != one.digest


class Broken:
    """A fragment that fails, at once or after its first batch."""

    id = digest = "broken"

    def __init__(self, at_once):
        self.at_once = at_once

    def read(self, columns, rows):
        if self.at_once:
            raise DataError("no such file")
        return self.later()

    def later(self):
        yield pa.record_batch({"id": [99], "g": [99.0]})
        raise DataError("truncated")


class WithBroken(ArrowSource):
    at_once = True

    def fragments(self):
        first, *rest = super().fragments()
        return [first, Broken(self.at_once), *rest]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_fragments_that_cannot_be_read_are_left_out_whole(at_once, workers):
    source = WithBroken(rows(9), fragment_rows=3)
    source.at_once = at_once
    tokenizer, failed = Recorder(), {}
    data = train(tokenizer, source, workers=workers, failed=failed)
    assert failed == {"broken": "no such file" if at_once else "truncated"}
    assert sorted(value for _, value in tokenizer.seen[0]) == rows(9)["g"].tolist()
    assert data == train(Recorder(), ArrowSource(rows(9), fragment_rows=3))


@pytest.mark.parametrize("at_once", [True, False])
def test_fragments_that_cannot_be_read_are_errors_unless_asked_for(at_once):
    source = WithBroken(rows(9), fragment_rows=3)
    source.at_once = at_once
    with pytest.raises(DataError, match=r"no such file|truncated"):
        train(Recorder(), source)


def test_share_without_fragments_has_no_state():
    result = PassTask(Recorder(), ["g"], 10)([])
    assert (result.state, result.rows, result.failed) == (None, 0, {})
