"""Which numbers Linux's formulae give: ``X_choose`` returns the answer, and the marks after it.

The reading is of 6.12.117 (``mm/page_alloc.c``, ``mm/vmscan.c``); where 6.1 differs the text asks for the kernel's version.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.watermarks import clauses as c
from mmspec.physical.watermarks.core import can_manage, can_split, zone_ok, zone_usable
from mmspec.physical.watermarks.ops import (
    ALLOC_MIN_RESERVE,
    ALLOC_WMARK_MASK,
    DEVICE,
    DMA,
    DMA32,
    DONE,
    EINVAL,
    HIGHMEM,
    KERNELS,
    MOVABLE,
    NO_USER_VALUE,
    NORMAL,
    WMARK_HIGH,
    WMARK_LOW,
    WMARK_MIN,
    Balanced,
    Boost,
    Config,
    Done,
    Error,
    Fast,
    Frames,
    Kind,
    Kswapd,
    LimitPerCpu,
    Limits,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Mark,
    Node,
    Ok,
    Passed,
    Recommend,
    Refresh,
    Report,
    Reserves,
    SetBoostFactor,
    SetManaged,
    SetMinFree,
    SetReserveRatio,
    SetScaleFactor,
    SetTiering,
    Truth,
    Unboost,
    Wake,
    Watermarks,
    Woken,
    Zone,
)  # fmt: skip
from mmspec.physical.watermarks.sizes import (
    computed_min_free,
    limits_of,
    part_of,
    recommended_min_free,
    set_up_marks,
    set_up_reserves,
)
from mmspec.physical.watermarks.state import (
    DEFAULT_RATIO,
    Machine,
    Marks,
    cell_of,
    is_node,
    is_zone,
    machine_of,
    node_of,
    zone_at,
)
from mmspec.pmap import pmap
from mmspec.words import MAX_ORDER_LIMIT, Flags, Order, size_of

HOPELESS = 16
"""MAX_RECLAIM_RETRIES: a kswapd that failed so often is left alone."""


def initial_marks(config: Config, kernel: str) -> Marks:
    """Return the marks after boot: the settings have their defaults, and nobody wrote min_free_kbytes."""
    marks = Marks(
        KERNELS[kernel], config.kdump, 0, NO_USER_VALUE, 10, 15000, 0, pmap(DEFAULT_RATIO), pmap(), pmap(), pmap(), pmap(),
        pmap(), pmap(), pmap(), pmap(), pmap(), pmap(), pmap(),
    )  # fmt: skip
    return refreshed(machine_of(config), marks)


def refreshed(machine: Machine, marks: Marks) -> Marks:
    """Return the marks computed anew, each step from what the one before left."""
    rule(c.MANAGED_STALE)
    computed = attrs.evolve(marks, min_free=computed_min_free(machine, marks))
    return set_up_reserves(machine, set_up_marks(machine, computed))


# --- settings ------------------------------------------------------------------------------------------------------------


def set_min_free_choose(machine: Machine, marks: Marks, op: SetMinFree) -> tuple[Done | Error, Marks]:
    """Return what Linux answers, and the marks set up with the user's value."""
    rule(c.MIN_FREE_USER)
    return DONE, set_up_marks(machine, attrs.evolve(marks, min_free=op.kbytes, user_min_free=op.kbytes))


def set_scale_factor_choose(machine: Machine, marks: Marks, op: SetScaleFactor) -> tuple[Done | Error, Marks]:
    """Return what Linux answers, and the marks set up at the new distance."""
    if (op.factor < 1) | (op.factor > 3000):
        return EINVAL, marks
    return DONE, set_up_marks(machine, attrs.evolve(marks, scale=op.factor))


def set_boost_factor_choose(machine: Machine, marks: Marks, op: SetBoostFactor) -> tuple[Done | Error, Marks]:
    """Return what Linux answers: the next boost asks the factor."""
    return DONE, attrs.evolve(marks, boost_factor=op.factor)


def set_reserve_ratio_choose(machine: Machine, marks: Marks, op: SetReserveRatio) -> tuple[Done | Error, Marks]:
    """Return what Linux answers, and all reserves set up anew."""
    return DONE, set_up_reserves(machine, attrs.evolve(marks, ratio=marks.ratio.set(op.kind, op.ratio)))


def set_tiering_choose(machine: Machine, marks: Marks, op: SetTiering) -> tuple[Done | Error, Marks]:
    """Return what Linux answers: the next question about balance asks it."""
    return DONE, attrs.evolve(marks, tiering=op.on)


def set_managed_choose(machine: Machine, marks: Marks, op: SetManaged) -> tuple[Done | Error, Marks]:
    """Return what Linux answers: nothing is computed anew."""
    if not can_manage(machine, op):
        return EINVAL, marks
    rule(c.MANAGED_STALE)
    return DONE, marks


def refresh_choose(machine: Machine, marks: Marks, op: Refresh) -> tuple[Done | Error, Marks]:
    """Return what Linux answers, and everything computed anew."""
    return DONE, refreshed(machine, marks)


def recommend_choose(machine: Machine, marks: Marks, op: Recommend) -> tuple[Done | Error, Marks]:
    """Return what Linux answers, and the marks set up as khugepaged wants them, or as they were without it."""
    if op.huge == 0:
        rule(c.RECOMMENDED_NOT)
        return DONE, set_up_marks(machine, attrs.evolve(marks, min_free=computed_min_free(machine, marks)))
    return DONE, set_up_marks(machine, attrs.evolve(marks, min_free=recommended_min_free(machine, marks)))


def report_choose(machine: Machine, marks: Marks, op: Report) -> tuple[Done | Error, Marks]:
    """Return what Linux answers: no mark depends on what is free."""
    return (DONE if is_zone(machine, op.zone) else EINVAL), marks


# --- boost ---------------------------------------------------------------------------------------------------------------


def boost_choose(machine: Machine, marks: Marks, op: Boost) -> tuple[Passed | Error, Marks]:
    """Return whether Linux boosts a zone, and the marks after it."""
    if not is_zone(machine, op.zone):
        return EINVAL, marks
    pageblock = size_of(machine.pageblock_order)
    if (marks.kdump != 0) & (marks.kernel >= 612):
        rule(c.BOOST_KDUMP)
        return Passed(0), marks
    if machine.managed.get(op.zone, 0) < 4 * pageblock:
        rule(c.BOOST_SMALL)
        return Passed(0), marks
    most = part_of(marks.high.get(op.zone, 0), marks.boost_factor)
    if most == 0:
        rule(c.BOOST_OFF)
        return Passed(0), marks
    rule(c.BOOST_STEP)
    rule(c.BOOST_LIMIT)
    boosted = min(marks.boost.get(op.zone, 0) + pageblock, max(most, pageblock))
    return Passed(1), attrs.evolve(marks, boost=marks.boost.set(op.zone, boosted))


def unboost_choose(machine: Machine, marks: Marks, op: Unboost) -> tuple[Done | Error, Marks]:
    """Return what Linux answers, and the marks with less boost."""
    if not is_zone(machine, op.zone):
        return EINVAL, marks
    rule(c.UNBOOST)
    boost = marks.boost.get(op.zone, 0)
    return DONE, attrs.evolve(marks, boost=marks.boost.set(op.zone, boost - min(boost, op.pages)))


# --- answers -------------------------------------------------------------------------------------------------------------


def look_watermarks_choose(machine: Machine, marks: Marks, op: LookWatermarks) -> tuple[Watermarks | Error, Marks]:
    """Return a zone's marks as Linux has them."""
    zone = op.zone
    if not is_zone(machine, zone):
        return EINVAL, marks
    four = marks.min.get(zone, 0), marks.low.get(zone, 0), marks.high.get(zone, 0), marks.promo.get(zone, 0)
    return Watermarks(four[0], four[1], four[2], four[3], marks.boost.get(zone, 0)), marks


def look_reserves_choose(machine: Machine, marks: Marks, op: LookReserves) -> tuple[Reserves | Error, Marks]:
    """Return a zone's reserves as Linux has them."""
    if not is_zone(machine, op.zone):
        return EINVAL, marks
    row = Reserves(
        reserve_at(marks, op.zone, DMA), reserve_at(marks, op.zone, DMA32), reserve_at(marks, op.zone, NORMAL),
        reserve_at(marks, op.zone, HIGHMEM), reserve_at(marks, op.zone, MOVABLE), reserve_at(marks, op.zone, DEVICE),
    )  # fmt: skip
    return row, marks


def look_total_choose(machine: Machine, marks: Marks, op: LookTotal) -> tuple[Frames | Error, Marks]:
    """Return a node's total as Linux has it."""
    return (Frames(marks.total.get(op.node, 0)) if is_node(machine, op.node) else EINVAL), marks


def reserve_at(marks: Marks, zone: Zone, highest: Kind) -> Mark:
    """Return what a zone keeps from requests that could have used a zone up to ``highest``."""
    return marks.reserve.get(cell_of(zone, highest), 0)


def mark_at(marks: Marks, zone: Zone, index: int) -> Mark:
    """Return the mark that a request is held to, by its index, the boost on top (wmark_pages)."""
    rule(c.EFFECTIVE)
    if index == WMARK_MIN:
        return marks.min.get(zone, 0) + marks.boost.get(zone, 0)
    if index == WMARK_LOW:
        return marks.low.get(zone, 0) + marks.boost.get(zone, 0)
    if index == WMARK_HIGH:
        return marks.high.get(zone, 0) + marks.boost.get(zone, 0)
    return marks.promo.get(zone, 0) + marks.boost.get(zone, 0)


def ok_choose(machine: Machine, marks: Marks, op: Ok) -> tuple[Passed | Error, Marks]:
    """Return what Linux answers to a check."""
    if not is_zone(machine, op.zone) or op.order > MAX_ORDER_LIMIT:
        return EINVAL, marks
    passed = zone_ok(machine, op.zone, op.order, op.mark, op.reserve, op.flags, machine.free.get(op.zone, 0))
    return Passed(1 if passed else 0), marks


def ignores_boost(marks: Marks, zone: Zone, order: Order, flags: Flags, atomic: Truth) -> bool:
    """Tell whether a request that failed is held to MIN once more, without its boost."""
    single = (order == 0) & (marks.boost.get(zone, 0) > 0) & ((flags & ALLOC_WMARK_MASK) == WMARK_MIN)
    if marks.kernel < 612:
        rule(c.FAST_ATOMIC)
        return single & (atomic != 0)
    rule(c.FAST_UNBOOSTED)
    return single & ((flags & ALLOC_MIN_RESERVE) != 0)


def fast_ok(machine: Machine, marks: Marks, zone: Zone, order: Order, highest: Kind, flags: Flags, atomic: Truth) -> bool:
    """Tell whether a request passes the fast check (mm/page_alloc.c:zone_watermark_fast, v6.12)."""
    free, reserve = machine.free.get(zone, 0), reserve_at(marks, zone, highest)
    mark = mark_at(marks, zone, flags & ALLOC_WMARK_MASK)
    if order == 0:
        rule(c.FAST_SHORT)
        if max(0, zone_usable(machine, zone, 0, flags, free)) > mark + reserve:
            return True
    if zone_ok(machine, zone, order, mark, reserve, flags, free):
        return True
    if ignores_boost(marks, zone, order, flags, atomic):
        return zone_ok(machine, zone, order, marks.min.get(zone, 0), reserve, flags, free)
    return False


def fast_choose(machine: Machine, marks: Marks, op: Fast) -> tuple[Passed | Error, Marks]:
    """Return what Linux answers to a fast check."""
    if not is_zone(machine, op.zone) or op.order > MAX_ORDER_LIMIT:
        return EINVAL, marks
    return Passed(1 if fast_ok(machine, marks, op.zone, op.order, op.highest, op.flags, op.atomic) else 0), marks


def limit_per_cpu_choose(machine: Machine, marks: Marks, op: LimitPerCpu) -> tuple[Limits | Error, Marks]:
    """Return the limits of a zone's per-CPU lists as Linux sets them."""
    if not is_zone(machine, op.zone) or not can_split(op.local, op.online, op.fraction):
        return EINVAL, marks
    return limits_of(machine, marks, op.zone, op.local, op.online, op.fraction), marks


# --- kswapd --------------------------------------------------------------------------------------------------------------


def safe_ok(machine: Machine, zone: Zone, order: Order, mark: Mark, reserve: Mark) -> bool:
    """Tell whether a zone is above a mark, by the exact count where drift matters (zone_watermark_ok_safe)."""
    free = machine.free.get(zone, 0)
    if free < machine.drift_mark.get(zone, 0):
        rule(c.BALANCED_EXACT)
        free = machine.exact.get(zone, 0)
    return zone_ok(machine, zone, order, mark, reserve, 0, free)


def unbalanced(machine: Machine, marks: Marks, zone: Zone, order: Order, highest: Kind) -> bool:
    """Tell whether a zone with frames is not above HIGH; with memory tiering not above PROMO."""
    mark = marks.high.get(zone, 0) + marks.boost.get(zone, 0)
    if marks.tiering != 0:
        rule(c.BALANCED_PROMO)
        mark = marks.promo.get(zone, 0) + marks.boost.get(zone, 0)
    return not safe_ok(machine, zone, order, mark, reserve_at(marks, zone, highest))


def balance_more(machine: Machine, marks: Marks, node: Node, order: Order, highest: Kind, kind: int, met: bool) -> bool:
    """Tell whether a kind of zone is left to look at, and no balanced one was found."""
    zone = zone_at(node, kind)
    empty = machine.managed.get(zone, 0) == 0
    return kind <= highest and (empty or unbalanced(machine, marks, zone, order, highest))


def balance_step(
    machine: Machine, marks: Marks, node: Node, order: Order, highest: Kind, kind: int, met: bool
) -> tuple[Any, ...]:
    """Go on to the next kind, and remember whether this one had frames."""
    met = met | (machine.managed.get(zone_at(node, kind), 0) > 0)
    return machine, marks, node, order, highest, kind + 1, met


def balance_left(machine: Machine, marks: Marks, node: Node, order: Order, highest: Kind, kind: int, met: bool) -> int:
    """Return how many kinds are left."""
    return highest + 1 - kind


BALANCE = Loop("balance", balance_more, balance_step, balance_left)


def balanced(machine: Machine, marks: Marks, node: Node, order: Order, highest: Kind) -> bool:
    """Tell whether a node needs no reclaim for a request (mm/vmscan.c:pgdat_balanced, v6.12)."""
    _, _, _, _, _, kind, met = BALANCE.run(machine, marks, node, order, highest, 0, False)
    if kind <= highest:
        rule(c.BALANCED_ANY)
        return True
    rule(c.BALANCED_NONE)
    return not met


def balanced_choose(machine: Machine, marks: Marks, op: Balanced) -> tuple[Passed | Error, Marks]:
    """Return what Linux answers about a node."""
    if not is_node(machine, op.node) or op.order > MAX_ORDER_LIMIT:
        return EINVAL, marks
    return Passed(1 if balanced(machine, marks, op.node, op.order, op.highest) else 0), marks


def boosted(machine: Machine, marks: Marks, node: Node, highest: Kind) -> bool:
    """Tell whether a zone up to a kind has frames and a boost (mm/vmscan.c:pgdat_watermark_boosted, v6.12)."""
    found = False
    for kind in range(DEVICE + 1):
        zone = zone_at(node, kind)
        found |= (kind <= highest) & (machine.managed.get(zone, 0) > 0) & (marks.boost.get(zone, 0) > 0)
    return found


def noted(marks: Marks, node: Node, order: Order, highest: Kind) -> Marks:
    """Return the marks with what kswapd is asked for: the largest order and the highest kind that anybody asked for."""
    rule(c.WAKE_NOTES)
    asked = max(marks.asked.get(node, 0), highest)
    return attrs.evolve(
        marks,
        asked=marks.asked.set(node, asked),
        asked_order=marks.asked_order.set(node, max(marks.asked_order.get(node, 0), order)),
    )


def woken(marks: Marks, node: Node, kswapd: Truth, kcompactd: Truth) -> Woken:
    """Return the answer to a wake, with what kswapd is asked for then."""
    asked = 1 if node in marks.asked else 0
    return Woken(kswapd, kcompactd, asked, marks.asked_order.get(node, 0), marks.asked.get(node, 0))


def wake_choose(machine: Machine, marks: Marks, op: Wake) -> tuple[Woken | Error, Marks]:
    """Return whom Linux wakes, and what kswapd is asked for from then on."""
    if not is_zone(machine, op.zone) or op.order > MAX_ORDER_LIMIT:
        return EINVAL, marks
    node = node_of(op.zone)
    if (machine.managed.get(op.zone, 0) == 0) | (op.admitted == 0):
        rule(c.WAKE_SKIPS)
        return woken(marks, node, 0, 0), marks
    after = noted(marks, node, op.order, op.highest)
    if marks.running.get(node, False):
        rule(c.WAKE_RUNNING)
        return woken(after, node, 0, 0), after
    if useless(machine, marks, node, op.order, op.highest):
        rule(c.WAKE_COMPACTS)
        return woken(after, node, 0, 1 if op.direct == 0 else 0), after
    return woken(after, node, 1, 0), after


def useless(machine: Machine, marks: Marks, node: Node, order: Order, highest: Kind) -> bool:
    """Tell whether waking a kswapd that waits would not help."""
    if marks.failures.get(node, 0) >= HOPELESS:
        rule(c.WAKE_HOPELESS)
        return True
    rule(c.WAKE_BALANCED)
    return balanced(machine, marks, node, order, highest) and not boosted(machine, marks, node, highest)


def kswapd_choose(machine: Machine, marks: Marks, op: Kswapd) -> tuple[Done | Error, Marks]:
    """Return what Linux answers, and the marks with kswapd as it is, asked for nothing."""
    if not is_node(machine, op.node):
        return EINVAL, marks
    node = op.node
    asked = marks.asked.delete(node) if node in marks.asked else marks.asked
    order = marks.asked_order.delete(node) if node in marks.asked_order else marks.asked_order
    running = marks.running.set(node, op.waiting == 0)
    return DONE, attrs.evolve(
        marks, asked=asked, asked_order=order, running=running, failures=marks.failures.set(node, op.failures)
    )
