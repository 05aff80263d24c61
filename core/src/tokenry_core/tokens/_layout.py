"""Where each key's tokens lie in the flat array: static, hashable, the same for every batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..errors import ConfigError, ShapeError
from ._backend import constant_under_compile
from ._errors import UnknownKey
from ._tree import Tree


@dataclass(frozen=True)
class Slot:
    """The place of one key: its first token and the shapes that its values had."""

    offset: int
    event_shape: tuple[int, ...]
    batch_shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of tokens."""
        return prod(self.event_shape)

    @property
    def width(self) -> int:
        """Number of features of each token, before padding."""
        return prod(self.batch_shape)

    @property
    def stop(self) -> int:
        """The token after the last."""
        return self.offset + self.size


@dataclass(frozen=True)
class Layout:
    """The places of all keys, in order, and the number that labels each key's tokens.

    >>> layout = Layout.of({"mu": ((), (2,)), "obs": ((3,), (1,))})
    >>> layout.n_tokens, layout.width, layout["obs"].offset
    (4, 2, 1)
    """

    keys: tuple[str, ...]
    slots: tuple[Slot, ...]
    label_ids: tuple[int, ...]
    width: int
    tree: Tree | None = None

    @classmethod
    def of(
        cls,
        shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]],
        width: int = 0,
        tree: Tree | None = None,
    ) -> Layout:
        """Lay keys out one after the other, given each one's event shape and batch shape."""
        slots, offset = [], 0
        for event_shape, batch_shape in shapes.values():
            slots.append(Slot(offset, event_shape, batch_shape))
            offset = slots[-1].stop
        widest = max([width, *(slot.width for slot in slots)])
        return cls(tuple(shapes), tuple(slots), tuple(range(len(slots))), widest, tree)

    @classmethod
    def from_slices(cls, slices: Mapping[str, Mapping[str, Any]]) -> Layout:
        """Read slice metadata, `{key: {offset, event_shape, batch_shape}}`, as it stands."""
        slots = tuple(
            Slot(int(s["offset"]), tuple(s["event_shape"]), tuple(s.get("batch_shape", ())))
            for s in slices.values()
        )
        widest = max((slot.width for slot in slots), default=0)
        return cls(tuple(slices), slots, tuple(range(len(slots))), widest)

    @property
    def n_tokens(self) -> int:
        """Number of tokens of one sample."""
        return sum(slot.size for slot in self.slots)

    @property
    def places(self) -> dict[str, int]:
        """The position of each key in the order."""
        return {key: place for place, key in enumerate(self.keys)}

    @property
    def event_shapes(self) -> dict[str, tuple[int, ...]]:
        """Event shape by key."""
        return {key: slot.event_shape for key, slot in zip(self.keys, self.slots, strict=True)}

    @property
    def slices(self) -> dict[str, dict[str, Any]]:
        """The metadata as plain dictionaries: offset, event shape and batch shape by key."""
        return {
            key: {
                "offset": slot.offset,
                "event_shape": slot.event_shape,
                "batch_shape": slot.batch_shape,
            }
            for key, slot in zip(self.keys, self.slots, strict=True)
        }

    @property
    def label_map(self) -> dict[str, int]:
        """Label by key."""
        return dict(zip(self.keys, self.label_ids, strict=True))

    def __getitem__(self, key: str) -> Slot:
        if key not in self.keys:
            raise UnknownKey.among(key, self.keys)
        return self.slots[self.keys.index(key)]

    def select(self, keys: Sequence[str]) -> Layout:
        """Give the layout of some keys alone, in the order asked for, starting at token 0."""
        slots, offset = [], 0
        for key in keys:
            slot = self[key]
            slots.append(Slot(offset, slot.event_shape, slot.batch_shape))
            offset += slot.size
        labels = tuple(self.label_map[key] for key in keys)
        return Layout(tuple(keys), tuple(slots), labels, self.width)

    def checked(self, keys: str | Iterable[str]) -> tuple[str, ...]:
        """Give the keys as a tuple, each known and named once; one key may come alone."""
        chosen = (keys,) if isinstance(keys, str) else tuple(keys)
        for key in chosen:
            if key not in self.keys:
                raise UnknownKey.among(key, self.keys)
        if len(set(chosen)) < len(chosen):
            raise ConfigError(f"Keys {list(chosen)} name one key twice. Name each key once.")
        return chosen

    def check_flat(self, shape: Sequence[int]) -> None:
        """Refuse a flat array whose tokens or features are not those of this layout."""
        if len(shape) < 2:
            raise ShapeError(
                f"A flat array has shape (*sample, n_tokens, width), not {tuple(shape)}."
            )
        end = 0
        for slot in sorted(self.slots, key=lambda slot: (slot.offset, slot.size)):
            if slot.offset != end:
                raise ShapeError(
                    f"Slices overlap or leave a gap at token {min(end, slot.offset)}: "
                    f"{self.slices}."
                )
            end = slot.stop
        if shape[-2] != self.n_tokens:
            raise ShapeError(
                f"Slice metadata specifies {self.n_tokens} tokens but flat array has "
                f"{shape[-2]} tokens"
            )
        if any(slot.width > shape[-1] for slot in self.slots):
            raise ShapeError(
                f"Slice metadata specifies {max(slot.width for slot in self.slots)} features "
                f"but flat array has {shape[-1]}"
            )


def label_row(layout: Layout) -> np.ndarray[Any, Any]:
    """Give the label of each token, int32."""
    return _repeated(layout.label_ids, tuple(slot.size for slot in layout.slots))


def position_row(layout: Layout) -> np.ndarray[Any, Any]:
    """Give the place of each token within its key, int32."""
    return _counted(tuple(slot.size for slot in layout.slots))


def condition_row(layout: Layout, keys: Sequence[str]) -> np.ndarray[Any, Any]:
    """Give 1 for the tokens of these keys and 0 for the others, float32."""
    flags = tuple(float(key in keys) for key in layout.keys)
    return _repeated(flags, tuple(slot.size for slot in layout.slots), "float32")


@constant_under_compile
def _repeated(
    values: tuple[float, ...], times: tuple[int, ...], dtype: str = "int32"
) -> np.ndarray[Any, Any]:
    return _repeated_once(values, times, dtype)


@constant_under_compile
def _counted(sizes: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return _counted_once(sizes)


# torch.compile takes the marked functions above for constants, but would warn of a cache.
@lru_cache(maxsize=64)
def _repeated_once(
    values: tuple[float, ...], times: tuple[int, ...], dtype: str
) -> np.ndarray[Any, Any]:
    return _frozen(np.repeat(np.array(values, dtype), np.array(times, np.int64)))


@lru_cache(maxsize=64)
def _counted_once(sizes: tuple[int, ...]) -> np.ndarray[Any, Any]:
    parts = [np.arange(size, dtype=np.int32) for size in sizes]
    return _frozen(np.concatenate([np.empty(0, np.int32), *parts]))


def _frozen(row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    row.setflags(write=False)
    return row
