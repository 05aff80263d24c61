"""Two patches to two sequences of tokens, and which tokens show the same place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_patch2d._arguments import per_pair, quarter_turns
from tokenry_patch2d._grid import Grid, Size, make_grid
from tokenry_patch2d._overlaps import every_overlap
from tokenry_patch2d._relate import Relation, relate
from tokenry_patch2d._tokens import as_tensor
from tokenry_patch2d._windows import windows

__all__ = ["build_sequence_pair"]

Out = Mapping[str, torch.Tensor] | Sequence[torch.Tensor]


def build_sequence_pair(
    patch1: torch.Tensor,
    patch2: torch.Tensor,
    dx: float | torch.Tensor,
    dy: float | torch.Tensor,
    rot_k90: int | torch.Tensor,
    patch_size: Size,
    stride: Size | None = None,
    *,
    out: Out | None = None,
    reverse: Literal["first", "best"] = "first",
    rotation: Literal["cw", "ccw"] = "cw",
    all_overlaps: bool = False,
) -> dict[str, torch.Tensor]:
    """Give the tokens of two patches, and for each the token of the other that shows most of it.

    Patch 2 was taken (dx, dy) pixels right of and below patch 1 and then turned `rot_k90` quarter
    turns clockwise. Patches are (C, H, W), or batches (N, C, H, W) with a shift and a turn for
    all or one per pair. A shift that is infinite or NaN matches nothing.

    The result holds, for a batch with N in front:

    - `tokens1`, `tokens2` (T, D) and `coords1`, `coords2` (T, 2), as `tokenize_patch` gives them;
    - `overlap_mask1` (T,), `overlap_indices1_to_2` (T,): the token of patch 2 that shares the
      largest area with a token of patch 1, the lowest on ties, -1 for none, and
      `overlap_fractions` (T,), that area as a fraction of a token;
    - `overlap_mask2`, `overlap_indices2_to_1` (T,): the way back;
    - `overlap_pairs` (P, 2): the matches (i, j), padded with -1 in a batch;
    - for a batch, `sequence_lengths` and `overlap_pair_counts` (N,).

    Options:

    - `reverse`: the way back points to the `"first"` token of patch 1 whose match it is, or to the
      `"best"`, the one that shares the largest area.
    - `rotation="ccw"`: patch 2 was turned by `torch.rot90` with k = `rot_k90`, counter-clockwise.
    - `all_overlaps=True` adds each pair of tokens that shares any area: `all_overlaps_flat` (M, 2),
      `all_overlap_fractions_flat` (M,) and, for a batch, `all_overlaps_indptr` (N + 1,).
    - `out`: the result of a former call of the same shapes, or its two token tensors: tokens are
      written there, which is faster than into new memory.

    >>> image = torch.arange(100.0).view(1, 10, 10)
    >>> patch1, patch2 = image[:, :8, :8], torch.rot90(image[:, 2:, 1:9], -1, (1, 2))
    >>> pair = build_sequence_pair(patch1, patch2, dx=1, dy=2, rot_k90=1, patch_size=4, stride=1)
    >>> i, j = pair["overlap_pairs"][pair["overlap_fractions"][pair["overlap_mask1"]] == 1.0][0]
    >>> first, second = pair["tokens1"][i].view(4, 4), pair["tokens2"][j].view(4, 4)
    >>> torch.equal(first, torch.rot90(second, 1))
    True
    """
    patch1, patch2 = as_tensor(patch1), as_tensor(patch2)
    _check_patches(patch1, patch2)
    if reverse not in ("first", "best"):
        raise ConfigError(f'reverse must be "first" or "best", got {reverse!r}')
    grid = make_grid((patch1.shape[-2], patch1.shape[-1]), patch_size, stride)
    batched, device = patch1.ndim == 4, patch1.device
    count = patch1.shape[0] if batched else 1
    turn = quarter_turns(rot_k90, count, rotation, device)
    _check_turn(turn, grid)
    shift_x = per_pair(dx, count, "dx", torch.float64, device)
    shift_y = per_pair(dy, count, "dy", torch.float64, device)

    relation = relate(grid, shift_x, shift_y, turn, reverse)
    out1, out2 = _outputs(out)
    result = _tokens(patch1, patch2, grid, out1, out2) | _named(relation, batched)
    if batched:
        result["sequence_lengths"] = torch.full((count,), grid.tokens, device=device)
        result["overlap_pair_counts"] = relation.counts
    if all_overlaps:
        flat, fractions, indptr = every_overlap(grid, shift_x, shift_y, turn)
        result |= {"all_overlaps_flat": flat, "all_overlap_fractions_flat": fractions}
        if batched:
            result["all_overlaps_indptr"] = indptr
    return result


def _tokens(
    patch1: torch.Tensor,
    patch2: torch.Tensor,
    grid: Grid,
    out1: torch.Tensor | None,
    out2: torch.Tensor | None,
) -> dict[str, torch.Tensor]:
    corners1, corners2 = grid.coords(patch1.device), grid.coords(patch1.device)
    if patch1.ndim == 4:
        corners1 = corners1.expand(patch1.shape[0], -1, -1)
        corners2 = corners2.expand(patch1.shape[0], -1, -1)
        tokens1, tokens2 = windows(patch1, grid, out1), windows(patch2, grid, out2)
    else:
        tokens1 = windows(patch1[None], grid, None if out1 is None else out1[None])[0]
        tokens2 = windows(patch2[None], grid, None if out2 is None else out2[None])[0]
    return {"tokens1": tokens1, "tokens2": tokens2, "coords1": corners1, "coords2": corners2}


def _named(relation: Relation, batched: bool) -> dict[str, torch.Tensor]:
    names = {
        "overlap_mask1": relation.forth_mask,
        "overlap_mask2": relation.back_mask,
        "overlap_indices1_to_2": relation.forth,
        "overlap_indices2_to_1": relation.back,
        "overlap_fractions": relation.fractions,
        "overlap_pairs": relation.pairs,
    }
    return names if batched else {name: values[0] for name, values in names.items()}


def _outputs(out: Out | None) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    if out is None:
        return None, None
    try:
        tokens1, tokens2 = (
            (out["tokens1"], out["tokens2"]) if isinstance(out, Mapping) else tuple(out)
        )
    except (KeyError, TypeError, ValueError):
        raise ConfigError(
            'out must be the result of a former call, or any mapping with "tokens1" and "tokens2", '
            f"or two tensors, got {type(out).__name__}"
        ) from None
    return tokens1, tokens2


def _check_patches(patch1: torch.Tensor, patch2: torch.Tensor) -> None:
    shapes = f"got {tuple(patch1.shape)} and {tuple(patch2.shape)}"
    if patch1.ndim not in (3, 4) or patch2.ndim != patch1.ndim:
        raise ShapeError(
            f"Both patches must be 3D (C, H, W) or 4D (N, C, H, W) and of one rank, {shapes}"
        )
    if patch1.ndim == 4 and patch1.shape[0] != patch2.shape[0]:
        raise ShapeError(
            f"Batch sizes must match: patch1 has {patch1.shape[0]} patches, "
            f"patch2 has {patch2.shape[0]}"
        )
    if patch1.shape[-3:] != patch2.shape[-3:]:
        raise ShapeError(f"Patches must have same shape, {shapes}")
    if patch1.device != patch2.device:
        raise ConfigError(
            f"Both patches must be on one device, got {patch1.device} and {patch2.device}"
        )


def _check_turn(turn: torch.Tensor, grid: Grid) -> None:
    height, width = grid.extent
    if height != width and bool((turn % 2 == 1).any()):
        raise ConfigError(
            f"rot_k90 must be even for patches that are not square: an odd number of quarter turns "
            f"would make a ({height}, {width}) patch ({width}, {height}). Use square patches, or "
            "turns 0 and 2"
        )
