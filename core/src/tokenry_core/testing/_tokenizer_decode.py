"""Back from tokens to values: exactly, or as near as the author says."""

from __future__ import annotations

import math

import numpy as np

from tokenry_core import SupportsDecode

from ._compare import expect_same, rows_of
from ._promises import expect, promised, shown
from ._tokenizer_case import TokenizerCase

__all__ = ["DecodeChecks"]

_READ = "SupportsDecode.decode"


class DecodeChecks:
    """Checks of decoding; they ask nothing of a tokenizer that does not decode."""

    def test_decoding_keeps_rows_and_their_order(self, case: TokenizerCase) -> None:
        if not case.has(SupportsDecode):
            return
        promise = "decode gives a row for every row of tokens, in order"
        order = np.arange(case.tokens.rows)[::-1]
        with promised(promise, _READ):
            whole = case.fitted.decode(case.tokens)
            turned = case.fitted.decode(rows_of(case.tokens, order))
            none = case.fitted.decode(case.tokens.select(order < 0))
        rows = [whole.num_rows, turned.num_rows, none.num_rows]
        expected = [len(order), len(order), 0]
        expect(rows == expected, promise, f"{expected} rows became {rows}", _READ)
        if case.tokens.id_col in whole.schema.names:
            ids = whole[case.tokens.id_col].to_pylist()
            same = ids == case.tokens.ids.to_pylist()
            expect(same, promise, f"ids {shown(case.tokens.ids)} became {shown(ids)}", _READ)
        if all(field.exact for field in case.tokens.spec.fields):
            before, after = whole.take(order).to_pylist(), turned.to_pylist()
            same = repr(before) == repr(after)  # NaN is NaN in text
            expect(same, promise, "rows in another order decode to other values", _READ)

    def test_decoding_is_undone_by_encoding(self, case: TokenizerCase) -> None:
        if not case.has(SupportsDecode) or case.decode_error is not None:
            return
        promise = (
            "encode(decode(tokens)) gives the tokens; where decoding is lossy, the case has a"
            " decode_error"
        )
        with promised(promise, _READ):
            values = case.fitted.decode(case.tokens)
            again = case.fitted.encode(values)
        expect_same(case.tokens, again, promise, _READ, ids=False)

    def test_lossy_decoding_is_nearest_to_its_own_rows(self, case: TokenizerCase) -> None:
        if not case.has(SupportsDecode) or case.decode_error is None:
            return
        promise = "what tokens decode to is nearer to the rows they were made of than to others"
        turned = np.roll(np.arange(case.tokens.rows), 1)
        with promised(promise, "testing.TokenizerCase"):
            own, other = (
                float(case.decode_error(case.batch.take(order), case.fitted.decode(case.tokens)))
                for order in (np.arange(case.tokens.rows), turned)
            )
        found = f"decode_error is {own:g} for its own rows, {other:g} for others"
        expect(math.isfinite(own) and own < other, promise, found, _READ)
