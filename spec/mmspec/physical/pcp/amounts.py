"""How many blocks Linux takes and gives back at once: functions of one CPU's numbers, of no list.

The reading is of 6.12.117; where 6.1 differs the text asks for the kernel's version. Frames are counted as the kernel counts
them, in ``int``: between two of its own statements a number may be negative here as there.
"""

from __future__ import annotations

import attrs

from mmspec.clause import rule
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp.ops import BELOW_HIGH, COSTLY_ORDER, FREE_HIGH_BATCH, PREV_FREE_HIGH_ORDER, RECLAIM_ACTIVE, Cpu, Factor
from mmspec.physical.pcp.state import Pages, PcpLists
from mmspec.words import Count, Flags, Order, size_of


@attrs.frozen
class Pcp:
    """One CPU's numbers (include/linux/mmzone.h:struct per_cpu_pages, v6.12)."""

    count: Count  # frames that it holds
    high: Count  # its limit
    free_count: Count  # frames freed in a row; 6.12
    alloc_factor: Factor  # 6.12
    free_factor: Factor  # 6.1
    flags: Flags  # PREV_FREE_HIGH_ORDER, FREE_HIGH_BATCH


def pcp_of(pages: Pages, lists: PcpLists, cpu: Cpu) -> Pcp:
    """Return a CPU's numbers."""
    return Pcp(
        pages.count.get(cpu, 0),
        lists.high.get(cpu, 0),
        lists.free_count.get(cpu, 0),
        lists.alloc_factor.get(cpu, 0),
        lists.free_factor.get(cpu, 0),
        lists.flags.get(cpu, 0),
    )


def with_pcp(lists: PcpLists, cpu: Cpu, pcp: Pcp) -> PcpLists:
    """Return the lists with a CPU's numbers after a step."""
    return PcpLists(
        lists.kernel, lists.links, lists.batch, lists.high_min, lists.high_max, lists.zone_batch, lists.zone_high_min,
        lists.zone_high_max, lists.high.set(cpu, pcp.high), lists.free_count.set(cpu, pcp.free_count),
        lists.alloc_factor.set(cpu, pcp.alloc_factor), lists.free_factor.set(cpu, pcp.free_factor),
        lists.flags.set(cpu, pcp.flags), lists.expire, lists.cursor,
    )  # fmt: skip


def with_high(pcp: Pcp, high: Count) -> Pcp:
    """Return a CPU's numbers with another limit."""
    return Pcp(pcp.count, high, pcp.free_count, pcp.alloc_factor, pcp.free_factor, pcp.flags)


def clamped(value: Count, least: Count, most: Count) -> Count:
    """Return a value between two bounds as the kernel's clamp() does, which asks for the upper one first.

    A low mark above an eighth of the zone makes them cross (include/linux/minmax.h:__clamp, v6.12).
    """
    if value >= most:
        return most
    return max(value, least)


def with_limit(lists: PcpLists, pcp: Pcp) -> Pcp:
    """Return a CPU's numbers with its limit between the bounds; 6.1 has no limit of the CPU's own, and never asks."""
    rule(c.PCP_1)
    return with_high(pcp, clamped(pcp.high, lists.high_min, lists.high_max))


# --- taking ----------------------------------------------------------------------------------------------------------


def requested(lists: PcpLists, pcp: Pcp) -> Pcp:
    """Return a CPU's numbers after a request: what was freed in a row counts half (mm/page_alloc.c:rmqueue_pcplist, v6.12)."""
    return Pcp(pcp.count, pcp.high, pcp.free_count >> 1, pcp.alloc_factor, pcp.free_factor >> 1, pcp.flags)


def by_order(batch: Count, order: Order) -> Count:
    """Return how many blocks of an order a batch of frames is, two at least, unless nothing is to be kept."""
    rule(c.WANT_ORDER)
    return max(batch >> order, 2) if batch > 1 else batch


def wanted(pages: Pages, lists: PcpLists, pcp: Pcp, order: Order, flags: Flags) -> tuple[Count, Pcp]:
    """Return how many blocks a refill asks for, and the numbers after that (mm/page_alloc.c:nr_pcp_alloc, v6.12)."""
    if lists.kernel < 612:
        return by_order(lists.batch, order), pcp
    pcp = with_limit(lists, pcp)
    if pcp.high < lists.batch:
        rule(c.WANT_OFF)
        return 1, pcp
    if order > 0:
        return by_order(lists.batch, order), raised(lists, pcp, lists.batch, flags)
    rule(c.WANT_SCALE)
    batch = lists.batch << pcp.alloc_factor
    pcp = raised(lists, pcp, batch, flags)
    most = max(pcp.high - pcp.count - lists.batch, lists.batch)
    if batch <= most and pcp.alloc_factor < pages.span.scale_max:
        rule(c.WANT_DOUBLES)
        pcp = attrs.evolve(pcp, alloc_factor=pcp.alloc_factor + 1)
    rule(c.WANT_MOST)
    return by_order(min(batch, most), 0), pcp


def raised(lists: PcpLists, pcp: Pcp, batch: Count, flags: Flags) -> Pcp:
    """Return a CPU's numbers with a limit that a larger one would have spared it the refill; not where the zone is short."""
    if lists.high_min == lists.high_max or flags & BELOW_HIGH:
        return pcp
    rule(c.WANT_RAISES)
    return with_high(pcp, min(pcp.high + batch, lists.high_max))


# --- giving back -----------------------------------------------------------------------------------------------------


def freed(pages: Pages, lists: PcpLists, pcp: Pcp, order: Order, flags: Flags) -> tuple[Count, Pcp]:
    """Return how many frames go back after a free, and the numbers after that; ``pcp.count`` has the block already.

    mm/page_alloc.c:free_unref_page_commit, v6.12.
    """
    if lists.kernel < 612:
        return freed_61(pages, lists, pcp, order, flags)
    rule(c.FREE_HALVES)
    pcp = Pcp(pcp.count, pcp.high, pcp.free_count, pcp.alloc_factor >> 1, pcp.free_factor, pcp.flags)
    free_high = frees_high(lists, pcp, order)
    pcp = run_on(pages, lists, pcp, order)
    limit, pcp = limit_of(pages, lists, with_limit(lists, pcp), flags, free_high)
    if pcp.count < limit:
        rule(c.PCP_2)
        return 0, pcp
    return min(pcp.count, amount_of(pages, lists, pcp, limit, free_high)), pcp


def is_high(order: Order) -> bool:
    """Tell whether blocks of an order fragment memory while they are kept: those of one frame, and huge pages, do not."""
    return (order > 0) & (order <= COSTLY_ORDER)


def frees_high(lists: PcpLists, pcp: Pcp, order: Order) -> bool:
    """Tell whether high-order blocks are freed in a row, so that none is kept (mm/page_alloc.c:free_unref_page_commit, v6.12)."""
    if not is_high(order):
        return False
    rule(c.FREE_HIGH)
    running = pcp.free_count >= lists.batch and (pcp.flags & PREV_FREE_HIGH_ORDER) != 0
    return running and ((pcp.flags & FREE_HIGH_BATCH) == 0 or pcp.count >= lists.batch)


def run_on(pages: Pages, lists: PcpLists, pcp: Pcp, order: Order) -> Pcp:
    """Return a CPU's numbers with one more free in its run, and remember whether it was of a high order."""
    rule(c.FREE_PREV)
    others, run = pcp.flags & FREE_HIGH_BATCH, pcp.free_count
    flags = others | PREV_FREE_HIGH_ORDER if is_high(order) else others
    if run < lists.batch << pages.span.scale_max:
        rule(c.FREE_RUN)
        run += size_of(order)
    return Pcp(pcp.count, pcp.high, run, pcp.alloc_factor, pcp.free_factor, flags)


def limit_of(pages: Pages, lists: PcpLists, pcp: Pcp, flags: Flags, free_high: bool) -> tuple[Count, Pcp]:
    """Return from how many frames on a CPU gives some back, and its numbers (mm/page_alloc.c:nr_pcp_high, v6.12)."""
    if pcp.high == 0:
        rule(c.LIMIT_OFF)
        return 0, pcp
    if free_high:
        rule(c.LIMIT_HIGH)
        return 0, with_high(pcp, max(pcp.high - (lists.batch << pages.span.scale_max), lists.high_min))
    if flags & RECLAIM_ACTIVE:
        rule(c.LIMIT_RECLAIM)
        pcp = lowered(lists, pcp)
        return min(lists.batch << 2, pcp.high), pcp
    if lists.high_min == lists.high_max:
        rule(c.LIMIT_FIXED)
        return pcp.high, pcp
    if flags & BELOW_HIGH:
        rule(c.LIMIT_BELOW)
        return max(pcp.count, lists.high_min), lowered(lists, pcp)
    limit = pcp.high
    if pcp.count >= limit and limit < pcp.free_count + lists.batch:
        rule(c.LIMIT_RAISES)
        pcp = with_high(pcp, clamped(pcp.free_count + lists.batch, lists.high_min, lists.high_max))
    return limit, pcp


def lowered(lists: PcpLists, pcp: Pcp) -> Pcp:
    """Return a CPU's numbers with a limit lowered by what was freed in a row."""
    rule(c.LIMIT_LOWERS)
    return with_high(pcp, max(pcp.high - max(pcp.free_count, lists.batch), lists.high_min))


def amount_of(pages: Pages, lists: PcpLists, pcp: Pcp, limit: Count, free_high: bool) -> Count:
    """Return how many frames a CPU at its limit gives back (mm/page_alloc.c:nr_pcp_free, v6.12)."""
    if free_high:
        rule(c.AMOUNT_HIGH)
        return lists.batch << pages.span.scale_max
    if limit < lists.batch:
        rule(c.AMOUNT_OFF)
        return 1
    rule(c.AMOUNT)
    return clamped(pcp.free_count, lists.batch, limit - lists.batch)


def freed_61(pages: Pages, lists: PcpLists, pcp: Pcp, order: Order, flags: Flags) -> tuple[Count, Pcp]:
    """Return how many frames go back after a free, as 6.1 has it (mm/page_alloc.c:free_unref_page_commit, v6.1)."""
    free_high = is_high(order) and pcp.free_factor > 0
    limit = 0 if free_high else limit_61(lists, flags)
    if pcp.count < limit:
        rule(c.PCP_2)
        return 0, pcp
    if free_high:
        rule(c.FREE_HIGH_61)
        return pcp.count, pcp
    if limit < lists.batch:
        rule(c.AMOUNT_OFF)
        return min(pcp.count, 1), pcp
    rule(c.AMOUNT_61)
    amount = lists.batch << pcp.free_factor
    if amount < limit - lists.batch and pcp.free_factor < pages.span.scale_max:
        rule(c.FREE_DOUBLES_61)
        pcp = attrs.evolve(pcp, free_factor=pcp.free_factor + 1)
    return min(pcp.count, clamped(amount, lists.batch, limit - lists.batch)), pcp


def limit_61(lists: PcpLists, flags: Flags) -> Count:
    """Return from how many frames on a CPU gives some back, as 6.1 has it (mm/page_alloc.c:nr_pcp_high, v6.1)."""
    if flags & RECLAIM_ACTIVE:
        rule(c.LIMIT_RECLAIM)
        return min(lists.batch << 2, lists.high_min)
    return lists.high_min


def decayed(pages: Pages, lists: PcpLists, pcp: Pcp) -> tuple[Count, Pcp]:
    """Return how many frames are above a limit that has just decayed, and the numbers (mm/page_alloc.c:decay_pcp_high, v6.12)."""
    if lists.kernel < 612:
        return 0, pcp
    if pcp.high > lists.high_min:
        rule(c.DECAY)
        kept = max(pcp.count - (lists.batch << pages.span.scale_max), pcp.high - (pcp.high >> 3))
        pcp = with_high(pcp, max(kept, lists.high_min))
    rule(c.DECAY_EXCESS)
    return max(0, pcp.count - pcp.high), pcp
