"""One block after another under the zone's lock, as a refill of a per-CPU list takes them.

``linux.rmqueue`` begins its search anew for each request. A refill of 6.12 remembers where it found the last block and goes on
from there, since nobody else changes the lists meanwhile (mm/page_alloc.c:{rmqueue_bulk, __rmqueue}, v6.12). 6.1 does not.
"""

from __future__ import annotations

from typing import Annotated

from mmspec.physical.buddy.fallback import claim, steal
from mmspec.physical.buddy.linux import cma_first, rmqueue
from mmspec.physical.buddy.lists import NOBODY, from_type
from mmspec.physical.buddy.ops import ALLOC_CMA, ALLOC_NOFRAGMENT, CMA
from mmspec.physical.buddy.state import FreeLists, Zone
from mmspec.words import Flags, Link, Migratetype, Order, Word

NORMAL, FROM_CMA, CLAIMING, STEALING = range(4)
"""Where a refill goes on searching (mm/page_alloc.c:enum rmqueue_mode, v6.12)."""

Mode = Annotated[int, Word("rmqueue_mode", bits=8, lo=NORMAL, hi=STEALING)]


def refill(
    zone: Zone, lists: FreeLists, order: Order, migratetype: Migratetype, flags: Flags, mode: Mode
) -> tuple[Link, FreeLists, Mode]:
    """Serve the next block of a refill: the block (``NOBODY``: none), the lists after it, and where to go on.

    mm/page_alloc.c:__rmqueue, v6.12
    """
    if lists.kernel < 612:
        pfn, lists = rmqueue(zone, lists, order, migratetype, flags)
        return pfn, lists, NORMAL
    if cma_first(zone, flags):
        pfn, after = from_type(zone.span, lists, order, CMA)
        if pfn < NOBODY:
            return pfn, after, mode
    if mode == NORMAL:
        pfn, after = from_type(zone.span, lists, order, migratetype)
        if pfn < NOBODY:
            return pfn, after, NORMAL
    if (mode <= FROM_CMA) & ((flags & ALLOC_CMA) != 0):
        pfn, after = from_type(zone.span, lists, order, CMA)
        if pfn < NOBODY:
            return pfn, after, FROM_CMA
    if mode <= CLAIMING:
        pfn, after = claim(zone, lists, order, migratetype, flags)
        if pfn < NOBODY:
            return pfn, after, NORMAL
    if flags & ALLOC_NOFRAGMENT:
        return NOBODY, lists, mode
    pfn, after = steal(zone.span, lists, order, migratetype)
    return pfn, after, STEALING if pfn < NOBODY else mode
