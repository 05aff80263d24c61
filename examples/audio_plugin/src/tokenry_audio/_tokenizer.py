"""Sound as a sequence of tokens: one for each frame of its log-mel spectrogram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Le, Lt

from tokenry_core import (
    Array,
    BaseTokenizer,
    Field,
    FieldSpec,
    Panel,
    Spec,
    TokenBatch,
    batch_ids,
    mark,
    mix,
    require,
    with_doc,
)
from tokenry_core.errors import DataError

from ._kmeans import kmeans, nearest
from ._mel import MelBank
from ._picture import beside

STEP = 0.1  # decibels; levels and codes are whole numbers of it, which keeps distances exact


@dataclass(frozen=True)
class AudioConfig:
    """Every option that changes the tokens."""

    column: str = with_doc("the column of clips: lists of samples, ±1 or 16-bit", "audio")
    rate: Annotated[int, Ge(1)] = with_doc("samples a second", 16000)
    frame: Annotated[int, Ge(16)] = with_doc("samples of a frame", 512)
    hop: Annotated[int, Ge(1)] = with_doc("samples from one frame to the next", 256)
    bands: Annotated[int, Ge(2)] = with_doc("mel bands", 40)
    low: Annotated[float, Ge(0)] = with_doc("the lowest frequency, in Hz", 50.0)
    floor: Annotated[float, Lt(0), Ge(-200)] = with_doc("decibels that count as silence", -80.0)
    codes: Annotated[int, Ge(2), Le(1 << 20)] = with_doc("codes of the codebook", 256)
    sample: Annotated[int, Ge(1)] = with_doc("frames that training uses, at most", 50_000)
    seed: int = with_doc("of the sample and of k-means", 0)

    def __post_init__(self) -> None:
        self.bank()  # says what does not fit together before any sound is read

    def bank(self) -> MelBank:
        """The filter bank that these options describe."""
        return MelBank(
            rate=self.rate, frame=self.frame, hop=self.hop, bands=self.bands, low=self.low
        )


class AudioTokenizer(BaseTokenizer[AudioConfig]):
    """The nearest of a codebook of spectra for each frame of a sound.

    A clip becomes as many tokens as it has frames. A frame that holds a sample without a value is
    missing, the id after the codes; a clip that is null or empty is one missing frame.
    """

    name = "audio"
    Config = AudioConfig
    encoding = 1

    @property
    def spec(self) -> Spec:
        """One id a frame."""
        return Spec((FieldSpec.tokens("audio_tokens", codes=self.config.codes, ragged=True),))

    def columns(self, schema: pa.Schema) -> Sequence[str]:
        """The clips."""
        return require(schema, [self.config.column])

    def update(
        self, state: tuple[Array, Array] | None, batch: pa.RecordBatch, keys: Array
    ) -> tuple[Array, Array]:
        """Training: the frames whose hashes are the least so far."""
        levels = list(self._levels(batch))
        known = [~np.isnan(clip).any(1) for clip in levels]
        places = [
            mix(key + np.flatnonzero(seen).astype(np.uint64), self.config.seed)
            for key, seen in zip(mix(keys), known, strict=True)
        ]
        frames = [clip[seen].astype(np.int16) for clip, seen in zip(levels, known, strict=True)]
        empty = np.empty((0, self.config.bands), np.int16)
        found = np.concatenate([np.empty(0, np.uint64), *places]), np.concatenate([empty, *frames])
        return self._least(*found) if state is None else self.merge(state, found)

    def merge(self, a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
        """Join what two workers drew."""
        return self._least(np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]))

    def finish(self, state: tuple[Array, Array] | None) -> bool:
        """Make the codebook of the sample."""
        if state is None or not len(state[0]):
            raise DataError(
                f'column "{self.config.column}" has no frame of sound to train on: '
                "every clip is null or empty, or lacks samples in every frame"
            )
        order = np.lexsort((*state[1].T, state[0]))  # levels settle what equal ids leave open
        self.adopt({"codebook": kmeans(state[1][order], self.config.codes, seed=self.config.seed)})
        return False

    def encode_batch(self, batch: pa.RecordBatch) -> TokenBatch:
        """The tokens of every clip."""
        codebook, field = self.state()["codebook"], self.spec["audio_tokens"]
        tokens, error, frames = [np.empty(0, field.dtype)], 0, 0
        levels = list(self._levels(batch))
        for clip in levels:
            known = ~np.isnan(clip).any(1)
            found = np.full(len(clip), self.config.codes, field.dtype)
            found[known], squared = nearest(clip[known], codebook)
            tokens.append(found)
            error += int(squared.sum())
            frames += int(known.sum())
        indptr = np.cumsum([0, *map(len, levels)])
        values = np.concatenate(tokens)
        counts = {"frames": frames, "missing": len(values) - frames, "squared_steps": error}
        fields = {"audio_tokens": Field(values, indptr)}
        return TokenBatch(self.spec, fields, *batch_ids(batch), counts=counts)

    def decode(self, tokens: TokenBatch) -> pa.RecordBatch:
        """Log-mel spectrograms in decibels, `log_mel`: lists of frames, null where missing."""
        flat, indptr = tokens["audio_tokens_flat"], tokens["audio_tokens_indptr"]
        codebook = self.state()["codebook"]
        missing = flat >= len(codebook)
        levels = codebook[np.where(missing, 0, flat)].astype(np.float32) * np.float32(STEP)
        frames = pa.FixedSizeListArray.from_arrays(
            levels.ravel(), self.config.bands, mask=pa.array(missing)
        )
        clips = pa.LargeListArray.from_arrays(indptr, frames)
        columns = {tokens.id_col: tokens.ids, "log_mel": clips}
        return mark(pa.record_batch(columns), id_col=tokens.id_col)

    def panels(self, rows: pa.RecordBatch, tokens: TokenBatch) -> Iterator[Panel]:
        """The first clips, each beside what its tokens say."""
        decoded = self.decode(tokens)["log_mel"]
        for row, clip in enumerate(self._levels(rows)):
            if row == 6:
                return
            blank = [float("nan")] * self.config.bands
            again = np.array([frame or blank for frame in decoded[row].as_py()], np.float64)
            error = np.sqrt(np.nanmean((clip * STEP - again) ** 2)) if len(clip) > 1 else np.nan
            yield Panel(
                f"Clip {tokens.ids[row].as_py()}",
                beside(clip * STEP, again, self.config.floor),
                caption=f"{len(clip)} tokens; the tokens are off by {error:.1f} dB (rms).",
            )

    def _levels(self, batch: pa.RecordBatch) -> Iterator[Array]:
        """Each clip's spectrogram in whole steps, NaN where a frame is missing.

        One clip at a time, so that no batch can change the last digit of a sum.
        """
        bank, column = self.config.bank(), batch.column(self.config.column)
        for sound in _sounds(column, self.config.column):
            if sound is None or not len(sound):
                yield np.full((1, self.config.bands), np.nan)
            else:
                yield np.rint(bank.decibels(sound, self.config.floor) / STEP)

    def _least(self, places: Array, frames: Array) -> tuple[Array, Array]:
        """The frames with the least hashes, equal ones together: so no order can matter."""
        if len(places) <= self.config.sample:
            return places, frames
        last = np.partition(places, self.config.sample - 1)[self.config.sample - 1]
        return places[places <= last], frames[places <= last]


def _sounds(column: pa.Array, name: str) -> Iterator[Array | None]:
    """The samples of each clip as floats of full scale 1; None where there is no clip."""
    if pa.types.is_null(column.type):
        yield from [None] * len(column)
        return
    kind: Any = getattr(column.type, "value_type", None)
    if kind is None or not (pa.types.is_floating(kind) or pa.types.is_signed_integer(kind)):
        raise DataError(f'column "{name}" holds {column.type}; lists of samples are needed')
    scale = 1.0 if pa.types.is_floating(kind) else 2.0 ** (kind.bit_width - 1)
    for clip in column:
        if not clip.is_valid:
            yield None
            continue
        samples = clip.values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        yield np.where(np.isfinite(samples), samples, np.nan) / scale
