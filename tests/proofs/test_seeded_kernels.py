"""Wrong kernels are REFUTED, and the counterexample is memory on which the real, wrong kernel breaks its obligation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.proofs.breaking import refuted

from mmimpl.physical.buddy.lists import count_block, delist, enlist_first, enlist_last, kind_of, set_types
from mmimpl.physical.buddy.memory import (
    ALLOCATED,
    LISTED_ORDER,
    NONE,
    TYPE,
    Cell,
    Frame,
    ListNumber,
    Sign,
    Zone,
)  # fmt: skip
from mmspec.physical.buddy.ops import CMA, HIGHATOMIC, MOVABLE, ORDINARY, RECLAIMABLE, UNMOVABLE
from mmspec.words import Count, Migratetype, Order


def enlist_without_back_link(zone: Zone, pfn: Frame, number: ListNumber) -> None:
    """What was first keeps the head for its predecessor."""
    head = zone.heads + number
    zone.page[pfn] = number
    zone.after[pfn] = zone.after[head]
    zone.before[pfn] = head
    zone.after[head] = pfn


def enlist_at_wrong_end(zone: Zone, pfn: Frame, number: ListNumber) -> None:
    """The block goes last."""
    enlist_last(zone, pfn, number)


def enlist_past_the_heads(zone: Zone, pfn: Frame, number: ListNumber) -> None:
    """The last lists' heads are looked for behind the array."""
    zone.after[zone.heads + number + 16] = pfn


def delist_one_way(zone: Zone, pfn: Frame) -> None:
    """The block is still its successor's predecessor."""
    zone.page[pfn] = NONE
    zone.after[zone.before[pfn]] = zone.after[pfn]


def delist_and_stay_listed(zone: Zone, pfn: Frame) -> None:
    """The cell goes on naming the list."""
    cell = zone.page[pfn]
    delist(zone, pfn)
    zone.page[pfn] = cell


def relist_to_old_type(zone: Zone, pfn: Frame, migratetype: Migratetype) -> None:
    """The block changes its place and not its list."""
    number = zone.page[pfn]
    delist(zone, pfn)
    enlist_last(zone, pfn, number)


def upper_half_as_movable(zone: Zone, pfn: Frame, half: Order, number: ListNumber) -> None:
    """What is split off goes to a MOVABLE list."""
    enlist_first(zone, pfn + (1 << half), (MOVABLE << 4) | half)


def upper_half_is_lower(zone: Zone, pfn: Frame, half: Order, number: ListNumber) -> None:
    """The half that is wanted is listed."""
    enlist_first(zone, pfn, (number & TYPE) | half)


def merges_any_order(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> bool:
    """A listed buddy is merged with whatever its order."""
    buddy = pfn ^ (1 << order)
    if zone.page[buddy] >= ALLOCATED:
        return False
    theirs = zone.types[buddy >> zone.pageblock_order]
    same = (theirs == migratetype) | ((theirs <= RECLAIMABLE) & (migratetype <= RECLAIMABLE))
    return (order < zone.pageblock_order) | same


def likely_below_the_zone(zone: Zone, pfn: Frame, order: Order) -> bool:
    """A parent that begins below the zone may merge."""
    if order + 1 >= zone.max_order:
        return False
    return (zone.page[(pfn & ~(1 << order)) ^ (2 << order)] & LISTED_ORDER) == order + 1


def frames_of_order(cell: Cell) -> Count:
    """A frame that heads no block counts as one of the largest."""
    return 1 << (cell & 15)


def types_of_first(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> None:
    """Only the first pageblock takes the type."""
    zone.types[pfn >> zone.pageblock_order] = migratetype


def types_of_next(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> None:
    """One pageblock too many takes the type."""
    set_types(zone, pfn, order, migratetype)
    zone.types[(pfn >> zone.pageblock_order) + 1] = migratetype


def count_as_first(zone: Zone, pfn: Frame, order: Order, sign: Sign) -> None:
    """All frames are counted by the kind of the first pageblock."""
    kind = kind_of(zone.types[pfn >> zone.pageblock_order])
    zone.frames[kind] = zone.frames[kind] + sign * (1 << order)


def moved_twice(zone: Zone, old: Migratetype, new: Migratetype, moved: Count) -> None:
    """The frames stay counted with the old kind."""
    zone.frames[kind_of(new)] = zone.frames[kind_of(new)] + moved


def hand_out_unmovable(zone: Zone, pfn: Frame, order: Order, migratetype: Migratetype) -> None:
    """It is forgotten that a block was handed out to a MOVABLE request."""
    zone.page[pfn] = ALLOCATED | order
    count_block(zone, pfn, order, -1)


def take_back_nothing(zone: Zone, pfn: Frame, order: Order) -> None:
    """The block stays handed out."""
    count_block(zone, pfn, order, 1)


def live_of_any_order(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Whatever is handed out is live with any order."""
    return False if pfn >= zone.end else bool((zone.page[pfn] >= ALLOCATED) & (zone.page[pfn] != NONE))


def cma_first_at_half(zone: Zone) -> bool:
    """Half is enough."""
    return zone.frames[CMA] >= (zone.frames[ORDINARY] + zone.frames[HIGHATOMIC] + zone.frames[CMA]) // 2


def fall_back_in_reverse(zone: Zone, order: Order, migratetype: Migratetype) -> Frame:
    """The second choice is tried first."""
    first = UNMOVABLE if migratetype == MOVABLE else MOVABLE
    pfn = zone.after[zone.heads + ((first << 4) | order)]
    if pfn < zone.heads:
        return pfn
    second = UNMOVABLE if migratetype == RECLAIMABLE else RECLAIMABLE
    pfn = zone.after[zone.heads + ((second << 4) | order)]
    return pfn if pfn < zone.heads else zone.heads


WRONG: list[tuple[str, Callable[..., Any]]] = [
    ("ENLIST-FIRST-LINKED", enlist_without_back_link),
    ("ENLIST-FIRST-PLACED", enlist_at_wrong_end),
    ("ENLIST-FIRST-DEFINED", enlist_past_the_heads),
    ("DELIST-LINKED", delist_one_way),
    ("DELIST-PLACED", delist_and_stay_listed),
    ("DELIST-REFINES", delist_and_stay_listed),
    ("RELIST-PLACED", relist_to_old_type),
    ("LIST-UPPER-HALF-REFINES", upper_half_as_movable),
    ("LIST-UPPER-HALF-REFINES", upper_half_is_lower),
    ("MERGES-ANSWERS", merges_any_order),
    ("MERGE-LIKELY-ANSWERS", likely_below_the_zone),
    ("FRAMES-AT-ANSWERS", frames_of_order),
    ("SET-TYPES-REFINES", types_of_first),
    ("SET-TYPES-REFINES", types_of_next),
    ("COUNT-BLOCK-REFINES", count_as_first),
    ("COUNT-MOVED-REFINES", moved_twice),
    ("HAND-OUT-HELD", hand_out_unmovable),
    ("TAKE-BACK-HELD", take_back_nothing),
    ("IS-LIVE-ANSWERS", live_of_any_order),
    ("CMA-FIRST-ANSWERS", cma_first_at_half),
    ("FIND-FALLBACK-ANSWERS", fall_back_in_reverse),
]


@pytest.mark.by_turns(4)
@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_wrong_kernel_is_refuted(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation about the right kernel is REFUTED of the wrong one, which was run on the counterexample."""
    refuted(f"BUDDY-KERNEL-{name}", subject=wrong)
