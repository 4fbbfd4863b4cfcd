"""The numbers: how marks, reserves and the limits of per-CPU lists follow from the sizes of the zones and the settings.

Frames are counted in unbounded integers here and in ``unsigned long`` or ``u64`` by the kernel: ``ops`` says up to which sizes
that is the same.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.watermarks import clauses as c
from mmspec.physical.watermarks.ops import (
    HIGHMEM,
    KINDS,
    MOVABLE,
    NORMAL,
    Cpus,
    Factor,
    Kbytes,
    Kind,
    Limits,
    Managed,
    Mark,
    PageShift,
    Zone,
    ZoneEnd,
)  # fmt: skip
from mmspec.physical.watermarks.state import Machine, Marks, cell_of, kind_of, node_of, zone_at
from mmspec.words import Count, size_of

CLUSTER = 32
"""SWAP_CLUSTER_MAX: the least MIN of a zone outside lowmem."""

# --- arithmetic ----------------------------------------------------------------------------------------------------------


def root_of(number: Count) -> Count:
    """Return the square root, rounded down (lib/math/int_sqrt.c:int_sqrt, v6.12)."""
    root = 0
    for bit in range(31, -1, -1):
        trial = root + (1 << bit)
        root = trial if trial * trial <= number else root
    return root


def bits_of(number: Count) -> Count:
    """Return how many binary digits a number has (fls)."""
    count = 0
    for bit in range(63):
        count += (number >> bit) != 0
    return count


def part_of(number: Mark, factor: Factor) -> Mark:
    """Return a number's ten-thousandths, rounded down (include/linux/math.h:mult_frac, v6.12)."""
    return number * factor // 10000


# --- min_free_kbytes -----------------------------------------------------------------------------------------------------


def above_left(machine: Machine, marks: Marks, zone: ZoneEnd, total: Count) -> int:
    """Return how many zones are still to be asked for frames above their HIGH."""
    return machine.end - zone


def above_more(machine: Machine, marks: Marks, zone: ZoneEnd, total: Count) -> bool:
    """Tell whether a zone is left."""
    return zone < machine.end


def above_step(machine: Machine, marks: Marks, zone: ZoneEnd, total: Count) -> tuple[Any, ...]:
    """Add the frames of a zone up to NORMAL that are above its HIGH, the boost on top."""
    above = machine.managed.get(zone, 0) - marks.high.get(zone, 0) - marks.boost.get(zone, 0)
    return machine, marks, zone + 1, total + (above if kind_of(zone) <= NORMAL and above > 0 else 0)


ABOVE = Loop("above", above_more, above_step, above_left)


def frames_above_high(machine: Machine, marks: Marks) -> Count:
    """Return the frames above HIGH of all zones that GFP_USER reaches (mm/page_alloc.c:nr_free_buffer_pages, v6.12)."""
    total: Count
    _, _, _, total = ABOVE.run(machine, marks, 0, 0)
    return total


def computed_min_free(machine: Machine, marks: Marks) -> Kbytes:
    """Return min_free_kbytes as the kernel computes it (mm/page_alloc.c:calculate_min_free_kbytes, v6.12)."""
    rule(c.MIN_FREE_ROOT)
    kbytes = root_of((frames_above_high(machine, marks) << (machine.page_shift - 10)) * 16)
    if kbytes <= marks.user_min_free:
        rule(c.MIN_FREE_USER)
        return marks.min_free
    rule(c.MIN_FREE_CLAMP)
    return max(128, min(kbytes, 262144))


def recommended_min_free(machine: Machine, marks: Marks) -> Kbytes:
    """Return min_free_kbytes as khugepaged wants it at least (mm/khugepaged.c:set_recommended_min_free_kbytes, v6.12)."""
    rule(c.RECOMMENDED)
    count: Count
    _, _, count = POPULATED.run(machine, 0, 0)
    pages = size_of(machine.pageblock_order) * count * (2 + 3 * 3)
    most = frames_above_high(machine, marks) // 20
    if most < pages:
        rule(c.RECOMMENDED_CAP)
        pages = most
    return max(marks.min_free, pages << (machine.page_shift - 10))


def populated_more(machine: Machine, zone: ZoneEnd, count: Count) -> bool:
    """Tell whether a zone is left."""
    return zone < machine.end


def populated_step(machine: Machine, zone: ZoneEnd, count: Count) -> tuple[Any, ...]:
    """Count a zone that has memory and that GFP_USER may use."""
    return machine, zone + 1, count + (machine.present.get(zone, False) & (kind_of(zone) <= NORMAL))


def populated_left(machine: Machine, zone: ZoneEnd, count: Count) -> int:
    """Return how many zones are left."""
    return machine.end - zone


POPULATED = Loop("populated", populated_more, populated_step, populated_left)

# --- the marks -----------------------------------------------------------------------------------------------------------


def outside_lowmem(machine: Machine, marks: Marks, zone: Zone) -> bool:
    """Tell whether a zone's frames are no lowmem. Until 6.1 a MOVABLE zone was lowmem unless it was carved from HIGHMEM."""
    kind = kind_of(zone)
    if marks.kernel >= 612:
        rule(c.LOWMEM)
        return (kind == HIGHMEM) | (kind == MOVABLE)
    rule(c.LOWMEM_61)
    return (kind == HIGHMEM) | ((kind == MOVABLE) & has_highmem(machine))


def has_highmem(machine: Machine) -> bool:
    """Tell whether MOVABLE zones are carved from HIGHMEM: it is the highest kind with memory (movable_zone)."""
    zone: ZoneEnd
    _, zone = HIGHMEM_ZONE.run(machine, 0)
    return zone < machine.end


def highmem_more(machine: Machine, zone: ZoneEnd) -> bool:
    """Tell whether no HIGHMEM zone with memory was met, and a zone is left."""
    here = (kind_of(zone) == HIGHMEM) & machine.present.get(zone, False)
    return (zone < machine.end) & (not here)


def highmem_step(machine: Machine, zone: ZoneEnd) -> tuple[Any, ...]:
    """Go on to the next zone."""
    return machine, zone + 1


def highmem_left(machine: Machine, zone: ZoneEnd) -> int:
    """Return how many zones are left."""
    return machine.end - zone


HIGHMEM_ZONE = Loop("highmem", highmem_more, highmem_step, highmem_left)


def lowmem_more(machine: Machine, marks: Marks, zone: ZoneEnd, total: Count) -> bool:
    """Tell whether a zone is left."""
    return zone < machine.end


def lowmem_step(machine: Machine, marks: Marks, zone: ZoneEnd, total: Count) -> tuple[Any, ...]:
    """Add a zone's frames if they are lowmem."""
    frames = 0 if outside_lowmem(machine, marks, zone) else machine.managed.get(zone, 0)
    return machine, marks, zone + 1, total + frames


LOWMEM = Loop("lowmem", lowmem_more, lowmem_step, above_left)


def lowmem_of(machine: Machine, marks: Marks) -> Count:
    """Return the frames of lowmem."""
    total: Count
    _, _, _, total = LOWMEM.run(machine, marks, 0, 0)
    return total


def min_of(managed: Managed, share: Mark, outside: bool) -> Mark:
    """Return a zone's MIN from its share of min_free_kbytes and whether it is outside lowmem."""
    if outside:
        rule(c.MIN_CAPPED)
        return max(CLUSTER, min(managed // 1024, 128))
    return share


def distance_of(managed: Managed, share: Mark, scale: Factor) -> Mark:
    """Return how far a zone's marks are apart."""
    scaled = part_of(managed, scale)
    if scaled > share // 4:
        rule(c.STEP_SCALE)
        return scaled
    return share // 4


def mark_zone(marks: Marks, zone: Zone, lowest: Mark, distance: Mark) -> Marks:
    """Return the marks after those of one zone were set, the boost gone first."""
    rule(c.SETUP_UNBOOSTS)
    return attrs.evolve(
        marks,
        boost=marks.boost.set(zone, 0),
        min=marks.min.set(zone, lowest),
        low=marks.low.set(zone, lowest + distance),
        high=marks.high.set(zone, lowest + 2 * distance),
        promo=marks.promo.set(zone, lowest + 3 * distance),
    )


def mark_more(machine: Machine, marks: Marks, lowmem: Count, zone: ZoneEnd) -> bool:
    """Tell whether a zone is left."""
    return zone < machine.end


def mark_step(machine: Machine, marks: Marks, lowmem: Count, zone: ZoneEnd) -> tuple[Any, ...]:
    """Set the marks of one zone, with memory or without."""
    rule(c.MIN_SHARE)
    rule(c.STEP_SHARE)
    managed = machine.managed.get(zone, 0)
    share = (marks.min_free >> (machine.page_shift - 10)) * managed // lowmem
    lowest = min_of(managed, share, outside_lowmem(machine, marks, zone))
    return machine, mark_zone(marks, zone, lowest, distance_of(managed, share, marks.scale)), lowmem, zone + 1


def mark_left(machine: Machine, marks: Marks, lowmem: Count, zone: ZoneEnd) -> int:
    """Return how many zones are left."""
    return machine.end - zone


MARK = Loop("mark", mark_more, mark_step, mark_left)


def set_up_marks(machine: Machine, marks: Marks) -> Marks:
    """Return the marks that the settings and sizes of now give (mm/page_alloc.c:__setup_per_zone_wmarks, v6.12)."""
    marked: Marks
    _, marked, _, _ = MARK.run(machine, marks, lowmem_of(machine, marks), 0)
    return total_up(machine, marked)


# --- reserves ------------------------------------------------------------------------------------------------------------


def reserve_of(machine: Machine, marks: Marks, zone: Zone, highest: Kind) -> Mark:
    """Return what a zone keeps from requests that could have used a zone up to ``highest``."""
    kind = kind_of(zone)
    ratio, above = marks.ratio.get(kind, 0), 0
    for k in range(KINDS):
        above += machine.managed.get(zone_at(node_of(zone), k), 0) * ((kind < k) & (k <= highest))
    if ratio < 1 or machine.managed.get(zone, 0) == 0:
        rule(c.RESERVE_OFF)
        return 0
    rule(c.RESERVE)
    return above // ratio


def reserve_more(machine: Machine, marks: Marks, zone: ZoneEnd) -> bool:
    """Tell whether a zone is left."""
    return zone < machine.end


def reserve_step(machine: Machine, marks: Marks, zone: ZoneEnd) -> tuple[Any, ...]:
    """Set a zone's row of reserves."""
    reserve = marks.reserve
    for k in range(KINDS):
        reserve = reserve.set(cell_of(zone, k), reserve_of(machine, marks, zone, k))
    return machine, attrs.evolve(marks, reserve=reserve), zone + 1


def reserve_left(machine: Machine, marks: Marks, zone: ZoneEnd) -> int:
    """Return how many zones are left."""
    return machine.end - zone


RESERVE = Loop("reserve", reserve_more, reserve_step, reserve_left)


def set_up_reserves(machine: Machine, marks: Marks) -> Marks:
    """Return the marks with the reserves that sizes and ratios of now give (setup_per_zone_lowmem_reserve)."""
    reserved: Marks
    _, reserved, _ = RESERVE.run(machine, marks, 0)
    return total_up(machine, reserved)


def total_step(machine: Machine, marks: Marks, zone: ZoneEnd) -> tuple[Any, ...]:
    """Add what a zone keeps to its node's total."""
    node, most = node_of(zone), 0
    for k in range(KINDS):
        most = max(most, marks.reserve.get(cell_of(zone, k), 0))
    kept = min(most + marks.high.get(zone, 0) + marks.boost.get(zone, 0), machine.managed.get(zone, 0))
    before = 0 if kind_of(zone) == 0 else marks.total.get(node, 0)
    return machine, attrs.evolve(marks, total=marks.total.set(node, before + kept)), zone + 1


TOTAL = Loop("total", reserve_more, total_step, reserve_left)


def total_up(machine: Machine, marks: Marks) -> Marks:
    """Return the marks with each node's total of now (mm/page_alloc.c:calculate_totalreserve_pages, v6.12)."""
    rule(c.TOTAL)
    totalled: Marks
    _, totalled, _ = TOTAL.run(machine, marks, 0)
    return totalled


# --- per-CPU lists -------------------------------------------------------------------------------------------------------


def batch_of(managed: Managed, page_shift: PageShift) -> Mark:
    """Return how many frames move between a zone and a CPU at a time (mm/page_alloc.c:zone_batchsize, v6.12)."""
    rule(c.BATCH)
    quarter = max(1, min(managed >> 10, 1 << (20 - page_shift)) // 4)
    return max(1, (1 << (bits_of(quarter + quarter // 2) - 1)) - 1)


def split(frames: Mark, local: Cpus, online: Cpus) -> Mark:
    """Return what falls to each CPU of a node; of a node without any, to each that is online.

    The kernel keeps it in an ``int``: where that is negative, nothing falls to it.
    """
    part = (frames // (local if local > 0 else online)) & 0xFFFFFFFF
    return 0 if part > 0x7FFFFFFF else part


def limits_of(machine: Machine, marks: Marks, zone: Zone, local: Cpus, online: Cpus, fraction: Factor) -> Limits:
    """Return the limits of a zone's per-CPU lists (mm/page_alloc.c:zone_set_pageset_high_and_batch, v6.12)."""
    managed = machine.managed.get(zone, 0)
    batch = batch_of(managed, machine.page_shift)
    rule(c.HIGH_FLOOR)
    if fraction > 0:
        rule(c.HIGH_FRACTION)
        high = max(split(managed // fraction, local, online), 4 * batch)
        return Limits(batch, high, high)
    rule(c.HIGH_MIN)
    least = max(split(marks.low.get(zone, 0) + marks.boost.get(zone, 0), local, online), 4 * batch)
    if marks.kernel < 612:
        rule(c.HIGH_61)
        return Limits(batch, least, least)
    rule(c.HIGH_MAX)
    return Limits(batch, least, max(split(managed // 8, local, online), 4 * batch))
