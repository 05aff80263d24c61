"""A tokenizer with a loop of its own learns from what can be read, and names what cannot."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pyarrow as pa
import pytest

from tokenry_core import ArrowSource, train
from tokenry_core._readable import Unreadable
from tokenry_core.errors import DataError

ROWS = {"id": list(range(12)), "g": [float(i) for i in range(12)]}


@dataclass(frozen=True)
class Damaged:
    """A fragment whose data, or ids too, cannot be read beyond its first batch."""

    fragment: object
    ids_too: bool

    @property
    def id(self):
        return self.fragment.id

    @property
    def digest(self):
        return self.fragment.digest

    def read(self, columns, rows):
        yield from self.fragment.read(columns, 1)
        if self.ids_too or columns:
            raise DataError("the rest is not there")


class Source:
    """Twelve rows in four fragments, some of them damaged."""

    def __init__(self, damaged, ids_too=False):
        self.whole = ArrowSource(ROWS, fragment_rows=3)
        self.damaged, self.ids_too = damaged, ids_too

    @property
    def schema(self):
        return self.whole.schema

    def fragments(self):
        return [
            Damaged(fragment, self.ids_too) if number in self.damaged else fragment
            for number, fragment in enumerate(self.whole.fragments())
        ]


class Loop:
    """Learns every value, batch by batch."""

    name = "loop"
    begun = 0

    def fit(self, source, session):
        self.begun += 1
        self.seen = []
        for fragment in source.fragments():
            for batch in fragment.read(["g"], 1):
                self.seen += batch["g"].to_pylist()


@pytest.mark.parametrize("ids_too", [False, True], ids=["data", "ids and data"])
def test_half_a_fragment_does_not_count_and_is_named(ids_too):
    loop, failed = Loop(), {}
    data = train(loop, Source({1, 3}, ids_too), failed=failed)
    assert loop.seen == [0, 1, 2, 6, 7, 8]
    ids = [fragment.id for fragment in Source(set()).fragments()]
    assert failed == {ids[1]: "the rest is not there", ids[3]: "the rest is not there"}
    assert data.rows == 6


def test_the_record_is_that_of_the_fragments_that_were_read():
    damaged = train(Loop(), Source({2, 3}), failed={})
    assert damaged == train(Loop(), ArrowSource(pa.table(ROWS).slice(0, 6), fragment_rows=3))


def test_damage_that_shows_in_the_ids_costs_no_new_beginning():
    loop = Loop()
    train(loop, Source({1, 3}, ids_too=True), failed={})
    assert loop.begun == 1


def test_without_a_place_for_names_the_first_damage_stops_training():
    with pytest.raises(DataError, match="the rest is not there"):
        train(Loop(), Source({1}))


def test_nothing_that_can_be_read_is_an_error():
    with pytest.raises(DataError, match="none of 4 fragments can be trained on: .*not there"):
        train(Loop(), Source({0, 1, 2, 3}), failed={})


def test_an_error_of_the_loop_itself_comes_through():
    class Refuses(Loop):
        def fit(self, source, session):
            raise DataError("there is nothing to learn")

    with pytest.raises(DataError, match="^there is nothing to learn$"):
        train(Refuses(), Source({1}), failed={})


def test_the_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(Unreadable("a", "cut short")))
    assert (error.fragment, error.reason, str(error)) == ("a", "cut short", "a: cut short")
