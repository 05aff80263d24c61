"""The sink `npy`: one array a file, named by the image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokenry_core import Array, Field, TokenBatch, build_config, with_doc
from tokenry_core.errors import DataError

from ._records import check_id

__all__ = ["NpyConfig", "NpySink", "row_values"]

PARTIAL = ".partial"


@dataclass(frozen=True)
class NpyConfig:
    """Options of the `npy` sink."""

    path: str = with_doc("the folder for the files")
    field: str = with_doc("the field that is written", "dino_patches")


class NpySink:
    """Writes one field as ID.npy, one file a row; `np.load` reads them.

    Of patch embeddings each file is (n, dim), n being the patches of that image. Ids have to be
    unique in the whole dataset, as those of the `images` source are. The run's manifest, in the
    same folder, says which tokenizer made the files.
    """

    Config = NpyConfig

    def __init__(self, config: NpyConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(NpyConfig, options)

    def write(
        self, stem: str, batches: Iterable[TokenBatch], provenance: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write each row's file under its temporary name."""
        files: list[Path] = []
        for batch in batches:
            field = _field_of(batch, self.config.field)
            for image_id, value in zip(batch.ids.to_pylist(), row_values(field), strict=True):
                name = check_id(image_id, f"{stem}: {batch.id_col}")
                file = Path(self.config.path, f"{name}.npy{PARTIAL}")
                with open(file, "wb") as out:
                    np.lib.format.write_array(out, value, allow_pickle=False)
                files.append(file)
        return files


def row_values(field: Field) -> Iterator[Array]:
    """Give the array of each row of a field."""
    if field.indptr is None:
        yield from field.values
        return
    for start, stop in zip(field.indptr[:-1], field.indptr[1:], strict=True):
        yield field.values[start:stop]


def _field_of(batch: TokenBatch, name: str) -> Field:
    if name not in batch.fields:
        raise DataError(
            f'the sink npy writes the field "{name}", which is not there; there are:'
            f" {', '.join(batch.fields)}. Name another: {{name: npy, field: ...}}"
        )
    return batch.fields[name]
