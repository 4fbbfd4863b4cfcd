"""What is true of the implementation's arrays, and when they stand for a state of the law: said of one arbitrary place.

``zone`` is ``mmimpl``'s throughout; ``core`` and ``lists`` are the law's state, whose frame ``base + f`` is the arrays' ``f``.
"""

from __future__ import annotations

from mmimpl.physical.buddy.memory import (
    ALLOCATED,
    LISTS,
    MAX_PAGES,
    MIGRATABLE,
    NONE,
    BlockIndex,
    Cell,
    Frame,
    Zone,
)  # fmt: skip
from mmspec.linked import HEADS
from mmspec.physical.buddy import state
from mmspec.physical.buddy.ops import KERNELS, MOVABLE, ORDINARY
from mmspec.physical.buddy.state import UNLISTED, FreeLists
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, PFN_BITS, Link, Migratetype, Order, Pfn, is_aligned, size_of

# --- what never changes --------------------------------------------------------------------------------------------------


def legal_memory(zone: Zone) -> bool:
    """The zone's fixed part is what ``arrays_of`` makes."""
    orders = (zone.pageblock_order <= zone.max_order) & (zone.max_order <= MAX_ORDER_LIMIT)
    pageblocks = (zone.pageblock_order >= 1) | (zone.max_order == 0)
    ranges = (zone.start < zone.end) & (zone.end <= zone.heads) & (zone.heads <= MAX_PAGES)
    whole = (zone.start < size_of(zone.max_order)) & (zone.heads - zone.end < size_of(zone.max_order))
    kernels = (zone.kernel == KERNELS["6.1"]) | (zone.kernel == KERNELS["6.12"])
    return orders & pageblocks & ranges & whole & is_aligned(zone.heads, zone.max_order) & kernels


# --- what every kernel keeps ---------------------------------------------------------------------------------------------


def list_of(zone: Zone, place: Frame) -> Cell:
    """Return the number of the list that a head or a block is on; ``ALLOCATED`` or more: none."""
    return place - zone.heads if place >= zone.heads else zone.page[place]


def together(zone: Zone, place: Frame, other: Frame) -> bool:
    """Tell whether two places are on one list."""
    if (place >= zone.heads) & (other >= zone.heads):
        return place == other
    return list_of(zone, place) == list_of(zone, other)


def linked(zone: Zone, place: Frame) -> bool:
    """What a cell says is on a list, and every head, has two neighbours on the same list, which point back at it."""
    if place >= zone.heads + LISTS:
        return True
    if list_of(zone, place) >= ALLOCATED:
        return True
    after, before = zone.after[place], zone.before[place]
    if (after >= zone.heads + LISTS) | (before >= zone.heads + LISTS):
        return False
    mutual = (zone.before[after] == place) & (zone.after[before] == place)
    return mutual & together(zone, place, after) & together(zone, place, before)


def legal_block(zone: Zone, place: Frame, order: Order) -> bool:
    """A block of the order at the place is aligned, inside the zone, and of an order that exists."""
    inside = (zone.start <= place) & (place + size_of(order) <= zone.end)
    return (order <= zone.max_order) & is_aligned(place, order) & inside


def legal_cell(zone: Zone, place: Frame) -> bool:
    """A cell names a list that exists or a block that is handed out, and the block may lie there; or it is ``NONE``."""
    if place >= zone.heads:
        return True
    cell = zone.page[place]
    known = (cell < LISTS) | ((cell & ~MIGRATABLE & ~15) == ALLOCATED)
    return (cell == NONE) | (known & legal_block(zone, place, cell & 15))


# --- what the arrays stand for -------------------------------------------------------------------------------------------

NOWHERE = HEADS + 0xFFFF
"""No key of the law's rings."""


def same_span(zone: Zone, base: Pfn, core: state.Zone) -> bool:
    """The zone lies where the law's does, its frames counted from a base that is aligned to the largest block."""
    placed = (core.span.start_pfn == base + zone.start) & (core.span.end_pfn == base + zone.end)
    orders = (core.span.max_order == zone.max_order) & (core.span.pageblock_order == zone.pageblock_order)
    return placed & orders & is_aligned(base, zone.max_order) & (base + zone.heads <= 1 << PFN_BITS)


def same_kernel(zone: Zone, lists: FreeLists) -> bool:
    """Both make one kernel's choices."""
    return lists.kernel == zone.kernel


def key_of(zone: Zone, base: Pfn, place: Frame) -> Link:
    """Return the key in the law's rings of a place in the arrays'."""
    return HEADS + place - zone.heads if place >= zone.heads else base + place


def same_link(zone: Zone, base: Pfn, place: Frame, key: Link) -> bool:
    """A place in the arrays' rings and a key in the law's are one frame, or one list's head."""
    frame = (place < zone.heads) & (key == base + place)
    return frame | ((place >= zone.heads) & (key == HEADS + place - zone.heads))


def same_block(zone: Zone, base: Pfn, lists: FreeLists, place: Frame) -> bool:
    """The law lists at a frame the block that its cell says."""
    cell = zone.page[place] if place < zone.heads else NONE
    return lists.block.get(base + place, UNLISTED) == (cell if cell < ALLOCATED else UNLISTED)


def same_neighbours(zone: Zone, base: Pfn, lists: FreeLists, place: Frame) -> bool:
    """What is on a list, and every head, has the neighbours that it has in the law's rings; nothing else has any there."""
    if place >= zone.heads + LISTS:
        return True
    if place >= zone.heads:
        key = HEADS + place - zone.heads
        after, before = lists.links.next.get(key, key), lists.links.prev.get(key, key)
    else:
        key = base + place
        after, before = lists.links.next.get(key, NOWHERE), lists.links.prev.get(key, NOWHERE)
        if zone.page[place] >= ALLOCATED:
            return (after == NOWHERE) & (before == NOWHERE)
    return same_link(zone, base, zone.after[place], after) & same_link(zone, base, zone.before[place], before)


def held_order(cell: Cell) -> Order:
    """Return the order of the block that is handed out at a cell, or ``ABSENT``."""
    return cell & 15 if (cell >= ALLOCATED) & (cell != NONE) else ABSENT


def same_held(zone: Zone, base: Pfn, core: state.Zone, lists: FreeLists, place: Frame) -> bool:
    """The block handed out at a frame is the one that its cell says, and movable if it says so."""
    cell = zone.page[place] if place < zone.heads else NONE
    held = held_order(cell)
    movable = held if cell & MIGRATABLE else ABSENT
    return (core.allocated.get(base + place, ABSENT) == held) & (lists.movable.get(base + place, ABSENT) == movable)


def same_type(zone: Zone, base: Pfn, core: state.Zone, lists: FreeLists, index: BlockIndex) -> bool:
    """A pageblock's type is the one that its cell says, and its kind that type's."""
    if index >= zone.heads >> zone.pageblock_order:
        return True
    key = (base >> zone.pageblock_order) + index
    kind = core.pageblock.get(key, ORDINARY) == state.kind_of(zone.types[index])
    return kind & (lists.types.get(key, MOVABLE) == zone.types[index])


def same_count(zone: Zone, core: state.Zone, kind: Migratetype) -> bool:
    """As many frames of a kind are free as its cell says."""
    return core.frames.get(kind, 0) == zone.frames[kind]
