"""What every page allocator must keep: which zones may serve a request, what it may ask for, and whether it may fail.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an allowed result. When Linux tries which
zone, and what it asks for in between, is for ``linux`` to say.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.flags import can_reclaim, fits_cpuset
from mmspec.physical.page_alloc.ops import (
    COMPACT,
    COMPACT_AGAIN,
    COSTLY_ORDER,
    GFP_HIGH,
    GFP_IO,
    GFP_MEMALLOC,
    GFP_MOVABLE,
    GFP_NOFAIL,
    GFP_NORETRY,
    GFP_RECLAIMABLE,
    GFP_RETRY_MAYFAIL,
    GFP_THISNODE,
    KILL,
    NORMAL,
    NOWHERE,
    PAGE,
    SKIPPED,
    TASK_MEMALLOC,
    TASK_VICTIM,
    WAIT,
    Above,
    Answer,
    Ask,
    Boost,
    Done,
    Enter,
    Error,
    FlagsOf,
    Gfp,
    Kind,
    Mark,
    Node,
    NodeSet,
    Passed,
    Reclaimable,
    Report,
    Taken,
    Turn,
    Walk,
    Worth,
    Zone,
    ZoneEnd,
)  # fmt: skip
from mmspec.physical.page_alloc.state import ALL_KINDS, Memory
from mmspec.physical.watermarks import core as of_marks
from mmspec.physical.watermarks.state import Machine, is_zone
from mmspec.physical.zones import core as of_zones
from mmspec.words import MAX_ORDER_LIMIT, Order, size_of

ZONE_BITS = 15
"""The bits of a request that choose its zone."""


def answered(result: Any, lawful: bool) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else c.ARGS)
    if refused(result, "EINVAL"):
        return c.ACCEPTED if lawful else None
    return None if lawful else c.ARGS


def highest_of(gfp: Gfp) -> Kind:
    """Return the highest kind of zone that a request may use."""
    return of_zones.gfp_zone(ALL_KINDS, gfp & ZONE_BITS)


def is_request(gfp: Gfp) -> bool:
    """Tell whether a request's bits do not contradict each other."""
    both = GFP_MOVABLE | GFP_RECLAIMABLE
    return not of_zones.is_bad(gfp & ZONE_BITS) and gfp & both != both


def serves(memory: Memory, gfp: Gfp, node: Node, nodes: NodeSet, zone: ZoneEnd) -> bool:
    """Tell whether a zone may serve a request."""
    thisnode = 1 if gfp & GFP_THISNODE else 0
    return 0 <= zone < NOWHERE and of_zones.eligible(memory.topology, zone, node, thisnode, highest_of(gfp), nodes)


def has_room(memory: Memory, zone: Zone, order: Order, reclaimed: Mark) -> bool:
    """Tell whether so much is free in a zone, with what reclaim freed on the way."""
    return memory.machine.free.get(zone, 0) + reclaimed >= size_of(order)


def block_broken(
    memory: Memory, gfp: Gfp, order: Order, node: Node, nodes: NodeSet, zone: ZoneEnd, reclaimed: Mark
) -> Clause | None:
    """Name the clause that a block of a zone breaks."""
    rule(c.ZONE)
    if not serves(memory, gfp, node, nodes, zone):
        return c.ZONE
    rule(c.FREE)
    return None if has_room(memory, zone, order, reclaimed) else c.FREE


def with_machine(memory: Memory, machine: Machine) -> Memory:
    """Return the memory with other counters of its zones."""
    return Memory(
        memory.max_order, memory.topology, machine, memory.reclaimable, memory.gfp, memory.order, memory.node, memory.asked
    )


def taken_from(memory: Memory, zone: Zone, order: Order) -> Memory:
    """Return the memory after a block was taken from a zone; what reclaim freed for it is not in the counter."""
    machine, size = memory.machine, size_of(order)
    free, exact = max(0, machine.free.get(zone, 0) - size), max(0, machine.exact.get(zone, 0) - size)
    return with_machine(memory, attrs.evolve(machine, free=machine.free.set(zone, free), exact=machine.exact.set(zone, exact)))


# --- the outside -----------------------------------------------------------------------------------------------------------


def same_apply(memory: Memory, op: Any, result: Any) -> Memory:
    """Return the state after an operation that changes nothing which everybody knows."""
    return memory


def is_here(memory: Memory, zone: int) -> bool:
    """Tell whether the machine has a zone of that number."""
    return (zone < NOWHERE) & is_zone(memory.machine, zone)


def report_allowed(memory: Memory, op: Report, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a report breaks."""
    return answered(result, is_here(memory, op.zone))


def report_apply(memory: Memory, op: Report, result: Done | Error) -> Memory:
    """Return the state with what is free now: the watermarks' own report."""
    return memory if result.failed else with_machine(memory, of_marks.report_apply(memory.machine, op, result))


def reclaimable_allowed(memory: Memory, op: Reclaimable, result: Done | Error) -> Clause | None:
    """Name the clause that a result of news of reclaimable pages breaks."""
    return answered(result, is_here(memory, op.zone))


def reclaimable_apply(memory: Memory, op: Reclaimable, result: Done | Error) -> Memory:
    """Return the state with what is reclaimable now."""
    if result.failed:
        return memory
    return attrs.evolve(memory, reclaimable=memory.reclaimable.set(op.zone, op.frames))


def above_allowed(memory: Memory, op: Above, result: Done | Error) -> Clause | None:
    """Name the clause that a result of news of a zone breaks."""
    return answered(result, is_here(memory, op.zone))


def boost_allowed(memory: Memory, op: Boost, result: Passed | Error) -> Clause | None:
    """Name the clause that a result of a boost breaks."""
    return answered(result, is_here(memory, op.zone))


def flags_of_allowed(memory: Memory, op: FlagsOf, result: Worth | Error) -> Clause | None:
    """Name the clause that what a request comes to breaks."""
    return answered(result, (op.order <= MAX_ORDER_LIMIT) & is_request(op.gfp))


# --- a walk ----------------------------------------------------------------------------------------------------------------


def can_walk(memory: Memory, gfp: Gfp, order: Order, node: int) -> bool:
    """Tell whether a request is one, of a node that is there."""
    return (node < memory.topology.nodes) & (order <= MAX_ORDER_LIMIT) & is_request(gfp)


def walk_allowed(memory: Memory, op: Walk, result: Taken | Error) -> Clause | None:
    """Name the clause that the zone of a walk breaks: a walk may always fail."""
    lawful = can_walk(memory, op.gfp, op.order, op.node)
    if refused(result, "ENOMEM") and lawful:
        return None
    if result.failed or not lawful:
        return answered(result, lawful)
    return block_broken(memory, op.gfp, op.order, op.node, op.nodes, result.zone, op.reclaimed)


def walk_apply(memory: Memory, op: Walk, result: Taken | Error) -> Memory:
    """Return the state after a block was taken."""
    return memory if result.failed else taken_from(memory, result.zone, op.order)


# --- a request -------------------------------------------------------------------------------------------------------------


def ask_broken(gfp: Gfp, order: Order, ask: Ask) -> Clause | None:
    """Name the clause that asking for something breaks."""
    rule(c.SLEEPS)
    if not can_reclaim(gfp):
        return c.SLEEPS
    if (ask == COMPACT) | (ask == COMPACT_AGAIN):
        rule(c.IO)
        return None if order > 0 and gfp & GFP_IO else c.IO
    if ask == KILL:
        rule(c.KILLS)
        spared = gfp & (GFP_RETRY_MAYFAIL | GFP_NORETRY | GFP_THISNODE) != 0
        return c.KILLS if spared or order > COSTLY_ORDER or highest_of(gfp) < NORMAL else None
    if ask == WAIT:
        rule(c.ONE_WAITS)
        return None if gfp & GFP_NOFAIL else c.ONE_WAITS
    return None


def must_serve(gfp: Gfp) -> bool:
    """Tell whether a request may not fail: it says so, and could reclaim."""
    rule(c.NOFAIL)
    return (gfp & GFP_NOFAIL != 0) & can_reclaim(gfp)


def late_nodes(memory: Memory) -> NodeSet:
    """Return the nodes that may serve a request late: a mask may be forgotten, THISNODE never is."""
    return (1 << memory.topology.nodes) - 1


def minded(memory: Memory, op: Enter) -> NodeSet:
    """Return the nodes that may serve a request: its mask's, unless it may pass that by, or no node of it is in the cpuset."""
    high = (op.gfp & GFP_HIGH != 0) and not can_reclaim(op.gfp)
    passes = high | (op.gfp & GFP_MEMALLOC != 0) | (op.context & (TASK_MEMALLOC | TASK_VICTIM) != 0)
    return late_nodes(memory) if passes or not fits_cpuset(op.cpusets, op.nodes, op.mems) else op.nodes


def enter_allowed(memory: Memory, op: Enter, result: Turn | Error) -> Clause | None:
    """Name the clause that the first answer to a request breaks."""
    lawful = can_walk(memory, op.gfp, op.order, op.node) and op.task not in memory.asked
    if lawful and op.order > memory.max_order:
        rule(c.ORDER)
        return None if refused(result, "ENOMEM") else c.ORDER
    if refused(result, "ENOMEM") and lawful:
        return c.NOFAIL if must_serve(op.gfp) else None
    if result.failed or not lawful:
        return answered(result, lawful)
    if result.ask != PAGE:
        return ask_broken(op.gfp, op.order, result.ask)
    return block_broken(memory, op.gfp, op.order, op.node, minded(memory, op), result.zone, op.reclaimed)


def enter_apply(memory: Memory, op: Enter, result: Turn | Error) -> Memory:
    """Return the state after the first answer: a block fewer, or a request that waits."""
    if result.failed:
        return memory
    if result.ask == PAGE:
        return taken_from(memory, result.zone, op.order)
    return Memory(
        memory.max_order, memory.topology, memory.machine, memory.reclaimable, memory.gfp.set(op.task, op.gfp),
        memory.order.set(op.task, op.order), memory.node.set(op.task, op.node), memory.asked.set(op.task, result.ask),
    )  # fmt: skip


def captures(asked: Ask, op: Answer) -> bool:
    """Tell whether compaction handed a block over."""
    return ((asked == COMPACT) | (asked == COMPACT_AGAIN)) & (op.compacted != SKIPPED) & (op.captured < NOWHERE)


def can_answer(memory: Memory, op: Answer) -> bool:
    """Tell whether a task waits, and a block that was captured for it is one that it may use."""
    task = op.task
    if task not in memory.asked:
        return False
    any_node = serves(memory, memory.gfp[task], memory.node[task], late_nodes(memory), op.captured)
    return not captures(memory.asked[task], op) or any_node


def answer_allowed(memory: Memory, op: Answer, result: Turn | Error) -> Clause | None:
    """Name the clause that what a request does next breaks."""
    lawful, task = can_answer(memory, op), op.task
    if not lawful:
        return answered(result, False)
    gfp, order = memory.gfp[task], memory.order[task]
    if refused(result, "ENOMEM"):
        return c.NOFAIL if must_serve(gfp) else None
    if result.failed:
        return answered(result, True)
    if result.ask != PAGE:
        return ask_broken(gfp, order, result.ask)
    if captures(memory.asked[task], op) and result.zone == op.captured:
        return None
    return block_broken(memory, gfp, order, memory.node[task], late_nodes(memory), result.zone, op.reclaimed)


def answer_apply(memory: Memory, op: Answer, result: Turn | Error) -> Memory:
    """Return the state after a request went on: it ends with a block or without one, or waits again."""
    task = op.task
    if refused(result, "EINVAL") or task not in memory.asked:
        return memory
    if not result.failed and result.ask != PAGE:
        return Memory(
            memory.max_order, memory.topology, memory.machine, memory.reclaimable, memory.gfp, memory.order, memory.node,
            memory.asked.set(task, result.ask),
        )  # fmt: skip
    asked, order = memory.asked[task], memory.order[task]
    after = Memory(
        memory.max_order, memory.topology, memory.machine, memory.reclaimable, memory.gfp.delete(task),
        memory.order.delete(task), memory.node.delete(task), memory.asked.delete(task),
    )  # fmt: skip
    if result.failed or (captures(asked, op) and result.zone == op.captured):
        return after
    return taken_from(after, result.zone, order)
