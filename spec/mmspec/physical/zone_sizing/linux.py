"""Where Linux lets MOVABLE begin on each node (mm/mm_init.c:find_zone_movable_pfns_for_nodes; the same in 6.1 and 6.12)."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.zone_sizing import clauses as c
from mmspec.physical.zone_sizing.core import can_size, is_next, is_range
from mmspec.physical.zone_sizing.ops import (
    ADDRESS_BITS,
    DONE,
    EINVAL,
    FOUR_GIB,
    Absent,
    AddMemory,
    Done,
    Error,
    Frame,
    FrameCount,
    Frames,
    LookNode,
    LookZone,
    Node,
    NodeEnd,
    Percent,
    Possible,
    Range,
    RegionEnd,
    Size,
    Sizes,
    Starts,
)  # fmt: skip
from mmspec.physical.zone_sizing.ranges import highest_kind, memory_in, node_range, node_sizes, possible, zone_sizes
from mmspec.physical.zone_sizing.state import Layout, Nothing, end_frame, first_frame, is_hotplug, is_mirror
from mmspec.pmap import PMap, pmap

StartsBy = PMap[Node, Frame]

# --- the lowest memory of a sort -------------------------------------------------------------------------------------------


def lowest_more(layout: Layout, mirror: bool, starts: StartsBy, region: RegionEnd) -> bool:
    """Tell whether regions are left to look at."""
    return region < layout.regions


def lowest_step(layout: Layout, mirror: bool, starts: StartsBy, region: RegionEnd) -> tuple[Any, ...]:
    """Note the first region of a node that is HOTPLUG, or, beside mirrored memory, not mirrored and from 4 GiB on.

    A start at frame 0 is none.
    """
    node, frame = layout.node[region], first_frame(layout, region)
    if mirror:
        rule(c.MIRROR_LOWEST)
        counts = not is_mirror(layout, region) and frame >= FOUR_GIB >> layout.page_shift
    else:
        rule(c.HOTPLUG_FIRST)
        counts = is_hotplug(layout, region)
    if counts and starts.get(node, 0) == 0:
        starts = starts.set(node, frame)
    return layout, mirror, starts, region + 1


def lowest_left(layout: Layout, mirror: bool, starts: StartsBy, region: RegionEnd) -> int:
    """Return how many regions are left."""
    return layout.regions - region


LOWEST = Loop("lowest", lowest_more, lowest_step, lowest_left)


def lowest_starts(layout: Layout, mirror: bool) -> StartsBy:
    """Return, for each node, where its lowest memory of a sort begins."""
    none: StartsBy = pmap()
    starts: StartsBy
    _, _, starts, _ = LOWEST.run(layout, mirror, none, 0)
    return starts


def mirror_more(layout: Layout, region: RegionEnd, found: bool) -> bool:
    """Tell whether regions are left to look at."""
    return region < layout.regions


def mirror_step(layout: Layout, region: RegionEnd, found: bool) -> tuple[Any, ...]:
    """Note whether a region is mirrored."""
    return layout, region + 1, found | is_mirror(layout, region)


def mirror_left(layout: Layout, region: RegionEnd, found: bool) -> int:
    """Return how many regions are left."""
    return layout.regions - region


ANY_MIRROR = Loop("mirror", mirror_more, mirror_step, mirror_left)


def has_mirror(layout: Layout) -> bool:
    """Tell whether any memory is mirrored (mm/memblock.c:memblock_has_mirror, v6.12)."""
    found: bool
    _, _, found = ANY_MIRROR.run(layout, 0, False)
    return found


# --- how much the kernel wants -----------------------------------------------------------------------------------------------


def part_of(total: FrameCount, frames: FrameCount, percent: Percent) -> FrameCount:
    """Return a size, or that part of all memory if it is given as a percentage."""
    if percent == 0:
        return frames
    rule(c.PERCENT)
    return total * 100 * percent // 10000


def round_up(layout: Layout, frames: FrameCount) -> FrameCount:
    """Round up to a multiple of the largest block."""
    return ((frames + (1 << layout.max_order) - 1) >> layout.max_order) << layout.max_order


def wanted_core(layout: Layout, op: Size, total: FrameCount) -> FrameCount:
    """Return how much memory the kernel is to have; 0 where no MOVABLE is wanted."""
    core = part_of(total, op.kernelcore, op.kernelcore_percent)
    movable = part_of(total, op.movablecore, op.movablecore_percent)
    if movable > 0:
        rule(c.MOVABLECORE)
        rule(c.BOTH)
        core = max(core, total - min(total, round_up(layout, movable)))
    rule(c.NO_CORE)
    return 0 if core >= total else core


# --- sharing it --------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Sharing:
    """What is still wanted while the kernel's part is shared, and where the nodes' shares end so far."""

    wanted: FrameCount  # required_kernelcore
    share: FrameCount  # kernelcore_node
    nodes: NodeEnd  # usable_nodes
    left: FrameCount  # of the share of the node at hand (kernelcore_remaining)
    starts: StartsBy


def less(frames: FrameCount, by: FrameCount) -> FrameCount:
    """Return what is left of some frames; none if more are taken."""
    return frames - min(frames, by)


def take_more(layout: Layout, low: Frame, node: Node, sharing: Sharing, region: RegionEnd, full: bool) -> bool:
    """Tell whether regions are left to take from."""
    return region < layout.regions and not full


def take_step(layout: Layout, low: Frame, node: Node, sharing: Sharing, region: RegionEnd, full: bool) -> tuple[Any, ...]:
    """Take from a region of the node what lies below ``low``, then what is left of the share."""
    if layout.node[region] != node:
        return layout, low, node, sharing, region + 1, False
    start, end = max(first_frame(layout, region), sharing.starts.get(node, 0)), end_frame(layout, region)
    if start >= end:
        return layout, low, node, sharing, region + 1, False
    if start < low:
        rule(c.LOW_FIRST)
        below = min(end, low) - start
        sharing = attrs.evolve(sharing, wanted=less(sharing.wanted, below), left=less(sharing.left, below))
        start = min(end, low)
    rule(c.TAKE)
    taken = min(end - start, sharing.left)
    after = attrs.evolve(
        sharing,
        wanted=less(sharing.wanted, taken),
        left=sharing.left - taken,
        starts=sharing.starts.set(node, start + taken),
    )
    return layout, low, node, after, region + 1, end > low and after.left == 0


def take_left(layout: Layout, low: Frame, node: Node, sharing: Sharing, region: RegionEnd, full: bool) -> int:
    """Return how many regions are left."""
    return layout.regions - region


TAKE = Loop("take", take_more, take_step, take_left)


def share_more(layout: Layout, low: Frame, sharing: Sharing, node: NodeEnd) -> bool:
    """Tell whether nodes are left to take from."""
    return node < layout.nodes


def share_step(layout: Layout, low: Frame, sharing: Sharing, node: NodeEnd) -> tuple[Any, ...]:
    """Take a node's share, if it has memory."""
    whole = node_range(layout, node)
    if whole.start == whole.end:
        return layout, low, sharing, node + 1
    rule(c.SHARE)
    share = sharing.wanted // sharing.nodes if sharing.wanted < sharing.share else sharing.share
    begun = attrs.evolve(sharing, share=share, left=share)
    taken: Sharing
    _, _, _, taken, _, _ = TAKE.run(layout, low, node, begun, 0, False)
    return layout, low, taken, node + 1


def share_left(layout: Layout, low: Frame, sharing: Sharing, node: NodeEnd) -> int:
    """Return how many nodes are left."""
    return layout.nodes - node


SHARE = Loop("share", share_more, share_step, share_left)


def again_more(layout: Layout, low: Frame, sharing: Sharing, once: bool) -> bool:
    """Tell whether what is wanted is to be shared: the first time, and while it is more frames than there are nodes."""
    rule(c.AGAIN)
    return not once or (sharing.nodes > 0 and sharing.wanted > sharing.nodes)


def again_step(layout: Layout, low: Frame, sharing: Sharing, once: bool) -> tuple[Any, ...]:
    """Share what is wanted, and count one node less from then on."""
    begun = attrs.evolve(sharing, share=sharing.wanted // sharing.nodes)
    after: Sharing
    _, _, after, _ = SHARE.run(layout, low, begun, 0)
    return layout, low, attrs.evolve(after, nodes=after.nodes - 1), True


def again_left(layout: Layout, low: Frame, sharing: Sharing, once: bool) -> int:
    """Return how many nodes are counted still."""
    return sharing.nodes


AGAIN = Loop("again", again_more, again_step, again_left)


def nodes_with_memory(layout: Layout) -> NodeEnd:
    """Return how many nodes have memory."""
    found = 0
    for node in range(layout.nodes):
        whole = node_range(layout, node)
        found += whole.start != whole.end
    return found


def shared_starts(layout: Layout, wanted: FrameCount) -> StartsBy:
    """Return where the nodes' shares of the kernel's memory end."""
    low = possible(layout, highest_kind(layout)).start
    none: StartsBy = pmap()
    sharing: Sharing
    _, _, sharing, _ = AGAIN.run(layout, low, Sharing(wanted, 0, nodes_with_memory(layout), 0, none), False)
    return sharing.starts


# --- where MOVABLE begins ------------------------------------------------------------------------------------------------------


def raw_starts(layout: Layout, op: Size) -> StartsBy:
    """Return where MOVABLE would begin before rounding."""
    none: StartsBy = pmap()
    rule(c.PRIORITY)
    if op.movable_node == 1:
        return lowest_starts(layout, mirror=False)
    if op.mirror == 1:
        rule(c.MIRROR_NONE)
        return lowest_starts(layout, mirror=True) if has_mirror(layout) and op.kdump == 0 else none
    wanted = wanted_core(layout, op, memory_in(layout, 0, 1 << ADDRESS_BITS - 12))
    return shared_starts(layout, wanted) if wanted > 0 else none


def rounded(layout: Layout, node: Node, start: Frame) -> Frame:
    """Return a start rounded up to a largest block; 0 where there is none, or that lies not in the node."""
    if start == 0:
        return 0
    rule(c.ROUND_UP)
    rule(c.NOT_LEFT)
    up = round_up(layout, start)
    return up if up < node_range(layout, node).end else 0


def starts_of(layout: Layout, op: Size) -> Starts:
    """Return where MOVABLE begins on each node."""
    raw = raw_starts(layout, op)
    starts: tuple[Frame, ...] = ()
    for node in range(layout.nodes):
        starts += (rounded(layout, node, raw.get(node, 0)),)
    return Starts(starts)


# --- requests ------------------------------------------------------------------------------------------------------------------


def add_memory_choose(layout: Layout, policy: Nothing, op: AddMemory) -> tuple[Done | Error, Nothing]:
    """Return what Linux answers."""
    return (DONE if is_next(layout, op) else EINVAL), policy


def size_choose(layout: Layout, policy: Nothing, op: Size) -> tuple[Starts | Error, Nothing]:
    """Return where Linux lets MOVABLE begin."""
    return (starts_of(layout, op) if can_size(layout, op) else EINVAL), policy


def possible_choose(layout: Layout, policy: Nothing, op: Possible) -> tuple[Range | Error, Nothing]:
    """Return where a kind of zone may lie."""
    return possible(layout, op.kind), policy


def look_zone_choose(layout: Layout, policy: Nothing, op: LookZone) -> tuple[Sizes | Error, Nothing]:
    """Return the sizes of a zone."""
    return (zone_sizes(layout, op.node, op.kind) if op.node < layout.nodes else EINVAL), policy


def look_node_choose(layout: Layout, policy: Nothing, op: LookNode) -> tuple[Sizes | Error, Nothing]:
    """Return the sizes of a node."""
    return (node_sizes(layout, op.node) if op.node < layout.nodes else EINVAL), policy


def absent_choose(layout: Layout, policy: Nothing, op: Absent) -> tuple[Frames | Error, Nothing]:
    """Return how many frames of a range are absent."""
    if not is_range(layout, op):
        return EINVAL, policy
    return Frames(op.end - op.start - memory_in(layout, op.start, op.end)), policy
