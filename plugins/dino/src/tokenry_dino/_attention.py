"""Attention in bfloat16 on a CPU, as matrix products of row blocks.

torch's fused attention for CPUs gains nothing from bfloat16 units. Two plain products do, where
the scores of a block of rows stay in the cache between them: softmax is taken over whole rows, so
that no block needs another's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

__all__ = ["BlockedAttention", "blocked_attention"]

ROWS = 512


def blocked_attention(query: Tensor, key: Tensor, value: Tensor, rows: int = ROWS) -> Tensor:
    """Give attention over (B, heads, T, width) tensors without a mask."""
    out = torch.empty_like(query, memory_format=torch.contiguous_format)
    query = query * (1 / math.sqrt(query.shape[-1]))
    keys = key.transpose(-1, -2).contiguous()
    value = value.contiguous()
    tokens = query.shape[-2]
    for image in range(query.shape[0]):
        for head in range(query.shape[1]):
            q, k, v = query[image, head], keys[image, head], value[image, head]
            for start in range(0, tokens, rows):
                stop = min(start + rows, tokens)
                scores = torch.softmax(q[start:stop] @ k, -1)
                torch.mm(scores, v, out=out[image, head, start:stop])
    return out


class BlockedAttention(TorchFunctionMode):
    """Within this context, and this thread, models use `blocked_attention` where it is faster."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Replace the fused attention, and nothing else."""
        kwargs = kwargs or {}
        if func is scaled_dot_product_attention and _plain(*args, **kwargs):
            # autocast would take softmax, and with it the second product, to float32
            with torch.autocast("cpu", enabled=False):
                return blocked_attention(*args[:3])
        return func(*args, **kwargs)


def _plain(
    query: Tensor,
    key: Tensor | None = None,
    value: Tensor | None = None,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **others: Any,
) -> bool:
    return (
        query.dtype == torch.bfloat16
        and query.device.type == "cpu"
        and query.ndim == 4
        and key is not None
        and value is not None
        and query.shape[:2] == key.shape[:2] == value.shape[:2]
        and attn_mask is None
        and not dropout_p
        and not is_causal
        and not any(others.values())
    )
