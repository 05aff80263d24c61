"""Training gives one result, however the data was divided."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from tokenry_core import ArrowSource, Spec, SupportsFit, SupportsMerge, row_keys, train
from tokenry_core.errors import TokenryError

from ._memory import contents, in_writable_memory
from ._passes import Plan, plans, run_passes
from ._promises import broken, expect, named, promised
from ._tokenizer_case import TokenizerCase
from ._tokenizer_state import identity

__all__ = ["TrainChecks"]

_READ = "SupportsMerge"


class TrainChecks:
    """Checks of training, by passes or by a loop of its own."""

    def test_division_of_the_data_does_not_matter(self, case: TokenizerCase) -> None:
        if not case.has(SupportsMerge):
            return
        promise = "training gives the same bits however rows are ordered, divided and merged"
        rows = self._training_rows(case)
        expected = identity(case.fitted)
        for plan in plans(rows.num_rows):
            tokenizer = case.fresh()
            with promised(f"{promise} ({plan})", _READ):
                run_passes(tokenizer, plan.shares(rows), plan.seed)
            found = identity(tokenizer)
            expect(found == expected, promise, f"another fingerprint with {plan}", _READ)

    def test_training_states_travel_between_processes(self, case: TokenizerCase) -> None:
        if not case.has(SupportsMerge):
            return
        promise = "tokenizers in training and their states pickle, and update works on any copy"
        rows = self._training_rows(case)
        tokenizer = case.fresh()
        with promised(promise, _READ):
            run_passes(tokenizer, Plan(1, 3, 64).shares(rows), 1, travel=_travel)
        expect(identity(tokenizer) == identity(case.fitted), promise, "another result", _READ)

    def test_training_batches_without_rows_add_nothing(self, case: TokenizerCase) -> None:
        if not case.has(SupportsMerge):
            return
        promise = "training batches without rows are taken, and change nothing"
        rows = self._training_rows(case)
        nothing = rows.slice(0, 0)
        tokenizer = case.fresh()
        with promised(promise, _READ):
            run_passes(tokenizer, [[nothing], [nothing, rows, nothing], [nothing]], 0)
        expect(identity(tokenizer) == identity(case.fitted), promise, "another result", _READ)

    def test_training_on_no_rows_is_clear(self, case: TokenizerCase) -> None:
        if not case.trains:
            return
        promise = "training on no rows works, or an error of tokenry_core.errors says why not"
        nothing = ArrowSource(pa.Table.from_batches([case.training_batch.slice(0, 0)]))
        ways: list[Callable[[Any], Any]] = [lambda it: train(it, nothing, case.session)]
        if case.has(SupportsMerge):
            ways.append(lambda it: run_passes(it, [], 0))
        for way in ways:
            tokenizer = case.fresh()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # to warn of it is well
                    way(tokenizer)
                spec = tokenizer.spec
            except TokenryError:
                continue
            except Exception as error:
                broken(promise, named(error), "errors")
            expect(isinstance(spec, Spec), promise, f"spec is {spec}", "Tokenizer.spec")

    def test_training_again_forgets_what_was(self, case: TokenizerCase) -> None:
        if not case.has(SupportsMerge):
            return
        promise = "training a trained tokenizer begins anew"
        tokenizer = copy.deepcopy(case.fitted)
        with promised(promise, _READ):
            train(tokenizer, ArrowSource(case.training_batch))
        expect(identity(tokenizer) == identity(case.fitted), promise, "another result", _READ)

    def test_training_does_not_change_the_data(self, case: TokenizerCase) -> None:
        if not case.trains:
            return
        promise = "the caller's data is never changed"
        batch = in_writable_memory(self._training_rows(case))
        before, keys = contents(batch), row_keys(batch)
        kept = keys.copy()
        tokenizer = case.fresh()
        if case.has(SupportsFit):
            train(tokenizer, ArrowSource(pa.Table.from_batches([batch])), case.session)
        else:
            tokenizer.update(None, batch, keys)
        changed = [name for name, bytes_ in contents(batch).items() if bytes_ != before[name]]
        changed += [] if (keys == kept).all() else ["the row keys"]
        expect(not changed, promise, f"training wrote into {', '.join(changed)}", _READ)

    def _training_rows(self, case: TokenizerCase) -> pa.RecordBatch:
        """The columns that training is given: those it reads, and the ids."""
        source = ArrowSource(case.training_batch)
        (fragment,) = source.fragments()
        columns = list(case.fresh().columns(source.schema))
        (batch,) = fragment.read(columns, max(1, case.training_batch.num_rows))
        return batch


def _travel(state: Any) -> Any:
    return pickle.loads(pickle.dumps(state))  # noqa: S301 (our own bytes)
