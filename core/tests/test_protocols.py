"""The contracts can be asked for: `isinstance` says what a tokenizer, a sink or a model can do."""

from dataclasses import dataclass
from typing import get_origin

import numpy as np
import pyarrow as pa
import pytest

from tokenry_core import (
    CONTRACT,
    Array,
    ArrowSink,
    BaseTokenizer,
    Family,
    Field,
    FieldSpec,
    ModelFactory,
    Panel,
    ParquetSink,
    Pixels,
    Sink,
    Spec,
    SupportsDecode,
    SupportsFit,
    SupportsMerge,
    SupportsReport,
    SupportsState,
    TokenBatch,
    Tokenizer,
    TrainingData,
    batch_ids,
    read_pixels,
)


@dataclass(frozen=True)
class Nothing:
    """No options."""


class Plain(BaseTokenizer[Nothing]):
    """Gives every row the token 0."""

    name = "plain"
    Config = Nothing
    spec = Spec((FieldSpec.tokens("zero", codes=1),))

    def columns(self, schema):
        return []

    def encode_batch(self, batch):
        zeros = Field(np.zeros(batch.num_rows, np.uint16))
        return TokenBatch(self.spec, {"zero": zeros}, *batch_ids(batch))


class Merging(Plain):
    """Counts rows in passes."""

    def update(self, state, batch, keys):
        return (state or 0) + batch.num_rows

    def merge(self, a, b):
        return a + b

    def finish(self, state):
        self.adopt({"rows": np.array(state or 0)})
        return False


class Fitting(Plain):
    """Has a loop of its own."""

    def fit(self, source, session):
        self.adopt({"rows": np.array(session.seed)})


class Speaking(Plain):
    """Decodes, and shows pictures."""

    def decode(self, tokens):
        return pa.record_batch({"x": tokens["zero"]})

    def panels(self, rows, tokens):
        return [Panel("rows", b"<svg/>")]


ABILITIES = (SupportsMerge, SupportsFit, SupportsDecode, SupportsReport)


@pytest.mark.parametrize(
    ("cls", "able"),
    [
        (Plain, set()),
        (Merging, {SupportsMerge}),
        (Fitting, {SupportsFit}),
        (Speaking, {SupportsDecode, SupportsReport}),
    ],
)
def test_a_tokenizer_can_be_asked_for_its_abilities(cls, able):
    tokenizer = cls()
    assert isinstance(tokenizer, Tokenizer)
    assert isinstance(tokenizer, SupportsState)
    assert {ability for ability in ABILITIES if isinstance(tokenizer, ability)} == able
    assert tokenizer.is_fitted == (not able & {SupportsMerge, SupportsFit})


def test_training_is_remembered_with_a_digest_and_its_rows():
    rows = {"id": [1, 2, 3]}
    trained = Merging().train(rows)
    assert trained.training == TrainingData(trained.training.digest, rows=3)
    assert Merging().train({"id": [1, 2, 4]}).training.digest != trained.training.digest


def test_a_tokenizer_is_of_the_contract_that_is_installed():
    assert Plain.contract == CONTRACT


def test_sinks_write_and_models_have_a_kind(tmp_path):
    assert isinstance(ArrowSink(), Sink)
    assert isinstance(ParquetSink(path=str(tmp_path)), Sink)

    class Doubling:
        kind = "number"

        def __call__(self, **options):
            return 2

    class Numbers:
        def member(self, name):
            return Doubling()

        def members(self):
            return ["two"]

    assert isinstance(Doubling(), ModelFactory)
    assert isinstance(Numbers(), Family)
    assert not isinstance(Doubling(), Family)


def test_arrays_are_of_numpy_in_every_field():
    assert get_origin(Array) is np.ndarray
    pixels = read_pixels(pa.array([[1.0] * 4, None]))
    assert isinstance(pixels, Pixels)
    assert isinstance(pixels.values, get_origin(Array))
    assert list(pixels.bad) == [1]
