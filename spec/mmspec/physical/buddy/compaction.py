"""What compaction does to the free lists beyond taking and freeing blocks (mm/compaction.c, v6.12).

It turns lists, so that its next search begins elsewhere, and direct compaction keeps the first freed block that is as large as it
wants. None of it changes which frames are free, and no client can ask for it: these are changes of the policy state alone, which
the replay of a kernel's trace needs.
"""

from __future__ import annotations

from typing import Any

from mmspec import linked
from mmspec.loop import Loop
from mmspec.physical.buddy.lists import (
    NOBODY,
    Answer,
    delist,
    enlist,
    listed_merge_left,
    listed_merge_more,
    listed_merge_step,
    listed_order,
    merge_likely,
)  # fmt: skip
from mmspec.physical.buddy.ops import CMA, MOVABLE
from mmspec.physical.buddy.state import FreeLists, Span, list_number, order_of_list, type_of_list
from mmspec.words import ABSENT, Count, ListNumber, Migratetype, Order, Pfn, head_of

# --- turning a list --------------------------------------------------------------------------------------------------


def turn_more(lists: FreeLists, number: ListNumber, until: Pfn, left: Count) -> bool:
    """Tell whether the list is still to be turned: its first block is another one."""
    return left > 0 and linked.first(lists.links, number) != until


def turn_step(lists: FreeLists, number: ListNumber, until: Pfn, left: Count) -> tuple[Any, ...]:
    """Move the first block to the tail."""
    first = linked.first(lists.links, number)
    lists = enlist(delist(lists, first), first, order_of_list(number), type_of_list(number), True)
    return lists, number, until, left - 1


def turn_left(lists: FreeLists, number: ListNumber, until: Pfn, left: Count) -> int:
    """Return how many blocks may be left to be moved."""
    return left


TURN = Loop("turn", turn_more, turn_step, turn_left)


def turn_to_head(lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, length: Count) -> FreeLists:
    """Turn a list of ``length`` blocks until the block at ``pfn`` is first (mm/compaction.c:move_freelist_head, v6.12)."""
    lists, _, _, _ = TURN.run(lists, list_number(order, migratetype), pfn, length)
    return lists


def turn_to_tail(lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, length: Count) -> FreeLists:
    """Turn a list of ``length`` blocks until the block at ``pfn`` is last (mm/compaction.c:move_freelist_tail, v6.12)."""
    number = list_number(order, migratetype)
    lists, _, _, _ = TURN.run(lists, number, pfn, length)
    lists, _, _, _ = turn_step(lists, number, pfn, 1)
    return lists


# --- keeping a block -------------------------------------------------------------------------------------------------


def may_keep(
    span: Span, lists: FreeLists, order: Order, migratetype: Migratetype, wanted: Order, wanted_type: Migratetype
) -> bool:
    """Tell whether a freed block is one that a compacting request keeps (mm/page_alloc.c:compaction_capture, v6.12).

    6.1 keeps no part of a MOVABLE pageblock, whatever is wanted.
    """
    if (order >= span.max_order) | (order != wanted) | (migratetype >= CMA):
        return False
    like = (wanted_type == MOVABLE) & (lists.kernel >= 612)
    return (order >= span.pageblock_order) | (migratetype != MOVABLE) | like


def keep_more(
    span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, wanted: Order, wanted_type: Migratetype
) -> bool:
    """Tell whether the block in hand is not kept, and merges with its buddy (mm/page_alloc.c:__free_one_page, v6.12)."""
    if may_keep(span, lists, order, migratetype, wanted, wanted_type):
        return False
    return listed_merge_more(span, lists, pfn, order, migratetype)


def keep_step(
    span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, wanted: Order, wanted_type: Migratetype
) -> tuple[Any, ...]:
    """Take the buddy off its list and join it to the block in hand."""
    return (*listed_merge_step(span, lists, pfn, order, migratetype), wanted, wanted_type)


def keep_left(
    span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, wanted: Order, wanted_type: Migratetype
) -> int:
    """Return how often the block in hand can still grow."""
    return listed_merge_left(span, lists, pfn, order, migratetype)


KEEP = Loop("keep", keep_more, keep_step, keep_left)


def free_kept(
    span: Span, lists: FreeLists, pfn: Pfn, order: Order, migratetype: Migratetype, wanted: Order, wanted_type: Migratetype
) -> Answer:
    """Free a block while a request for (``wanted``, ``wanted_type``) compacts: what it keeps (``NOBODY``: nothing), the lists.

    mm/page_alloc.c:{__free_one_page, compaction_capture}, v6.12
    """
    _, lists, pfn, order, migratetype, _, _ = KEEP.run(span, lists, pfn, order, migratetype, wanted, wanted_type)
    if may_keep(span, lists, order, migratetype, wanted, wanted_type):
        return pfn, lists
    return NOBODY, enlist(lists, pfn, order, migratetype, merge_likely(span, lists, pfn, order))


# --- what only a trace tells -----------------------------------------------------------------------------------------


def carve(span: Span, lists: FreeLists, pfn: Pfn, order: Order) -> Answer:
    """Let exactly one block leave, whatever would have been chosen: its frame (``NOBODY``: not all of it is free) and the lists.

    The rest of the listed block that held it is listed as ``expand`` lists it.
    """
    for have in range(order, span.max_order + 1):
        head = head_of(pfn, have)
        number = lists.block.get(head, ABSENT)
        if listed_order(lists, head) == have:
            lists = delist(lists, head)
            for k in range(have - order):
                half = have - 1 - k
                lists = enlist(lists, head_of(pfn, half) ^ (1 << half), half, type_of_list(number), False)
            return pfn, lists
    return NOBODY, lists
