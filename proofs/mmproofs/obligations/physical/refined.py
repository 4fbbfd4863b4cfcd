"""The implementation's kernels do what the law's functions do, on a state that the arrays stand for.

Before, ``memory.same_*`` relate cells to the law's maps wherever the proof needs it; after the kernel and the law's function each
took one step, the same relation is proved at an arbitrary place. The law's functions run in the goals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmimpl.physical.buddy import lists as ours
from mmimpl.physical.buddy import operations
from mmimpl.physical.buddy.memory import LISTED_ORDER, LISTS, MAX_PAGES, BlockIndex, Frame, ListNumber, Sign, Zone
from mmproofs.lift.records import snapshot
from mmproofs.obligation import Obligation, Predicate
from mmproofs.obligations.physical.kernels import CELLS, LINKED, about, heads_nothing, listable, listed, small_memory
from mmproofs.obligations.physical.memory import (
    NOWHERE,
    key_of,
    legal_block,
    legal_cell,
    linked,
    same_block,
    same_count,
    same_held,
    same_kernel,
    same_neighbours,
    same_span,
    same_type,
)  # fmt: skip
from mmspec.clause import Clause
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core as law_core
from mmspec.physical.buddy import linux as law_linux
from mmspec.physical.buddy import lists as law_lists
from mmspec.physical.buddy import state
from mmspec.physical.buddy.ops import MOVABLE
from mmspec.physical.buddy.state import UNLISTED, FreeLists
from mmspec.words import Count, Link, Migratetype, Order, Pfn, size_of

LAW = {"base": Pfn, "core": state.Zone, "lists": FreeLists}
"""The state of the law that a kernel's arrays stand for, and the PFN of their frame 0."""

BLOCKS = 1
"""Largest excess of a block's order over pageblock_order for which loops over pageblocks are proved (x86-64, arm64 4K: 1)."""

BOUNDS = {"order - pageblock_order": f"<= {BLOCKS}"}

# --- what is given -------------------------------------------------------------------------------------------------------


def block_inside(zone: Zone, pfn: Frame, order: Order) -> bool:
    """The block is aligned, inside the zone, and of an order that exists."""
    return legal_block(zone, pfn, order)


def few_pageblocks(zone: Zone, order: Order) -> bool:
    """The block has few pageblocks: they are gone through one by one."""
    return order <= zone.pageblock_order + BLOCKS


def below_top(zone: Zone, order: Order) -> bool:
    """The block is smaller than the largest."""
    return order < zone.max_order


def buddy_listed(zone: Zone, pfn: Frame, order: Order) -> bool:
    """The block's buddy is listed with its order: the head of the merging loop said so."""
    return (zone.page[pfn ^ (1 << order)] & LISTED_ORDER) == order


def upper_half_free(zone: Zone, pfn: Frame, half: Order, number: ListNumber) -> bool:
    """The block of two halves is legal, and its upper half heads nothing."""
    return (half < zone.max_order) & legal_block(zone, pfn, half + 1) & heads_nothing(zone, pfn + size_of(half))


def handed_out(zone: Zone, pfn: Frame, order: Order) -> bool:
    """The block is handed out."""
    return operations.is_live(zone, pfn, order)


def free_counted(zone: Zone, pfn: Frame, order: Order) -> bool:
    """Each kind's counter is at least the frames that the block has in pageblocks of the kind."""
    step = zone.pageblock_order
    covered = True
    for kind in range(6):
        frames = 0
        for i in range(1 << max(0, order - step)):
            frames += (ours.kind_of(zone.types[(pfn >> step) + i]) == kind) * size_of(min(order, step))
        covered &= zone.frames[kind] >= frames
    return covered


def free_uncounted(zone: Zone, pfn: Frame, order: Order) -> bool:
    """No kind's counter comes above the number of frames when the block's are added."""
    bounded = True
    for kind in range(6):
        bounded &= zone.frames[kind] + size_of(order) <= MAX_PAGES
    return bounded


def counted_either_way(zone: Zone, pfn: Frame, order: Order, sign: Sign) -> bool:
    """The counters have the block's frames, or room for them."""
    if sign == 1:
        return free_uncounted(zone, pfn, order)
    return free_counted(zone, pfn, order) if sign == -1 else False


def moved_counted(zone: Zone, old: Migratetype, new: Migratetype, moved: Count) -> bool:
    """The frames that move are counted with the old type's kind, and there is room for them with the new one's."""
    return (zone.frames[ours.kind_of(old)] >= moved) & (zone.frames[ours.kind_of(new)] + moved <= MAX_PAGES)


# --- rings ---------------------------------------------------------------------------------------------------------------


def same_lists(zone: Zone, base: Pfn, lists: FreeLists, place: Frame) -> bool:
    """Blocks and neighbours are the law's."""
    return same_block(zone, base, lists, place) & same_neighbours(zone, base, lists, place)


def enlists_first(
    after_zone: Zone, base: Pfn, lists: FreeLists, pfn: Frame, number: ListNumber, place: Frame
) -> bool:  # fmt: skip
    """The lists are the law's after ``enlist`` to the head."""
    after = law_lists.enlist(lists, base + pfn, state.order_of_list(number), state.type_of_list(number), False)
    return same_lists(after_zone, base, after, place)


def enlists_last(
    after_zone: Zone, base: Pfn, lists: FreeLists, pfn: Frame, number: ListNumber, place: Frame
) -> bool:  # fmt: skip
    """The lists are the law's after ``enlist`` to the tail."""
    after = law_lists.enlist(lists, base + pfn, state.order_of_list(number), state.type_of_list(number), True)
    return same_lists(after_zone, base, after, place)


def delists(after_zone: Zone, base: Pfn, lists: FreeLists, pfn: Frame, place: Frame) -> bool:
    """The lists are the law's after ``delist``."""
    return same_lists(after_zone, base, law_lists.delist(lists, base + pfn), place)


def relists(after_zone: Zone, base: Pfn, lists: FreeLists, pfn: Frame, migratetype: Migratetype, place: Frame) -> bool:
    """The lists are the law's after ``relist``."""
    return same_lists(after_zone, base, law_lists.relist(lists, base + pfn, migratetype), place)


def absorbs(
    zone: Zone, after_zone: Zone, base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order,
    migratetype: Migratetype, place: Frame,
) -> bool:  # fmt: skip
    """To the lists it does what ``delist`` does to the buddy, and so does a step of the law's merging loop."""
    alone, buddy = snapshot(zone), pfn ^ (1 << order)
    ours.delist(alone, buddy)
    _, merged, _, _, _ = law_lists.listed_merge_step(core.span, lists, base + pfn, order, migratetype)
    delisted = law_lists.delist(lists, base + buddy)
    return same_cells(after_zone, alone, place) & same_maps(merged, delisted, key_of(zone, base, place))


def same_cells(zone: Zone, other: Zone, place: Frame) -> bool:
    """Two zones list the same."""
    if place >= zone.heads + LISTS:
        return True
    linked_alike = (zone.after[place] == other.after[place]) & (zone.before[place] == other.before[place])
    return linked_alike if place >= zone.heads else linked_alike & (zone.page[place] == other.page[place])


def same_maps(lists: FreeLists, other: FreeLists, key: Link) -> bool:
    """Two of the law's states list the same."""
    blocks = lists.block.get(key, UNLISTED) == other.block.get(key, UNLISTED)
    after = lists.links.next.get(key, NOWHERE) == other.links.next.get(key, NOWHERE)
    return blocks & after & (lists.links.prev.get(key, NOWHERE) == other.links.prev.get(key, NOWHERE))


def absorbs_types(
    zone: Zone, after_zone: Zone, base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order,
    migratetype: Migratetype, index: BlockIndex,
) -> bool:  # fmt: skip
    """The types are the law's after a step of its merging loop."""
    _, after, _, _, _ = law_lists.listed_merge_step(core.span, lists, base + pfn, order, migratetype)
    return same_list_type(after_zone, base, after, index)


def lists_upper_half(
    after_zone: Zone, base: Pfn, lists: FreeLists, pfn: Frame, half: Order, number: ListNumber, place: Frame
) -> bool:
    """The lists are the law's after a step of its splitting loop."""
    after, _, _, _, _ = law_lists.expand_step(lists, base + pfn, 0, half + 1, state.type_of_list(number))
    return same_lists(after_zone, base, after, place)


# --- types and counts ----------------------------------------------------------------------------------------------------


def same_list_type(zone: Zone, base: Pfn, lists: FreeLists, index: BlockIndex) -> bool:
    """A pageblock's type is the law's."""
    if index >= zone.heads >> zone.pageblock_order:
        return True
    return lists.types.get((base >> zone.pageblock_order) + index, MOVABLE) == zone.types[index]


def sets_types(
    after_zone: Zone, base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order, migratetype: Migratetype,
    index: BlockIndex,
) -> bool:  # fmt: skip
    """The types are the law's after ``set_types``."""
    after = law_lists.set_types(core.span, lists, base + pfn, order, migratetype)
    return same_list_type(after_zone, base, after, index)


def counts_block(after_zone: Zone, base: Pfn, core: state.Zone, pfn: Frame, order: Order, sign: Sign, kind: Migratetype) -> bool:
    """Each kind's count is the law's after ``count_block``."""
    return law_core.count_block(core, base + pfn, order, sign).get(kind, 0) == after_zone.frames[kind]


def counts_taken(zone: Zone, after_zone: Zone, pfn: Frame, order: Order, kind: Migratetype) -> bool:
    """Each kind's count is what ``count_block`` makes of it where a block is handed out."""
    return counted_alike(zone, after_zone, pfn, order, -1, kind)


def counts_given(zone: Zone, after_zone: Zone, pfn: Frame, order: Order, kind: Migratetype) -> bool:
    """Each kind's count is what ``count_block`` makes of it where a block became free."""
    return counted_alike(zone, after_zone, pfn, order, 1, kind)


def counted_alike(zone: Zone, after_zone: Zone, pfn: Frame, order: Order, sign: Sign, kind: Migratetype) -> bool:
    """Each kind's count is what ``count_block`` makes of it."""
    alone = snapshot(zone)
    ours.count_block(alone, pfn, order, sign)
    return after_zone.frames[kind] == alone.frames[kind]


def counts_moved(zone: Zone, after_zone: Zone, old: Migratetype, new: Migratetype, moved: Count, kind: Migratetype) -> bool:
    """The frames leave the old type's kind and enter the new one's, as in the law's ``set_kind``."""
    before, after = state.kind_of(old), state.kind_of(new)
    lost, won = (before == kind) * moved, (after == kind) * moved
    return after_zone.frames[kind] == zone.frames[kind] - lost + won


# --- handed-out blocks ---------------------------------------------------------------------------------------------------


def hands_out(
    after_zone: Zone, base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order, migratetype: Migratetype,
    place: Frame,
) -> bool:  # fmt: skip
    """The blocks that are handed out, and those that can move, are the law's after an allocation."""
    movable = lists.movable.set(base + pfn, order) if migratetype == MOVABLE else lists.movable
    handed = attrs.evolve(core, allocated=core.allocated.set(base + pfn, order))
    return same_held(after_zone, base, handed, law_linux.with_movable(lists, movable), place)


def takes_back(
    after_zone: Zone, base: Pfn, core: state.Zone, lists: FreeLists, pfn: Frame, order: Order, place: Frame
) -> bool:  # fmt: skip
    """The blocks that are handed out, and those that can move, are the law's after a free."""
    freed = attrs.evolve(core, allocated=core.allocated.delete(base + pfn))
    return same_held(after_zone, base, freed, law_linux.forget_movable(lists, base + pfn), place)


# --- the obligations -----------------------------------------------------------------------------------------------------

COUNTERS = (
    "each counter is the recount of its kind's free frames (BUDDY-6, recounted after every operation of a run): it has the "
    "frames of every free block, and room for those of any other"
)


def small_state(zone: Zone, base: Pfn) -> bool:
    """The zone is small enough to be read, and its frames have small numbers."""
    return small_memory(zone) & (base < 1 << 12)


Column = tuple[str, Predicate, Clause, tuple[Predicate, ...]]
"""A goal: its name, the predicate, the rule, and what relates the arrays to the law's state."""


def refines(
    subject: Callable[..., Any], given: tuple[Predicate, ...], own: tuple[Predicate, ...], *columns: Column,
    defined: bool = True, **more: Any,
) -> tuple[Obligation, ...]:  # fmt: skip
    """Return the obligations that a kernel does to its arrays what the law does to the state that they stand for.

    ``own`` are what the arrays keep among themselves; ``defined`` is False where the indices are another module's subject.
    """
    known = (*given, same_span, same_kernel)
    indices = about(subject, "defined", None, columns[0][2], given, own, **more)
    found = [
        about(subject, name, goal, rule, known, (*own, *related), beside=LAW, **more) for name, goal, rule, related in columns
    ]
    return (indices, *found) if defined else tuple(found)


LISTS_RELATED: tuple[Predicate, ...] = (same_block, same_neighbours)
COUNTS_RELATED: tuple[Predicate, ...] = (same_type, same_count)

LARGE: dict[str, Any] = {"bounds": BOUNDS, "unrolled": (law_lists.TYPES,)}
COUNTED: dict[str, Any] = {"bounds": BOUNDS, "assumed": (COUNTERS,), "unrolled": (law_core.ACCOUNT,)}

OBLIGATIONS = (
    *refines(
        ours.enlist_first, (listable,), (linked,), ("refines", enlists_first, c.FREE_4, LISTS_RELATED), defined=False,
    ),
    *refines(
        ours.enlist_last, (listable,), (linked,), ("refines", enlists_last, c.FREE_4, LISTS_RELATED), defined=False,
    ),
    *refines(ours.delist, (listed,), (linked,), ("refines", delists, c.FREE_2D, LISTS_RELATED), defined=False),
    *refines(
        ours.relist, (listed,), (linked, legal_cell), ("refines", relists, c.MOVE_TAIL, LISTS_RELATED), defined=False,
    ),
    *refines(
        ours.list_upper_half, (upper_half_free,), (linked,),
        ("refines", lists_upper_half, c.EXPAND, LISTS_RELATED),
    ),
    *refines(
        ours.absorb, (block_inside, below_top, few_pageblocks, buddy_listed), (linked,),
        ("delists", absorbs, c.FREE_2D, LISTS_RELATED),
        ("types", absorbs_types, c.FREE_2E, (*LISTS_RELATED, same_type)), **LARGE,
    ),
    *refines(
        ours.set_types, (block_inside, few_pageblocks), (), ("refines", sets_types, c.CLAIM_WHOLE, (same_type,)), **LARGE,
    ),
    *refines(
        ours.count_block, (block_inside, few_pageblocks, counted_either_way), (),
        ("refines", counts_block, c.BUDDY_6, COUNTS_RELATED), **COUNTED,
    ),
    about(ours.count_moved, "defined", None, c.COUNT_MOVES, (moved_counted,), assumed=(COUNTERS,)),
    about(ours.count_moved, "refines", counts_moved, c.COUNT_MOVES, (moved_counted,), assumed=(COUNTERS,)),
    *refines(
        operations.hand_out, (block_inside, few_pageblocks, free_counted, heads_nothing), (),
        ("linked", LINKED, c.BUDDY_5, (linked,)), ("cells", CELLS, c.BUDDY_2, (legal_cell,)),
        ("held", hands_out, c.ALLOC_FREE, (same_held,)), ("counts", counts_taken, c.BUDDY_6, ()), **COUNTED,
    ),
    *refines(
        operations.take_back, (block_inside, few_pageblocks, free_uncounted, handed_out), (),
        ("linked", LINKED, c.BUDDY_5, (linked,)), ("cells", CELLS, c.BUDDY_2, (legal_cell,)),
        ("held", takes_back, c.FREE_ACCEPTED, (same_held,)), ("counts", counts_given, c.BUDDY_6, ()), **COUNTED,
    ),
)  # fmt: skip
