"""Some keys of tokens, computed when asked for and remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ._backend import Array, as_arrays, concat, is_traced
from ._describe import labels_of, padding_of, positions_of
from ._flatten import decode_layout
from ._jax import when_jax_is_there
from ._layout import Layout
from ._tokens import Tokens


@dataclass(frozen=True, eq=False)
class TokenView:
    """Some keys of `parent`, in the order of `selected_keys`, with slices that start at token 0.

    Keys that lie side by side in the parent share its memory in NumPy and torch; others are
    copied when their data is first asked for.

    >>> import numpy as np
    >>> tokens = Tokens.from_pytree({"a": np.zeros((2, 3, 1)), "b": np.ones((2, 4, 1))})
    >>> view = tokens.select_tokens(["b"])
    >>> view.slices
    {'b': {'offset': 0, 'event_shape': (4,), 'batch_shape': (1,)}}
    >>> np.shares_memory(view.data, tokens.data)
    True
    """

    parent: Tokens
    selected_keys: tuple[str, ...]
    _cache: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def layout(self) -> Layout:
        """The places of the selected keys, from token 0."""
        layout: Layout
        layout = self._once("layout", lambda: self.parent.layout.select(self.selected_keys))
        return layout

    @property
    def data(self) -> Array:
        """The selected tokens, (*sample, n_selected, max_batch_size)."""
        return self._once("data", lambda: self._cut(self.parent.data))

    @property
    def functional_inputs(self) -> Array | None:
        """The functional inputs of the selected tokens."""
        inputs = self.parent.functional_inputs
        if inputs is None:
            return None
        return self._once("functional_inputs", lambda: self._cut(inputs))

    @property
    def labels(self) -> Array:
        """The labels that the tokens have in the parent."""
        return self._once("labels", lambda: labels_of(self.layout, self._shaped))

    @property
    def positions(self) -> Array:
        """The place of each token within its key."""
        return self._once("positions", lambda: positions_of(self.layout, self._shaped))

    @property
    def self_attention_mask(self) -> Array:
        """Which selected token may attend to which, float32; one allows."""
        return self._once("self_attention_mask", lambda: self.attention_mask("float32"))

    @property
    def padding_mask(self) -> Array:
        """Which selected tokens are real, float32."""
        return self._once(
            "padding_mask",
            lambda: padding_of(self.layout, self.parent.event_shapes, self._shaped, "float32"),
        )

    @property
    def slices(self) -> dict[str, dict[str, Any]]:
        """Offset, event shape and batch shape of the selected keys, from token 0."""
        return self.layout.slices

    @property
    def label_map(self) -> dict[str, int]:
        """The label of each selected key's tokens, as in the parent."""
        return self.layout.label_map

    @property
    def key_order(self) -> list[str]:
        """The selected keys in the order of their tokens."""
        return list(self.selected_keys)

    def attention_mask(self, dtype: object = bool, padding: bool = False) -> Array:
        """Give the self-attention mask as torch takes it; with `padding`, of each sample."""
        keys = self.selected_keys
        return self.parent.attention_mask(keys, keys, dtype, padding)

    def cross_attention_mask(
        self, keys: TokenView | Iterable[str], dtype: object = "float32"
    ) -> Array:
        """Give which selected token may attend to which token of another view, or of some keys."""
        others = keys.selected_keys if isinstance(keys, TokenView) else keys
        return self.parent.cross_attention_mask(self.selected_keys, others, dtype)

    def decode(self, flat: Array | None = None) -> dict[str, Array]:
        """Give the selected keys' values, from this view's data or from a flat array like it."""
        flat = self.data if flat is None else flat
        return decode_layout(flat, self.layout, self.selected_keys)

    def to_tokens(self) -> Tokens:
        """Give tokens of the selected keys alone."""
        kept = self.parent.independence.among(self.selected_keys)
        shapes = self.parent.event_shapes
        extents = {key: shapes[key] for key in self.selected_keys if key in shapes}
        return Tokens(self.data, self.layout, kept, self.functional_inputs, extents)

    @property
    def _shaped(self) -> Array:
        """An array of the view's shape: only its shape and library are looked at."""
        run = self._run()
        return self.data if run is None else self.parent.data[..., run[0] : run[1], :]

    def _run(self) -> tuple[int, int] | None:
        """Give the first token and the end of the selection where it is one stretch."""
        slots = [self.parent.layout[key] for key in self.selected_keys]
        start = end = slots[0].offset if slots else 0
        for slot in slots:
            if slot.offset != end:
                return None
            end = slot.stop
        return start, end

    def _cut(self, array: Array) -> Array:
        run = self._run()
        if run is not None:
            return array[..., run[0] : run[1], :]
        slots = (self.parent.layout[key] for key in self.selected_keys)
        xp, _ = as_arrays([array])
        return concat([array[..., slot.offset : slot.stop, :] for slot in slots], -2, xp)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name in self._cache:
            return self._cache[name]
        value = make()
        if not is_traced(value):  # a tracer must not outlive its trace
            self._cache[name] = value
        return value


def _register(tree_util: Any) -> None:
    tree_util.register_pytree_node(
        TokenView,
        lambda view: ((view.parent,), view.selected_keys),
        lambda keys, parents: TokenView(parents[0], keys),
    )


when_jax_is_there(_register)
