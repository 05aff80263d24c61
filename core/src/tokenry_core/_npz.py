"""Shards as .npz: the key names that users know, and no object array, so nothing to unpickle."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ._batch import TokenBatch
from ._config import build_config, canonical_json, with_doc
from ._fields import Field, FieldSpec, Spec
from ._sinks import PARTIAL
from .errors import DataError

__all__ = ["NpzSink", "NpzSinkConfig", "read_npz"]

_SPEC, _PROVENANCE = "tokenry_spec", "tokenry_provenance"


@dataclass(frozen=True)
class NpzSinkConfig:
    """Options of the `npz` sink."""

    path: str = with_doc("the folder for the shards")
    compress: bool = with_doc("smaller files, slower writing", False)


class NpzSink:
    """Writes each fragment as one .npz that `numpy.load` opens, under the keys of a TokenBatch."""

    Config = NpzSinkConfig

    def __init__(self, config: NpzSinkConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(NpzSinkConfig, options)

    def write(
        self, stem: str, batches: Iterable[TokenBatch], provenance: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write `stem`.npz under its temporary name; a fragment is held in memory."""
        tokens = TokenBatch.concat(list(batches))
        file = Path(self.config.path, f"{stem}.npz{PARTIAL}")
        header = {"fields": [asdict(f) for f in tokens.spec.fields], "heavy": tokens.spec.heavy}
        header |= {"meta": dict(tokens.meta), "counts": dict(tokens.counts)}
        arrays = {key: np.asarray(tokens[key]) for key in tokens}
        arrays[_SPEC] = np.array(canonical_json(header))
        arrays[_PROVENANCE] = np.array(canonical_json(provenance))
        method = zipfile.ZIP_DEFLATED if self.config.compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(file, "w", method) as out:
            for key, array in arrays.items():
                # A fixed date: the same tokens give the same bytes.
                member = zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0))
                member.compress_type = method
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, array, allow_pickle=False)
                out.writestr(member, buffer.getbuffer())
        return [file]


def read_npz(path: str | Path) -> TokenBatch:
    """Give the tokens of a shard that `NpzSink` wrote."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        header = json.loads(str(arrays[_SPEC]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: it is no token shard of Tokenry: {error}") from None
    specs = tuple(FieldSpec(**{**f, "event": tuple(f["event"])}) for f in header["fields"])
    fields = {spec.name: Field(*(arrays[key] for key in spec.keys)) for spec in specs}
    ids, id_col = arrays["ids"], str(arrays["id_col"])
    spec = Spec(specs, header["heavy"])
    kept = pa.array(ids) if ids.dtype.kind in "iu" else pa.array(ids.tolist(), pa.string())
    return TokenBatch(spec, fields, kept, id_col, header["meta"], header["counts"])
