"""Copy the windows of images into rows of tokens: by compiled kernel, or in torch's own terms."""

from __future__ import annotations

import torch

from tokenry_core.errors import ConfigError, ShapeError
from tokenry_patch2d._grid import Grid, host_starts
from tokenry_patch2d._memory import fresh
from tokenry_patch2d._threads import split

__all__ = ["has_host_memory", "windows"]

STREAM_FROM = 8 << 20  # bytes; a smaller output is better left in the cache for its reader


def windows(images: torch.Tensor, grid: Grid, out: torch.Tensor | None = None) -> torch.Tensor:
    """Give the windows of images (N, C, H, W) as tokens (N, T, C * area), in row-major order."""
    if out is not None:
        _check_out(images, grid, out)
    if has_host_memory(images) and (out is None or has_host_memory(out)):
        return _by_kernel(images, grid, out)
    tokens = traced_windows(images, grid)
    return tokens if out is None else out.copy_(tokens)


def traced_windows(images: torch.Tensor, grid: Grid) -> torch.Tensor:
    """Give the same tokens in plain torch: any device, differentiable, traceable.

    On a regular grid the windows are a view and one copy lays them out. A moved-back window is not
    on the lattice, so there each token gathers its pixels by position.
    """
    (count, channels, height, width), (ny, nx) = images.shape, grid.count
    (py, px), (sy, sx) = grid.size, grid.step
    shape = (count, grid.tokens, channels * grid.area)
    if all(grid.regular):
        view = images.unfold(2, py, sy).unfold(3, px, sx)
        return view.permute(0, 2, 3, 1, 4, 5).reshape(shape)
    device = images.device
    ys = grid.starts(0, device).view(ny, 1, 1, 1, 1) + torch.arange(py, device=device).view(-1, 1)
    xs = grid.starts(1, device).view(1, nx, 1, 1, 1) + torch.arange(px, device=device)
    planes = torch.arange(channels, device=device).view(-1, 1, 1)
    places = (planes * height + ys) * width + xs
    pixels = images.reshape(count, channels * height * width)
    return pixels.index_select(1, places.reshape(-1)).view(shape)


def has_host_memory(tensor: torch.Tensor) -> bool:
    """Whether a kernel may read the tensor by address, with nobody to notice.

    Not on another device, not where a gradient, a trace or a transform has to see each operation,
    and not in a subclass (fake, distributed, vmapped) that may hold no memory at all.
    """
    return (
        tensor.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and not (tensor.requires_grad and torch.is_grad_enabled())
        and not torch._C._are_functorch_transforms_active()
        and torch.autograd.forward_ad._current_level < 0
    )


def _by_kernel(images: torch.Tensor, grid: Grid, out: torch.Tensor | None) -> torch.Tensor:
    from tokenry_patch2d._kernels import copy_windows

    images = images.detach().resolve_conj().resolve_neg()
    if images.stride(3) != 1 and images.shape[3] > 1:
        images = images.contiguous()  # a kernel copies whole rows of a window
    (count, channels), item = images.shape[:2], images.element_size()
    tokens = out
    if tokens is None or not tokens.is_contiguous():
        tokens = fresh((count, grid.tokens, channels * grid.area), images.dtype)
    if tokens.numel():
        (ys, xs), (height, width) = host_starts(grid), grid.size
        strides = tuple(step * item for step in images.stride()[:3])
        written = tokens.numel() * item
        stream = _stream_width(tokens.data_ptr(), width * item, written, reused=tokens is out)
        fixed = (channels, ys, xs, item, height, width * item, stream)
        target, source = tokens.data_ptr(), images.data_ptr()
        split(
            lambda start, stop: copy_windows(target, source, strides, *fixed, start, stop),
            count * len(ys),
            written,
        )
    return tokens if out is None or tokens is out else out.copy_(tokens)


def _stream_width(address: int, row: int, written: int, reused: bool) -> int:
    if written < STREAM_FROM:
        return 0
    # Measured: into mapped memory the widest store wins, on new pages the narrowest.
    widths = (64, 32, 16) if reused else (16,)
    return next((width for width in widths if row % width == 0 == address % width), 0)


def _check_out(images: torch.Tensor, grid: Grid, out: torch.Tensor) -> None:
    shape = (images.shape[0], grid.tokens, images.shape[1] * grid.area)
    if tuple(out.shape) != shape or out.dtype != images.dtype or out.device != images.device:
        raise ShapeError(
            f"out must have shape {shape}, dtype {images.dtype} and device {images.device}, "
            f"got {tuple(out.shape)}, {out.dtype} and {out.device}"
        )
    if torch.is_grad_enabled() and (images.requires_grad or out.requires_grad):
        raise ConfigError(
            "out= cannot be used where gradients are recorded: leave out= away, "
            "or call inside torch.no_grad()"
        )
