"""The most frequent texts of a column, each with an id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from annotated_types import Ge

from tokenry_core import (
    Array,
    BaseTokenizer,
    Field,
    FieldSpec,
    Spec,
    TokenBatch,
    batch_ids,
    require,
    with_doc,
)


@dataclass(frozen=True)
class CategoryConfig:
    """Every option that changes the tokens."""

    column: str = with_doc("the text column", "category")
    most: Annotated[int, Ge(1)] = with_doc("texts with an id of their own", 1000)


class CategoryTokenizer(BaseTokenizer[CategoryConfig]):
    """One id for each of the most frequent texts of a column, and one for all others.

    Ids 0 to `most` - 1 are the texts by falling frequency, `most` is every other text, and the
    missing id is `most` + 1. With fewer texts than `most`, some ids never occur.
    """

    name = "categories"
    Config = CategoryConfig

    @property
    def spec(self) -> Spec:
        """One id a row."""
        return Spec((FieldSpec.tokens("category_tokens", codes=self.config.most + 1),))

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The one column that is read."""
        return require(schema, [self.config.column])

    def update(
        self, state: Counter[str] | None, batch: pa.RecordBatch, keys: Array
    ) -> Counter[str]:
        """Count the texts of one more batch."""
        counted = pc.value_counts(self._texts(batch).drop_null())
        found = {pair["values"]: pair["counts"] for pair in counted.to_pylist()}
        return self.merge(state if state is not None else Counter(), Counter(found))

    def merge(self, a: Counter[str], b: Counter[str]) -> Counter[str]:
        """Add what two workers counted."""
        a.update(b)
        return a

    def finish(self, state: Counter[str] | None) -> bool:
        """Keep the most frequent texts; equally frequent ones in order of the alphabet."""
        ranked = sorted((state or Counter()).items(), key=lambda pair: (-pair[1], pair[0]))
        texts = pa.array([text for text, _ in ranked[: self.config.most]], pa.large_string())
        offsets = np.cumsum([0, *(len(text.encode()) for text in texts.to_pylist())])
        data = "".join(texts.to_pylist()).encode()
        # An artifact holds arrays of numbers: texts are their bytes and where each ends.
        self.adopt({"bytes": np.frombuffer(data, np.uint8), "offsets": offsets.astype(np.int64)})
        return False

    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """One id for every row."""
        texts = self._texts(batch)
        found = pc.index_in(texts, value_set=self._known()).fill_null(self.config.most)
        tokens = found.to_numpy(zero_copy_only=False).astype(self.spec.fields[0].dtype)
        tokens[texts.is_null().to_numpy(zero_copy_only=False)] = self.config.most + 1
        ids, id_col = batch_ids(batch)
        counts = {
            "missing": texts.null_count,
            "other": int((tokens == self.config.most).sum()),
        }
        fields = {"category_tokens": Field(tokens)}
        return TokenBatch(self.spec, fields, ids, id_col, counts=counts)

    def _texts(self, batch: pa.RecordBatch) -> pa.Array:
        return batch.column(self.config.column).cast(pa.large_string())

    def _known(self) -> pa.Array:
        state = self.state()
        buffers = [None, pa.py_buffer(state["offsets"]), pa.py_buffer(state["bytes"])]
        return pa.Array.from_buffers(pa.large_string(), len(state["offsets"]) - 1, buffers)
