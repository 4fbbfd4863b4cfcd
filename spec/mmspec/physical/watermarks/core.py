"""What every answer about watermarks must keep, and the check itself, which has no choice in it.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an allowed result. Which numbers Linux's
formulae give is for ``linux`` to say.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.watermarks import clauses as c
from mmspec.physical.watermarks.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    ALLOC_RESERVES,
    HIGHMEM,
    LOWMEM_SHARE,
    MAX_MANAGED,
    MOVABLE,
    Balanced,
    Blocks,
    Boost,
    Done,
    Error,
    Factor,
    Fast,
    Frames,
    Held,
    Kswapd,
    LimitPerCpu,
    Limits,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Mark,
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
    Unboost,
    Wake,
    Watermarks,
    Woken,
    Zone,
    ZoneEnd,
)  # fmt: skip
from mmspec.physical.watermarks.state import Machine, is_node, is_zone, kind_of
from mmspec.words import MAX_ORDER_LIMIT, Count, Flags, Order

# --- the check -----------------------------------------------------------------------------------------------------------


def unusable(order: Order, flags: Flags, highatomic: Mark, cma: Mark) -> Count:
    """Return the free frames that a request cannot use (mm/page_alloc.c:__zone_watermark_unusable_free, v6.12)."""
    rule(c.OK_UNUSABLE)
    frames = (1 << order) - 1
    if flags & ALLOC_RESERVES == 0:
        rule(c.OK_HIGHATOMIC)
        frames += highatomic
    if flags & ALLOC_CMA == 0:
        rule(c.OK_CMA)
        frames += cma
    return frames


def reduced(mark: Mark, flags: Flags) -> Mark:
    """Return what a mark comes to for a request that may use reserves."""
    least = mark
    if flags & ALLOC_MIN_RESERVE:
        rule(c.OK_MIN_RESERVE)
        least -= least >> 1
        if flags & ALLOC_NON_BLOCK:
            rule(c.OK_NON_BLOCK)
            least -= least >> 2
    if flags & ALLOC_OOM:
        rule(c.OK_OOM)
        least -= least >> 1
    return least


def has_block(order: Order, flags: Flags, blocks: Blocks, cma_blocks: Blocks, highatomic_blocks: Blocks) -> bool:
    """Tell whether a block of the order or above is on a list that the request may be served from."""
    rule(c.OK_BLOCK)
    found = blocks
    if flags & ALLOC_CMA:
        rule(c.OK_CMA_BLOCK)
        found |= cma_blocks
    if flags & (ALLOC_HIGHATOMIC | ALLOC_OOM):
        rule(c.OK_HIGHATOMIC_BLOCK)
        found |= highatomic_blocks
    return found >> order != 0


def watermark_ok(
    order: Order, mark: Mark, reserve: Mark, flags: Flags, free: Held, highatomic: Mark, cma: Mark,
    blocks: Blocks, cma_blocks: Blocks, highatomic_blocks: Blocks,
) -> bool:  # fmt: skip
    """Tell whether a request leaves a zone above a mark (mm/page_alloc.c:__zone_watermark_ok, v6.12).

    ``free`` less what is unusable may be negative: it is compared as a signed number.
    """
    rule(c.OK_ABOVE)
    if free - unusable(order, flags, highatomic, cma) <= reduced(mark, flags) + reserve:
        return False
    if order == 0:
        rule(c.OK_SINGLE)
        return True
    return has_block(order, flags, blocks, cma_blocks, highatomic_blocks)


def zone_ok(machine: Machine, zone: Zone, order: Order, mark: Mark, reserve: Mark, flags: Flags, free: Held) -> bool:
    """Tell whether a request leaves a zone, in which so much is free, above a mark."""
    return watermark_ok(
        order, mark, reserve, flags, free, machine.highatomic.get(zone, 0), machine.cma.get(zone, 0),
        machine.blocks.get(zone, 0), machine.cma_blocks.get(zone, 0), machine.highatomic_blocks.get(zone, 0),
    )  # fmt: skip


def zone_has_block(machine: Machine, zone: Zone, order: Order, flags: Flags) -> bool:
    """Tell whether a zone has a block for a request; for a single frame any free frame is one."""
    if order == 0:
        return True
    return has_block(
        order, flags, machine.blocks.get(zone, 0), machine.cma_blocks.get(zone, 0), machine.highatomic_blocks.get(zone, 0)
    )


def zone_usable(machine: Machine, zone: Zone, order: Order, flags: Flags, free: Held) -> Held:
    """Return how many of a zone's free frames a request could use, as the check counts."""
    return free - unusable(order, flags, machine.highatomic.get(zone, 0), machine.cma.get(zone, 0))


# --- what is there, and what may be set ------------------------------------------------------------------------------------


def answered(result: Any, lawful: bool) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else c.ARGS)
    if refused(result, "EINVAL"):
        return c.ACCEPTED if lawful else None
    return None if lawful else c.ARGS


def lowmem_left(machine: Machine, zone: ZoneEnd, lowmem: Count, total: Count) -> int:
    """Return how many zones are left to count."""
    return machine.end - zone


def lowmem_more(machine: Machine, zone: ZoneEnd, lowmem: Count, total: Count) -> bool:
    """Tell whether a zone is left to count."""
    return zone < machine.end


def lowmem_step(machine: Machine, zone: ZoneEnd, lowmem: Count, total: Count) -> tuple[Any, ...]:
    """Count a zone's frames, and those of them that are lowmem."""
    frames, kind = machine.managed.get(zone, 0), kind_of(zone)
    counts = 0 if (kind == HIGHMEM) | (kind == MOVABLE) else frames
    return machine, zone + 1, lowmem + counts, total + frames


SIZES = Loop("sizes", lowmem_more, lowmem_step, lowmem_left)


def can_manage(machine: Machine, op: SetManaged) -> bool:
    """Tell whether a zone with memory may have so many frames, and the formulae are still stated for the machine."""
    if not machine.present.get(op.zone, False):
        return False
    lowmem: Count
    total: Count
    _, _, lowmem, total = SIZES.run(attrs.evolve(machine, managed=machine.managed.set(op.zone, op.managed)), 0, 0, 0)
    return (total > 0) & (total <= MAX_MANAGED) & (total <= lowmem * LOWMEM_SHARE)


# --- settings ------------------------------------------------------------------------------------------------------------


def set_min_free_allowed(machine: Machine, op: SetMinFree, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a write breaks: any number is taken."""
    return answered(result, True)


def set_scale_factor_allowed(machine: Machine, op: SetScaleFactor, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a write breaks: 1 to 3000 are taken."""
    return answered(result, (op.factor >= 1) & (op.factor <= 3000))


def set_boost_factor_allowed(machine: Machine, op: SetBoostFactor, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a write breaks: any number is taken."""
    return answered(result, True)


def set_reserve_ratio_allowed(machine: Machine, op: SetReserveRatio, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a write breaks: any number is taken."""
    return answered(result, True)


def set_tiering_allowed(machine: Machine, op: SetTiering, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a write breaks."""
    return answered(result, True)


def set_managed_allowed(machine: Machine, op: SetManaged, result: Done | Error) -> Clause | None:
    """Name the clause that a result of giving or taking frames breaks."""
    return answered(result, can_manage(machine, op))


def refresh_allowed(machine: Machine, op: Refresh, result: Done | Error) -> Clause | None:
    """Name the clause that a result of computing anew breaks."""
    return answered(result, True)


def recommend_allowed(machine: Machine, op: Recommend, result: Done | Error) -> Clause | None:
    """Name the clause that a result of khugepaged's wish breaks."""
    return answered(result, True)


def report_allowed(machine: Machine, op: Report, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a report breaks."""
    return answered(result, is_zone(machine, op.zone))


def kswapd_allowed(machine: Machine, op: Kswapd, result: Done | Error) -> Clause | None:
    """Name the clause that a result of kswapd's news breaks."""
    return answered(result, is_node(machine, op.node))


def unboost_allowed(machine: Machine, op: Unboost, result: Done | Error) -> Clause | None:
    """Name the clause that a result of taking a boost back breaks."""
    return answered(result, is_zone(machine, op.zone))


def same_apply(machine: Machine, op: Any, result: Any) -> Machine:
    """Return the state after an operation that changes nothing which everybody knows."""
    return machine


def set_managed_apply(machine: Machine, op: SetManaged, result: Done | Error) -> Machine:
    """Return the state after frames were given or taken."""
    return machine if result.failed else attrs.evolve(machine, managed=machine.managed.set(op.zone, op.managed))


def report_apply(machine: Machine, op: Report, result: Done | Error) -> Machine:
    """Return the state with what is free now."""
    if result.failed:
        return machine
    zone = op.zone
    return Machine(
        machine.end, machine.page_shift, machine.pageblock_order, machine.present, machine.managed,
        machine.free.set(zone, op.free), machine.exact.set(zone, op.exact), machine.highatomic.set(zone, op.highatomic),
        machine.cma.set(zone, op.cma), machine.drift_mark.set(zone, op.drift_mark), machine.blocks.set(zone, op.blocks),
        machine.cma_blocks.set(zone, op.cma_blocks), machine.highatomic_blocks.set(zone, op.highatomic_blocks),
    )  # fmt: skip


# --- answers -------------------------------------------------------------------------------------------------------------


def boost_allowed(machine: Machine, op: Boost, result: Passed | Error) -> Clause | None:
    """Name the clause that a result of a boost breaks."""
    return answered(result, is_zone(machine, op.zone))


def look_watermarks_allowed(machine: Machine, op: LookWatermarks, result: Watermarks | Error) -> Clause | None:
    """Name the clause that a zone's marks break."""
    if result.failed or not is_zone(machine, op.zone):
        return answered(result, is_zone(machine, op.zone))
    rule(c.ORDERED)
    step = result.low - result.min
    same = (result.high - result.low == step) & (result.promo - result.high == step)
    return None if same & (step >= 0) else c.ORDERED


def look_reserves_allowed(machine: Machine, op: LookReserves, result: Reserves | Error) -> Clause | None:
    """Name the clause that a zone's reserves break."""
    if result.failed or not is_zone(machine, op.zone):
        return answered(result, is_zone(machine, op.zone))
    rule(c.RESERVE_RISES)
    row = (result.dma, result.dma32, result.normal, result.highmem, result.movable, result.device)
    kind, before, rises = kind_of(op.zone), 0, True
    for k in range(6):
        rises &= (row[k] >= before) & ((k > kind) | (row[k] == 0))
        before = row[k]
    return None if rises else c.RESERVE_RISES


def look_total_allowed(machine: Machine, op: LookTotal, result: Frames | Error) -> Clause | None:
    """Name the clause that a node's total breaks."""
    return answered(result, is_node(machine, op.node))


def ok_allowed(machine: Machine, op: Ok, result: Passed | Error) -> Clause | None:
    """Name the clause that the answer to a check breaks: there is one right answer."""
    lawful = is_zone(machine, op.zone) & (op.order <= MAX_ORDER_LIMIT)
    if result.failed or not lawful:
        return answered(result, lawful)
    rule(c.OK)
    right = zone_ok(machine, op.zone, op.order, op.mark, op.reserve, op.flags, machine.free.get(op.zone, 0))
    return None if (result.passed != 0) == right else c.OK


def fast_allowed(machine: Machine, op: Fast, result: Passed | Error) -> Clause | None:
    """Name the clause that the answer to a fast check breaks, whatever the marks are."""
    lawful = is_zone(machine, op.zone) & (op.order <= MAX_ORDER_LIMIT)
    if result.failed or not lawful:
        return answered(result, lawful)
    rule(c.FAST_NOTHING)
    usable = zone_usable(machine, op.zone, op.order, op.flags, machine.free.get(op.zone, 0)) > 0
    can = usable & zone_has_block(machine, op.zone, op.order, op.flags)
    return None if can | (result.passed == 0) else c.FAST_NOTHING


def balanced_allowed(machine: Machine, op: Balanced, result: Passed | Error) -> Clause | None:
    """Name the clause that the answer about a node breaks."""
    return answered(result, is_node(machine, op.node) & (op.order <= MAX_ORDER_LIMIT))


def wake_allowed(machine: Machine, op: Wake, result: Woken | Error) -> Clause | None:
    """Name the clause that the answer to a wake breaks."""
    return answered(result, is_zone(machine, op.zone) & (op.order <= MAX_ORDER_LIMIT))


def can_split(local: int, online: int, fraction: Factor) -> bool:
    """Tell whether there is a CPU to split frames between, and the fraction is one that may be written: 0, or 8 and above."""
    return (online >= 1) & (local <= online) & ((fraction == 0) | (fraction >= 8))


def limit_per_cpu_allowed(machine: Machine, op: LimitPerCpu, result: Limits | Error) -> Clause | None:
    """Name the clause that the limits of per-CPU lists break."""
    lawful = is_zone(machine, op.zone) & can_split(op.local, op.online, op.fraction)
    if result.failed or not lawful:
        return answered(result, lawful)
    rule(c.LIMITS_ORDERED)
    whole = (result.batch >= 1) & ((result.batch & (result.batch + 1)) == 0)
    floor = 4 * result.batch
    return None if whole & (result.high_min >= floor) & (result.high_max >= floor) else c.LIMITS_ORDERED
