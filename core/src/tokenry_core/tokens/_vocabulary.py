"""The vocabularies of several tokenizers as one contiguous id space, and sequences in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .._fields import Field, Spec, token_dtype
from ..errors import ArtifactError, ConfigError, DataError
from ._backend import Array, as_arrays, cast
from ._errors import UnknownKey
from ._joint import join_rows, split_rows
from ._ragged import Ragged
from ._tree import join_key

_FORMAT = "tokenry-vocabulary"
_VERSION = 1
_SHARED = 2  # pad and mask


@dataclass(frozen=True)
class VocabularyField:
    """One field's own vocabulary: ids 0 to `codes` - 1 and the missing id `codes`.

    `shape` is the shape of one row, or None where rows differ; `fingerprint` is its tokenizer's.
    """

    name: str
    codes: int
    shape: tuple[int, ...] | None = None
    fingerprint: str = ""

    @property
    def size(self) -> int:
        """Number of ids, the missing one included."""
        return self.codes + 1


@dataclass(frozen=True)
class Vocabulary:
    """Joint ids for several fields: pad, mask, begin and end of each field, then each one's ids.

    >>> vocabulary = Vocabulary((VocabularyField("mag", 4, (2,)), VocabularyField("xp", 10)))
    >>> vocabulary.size, vocabulary.pad, vocabulary.mask, vocabulary.begin("xp")
    (22, 0, 1, 4)
    >>> vocabulary.encode("xp", np.array([0, 10]))
    array([11, 21], dtype=int32)
    >>> vocabulary.decode("xp", np.array([11, 21]))
    array([ 0, 10], dtype=uint16)
    """

    fields: tuple[VocabularyField, ...]
    pad: int = field(default=0, init=False, repr=False)
    mask: int = field(default=1, init=False, repr=False)

    def __post_init__(self) -> None:
        names = [one.name for one in self.fields]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"A vocabulary has one or more fields of different names: {names}.")
        for one in self.fields:
            if one.codes < 1:
                raise ConfigError(f"Field {one.name!r} has {one.codes} codes; it needs one.")

    @classmethod
    def of(cls, tokenizers: Any) -> Vocabulary:
        """Join the discrete fields of one tokenizer, of several, or of several by name.

        A tokenizer's `Spec` will do too, without a fingerprint. Fields keep their names, as in the
        tokens of a run; those of a mapping are `tokenizer/field`, as in `tokens_from_batch`.

        >>> from tokenry_core import FieldSpec
        >>> spec = Spec((FieldSpec.tokens("mag", codes=8, event=(2,)),))
        >>> Vocabulary.of([spec]).names, Vocabulary.of({"catalog": spec}).names
        (['mag'], ['catalog/mag'])
        """
        if isinstance(tokenizers, Mapping):
            named = [(join_key("", name), one) for name, one in tokenizers.items()]
        else:
            several = isinstance(tokenizers, (list, tuple))
            named = [("", one) for one in (tokenizers if several else [tokenizers])]
        return cls(
            tuple(
                VocabularyField(
                    join_key(prefix, one.name),
                    one.codes,
                    None if one.ragged else one.event,
                    str(getattr(tokenizer, "fingerprint", "")),
                )
                for prefix, tokenizer in named
                for one in _spec_of(tokenizer).fields
                if one.kind == "discrete"
            )
        )

    @property
    def size(self) -> int:
        """Number of joint ids: the size of a model's embedding table."""
        return self._first_id + sum(one.size for one in self.fields)

    @property
    def names(self) -> list[str]:
        """The names of the fields, in order."""
        return [one.name for one in self.fields]

    def begin(self, name: str) -> int:
        """The id that opens a field."""
        return _SHARED + 2 * self._place(name)

    def end(self, name: str) -> int:
        """The id that closes a field."""
        return self.begin(name) + 1

    def offset(self, name: str) -> int:
        """The joint id of a field's id 0."""
        return self._first_id + sum(one.size for one in self.fields[: self._place(name)])

    def encode(self, name: str, ids: Array) -> Array:
        """Give joint ids for a field's own ids; an id that it does not have is refused."""
        one = self.fields[self._place(name)]
        xp, (own,) = as_arrays([ids])
        _refuse(own, xp, 0, one.codes, f"Field {name!r} has ids 0 to {one.codes} (missing)")
        return cast(own, self._dtype) + self.offset(name)

    def decode(self, name: str, ids: Array) -> Array:
        """Give a field's own ids for joint ids; an id of another field is refused."""
        one, start = self.fields[self._place(name)], self.offset(name)
        xp, (joint,) = as_arrays([ids])
        _refuse(joint, xp, start, start + one.codes, f"Field {name!r} has joint ids {start} to")
        own = cast(joint, self._dtype) - start
        return own.astype(token_dtype(one.codes)) if xp is np else own

    def join(self, ids: Mapping[str, Array | Ragged | Field]) -> Ragged:
        """Give one sequence for each row: begin, ids and end of each field, in vocabulary order.

        >>> vocabulary = Vocabulary((VocabularyField("a", 4, (2,)), VocabularyField("b", 4)))
        >>> rows = {"a": np.array([[0, 1]]), "b": Ragged(np.array([4]), np.array([0, 1]))}
        >>> joint = vocabulary.join(rows)
        >>> joint.values
        array([ 2,  6,  7,  3,  4, 15,  5], dtype=int32)
        >>> vocabulary.split(joint)["a"]
        array([[0, 1]], dtype=uint16)
        """
        for name in ids:
            self._place(name)
        missing = [name for name in self.names if name not in ids]
        if missing:
            raise ConfigError(f"The ids of {missing} are missing; a sequence holds every field.")
        parts = {name: _as_ragged(name, ids[name]) for name in self.names}
        return join_rows(
            [
                (
                    self.begin(name),
                    Ragged(self.encode(name, part.values), part.indptr),
                    self.end(name),
                )
                for name, part in parts.items()
            ]
        )

    def split(self, sequences: Ragged | Array) -> dict[str, Array | Ragged]:
        """Give each field's own ids from joint sequences, padded or not: the inverse of `join`.

        A field of fixed shape comes back in that shape, another one as `Ragged`.
        """
        values, indptr = _plain(sequences, self.pad)
        _refuse(values, np, 0, self.size - 1, f"The vocabulary has ids 0 to {self.size - 1}")
        starts = [
            (one.name, self.begin(one.name), self.offset(one.name), one.size) for one in self.fields
        ]
        split: dict[str, Array | Ragged] = {}
        for one, rows in zip(self.fields, split_rows(values, indptr, starts), strict=True):
            own = Ragged(self.decode(one.name, rows.values), rows.indptr)
            split[one.name] = own if one.shape is None else _shaped(one, own)
        return split

    def field_of(self, ids: Array) -> Array:
        """Give the number of the field that each joint id belongs to; -1 for pad and mask."""
        values = np.asarray(ids)
        _refuse(values, np, 0, self.size - 1, f"The vocabulary has ids 0 to {self.size - 1}")
        ends = np.cumsum([one.size for one in self.fields]) + self._first_id
        own = np.searchsorted(ends, values, side="right")
        special = (values - _SHARED) // 2
        return np.where(values < self._first_id, special, own).astype(np.int32)

    def check(self, fingerprints: Mapping[str, str]) -> None:
        """Refuse tokenizers, by field, other than those that the vocabulary was made of."""
        for name, fingerprint in fingerprints.items():
            expected = self.fields[self._place(name)].fingerprint
            if fingerprint != expected:
                raise ArtifactError(
                    f"Field {name!r} was made by the tokenizer {expected!r}, not {fingerprint!r}. "
                    "Its ids would mean something else."
                )

    def save(self, path: str | PathLike[str]) -> None:
        """Write the vocabulary as JSON."""
        fields = [asdict(one) for one in self.fields]
        document = {"format": _FORMAT, "version": _VERSION, "size": self.size, "fields": fields}
        Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Vocabulary:
        """Read a vocabulary back, refusing a file that is not one."""
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
            if (document["format"], document["version"]) != (_FORMAT, _VERSION):
                raise ValueError(f"it says {document['format']!r} {document['version']!r}")
            vocabulary = cls(tuple(_read_field(one) for one in document["fields"]))
            if document["size"] != vocabulary.size:
                raise ValueError(f"its fields have {vocabulary.size} ids, not {document['size']}")
        except (ValueError, TypeError, KeyError) as error:
            raise ArtifactError(
                f"{path} is not a vocabulary ({_FORMAT}, version {_VERSION}): {error}"
            ) from error
        return vocabulary

    @property
    def _first_id(self) -> int:
        return _SHARED + 2 * len(self.fields)

    @property
    def _dtype(self) -> str:
        return "int32" if self.size <= 2**31 else "int64"

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise UnknownKey.among(name, self.names)
        return self.names.index(name)


def _spec_of(tokenizer: Any) -> Spec:
    spec = getattr(tokenizer, "spec", tokenizer)
    if not isinstance(spec, Spec):
        raise ConfigError(
            f"A vocabulary is made of tokenizers or their specs, not {type(tokenizer).__name__}."
        )
    return spec


def _read_field(one: Mapping[str, Any]) -> VocabularyField:
    shape = one["shape"]
    if type(one["codes"]) is not int or not isinstance(one["name"], str):
        raise TypeError(f"a field is {one!r}")
    return VocabularyField(
        one["name"],
        one["codes"],
        None if shape is None else tuple(int(size) for size in shape),
        str(one["fingerprint"]),
    )


def _refuse(ids: Array, xp: Any, low: int, high: int, allowed: str) -> None:
    if "int" not in str(ids.dtype):
        raise DataError(f"Ids are whole numbers, not {ids.dtype}.")
    wide = ids if xp is np else cast(ids, "int64" if "64" in str(ids.dtype) else "int32")
    outside = (wide < low) | (wide > high)
    if bool(xp.any(outside)):
        raise DataError(f"{allowed}; id {int(wide[outside][0])} does not fit.")


def _as_ragged(name: str, ids: Array | Ragged | Field) -> Ragged:
    if isinstance(ids, Ragged):
        return Ragged(np.asarray(ids.values), np.asarray(ids.indptr))
    if isinstance(ids, Field):
        if ids.indptr is not None:
            return _inner_ragged(Ragged(ids.values, ids.indptr))
        ids = ids.values
    values = np.asarray(ids)
    if not values.shape:
        raise DataError(f"The ids of {name!r} are one number; give (rows, ...).")
    per_row = prod(values.shape[1:])
    return Ragged(values.ravel(), np.arange(len(values) + 1) * per_row)


def _inner_ragged(rows: Ragged) -> Ragged:
    inner = prod(rows.values.shape[1:])
    return Ragged(np.asarray(rows.values).ravel(), np.asarray(rows.indptr) * inner)


def _plain(sequences: Ragged | Array, pad: int) -> tuple[Any, Any]:
    if isinstance(sequences, Ragged):
        return np.asarray(sequences.values), np.asarray(sequences.indptr)
    values = np.asarray(sequences)
    real = values != pad
    indptr = np.concatenate([[0], np.cumsum(real.sum(1))])
    return values[real], indptr


def _shaped(one: VocabularyField, rows: Ragged) -> Array:
    assert one.shape is not None
    if (np.asarray(rows.lengths) != prod(one.shape)).any():
        raise DataError(
            f"Field {one.name!r} has {prod(one.shape)} ids in every row; a sequence has another "
            "number."
        )
    return rows.values.reshape((rows.rows, *one.shape))
