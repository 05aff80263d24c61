"""Compiled loops of the host path; `_windows` and `_matches` hold the definitions they must equal.

Windows are copied by address and byte count, so one compiled kernel serves every dtype. All kernels
release the GIL and are serial: `_threads` splits the work, because numba's own thread pools abort a
process that forks (as data loaders do).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tokenry_patch2d._matches import FAR, NEAR

__all__ = ["copy_windows", "fill_pairs", "match_axes"]

Array = NDArray[Any]
Axis = tuple[int, int, int]  # extent, size, step


def _block_copy(width: int, streaming: bool) -> Any:
    """Build the copy of `width` bytes between two addresses.

    A streaming store bypasses the cache: the line written is not read first, and what the caller
    will read next is not pushed out. It needs an aligned destination.
    """

    @intrinsic
    def copy(typingctx: Any, target: Any, source: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = ir.VectorType(ir.IntType(8), width).as_pointer()
            value = builder.load(builder.inttoptr(args[1], vector), align=1)
            store = builder.store(
                value, builder.inttoptr(args[0], vector), align=width if streaming else 1
            )
            if streaming:
                once = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
                store.set_metadata("nontemporal", once)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp), codegen

    return copy


_copy1, _copy2, _copy4, _copy8 = (_block_copy(width, False) for width in (1, 2, 4, 8))
_copy16, _copy64 = _block_copy(16, False), _block_copy(64, False)
_stream16, _stream32, _stream64 = (_block_copy(width, True) for width in (16, 32, 64))


@intrinsic
def _fence(typingctx: Any) -> Any:
    """Make streamed stores visible to other threads before the kernel returns."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), codegen


@njit(inline="always")
def _copy_row(target: int, source: int, length: int) -> None:
    """Copy `length` bytes in blocks; the last overlaps its neighbour instead of a byte loop."""
    if length >= 16:
        done = 0
        while done + 64 <= length:
            _copy64(target + done, source + done)
            done += 64
        while done + 16 <= length:
            _copy16(target + done, source + done)
            done += 16
        if done < length:
            _copy16(target + length - 16, source + length - 16)
    elif length >= 8:
        _copy8(target, source)
        _copy8(target + length - 8, source + length - 8)
    elif length >= 4:
        _copy4(target, source)
        _copy4(target + length - 4, source + length - 4)
    elif length >= 2:
        _copy2(target, source)
        _copy2(target + length - 2, source + length - 2)
    else:
        _copy1(target, source)


@njit
def _stream_by_row(
    out: int,
    image: int,
    strides: tuple[int, int, int],
    channels: int,
    xs: Array,
    item: int,
    height: int,
    length: int,
) -> None:
    """Copy a row of windows pixel row by pixel row: the source is read as it lies in memory.

    Stores go from token to token, which costs nothing where each fills whole lines.
    """
    token = channels * height * length
    for channel in range(channels):
        for y in range(height):
            row = image + channel * strides[1] + y * strides[2]
            place = out + (channel * height + y) * length
            for x in xs:
                for block in range(0, length, 64):
                    _stream64(place + block, row + x * item + block)
                place += token


@njit
def _copy_by_token(
    out: int,
    image: int,
    strides: tuple[int, int, int],
    channels: int,
    xs: Array,
    item: int,
    height: int,
    length: int,
    stream: int,
) -> None:
    """Copy a row of windows token by token: the target is written as it lies in memory."""
    for x in xs:
        for channel in range(channels):
            row = image + channel * strides[1] + x * item
            for _ in range(height):
                if stream == 32:
                    for block in range(0, length, 32):
                        _stream32(out + block, row + block)
                elif stream == 16:
                    for block in range(0, length, 16):
                        _stream16(out + block, row + block)
                else:
                    _copy_row(out, row, length)
                out += length
                row += strides[2]


@njit(
    "void(intp, intp, UniTuple(intp, 3), intp, Array(int64, 1, 'C', readonly=True),"
    " Array(int64, 1, 'C', readonly=True), intp, intp, intp, intp, intp, intp)",
    nogil=True,
    cache=True,
)
def copy_windows(
    target: int,
    source: int,
    strides: tuple[int, int, int],
    channels: int,
    ys: Array,
    xs: Array,
    item: int,
    height: int,
    length: int,
    stream: int,
    job: int,
    stop: int,
) -> None:
    """Write the windows of rows of windows `job` to `stop`, counted through all images.

    `strides` are the bytes between images, channels and pixel rows; `length` is the bytes of one
    window row. `stream` is the width of streaming stores, or 0.
    """
    token = channels * height * length
    while job < stop:
        image = source + (job // ys.size) * strides[0] + ys[job % ys.size] * strides[2]
        out = target + job * xs.size * token
        if stream == 64:
            _stream_by_row(out, image, strides, channels, xs, item, height, length)
        else:
            _copy_by_token(out, image, strides, channels, xs, item, height, length, stream)
        job += 1
    if stream:
        _fence()


@njit
def _match_axis(
    own: Axis, met: Axis, shift: float, flip: bool, windows: Array, overlaps: Array
) -> int:
    """Fill the best window and its overlap for each window of one axis; give how many found one."""
    (extent, length, stride), (met_extent, size, step) = own, met
    last, final = extent - length, met_extent - size
    near = abs(shift) < FAR  # not so for NaN
    whole = int(np.rint(shift)) if near else FAR
    part = shift - whole if near else 0.0
    quarters = 2 if abs(part) > 0.5 - NEAR else 0 if abs(part) < NEAR else 1
    if part < 0:
        quarters = -quarters
    inside, found = min(length, size), 0
    highest = -(-final // step)
    for n in range(windows.size):
        start = min(n * stride, last)
        low = (last - start if flip else start) + whole
        plateau = 4 * (low + min(0, length - size)) + quarters
        after = min(max(-((-plateau) // (4 * step)), 0), highest)
        best, most = -1, 0
        for window in range(max(after - 1, 0), after + 1):
            gap = 4 * (low - min(window * step, final)) + quarters
            shared = min(4 * inside, 4 * length + gap, 4 * size - gap)
            if shared > most:
                best, most = window, shared
        windows[n] = best
        overlaps[n] = 0.0
        if best >= 0:
            gap = low - min(best * step, final)
            overlaps[n] = min(float(inside), (length + gap) + part, (size - gap) - part)
            found += 1
    return found


_AXIS = "UniTuple(int64, 3)"


@njit(
    f"void({_AXIS}, {_AXIS}, int64[::1], float64[::1], float64[::1], boolean, int64[:, ::1],"
    " float64[:, ::1], int64[::1], intp, intp)",
    nogil=True,
    cache=True,
)
def match_axes(
    rows: Axis,
    columns: Axis,
    turn: Array,
    dx: Array,
    dy: Array,
    backward: bool,
    windows: Array,
    overlaps: Array,
    counts: Array,
    job: int,
    stop: int,
) -> None:
    """Match the rows, then the columns, of the windows of pairs `job` to `stop`.

    `rows` and `columns` are (extent, size, step). Row n of `windows` and `overlaps` holds first the
    rows and then the columns; `counts` is the number of tokens with a match.
    """
    ny = -(-(rows[0] - rows[1]) // rows[2]) + 1
    while job < stop:
        turns, odd = turn[job], turn[job] % 2 == 1
        down, across = dy[job], dx[job]
        if backward:
            turns = (4 - turns) % 4
            if odd:
                down, across = across, down
        flip_down, flip_across = turns == 1 or turns == 2, turns >= 2
        if not backward:
            down, across = down if flip_down else -down, across if flip_across else -across
        for_rows, for_columns = (columns, rows) if odd else (rows, columns)
        found, shared = windows[job], overlaps[job]
        counts[job] = _match_axis(
            rows, for_rows, down, flip_down, found[:ny], shared[:ny]
        ) * _match_axis(columns, for_columns, across, flip_across, found[ny:], shared[ny:])
        job += 1


@njit
def _invert(windows: Array, first: Array, ny: int, odd: bool) -> None:
    """Note in `first`, for each window that was met, the first that chose it."""
    nx = windows.size - ny
    first[:] = -1
    by_rows, by_columns = (first[ny:], first[:ny]) if odd else (first[:ny], first[ny:])
    for y in range(ny - 1, -1, -1):
        if windows[y] >= 0:
            by_rows[windows[y]] = y
    for x in range(nx - 1, -1, -1):
        if windows[ny + x] >= 0:
            by_columns[windows[ny + x]] = x


@njit(
    "void(intp, intp, float64, int64[::1], int64[:, ::1], float64[:, ::1], boolean, int64[:, ::1],"
    " int64[:, ::1], boolean[:, ::1], float32[:, ::1], int64[:, ::1], boolean[:, ::1],"
    " int64[:, :, ::1], intp, intp)",
    nogil=True,
    cache=True,
)
def fill_pairs(
    ny: int,
    nx: int,
    area: float,
    turn: Array,
    windows: Array,
    overlaps: Array,
    first: bool,
    reverse: Array,
    forth: Array,
    forth_mask: Array,
    fractions: Array,
    back: Array,
    back_mask: Array,
    pairs: Array,
    job: int,
    stop: int,
) -> None:
    """Join the tables of axes to one entry per token, for pairs `job` to `stop`.

    With `first`, the table of the way back is made here: the first window that chose each.
    """
    while job < stop:
        odd = turn[job] % 2 == 1
        if first:
            _invert(windows[job], reverse[job], ny, odd)
        per_row, per_column = (1, nx) if odd else (nx, 1)
        token = pair = 0
        for y in range(ny):
            met_y, shared_y, back_y = windows[job, y], overlaps[job, y], reverse[job, y]
            for x in range(nx):
                met_x, back_x = windows[job, ny + x], reverse[job, ny + x]
                hit = met_y >= 0 and met_x >= 0
                met = met_y * per_row + met_x * per_column if hit else -1
                forth[job, token], forth_mask[job, token] = met, hit
                fractions[job, token] = shared_y * overlaps[job, ny + x] / area
                if hit:
                    pairs[job, pair, 0], pairs[job, pair, 1] = token, met
                    pair += 1
                hit = back_y >= 0 and back_x >= 0
                back[job, token] = back_y * per_row + back_x * per_column if hit else -1
                back_mask[job, token] = hit
                token += 1
        pairs[job, pair:] = -1
        job += 1
