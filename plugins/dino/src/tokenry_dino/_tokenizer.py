"""DinoPatchTokenizer: patch embeddings of whole images."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from tokenry_core import (
    Array,
    BaseTokenizer,
    Panel,
    Registry,
    Spec,
    TokenBatch,
    batch_ids,
    image_kind,
    require,
)
from tokenry_core.errors import ArtifactError, BadRows, ConfigError, DataError

from ._assemble import Assembly, fields_of
from ._config import DinoPatchConfig
from ._views import Timing, ViewReader, in_order

if TYPE_CHECKING:
    from ._backbone import Backbone
    from ._forward import Forward

__all__ = ["DinoPatchTokenizer"]

_DIGEST = "weights_sha256"


class DinoPatchTokenizer(BaseTokenizer[DinoPatchConfig]):
    """Makes a vision transformer's patch embeddings of images in aspect buckets.

    The whole image is brought to its bucket's size, rounded to the model's patches, so that patch
    i, j shows the same part of the image as it does for any other model of that bucket. Fields:
    `dino_patches` (ragged, row-major), `dino_grid` (rows and columns of patches), and on request
    `dino_cls` and `dino_registers`.

    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (60, 40), "teal").save(file, "PNG")
    >>> tokenizer = DinoPatchTokenizer(
    ...     weights="random", options={"depth": 1, "embed_dim": 48, "num_heads": 3},
    ...     buckets=[(84, 56)],
    ... )
    >>> tokens = tokenizer.encode({"id": [7], "image": [file.getvalue()]})
    >>> tokens["dino_patches_flat"].shape, tokens["dino_grid"].tolist()
    ((24, 48), [[4.0, 6.0]])
    """

    name = "dino-patch"
    Config = DinoPatchConfig

    def __init__(self, config: DinoPatchConfig | None = None, /, **options: Any) -> None:
        super().__init__(config, **options)
        self.timing = Timing()
        self._backbone: Backbone | None = None
        self._forward: Forward | None = None

    @property
    def backbone(self) -> Backbone:
        """The model, made when it is first needed; its weights are those of the artifact."""
        if self._backbone is None:
            self._backbone = self._made()
        return self._backbone

    @property
    def spec(self) -> Spec:
        """Fields of embeddings, whose width is the model's."""
        return fields_of(self.config, self.backbone)

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The image column, and the column of buckets where there is one."""
        names = list(require(schema, [self.config.column]))
        if self.config.bucket_column in schema.names:
            names.append(self.config.bucket_column)
        return names

    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """Embeddings of every row; rows that cannot be decoded are named with their reasons.

        Reading and decoding go on in threads while the model works.
        """
        assembly = Assembly(self.spec, self.config, batch.num_rows)
        forward = self._ready()
        start = time.perf_counter()
        reductions = forward.reductions
        bad: dict[int, str] = {}
        pending: dict[tuple[int, int], list[tuple[int, Array]]] = {}
        threads = self.runtime.threads or os.cpu_count() or 1
        views = in_order(self._reader(batch), batch.num_rows, threads, self.timing)
        for row, pixels, reason in views:
            if reason:
                bad[row] = reason
                pending.clear()
            if pixels is None or bad:  # no work for a batch that will be refused
                continue
            height, width = pixels.shape[:2]
            group = pending.setdefault((height, width), [])
            group.append((row, pixels))
            if len(group) == forward.images(height, width):
                self._embed(pending.pop((height, width)), forward, assembly)
        for group in pending.values():
            self._embed(group, forward, assembly)
        bad.update(assembly.bad)
        self.timing.total += time.perf_counter() - start
        if bad:
            raise BadRows(bad)
        ids, id_col = batch_ids(batch)
        counts = {"dino_batches_halved": forward.reductions - reductions}
        return TokenBatch(assembly.spec, assembly.fields(), ids, id_col, counts=counts)

    def panels(self, rows: pa.RecordBatch, tokens: TokenBatch) -> Iterator[Panel]:
        """Pictures of the first images beside the main components of their patches."""
        from ._picture import panels_of

        yield from panels_of(self._reader(rows), tokens, self.config.model)

    def state(self) -> Mapping[str, Array]:
        """The digest of the weights, so that no two checkpoints share a fingerprint."""
        if self._state is None:
            from ._weights import weights_digest

            self._state = {_DIGEST: weights_digest(self.backbone)}
        return self._state

    @classmethod
    def restore(
        cls,
        config: DinoPatchConfig,
        state: Mapping[str, Array],
        *,
        weights: str | os.PathLike[str] | None = None,
        **runtime: Any,
    ) -> Self:
        """The tokenizer of this configuration; `weights` says where its weights file is now."""
        if weights is not None:
            config = replace(config, weights=os.fspath(weights))
        return super().restore(config, state, **runtime)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_backbone": None, "_forward": None}

    def stored_config(self) -> Mapping[str, Any]:
        """The options, without where a weights file lies: the digest says what it holds."""
        stored = super().stored_config()
        if stored["weights"] in ("pretrained", "random"):
            return stored
        return {**stored, "weights": "file"}

    def _made(self) -> Backbone:
        config = self.config
        if config.weights == "file":
            raise ConfigError(
                "the weights of this tokenizer came from a local file, which an artifact does not"
                ' hold: say where it is, load(path, weights="FILE")'
            )
        factory: Any = Registry[Any]("tokenry.models")[config.model]
        if getattr(factory, "kind", None) != "backbone":
            raise ConfigError(
                f'"{config.model}" is no backbone; dino-patch needs one, as timm/NAME'
            )
        backbone: Backbone = factory(**config.backbone())
        self._check_weights(backbone)
        return backbone

    def _check_weights(self, backbone: Backbone) -> None:
        if self._state is None:
            return
        from ._weights import weights_digest

        found, wanted = weights_digest(backbone).tobytes(), self._state[_DIGEST].tobytes()
        if found != wanted:
            raise ArtifactError(
                f"the {self.config.weights} weights of {self.config.model} have the digest"
                f" {found.hex()[:16]}…, and the tokenizer was made with {wanted.hex()[:16]}…: give"
                ' the file that it was made with, load(path, weights="FILE")'
            )

    def _ready(self) -> Forward:
        if self._forward is None:
            from ._forward import Forward

            self.state()  # the digest is of the weights as they were loaded, before any cast
            at = self.runtime
            self._forward = Forward(self.backbone, at.device, self.config.precision, at.threads)
        return self._forward

    def _reader(self, batch: pa.RecordBatch) -> ViewReader:
        config = self.config
        require(batch.schema, [config.column])
        images = batch.column(config.column)
        if image_kind(images.type) == "pixels" and not pa.types.is_null(images.type):
            raise DataError(
                f'column "{config.column}" holds pixels ({images.type}); dino-patch reads encoded'
                " image files (binary) or paths (string)"
            )
        buckets: list[str | None] = [None] * batch.num_rows
        if config.bucket_column in batch.schema.names:
            buckets = batch.column(config.bucket_column).to_pylist()
        return ViewReader(images, buckets, config, self.backbone.patch_size)

    def _embed(
        self, group: Sequence[tuple[int, Array]], forward: Forward, assembly: Assembly
    ) -> None:
        rows = [row for row, _ in group]
        height, width = group[0][1].shape[:2]
        patch = self.backbone.patch_size
        features = forward([pixels for _, pixels in group])
        assembly.add(rows, features, np.array([height // patch, width // patch], np.float32))
