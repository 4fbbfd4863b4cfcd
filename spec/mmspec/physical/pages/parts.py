"""One zone: how blocks move between its free lists, its CPUs and requests, as steps of the components that own them.

Each function takes a zone's parts and returns them after some steps of ``buddy``, ``pcp`` and ``vmstat``, whose own functions say
what a step does.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.buddy import ops as of_buddy
from mmspec.physical.buddy.core import alloc_apply, free_apply, withdraw
from mmspec.physical.buddy.kinds import unreserve_apply
from mmspec.physical.buddy.linux import alloc_choose, forget_movable, free_choose, unreserve_choose, with_movable
from mmspec.physical.buddy.lists import NOBODY, first_listed
from mmspec.physical.buddy.ops import ALLOC_FLAGS, CMA, HIGHATOMIC, MOVABLE, ORDINARY
from mmspec.physical.buddy.refill import NORMAL, Mode, refill
from mmspec.physical.buddy.state import FreeLists, type_at
from mmspec.physical.buddy.state import Zone as Frames
from mmspec.physical.page_alloc.ops import AllocFlags
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.ops import FREE_CMA, FREE_PAGES, Cpu, Zone
from mmspec.physical.pages.state import Parts
from mmspec.physical.pcp import core as pcp_core
from mmspec.physical.pcp import linux as pcp_linux
from mmspec.physical.pcp import ops as of_pcp
from mmspec.physical.pcp.state import Pages, PcpLists, keeps_order
from mmspec.physical.vmstat.core import fold_apply, mod_apply
from mmspec.physical.vmstat.linux import fold_choose, mod_choose
from mmspec.physical.vmstat.ops import Delta, Fold, Item, Mod
from mmspec.physical.vmstat.state import cell_of
from mmspec.physical.watermarks.ops import Blocks, Report
from mmspec.words import PFN_BITS, Count, Flags, Link, Migratetype, Order, Pfn

Found = tuple[Link, Parts]
"""A block (``NOBODY``: none), and the parts after it."""

# --- counting --------------------------------------------------------------------------------------------------------


def counted_of(frames: Frames) -> Count:
    """Return the free frames that NR_FREE_PAGES counts."""
    return frames.frames.get(ORDINARY, 0) + frames.frames.get(HIGHATOMIC, 0) + frames.frames.get(CMA, 0)


def changed(parts: Parts, cpu: Cpu, item: Item, delta: Delta) -> Parts:
    """Return the parts with a counter changed: a step of ``vmstat``."""
    if delta == 0:
        return parts
    op = Mod(cpu, item, delta)
    done, cells = mod_choose(parts.stat, parts.cells, op)
    return Parts(parts.zone, parts.lists, parts.pages, parts.pcp, mod_apply(parts.stat, op, done), cells, parts.reserved)


def counted(parts: Parts, cpu: Cpu, before: Frames) -> Parts:
    """Return the parts with what came to the free lists, or left them, counted."""
    rule(c.COUNTED)
    parts = changed(parts, cpu, FREE_PAGES, counted_of(parts.zone) - counted_of(before))
    return changed(parts, cpu, FREE_CMA, parts.zone.frames.get(CMA, 0) - before.frames.get(CMA, 0))


def with_free(parts: Parts, zone: Frames, lists: FreeLists) -> Parts:
    """Return the parts with other free lists."""
    return Parts(zone, lists, parts.pages, parts.pcp, parts.stat, parts.cells, parts.reserved)


def with_held(parts: Parts, pages: Pages, pcp: PcpLists) -> Parts:
    """Return the parts with other per-CPU lists."""
    return Parts(parts.zone, parts.lists, pages, pcp, parts.stat, parts.cells, parts.reserved)


# --- taking ----------------------------------------------------------------------------------------------------------


def to_held(parts: Parts, lists: FreeLists, cpu: Cpu, pfn: Pfn, order: Order, migratetype: Migratetype) -> Parts:
    """Move a block that has left the free lists to a CPU's."""
    op = of_pcp.Refill(cpu, pfn, order, migratetype)
    done, pcp = pcp_linux.refill_choose(parts.pages, parts.pcp, op)
    pages = pcp_core.refill_apply(parts.pages, op, done)
    return with_held(with_free(parts, withdraw(parts.zone, pfn, order), lists), pages, pcp)


def is_frame(link: Link) -> bool:
    """Tell whether a link is to a frame: not to nobody, nor to the head of a list."""
    return link >> PFN_BITS == 0


def refill_more(
    parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, flags: AllocFlags, mode: Mode, left: Count
) -> bool:
    """Tell whether the list wants another block."""
    return left > 0


def refill_step(
    parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, flags: AllocFlags, mode: Mode, left: Count
) -> tuple[Any, ...]:  # fmt: skip
    """Move the next block from the free lists to the CPU's; without one the refill ends."""
    pfn, lists, mode = refill(parts.zone, parts.lists, order, migratetype, flags, mode)
    if not is_frame(pfn):
        return parts, cpu, order, migratetype, flags, mode, 0
    before = parts.zone
    parts = to_held(parts, lists, cpu, pfn, order, migratetype)
    if lists.kernel >= 612:
        parts = counted(parts, cpu, before)
    return parts, cpu, order, migratetype, flags, mode, left - 1


def refill_left(
    parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, flags: AllocFlags, mode: Mode, left: Count
) -> int:
    """Return how many blocks the list still wants."""
    return left


REFILL = Loop("refill", refill_more, refill_step, refill_left)


def refilled(parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, flags: AllocFlags, zone_flags: Flags) -> Parts:
    """Return the parts after a CPU's list was refilled (mm/page_alloc.c:rmqueue_bulk, v6.12)."""
    rule(c.REFILL)
    wanted, pcp = pcp_linux.want_choose(parts.pages, parts.pcp, of_pcp.Want(cpu, order, zone_flags))
    if wanted.failed:
        return parts
    before = parts.zone
    after: Parts = with_held(parts, parts.pages, pcp)
    after, _, _, _, _, _, _ = REFILL.run(after, cpu, order, migratetype, flags & ALLOC_FLAGS, NORMAL, wanted.count)
    if after.lists.kernel >= 612:
        return after
    rule(c.COUNTED_61)
    return counted(after, cpu, before)


def from_cpu(parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, again: Flags) -> Found:
    """Take the first block of a CPU's list: a step of ``pcp``."""
    op = of_pcp.Alloc(cpu, order, migratetype, again)
    page, pcp = pcp_linux.alloc_choose(parts.pages, parts.pcp, op)
    pfn = NOBODY if page.failed else page.pfn
    return pfn, with_held(parts, pcp_core.alloc_apply(parts.pages, op, page), pcp)


def from_pcplist(
    parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, flags: AllocFlags, zone_flags: Flags, again: Flags
) -> Found:
    """Take a block from a CPU's list, refilled if it is empty (mm/page_alloc.c:rmqueue_pcplist, v6.12)."""
    pfn, parts = from_cpu(parts, cpu, order, migratetype, again)
    if pfn >= NOBODY:
        pfn, parts = from_cpu(refilled(parts, cpu, order, migratetype, flags, zone_flags), cpu, order, migratetype, of_pcp.AGAIN)
    if pfn < NOBODY and migratetype == MOVABLE:
        rule(c.MOVABLE_LIVE)
        parts = with_free(parts, parts.zone, with_movable(parts.lists, parts.lists.movable.set(pfn, order)))
    return pfn, parts


def from_lists(parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, flags: AllocFlags) -> Found:
    """Take a block from the free lists: a step of ``buddy`` (mm/page_alloc.c:rmqueue_buddy, v6.12)."""
    op = of_buddy.Alloc(order, migratetype, flags & ALLOC_FLAGS)
    page, lists = alloc_choose(parts.zone, parts.lists, op)
    if page.failed:
        return NOBODY, parts
    before = parts.zone
    return page.pfn, counted(with_free(parts, alloc_apply(before, op, page), lists), cpu, before)


def rmqueue(parts: Parts, cpu: Cpu, order: Order, migratetype: Migratetype, flags: AllocFlags, zone_flags: Flags) -> Found:
    """Take a block from a zone (mm/page_alloc.c:rmqueue, v6.12)."""
    if keeps_order(parts.pages.span, order):
        rule(c.FROM_CPU)
        pfn, parts = from_pcplist(parts, cpu, order, migratetype, flags, zone_flags, 0)
        if pfn < NOBODY:
            return pfn, parts
    rule(c.FROM_LISTS)
    return from_lists(parts, cpu, order, migratetype, flags)


# --- giving back -----------------------------------------------------------------------------------------------------


def to_lists(parts: Parts, cpu: Cpu, pfn: Pfn, order: Order) -> Parts:
    """Give a block to the free lists, by the type that its pageblock has now: a step of ``buddy``."""
    before, op = parts.zone, of_buddy.Free(pfn, order)
    done, lists = free_choose(before, parts.lists, op)
    return counted(with_free(parts, free_apply(before, op, done), lists), cpu, before)


def back_more(parts: Parts, owner: Cpu, cpu: Cpu) -> bool:
    """Tell whether a CPU still owes frames."""
    return pcp_core.is_owing(parts.pages, owner)


def back_step(parts: Parts, owner: Cpu, cpu: Cpu) -> tuple[Any, ...]:
    """Give the next block back."""
    rule(c.GOES_BACK)
    rule(c.COUNTED)
    op = of_pcp.Drain(owner)
    block: Any
    block, pcp = pcp_linux.drain_choose(parts.pages, parts.pcp, op)
    parts = with_held(parts, pcp_core.drain_apply(parts.pages, op, block), pcp)
    return to_lists(parts, cpu, block.pfn, block.order), owner, cpu


def back_left(parts: Parts, owner: Cpu, cpu: Cpu) -> int:
    """Return how many frames a CPU still owes."""
    owed: Count = parts.pages.owed.get(owner, 0)
    return owed


BACK = Loop("back", back_more, back_step, back_left)


def given_back(parts: Parts, owner: Cpu, cpu: Cpu) -> Parts:
    """Return the parts after a CPU gave back all that it owes, counted by the CPU that does it."""
    after: Parts
    after, _, _ = BACK.run(parts, owner, cpu)
    return after


def to_cpu(parts: Parts, cpu: Cpu, pfn: Pfn, order: Order, zone_flags: Flags) -> tuple[bool, Parts]:
    """Give a block to a CPU, and what that then has too much to the free lists; tell whether anything went there."""
    lists = forget_movable(parts.lists, pfn)
    op = of_pcp.Free(cpu, pfn, order, type_at(parts.zone.span, lists, pfn), zone_flags)
    owed, pcp = pcp_linux.free_choose(parts.pages, parts.pcp, op)
    if owed.failed:
        rule(c.TO_LISTS)
        return False, to_lists(parts, cpu, pfn, order)
    rule(c.TO_CPU)
    parts = with_held(with_free(parts, parts.zone, lists), pcp_core.free_apply(parts.pages, op, owed), pcp)
    return owed.count > 0, given_back(parts, cpu, cpu) if owed.count > 0 else parts


# --- drains ----------------------------------------------------------------------------------------------------------


def bulk(parts: Parts, owner: Cpu, cpu: Cpu, count: Count) -> Parts:
    """Return the parts after a CPU gave back so many frames under one hold of its lock."""
    op = of_pcp.Bulk(owner, count)
    owed, pcp = pcp_linux.bulk_choose(parts.pages, parts.pcp, op)
    return given_back(with_held(parts, pcp_core.bulk_apply(parts.pages, op, owed), pcp), owner, cpu)


def portions_more(parts: Parts, owner: Cpu, cpu: Cpu, total: Count, portion: Count) -> bool:
    """Tell whether a portion is left to give back."""
    return total > 0


def portions_step(parts: Parts, owner: Cpu, cpu: Cpu, total: Count, portion: Count) -> tuple[Any, ...]:
    """Give a portion back."""
    return bulk(parts, owner, cpu, min(total, portion)), owner, cpu, max(0, total - portion), portion


def portions_left(parts: Parts, owner: Cpu, cpu: Cpu, total: Count, portion: Count) -> int:
    """Return how many frames are left."""
    return total


PORTIONS = Loop("portions", portions_more, portions_step, portions_left)


def carried_out(parts: Parts, owner: Cpu, cpu: Cpu, plan: Any) -> Parts:
    """Return the parts after a CPU gave back what a plan says."""
    after: Parts
    after, _, _, _, _ = PORTIONS.run(parts, owner, cpu, plan.total, plan.portion)
    return after


def drained(parts: Parts, owner: Cpu, cpu: Cpu) -> Parts:
    """Return the parts after a CPU gave back all that it holds of the zone (mm/page_alloc.c:drain_pages_zone, v6.12)."""
    plan, _ = pcp_linux.drain_all_choose(parts.pages, parts.pcp, of_pcp.DrainAll(owner))
    return carried_out(parts, owner, cpu, plan)


def refreshed(parts: Parts, cpu: Cpu, remote: Flags) -> Parts:
    """Return the parts after a CPU's refresh (mm/vmstat.c:refresh_cpu_vm_stats, v6.12)."""
    rule(c.FOLDS)
    held = (parts.cells.held.get(cell_of(cpu, FREE_PAGES), 0) != 0) | (parts.cells.held.get(cell_of(cpu, FREE_CMA), 0) != 0)
    fold = Fold(cpu)
    done, cells = fold_choose(parts.stat, parts.cells, fold)
    stat = fold_apply(parts.stat, fold, done)
    parts = Parts(parts.zone, parts.lists, parts.pages, parts.pcp, stat, cells, parts.reserved)
    rule(c.DECAYS)
    plan, pcp = pcp_linux.decay_choose(parts.pages, parts.pcp, of_pcp.Decay(cpu))
    parts = carried_out(with_held(parts, parts.pages, pcp), cpu, cpu, plan)
    rule(c.EXPIRES)
    flags = remote | (of_pcp.CHANGED if held else 0)
    plan, pcp = pcp_linux.expire_choose(parts.pages, parts.pcp, of_pcp.Expire(cpu, flags))
    return carried_out(with_held(parts, parts.pages, pcp), cpu, cpu, plan)


# --- what a walk goes by ---------------------------------------------------------------------------------------------


def is_mergeable_listed(lists: FreeLists, order: Order) -> bool:
    """Tell whether a list of an order and a mergeable type is not empty."""
    return (
        first_listed(lists, order, MOVABLE) < NOBODY
        or first_listed(lists, order, of_buddy.UNMOVABLE) < NOBODY
        or first_listed(lists, order, of_buddy.RECLAIMABLE) < NOBODY
    )


def mergeable_orders(parts: Parts) -> Blocks:
    """Return the orders at which a list of a mergeable type is not empty."""
    found = 0
    for order in range(parts.zone.span.max_order + 1):
        found |= is_mergeable_listed(parts.lists, order) << order
    return found


def orders_on(parts: Parts, migratetype: Migratetype) -> Blocks:
    """Return the orders at which a list of a type is not empty."""
    found = 0
    for order in range(parts.zone.span.max_order + 1):
        found |= (first_listed(parts.lists, order, migratetype) < NOBODY) << order
    return found


def report_of(parts: Parts, zone: Zone) -> Report:
    """Return what is free in a zone, as its counters have it."""
    frames = parts.zone.frames
    highatomic, cma = frames.get(HIGHATOMIC, 0), frames.get(CMA, 0)
    return Report(
        zone,
        max(0, parts.cells.counter.get(FREE_PAGES, 0)),
        counted_of(parts.zone),
        highatomic if parts.lists.kernel >= 612 else parts.reserved,
        max(0, parts.cells.counter.get(FREE_CMA, 0)),
        parts.cells.drift_mark,
        mergeable_orders(parts),
        orders_on(parts, CMA) if cma > 0 else 0,
        orders_on(parts, HIGHATOMIC) if highatomic > 0 else 0,
    )


def turned_back(parts: Parts, migratetype: Migratetype) -> tuple[Count, Parts]:
    """Turn the pageblocks of a HIGHATOMIC block back: a step of ``buddy``; return its frames, 0 where there is none."""
    op, before = of_buddy.Unreserve(migratetype), parts.zone
    block, lists = unreserve_choose(before, parts.lists, op)
    if block.failed:
        return 0, parts
    size = max(1 << before.span.pageblock_order, 1 << block.order)
    rule(c.UNRESERVE_COUNT)
    reserved = parts.reserved - min(size, parts.reserved)
    zone = unreserve_apply(before, op, block)
    return size, Parts(zone, lists, parts.pages, parts.pcp, parts.stat, parts.cells, reserved)
