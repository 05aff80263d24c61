"""The sink `webdataset`: one tar of samples for each fragment."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokenry_core import TokenBatch, build_config, with_doc

from ._records import check_id
from ._sink_npy import PARTIAL, row_values

__all__ = ["WebDatasetConfig", "WebDatasetSink", "add_member", "npy_bytes", "sample_key"]


@dataclass(frozen=True)
class WebDatasetConfig:
    """Options of the `webdataset` sink."""

    path: str = with_doc("the folder for the shards")


class WebDatasetSink:
    """Writes each fragment as STEM.tar, which the webdataset library reads.

    A sample has KEY.FIELD.npy for every field, and KEY.json with the image's id, the grid of its
    patches, and the fingerprints of the tokenizers. Fragments of the `images` source hold images
    of one bucket, so that the samples of a shard have one shape. The same tokens give the same
    bytes: members carry no times and no owners.
    """

    Config = WebDatasetConfig

    def __init__(self, config: WebDatasetConfig | None = None, /, **options: Any) -> None:
        self.config = config or build_config(WebDatasetConfig, options)

    def write(
        self, stem: str, batches: Iterable[TokenBatch], provenance: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write the shard under its temporary name."""
        file = Path(self.config.path, f"{stem}.tar{PARTIAL}")
        prints = {
            key: str(about["fingerprint"])
            for key, about in provenance.get("tokenizers", {}).items()
            if "fingerprint" in about
        }
        with open(file, "wb") as out, tarfile.open(fileobj=out, mode="w") as tar:
            for batch in batches:
                _add_samples(tar, batch, prints, f"{stem}: {batch.id_col}")
        return [file]


def sample_key(image_id: object, where: str) -> str:
    """Give the key of an image in a shard: its id, with dots spelled %2E.

    The webdataset library ends a key at the first dot of a name.
    """
    return check_id(image_id, where).replace("%", "%25").replace(".", "%2E")


def npy_bytes(array: Any) -> bytes:
    """Give the content of the .npy file of an array."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), allow_pickle=False)
    return out.getvalue()


def add_member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Append a file to a tar, without a time or an owner."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _add_samples(
    tar: tarfile.TarFile, batch: TokenBatch, prints: Mapping[str, str], where: str
) -> None:
    rows = {name: row_values(field) for name, field in batch.fields.items()}
    for image_id in batch.ids.to_pylist():
        key = sample_key(image_id, where)
        about: dict[str, Any] = {"image_id": image_id, "tokenizers": dict(prints)}
        for name, values in rows.items():
            value = next(values)
            if name == "dino_grid":
                about[name] = None if np.isnan(value).any() else [int(side) for side in value]
            else:
                add_member(tar, f"{key}.{name}.npy", npy_bytes(value))
        add_member(tar, f"{key}.json", json.dumps(about, sort_keys=True).encode())
