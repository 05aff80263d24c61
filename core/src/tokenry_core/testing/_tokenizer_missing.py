"""Missing is a token: nulls, NaN, infinities, and batches without rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tokenry_core import TokenBatch
from tokenry_core.errors import BadRows

from ._compare import expect_fits, expect_same, rows_of
from ._damage import damaged, with_nulls
from ._promises import broken, expect, named, promised
from ._tokenizer_case import TokenizerCase, with_column

__all__ = ["MissingChecks"]

_READ = "FieldSpec"


class MissingChecks:
    """Checks of encoding rows that lack something."""

    def test_nulls_and_nan_are_missing_values(self, case: TokenizerCase) -> None:
        promise = "a null, or NaN in place of a number, is encoded as missing"
        for what, whole, batch in self._damaged(case):
            if whole and "Inf" not in what:
                with promised(f"{promise} ({what})", _READ):
                    tokens = case.fitted.encode(batch)
                self._fits(case, tokens, batch, what)

    def test_infinities_and_gaps_are_encoded_or_bad_rows(self, case: TokenizerCase) -> None:
        promise = "Inf, and NaN or null inside a list, is encoded, or BadRows names its rows"
        for what, whole, batch in self._damaged(case):
            if whole and "Inf" not in what:
                continue
            try:
                tokens = case.fitted.encode(batch)
            except BadRows as error:
                blameless = set(error.rows) - {1, 4}
                found = f"{what}: rows {sorted(blameless)} are blamed, and are as they were"
                expect(not blameless, promise, found, "errors.BadRows")
                keep = [row for row in range(8) if row not in error.rows]
                with promised(promise, "errors.BadRows"):
                    case.fitted.encode(batch.take(pa.array(keep)))
            except Exception as error:
                broken(promise, f"{what}: {named(error)}", _READ)
            else:
                self._fits(case, tokens, batch, what)

    def test_missing_values_leave_other_rows_alone(self, case: TokenizerCase) -> None:
        promise = "what is missing in one row does not change the tokens of others"
        others = np.array([0, 2, 3, 5, 6, 7])
        expected = rows_of(case.tokens, others)
        for what, whole, batch in self._damaged(case):
            if whole and "Inf" not in what:
                with promised(f"{promise} ({what})", _READ):
                    tokens = rows_of(case.fitted.encode(batch), others)
                expect_same(expected, tokens, promise, _READ)

    def test_row_of_nulls_is_missing(self, case: TokenizerCase) -> None:
        promise = (
            "a row whose columns are all null is missing in every field: the id `codes`, NaN, or"
            " no point of a ragged field"
        )
        batch = case.batch.slice(0, 8)
        for name in case.columns:
            batch = with_nulls(batch, name, range(8))
        self._all_missing(case, batch, promise)

    def test_columns_without_a_type_are_missing(self, case: TokenizerCase) -> None:
        promise = (
            "a column of Arrow's type null, which is what a table of None has, is missing in every"
            " row"
        )
        batch = case.batch.slice(0, 8)
        for name in case.columns:
            batch = with_column(batch, name, pa.nulls(8))
        self._all_missing(case, batch, promise)

    def test_batches_without_rows_have_the_spec(self, case: TokenizerCase) -> None:
        promise = "a batch without rows gives tokens without rows, of the same spec"
        schema = case.batch.schema
        for batch in (case.batch.slice(3, 0), pa.RecordBatch.from_pylist([], schema)):
            with promised(promise, "Tokenizer.encode"):
                tokens = case.fitted.encode(batch)
            expect_fits(tokens, case.fitted.spec, 0, promise, "Tokenizer.encode")
            with promised("tokens without rows can be joined to others", "TokenBatch.concat"):
                joined = TokenBatch.concat([case.tokens, tokens])
            promise = "tokens without rows add nothing"
            expect_same(case.tokens, joined, promise, "TokenBatch.concat", to_the_bit=True)

    def _all_missing(self, case: TokenizerCase, batch: pa.RecordBatch, promise: str) -> None:
        with promised(promise, _READ):
            tokens = case.fitted.encode(batch)
        self._fits(case, tokens, batch, "null everywhere")
        for field in case.fitted.spec.fields:
            values = tokens.fields[field.name].values
            missing = values == field.codes if field.kind == "discrete" else np.isnan(values)
            expect(missing.all(), promise, f'field "{field.name}" has {values[:1]}', _READ)

    def _damaged(self, case: TokenizerCase) -> list[tuple[str, bool, pa.RecordBatch]]:
        batch = case.batch.slice(0, 8)
        return [
            (f'{what} in "{name}"', whole, bad)
            for name in case.columns
            for what, whole, bad in damaged(batch, name, (1, 4))
        ]

    def _fits(
        self, case: TokenizerCase, tokens: TokenBatch, batch: pa.RecordBatch, what: str
    ) -> None:
        promise = f"with {what}, the tokens are still of the spec"
        expect_fits(tokens, case.fitted.spec, batch.num_rows, promise, "Tokenizer.encode")
