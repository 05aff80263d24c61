"""ImageTokenizer: learned tokens of multi-band cutouts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from tokenry_core import (
    Array,
    DataSource,
    Field,
    FieldSpec,
    Panel,
    Session,
    Spec,
    TokenBatch,
    batch_ids,
    open_source,
)
from tokenry_core.compat import NpzNames
from tokenry_core.errors import BadRows, ConfigError

from ._columns import image_size, read_images, table_of, to_columns
from ._config import ImageConfig
from ._rows import columns_of

if TYPE_CHECKING:
    from torch import Tensor

    from ._codec import Codec
    from ._encode import Ready

__all__ = ["ImageTokenizer"]

_TOLERANCE = 1e-3  # of latents: float32 sums in another order
_SHOWN = 64  # rows in pictures
_BYTES = 64 << 20  # of images that go through the network at a time


class ImageTokenizer(NpzNames[ImageConfig]):
    """Turns multi-band cutouts into a grid of tokens, by an autoencoder that it trains.

    Fields: `image_tokens` (rows x H' x W') and `image_latents` (rows x latent_dim x H' x W').

    >>> images = np.random.default_rng(0).normal(size=(8, 1, 8, 8))
    >>> tokenizer = ImageTokenizer(
    ...     cutout_size=8, bands=["R"], codebook_size=16, options={"width": 8, "blocks": 1},
    ...     training={"steps": 2, "batch_size": 4},
    ... )
    >>> tokens = tokenizer.train(images).encode(images)
    >>> tokens["image_tokens"].shape, tokens["image_latents"].shape
    ((8, 2, 2), (8, 2, 2, 2))
    """

    name = "image"
    Config = ImageConfig

    def __init__(self, config: ImageConfig | None = None, /, **options: Any) -> None:
        super().__init__(config, **options)
        self._codec: Codec | None = None
        self._weights: Mapping[str, Tensor] | None = None

    @property
    def spec(self) -> Spec:
        """Tokens and latents of images of the trained size."""
        return self._spec(self.config.grid)

    @property
    def codec(self) -> Codec:
        """The module that encodes and decodes, on the runtime's device."""
        if self._codec is None:
            self._codec = self._made()
        return self._codec

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The image columns, and those of the ellipse."""
        return columns_of(schema, self.config)

    def open(self, data: Any) -> DataSource:
        """Give the source of a table or path, or of an (N, bands, H, W) array or tensor."""
        if isinstance(data, np.ndarray) or type(data).__module__.partition(".")[0] == "torch":
            return open_source(table_of(data, self.config))
        return open_source(data)

    def fit(self, source: DataSource, session: Session) -> None:
        """Train the network and the codebook."""
        from ._loop import fit_codec

        self.adopt(fit_codec(self.config, source, session, self._weights).arrays())

    def load_weights(
        self, path: str | os.PathLike[str], key_map: Mapping[str, str] | None = None
    ) -> Self:
        """Take the network's weights from a `.pt` file of another program.

        `key_map` maps prefixes of the file's names to those of the model; by default wrappers
        such as `module.` fall away, and `encoder.` and `decoder.` stay. Images are then only
        stretched, as `stretch` says, and not scaled. With a learned codebook `train` comes next,
        which begins from these weights.
        """
        from ._codec import Codec
        from ._foreign import read_weights, take_weights

        codec = Codec(self.config)
        take_weights(codec.network, read_weights(path), key_map, os.fspath(path))
        self._weights = {name: t.clone() for name, t in codec.network.state_dict().items()}
        if codec.quantizer.learned:
            self._state = self._codec = None
        else:
            self.adopt(codec.arrays())
        return self

    def read_foreign(self, path: str | os.PathLike[str]) -> bool:
        """Take a `.pt` file of weights in use; other files are artifacts."""
        from ._foreign import SUFFIXES

        if not os.fspath(path).endswith(SUFFIXES):
            return False
        self.load_weights(path)
        return True

    def panels(self, rows: pa.RecordBatch, tokens: TokenBatch) -> Iterator[Panel]:
        """Originals beside reconstructions, the PSNR of the bands, and the use of the codes."""
        import torch

        from ._encode import make_ready
        from ._report import comparison

        ids = tokens.fields["image_tokens"].values
        there = np.flatnonzero((ids != self.config.codebook_size).all((1, 2)))[:_SHOWN]
        if not len(there):
            return
        images = read_images(rows.take(pa.array(there)), self.config)
        with torch.inference_mode():
            ready = make_ready(self.codec, images, self.runtime.device)
            codes = torch.from_numpy(ids[there].astype(np.int64)).to(self.runtime.device)
            found = self.codec.network.decode(self.codec.quantizer.lookup(codes))
            given = ready.images.masked_fill(~ready.mask, torch.nan)
        counts = np.bincount(
            ids[ids < self.config.codebook_size], minlength=self.config.codebook_size
        )
        yield from comparison(given.cpu().numpy(), found.cpu().numpy(), counts, self.config.bands)

    def prepare(self) -> None:
        """Forget the module of an earlier state."""
        self._codec = None

    def encode_batch(self, batch: pa.RecordBatch, batch_size: int | None = None) -> TokenBatch:
        """Tokens and latents; `batch_size` images go through the network at a time.

        Rows without an image are missing; images that cannot be used are `BadRows`.
        """
        from ._encode import encode_ready

        size = image_size(batch.schema, self.config)
        spec = self._spec(size // self.config.downsampling)
        fields = {f.name: _missing(f, batch.num_rows) for f in spec.fields}
        counts = Counter({"images_missing": 0, "pixels_masked": 0, "near_ties": 0})
        bad: dict[int, str] = {}
        for start, ready in self._read_ahead(batch, self._step(size, batch_size)):
            bad.update({start + row: why for row, why in ready.bad.items()})
            if bad:
                continue  # no work for a batch that will be refused
            done = encode_ready(self.codec, ready)
            counts.update(done.counts)
            for name, values in done.fields.items():
                if name in fields:
                    fields[name][start : start + len(ready.present)][ready.present] = values
        if bad:
            raise BadRows(bad)
        ids, id_col = batch_ids(batch)
        arrays = {name: Field(values) for name, values in fields.items()}
        return TokenBatch(spec, arrays, ids, id_col, {"bands": self.config.bands}, counts)

    def decode(self, tokens: TokenBatch) -> pa.RecordBatch:
        """Reconstruct the images, in the units of the data; missing rows are null."""
        import torch

        ids = tokens.fields["image_tokens"].values
        missing = (ids == self.config.codebook_size).any((1, 2))
        codes = torch.from_numpy(np.where(missing[:, None, None], 0, ids).astype(np.int64))
        side = ids.shape[1] * self.config.downsampling
        shape = (len(ids), len(self.config.bands), side, side)
        images = np.empty(shape, np.float32)
        step = self._step(side)
        with torch.inference_mode():
            for start in range(0, len(ids), step):
                part = codes[start : start + step].to(self.runtime.device)
                images[start : start + step] = self.codec.decode(part).cpu().numpy()
        columns = to_columns(images, self.config, missing)
        return pa.RecordBatch.from_pydict({tokens.id_col: tokens.ids, **columns})

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_codec": None}

    def _spec(self, grid: int) -> Spec:
        config = self.config
        tokens = FieldSpec.tokens(
            "image_tokens", codes=config.codebook_size, event=(grid, grid), exact=False
        )
        if not config.latents:
            return Spec((tokens,), heavy=True)
        shape = (config.latent_dim, grid, grid)
        latents = FieldSpec(
            "image_latents", "dense", "float32", shape, exact=False, tolerance=_TOLERANCE
        )
        return Spec((tokens, latents), heavy=True)

    def _made(self) -> Codec:
        import torch

        from ._codec import Codec

        state = self.state()
        codec = Codec(self.config)
        codec.load_arrays(state)
        if self.runtime.threads is not None:
            torch.set_num_threads(self.runtime.threads)
        return codec.on(self.runtime.device).eval()

    def _ready(self, batch: pa.RecordBatch) -> Ready:
        from ._encode import make_ready

        return make_ready(self.codec, read_images(batch, self.config), self.runtime.device)

    def _read_ahead(self, batch: pa.RecordBatch, step: int) -> Iterator[tuple[int, Ready]]:
        """Give parts of the batch, each made ready while the one before it is encoded."""
        starts = range(0, batch.num_rows, step)
        with ThreadPoolExecutor(1) as pool:
            ahead = [pool.submit(self._ready, batch.slice(start, step)) for start in starts[:1]]
            for number, start in enumerate(starts):
                ready = ahead.pop().result()
                for following in starts[number + 1 : number + 2]:
                    ahead = [pool.submit(self._ready, batch.slice(following, step))]
                yield start, ready

    def _step(self, size: int, wanted: int | None = None) -> int:
        """How many images go through the network at a time."""
        if wanted is not None and wanted < 1:
            raise ConfigError(f"batch_size: {wanted} was given; allowed is at least 1")
        return wanted or max(1, min(256, _BYTES // (4 * len(self.config.bands) * size**2)))


def _missing(field: FieldSpec, rows: int) -> Array:
    """Give values that are missing in every row."""
    value = field.codes if field.kind == "discrete" else np.nan
    return np.full((rows, *field.event), value, field.dtype)
