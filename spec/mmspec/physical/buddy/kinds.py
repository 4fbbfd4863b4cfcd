"""The kinds of pageblocks: what their frames may be used for, and which counter they are in.

The same rhythm as in ``core``: ``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the zone after an allowed
result.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import Error, refused
from mmspec.loop import Loop
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import block_over
from mmspec.physical.buddy.ops import (
    HIGHATOMIC,
    ISOLATE,
    ORDINARY,
    RECLAIMABLE,
    Block,
    Done,
    Isolate,
    Reserve,
    Retype,
    Unisolate,
    Unreserve,
)
from mmspec.physical.buddy.state import Zone, in_zone, kind_at, kind_of, pageblock_inside
from mmspec.words import ABSENT, Count, Migratetype, Order, Pfn, PfnEnd, head_of, is_aligned, size_of

# --- counting, and changing kinds ------------------------------------------------------------------------------------


def count_more(zone: Zone, pfn: PfnEnd, end: PfnEnd, count: Count) -> bool:
    """Tell whether frames of the pageblock are left to count."""
    return pfn < end


def count_step(zone: Zone, pfn: PfnEnd, end: PfnEnd, count: Count) -> tuple[Any, ...]:
    """Count the free block at ``pfn``, or pass over what is there instead."""
    order = zone.free.get(pfn, ABSENT)
    if order != ABSENT:
        return zone, pfn + size_of(order), end, count + size_of(order)
    held = zone.allocated.get(pfn, ABSENT)
    return zone, pfn + (1 if held == ABSENT else size_of(held)), end, count


def count_left(zone: Zone, pfn: PfnEnd, end: PfnEnd, count: Count) -> int:
    """Return how many frames of the pageblock may be left."""
    return max(0, end - pfn)


COUNT = Loop("count", count_more, count_step, count_left)


def free_frames_in(zone: Zone, start: Pfn) -> Count:
    """Return the number of free frames in the pageblock that begins at ``start``."""
    if block_over(zone.free, start, zone.span.pageblock_order) != ABSENT:
        return size_of(zone.span.pageblock_order)
    count: Count
    _, _, _, count = COUNT.run(zone, start, start + size_of(zone.span.pageblock_order), 0)
    return count


def set_kind(zone: Zone, pfn: Pfn, kind: Migratetype) -> Zone:
    """Give the pageblock that holds ``pfn`` a kind, and count its free frames there."""
    old = kind_at(zone, pfn)
    if old == kind:
        return zone
    rule(c.COUNT_MOVES)
    start = head_of(pfn, zone.span.pageblock_order)
    index = pfn >> zone.span.pageblock_order
    count = free_frames_in(zone, start)
    frames = zone.frames.set(old, zone.frames.get(old, 0) - count)
    return attrs.evolve(
        zone,
        pageblock=zone.pageblock.set(index, kind),
        frames=frames.set(kind, frames.get(kind, 0) + count),
    )


def set_kinds(zone: Zone, pfn: Pfn, order: Order, kind: Migratetype) -> Zone:
    """Give every pageblock of a block a kind."""
    if order <= zone.span.pageblock_order:
        return set_kind(zone, pfn, kind)
    zone, _, _, _ = CHANGE.run(zone, pfn, pfn + size_of(order), kind)
    return zone


def change_more(zone: Zone, pfn: PfnEnd, end: PfnEnd, kind: Migratetype) -> bool:
    """Tell whether pageblocks of the block are left to change."""
    return pfn < end


def change_step(zone: Zone, pfn: PfnEnd, end: PfnEnd, kind: Migratetype) -> tuple[Any, ...]:
    """Give the pageblock at ``pfn`` the kind."""
    return set_kind(zone, pfn, kind), pfn + size_of(zone.span.pageblock_order), end, kind


def change_left(zone: Zone, pfn: PfnEnd, end: PfnEnd, kind: Migratetype) -> int:
    """Return how many frames of the block are left."""
    return max(0, end - pfn)


CHANGE = Loop("change", change_more, change_step, change_left)


# --- isolate, unisolate, retype ----------------------------------------------------------------------------------------


def isolate_allowed(zone: Zone, op: Isolate, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an isolation breaks."""
    if not in_zone(zone.span, op.pfn):
        rule(c.ISOLATE_ARGS)
        return None if refused(result, "EINVAL") else c.ISOLATE_ARGS
    if kind_at(zone, op.pfn) == ISOLATE or not pageblock_inside(zone.span, op.pfn):
        rule(c.ISOLATE_BUSY)
        return None if refused(result, "EBUSY") else c.ISOLATE_BUSY
    rule(c.ISOLATE_DONE)
    return c.ISOLATE_DONE if result.failed else None


def isolate_apply(zone: Zone, op: Isolate, result: Done | Error) -> Zone:
    """Make the pageblock ISOLATE."""
    return zone if result.failed else set_kind(zone, op.pfn, ISOLATE)


def unisolate_allowed(zone: Zone, op: Unisolate, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to the end of an isolation breaks."""
    if not in_zone(zone.span, op.pfn) or kind_at(zone, op.pfn) != ISOLATE or op.migratetype >= ISOLATE:
        rule(c.UNISOLATE_ARGS)
        return None if refused(result, "EINVAL") else c.UNISOLATE_ARGS
    rule(c.UNISOLATE_DONE)
    return c.UNISOLATE_DONE if result.failed else None


def unisolate_apply(zone: Zone, op: Unisolate, result: Done | Error) -> Zone:
    """Give the pageblock its new kind."""
    return zone if result.failed else set_kind(zone, op.pfn, kind_of(op.migratetype))


def retype_allowed(zone: Zone, op: Retype, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a change of type breaks."""
    if not in_zone(zone.span, op.pfn) or op.migratetype >= ISOLATE:
        rule(c.RETYPE_ARGS)
        return None if refused(result, "EINVAL") else c.RETYPE_ARGS
    if not retype_possible(zone, op.pfn):
        rule(c.RETYPE_BUSY)
        return None if refused(result, "EBUSY") else c.RETYPE_BUSY
    rule(c.RETYPE_DONE)
    return c.RETYPE_DONE if result.failed else None


def retype_possible(zone: Zone, pfn: Pfn) -> bool:
    """Tell whether the pageblock lies in the zone, is not isolated, and is not part of a larger free block."""
    above = zone.span.pageblock_order + 1
    return (
        pageblock_inside(zone.span, pfn)
        and kind_at(zone, pfn) != ISOLATE
        and block_over(zone.free, head_of(pfn, above), above) == ABSENT
    )


def retype_apply(zone: Zone, op: Retype, result: Done | Error) -> Zone:
    """Give the pageblock its new kind."""
    return zone if result.failed else set_kind(zone, op.pfn, kind_of(op.migratetype))


# --- reserve, unreserve ------------------------------------------------------------------------------------------------


def reserve_allowed(zone: Zone, op: Reserve, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a highatomic reservation breaks."""
    if op.order == ABSENT or zone.allocated.get(op.pfn, ABSENT) != op.order:
        rule(c.RESERVE_ARGS)
        return None if refused(result, "EINVAL") else c.RESERVE_ARGS
    if kind_at(zone, op.pfn) != ORDINARY or not pageblock_inside(zone.span, op.pfn):
        rule(c.RESERVE_BUSY)
        return None if refused(result, "EBUSY") else c.RESERVE_BUSY
    rule(c.RESERVE_DONE)
    return c.RESERVE_DONE if result.failed else None


def reserve_apply(zone: Zone, op: Reserve, result: Done | Error) -> Zone:
    """Make every pageblock of the block HIGHATOMIC."""
    return zone if result.failed else set_kinds(zone, op.pfn, op.order, HIGHATOMIC)


def unreserve_allowed(zone: Zone, op: Unreserve, result: Block | Error) -> Clause | None:
    """Name the clause that an answer to the end of a reservation breaks."""
    if op.migratetype > RECLAIMABLE:
        rule(c.UNRESERVE_ARGS)
        return None if refused(result, "EINVAL") else c.UNRESERVE_ARGS
    if zone.frames.get(HIGHATOMIC, 0) == 0:
        rule(c.UNRESERVE_NONE)
        return None if refused(result, "ENOENT") else c.UNRESERVE_NONE
    if result.failed:
        rule(c.UNRESERVE_NONE)
        return c.UNRESERVE_NONE
    rule(c.UNRESERVE_BLOCK)
    if result.order > zone.span.max_order or not is_aligned(result.pfn, result.order):
        return c.UNRESERVE_BLOCK
    if block_over(zone.free, result.pfn, result.order) == ABSENT:
        return c.UNRESERVE_BLOCK
    return None if block_reserved(zone, result.pfn, result.order) else c.UNRESERVE_BLOCK


def block_reserved(zone: Zone, pfn: Pfn, order: Order) -> bool:
    """Tell whether every pageblock of a block is HIGHATOMIC."""
    if order <= zone.span.pageblock_order:
        return kind_at(zone, pfn) == HIGHATOMIC
    end = pfn + size_of(order)
    reached: PfnEnd
    _, reached, _ = RESERVED.run(zone, pfn, end)
    return reached == end


def reserved_more(zone: Zone, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether the pageblock at ``pfn`` is one of the block's, and HIGHATOMIC."""
    return (pfn < end) & (kind_at(zone, pfn) == HIGHATOMIC)


def reserved_step(zone: Zone, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Go on to the next pageblock."""
    return zone, pfn + size_of(zone.span.pageblock_order), end


def reserved_left(zone: Zone, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames of the block are left."""
    return max(0, end - pfn)


RESERVED = Loop("reserved", reserved_more, reserved_step, reserved_left)


def unreserve_apply(zone: Zone, op: Unreserve, result: Block | Error) -> Zone:
    """Give every pageblock of the block an ordinary kind."""
    return zone if result.failed else set_kinds(zone, result.pfn, result.order, ORDINARY)
