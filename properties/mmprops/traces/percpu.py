"""Whether the limits of the per-CPU lists, as they lay in RAM, are those that the law computes from the zone.

The law's own functions are asked (`mmspec.physical.pcp.parameters`). Which kernel it is shows in what a CPU has: 6.12 keeps the
bounds of its limit, 6.1 the limit alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.physical.pcp.ops import Limits
from mmspec.physical.pcp.parameters import high_of, limits_of

from .snapshot import Pcp, RamLists, ZoneLists

FRACTION = "/proc/sys/vm/percpu_pagelist_high_fraction:"
_LOW = 1  # among the watermarks: min, low, high, promo


def fraction_of(tunables: str) -> int | None:
    """Return percpu_pagelist_high_fraction from a capture's list of tunables, or None where it is not in it."""
    lines = [line.removeprefix(FRACTION).split() for line in tunables.splitlines() if line.startswith(FRACTION)]
    return int(lines[-1][0]) if lines and lines[-1] and lines[-1][0].isdecimal() else None


def computed(lay: ZoneLists, pcp: Pcp, cpus: int, fraction: int) -> Limits:
    """Return what the law computes for a zone whose frames so many CPUs share."""
    return limits_of(601 if pcp.high_min is None else 612, lay.managed, lay.watermark[_LOW], cpus, fraction)


def held_limits(pcp: Pcp) -> Limits | None:
    """Return the limits that a CPU has, or None where the capture does not say."""
    if pcp.batch is None or pcp.high is None:
        return None
    high_min, high_max = (pcp.high if bound is None else bound for bound in (pcp.high_min, pcp.high_max))
    return Limits(pcp.batch, high_min, high_max)


def comparable(lists: RamLists) -> list[tuple[ZoneLists, int, Pcp, Limits]]:
    """Return zone, CPU, its numbers and its limits, wherever the capture says what the limits are computed from."""
    found = []
    for lay in lists.zones:
        for cpu, pcp in enumerate(lay.pcp):
            limits = held_limits(pcp)
            if limits is not None and lay.managed and len(lay.watermark) > _LOW:
                found.append((lay, cpu, pcp, limits))
    return found


def counts_of(lists: RamLists, lay: ZoneLists) -> range:
    """Return how many CPUs may share a zone: all; of several nodes it is not known whose they are."""
    several = len({other.node for other in lists.zones}) > 1
    return range(1 if several else len(lay.pcp), len(lay.pcp) + 1)


def limits_that_differ(lists: RamLists, fraction: int) -> Iterator[str]:
    """Yield, in words, each CPU's limits that the law does not compute."""
    for lay, cpu, pcp, limits in comparable(lists):
        wanted = [computed(lay, pcp, count, fraction) for count in counts_of(lists, lay)]
        if limits not in wanted:
            yield f"zone {lay.span.label} CPU {cpu}: {limits}, computed {wanted[-1]}"


def grown_since(lists: RamLists, fraction: int) -> bool:
    """Tell whether each difference may come of a zone that was smaller when its limits were computed.

    Frames come until boot ends; what is a share of the low mark does not follow them.
    """
    for lay, _, pcp, limits in comparable(lists):
        excused = False
        for count in counts_of(lists, lay):
            now = computed(lay, pcp, count, fraction)
            smaller = limits.batch <= now.batch and limits.high_max <= now.high_max
            excused |= smaller and (fraction > 0 or limits.high_min == high_of(lay.watermark[_LOW], count, limits.batch))
        if not excused:
            return False
    return True
