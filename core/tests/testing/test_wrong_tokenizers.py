"""Tokenizers that each break one promise, and the check that has to notice."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tokenry_core import (
    BaseTokenizer,
    Field,
    FieldSpec,
    Panel,
    Spec,
    TokenBatch,
    batch_ids,
    with_doc,
)
from tokenry_core.errors import BadRows, MissingColumn, NotTrained
from tokenry_core.testing import BrokenPromise, TokenizerCase, TokenizerTests

COUNTER = itertools.count()
ROWS = {
    "source_id": list(range(100, 112)),
    "g": [None, 1.5, 2.5, 11.0, 4.0, float("nan"), 6.5, 9.5, 3.0, 7.0, 10.5, 8.0],
    "h": [float(i) for i in range(12)],
}


@dataclass(frozen=True)
class Config:
    n_bins: int = with_doc("number of bins", 8)


class Bins(BaseTokenizer[Config]):
    """Bins between zero and the greatest value that was seen; negative values are refused."""

    name = "bins"
    Config = Config

    @property
    def spec(self):
        return Spec((FieldSpec.tokens("bins", codes=self.config.n_bins),))

    def columns(self, schema):
        if "g" not in schema.names:
            raise MissingColumn('column "g" is missing')
        return ["g"]

    def update(self, state, batch, keys):
        values = self.values(batch)
        top = np.array([np.max(values[np.isfinite(values)], initial=1.0)])
        return top if state is None else self.merge(state, top)

    def merge(self, a, b):
        return np.maximum(a, b)

    def finish(self, state):
        self.adopt({"top": np.array([1.0]) if state is None else state})
        return False

    def values(self, batch):
        self.columns(batch.schema)
        return batch.column("g").to_numpy(zero_copy_only=False).astype(np.float64)

    def encode_batch(self, batch):
        values = self.values(batch)
        bad = {int(i): f"g is negative: {values[i]}" for i in np.flatnonzero(values < 0)}
        if bad:
            raise BadRows(bad)
        return self.batch(batch, self.binned(values))

    def binned(self, values):
        n = self.config.n_bins
        with np.errstate(invalid="ignore"):
            bins = np.clip(values / self.state()["top"][0] * n, 0, n - 1)
        return np.where(np.isnan(values), n, bins).astype(np.uint16)

    def batch(self, batch, tokens):
        return TokenBatch(self.spec, {"bins": Field(tokens)}, *batch_ids(batch))

    def decode(self, tokens):
        n = self.config.n_bins
        values = (tokens["bins"] + 0.5) / n * self.state()["top"][0]
        return pa.record_batch({"g": pa.array(values, mask=tokens["bins"] == n)})


class DropsRows(Bins):
    def encode_batch(self, batch):
        return super().encode_batch(batch.filter(pa.array(~np.isnan(self.values(batch)))))


class SortsRows(Bins):
    def encode_batch(self, batch):
        return super().encode_batch(batch.take(pa.array(np.argsort(self.values(batch)))))


class ReversesTokens(Bins):
    def binned(self, values):
        return super().binned(values)[::-1]


class WritesIntoItsInput(Bins):
    def encode_batch(self, batch):
        if batch.num_rows:
            np.frombuffer(batch.column("h").buffers()[1])[...] += 0.5
        return super().encode_batch(batch)


class ScalesByTheBatch(Bins):
    def binned(self, values):
        with np.errstate(invalid="ignore"):
            return super().binned(values / np.nanmax(values, initial=1.0) * 11)


class NumbersRowsOfTheBatch(Bins):
    def encode_batch(self, batch):
        tokens = super().encode_batch(batch)
        return TokenBatch(tokens.spec, tokens.fields, np.arange(batch.num_rows), "source_id")


class CountsBatches(Bins):
    def batch(self, batch, tokens):
        made = super().batch(batch, tokens)
        return TokenBatch(made.spec, made.fields, made.ids, made.id_col, {}, {"batches": 1})


class KeepsTheLastState(Bins):
    def merge(self, a, b):
        return b


class AveragesStates(Bins):
    def merge(self, a, b):
        return (a + b) / 2


class SumsFloats(Bins):
    def update(self, state, batch, keys):
        values = self.values(batch)
        total = np.array([np.nansum(np.where(np.isfinite(values), values, 0) * 0.1) + 1e-9])
        return total if state is None else state + total

    def merge(self, a, b):
        return a + b


class FailsWithoutTrainingRows(Bins):
    def finish(self, state):
        return super().finish(np.array([state[0]]))


class FailsOnEmptyTrainingBatches(Bins):
    def update(self, state, batch, keys):
        self.values(batch)[0]
        return super().update(state, batch, keys)


class LearnsFromEmptyTrainingBatches(Bins):
    def update(self, state, batch, keys):
        return super().update(state, batch, keys) + (batch.num_rows == 0)


class KeepsAnOldState(Bins):
    def finish(self, state):
        again = self.is_fitted
        super().finish(state)
        if again:
            self.adopt({"top": self.state()["top"] + 1})
        return False


class HasStatesThatDoNotTravel(Bins):
    def update(self, state, batch, keys):
        values = self.values(batch)
        return lambda: np.array([np.nanmax(values[np.isfinite(values)], initial=1.0)])

    def merge(self, a, b):
        return lambda: np.maximum(a(), b())

    def finish(self, state):
        return super().finish(None if state is None else state())


class LearnsAsideFromItsState(Bins):
    def update(self, state, batch, keys):
        values = self.values(batch)
        self.top = max(np.max(values[np.isfinite(values)], initial=1.0), getattr(self, "top", 0))
        return np.ones(1)

    def finish(self, state):
        return super().finish(np.array([getattr(self, "top", 0.5)]))


class EncodesTablesAnotherWay(Bins):
    def open(self, data):
        return super().open(data.slice(1) if isinstance(data, pa.Table) else data)


class EncodesFilesAnotherWay(Bins):
    def open(self, data):
        return super().open(pq.read_table(data).slice(1) if isinstance(data, str) else data)


class NeverStopsTraining(Bins):
    def finish(self, state):
        super().finish(state)
        return True


class WritesIntoTrainingData(Bins):
    def update(self, state, batch, keys):
        keys[...] = 0
        return super().update(state, batch, keys)


class HasAnotherDtype(Bins):
    def binned(self, values):
        return super().binned(values).astype(np.int64)


class ExceedsItsCodes(Bins):
    def binned(self, values):
        return super().binned(values) + np.uint16(1)


class TakesIdsThroughFloats(Bins):
    def encode_batch(self, batch):
        tokens = super().encode_batch(batch)
        ids = tokens.ids
        if pa.types.is_integer(ids.type):
            ids = ids.to_numpy().astype(np.float64).astype(np.int64)
        return TokenBatch(tokens.spec, tokens.fields, ids, tokens.id_col)


class TakesNumbersForIds(Bins):
    def encode_batch(self, batch):
        tokens = super().encode_batch(batch)
        ids = np.array([int(i) for i in tokens.ids.to_pylist()])
        return TokenBatch(tokens.spec, tokens.fields, ids, tokens.id_col)


class RenamesTheIds(Bins):
    def encode_batch(self, batch):
        tokens = super().encode_batch(batch)
        return TokenBatch(tokens.spec, tokens.fields, tokens.ids, "id")


class DescribesTheBatch(Bins):
    def batch(self, batch, tokens):
        made = super().batch(batch, tokens)
        meta = {"rows": batch.num_rows}
        return TokenBatch(made.spec, made.fields, made.ids, made.id_col, meta)


class GivesNoReasons(Bins):
    def encode_batch(self, batch):
        bad = np.flatnonzero(self.values(batch) < 0).tolist()
        if bad:
            raise BadRows(dict.fromkeys(bad, ""))
        return super().encode_batch(batch)


class NamesNoColumn(Bins):
    def columns(self, schema):
        if "g" not in schema.names:
            raise MissingColumn("a column is missing")
        return ["g"]


class HasNoEncodingVersion(Bins):
    encoding = 0


class ReadsOtherColumnsWhenTrained(Bins):
    def columns(self, schema):
        return ["g", "h"] if self.is_fitted and "h" in schema.names else super().columns(schema)


class DependsOnOtherColumns(Bins):
    def values(self, batch):
        return super().values(batch) / batch.num_columns


class ChangesWhenPickled(Bins):
    def __setstate__(self, state):
        self.__dict__.update(state)
        if self._state:
            self.adopt({"top": self._state["top"] * 2})


class NeedsNoTrainingButSaysSo(Bins):
    update = merge = finish = None

    @property
    def spec(self):
        raise NotTrained("train first")


class HashesIds(Bins):
    def encode_batch(self, batch):
        tokens = super().encode_batch(batch)
        odd = np.array([hash(i) % 2 for i in tokens.ids.to_pylist()], bool)
        return self.batch(batch, np.where(odd, 0, tokens["bins"]).astype(np.uint16))


class LosesStateWhenSaved(Bins):
    shift = 0.0

    def finish(self, state):
        self.shift = 2.5  # learned, but not part of the state
        return super().finish(state)

    def binned(self, values):
        return super().binned(values + self.shift)


class HasAnUnstableFingerprint(Bins):
    @property
    def fingerprint(self):
        return f"{super().fingerprint[:50]}{next(COUNTER)}"


class LearnsWhileEncoding(Bins):
    def encode_batch(self, batch):
        tokens = super().encode_batch(batch)
        self.adopt({"top": self.state()["top"] + 1e-9})
        return tokens


class TrainsAtRandom(Bins):
    def finish(self, state):
        return super().finish(state + next(COUNTER))


class SavesTheTime(Bins):
    def save(self, path):
        self.training = replace(self.training, rows=next(COUNTER))
        return super().save(path)


class DecodesToAnotherBin(Bins):
    def decode(self, tokens):
        values = super().decode(tokens).column("g").to_numpy(zero_copy_only=False)
        return pa.record_batch({"g": values + 2})


class DecodesInOrderOfTokens(Bins):
    def decode(self, tokens):
        values = super().decode(tokens).column("g")
        return pa.record_batch({"g": values.take(pc.array_sort_indices(values))})


class DecodesToTheSameForAll(Bins):
    def decode(self, tokens):
        return pa.record_batch({"near": np.full(tokens.rows, 5.0)})


class CrashesOnNulls(Bins):
    def values(self, batch):
        return batch.column("g").to_numpy(zero_copy_only=True).astype(np.float64)


class AsksForNumbers(Bins):
    def values(self, batch):
        assert pa.types.is_floating(batch.schema.field("g").type), "g holds no numbers"
        return super().values(batch)


class CrashesOnInfinity(Bins):
    def binned(self, values):
        assert not np.isinf(values).any()
        return super().binned(values)


class BlamesEveryRow(Bins):
    def encode_batch(self, batch):
        if np.isinf(self.values(batch)).any():
            raise BadRows(dict.fromkeys(range(batch.num_rows), "there is Inf"))
        return super().encode_batch(batch)


class SpreadsMissingValues(Bins):
    def binned(self, values):
        tokens = super().binned(values)
        return np.full_like(tokens, self.config.n_bins) if np.isnan(values).sum() > 2 else tokens


class TakesMissingForZero(Bins):
    def binned(self, values):
        return super().binned(np.nan_to_num(values, posinf=9, neginf=0))


class IsAlwaysMissing(Bins):
    def binned(self, values):
        return super().binned(values * np.nan)


class CrashesOnBatchesWithoutRows(Bins):
    def binned(self, values):
        values.max()
        return super().binned(values)


class HasALambda(Bins):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.scale = lambda x: x


class ForgetsWhenPickled(Bins):
    def __getstate__(self):
        state = dict(self.__dict__)
        return {**state, "_state": None} if "training" in state else state


class RaisesKeyError(Bins):
    def columns(self, schema):
        return ["g"]

    def values(self, batch):
        return batch.column("g").to_numpy(zero_copy_only=False).astype(np.float64)


class ReadsMoreThanItSays(Bins):
    def encode_batch(self, batch):
        batch.column("h")
        return super().encode_batch(batch)


class NamesColumnsThatAreNotThere(Bins):
    def columns(self, schema):
        return [*super().columns(schema), "ivar"]


class ChangesItsSpec(Bins):
    @property
    def spec(self):
        return Spec((FieldSpec.tokens("bins", codes=8 + self.is_fitted),))


class EncodesByAnotherSpec(Bins):
    def batch(self, batch, tokens):
        spec = Spec((FieldSpec.tokens("bins", codes=9),))
        return TokenBatch(spec, {"bins": Field(tokens)}, *batch_ids(batch))


class CrashesForItsSpec(Bins):
    @property
    def spec(self):
        if not self.is_fitted:
            raise AttributeError("top")
        return super().spec


class IsNeverTheSame(Bins):
    def binned(self, values):
        return (super().binned(values) + next(COUNTER)).astype(np.uint16) % np.uint16(8)


class IgnoresOffsets(Bins):
    def values(self, batch):
        column = batch.column("g")
        if column.null_count:
            return super().values(batch)
        return np.frombuffer(column.buffers()[1])[: len(column)]


class UsesOneBuffer(Bins):
    buffer = np.zeros(5000, np.uint16)

    def binned(self, values):
        self.buffer[: len(values)] = super().binned(values)
        return self.buffer[: len(values)]


class RaisesForBadRows(Bins):
    def encode_batch(self, batch):
        if (self.values(batch) < 0).any():
            raise ValueError("g is negative")
        return super().encode_batch(batch)


class MiscountsBadRows(Bins):
    def encode_batch(self, batch):
        try:
            return super().encode_batch(batch)
        except BadRows as error:
            raise BadRows({row + 1: why for row, why in error.rows.items()}) from None


class ClipsBadRows(Bins):
    def values(self, batch):
        return np.maximum(super().values(batch), 0)


class EncodesUntrained(Bins):
    @property
    def is_fitted(self):
        return True

    def state(self):
        return self._state or {"top": np.ones(1)}


class HasAName(Bins):
    name = "My Tokenizer"


class FollowsNoContract(Bins):
    contract = 99


@dataclass
class LooseConfig:
    n_bins: int = with_doc("number of bins", 8)


class HasALooseConfig(Bins):
    Config = LooseConfig


@dataclass(frozen=True)
class SilentConfig:
    n_bins: int = 8


class HasSilentOptions(Bins):
    Config = SilentConfig


@dataclass(frozen=True)
class RoundedConfig:
    n_bins: int = with_doc("number of bins", 8)
    scale: Any = with_doc("a tuple that comes back as a list", (1, 2))


class HasAConfigThatChanges(Bins):
    Config = RoundedConfig


class PutsArraysInMeta(Bins):
    def batch(self, batch, tokens):
        made = super().batch(batch, tokens)
        meta: Any = {"edges": np.arange(3)}
        return TokenBatch(made.spec, made.fields, made.ids, made.id_col, meta)


class NamesAKeyTwice(Bins):
    def batch(self, batch, tokens):
        made = super().batch(batch, tokens)
        return TokenBatch(made.spec, made.fields, made.ids, made.id_col, {"bins": 8})


class TakesNoConfiguration(Bins):
    def __init__(self, n_bins=8):
        super().__init__(n_bins=n_bins)
        del self.config
        self.config_ = Config(n_bins)


class MakesMissingOfNoColumns(Bins):
    def columns(self, schema):
        return [name for name in schema.names if name == "g"]

    def values(self, batch):
        if not self.columns(batch.schema):
            return np.full(batch.num_rows, np.nan)
        return super().values(batch)


class RestoresAnotherState(Bins):
    @classmethod
    def restore(cls, config, state, **runtime):
        return super().restore(config, {"top": state["top"] + 1}, **runtime)


class ShowsNothing(Bins):
    def panels(self, rows, tokens):
        yield Panel("Bins", b"")


WRONG = {
    NamesAKeyTwice: "test_spec_has_fields_of_different_names",
    TakesNoConfiguration: "test_is_a_tokenizer",
    MakesMissingOfNoColumns: "test_encoding_without_any_column_names_one",
    RestoresAnotherState: "test_restoring_the_state_gives_the_tokenizer",
    ShowsNothing: "test_panels_are_pictures",
    DropsRows: "test_tokens_are_what_the_spec_says",
    SortsRows: "test_ids_are_kept",
    ReversesTokens: "test_rows_keep_their_order",
    WritesIntoItsInput: "test_the_callers_data_is_not_changed",
    ScalesByTheBatch: "test_batch_size_does_not_matter",
    NumbersRowsOfTheBatch: "test_ids_are_kept",
    CountsBatches: "test_batch_size_does_not_matter",
    KeepsTheLastState: "test_division_of_the_data_does_not_matter",
    AveragesStates: "test_division_of_the_data_does_not_matter",
    SumsFloats: "test_division_of_the_data_does_not_matter",
    FailsWithoutTrainingRows: "test_training_on_no_rows_is_clear",
    FailsOnEmptyTrainingBatches: "test_training_batches_without_rows_add_nothing",
    LearnsFromEmptyTrainingBatches: "test_training_batches_without_rows_add_nothing",
    KeepsAnOldState: "test_training_again_forgets_what_was",
    HasStatesThatDoNotTravel: "test_training_states_travel_between_processes",
    LearnsAsideFromItsState: "test_training_states_travel_between_processes",
    EncodesTablesAnotherWay: "test_tables_and_files_are_encoded_alike",
    WritesIntoTrainingData: "test_training_does_not_change_the_data",
    HasAnotherDtype: "test_tokens_are_what_the_spec_says",
    ExceedsItsCodes: "test_tokens_are_what_the_spec_says",
    TakesIdsThroughFloats: "test_large_and_text_ids_are_kept",
    TakesNumbersForIds: "test_large_and_text_ids_are_kept",
    RenamesTheIds: "test_ids_are_kept",
    DescribesTheBatch: "test_batch_size_does_not_matter",
    GivesNoReasons: "test_bad_rows_are_named",
    NamesNoColumn: "test_missing_column_is_named",
    HasNoEncodingVersion: "test_name_and_versions",
    ReadsOtherColumnsWhenTrained: "test_columns_are_columns_of_the_schema",
    DependsOnOtherColumns: "test_other_columns_are_not_read",
    ChangesWhenPickled: "test_pickles_untrained_and_trained",
    NeedsNoTrainingButSaysSo: "test_spec_is_known_before_data_or_not_trained",
    EncodesFilesAnotherWay: "test_tables_and_files_are_encoded_alike",
    HashesIds: "test_ids_do_not_change_the_tokens",
    LosesStateWhenSaved: "test_loading_what_was_saved_gives_the_tokenizer",
    HasAnUnstableFingerprint: "test_fingerprint_is_stable",
    LearnsWhileEncoding: "test_fingerprint_is_stable",
    TrainsAtRandom: "test_fingerprint_is_stable",
    SavesTheTime: "test_saving_twice_gives_identical_files",
    DecodesToAnotherBin: "test_decoding_is_undone_by_encoding",
    DecodesInOrderOfTokens: "test_decoding_keeps_rows_and_their_order",
    DecodesToTheSameForAll: "test_lossy_decoding_is_nearest_to_its_own_rows",
    CrashesOnNulls: "test_nulls_and_nan_are_missing_values",
    AsksForNumbers: "test_columns_without_a_type_are_missing",
    CrashesOnInfinity: "test_infinities_and_gaps_are_encoded_or_bad_rows",
    BlamesEveryRow: "test_infinities_and_gaps_are_encoded_or_bad_rows",
    SpreadsMissingValues: "test_missing_values_leave_other_rows_alone",
    TakesMissingForZero: "test_row_of_nulls_is_missing",
    IsAlwaysMissing: "test_valid_rows_are_not_all_missing",
    CrashesOnBatchesWithoutRows: "test_batches_without_rows_have_the_spec",
    HasALambda: "test_pickles_untrained_and_trained",
    ForgetsWhenPickled: "test_pickles_untrained_and_trained",
    RaisesKeyError: "test_missing_column_is_named",
    ReadsMoreThanItSays: "test_other_columns_are_not_read",
    NamesColumnsThatAreNotThere: "test_columns_are_columns_of_the_schema",
    ChangesItsSpec: "test_spec_is_known_before_data_or_not_trained",
    CrashesForItsSpec: "test_spec_is_known_before_data_or_not_trained",
    EncodesByAnotherSpec: "test_tokens_are_what_the_spec_says",
    IsNeverTheSame: "test_same_bytes_twice",
    IgnoresOffsets: "test_slices_are_read_at_their_offset",
    UsesOneBuffer: "test_earlier_results_stay",
    RaisesForBadRows: "test_bad_rows_are_named",
    MiscountsBadRows: "test_bad_rows_are_named",
    ClipsBadRows: "test_bad_rows_are_named",
    EncodesUntrained: "test_untrained_says_not_trained",
    HasAName: "test_name_and_versions",
    FollowsNoContract: "test_name_and_versions",
    HasALooseConfig: "test_config_survives_a_file",
    HasAConfigThatChanges: "test_config_survives_a_file",
    HasSilentOptions: "test_every_option_is_documented",
    PutsArraysInMeta: "test_meta_is_plain",
}


def case_of(wrong):
    lossy = far_from if wrong is DecodesToTheSameForAll else None
    return TokenizerCase(wrong(), ROWS, bad_rows={"g": [-1.0, -2.0]}, decode_error=lossy)


def far_from(rows, decoded):
    given, found = (
        batch.column(name).to_numpy(zero_copy_only=False).astype(float)
        for batch, name in ((rows, "g"), (decoded, "near"))
    )
    return np.nanmean(np.abs(given - found))


def check(kit, name, case, tmp_path):
    method = getattr(kit, name)
    wants = inspect.signature(method).parameters
    method(**{k: v for k, v in {"case": case, "tmp_path": tmp_path}.items() if k in wants})


class TestBinsThemselves(TokenizerTests):
    """What the wrong ones derive from is right."""

    @pytest.fixture
    def case(self):
        return case_of(Bins)


@pytest.mark.parametrize(("wrong", "name"), WRONG.items(), ids=lambda x: getattr(x, "__name__", x))
def test_wrong_tokenizer_is_caught_by_the_check_meant_for_it(wrong, name, tmp_path):
    with pytest.raises(BrokenPromise, match=r"promised: .*\n  found: .*\n  read: "):
        check(TokenizerTests(), name, case_of(wrong), tmp_path)


def test_lossy_decoding_to_other_columns_keeps_its_promise():
    class Near(Bins):
        def decode(self, tokens):
            return super().decode(tokens).rename_columns(["near"])

    case = TokenizerCase(Near(), ROWS, decode_error=far_from)
    kit = TokenizerTests()
    kit.test_decoding_is_undone_by_encoding(case)
    kit.test_lossy_decoding_is_nearest_to_its_own_rows(case)


def test_endless_training_is_caught():
    case = case_of(NeverStopsTraining)
    case.__dict__["fitted"] = case_of(Bins).fitted
    with pytest.raises(BrokenPromise, match="training ends"):
        TokenizerTests().test_division_of_the_data_does_not_matter(case)


def test_every_check_of_tokenizers_catches_something():
    checks = {name for name in dir(TokenizerTests) if name.startswith("test_")}
    # these two hold for whatever is built of TokenBatch and a Config, until those break
    assert checks - set(WRONG.values()) == {
        "test_tokens_survive_arrow",
        "test_config_refuses_unknown_keys",
    }


def test_untrained_tokenizer_is_asked_for():
    case = TokenizerCase(case_of(Bins).fitted, ROWS)
    with pytest.raises(BrokenPromise, match="an untrained tokenizer raises NotTrained"):
        TokenizerTests().test_untrained_says_not_trained(case)


def test_case_asks_for_enough_rows():
    with pytest.raises(BrokenPromise, match="at least eight rows"):
        TokenizerCase(Bins(), {"g": [1.0]}).batch
