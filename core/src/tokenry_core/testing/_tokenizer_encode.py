"""Every row, in order, the same each time, and nothing of the caller's changed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tokenry_core import BaseTokenizer, SupportsReport, TokenBatch, batch_ids
from tokenry_core.errors import BadRows

from ._compare import expect_fits, expect_same, rows_of
from ._memory import contents, in_writable_memory
from ._promises import broken, expect, named, promised, shown
from ._tokenizer_case import TokenizerCase, joined, with_column, with_ids

__all__ = ["EncodeChecks"]

_READ = "Tokenizer.encode"


class EncodeChecks:
    """Checks of encoding rows that are as they should be."""

    def test_tokens_are_what_the_spec_says(self, case: TokenizerCase) -> None:
        promise = "encode gives a TokenBatch of its spec: dtype, shape, ids from 0 to codes"
        expect_fits(case.tokens, case.fitted.spec, case.batch.num_rows, promise, _READ)

    def test_valid_rows_are_not_all_missing(self, case: TokenizerCase) -> None:
        for field in case.fitted.spec.fields:
            values = case.tokens.fields[field.name].values
            there = values != field.codes if field.kind == "discrete" else ~np.isnan(values)
            promise = "valid rows have tokens that are not missing"
            expect(there.any(), promise, f'field "{field.name}" is missing in every row', _READ)

    def test_same_bytes_twice(self, case: TokenizerCase) -> None:
        again = case.fitted.encode(case.batch)
        promise = "the same rows give the same bytes again"
        expect_same(case.tokens, again, promise, _READ, to_the_bit=True)

    def test_batch_size_does_not_matter(self, case: TokenizerCase) -> None:
        promise = "rows give the same tokens whatever the size of their batch"
        whole = case.fitted.encode(case.many_rows)
        slices = [case.many_rows.slice(start, 7) for start in range(0, case.many, 7)]
        with promised(promise, _READ):
            parts = [case.fitted.encode(part) for part in slices]
            together = TokenBatch.concat(parts)
        expect_same(whole, together, promise, _READ, origin=case.origin)
        for part in parts:
            same = dict(part.meta) == dict(whole.meta)
            expect(same, "meta does not depend on the batch", f"{part.meta}", "TokenBatch")
        counts = Counter[str]()
        for part in parts:
            counts.update(part.counts)
        same = {k: v for k, v in counts.items() if v} == {
            k: v for k, v in whole.counts.items() if v
        }
        found = f"{dict(whole.counts)} at once, {dict(counts)} in parts"
        exact = all(field.exact for field in whole.spec.fields)
        expect(same or not exact, "counts add up", found, "TokenBatch")

    def test_rows_keep_their_order(self, case: TokenizerCase) -> None:
        promise = "row i of the tokens is row i of the batch"
        order = np.random.default_rng(2).permutation(case.batch.num_rows)
        found = case.fitted.encode(case.batch.take(pa.array(order)))
        expect(found.rows == len(order), promise, f"{len(order)} rows became {found.rows}", _READ)
        expect_same(rows_of(case.tokens, order), found, promise, _READ)

    def test_slices_are_read_at_their_offset(self, case: TokenizerCase) -> None:
        promise = "a slice of a batch gives its own rows' tokens (Arrow arrays have an offset)"
        found = case.fitted.encode(case.batch.slice(3, 4))
        expect_same(rows_of(case.tokens, np.arange(3, 7)), found, promise, _READ)

    def test_ids_are_kept(self, case: TokenizerCase) -> None:
        promise = "ids are those of the rows, in order, under the name of their column"
        ids, name = batch_ids(case.batch)
        tokens = case.tokens
        same = tokens.ids.to_pylist() == ids.to_pylist()
        expect(same, promise, f"{shown(ids)} became {shown(tokens.ids)}", "batch_ids")
        expect(tokens.id_col == name, promise, f"{name} became {tokens.id_col}", "batch_ids")

    def test_large_and_text_ids_are_kept(self, case: TokenizerCase) -> None:
        promise = "ids of 64 bits and of text are kept as they are (a float holds 53 bits)"
        numbers = 2**62 + 1 + 2 * np.arange(case.batch.num_rows)[::-1]
        _, name = batch_ids(case.batch)
        for new in (pa.array(numbers), pa.array([f"{number}é" for number in numbers])):
            with promised(promise, "batch_ids"):
                found = case.fitted.encode(with_column(case.batch, name, new)).ids
            same = found.to_pylist() == new.to_pylist()
            expect(same, promise, f"{shown(new[0])} became {shown(found[:1])}", "batch_ids")

    def test_ids_do_not_change_the_tokens(self, case: TokenizerCase) -> None:
        promise = "tokens depend on a row's content, not on its id"
        other = with_ids(case.batch, np.arange(case.batch.num_rows)[::-1] % 101)
        expect_same(case.tokens, case.fitted.encode(other), promise, _READ, ids=False)

    def test_the_callers_data_is_not_changed(self, case: TokenizerCase) -> None:
        batch = in_writable_memory(case.batch)
        before = contents(batch)
        case.fitted.encode(batch)
        changed = [name for name, bytes_ in contents(batch).items() if bytes_ != before[name]]
        promise = "the caller's data is never changed"
        expect(not changed, promise, f"encode wrote into {', '.join(changed)}", _READ)

    def test_earlier_results_stay(self, case: TokenizerCase) -> None:
        promise = "a result stays as it is when the next batch is encoded (no buffer is used twice)"
        first = case.fitted.encode(case.batch)
        kept = TokenBatch.concat([first, first])  # concatenating copies
        case.fitted.encode(case.batch.take(pa.array(np.arange(case.batch.num_rows)[::-1])))
        expect_same(kept, TokenBatch.concat([first, first]), promise, _READ, to_the_bit=True)

    def test_bad_rows_are_named(self, case: TokenizerCase) -> None:
        bad = case.bad_batch
        if bad is None:
            return
        promise = "rows that cannot be encoded are BadRows with their numbers and reasons"
        good = case.batch
        batch = joined([good.slice(0, 3), bad, good.slice(3)])
        expected = list(range(3, 3 + bad.num_rows))
        try:
            case.fitted.encode(batch)
        except BadRows as error:
            found = f"rows {sorted(error.rows)}, and not {expected}"
            expect(sorted(error.rows) == expected, promise, found, "errors.BadRows")
            silent = [row for row, why in error.rows.items() if not str(why).strip()]
            expect(not silent, promise, f"no reason for rows {silent}", "errors.BadRows")
        except Exception as error:
            broken(promise, named(error), "errors.BadRows")
        else:
            broken(promise, "no error at all", "errors.BadRows")

    def test_tables_and_files_are_encoded_alike(self, case: TokenizerCase, tmp_path: Path) -> None:
        if not isinstance(case.fitted, BaseTokenizer):
            return
        promise = "a batch, a table and a Parquet file of the same rows give the same tokens"
        table = pa.Table.from_batches([case.batch])
        path = tmp_path / "rows.parquet"
        pq.write_table(table, path)
        for data in (table, str(path)):
            with promised(promise, "BaseTokenizer.encode"):
                found = case.fitted.encode(data)
            expect_same(case.tokens, found, promise, "BaseTokenizer.encode", ids=data is table)

    def test_tokens_survive_arrow(self, case: TokenizerCase) -> None:
        promise = "tokens go to Arrow and back unchanged"
        with promised(promise, "TokenBatch.to_arrow"):
            again = TokenBatch.from_arrow(case.tokens.to_arrow())
        expect_same(case.tokens, again, promise, "TokenBatch.to_arrow", to_the_bit=True)

    def test_panels_are_pictures(self, case: TokenizerCase) -> None:
        if not case.has(SupportsReport):
            return
        for panel in case.fitted.panels(case.batch, case.tokens):
            good = panel.title and isinstance(panel.image, bytes) and panel.image
            expect(good, "a panel has a title and a picture", shown(panel), "Panel")
