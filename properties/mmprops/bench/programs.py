"""Programs that are timed: a zone is filled to one half, and allocations and frees keep it there.

They are flat arrays as ``mmimpl.physical.buddy.batch`` takes them, drawn at random from a generator that the size seeds, so that
every run does the same work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmimpl.physical.buddy import batch
from mmspec.physical.buddy.ops import RECLAIMABLE

Numbers = NDArray[np.int64]

PATTERNS = ("random", "LIFO")
"""Which live block is freed next: any, or the newest."""

MAX_ORDER = 10
MEAN_ORDER = 0.8
"""Orders are drawn from an exponential distribution, cut off at MAX_ORDER: most blocks are single pages."""


class Program(NamedTuple):
    """Rows of a code, an argument and an operand: the filling, and the traffic after it.

    What the traffic frees it names by reference: the index of the allocation, the filling and the traffic counted as one.
    """

    filling: Numbers
    traffic: Numbers


def allocations(rng: np.random.Generator, count: int) -> Numbers:
    """Return rows of allocations of random orders and mergeable types."""
    orders = np.minimum(MAX_ORDER, rng.exponential(MEAN_ORDER, count).astype(np.int64))
    types = rng.integers(RECLAIMABLE + 1, size=count)
    return np.stack([np.full(count, batch.ALLOC), orders | types << 8, np.zeros(count, np.int64)], axis=1)


def orders_of(rows: Numbers) -> Numbers:
    """Return the orders of a program's rows."""
    return rows[:, 1] & 255


def half(rng: np.random.Generator, pages: int) -> Numbers:
    """Return the allocations that fill half of an empty zone."""
    rows = allocations(rng, pages // 2)
    needed = np.searchsorted(np.cumsum(1 << orders_of(rows)), pages // 2) + 1
    return rows[:needed].copy()


def program(pages: int, pattern: str, count: int) -> Program:
    """Return the program of a size and a pattern, of ``count`` timed operations.

    What frees a block that was refused is refused as well.
    """
    rng = np.random.default_rng(pages)
    filling = half(rng, pages)
    rows = allocations(rng, count)
    orders = np.concatenate([orders_of(filling), orders_of(rows)]).tolist()
    live = list(range(len(filling)))
    freed = np.full(count, -1)
    used = int((1 << orders_of(filling)).sum())
    for i, (coin, pick) in enumerate(rng.random((count, 2)).tolist()):
        if not live or coin < (0.6 if used <= pages // 2 else 0.4):
            live.append(len(filling) + i)
            used += 1 << orders[live[-1]]
        else:
            if pattern == "random":
                at = int(pick * len(live))
                live[at], live[-1] = live[-1], live[at]
            freed[i] = live.pop()
            used -= 1 << orders[freed[i]]
    frees = freed >= 0
    rows[frees, 0], rows[frees, 1], rows[frees, 2] = batch.FREE | batch.REFERENCE, np.array(orders)[freed[frees]], freed[frees]
    return Program(filling, rows)


def after_filling(program: Program, blocks: Numbers) -> Numbers:
    """Return the traffic for a zone that is filled already: blocks of the filling are named by the PFNs that it gave."""
    rows, first = program.traffic.copy(), len(program.filling)
    referring = rows[:, 0] == batch.FREE | batch.REFERENCE
    old = referring & (rows[:, 2] < first)
    rows[referring & ~old, 2] -= first
    rows[old, 0], rows[old, 2] = batch.FREE, blocks[rows[old, 2]]
    return rows
