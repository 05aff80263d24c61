"""The training-ready container: all fields of a sample in one array, selectable by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ShapeError
from ._assemble import assemble, event_shapes_of
from ._backend import (
    Array,
    broadcast_constant,
    cast,
    dtype_name,
    in_library_of,
    static_shape,
)
from ._block_summary import BlockSummary, block_summary
from ._describe import attention_of, labels_of, padding_of, positions_of
from ._flatten import decode_layout, replace_values
from ._functional import align_functional_inputs
from ._independence import Independence
from ._jax import when_jax_is_there
from ._layout import Layout, Slot, condition_row
from ._mask_function import MaskFunction, mask_function
from ._masks import check_extent
from ._structure import read_structure, warn_of_padding
from ._tree import flatten_tree

if TYPE_CHECKING:
    from ._view import TokenView


@dataclass(frozen=True, eq=False, repr=False)
class Tokens:
    """All fields of the samples in one flat array, with labels, masks and slices by key.

    Make them with `from_pytree`. `data` has shape (*sample, n_tokens, max_batch_size). The arrays
    are NumPy's, torch's or JAX's; under `jax.jit` and `jax.vmap` the arrays are leaves and all
    else is static. Masks are made when asked for: keep one rather than asking again.

    >>> import numpy as np
    >>> data = {"mu": np.ones((8, 1, 1)), "theta": np.ones((8, 5, 1)), "obs": np.ones((8, 5, 2))}
    >>> tokens = Tokens.from_pytree(data, {"local": ["theta"], "cross": [("mu", "obs")]})
    >>> tokens
    Tokens(data=(8, 11, 2) float64, mu=1, theta=5, obs=5)
    >>> tokens.select_tokens(["theta", "obs"]).data.shape
    (8, 10, 2)
    """

    data: Array
    layout: Layout
    independence: Independence = field(default_factory=Independence)
    functional_inputs: Array | None = None
    event_shapes: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def from_pytree(
        cls,
        data: Any,
        independence: Independence | Mapping[str, Any] | None = None,
        functional_inputs: Any = None,
        sample_ndims: int = 1,
        batch_ndims: Any = None,
        key_order: Sequence[str] | None = None,
        *,
        pad_value: float = 0.0,
        event_shapes: Mapping[str, Array] | None = None,
        out: Tokens | None = None,
    ) -> Tokens:
        """Flatten a pytree of arrays, each of shape (*sample, *event, *batch).

        Event dimensions become tokens in C order; the `batch_ndims` trailing dimensions (1, or by
        key) become features, padded with `pad_value` to the widest key. Keys keep the order given
        (JAX sorts the keys of a dict that enters `jit`: there, give `key_order`). A leaf may be
        `Ragged`; `event_shapes` says for padded leaves how much of each sample is real. `out` are
        earlier NumPy tokens of this structure whose memory is overwritten.
        """
        rules = Independence.of(independence)
        structure = read_structure(data, sample_ndims, batch_ndims, key_order, None, rules)
        warn_of_padding(structure)
        layout, samples = structure.layout, structure.sample_shape
        if out is not None and out.layout != layout:
            raise ShapeError(f"out holds another structure: {out}; this batch has {layout.slices}.")
        memory = None if out is None else out.data
        extents = event_shapes_of(structure.leaves, layout)
        flat = assemble(layout, structure.leaves, samples, pad_value, memory)
        inputs = align_functional_inputs(
            functional_inputs, layout, len(samples), sample_shape=samples
        )
        for key, shape in (event_shapes or {}).items():
            extents[layout.checked(key)[0]] = _extent(key, layout[key], shape, samples)
        return cls(
            flat,
            layout,
            rules,
            None if inputs is None else in_library_of(flat, inputs),
            {key: in_library_of(flat, extent) for key, extent in extents.items()},
        )

    @property
    def slices(self) -> dict[str, dict[str, Any]]:
        """Offset, event shape and batch shape by key."""
        return self.layout.slices

    @property
    def label_map(self) -> dict[str, int]:
        """The label of each key's tokens."""
        return self.layout.label_map

    @property
    def key_order(self) -> list[str]:
        """The keys in the order of their tokens."""
        return list(self.layout.keys)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The leading dimensions: none inside `jax.vmap` over samples."""
        return static_shape(self.data, "data")[:-2]

    @property
    def labels(self) -> Array:
        """Which key each token is from, (*sample, n_tokens), int32; samples share the memory."""
        return labels_of(self.layout, self.data)

    @property
    def positions(self) -> Array:
        """The place of each token within its key, (*sample, n_tokens), int32."""
        return positions_of(self.layout, self.data)

    @property
    def self_attention_mask(self) -> Array:
        """Which token may attend to which, (n_tokens, n_tokens), float32; one allows."""
        return self.attention_mask(dtype="float32")

    @property
    def padding_mask(self) -> Array:
        """Which tokens are real, (*sample, n_tokens), float32; one is real."""
        return padding_of(self.layout, self.event_shapes, self.data, "float32")

    def attention_mask(
        self,
        query_keys: Iterable[str] | None = None,
        key_keys: Iterable[str] | None = None,
        dtype: object = bool,
        padding: bool = False,
    ) -> Array:
        """Give the mask as torch's attention takes it: boolean, true where it may attend.

        With `padding`, padded key tokens are forbidden too and the samples come first.
        """
        query, key = self._chosen(query_keys), self._chosen(key_keys)
        if not padding:
            return attention_of(query, key, self.independence, self.data, dtype)
        allowed = attention_of(query, key, self.independence, self.data, bool)
        real = padding_of(key, self.event_shapes, self.data, bool)
        return cast(allowed & real[..., None, :], dtype)

    def cross_attention_mask(
        self, query_keys: Iterable[str], key_keys: Iterable[str], dtype: object = "float32"
    ) -> Array:
        """Give which token of `query_keys` may attend to which token of `key_keys`."""
        return self.attention_mask(query_keys, key_keys, dtype)

    def mask_function(
        self,
        query_keys: Iterable[str] | None = None,
        key_keys: Iterable[str] | None = None,
        padding: bool = False,
    ) -> MaskFunction:
        """Give the mask as a function of (batch, head, query, key), for torch's flex attention."""
        query, key = self._chosen(query_keys), self._chosen(key_keys)
        real = padding_of(key, self.event_shapes, self.data, bool) if padding else None
        return mask_function(query, key, self.independence, self.data, real)

    def block_summary(
        self,
        query_keys: Iterable[str] | None = None,
        key_keys: Iterable[str] | None = None,
        block_size: int = 128,
    ) -> BlockSummary:
        """Count what each block of the mask allows, without building the mask."""
        query, key = self._chosen(query_keys), self._chosen(key_keys)
        return block_summary(query, key, self.independence, block_size)

    def condition(self, keys: Iterable[str]) -> Array:
        """Give 1 for the tokens of these keys and 0 for the others, (*sample, n_tokens)."""
        row = condition_row(self.layout, self.layout.checked(keys))
        return broadcast_constant(row, self.data.shape[:-1], self.data)

    def select_tokens(self, keys: Iterable[str]) -> TokenView:
        """Give a view of some keys, in the order asked for; neighbours share this memory."""
        from ._view import TokenView

        return TokenView(self, self.layout.checked(keys))

    def with_values(self, /, **key_values: Any) -> Tokens:
        """Give new tokens in which some keys have new values; a nested key takes a nested value."""
        values: dict[str, Array] = {}
        for key, value in key_values.items():
            values.update(self._named(key, value))
        return replace(self, data=replace_values(self.data, self.layout, values))

    def with_data(self, flat: Array) -> Tokens:
        """Give new tokens with another flat array of the same layout, say with noise added."""
        self.layout.check_flat(flat.shape)
        return replace(self, data=flat)

    def decode(self, flat: Array | None = None) -> Any:
        """Give back the pytree, nested as it was, from this data or from a flat array like it."""
        flat = self.data if flat is None else flat
        decoded = decode_layout(flat, self.layout, self.layout.keys)
        tree = self.layout.tree
        return decoded if tree is None else tree.build(decoded[key] for key in tree.leaf_keys())

    def decode_keys(self, flat: Array | None, keys: Iterable[str]) -> dict[str, Array]:
        """Give some keys' values from a flat array of all tokens, or of exactly these keys'."""
        flat = self.data if flat is None else flat
        chosen = self.layout.checked(keys)
        part = self.layout.select(chosen)
        alone = flat.shape[-2] == part.n_tokens != self.layout.n_tokens
        return decode_layout(flat, part if alone else self.layout, chosen)

    def map(self, function: Callable[[Array], Array]) -> Tokens:
        """Give tokens with a function applied to every array: to move them to torch or a device."""
        inputs = self.functional_inputs
        return replace(
            self,
            data=function(self.data),
            functional_inputs=None if inputs is None else function(inputs),
            event_shapes={key: function(shape) for key, shape in self.event_shapes.items()},
        )

    def __getitem__(self, samples: Any) -> Tokens:
        """Give some samples: `tokens[:32]`, `tokens[order]`."""
        if not self.sample_shape:
            raise ShapeError("These tokens have no sample dimension left to choose from.")
        return self.map(lambda array: array[samples])

    def __repr__(self) -> str:
        data = self.data
        shown = repr(data)
        if hasattr(data, "shape"):
            shown = f"{tuple(data.shape)} {dtype_name(data.dtype)}"
        sizes = (f"{k}={s.size}" for k, s in zip(self.layout.keys, self.layout.slots, strict=True))
        return f"Tokens(data={shown}, {', '.join(sizes)})"

    def _chosen(self, keys: Iterable[str] | None) -> Layout:
        return self.layout if keys is None else self.layout.select(self.layout.checked(keys))

    def _named(self, key: str, value: Any) -> dict[str, Array]:
        if key in self.layout.keys or not isinstance(value, Mapping | list | tuple):
            return {self.layout.checked(key)[0]: value}
        names, leaves, _ = flatten_tree({key: value})
        return {self.layout.checked(n)[0]: leaf for n, leaf in zip(names, leaves, strict=True)}


def _extent(key: str, slot: Slot, shape: Any, samples: tuple[int, ...]) -> Array:
    if isinstance(shape, tuple | list):
        shape = np.asarray(shape, np.int32)
    check_extent(key, slot, shape)
    if tuple(shape.shape[:-1]) == samples:
        return shape
    return broadcast_constant(shape, (*samples, shape.shape[-1]), shape)


def _register(tree_util: Any) -> None:
    names = ("data", "functional_inputs", "event_shapes")

    def take(tokens: Tokens) -> tuple[tuple[Any, ...], Any]:
        leaves = tuple(getattr(tokens, name) for name in names)
        return leaves, (tokens.layout, tokens.independence)

    def take_named(tokens: Tokens) -> tuple[tuple[Any, ...], Any]:
        leaves, static = take(tokens)
        keys = (tree_util.GetAttrKey(name) for name in names)
        return tuple(zip(keys, leaves, strict=True)), static

    def build(static: tuple[Layout, Independence], leaves: Sequence[Any]) -> Tokens:
        return Tokens(leaves[0], *static, *leaves[1:])

    tree_util.register_pytree_with_keys(Tokens, take_named, build, take)


when_jax_is_there(_register)
