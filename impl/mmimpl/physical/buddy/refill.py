"""One block after another under the zone's lock, as a refill of a per-CPU list takes them."""

from __future__ import annotations

from mmimpl.physical.buddy.fallback import choose_61, claim, cma_first, move_61, steal
from mmimpl.physical.buddy.lists import smallest
from mmimpl.physical.buddy.memory import Frame, Zone
from mmspec.physical.buddy.ops import ALLOC_CMA, ALLOC_NOFRAGMENT, CMA
from mmspec.words import Flags, Migratetype, Order

NORMAL, FROM_CMA, CLAIMING, STEALING = range(4)
"""Where a refill goes on searching (mm/page_alloc.c:enum rmqueue_mode, v6.12)."""


def pick_next(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags, mode: int) -> tuple[Frame, int]:
    """Return the block to serve the next page of a refill from (``heads``: none), still listed, and where to go on.

    mm/page_alloc.c:__rmqueue, v6.12
    """
    if flags & ALLOC_CMA and cma_first(zone):
        pfn = smallest(zone, order, CMA)
        if pfn < zone.heads:
            return pfn, mode
    if mode == NORMAL:
        pfn = smallest(zone, order, migratetype)
        if pfn < zone.heads:
            return pfn, NORMAL
    if mode <= FROM_CMA and flags & ALLOC_CMA:
        pfn = smallest(zone, order, CMA)
        if pfn < zone.heads:
            return pfn, FROM_CMA if zone.kernel >= 612 else NORMAL
    if zone.kernel < 612:
        return pick_61(zone, order, migratetype, flags), NORMAL
    if mode <= CLAIMING:
        pfn = claim(zone, order, migratetype, flags)
        if pfn < zone.heads:
            return pfn, NORMAL
    if flags & ALLOC_NOFRAGMENT:
        return zone.heads, mode
    pfn = steal(zone, order, migratetype)
    return pfn, STEALING if pfn < zone.heads else mode


def pick_61(zone: Zone, order: Order, migratetype: Migratetype, flags: Flags) -> Frame:
    """Move a foreign block to the request's lists and return the block to take from (mm/page_alloc.c:__rmqueue, v6.1)."""
    pfn = choose_61(zone, order, migratetype, flags)
    if pfn == zone.heads:
        return pfn
    move_61(zone, pfn, migratetype)
    return smallest(zone, order, migratetype)
