"""Where the zones of a node lie and how much memory is in them, given where MOVABLE begins (mm/mm_init.c, v6.12)."""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.zone_sizing import clauses as c
from mmspec.physical.zone_sizing.ops import (
    HIGHMEM,
    KINDS,
    LIMITED,
    MOVABLE,
    NORMAL,
    Frame,
    FrameCount,
    Kind,
    Node,
    Range,
    RegionEnd,
    Sizes,
)
from mmspec.physical.zone_sizing.state import Layout, end_frame, first_frame, is_mirror, movable_start

# --- where a kind may lie ----------------------------------------------------------------------------------------------


def possible(layout: Layout, kind: Kind) -> Range:
    """Return where a kind of zone may lie on any node (mm/mm_init.c:free_area_init, v6.12)."""
    rule(c.FIRST)
    rule(c.TILE)
    if kind > HIGHMEM:
        rule(c.NO_RANGE)
        return Range(0, 0)
    start: Frame = layout.base.get(0, 0) >> layout.page_shift
    end: Frame = max(layout.limits[0], start)
    for k in range(1, LIMITED):
        if k <= kind:
            start, end = end, max(layout.limits[k], end)
    return Range(start, end)


def highest_kind(layout: Layout) -> Kind:
    """Return the kind that MOVABLE is carved from: the highest that may have memory, or MOVABLE where none may.

    mm/mm_init.c:find_usable_zone_for_movable, v6.12
    """
    found = MOVABLE
    for kind in range(LIMITED):
        where = possible(layout, kind)
        if where.end > where.start:
            found = kind
    return found


# --- what a node spans ---------------------------------------------------------------------------------------------------


def span_more(layout: Layout, node: Node, region: RegionEnd, start: Frame, end: Frame) -> bool:
    """Tell whether regions are left to look at."""
    return region < layout.regions


def span_step(layout: Layout, node: Node, region: RegionEnd, start: Frame, end: Frame) -> tuple[Any, ...]:
    """Stretch the range to a region of the node; regions come in ascending order."""
    if layout.node[region] != node:
        return layout, node, region + 1, start, end
    first, last = first_frame(layout, region), end_frame(layout, region)
    if first == last:
        return layout, node, region + 1, start, end
    return layout, node, region + 1, (first if start == end else start), last


def span_left(layout: Layout, node: Node, region: RegionEnd, start: Frame, end: Frame) -> int:
    """Return how many regions are left."""
    return layout.regions - region


SPAN = Loop("span", span_more, span_step, span_left)


def node_range(layout: Layout, node: Node) -> Range:
    """Return what a node spans (mm/mm_init.c:get_pfn_range_for_nid, v6.12)."""
    start: Frame
    end: Frame
    rule(c.NODE_RANGE)
    _, _, _, start, end = SPAN.run(layout, node, 0, 0, 0)
    return Range(start, end)


# --- what a zone spans ---------------------------------------------------------------------------------------------------


def clamp(frame: Frame, low: Frame, high: Frame) -> Frame:
    """Return the frame of [low, high] that is nearest to one."""
    return max(low, min(frame, high))


def movable_range(layout: Layout, whole: Range, node: Node) -> Range:
    """Return what MOVABLE spans on a node that spans ``whole`` (mm/mm_init.c:adjust_zone_range_for_zone_movable, v6.12)."""
    start = movable_start(layout, node)
    if start == 0:
        rule(c.MOVABLE_NONE)
        return Range(0, 0)
    rule(c.MOVABLE_RANGE)
    return Range(max(start, whole.start), min(whole.end, possible(layout, highest_kind(layout)).end))


def zone_range(layout: Layout, whole: Range, node: Node, kind: Kind) -> Range:
    """Return what a zone spans of a node that spans ``whole`` (mm/mm_init.c:zone_spanned_pages_in_node, v6.12)."""
    if kind == MOVABLE:
        return movable_range(layout, whole, node)
    where, movable = possible(layout, kind), movable_start(layout, node)
    rule(c.CLAMP)
    start, end = clamp(whole.start, where.start, where.end), clamp(whole.end, where.start, where.end)
    if movable == 0:
        return Range(start, end)
    if start >= movable:
        rule(c.EMPTIED)
        return Range(start, start)
    if layout.mirrored:
        rule(c.CUT_MIRROR)
        return Range(start, end)
    rule(c.CUT)
    return Range(start, min(end, movable))


# --- how much of a range is memory -----------------------------------------------------------------------------------------


def in_range(layout: Layout, region: RegionEnd, start: Frame, end: Frame) -> FrameCount:
    """Return how many whole pages of a region are in a range."""
    rule(c.WHOLE_PAGES)
    return clamp(end_frame(layout, region), start, end) - clamp(first_frame(layout, region), start, end)


def is_left_out(layout: Layout, node: Node, kind: Kind, region: RegionEnd) -> bool:
    """Tell whether mirrored memory is MOVABLE's neighbour's, or the other way round."""
    if not layout.mirrored or movable_start(layout, node) == 0:
        return False
    rule(c.PRESENT_MIRROR)
    mirrored = is_mirror(layout, region)
    return (kind == MOVABLE and mirrored) or (kind == NORMAL and not mirrored)


def present_more(layout: Layout, node: Node, kind: Kind, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount) -> bool:
    """Tell whether regions are left to count."""
    return region < layout.regions


def present_step(
    layout: Layout, node: Node, kind: Kind, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount
) -> tuple[Any, ...]:
    """Count what a region of the node has in the range."""
    if layout.node[region] == node and not is_left_out(layout, node, kind, region):
        frames = frames + in_range(layout, region, start, end)
    return layout, node, kind, start, end, region + 1, frames


def present_left(layout: Layout, node: Node, kind: Kind, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount) -> int:
    """Return how many regions are left."""
    return layout.regions - region


PRESENT = Loop("present", present_more, present_step, present_left)


def present_in(layout: Layout, node: Node, kind: Kind, where: Range) -> FrameCount:
    """Return how much memory a zone has in a range (mm/mm_init.c:zone_absent_pages_in_node, v6.12)."""
    frames: FrameCount
    rule(c.PRESENT)
    _, _, _, _, _, _, frames = PRESENT.run(layout, node, kind, where.start, where.end, 0, 0)
    return frames


def zone_sizes(layout: Layout, node: Node, kind: Kind) -> Sizes:
    """Return the sizes of a zone (mm/mm_init.c:calculate_node_totalpages, v6.12)."""
    return sizes_within(layout, node_range(layout, node), node, kind)


def sizes_within(layout: Layout, whole: Range, node: Node, kind: Kind) -> Sizes:
    """Return the sizes of a zone of a node that spans ``whole``."""
    where = zone_range(layout, whole, node, kind)
    if where.start == where.end:
        rule(c.EMPTY_START)
        return Sizes(0, 0, 0)
    return Sizes(where.start, where.end - where.start, present_in(layout, node, kind, where))


def node_sizes(layout: Layout, node: Node) -> Sizes:
    """Return the sizes of a node (mm/mm_init.c:calculate_node_totalpages, v6.12)."""
    whole, present = node_range(layout, node), 0
    if whole.start == whole.end:
        rule(c.MEMORYLESS)
        return Sizes(0, 0, 0)
    rule(c.NODE_PRESENT)
    for kind in range(KINDS):
        present += sizes_within(layout, whole, node, kind).present
    return Sizes(whole.start, whole.end - whole.start, present)


# --- holes ---------------------------------------------------------------------------------------------------------------


def memory_more(layout: Layout, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount) -> bool:
    """Tell whether regions are left to count."""
    return region < layout.regions


def memory_step(layout: Layout, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount) -> tuple[Any, ...]:
    """Count what a region has in the range."""
    return layout, start, end, region + 1, frames + in_range(layout, region, start, end)


def memory_left(layout: Layout, start: Frame, end: Frame, region: RegionEnd, frames: FrameCount) -> int:
    """Return how many regions are left."""
    return layout.regions - region


MEMORY = Loop("memory", memory_more, memory_step, memory_left)


def memory_in(layout: Layout, start: Frame, end: Frame) -> FrameCount:
    """Return how many frames of a range are memory of any node."""
    frames: FrameCount
    _, _, _, _, frames = MEMORY.run(layout, start, end, 0, 0)
    return frames
