"""What every page allocator must keep: whose each frame is, and which zones may serve a request.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an allowed result. Where a block lies that
nobody has, in a free list or with a CPU, is for ``linux`` to say.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.buddy.core import block_over, give, withdraw
from mmspec.physical.buddy.ops import CMA
from mmspec.physical.buddy.state import Zone as Frames
from mmspec.physical.buddy.state import kind_at
from mmspec.physical.page_alloc.core import highest_of, is_request
from mmspec.physical.page_alloc.flags import is_movable
from mmspec.physical.page_alloc.ops import ALL_NODES, ALLOC_CMA, GFP_THISNODE, NOWHERE, AnyNode, Gfp, NodeSet, Zone, ZoneEnd
from mmspec.physical.page_alloc.state import has
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.ops import (
    BAD,
    POISONED,
    Alloc,
    Answer,
    AnyCpu,
    BulkTake,
    BulkZone,
    Done,
    Drain,
    DrainAll,
    DrainZone,
    Error,
    Free,
    Page,
    Refresh,
    Served,
    Split,
    Unreserve,
)
from mmspec.physical.pages.ranges import has_isolated, is_withheld
from mmspec.physical.pages.state import Memory, cpus_of, zone_of
from mmspec.physical.zones.core import eligible
from mmspec.physical.zones.state import is_zone, node_of, zone_at
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, Order, Pfn, PfnEnd, is_aligned, size_of

LARGE = 1024
"""The frames of a zone that no mark, reserve, or CPU of it takes up."""


def answered(result: Any, lawful: bool) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else c.ARGS)
    if lawful:
        return c.ACCEPTED if result.failed else None
    return None if refused(result, "EINVAL") else c.ARGS


def same_apply(memory: Memory, op: Any, result: Any) -> Memory:
    """Return the state after an operation that changes nothing which everybody knows."""
    return memory


def is_cpu(memory: Memory, cpu: AnyCpu) -> bool:
    """Tell whether there is such a processor."""
    return cpu < cpus_of(memory)


def is_asked(memory: Memory, cpu: AnyCpu, gfp: Gfp, node: AnyNode) -> bool:
    """Tell whether a request is one, of a node and a processor that are there."""
    return is_cpu(memory, cpu) & (node < memory.topology.nodes) & is_request(gfp)


def serves(memory: Memory, gfp: Gfp, node: AnyNode, nodes: NodeSet, zone: Zone) -> bool:
    """Tell whether a zone may serve a request."""
    return eligible(memory.topology, zone, node, 1 if gfp & GFP_THISNODE else 0, highest_of(gfp), nodes)


# --- alloc -----------------------------------------------------------------------------------------------------------


def can_alloc(memory: Memory, op: Alloc) -> bool:
    """Tell whether a request is one of some order, without the flag that its bits decide (ALLOC_CMA)."""
    return is_asked(memory, op.cpu, op.gfp, op.node) & (op.order <= MAX_ORDER_LIMIT) & (op.flags & ALLOC_CMA == 0)


def must_serve(memory: Memory, op: Alloc) -> bool:
    """Tell whether the zone that a request for one frame names may serve it, is large, and has all its frames."""
    zone = zone_at(op.node, highest_of(op.gfp))
    whole = (memory.taken.get(zone, 0) == 0) & (memory.ranges.count.get(zone, 0) == 0)
    frames = memory.topology.present.get(zone, 0)
    return (op.order == 0) & has(op.nodes, op.node) & whole & (frames >= LARGE) & (memory.frames.frames.get(CMA, 0) == 0)


def alloc_allowed(memory: Memory, op: Alloc, result: Page | Error) -> Clause | None:
    """Name the clause that an answer to an allocation breaks."""
    if not can_alloc(memory, op):
        return answered(result, False)
    if op.order > memory.max_order:
        rule(c.ORDER)
        return None if refused(result, "ENOMEM") else c.ORDER
    if refused(result, "ENOMEM"):
        rule(c.ENOMEM)
        return c.ENOMEM if must_serve(memory, op) else None
    return answered(result, True) if result.failed else block_broken(memory, op, result.pfn)


def block_broken(memory: Memory, op: Alloc, pfn: Pfn) -> Clause | None:
    """Name the clause that a block breaks."""
    rule(c.ALIGNED)
    if not is_aligned(pfn, op.order):
        return c.ALIGNED
    rule(c.FREE)
    if block_over(memory.frames.free, pfn, op.order) == ABSENT:
        return c.FREE
    rule(c.ZONE)
    zone = zone_of(memory, pfn)
    if zone == NOWHERE or not serves(memory, op.gfp, op.node, op.nodes, zone):
        return c.ZONE
    rule(c.ISOLATED)
    if has_isolated(memory, zone) and is_withheld(memory, pfn, op.order):
        return c.ISOLATED
    if is_movable(op.gfp):
        return None
    rule(c.CMA_ONLY)
    return c.CMA_ONLY if has_cma(memory.frames, pfn, op.order) else None


def has_cma(frames: Frames, pfn: Pfn, order: Order) -> bool:
    """Tell whether a pageblock of a block is CMA's."""
    if order <= frames.span.pageblock_order:
        return kind_at(frames, pfn) == CMA
    end = pfn + size_of(order)
    reached: PfnEnd
    _, reached, _ = SEEK_CMA.run(frames, pfn, end)
    return reached < end


def cma_more(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether pageblocks of the block are left, and the next is not CMA's."""
    return (pfn < end) & (kind_at(frames, pfn) != CMA)


def cma_step(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Go on to the next pageblock."""
    return frames, pfn + size_of(frames.span.pageblock_order), end


def cma_left(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames of the block are left."""
    return max(0, end - pfn)


SEEK_CMA = Loop("seek-cma", cma_more, cma_step, cma_left)


def with_taken(memory: Memory, frames: Frames, zone: ZoneEnd, count: int) -> Memory:
    """Return the memory with other frames, and so many more of a zone that requests have."""
    taken = memory.taken.set(zone, memory.taken.get(zone, 0) + count)
    return Memory(memory.max_order, memory.cpus, memory.topology, memory.zone, frames, taken, memory.checks, memory.ranges)


def alloc_apply(memory: Memory, op: Alloc, result: Page | Error) -> Memory:
    """Hand the block out."""
    if result.failed:
        return memory
    frames = withdraw(memory.frames, result.pfn, op.order)
    return with_taken(memory, frames, zone_of(memory, result.pfn), size_of(op.order))


# --- free, split -----------------------------------------------------------------------------------------------------


def is_live(memory: Memory, pfn: Pfn, order: Order) -> bool:
    """Tell whether a block is exactly one that is handed out."""
    return (order != ABSENT) & (memory.frames.allocated.get(pfn, ABSENT) == order)


def leaks(memory: Memory, op: Free) -> bool:
    """Tell whether a block is kept out of use (mm/page_alloc.c:free_pages_prepare, v6.12)."""
    return ((op.state == BAD) & (memory.checks != 0)) | ((op.state == POISONED) & (op.order == 0))


def free_allowed(memory: Memory, op: Free, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a free breaks."""
    if not is_cpu(memory, op.cpu):
        return answered(result, False)
    if is_live(memory, op.pfn, op.order):
        rule(c.FREE_ACCEPTED)
        return c.FREE_ACCEPTED if result.failed else None
    rule(c.FREE_REFUSED)
    return None if refused(result, "EINVAL") else c.FREE_REFUSED


def free_apply(memory: Memory, op: Free, result: Done | Error) -> Memory:
    """Take the block back."""
    if result.failed:
        return memory
    if leaks(memory, op):
        rule(c.LEAKS)
        return attrs.evolve(memory, frames=attrs.evolve(memory.frames, allocated=memory.frames.allocated.delete(op.pfn)))
    return with_taken(memory, give(memory.frames, op.pfn, op.order), zone_of(memory, op.pfn), -size_of(op.order))


def split_allowed(memory: Memory, op: Split, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a split breaks."""
    if not is_live(memory, op.pfn, op.order):
        rule(c.FREE_REFUSED)
        return None if refused(result, "EINVAL") else c.FREE_REFUSED
    rule(c.SPLIT)
    return c.SPLIT if result.failed else None


def split_apply(memory: Memory, op: Split, result: Done | Error) -> Memory:
    """Let each frame of the block be a block of its own."""
    return memory if result.failed else attrs.evolve(memory, frames=apart(memory.frames, op.pfn, op.order))


def apart(frames: Frames, pfn: Pfn, order: Order) -> Frames:
    """Return the frames with a block that is handed out as single ones."""
    after: Frames
    after, _, _ = APART.run(frames, pfn, pfn + size_of(order))
    return after


def apart_more(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> bool:
    """Tell whether a frame of the block is left."""
    return pfn < end


def apart_step(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Make a frame a block."""
    return attrs.evolve(frames, allocated=frames.allocated.set(pfn, 0)), pfn + 1, end


def apart_left(frames: Frames, pfn: PfnEnd, end: PfnEnd) -> int:
    """Return how many frames are left."""
    return max(0, end - pfn)


APART = Loop("apart", apart_more, apart_step, apart_left)


# --- bulk ------------------------------------------------------------------------------------------------------------


def bulk_zone_allowed(memory: Memory, op: BulkZone, result: Served | Error) -> Clause | None:
    """Name the clause that the zone of a bulk request breaks."""
    lawful = is_asked(memory, op.cpu, op.gfp, op.node)
    if result.failed or not lawful or result.zone == NOWHERE:
        return answered(result, lawful)
    rule(c.ZONE)
    return None if serves(memory, op.gfp, op.node, op.nodes, result.zone) else c.ZONE


def can_take(memory: Memory, op: BulkTake) -> bool:
    """Tell whether a request may be served from a zone, as one of some node's."""
    lawful = is_cpu(memory, op.cpu) & is_request(op.gfp) & (op.zone < NOWHERE)
    return lawful and serves(memory, op.gfp, node_of(op.zone), ALL_NODES, op.zone)


def bulk_take_allowed(memory: Memory, op: BulkTake, result: Page | Error) -> Clause | None:
    """Name the clause that a frame of a bulk request breaks."""
    if not can_take(memory, op):
        return answered(result, False)
    if refused(result, "ENOMEM"):
        return None
    if result.failed:
        return answered(result, True)
    rule(c.ZONE)
    if zone_of(memory, result.pfn) != op.zone:
        return c.ZONE
    return block_broken(memory, single(op), result.pfn)


def single(op: BulkTake) -> Alloc:
    """Return the request for one frame that a step of a bulk request is."""
    return Alloc(op.cpu, op.gfp, 0, node_of(op.zone))


def bulk_take_apply(memory: Memory, op: BulkTake, result: Page | Error) -> Memory:
    """Hand the frame out."""
    return alloc_apply(memory, single(op), result)


# --- drains, refresh, unreserve --------------------------------------------------------------------------------------


def drain_allowed(memory: Memory, op: Drain | DrainAll | Refresh, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a drain, or to a refresh, breaks."""
    return answered(result, is_cpu(memory, op.cpu))


def drain_zone_allowed(memory: Memory, op: DrainZone, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a zone's drain breaks."""
    return answered(result, is_cpu(memory, op.cpu) and (op.zone < NOWHERE) and is_zone(memory.topology, op.zone))


def unreserve_allowed(memory: Memory, op: Unreserve, result: Answer | Error) -> Clause | None:
    """Name the clause that an answer to the end of a reserve breaks."""
    return answered(result, is_asked(memory, op.cpu, op.gfp, op.node))
