"""Where Linux's zones and nodes lie: how they grow with a block and shrink without it (mm/memory_hotplug.c, v6.12)."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug.ops import KINDS, Block, BlockEnd, Node, Zone
from mmspec.physical.hotplug.state import (
    Memory,
    Spans,
    block_size,
    block_start,
    is_in_zone,
    node_of,
    ram_end,
    zone_at,
)
from mmspec.words import Pfn, PfnEnd


def zone_end(spans: Spans, zone: Zone) -> PfnEnd:
    """Return where a zone ends (include/linux/mmzone.h:zone_end_pfn, v6.12)."""
    return spans.start.get(zone, 0) + spans.spanned.get(zone, 0)


def intersects(spans: Spans, zone: Zone, first: Pfn, end: PfnEnd) -> bool:
    """Tell whether a zone spans a frame of a range (include/linux/mmzone.h:zone_intersects, v6.12)."""
    some = spans.spanned.get(zone, 0) > 0
    return some & (first < zone_end(spans, zone)) & (spans.start.get(zone, 0) < end)


def with_span(spans: Spans, zone: Zone, start: PfnEnd, end: PfnEnd) -> Spans:
    """Give a zone its span."""
    return attrs.evolve(spans, start=spans.start.set(zone, start), spanned=spans.spanned.set(zone, end - start))


# --- growing -----------------------------------------------------------------------------------------------------------


def grown(spans: Spans, zone: Zone, first: Pfn, end: PfnEnd) -> Spans:
    """Let a zone and its node span a range (mm/memory_hotplug.c:resize_zone_range, resize_pgdat_range, v6.12)."""
    rule(c.SPAN_GROWS)
    start, last = spans.start.get(zone, 0), zone_end(spans, zone)
    low = first if spans.spanned.get(zone, 0) == 0 else min(start, first)
    node = node_of(zone)
    node_start = spans.node_start.get(node, 0)
    node_last = node_start + spans.node_spanned.get(node, 0)
    node_low = first if spans.node_spanned.get(node, 0) == 0 else min(node_start, first)
    wider = with_span(spans, zone, low, max(end, last))
    return attrs.evolve(
        wider,
        node_start=spans.node_start.set(node, node_low),
        node_spanned=spans.node_spanned.set(node, max(end, node_last) - node_low),
    )


# --- shrinking ---------------------------------------------------------------------------------------------------------


def up_more(memory: Memory, zone: Zone, at: BlockEnd, end: BlockEnd) -> bool:
    """Tell whether no block of the zone was met, and one is left."""
    return at < end and not is_in_zone(memory, zone, at)


def up_step(memory: Memory, zone: Zone, at: BlockEnd, end: BlockEnd) -> tuple[Any, ...]:
    """Go up to the next block."""
    return memory, zone, at + 1, end


def up_left(memory: Memory, zone: Zone, at: BlockEnd, end: BlockEnd) -> int:
    """Return how many blocks are left to look at."""
    return end - at


UP = Loop("up", up_more, up_step, up_left)
"""find_smallest_section_pfn: the first block of a zone from one on."""


def down_more(memory: Memory, zone: Zone, at: BlockEnd, first: BlockEnd) -> bool:
    """Tell whether no block of the zone was met, and one is left."""
    return at > first and not is_in_zone(memory, zone, at - 1)


def down_step(memory: Memory, zone: Zone, at: BlockEnd, first: BlockEnd) -> tuple[Any, ...]:
    """Go down to the next block."""
    return memory, zone, at - 1, first


def down_left(memory: Memory, zone: Zone, at: BlockEnd, first: BlockEnd) -> int:
    """Return how many blocks are left to look at."""
    return at - first


DOWN = Loop("down", down_more, down_step, down_left)
"""find_biggest_section_pfn: the last block of a zone below one."""


def next_block(memory: Memory, zone: Zone, at: BlockEnd, end: BlockEnd) -> BlockEnd:
    """Return the first block of a zone in a range, or the range's end."""
    found: BlockEnd
    _, _, found, _ = UP.run(memory, zone, at, end)
    return found


def block_before(memory: Memory, zone: Zone, at: BlockEnd, first: BlockEnd) -> BlockEnd:
    """Return the number behind a zone's last block in a range, or the range's start."""
    found: BlockEnd
    _, _, found, _ = DOWN.run(memory, zone, at, first)
    return found


def blocks_below(memory: Memory, end: PfnEnd) -> BlockEnd:
    """Return the number behind the last block with a frame below an end."""
    return (end + block_size(memory.shape) - 1) >> memory.shape.block_order


def shrunk_zone(memory: Memory, spans: Spans, zone: Zone, gone: Block) -> Spans:
    """Let a zone end or begin elsewhere where it ends or begins with a block that is gone (shrink_zone_span)."""
    start, last = spans.start.get(zone, 0), zone_end(spans, zone)
    first = block_start(memory.shape, gone)
    end = first + block_size(memory.shape)
    if start == first:
        rule(c.SHRINK_FIRST)
        limit = blocks_below(memory, last)
        found = next_block(memory, zone, gone + 1, limit)
        return with_span(spans, zone, 0, 0) if found >= limit else with_span(spans, zone, block_start(memory.shape, found), last)
    if last == end:
        rule(c.SHRINK_LAST)
        limit = start >> memory.shape.block_order
        found = block_before(memory, zone, gone, limit)
        return with_span(spans, zone, 0, 0) if found <= limit else with_span(spans, zone, start, ram_end(memory, found - 1))
    rule(c.SHRINK_NOT)
    return spans


def hull_start(spans: Spans, node: Node) -> PfnEnd:
    """Return where a node's first zone begins; 0 where it spans nothing."""
    low: PfnEnd = 0
    met = False
    for kind in range(KINDS):
        zone = zone_at(node, kind)
        if spans.spanned.get(zone, 0) > 0:
            start = spans.start.get(zone, 0)
            low = min(low, start) if met else start
            met = True
    return low


def hull_end(spans: Spans, node: Node) -> PfnEnd:
    """Return where a node's last zone ends; 0 where it spans nothing."""
    high: PfnEnd = 0
    for kind in range(KINDS):
        zone = zone_at(node, kind)
        high = max(high, zone_end(spans, zone) if spans.spanned.get(zone, 0) > 0 else 0)
    return high


def with_hull(spans: Spans, node: Node) -> Spans:
    """Let a node span its zones (mm/memory_hotplug.c:update_pgdat_span, v6.12)."""
    low, high = hull_start(spans, node), hull_end(spans, node)
    return attrs.evolve(spans, node_start=spans.node_start.set(node, low), node_spanned=spans.node_spanned.set(node, high - low))


def shrunk(memory: Memory, spans: Spans, zone: Zone, gone: Block) -> Spans:
    """Take a block that is offline out of the spans of a zone and its node (remove_pfn_range_from_zone)."""
    return with_hull(shrunk_zone(memory, spans, zone, gone), node_of(zone))


def frames_of(memory: Memory, block: Block) -> tuple[Pfn, PfnEnd]:
    """Return a block's range."""
    first = block_start(memory.shape, block)
    return first, first + block_size(memory.shape)


def taken_back(memory: Memory, spans: Spans, zone: Zone, gone: Block) -> Spans:
    """Let a zone span a block that is not online, and not span it any more."""
    first, end = frames_of(memory, gone)
    return shrunk(memory, grown(spans, zone, first, end), zone, gone)
