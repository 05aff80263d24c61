"""PairsTokenizer: the vector of an image set, which says who it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tokenry_core import (
    Array,
    BaseTokenizer,
    DataSource,
    Field,
    FieldSpec,
    Panel,
    Session,
    Spec,
    TokenBatch,
    batch_ids,
    require,
)
from tokenry_core.errors import BadRows, DataError

from ._config import PairsConfig

if TYPE_CHECKING:
    from PIL import Image

    from .model import PairMatchingModel

__all__ = ["PairsTokenizer"]

_TOLERANCE = 1e-3  # of vectors: float32 sums in another order
_SETS = 64  # rows whose images are held at a time


class PairsTokenizer(BaseTokenizer[PairsConfig]):
    """Turns image sets into vectors in which sets of one individual are close.

    A row's token is the dense field `pairs_vector` of width `embed_dim`; a set without an image is
    missing. Training takes a second column, which says who it is. `PairMatchingTrainer` reads and
    writes the same artifacts.

    >>> small = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
    >>> plan = {"num_epochs": 1, "num_pairs_per_epoch": 4, "batch_size": 4, "images_per_set": 1}
    >>> tokenizer = PairsTokenizer(
    ...     pretrained=False, options=small, embed_dim=8, validation=0.0, training=plan)
    >>> import io
    >>> from PIL import Image
    >>> def shade(grey):
    ...     file = io.BytesIO()
    ...     Image.new("L", (8, 8), grey).save(file, "PNG")
    ...     return file.getvalue()
    >>> rows = {"set": [[shade(0), shade(9)], [shade(250), shade(240)]], "label": ["ink", "paper"]}
    >>> tokenizer.train(rows).encode(rows)["pairs_vector"].shape
    (2, 8)
    """

    name = "pairs"
    Config = PairsConfig

    def __init__(self, config: PairsConfig | None = None, /, **options: Any) -> None:
        super().__init__(config, **options)
        self._model: PairMatchingModel | None = None

    @property
    def spec(self) -> Spec:
        """One vector per row."""
        vector = FieldSpec(
            "pairs_vector",
            "dense",
            "float32",
            (self.config.embed_dim,),
            exact=False,
            tolerance=_TOLERANCE,
        )
        return Spec((vector,), heavy=True)

    @property
    def model(self) -> PairMatchingModel:
        """The trained model, on the runtime's device."""
        if self._model is None:
            import torch

            from ._device import require_device
            from ._fit import model_of

            require_device(self.runtime.device)
            self._model = model_of(self.config, self.state()).to(self.runtime.device)
            if self.runtime.threads is not None:
                torch.set_num_threads(self.runtime.threads)
        return self._model

    @property
    def temperature(self) -> float:
        """What a logit is divided by to give a calibrated probability."""
        return float(self.state()["temperature"])

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The column of image sets, and that of labels where there is one."""
        names = list(require(schema, [self.config.column]))
        if self.config.label_column in schema.names:
            names.append(self.config.label_column)
        return names

    def fit(self, source: DataSource, session: Session) -> None:
        """Train the model on labelled image sets, and calibrate it."""
        from ._columns import labelled_images
        from ._fit import fit_pairs

        fitted = fit_pairs(self.config, labelled_images(source, self.config), None, session)
        self.adopt(fitted.arrays)

    def prepare(self) -> None:
        """Forget the module of an earlier state."""
        self._model = None

    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """The vector of every row; images that cannot be read are `BadRows`."""
        vectors = np.full((batch.num_rows, self.config.embed_dim), np.nan, np.float32)
        bad: dict[int, str] = {}
        empty = 0
        for start in range(0, batch.num_rows, _SETS):
            part = batch.slice(start, _SETS)
            sets, reasons = self._opened(part.column(self.config.column))
            bad.update({start + row: why for row, why in reasons.items()})
            there = [row for row, images in enumerate(sets) if images]
            empty += len(sets) - len(there) - len(reasons)
            if there and not bad:  # no work for a batch that will be refused
                found = self._embed([sets[row] for row in there])
                vectors[start + np.array(there)] = found
        if bad:
            raise BadRows(bad)
        ids, id_col = batch_ids(batch)
        counts = {"sets_empty": empty}
        return TokenBatch(self.spec, {"pairs_vector": Field(vectors)}, ids, id_col, counts=counts)

    def panels(self, rows: pa.RecordBatch, tokens: TokenBatch) -> Iterator[Panel]:
        """ROC, precision and recall, calibration, and the worst mistakes among labelled rows."""
        from .report import panels_of

        yield from panels_of(self, rows, tokens)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}

    def _opened(self, column: pa.Array) -> tuple[list[list[Image.Image]], dict[int, str]]:
        """Give each row's images in the backbone's size, and why some rows cannot be read."""
        from ._columns import read_sets
        from .data import ImageTransform, load_image

        transform = ImageTransform.of(self.model.backbone)
        sets: list[list[Image.Image]] = []
        reasons: dict[int, str] = {}
        for row, found in enumerate(read_sets(column, self.config.column)):
            sets.append([])
            for file, name in zip(found.files, found.names, strict=True):
                try:
                    sets[-1].append(transform.resized(load_image(file)))
                except DataError as error:
                    reasons[row] = f"{name}: {error}"
            if found.reason:
                reasons[row] = found.reason
        return sets, reasons

    def _embed(self, sets: Sequence[Sequence[Image.Image]]) -> Array:
        from .evaluation._vectors import set_vectors

        return np.asarray(set_vectors(self.model, sets).sets)
