"""Where the tokens of each key are."""

import numpy as np

from tokenry_core.tokens import BlockSummary, Layout, Slot, Tokens


def test_a_slot_knows_its_tokens_and_its_width():
    layout = Tokens.from_pytree({"mu": np.ones((2, 1)), "obs": np.ones((2, 3, 2))}).layout
    assert isinstance(layout, Layout)
    assert layout["obs"] == Slot(offset=1, event_shape=(3,), batch_shape=(2,))
    assert (layout["obs"].size, layout["obs"].stop, layout["obs"].width) == (3, 4, 2)


def test_blocks_of_a_layout_are_counted():
    tokens = Tokens.from_pytree({"mu": np.ones((2, 1)), "obs": np.ones((2, 3, 1))})
    found = tokens.block_summary(block_size=2)
    assert isinstance(found, BlockSummary)
    assert (found.n_queries, found.n_keys, found.block_size) == (4, 4, 2)
    assert found.density == 1
