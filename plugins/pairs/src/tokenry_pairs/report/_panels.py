"""The panels of a run's report, and the pages of a training and of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch

from tokenry_core import Array, Panel, TokenBatch

from .._columns import read_sets
from ..data._images import load_image
from ..evaluation._metrics import probabilities
from ..training._images import Images
from ..training._validation import Scores
from ._curves import calibration_panel, precision_panel, roc_panel
from ._mistakes import Mistake, mistakes_panel, worst_pairs
from ._page import write_page

if TYPE_CHECKING:
    from .._tokenizer import PairsTokenizer

__all__ = ["curves", "panels_of", "write_scores_page"]

_ROWS = 400  # of the sample, whose pairs are scored
_MISTAKES = 8


def curves(logits: Array, same: Array, temperature: float) -> Iterator[Panel]:
    """Give the curves of some pairs; none where all of them are of one kind."""
    same = np.asarray(same, bool)
    if 0 < same.sum() < len(same):
        yield roc_panel(logits, same)
        yield precision_panel(logits, same)
        yield calibration_panel(logits, same, temperature)


def write_scores_page(
    path: Path,
    title: str,
    figures: Mapping[str, float],
    scores: Scores | None,
    images: Images | None,
    temperature: float,
) -> Path:
    """Write a page with figures and, of scored pairs, the curves and the worst mistakes."""
    panels: list[Panel] = []
    if scores is not None and images is not None:
        panels += curves(scores.logits, scores.same, temperature)
        mistakes = []
        for pair in worst_pairs(scores.logits, scores.same, _MISTAKES):
            left, right = ([load_image(images.items[i]) for i in s] for s in scores.rows[pair])
            likely = float(probabilities(scores.logits[pair], temperature))
            mistakes.append(Mistake(left, right, likely, bool(scores.same[pair])))
        panels.append(mistakes_panel(mistakes))
    return write_page(path, title, figures, panels)


def panels_of(
    tokenizer: PairsTokenizer, rows: pa.RecordBatch, tokens: TokenBatch
) -> Iterator[Panel]:
    """Give the curves of the validation, and the worst mistakes among the labelled rows."""
    state, config = tokenizer.state(), tokenizer.config
    validated = "validation.logits" in state
    if validated:
        known = state["validation.logits"], state["validation.same"]
        yield from curves(*known, tokenizer.temperature)
    if config.label_column not in rows.schema.names or tokens.rows != rows.num_rows:
        return
    vectors = tokens.fields["pairs_vector"].values
    labels = rows.column(config.label_column).to_pylist()
    there = [bool(np.isfinite(vector).all()) for vector in vectors]
    usable = [row for row, label in enumerate(labels) if label is not None and there[row]][:_ROWS]
    if len(usable) < 2:
        return
    logits = _scores(tokenizer, vectors[usable])
    left, right = np.triu_indices(len(usable), 1)
    own = np.unique([str(labels[row]) for row in usable], return_inverse=True)[1]
    logits, same = logits[left, right], own[left] == own[right]
    if not validated:
        yield from curves(logits, same, tokenizer.temperature)
    column = rows.column(config.column)
    yield mistakes_panel(
        [
            Mistake(
                _images(column, usable[left[pair]], config.column),
                _images(column, usable[right[pair]], config.column),
                float(probabilities(logits[pair], tokenizer.temperature)),
                bool(same[pair]),
            )
            for pair in worst_pairs(logits, same, _MISTAKES)
        ]
    )


def _scores(tokenizer: PairsTokenizer, vectors: Array) -> Array:
    given = torch.from_numpy(vectors).to(tokenizer.runtime.device)
    with torch.inference_mode():
        return np.asarray(tokenizer.model.score_all(given, given).float().cpu().numpy())


def _images(column: pa.Array, row: int, name: str) -> list[Any]:
    (found,) = read_sets(column.slice(row, 1), name)
    return [load_image(file) for file in found.files]
