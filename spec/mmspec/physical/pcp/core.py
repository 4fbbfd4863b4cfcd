"""Which blocks a CPU holds: what any per-CPU cache of free blocks must do, whatever it prefers.

Every operation has the same rhythm: ``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the pages after an
allowed result. Nothing here reads Linux's lists; ``linux`` says which of the lawful results Linux gives. Whether a block that
comes in overlaps one that is held is asked of its head alone: who owns the other frames is for the page allocator to know.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp.ops import (
    ISOLATE,
    MOVABLE,
    RECLAIMABLE,
    Alloc,
    Block,
    Blocks,
    Bulk,
    Cacheinfo,
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
    Limits,
    Page,
    Plan,
    Refill,
    Tune,
    Want,
)  # fmt: skip
from mmspec.physical.pcp.parameters import fraction_served
from mmspec.physical.pcp.state import (
    NOT_HELD,
    Holding,
    Pages,
    cpu_holding,
    holding_of,
    keeps_order,
    kept_for,
    order_held,
    type_held,
    well_placed,
)  # fmt: skip
from mmspec.pmap import somewhere
from mmspec.words import Count, Migratetype, Order, Pfn, size_of

# --- the two steps of the held blocks ----------------------------------------------------------------------------------


def hold(pages: Pages, cpu: Cpu, pfn: Pfn, order: Order, migratetype: Migratetype) -> Pages:
    """Let a CPU hold a block."""
    rule(c.COUNT)
    held = pages.held.set(pfn, holding_of(cpu, order, migratetype))
    count = pages.count.set(cpu, pages.count.get(cpu, 0) + size_of(order))
    return Pages(pages.span, held, count, pages.owed, pages.disabled)


def let_go(pages: Pages, cpu: Cpu, pfn: Pfn, order: Order) -> Pages:
    """Let a CPU hold a block no longer."""
    rule(c.COUNT)
    count = pages.count.set(cpu, pages.count.get(cpu, 0) - size_of(order))
    return Pages(pages.span, pages.held.delete(pfn), count, pages.owed, pages.disabled)


def owing(pages: Pages, cpu: Cpu, owed: Count) -> Pages:
    """Let a CPU give back so many frames; its lock is held until it has."""
    return Pages(pages.span, pages.held, pages.count, pages.owed.set(cpu, owed), pages.disabled)


def is_cpu(pages: Pages, cpu: Cpu) -> bool:
    """Tell whether there is such a CPU."""
    return cpu < pages.span.cpus


def is_owing(pages: Pages, cpu: Cpu) -> bool:
    """Tell whether a CPU is giving frames back."""
    return pages.owed.get(cpu, 0) > 0


# --- alloc -----------------------------------------------------------------------------------------------------------


def alloc_served(pages: Pages, op: Alloc) -> bool:
    """Tell whether a request is one that a CPU answers: an order that is kept, and a type that requests have."""
    return is_cpu(pages, op.cpu) & keeps_order(pages.span, op.order) & (op.migratetype <= RECLAIMABLE)


def is_kept_for(pfn: Pfn, holding: Holding, op: Alloc) -> bool:
    """Tell whether a held block is kept for just such a request."""
    return holding == holding_of(op.cpu, op.order, op.migratetype)


def alloc_allowed(pages: Pages, op: Alloc, result: Page | Error) -> Clause | None:
    """Name the clause that an answer to an allocation breaks."""
    if not alloc_served(pages, op):
        rule(c.ALLOC_ARGS)
        return None if refused(result, "EINVAL") else c.ALLOC_ARGS
    if is_owing(pages, op.cpu):
        rule(c.BUSY)
        return None if refused(result, "EBUSY") else c.BUSY
    if result.failed:
        rule(c.ALLOC_NONE)
        return None if refused(result, "ENOENT") and not somewhere(pages.held, is_kept_for, op) else c.ALLOC_NONE
    holding = pages.held.get(result.pfn, NOT_HELD)
    rule(c.ALLOC_HELD)
    if order_held(holding) != op.order or cpu_holding(holding) != op.cpu:
        return c.ALLOC_HELD
    rule(c.ALLOC_TYPE)
    return c.ALLOC_TYPE if type_held(holding) == MOVABLE and op.migratetype != MOVABLE else None


def alloc_apply(pages: Pages, op: Alloc, result: Page | Error) -> Pages:
    """Hand the block out."""
    return pages if result.failed else let_go(pages, op.cpu, result.pfn, op.order)


# --- want, refill ----------------------------------------------------------------------------------------------------


def want_allowed(pages: Pages, op: Want, result: Frames | Error) -> Clause | None:
    """Name the clause that the size of a refill breaks."""
    if not is_cpu(pages, op.cpu) or not keeps_order(pages.span, op.order):
        rule(c.WANT_ARGS)
        return None if refused(result, "EINVAL") else c.WANT_ARGS
    if is_owing(pages, op.cpu):
        rule(c.BUSY)
        return None if refused(result, "EBUSY") else c.BUSY
    rule(c.WANT_SOME)
    return c.WANT_SOME if result.failed or result.count == 0 else None


def takes(pages: Pages, cpu: Cpu, pfn: Pfn, order: Order) -> bool:
    """Tell whether a block can come in: aligned, inside the zone, and not held already."""
    return is_cpu(pages, cpu) & well_placed(pages.span, pfn, order) & (pages.held.get(pfn, NOT_HELD) == NOT_HELD)


def refill_served(pages: Pages, op: Refill) -> bool:
    """Tell whether a block can be put on the list of a request."""
    return takes(pages, op.cpu, op.pfn, op.order) & keeps_order(pages.span, op.order) & (op.migratetype <= RECLAIMABLE)


def refill_allowed(pages: Pages, op: Refill, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a refill breaks."""
    if not refill_served(pages, op):
        rule(c.REFILL_ARGS)
        return None if refused(result, "EINVAL") else c.REFILL_ARGS
    if is_owing(pages, op.cpu):
        rule(c.BUSY)
        return None if refused(result, "EBUSY") else c.BUSY
    rule(c.REFILL)
    return c.REFILL if result.failed else None


def refill_apply(pages: Pages, op: Refill, result: Done | Error) -> Pages:
    """Hold the block for the request's type."""
    return pages if result.failed else hold(pages, op.cpu, op.pfn, op.order, op.migratetype)


# --- free ------------------------------------------------------------------------------------------------------------


def free_allowed(pages: Pages, op: Free, result: Frames | Error) -> Clause | None:
    """Name the clause that an answer to a free breaks."""
    if not takes(pages, op.cpu, op.pfn, op.order):
        rule(c.FREE_ARGS)
        return None if refused(result, "EINVAL") else c.FREE_ARGS
    if is_owing(pages, op.cpu):
        rule(c.BUSY)
        return None if refused(result, "EBUSY") else c.BUSY
    if not keeps_order(pages.span, op.order):
        rule(c.FREE_ORDER)
        return None if refused(result, "EBUSY") else c.FREE_ORDER
    if op.migratetype == ISOLATE:
        rule(c.FREE_ISOLATE)
        return None if refused(result, "EBUSY") else c.FREE_ISOLATE
    rule(c.FREE)
    if result.failed:
        return c.FREE
    rule(c.OWED_HELD)
    return c.OWED_HELD if result.count > pages.count.get(op.cpu, 0) + size_of(op.order) else None


def free_apply(pages: Pages, op: Free, result: Frames | Error) -> Pages:
    """Hold the block, for MOVABLE requests if it is HIGHATOMIC or CMA."""
    if result.failed:
        return pages
    rule(c.PCP_4)
    return owing(hold(pages, op.cpu, op.pfn, op.order, kept_for(op.migratetype)), op.cpu, result.count)


# --- bulk, drain -----------------------------------------------------------------------------------------------------


def bulk_allowed(pages: Pages, op: Bulk, result: Frames | Error) -> Clause | None:
    """Name the clause that the beginning of a drain breaks."""
    if not is_cpu(pages, op.cpu):
        rule(c.DRAIN_ARGS)
        return None if refused(result, "EINVAL") else c.DRAIN_ARGS
    if is_owing(pages, op.cpu):
        rule(c.BUSY)
        return None if refused(result, "EBUSY") else c.BUSY
    rule(c.BULK)
    return c.BULK if result.failed or result.count != min(op.count, pages.count.get(op.cpu, 0)) else None


def bulk_apply(pages: Pages, op: Bulk, result: Frames | Error) -> Pages:
    """Let the CPU give the frames back."""
    return pages if result.failed else owing(pages, op.cpu, result.count)


def drain_allowed(pages: Pages, op: Drain, result: Block | Error) -> Clause | None:
    """Name the clause that a block that goes back breaks."""
    if not is_cpu(pages, op.cpu):
        rule(c.DRAIN_ARGS)
        return None if refused(result, "EINVAL") else c.DRAIN_ARGS
    if not is_owing(pages, op.cpu):
        rule(c.DRAIN_NONE)
        return None if refused(result, "ENOENT") else c.DRAIN_NONE
    rule(c.DRAIN)
    if result.failed:
        return c.DRAIN
    holding = pages.held.get(result.pfn, NOT_HELD)
    return c.DRAIN if holding == NOT_HELD or order_held(holding) != result.order or cpu_holding(holding) != op.cpu else None


def drain_apply(pages: Pages, op: Drain, result: Block | Error) -> Pages:
    """Let the block go, and owe that much less."""
    if result.failed:
        return pages
    owed = max(0, pages.owed.get(op.cpu, 0) - size_of(result.order))
    return owing(let_go(pages, op.cpu, result.pfn, result.order), op.cpu, owed)


# --- drain_all, decay, expire --------------------------------------------------------------------------------------------


def plan_lawful(pages: Pages, cpu: Cpu, result: Plan | Error) -> bool:
    """Tell whether an answer is a plan to give back no more than there is, in portions that come to an end."""
    return not result.failed and result.total <= pages.count.get(cpu, 0) and (result.total == 0 or result.portion > 0)


def plan_allowed(pages: Pages, op: Decay | Expire | DrainAll, result: Plan | Error) -> Clause | None:
    """Name the clause that a plan of what goes back breaks."""
    if not is_cpu(pages, op.cpu):
        rule(c.DRAIN_ARGS)
        return None if refused(result, "EINVAL") else c.DRAIN_ARGS
    if is_owing(pages, op.cpu):
        rule(c.BUSY)
        return None if refused(result, "EBUSY") else c.BUSY
    rule(c.PLAN)
    return None if plan_lawful(pages, op.cpu, result) else c.PLAN


def drain_all_allowed(pages: Pages, op: DrainAll, result: Plan | Error) -> Clause | None:
    """Name the clause that a plan of giving everything back breaks."""
    if not is_cpu(pages, op.cpu) or is_owing(pages, op.cpu):
        return plan_allowed(pages, op, result)
    rule(c.DRAIN_ALL)
    if result.failed or not plan_lawful(pages, op.cpu, result):
        return c.DRAIN_ALL
    return None if result.total == pages.count.get(op.cpu, 0) else c.DRAIN_ALL


# --- tune, disable, enable, cacheinfo ------------------------------------------------------------------------------------


def tune_allowed(pages: Pages, op: Tune, result: Limits | Error) -> Clause | None:
    """Name the clause that new limits break."""
    if op.local + op.coming + op.online == 0:
        rule(c.TUNE_ARGS)
        return None if refused(result, "EINVAL") else c.TUNE_ARGS
    if not fraction_served(op.fraction):
        rule(c.FRACTION)
        return None if refused(result, "EINVAL") else c.FRACTION
    if pages.disabled != 0:
        rule(c.DISABLED)
        return None if refused(result, "EBUSY") else c.DISABLED
    rule(c.TUNE)
    return c.TUNE if result.failed or result.batch == 0 or result.high_min == 0 or result.high_max == 0 else None


def disable_allowed(pages: Pages, op: Disable, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a disabling breaks."""
    rule(c.DISABLED)
    if pages.disabled != 0:
        return None if refused(result, "EBUSY") else c.DISABLED
    return c.DISABLED if result.failed else None


def disable_apply(pages: Pages, op: Disable, result: Done | Error) -> Pages:
    """Let no CPU keep blocks."""
    return pages if result.failed else Pages(pages.span, pages.held, pages.count, pages.owed, 1)


def enable_allowed(pages: Pages, op: Enable, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an enabling breaks."""
    rule(c.DISABLED)
    if pages.disabled == 0:
        return None if refused(result, "EINVAL") else c.DISABLED
    return c.DISABLED if result.failed else None


def enable_apply(pages: Pages, op: Enable, result: Done | Error) -> Pages:
    """Let the CPUs keep blocks."""
    return pages if result.failed else Pages(pages.span, pages.held, pages.count, pages.owed, 0)


def cacheinfo_allowed(pages: Pages, op: Cacheinfo, result: Done | Error) -> Clause | None:
    """Name the clause that an answer about a CPU's cache breaks."""
    if not is_cpu(pages, op.cpu):
        rule(c.DRAIN_ARGS)
        return None if refused(result, "EINVAL") else c.DRAIN_ARGS
    if is_owing(pages, op.cpu):
        rule(c.BUSY)
        return None if refused(result, "EBUSY") else c.BUSY
    rule(c.CACHEINFO)
    return c.CACHEINFO if result.failed else None


# --- looking ---------------------------------------------------------------------------------------------------------


def count_allowed(pages: Pages, op: CountPages, result: Frames | Error) -> Clause | None:
    """Name the clause that a reported number of frames breaks."""
    rule(c.COUNT_REPORTED)
    if not is_cpu(pages, op.cpu):
        return None if refused(result, "EINVAL") else c.COUNT_REPORTED
    return c.COUNT_REPORTED if result.failed or result.count != pages.count.get(op.cpu, 0) else None


def blocks_allowed(pages: Pages, op: HeldBlocks, result: Blocks | Error) -> Clause | None:
    """Name the clause that a reported set of blocks breaks. A reader's function: it compares whole sets, and is not lifted."""
    rule(c.BLOCKS_REPORTED)
    if not is_cpu(pages, op.cpu):
        return None if refused(result, "EINVAL") else c.BLOCKS_REPORTED
    if result.failed:
        return c.BLOCKS_REPORTED
    return None if sorted(result.blocks) == blocks_held(pages, op.cpu) else c.BLOCKS_REPORTED


def blocks_held(pages: Pages, cpu: Cpu) -> list[tuple[Pfn, Order]]:
    """Return the blocks that a CPU holds, ascending: for those who only look."""
    return sorted((pfn, order_held(holding)) for pfn, holding in pages.held.items() if cpu_holding(holding) == cpu)


def look_apply(pages: Pages, op: Any, result: Any) -> Pages:
    """Looking changes nothing, nor does what only policy goes by."""
    return pages
