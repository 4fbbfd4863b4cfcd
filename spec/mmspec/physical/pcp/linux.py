"""Which of the lawful results Linux gives: ``X_choose`` returns it, and the lists after it.

One function for each place where the kernel touches a list; ``amounts`` says how many blocks it moves, ``parameters`` what its
limits are.
"""

from __future__ import annotations

import attrs

from mmspec import linked
from mmspec.clause import rule
from mmspec.linked import HEADS, Links
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp.amounts import decayed, freed, pcp_of, requested, wanted, with_pcp
from mmspec.physical.pcp.core import alloc_served, blocks_held, hold, is_cpu, is_owing, refill_served, takes
from mmspec.physical.pcp.ops import (
    AGAIN,
    CHANGED,
    DONE,
    EBUSY,
    EINVAL,
    ENOENT,
    EXPIRE_TICKS,
    FREE_HIGH_BATCH,
    ISOLATE,
    KERNELS,
    LISTS,
    PREV_FREE_HIGH_ORDER,
    REMOTE,
    Alloc,
    Block,
    Blocks,
    Bulk,
    Cacheinfo,
    Config,
    CountPages,
    Cpu,
    Decay,
    Disable,
    Done,
    Drain,
    DrainAll,
    Enable,
    Error,
    Expire,
    Frames,
    Free,
    HeldBlocks,
    Index,
    Limits,
    Page,
    PcpList,
    Plan,
    Refill,
    Tune,
    Want,
)  # fmt: skip
from mmspec.physical.pcp.parameters import fraction_served, limits_of, sharing
from mmspec.physical.pcp.state import (
    Pages,
    PcpLists,
    index_of,
    keeps_order,
    kept_for,
    list_of,
    order_held,
    span_of,
)  # fmt: skip
from mmspec.pmap import pmap
from mmspec.words import Count, Link, Migratetype, Order

# --- after a reset ---------------------------------------------------------------------------------------------------


def initial_pages(config: Config) -> Pages:
    """Return the pages of a zone whose CPUs hold nothing (InputError: the configuration describes none)."""
    return Pages(span=span_of(config), held=pmap(), count=pmap(), owed=pmap(), disabled=0)


def initial_lists(config: Config, kernel: str) -> PcpLists:
    """Return the lists of the boot pageset, which keeps nothing (mm/page_alloc.c:per_cpu_pages_init, v6.12)."""
    rule(c.BOOT)
    return PcpLists(
        kernel=KERNELS[kernel],
        links=Links(),
        batch=1,
        high_min=0,
        high_max=0,
        zone_batch=1,
        zone_high_min=0,
        zone_high_max=0,
        high=pmap(),
        free_count=pmap(),
        alloc_factor=pmap(),
        free_factor=pmap(),
        flags=pmap(),
        expire=pmap(),
        cursor=pmap(),
    )


def with_links(lists: PcpLists, links: Links) -> PcpLists:
    """Return the lists with other links."""
    return PcpLists(
        lists.kernel, links, lists.batch, lists.high_min, lists.high_max, lists.zone_batch, lists.zone_high_min,
        lists.zone_high_max, lists.high, lists.free_count, lists.alloc_factor, lists.free_factor, lists.flags, lists.expire,
        lists.cursor,
    )  # fmt: skip


def list_for(cpu: Cpu, order: Order, migratetype: Migratetype) -> PcpList:
    """Return the number of the list that serves such a request."""
    rule(c.INDEX)
    return list_of(cpu, index_of(order, migratetype))


# --- alloc, want, refill ---------------------------------------------------------------------------------------------


def alloc_choose(pages: Pages, lists: PcpLists, op: Alloc) -> tuple[Page | Error, PcpLists]:
    """Hand out the head of the request's list (mm/page_alloc.c:__rmqueue_pcplist, v6.12)."""
    if not alloc_served(pages, op):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    if op.flags & AGAIN == 0:
        rule(c.ALLOC_HALVES)
        lists = with_pcp(lists, op.cpu, requested(lists, pcp_of(pages, lists, op.cpu)))
    pfn = linked.first(lists.links, list_for(op.cpu, op.order, op.migratetype))
    if pfn >= HEADS:
        return ENOENT, lists
    rule(c.ALLOC_HEAD)
    return Page(pfn), with_links(lists, linked.remove(lists.links, pfn))


def want_choose(pages: Pages, lists: PcpLists, op: Want) -> tuple[Frames | Error, PcpLists]:
    """Say how many blocks a refill asks for."""
    if not is_cpu(pages, op.cpu) or not keeps_order(pages.span, op.order):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    count, pcp = wanted(pages, lists, pcp_of(pages, lists, op.cpu), op.order, op.flags)
    return Frames(count), with_pcp(lists, op.cpu, pcp)


def refill_choose(pages: Pages, lists: PcpLists, op: Refill) -> tuple[Done | Error, PcpLists]:
    """Put a block at the tail of a request's list (mm/page_alloc.c:rmqueue_bulk, v6.12)."""
    if not refill_served(pages, op):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    rule(c.REFILL_TAIL)
    return DONE, with_links(lists, linked.push_tail(lists.links, list_for(op.cpu, op.order, op.migratetype), op.pfn))


# --- free, bulk, drain -----------------------------------------------------------------------------------------------


def free_choose(pages: Pages, lists: PcpLists, op: Free) -> tuple[Frames | Error, PcpLists]:
    """Put a block at the head of its list, and say how many frames are then to go back."""
    if not takes(pages, op.cpu, op.pfn, op.order):
        return EINVAL, lists
    if is_owing(pages, op.cpu) or not keeps_order(pages.span, op.order) or op.migratetype == ISOLATE:
        return EBUSY, lists
    migratetype = kept_for(op.migratetype)
    pages = hold(pages, op.cpu, op.pfn, op.order, migratetype)
    rule(c.FREE_HEAD)
    lists = with_links(lists, linked.push_head(lists.links, list_for(op.cpu, op.order, migratetype), op.pfn))
    count, pcp = freed(pages, lists, pcp_of(pages, lists, op.cpu), op.order, op.flags)
    lists = with_pcp(lists, op.cpu, pcp)
    if count == 0:
        return Frames(0), lists
    rule(c.DRAIN_FROM_FREED)
    return Frames(count), with_cursor(lists, op.cpu, index_of(op.order, migratetype))


def with_cursor(lists: PcpLists, cpu: Cpu, index: Index) -> PcpLists:
    """Return the lists with a drain that stands at a CPU's list."""
    return PcpLists(
        lists.kernel, lists.links, lists.batch, lists.high_min, lists.high_max, lists.zone_batch, lists.zone_high_min,
        lists.zone_high_max, lists.high, lists.free_count, lists.alloc_factor, lists.free_factor, lists.flags, lists.expire,
        lists.cursor.set(cpu, index),
    )  # fmt: skip


def bulk_choose(pages: Pages, lists: PcpLists, op: Bulk) -> tuple[Frames | Error, PcpLists]:
    """Begin to give frames back, from the first list on; never more than there are."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    rule(c.DRAIN_FROM_FIRST)
    return Frames(min(op.count, pages.count.get(op.cpu, 0))), with_cursor(lists, op.cpu, 0)


def next_list(lists: PcpLists, cpu: Cpu) -> Index:
    """Return the first of a CPU's lists that is not empty, in turn from where its drain stands; ``LISTS``: all are empty."""
    start = lists.cursor.get(cpu, 0)
    for k in range(LISTS):
        index = (start + k) % LISTS
        if not linked.is_empty(lists.links, list_of(cpu, index)):
            return index
    return LISTS


def last_of(links: Links, number: PcpList) -> Link:
    """Return the last element of a list, or the list's head if it is empty."""
    head = linked.list_head(number)
    return links.prev.get(head, head)


def drain_choose(pages: Pages, lists: PcpLists, op: Drain) -> tuple[Block | Error, PcpLists]:
    """Give back the tail of the list that the drain stands at (mm/page_alloc.c:free_pcppages_bulk, v6.12)."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    index = next_list(lists, op.cpu)
    if not is_owing(pages, op.cpu) or index == LISTS:
        return ENOENT, lists
    rule(c.DRAIN_TURNS)
    lists = with_cursor(lists, op.cpu, index)
    rule(c.DRAIN_TAIL)
    pfn = last_of(lists.links, list_of(op.cpu, index))
    return Block(pfn, order_held(pages.held[pfn])), with_links(lists, linked.remove(lists.links, pfn))


# --- drain_all, decay, expire ----------------------------------------------------------------------------------------


def plan_of(total: Count, portion: Count) -> Plan:
    """Return a plan; what is less than a portion goes at once."""
    return Plan(total, min(total, portion))


def drain_all_choose(pages: Pages, lists: PcpLists, op: DrainAll) -> tuple[Plan | Error, PcpLists]:
    """Give everything back, in portions of the largest batch (mm/page_alloc.c:drain_pages_zone, v6.12)."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    rule(c.DRAIN_PORTION)
    return plan_of(pages.count.get(op.cpu, 0), lists.batch << pages.span.scale_max), lists


def decay_choose(pages: Pages, lists: PcpLists, op: Decay) -> tuple[Plan | Error, PcpLists]:
    """Give back, in batches, what is above the lowered limit."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    total, pcp = decayed(pages, lists, pcp_of(pages, lists, op.cpu))
    return plan_of(total, lists.batch), with_pcp(lists, op.cpu, pcp)


def expire_choose(pages: Pages, lists: PcpLists, op: Expire) -> tuple[Plan | Error, PcpLists]:
    """Count down while nothing is counted in a remote zone, then give a batch back (mm/vmstat.c:refresh_cpu_vm_stats, v6.12)."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    left, held = lists.expire.get(op.cpu, 0), pages.count.get(op.cpu, 0)
    if op.flags & CHANGED:
        rule(c.EXPIRE_BEGINS)
        left = EXPIRE_TICKS
    total = 0
    if left > 0 and held > 0:
        rule(c.EXPIRE_COUNTS)
        left = left - 1 if op.flags & REMOTE else 0
        if left == 0 and op.flags & REMOTE:
            rule(c.EXPIRE_DRAINS)
            total = min(held, lists.batch)
    return plan_of(total, lists.batch), attrs.evolve(lists, expire=lists.expire.set(op.cpu, left))


# --- tune, disable, enable, cacheinfo --------------------------------------------------------------------------------


def with_limits(lists: PcpLists, batch: Count, high_min: Count, high_max: Count) -> PcpLists:
    """Return the lists with other limits on all CPUs (mm/page_alloc.c:__zone_set_pageset_high_and_batch, v6.12)."""
    return attrs.evolve(lists, batch=batch, high_min=high_min, high_max=high_max)


def tune_choose(pages: Pages, lists: PcpLists, op: Tune) -> tuple[Limits | Error, PcpLists]:
    """Compute the limits anew; a CPU's own limit follows when it is next asked for."""
    if op.local + op.coming + op.online == 0 or not fraction_served(op.fraction):
        return EINVAL, lists
    if pages.disabled != 0:
        return EBUSY, lists
    limits = limits_of(lists.kernel, op.managed, op.low, sharing(op.local, op.coming, op.online), op.fraction)
    lists = attrs.evolve(lists, zone_batch=limits.batch, zone_high_min=limits.high_min, zone_high_max=limits.high_max)
    return limits, with_limits(lists, limits.batch, limits.high_min, limits.high_max)


def disable_choose(pages: Pages, lists: PcpLists, op: Disable) -> tuple[Done | Error, PcpLists]:
    """Let no CPU keep blocks."""
    if pages.disabled != 0:
        return EBUSY, lists
    rule(c.DISABLE)
    return DONE, with_limits(lists, 1, 0, 0)


def enable_choose(pages: Pages, lists: PcpLists, op: Enable) -> tuple[Done | Error, PcpLists]:
    """Put the zone's own limits back."""
    if pages.disabled == 0:
        return EINVAL, lists
    rule(c.ENABLE)
    return DONE, with_limits(lists, lists.zone_batch, lists.zone_high_min, lists.zone_high_max)


def cacheinfo_choose(pages: Pages, lists: PcpLists, op: Cacheinfo) -> tuple[Done | Error, PcpLists]:
    """Let a CPU keep a batch of high-order frames if its slice of the data cache has room for three and more."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    if is_owing(pages, op.cpu):
        return EBUSY, lists
    if lists.kernel < 612:
        return DONE, lists
    rule(c.CACHE_SLICE)
    flags = lists.flags.get(op.cpu, 0) & PREV_FREE_HIGH_ORDER
    if op.frames > 3 * lists.batch:
        flags = flags | FREE_HIGH_BATCH
    return DONE, attrs.evolve(lists, flags=lists.flags.set(op.cpu, flags))


# --- looking ---------------------------------------------------------------------------------------------------------


def count_choose(pages: Pages, lists: PcpLists, op: CountPages) -> tuple[Frames | Error, PcpLists]:
    """Count a CPU's frames."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    return Frames(pages.count.get(op.cpu, 0)), lists


def blocks_choose(pages: Pages, lists: PcpLists, op: HeldBlocks) -> tuple[Blocks | Error, PcpLists]:
    """List a CPU's blocks, ascending."""
    if not is_cpu(pages, op.cpu):
        return EINVAL, lists
    return Blocks(tuple(blocks_held(pages, op.cpu))), lists
