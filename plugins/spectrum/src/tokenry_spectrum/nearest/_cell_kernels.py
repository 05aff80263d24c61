"""Loops that fill the cells of the grid: which centroids can be nearest somewhere in a box.

A box is divided again where more than two are left and points are there. `axes` comes from
`axes_of`.
"""

# The types of a kernel are those of its first call.
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def enter(lists, at, members, n):
    """Write a list, its length first, and give the place behind it."""
    lists[at] = n
    lists[at + 1 : at + 1 + n] = members[:n]
    return at + n + 1


@njit(nogil=True, cache=True)
def keep(axes, centroids, given, count, middle, half, distance, kept):
    """Keep the centroids that are nearest somewhere in the box `middle` +- `half`.

    Against the centroid r that is nearest to the middle, c loses in the whole box when
    |x - c|^2 - |x - r|^2 > 0 there. The difference is linear in x, so its least value is that
    at the middle less 2 sum(half * |c - r|). The slack outweighs the rounding of distances.
    """
    d = len(axes)
    least = np.inf
    r = given[0]
    for a in range(count):
        c = given[a]
        s = 0.0
        for z in range(d):
            v = middle[z] - centroids[c, z]
            s += v * v
        distance[a] = s
        if s < least:
            least = s
            r = c
    extent = 0.0
    for z in range(d):
        extent += half[z] * half[z]
    n = 0
    for a in range(count):
        c = given[a]
        reach = 0.0
        for z in range(d):
            reach += half[z] * abs(centroids[c, z] - centroids[r, z])
        excess = distance[a] - least - 2.0 * reach
        if excess <= 1e-12 * (distance[a] + least + extent):
            kept[n] = c
            n += 1
    return n


@njit(nogil=True, cache=True)
def place(axes, number, parts, parent, unit, low, width, child, middle, half):
    """Find child `number` of `parts`^d, `unit` cells wide, and its box, a little widened."""
    d = len(axes)
    for z in range(d - 1, -1, -1):
        child[z] = parent[z] * parts + number % parts
        number //= parts
        half[z] = (0.5 * unit + 1e-5) * width[z]
        middle[z] = low[z] + (child[z] + 0.5) * unit * width[z]


@njit(nogil=True, cache=True)
def fill(axes, table, size, child, unit, value):
    """Give all cells of a child one value."""
    d = len(axes)
    for row in range(unit ** (d - 1)):
        cell = np.int64(0)
        step = np.int64(size)
        for z in range(d - 2, -1, -1):
            cell += (child[z] * unit + row % unit) * step
            row //= unit
            step *= size
        cell += child[d - 1] * unit
        for i in range(unit):
            table[cell + i] = value


@njit(nogil=True, cache=True)
def flat(axes, child, size):
    """Number of a box among the size^d boxes of its level."""
    d = len(axes)
    number = np.int64(0)
    for z in range(d):
        number = number * size + child[z]
    return number


@njit(nogil=True, cache=True)
def build(axes, centroids, low, width, splits, busy, first, last, bits, room, table, lists):
    """Fill the cells of the top boxes `first` to `last`, from box to parts of it in turn.

    A cell that one or two centroids share holds them, packed as a | b << bits; any other holds
    -(offset + 1) of its list, and a list is its length and its members. Each top box owns
    `room` places of `lists` and begins them with its own candidates, which serve the cells for
    which no room is left. A box whose `busy` is false has one list for all its cells.
    """
    d = len(axes)
    k = centroids.shape[0]
    bottom = len(splits) - 1
    size = np.int64(1)
    for parts in splits:
        size *= parts
    kept = np.empty((bottom + 2, k), np.int32)
    kept[0] = np.arange(k)
    count = np.full(bottom + 2, k)
    child = np.zeros((bottom + 2, d), np.int64)
    number = np.zeros(bottom + 1, np.int64)
    distance = np.empty(k, np.float64)
    middle = np.empty(d, np.float64)
    half = np.empty(d, np.float64)
    for q in range(first, last):
        at = q * room
        end = at + room
        level = 0
        unit = size // splits[0]
        number[0] = q
        while level >= 0:
            if level > 0 and number[level] == splits[level] ** d:
                unit *= splits[level]
                level -= 1
                number[level] += 1
                if level == 0:
                    break
                continue
            mine = child[level + 1]
            parts = splits[level]
            place(axes, number[level], parts, child[level], unit, low, width, mine, middle, half)
            given, found = kept[level], kept[level + 1]
            n = keep(axes, centroids, given, count[level], middle, half, distance, found)
            if level == 0:
                at = enter(lists, at, found, n)
            count[level + 1] = n
            if level < bottom and busy[level][flat(axes, mine, size // unit)]:
                level += 1
                unit //= splits[level]
                number[level] = 0
                continue
            value = -(q * room + 1)
            if n <= 2:
                value = found[0] | (np.int64(found[n - 1]) << bits)
            elif level > 0 and at + n + 1 <= end:
                value = -(at + 1)
                at = enter(lists, at, found, n)
            fill(axes, table, size, mine, unit, value)
            if level == 0:
                break
            number[level] += 1
