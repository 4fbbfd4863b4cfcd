"""What compaction does to the free lists beyond taking and freeing blocks: it turns them, and keeps a freed block."""

from __future__ import annotations

from mmimpl.physical.buddy.lists import absorb, delist, enlist_first, enlist_last, merge_likely, merges
from mmimpl.physical.buddy.memory import Frame, Zone
from mmspec.physical.buddy.ops import CMA, MOVABLE
from mmspec.words import Migratetype, Order


def turn_to_head(zone: Zone, pfn: Frame) -> None:
    """Turn the list of a listed block until the block is first (mm/compaction.c:move_freelist_head, v6.12)."""
    number = zone.page[pfn]
    first = zone.after[zone.heads + number]
    while first != pfn:
        delist(zone, first)
        enlist_last(zone, first, number)
        first = zone.after[zone.heads + number]


def turn_to_tail(zone: Zone, pfn: Frame) -> None:
    """Turn the list of a listed block until the block is last (mm/compaction.c:move_freelist_tail, v6.12)."""
    number = zone.page[pfn]
    turn_to_head(zone, pfn)
    delist(zone, pfn)
    enlist_last(zone, pfn, number)


def may_keep(zone: Zone, order: Order, migratetype: Migratetype, wanted: Order, wanted_type: Migratetype) -> bool:
    """Tell whether a freed block is one that a compacting request keeps (mm/page_alloc.c:compaction_capture, v6.12; v6.1)."""
    if order != wanted or order >= zone.max_order or migratetype >= CMA:
        return False
    return order >= zone.pageblock_order or migratetype != MOVABLE or (wanted_type == MOVABLE and zone.kernel >= 612)


def free_kept(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype, wanted: Order, wanted_type: Migratetype) -> Frame:
    """Free a block while a request for (``wanted``, ``wanted_type``) compacts; return what it keeps (``heads``: nothing).

    mm/page_alloc.c:{__free_one_page, compaction_capture}, v6.12
    """
    for have in range(order, zone.max_order + 1):
        if may_keep(zone, have, migratetype, wanted, wanted_type):
            return pfn
        if have == zone.max_order or not merges(zone, pfn, have, migratetype):
            break
        absorb(zone, pfn, have, migratetype)
        pfn = pfn & ~(1 << have)
    number = (migratetype << 4) | have
    if merge_likely(zone, pfn, have):
        enlist_last(zone, pfn, number)
    else:
        enlist_first(zone, pfn, number)
    return zone.heads
