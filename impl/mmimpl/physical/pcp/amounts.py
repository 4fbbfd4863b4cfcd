"""How many blocks a CPU takes and gives back at once, and what the limits of a zone are."""

from __future__ import annotations

from mmimpl.engine import helper, kernel
from mmimpl.physical.pcp.memory import BATCH, HIGH_MAX, HIGH_MIN, ZONE_BATCH, ZONE_HIGH_MAX, ZONE_HIGH_MIN, Lists
from mmspec.physical.pcp.ops import (
    BELOW_HIGH,
    COSTLY_ORDER,
    FREE_HIGH_BATCH,
    MIN_HIGH_FRACTION,
    PREV_FREE_HIGH_ORDER,
    RECLAIM_ACTIVE,
    Cpu,
)  # fmt: skip
from mmspec.words import Count, Flags, Order


@helper
def clamped(value: Count, least: Count, most: Count) -> Count:
    """Return a value between two bounds, of which the upper one wins (include/linux/minmax.h:clamp, v6.12)."""
    if value >= most:
        return most
    return max(value, least)


@helper
def clamp_high(lists: Lists, cpu: Cpu) -> None:
    """Bring a CPU's limit between its bounds."""
    lists.high[cpu] = clamped(lists.high[cpu], lists.zone[HIGH_MIN], lists.zone[HIGH_MAX])


# --- taking ----------------------------------------------------------------------------------------------------------


@helper
def by_order(batch: Count, order: Order) -> Count:
    """Return how many blocks of an order a batch of frames is."""
    return max(batch >> order, 2) if batch > 1 else batch


@helper
def raise_high(lists: Lists, cpu: Cpu, batch: Count, flags: Flags) -> None:
    """Raise a CPU's limit by the batch of a refill, if it may move and the zone is not short."""
    if lists.zone[HIGH_MIN] != lists.zone[HIGH_MAX] and not flags & BELOW_HIGH:
        lists.high[cpu] = min(lists.high[cpu] + batch, lists.zone[HIGH_MAX])


@kernel
def wanted(lists: Lists, cpu: Cpu, order: Order, flags: Flags) -> Count:
    """Return how many blocks a refill asks for (mm/page_alloc.c:nr_pcp_alloc, v6.12)."""
    batch = lists.zone[BATCH]
    if lists.kernel < 612:
        return by_order(batch, order)
    clamp_high(lists, cpu)
    if lists.high[cpu] < batch:
        return 1
    if order > 0:
        raise_high(lists, cpu, batch, flags)
        return by_order(batch, order)
    scaled = batch << lists.alloc_factor[cpu]
    raise_high(lists, cpu, scaled, flags)
    most = max(lists.high[cpu] - lists.held[cpu] - batch, batch)
    if scaled <= most and lists.alloc_factor[cpu] < lists.scale_max:
        lists.alloc_factor[cpu] = lists.alloc_factor[cpu] + 1
    return by_order(min(scaled, most), 0)


# --- giving back -----------------------------------------------------------------------------------------------------


@helper
def is_high(order: Order) -> bool:
    """Tell whether blocks of an order fragment memory while they are kept."""
    return (order > 0) & (order <= COSTLY_ORDER)


@helper
def frees_high(lists: Lists, cpu: Cpu, order: Order) -> bool:
    """Tell whether high-order blocks are freed in a row, so that none is kept (mm/page_alloc.c:free_unref_page_commit, v6.12)."""
    if not is_high(order) or lists.free_count[cpu] < lists.zone[BATCH] or not lists.flags[cpu] & PREV_FREE_HIGH_ORDER:
        return False
    return not lists.flags[cpu] & FREE_HIGH_BATCH or lists.held[cpu] >= lists.zone[BATCH]


@helper
def run_on(lists: Lists, cpu: Cpu, order: Order) -> None:
    """Count a free into its run, and remember whether it was of a high order."""
    lists.flags[cpu] = lists.flags[cpu] & FREE_HIGH_BATCH
    if is_high(order):
        lists.flags[cpu] = lists.flags[cpu] | PREV_FREE_HIGH_ORDER
    if lists.free_count[cpu] < lists.zone[BATCH] << lists.scale_max:
        lists.free_count[cpu] = lists.free_count[cpu] + (1 << order)


@helper
def lower_high(lists: Lists, cpu: Cpu) -> None:
    """Lower a CPU's limit by what was freed in a row, a batch at least."""
    lists.high[cpu] = max(lists.high[cpu] - max(lists.free_count[cpu], lists.zone[BATCH]), lists.zone[HIGH_MIN])


@kernel
def limit_of(lists: Lists, cpu: Cpu, flags: Flags, free_high: bool) -> Count:
    """Return from how many frames on a CPU gives some back (mm/page_alloc.c:nr_pcp_high, v6.12)."""
    batch, least, most = lists.zone[BATCH], lists.zone[HIGH_MIN], lists.zone[HIGH_MAX]
    clamp_high(lists, cpu)
    high = lists.high[cpu]
    if high == 0:
        return 0
    if free_high:
        lists.high[cpu] = max(high - (batch << lists.scale_max), least)
        return 0
    if flags & RECLAIM_ACTIVE:
        lower_high(lists, cpu)
        return min(batch << 2, lists.high[cpu])
    if least == most:
        return high
    if flags & BELOW_HIGH:
        lower_high(lists, cpu)
        return max(lists.held[cpu], least)
    if lists.held[cpu] >= high and high < lists.free_count[cpu] + batch:
        lists.high[cpu] = clamped(lists.free_count[cpu] + batch, least, most)
    return high


@kernel
def freed(lists: Lists, cpu: Cpu, order: Order, flags: Flags) -> Count:
    """Return how many frames go back after a free that is counted already (mm/page_alloc.c:free_unref_page_commit, v6.12)."""
    if lists.kernel < 612:
        return freed_61(lists, cpu, order, flags)
    batch = lists.zone[BATCH]
    lists.alloc_factor[cpu] = lists.alloc_factor[cpu] >> 1
    free_high = frees_high(lists, cpu, order)
    run_on(lists, cpu, order)
    limit = limit_of(lists, cpu, flags, free_high)
    if lists.held[cpu] < limit:
        return 0
    if free_high:
        amount = batch << lists.scale_max
    elif limit < batch:
        amount = 1
    else:
        amount = clamped(lists.free_count[cpu], batch, limit - batch)
    return min(lists.held[cpu], amount)


@kernel
def freed_61(lists: Lists, cpu: Cpu, order: Order, flags: Flags) -> Count:
    """Return how many frames go back after a free, as 6.1 has it (mm/page_alloc.c:nr_pcp_high, nr_pcp_free, v6.1)."""
    batch = lists.zone[BATCH]
    if is_high(order) and lists.free_factor[cpu] > 0:
        return lists.held[cpu]
    limit = lists.zone[HIGH_MIN]
    if flags & RECLAIM_ACTIVE:
        limit = min(batch << 2, limit)
    if lists.held[cpu] < limit:
        return 0
    if limit < batch:
        return min(lists.held[cpu], 1)
    amount = batch << lists.free_factor[cpu]
    if amount < limit - batch and lists.free_factor[cpu] < lists.scale_max:
        lists.free_factor[cpu] = lists.free_factor[cpu] + 1
    return min(lists.held[cpu], clamped(amount, batch, limit - batch))


@kernel
def decayed(lists: Lists, cpu: Cpu) -> Count:
    """Let a CPU's limit decay and return how many frames are above it (mm/page_alloc.c:decay_pcp_high, v6.12)."""
    if lists.kernel < 612:
        return 0
    high, least = lists.high[cpu], lists.zone[HIGH_MIN]
    if high > least:
        kept = max(lists.held[cpu] - (lists.zone[BATCH] << lists.scale_max), high - (high >> 3))
        lists.high[cpu] = max(kept, least)
    return max(0, lists.held[cpu] - lists.high[cpu])


# --- limits ----------------------------------------------------------------------------------------------------------


@helper
def batch_of(managed: Count) -> Count:
    """Return how many frames move at once in a zone (mm/page_alloc.c:zone_batchsize, v6.12)."""
    base = max(min(managed >> 10, 256) // 4, 1)
    wide = base + base // 2
    power = 1
    for k in range(1, 8):
        if wide >= 1 << k:
            power = 1 << k
    return max(power - 1, 1)


@helper
def share(frames: Count, cpus: Count, batch: Count) -> Count:
    """Return a CPU's share of some frames, four batches at least (mm/page_alloc.c:zone_highsize, v6.12)."""
    part = (frames // cpus) & 0xFFFFFFFF
    return batch << 2 if part > 0x7FFFFFFF else max(part, batch << 2)


@helper
def set_limits(lists: Lists, batch: Count, high_min: Count, high_max: Count) -> None:
    """Give all CPUs other limits (mm/page_alloc.c:__zone_set_pageset_high_and_batch, v6.12)."""
    lists.zone[BATCH] = batch
    lists.zone[HIGH_MIN] = high_min
    lists.zone[HIGH_MAX] = high_max


@kernel
def tune(lists: Lists, managed: Count, low: Count, cpus: Count, fraction: Count) -> None:
    """Compute the limits anew (mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12)."""
    batch = batch_of(managed)
    if fraction > 0:
        high_min = share(managed // fraction, cpus, batch)
        high_max = high_min
    else:
        high_min = share(low, cpus, batch)
        high_max = high_min
        if lists.kernel >= 612:
            high_max = share(managed // MIN_HIGH_FRACTION, cpus, batch)
    lists.zone[ZONE_BATCH] = batch
    lists.zone[ZONE_HIGH_MIN] = high_min
    lists.zone[ZONE_HIGH_MAX] = high_max
    set_limits(lists, batch, high_min, high_max)
