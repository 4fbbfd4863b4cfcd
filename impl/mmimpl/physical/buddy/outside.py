"""Following what is known to have happened outside: blocks that leave and come back at given frames, whatever this would choose.

Frames that nobody here handed out have the cell ``NONE``, as holes have. Every pageblock is taken to be MOVABLE.
"""

from __future__ import annotations

from mmimpl.engine import kernel
from mmimpl.physical.buddy.lists import count_block, delist, enlist_first, free_one
from mmimpl.physical.buddy.memory import ALLOCATED, LISTED_ORDER, TYPE, Frame, Zone
from mmspec.words import Order


@kernel
def holder(zone: Zone, pfn: Frame, order: Order) -> Order:
    """Return the order of the listed block that holds all of a block, or an order above ``max_order``."""
    for k in range(order, zone.max_order + 1):
        if (zone.page[(pfn >> k) << k] & LISTED_ORDER) == k:
            return k
    return zone.max_order + 1


@kernel
def fits(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Tell whether a block is one that the zone could hold: aligned, inside, of an order that exists."""
    if order > zone.max_order or pfn >= zone.end:
        return False
    return (zone.start <= pfn) & (pfn + (1 << order) <= zone.end) & ((pfn & ((1 << order) - 1)) == 0)


@kernel
def any_free(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Tell whether any frame of a block that fits is free."""
    if holder(zone, pfn, order) <= zone.max_order:
        return True
    for frame in range(pfn, pfn + (1 << order)):
        if zone.page[frame] < ALLOCATED:
            return True
    return False


@kernel
def carve(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Let a block leave the listed block that holds it, whose other parts stay listed; False if none does."""
    if not fits(zone, pfn, order):
        return False
    have = holder(zone, pfn, order)
    if have > zone.max_order:
        return False
    head = (pfn >> have) << have
    migratetype = zone.page[head] & TYPE
    delist(zone, head)
    for half in range(have - 1, order - 1, -1):
        enlist_first(zone, ((pfn >> half) << half) ^ (1 << half), migratetype | half)
    count_block(zone, pfn, order, -1)
    return True


@kernel
def adopt(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Let a block come back; False, and nothing changes, if it does not fit or a frame of it is free."""
    if not fits(zone, pfn, order) or any_free(zone, pfn, order):
        return False
    count_block(zone, pfn, order, 1)
    free_one(zone, pfn, order, zone.types[pfn >> zone.pageblock_order], False)
    return True
