"""A sample of the source's rows, encoded anew: decoding errors, and the plugins' own pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tokenry_core import Array, BaseTokenizer, Panel, SupportsDecode, SupportsReport, batch_ids
from tokenry_core.errors import TokenryError

from ..config import Where, load_config
from ..runs._task import encode_good
from ..runs._tokenizers import tokenizers_of

__all__ = ["DecodeError", "Sample", "take_sample"]

_ROWS = 2000


@dataclass(frozen=True)
class DecodeError:
    """How far decoded values are from the originals of one column."""

    column: str
    median: float
    spread: float
    before: Array
    after: Array


@dataclass(frozen=True)
class Sample:
    """What the sample tells of one tokenizer; `problem` says why it tells nothing."""

    errors: tuple[DecodeError, ...] = ()
    panels: tuple[Panel, ...] = ()
    problem: str = ""


def take_sample(raw: Mapping[str, Any]) -> dict[str, Sample]:
    """Give what the first rows of a run's source tell of each of its tokenizers."""
    try:
        config = load_config(raw)
        assert config.source is not None
        source = config.source.make()
        tokenizers = {ref.key: ref.get() for ref in tokenizers_of(config)}
        rows = next(_batches(source, config.source.where))
    except Exception as error:  # a record may have been edited; the page does without a sample
        return {"source": Sample(problem=f"no sample of the source could be read: {error}")}
    return {key: _one(tokenizer, rows) for key, tokenizer in tokenizers.items()}


def _batches(source: Any, where: Where | None) -> Iterator[pa.RecordBatch]:
    for fragment in source.fragments():
        try:
            for batch in fragment.read(None, _ROWS):
                kept = where(batch) if where else batch
                if kept.num_rows:
                    yield kept
        except TokenryError:
            continue  # it stands in the quarantine already


def _one(tokenizer: BaseTokenizer[Any], rows: pa.RecordBatch) -> Sample:
    errors: tuple[DecodeError, ...] = ()
    panels: tuple[Panel, ...] = ()
    try:
        tokens, _ = encode_good(tokenizer, rows)
        if isinstance(tokenizer, SupportsDecode):
            errors = tuple(_errors(rows, tokenizer.decode(tokens)))
        if isinstance(tokenizer, SupportsReport):
            panels = tuple(tokenizer.panels(rows, tokens))
        return Sample(errors, panels)
    except Exception as error:
        # Pictures are an extra: a plugin that fails to draw must not cost the page.
        return Sample(problem=f"the sample could not be shown: {type(error).__name__}: {error}")


def _errors(rows: pa.RecordBatch, decoded: pa.RecordBatch) -> Iterator[DecodeError]:
    names = {*rows.schema.names} - {batch_ids(rows)[1]}
    for name in decoded.schema.names:
        kinds = [t.schema.field(name).type for t in (rows, decoded) if name in names]
        if not kinds or not all(map(_is_number, kinds)):
            continue
        before = rows.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
        after = decoded.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
        both = np.isfinite(before) & np.isfinite(after)
        if both.any():
            before, after = before[both], after[both]
            low, high = np.percentile(before, [16, 84])
            yield DecodeError(
                name, float(np.median(abs(after - before))), float(high - low) / 2, before, after
            )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
