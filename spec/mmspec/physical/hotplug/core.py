"""What becomes of memory blocks that come and go: adding and removing.

Every operation has the same rhythm: ``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the memory after an
allowed result. Where several reasons refuse a request, the error of any is lawful.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.ops import (
    ABSENT,
    OFFLINE,
    Add,
    Block,
    BlockEnd,
    BlockOrder,
    BlockState,
    DeviceOwner,
    Done,
    Error,
    Frames,
    Node,
    Remove,
    Subsection,
)  # fmt: skip
from mmspec.physical.hotplug.state import (
    Memory,
    Shape,
    block_of,
    block_size,
    block_start,
    ram_end,
    subsection_of,
)
from mmspec.pmap import PMap, somewhere
from mmspec.words import Pfn, PfnEnd

# --- ranges ----------------------------------------------------------------------------------------------------------------


def meets(start: Pfn, end: PfnEnd, first: Pfn, last: PfnEnd) -> bool:
    """Tell whether two ranges of frames share one."""
    return (start < last) & (first < end)


def block_meets(block: Block, state: BlockState, memory: Memory, first: Pfn, last: PfnEnd) -> bool:
    """Tell whether a range has memory of a block."""
    return (state != ABSENT) & meets(block_start(memory.shape, block), ram_end(memory, block), first, last)


def device_meets(subsection: Subsection, owner: DeviceOwner, first: Pfn, last: PfnEnd) -> bool:
    """Tell whether a range has frames of a device's sub-section."""
    return (owner != 0) & (subsection_of(first) <= subsection) & (subsection <= subsection_of(last - 1))


def stray_meets(block: Block, frames: Frames, memory: Memory, first: Pfn, last: PfnEnd) -> bool:
    """Tell whether a range has frames of a block whose memory map stayed behind."""
    start = block_start(memory.shape, block)
    return (frames > 0) & meets(start, start + frames, first, last)


def is_ram(memory: Memory, first: Pfn, last: PfnEnd) -> bool:
    """Tell whether any frame of a range is memory, online or not (kernel/resource.c:region_intersects, v6.12)."""
    return somewhere(memory.blocks, block_meets, memory, first, last)


def is_devices(memory: Memory, first: Pfn, last: PfnEnd) -> bool:
    """Tell whether any frame of a range is a device's."""
    return somewhere(memory.devices, device_meets, first, last)


def is_stray(memory: Memory, first: Pfn, last: PfnEnd) -> bool:
    """Tell whether a memory map stayed behind for any frame of a range."""
    return somewhere(memory.strays, stray_meets, memory, first, last)


def is_whole(shape: Shape, pfn: Pfn, pages: Frames) -> bool:
    """Tell whether frames are whole blocks (mm/memory_hotplug.c:check_hotplug_memory_range, v6.12)."""
    return (pages > 0) & ((pfn | pages) & (block_size(shape) - 1) == 0)


# --- add -------------------------------------------------------------------------------------------------------------------


def is_unmappable(shape: Shape, op: Add) -> bool:
    """Tell whether a range is none, or does not lie in the direct map (mm/memory_hotplug.c:mhp_range_allowed, v6.12)."""
    return (op.pages == 0) | (op.pfn + op.pages > shape.mappable_end)


def is_taken(memory: Memory, op: Add) -> bool:
    """Tell whether frames to be added are memory already, or a device's."""
    return is_ram(memory, op.pfn, op.pfn + op.pages) or is_devices(memory, op.pfn, op.pfn + op.pages)


def add_misfits(memory: Memory, op: Add) -> bool:
    """Tell whether EINVAL is owed."""
    return not is_whole(memory.shape, op.pfn, op.pages) or op.node >= memory.shape.nodes


def add_begins(memory: Memory, op: Add) -> bool:
    """Tell whether nothing speaks against an add before memory is mapped."""
    return not is_unmappable(memory.shape, op) and not add_misfits(memory, op) and not is_taken(memory, op)


def add_owed(memory: Memory, op: Add, result: Done | Error) -> bool:
    """Tell whether an error is that of a reason for which an add does not begin."""
    if refused(result, "E2BIG"):
        return is_unmappable(memory.shape, op)
    if refused(result, "EEXIST"):
        return op.pages > 0 and is_taken(memory, op)
    return refused(result, "EINVAL") and add_misfits(memory, op)


def add_allowed(memory: Memory, op: Add, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to an add breaks."""
    if is_unmappable(memory.shape, op):
        rule(c.ADD_RANGE)
        return None if add_owed(memory, op, result) else c.ADD_RANGE
    if is_taken(memory, op):
        rule(c.ADD_BUSY)
        return None if add_owed(memory, op, result) else c.ADD_BUSY
    if not is_whole(memory.shape, op.pfn, op.pages):
        rule(c.ADD_ALIGN)
        return None if add_owed(memory, op, result) else c.ADD_ALIGN
    if op.node >= memory.shape.nodes:
        rule(c.ADD_NODE)
        return None if add_owed(memory, op, result) else c.ADD_NODE
    return mapping_allowed(memory, op, result)


def mapping_allowed(memory: Memory, op: Add, result: Done | Error) -> Clause | None:
    """Name the clause that an answer breaks to an add that begins."""
    starved = refused(result, "ENOMEM") and op.starves != 0
    if is_stray(memory, op.pfn, op.pfn + op.pages):
        rule(c.ADD_STRAY)
        return None if refused(result, "EEXIST") or starved else c.ADD_STRAY
    if op.starves != 0:
        rule(c.ADD_STARVES)
        return None if starved else c.ADD_STARVES
    rule(c.ADD_DONE)
    return c.ADD_DONE if result.failed else None


def fill_more(
    blocks: PMap[Block, BlockState], nodes: PMap[Block, Node], state: BlockState, node: Node, at: BlockEnd, end: BlockEnd
) -> bool:
    """Tell whether blocks are left."""
    return at < end


def fill_step(
    blocks: PMap[Block, BlockState], nodes: PMap[Block, Node], state: BlockState, node: Node, at: BlockEnd, end: BlockEnd
) -> tuple[Any, ...]:
    """Give a block its state and its node."""
    return blocks.set(at, state), nodes.set(at, node), state, node, at + 1, end


def fill_left(
    blocks: PMap[Block, BlockState], nodes: PMap[Block, Node], state: BlockState, node: Node, at: BlockEnd, end: BlockEnd
) -> int:
    """Return how many blocks are left."""
    return end - at


FILL = Loop("fill", fill_more, fill_step, fill_left)


def with_blocks(memory: Memory, pfn: Pfn, pages: Frames, state: BlockState, node: Node) -> Memory:
    """Give all blocks of a range one state and node."""
    first = block_of(memory.shape, pfn)
    end = block_of(memory.shape, pfn + pages)
    blocks, nodes, _, _, _, _ = FILL.run(memory.blocks, memory.nodes, state, node, first, end)
    return attrs.evolve(memory, blocks=blocks, nodes=nodes)


def leave_more(strays: PMap[Block, Frames], order: BlockOrder, at: BlockEnd, end: PfnEnd) -> bool:
    """Tell whether a block is left to map, and none was met whose memory map is there."""
    return at << order < end and strays.get(at, 0) == 0


def leave_step(strays: PMap[Block, Frames], order: BlockOrder, at: BlockEnd, end: PfnEnd) -> tuple[Any, ...]:
    """Leave the memory map of a block behind, as far as it was made."""
    return strays.set(at, min(end - (at << order), 1 << order)), order, at + 1, end


def leave_left(strays: PMap[Block, Frames], order: BlockOrder, at: BlockEnd, end: PfnEnd) -> int:
    """Return how many blocks are left, at most."""
    return max((end >> order) + 1 - at, 0)


LEAVE = Loop("leave", leave_more, leave_step, leave_left)


def left_behind(memory: Memory, pfn: Pfn, end: PfnEnd) -> Memory:
    """Leave the memory map of a range behind, up to where one was already (mm/memory_hotplug.c:__add_pages, v6.12)."""
    rule(c.ADD_LEFT)
    strays, _, _, _ = LEAVE.run(memory.strays, memory.shape.block_order, block_of(memory.shape, pfn), end)
    return attrs.evolve(memory, strays=strays)


def mapped_end(shape: Shape, op: Add) -> PfnEnd:
    """Return the end of the sections that are mapped before an allocation fails."""
    return op.pfn + (min(op.mapped, op.pages) >> shape.section_order << shape.section_order)


def left_end(shape: Shape, op: Add) -> PfnEnd:
    """Return the end of the sections that stay mapped: none where all were, since their blocks' failure takes them out again."""
    rule(c.ADD_LEFT)
    return op.pfn if op.mapped >= op.pages else mapped_end(shape, op)


def add_apply(memory: Memory, op: Add, result: Done | Error) -> Memory:
    """Add the blocks; of an add that fails on its way keep the memory map that was made before."""
    if not result.failed:
        return with_blocks(memory, op.pfn, op.pages, OFFLINE, op.node)
    if not add_begins(memory, op):
        return memory
    return left_behind(memory, op.pfn, left_end(memory.shape, op) if refused(result, "ENOMEM") else op.pfn + op.pages)


# --- remove ----------------------------------------------------------------------------------------------------------------


def is_other(block: Block, state: BlockState, first: Block, end: BlockEnd, wanted: BlockState) -> bool:
    """Tell whether a block of a range is there and in another state."""
    return (first <= block) & (block < end) & (state != ABSENT) & (state != wanted)


def has_online(memory: Memory, op: Remove) -> bool:
    """Tell whether a block of a range is online."""
    shape = memory.shape
    return somewhere(memory.blocks, is_other, block_of(shape, op.pfn), block_of(shape, op.pfn + op.pages), OFFLINE)


def scan_more(blocks: PMap[Block, BlockState], at: BlockEnd, end: BlockEnd) -> bool:
    """Tell whether all blocks so far are there, and one is left."""
    return at < end and blocks.get(at, ABSENT) != ABSENT


def scan_step(blocks: PMap[Block, BlockState], at: BlockEnd, end: BlockEnd) -> tuple[Any, ...]:
    """Go on to the next block."""
    return blocks, at + 1, end


def scan_left(blocks: PMap[Block, BlockState], at: BlockEnd, end: BlockEnd) -> int:
    """Return how many blocks are left to look at."""
    return end - at


SCAN = Loop("scan", scan_more, scan_step, scan_left)


def can_remove(memory: Memory, op: Remove) -> bool:
    """Tell whether frames are whole blocks that are there: what Linux warns of, or stops at (BUG_ON), is none."""
    shape = memory.shape
    if not is_whole(shape, op.pfn, op.pages) or op.pfn + op.pages > shape.physical_end:
        return False
    _, at, end = SCAN.run(memory.blocks, block_of(shape, op.pfn), block_of(shape, op.pfn + op.pages))
    there: bool = at == end
    return there


def remove_allowed(memory: Memory, op: Remove, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to a remove breaks."""
    if not can_remove(memory, op):
        rule(c.REMOVE_ARGS)
        return None if refused(result, "EINVAL") else c.REMOVE_ARGS
    if has_online(memory, op):
        rule(c.REMOVE_ONLINE)
        return None if refused(result, "EBUSY") else c.REMOVE_ONLINE
    rule(c.REMOVE_DONE)
    return c.REMOVE_DONE if result.failed else None


def forget_more(early: PMap[Block, bool], at: BlockEnd, end: BlockEnd) -> bool:
    """Tell whether blocks are left."""
    return at < end


def forget_step(early: PMap[Block, bool], at: BlockEnd, end: BlockEnd) -> tuple[Any, ...]:
    """Forget that a block was there at boot."""
    return early.set(at, False), at + 1, end


def forget_left(early: PMap[Block, bool], at: BlockEnd, end: BlockEnd) -> int:
    """Return how many blocks are left."""
    return end - at


FORGET = Loop("forget", forget_more, forget_step, forget_left)


def remove_apply(memory: Memory, op: Remove, result: Done | Error) -> Memory:
    """Remove the blocks; what comes there again is no memory of boot."""
    if result.failed:
        return memory
    gone = with_blocks(memory, op.pfn, op.pages, ABSENT, 0)
    first, end = block_of(memory.shape, op.pfn), block_of(memory.shape, op.pfn + op.pages)
    early, _, _ = FORGET.run(memory.early, first, end)
    return attrs.evolve(gone, early=early)
