"""What becomes of memory blocks that are there: online and offline, and the isolation of their pageblocks."""

from __future__ import annotations

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.ops import (
    ABSENT,
    HUGETLB,
    KERNEL,
    MOVABLE,
    OFFLINE,
    ONLINE,
    POISON,
    SIGNAL,
    TO_MOVABLE,
    UNMOVABLE,
    VETO,
    Block,
    Done,
    Error,
    Isolate,
    Offline,
    Online,
    Onlined,
    Release,
    Stop,
    Target,
    Unisolate,
    Zone,
)  # fmt: skip
from mmspec.physical.hotplug.state import (
    Memory,
    Shape,
    block_of,
    block_size,
    block_state,
    is_kernel_kind,
    is_online,
    kind_of,
    node_of,
    ram_end,
    takes_blocks,
)
from mmspec.words import Pageblock

# --- online ----------------------------------------------------------------------------------------------------------------


def zone_clause(memory: Memory, block: Block, to: Target, zone: Zone) -> Clause | None:
    """Name the clause by which a block may not go to a zone."""
    kind = kind_of(zone)
    home = node_of(zone) == memory.nodes.get(block, 0)
    if to == KERNEL:
        rule(c.TO_KERNEL)
        return None if home & is_kernel_kind(kind) else c.TO_KERNEL
    if to == TO_MOVABLE:
        rule(c.MOVABLE_ZONE)
        return None if home & (kind == MOVABLE) else c.MOVABLE_ZONE
    rule(c.ANY_ZONE)
    return None if home & takes_blocks(kind) else c.ANY_ZONE


def online_allowed(memory: Memory, op: Online, result: Onlined | Error) -> Clause | None:
    """Name the clause that an answer to an online breaks."""
    state = block_state(memory, op.block)
    if state == ABSENT:
        rule(c.NO_BLOCK)
        return None if refused(result, "ENOENT") else c.NO_BLOCK
    if state == ONLINE:
        rule(c.ONLINE_TWICE)
        return None if refused(result, "EINVAL") else c.ONLINE_TWICE
    if op.withheld > block_size(memory.shape):
        rule(c.ONLINE_ARGS)
        return None if refused(result, "EINVAL") else c.ONLINE_ARGS
    if op.stop == POISON:
        rule(c.ONLINE_POISON)
        return None if refused(result, "EHWPOISON") else c.ONLINE_POISON
    if op.stop == VETO:
        rule(c.ONLINE_VETO)
        return None if refused(result, "EPERM") else c.ONLINE_VETO
    rule(c.ONLINE_DONE)
    return c.ONLINE_DONE if result.failed else zone_clause(memory, op.block, op.to, result.zone)


def counted(memory: Memory, block: Block, zone: Zone, present: int, managed: int) -> Memory:
    """Count a block's frames into a zone and its node, or out (mm/memory_hotplug.c:adjust_present_page_count, v6.12)."""
    node = node_of(zone)
    rule(c.ONLINE_COUNTS)
    early = memory.present_early
    if memory.early.get(block, False):
        rule(c.EARLY_COUNTS)
        early = early.set(zone, early.get(zone, 0) + present)
    rule(c.ONLINE_MANAGED)
    return attrs.evolve(
        memory,
        present=memory.present.set(zone, memory.present.get(zone, 0) + present),
        present_early=early,
        node_present=memory.node_present.set(node, memory.node_present.get(node, 0) + present),
        managed=memory.managed.set(zone, memory.managed.get(zone, 0) + managed),
        total=memory.total + managed,
    )


def online_apply(memory: Memory, op: Online, result: Onlined | Error) -> Memory:
    """Put the block online in the zone."""
    if result.failed:
        return memory
    size = block_size(memory.shape)
    after = attrs.evolve(
        memory,
        blocks=memory.blocks.set(op.block, ONLINE),
        zones=memory.zones.set(op.block, result.zone),
        withheld=memory.withheld.set(op.block, op.withheld),
        reserved=memory.reserved.set(op.block, False),
    )
    rule(c.ONLINE_COUNTS)
    return counted(after, op.block, result.zone, size, size - op.withheld)


# --- offline ---------------------------------------------------------------------------------------------------------------


def has_reserved(memory: Memory, block: Block) -> bool:
    """Tell whether boot reserved frames of a block; what the callback of onlining withholds is PageOffline, and passed by."""
    return memory.reserved.get(block, False) and memory.withheld.get(block, 0) > 0


def stops_with(stop: Stop, result: Done | Error) -> bool:
    """Tell whether an error is that of what stops a block on its way; a poisoned page does not, it is left behind."""
    if stop == VETO:
        return refused(result, "EPERM")
    if stop == UNMOVABLE:
        return refused(result, "EBUSY")
    if stop == SIGNAL:
        return refused(result, "EINTR")
    return stop == HUGETLB and refused(result, "ENOMEM")


def offline_owed(memory: Memory, op: Offline, result: Done | Error) -> bool:
    """Tell whether an error is that of a reason for which a block that is online stays it."""
    if refused(result, "EINVAL"):
        return memory.holes.get(op.block, 0) > 0
    kept = memory.isolations.get(op.block, 0) > 0 or has_reserved(memory, op.block)
    return (refused(result, "EBUSY") and kept) or stops_with(op.stop, result)


def offline_allowed(memory: Memory, op: Offline, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an offline breaks."""
    state = block_state(memory, op.block)
    if state == ABSENT:
        rule(c.NO_BLOCK)
        return None if refused(result, "ENOENT") else c.NO_BLOCK
    if state == OFFLINE:
        rule(c.OFFLINE_TWICE)
        return None if refused(result, "EINVAL") else c.OFFLINE_TWICE
    if memory.holes.get(op.block, 0) > 0:
        rule(c.OFFLINE_HOLES)
        return None if offline_owed(memory, op, result) else c.OFFLINE_HOLES
    if memory.isolations.get(op.block, 0) > 0:
        rule(c.OFFLINE_ISOLATED)
        return None if offline_owed(memory, op, result) else c.OFFLINE_ISOLATED
    if has_reserved(memory, op.block):
        rule(c.OFFLINE_RESERVED)
        return None if offline_owed(memory, op, result) else c.OFFLINE_RESERVED
    return leaving_allowed(op, result)


def leaving_allowed(op: Offline, result: Done | Error) -> Clause | None:
    """Name the clause that an answer breaks to an offline of a block that may go."""
    if op.stop == VETO:
        rule(c.OFFLINE_VETO)
        return None if stops_with(op.stop, result) else c.OFFLINE_VETO
    if op.stop == UNMOVABLE:
        rule(c.OFFLINE_BUSY)
        return None if stops_with(op.stop, result) else c.OFFLINE_BUSY
    if op.stop == SIGNAL:
        rule(c.OFFLINE_SIGNAL)
        return None if stops_with(op.stop, result) else c.OFFLINE_SIGNAL
    if op.stop == HUGETLB:
        rule(c.OFFLINE_HUGETLB)
        return None if stops_with(op.stop, result) else c.OFFLINE_HUGETLB
    rule(c.OFFLINE_DONE)
    return c.OFFLINE_DONE if result.failed else None


def offline_apply(memory: Memory, op: Offline, result: Done | Error) -> Memory:
    """Take the block offline."""
    if result.failed:
        return memory
    rule(c.OFFLINE_COUNTS)
    size, zone = block_size(memory.shape), memory.zones.get(op.block, 0)
    withheld = memory.withheld.get(op.block, 0)
    after = attrs.evolve(
        memory, blocks=memory.blocks.set(op.block, OFFLINE), withheld=memory.withheld.set(op.block, 0)
    )  # fmt: skip
    return counted(after, op.block, zone, -size, withheld - size)


# --- release ---------------------------------------------------------------------------------------------------------------


def can_release(memory: Memory, op: Release) -> bool:
    """Tell whether a block that is online withholds so many frames."""
    return is_online(memory, op.block) and op.frames <= memory.withheld.get(op.block, 0)


def release_allowed(memory: Memory, op: Release, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a release breaks."""
    if not can_release(memory, op):
        rule(c.RELEASE_ARGS)
        return None if refused(result, "EINVAL") else c.RELEASE_ARGS
    rule(c.RELEASE)
    return c.RELEASE if result.failed else None


def release_apply(memory: Memory, op: Release, result: Done | Error) -> Memory:
    """Hand the frames to the page allocator."""
    if result.failed:
        return memory
    zone = memory.zones.get(op.block, 0)
    return attrs.evolve(
        memory,
        withheld=memory.withheld.set(op.block, memory.withheld.get(op.block, 0) - op.frames),
        managed=memory.managed.set(zone, memory.managed.get(zone, 0) + op.frames),
        total=memory.total + op.frames,
    )


# --- isolation -------------------------------------------------------------------------------------------------------------


def holder_of(shape: Shape, pageblock: Pageblock) -> Block:
    """Return the block that holds a pageblock."""
    return block_of(shape, pageblock << shape.pageblock_order)


def can_isolate(memory: Memory, pageblock: Pageblock) -> bool:
    """Tell whether a pageblock is of a block that is online, and no hole (mm/page_isolation.c:__first_valid_page, v6.12)."""
    first = pageblock << memory.shape.pageblock_order
    block = block_of(memory.shape, first)
    return is_online(memory, block) and first < ram_end(memory, block)


def is_cut(memory: Memory, pageblock: Pageblock) -> bool:
    """Tell whether a pageblock has a hole."""
    return ram_end(memory, holder_of(memory.shape, pageblock)) < (pageblock + 1) << memory.shape.pageblock_order


def isolate_allowed(memory: Memory, op: Isolate, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an isolation breaks."""
    if not can_isolate(memory, op.pageblock):
        rule(c.ISOLATE_ARGS)
        return None if refused(result, "EINVAL") else c.ISOLATE_ARGS
    if memory.isolated.get(op.pageblock, False):
        rule(c.ISOLATE_TWICE)
        return None if refused(result, "EBUSY") else c.ISOLATE_TWICE
    if op.unmovable != 0:
        rule(c.ISOLATE_BUSY)
        return None if refused(result, "EBUSY") else c.ISOLATE_BUSY
    if is_cut(memory, op.pageblock):
        rule(c.ISOLATE_CUT)
        return None if not result.failed or refused(result, "EBUSY") else c.ISOLATE_CUT
    rule(c.ISOLATE_DONE)
    return c.ISOLATE_DONE if result.failed else None


def with_isolated(memory: Memory, pageblock: Pageblock, isolated: bool, more: int) -> Memory:
    """Mark a pageblock as isolated or not, and count it."""
    block = holder_of(memory.shape, pageblock)
    return attrs.evolve(
        memory,
        isolated=memory.isolated.set(pageblock, isolated),
        isolations=memory.isolations.set(block, memory.isolations.get(block, 0) + more),
    )


def isolate_apply(memory: Memory, op: Isolate, result: Done | Error) -> Memory:
    """Isolate the pageblock."""
    return memory if result.failed else with_isolated(memory, op.pageblock, True, 1)


def unisolate_allowed(memory: Memory, op: Unisolate, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to the end of an isolation breaks."""
    if not memory.isolated.get(op.pageblock, False):
        rule(c.UNISOLATE_ARGS)
        return None if refused(result, "EINVAL") else c.UNISOLATE_ARGS
    rule(c.UNISOLATE_DONE)
    return c.UNISOLATE_DONE if result.failed else None


def unisolate_apply(memory: Memory, op: Unisolate, result: Done | Error) -> Memory:
    """End the pageblock's isolation."""
    return memory if result.failed else with_isolated(memory, op.pageblock, False, -1)
