"""What the limits of a zone's per-CPU lists are computed from: formulae of the zone's size, its low mark and the CPUs.

Functions of numbers alone, so that what a running kernel prints can be held against them. Counts are frames of 4 KiB unless a
page shift is named. A kernel without an MMU, which keeps no blocks, is not modelled.
"""

from __future__ import annotations

from mmspec.clause import rule
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp.ops import MIN_HIGH_FRACTION, Cpu, Limits
from mmspec.words import Count, Kernel


def batch_of(managed: Count, page_shift: Count = 12) -> Count:
    """Return how many frames move at once in a zone (mm/page_alloc.c:zone_batchsize, v6.12, and its caller's least of 1).

    A thousandth of the zone or 1 MiB, whichever is less; by a quarter of it, rounded to one below a power of two.
    """
    rule(c.BATCH)
    base = max(min(managed >> 10, 1 << (20 - page_shift)) // 4, 1)
    wide = base + base // 2
    power = 1
    for k in range(1, 9):
        power += ((wide >> k) > 0) * (1 << (k - 1))
    return max(power - 1, 1)


def sharing(local: Cpu, coming: Cpu, online: Cpu) -> Count:
    """Return among how many CPUs a zone's limit is split: those of its node; all, where the node has none."""
    rule(c.SHARING)
    if local + coming == 0:
        return online
    return local + coming


def high_of(frames: Count, cpus: Count, batch: Count) -> Count:
    """Return a CPU's share of some frames, four batches at least (mm/page_alloc.c:zone_highsize, v6.12).

    The kernel keeps the share in an ``int``: where that is negative, four batches are more.
    """
    rule(c.HIGH_LEAST)
    share = (frames // cpus) & 0xFFFFFFFF
    return batch << 2 if share > 0x7FFFFFFF else max(share, batch << 2)


def limits_of(kernel: Kernel, managed: Count, low: Count, cpus: Count, fraction: Count) -> Limits:
    """Return a zone's limits (mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12).

    ``low`` is the zone's low mark with the boost of the time; ``fraction`` is percpu_pagelist_high_fraction, 0 or 8 and more.
    """
    batch = batch_of(managed)
    if fraction > 0:
        rule(c.HIGH_FRACTION)
        high = high_of(managed // fraction, cpus, batch)
        return Limits(batch, high, high)
    rule(c.HIGH_MIN)
    high = high_of(low, cpus, batch)
    if kernel < 612:
        return Limits(batch, high, high)
    rule(c.HIGH_MAX)
    return Limits(batch, high, high_of(managed // MIN_HIGH_FRACTION, cpus, batch))


def fraction_served(fraction: Count) -> bool:
    """Tell whether percpu_pagelist_high_fraction, an ``int``, may be set so.

    mm/page_alloc.c:percpu_pagelist_high_fraction_sysctl_handler, v6.12.
    """
    return (fraction == 0) | ((fraction >= MIN_HIGH_FRACTION) & (fraction <= 0x7FFFFFFF))
