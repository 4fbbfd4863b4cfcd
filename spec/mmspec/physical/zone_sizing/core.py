"""How zones are sized once it is known where MOVABLE begins: what has no choice in it, and what any start of MOVABLE must keep.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an allowed result.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.loop import Loop
from mmspec.physical.zone_sizing import clauses as c
from mmspec.physical.zone_sizing.ops import (
    ADDRESS_BITS,
    HIGHMEM,
    MAX_REGIONS,
    Absent,
    AddMemory,
    Done,
    Error,
    Frame,
    Frames,
    LookNode,
    LookZone,
    Node,
    Possible,
    Range,
    RegionEnd,
    Size,
    Sizes,
    Starts,
)  # fmt: skip
from mmspec.physical.zone_sizing.ranges import memory_in, node_range, node_sizes, possible, zone_range, zone_sizes
from mmspec.physical.zone_sizing.state import Layout, movable_start
from mmspec.pmap import PMap, pmap
from mmspec.words import Count


def answered(result: Any, lawful: bool) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else c.ARGS)
    if refused(result, "EINVAL"):
        return c.ACCEPTED if lawful else None
    return None if lawful else c.ARGS


# --- memory --------------------------------------------------------------------------------------------------------------


def is_next(layout: Layout, op: AddMemory) -> bool:
    """Tell whether a region lies above all that are known, on a node, and below the end of some zone."""
    last = 0 if layout.regions == 0 else layout.end[layout.regions - 1]
    placed = (last <= op.base) & (op.base < op.end) & (op.node < layout.nodes) & (layout.regions < MAX_REGIONS)
    highest = 0
    for kind in range(HIGHMEM + 1):
        highest = max(highest, layout.limits[kind])
    return placed & (op.end <= highest << layout.page_shift)


def add_memory_allowed(layout: Layout, op: AddMemory, result: Done | Error) -> Clause | None:
    """Name the clause that an answer to further memory breaks."""
    return answered(result, is_next(layout, op))


def is_more(layout: Layout, op: AddMemory) -> bool:
    """Tell whether a region touches the last one and is of its node and flags: memblock has them as one."""
    last = layout.regions - 1
    if last < 0 or layout.end.get(last, 0) != op.base:
        return False
    return (layout.node.get(last, 0) == op.node) & (layout.flags.get(last, 0) == op.flags)


def add_memory_apply(layout: Layout, op: AddMemory, result: Done | Error) -> Layout:
    """Append the region, or let the last one grow by it; the zones are to be sized anew."""
    if result.failed:
        return layout
    at = layout.regions
    if is_more(layout, op):
        return attrs.evolve(layout, end=layout.end.set(at - 1, op.end), movable=pmap(), mirrored=False)
    return attrs.evolve(
        layout,
        regions=at + 1,
        base=layout.base.set(at, op.base),
        end=layout.end.set(at, op.end),
        node=layout.node.set(at, op.node),
        flags=layout.flags.set(at, op.flags),
        movable=pmap(),
        mirrored=False,
    )


# --- sizing ----------------------------------------------------------------------------------------------------------------


def apart_more(layout: Layout, region: RegionEnd, within: bool) -> bool:
    """Tell whether regions are left to look at."""
    return region < layout.regions and not within


def apart_step(layout: Layout, region: RegionEnd, within: bool) -> tuple[Any, ...]:
    """Look whether a region begins inside another node, with a later region of which that goes on."""
    before = layout.node[region - 1]
    leaves = before != layout.node[region] and node_range(layout, before).end << layout.page_shift > layout.base[region]
    return layout, region + 1, leaves


def apart_left(layout: Layout, region: RegionEnd, within: bool) -> int:
    """Return how many regions are left."""
    return layout.regions - region


APART = Loop("apart", apart_more, apart_step, apart_left)


def nodes_interleave(layout: Layout) -> bool:
    """Tell whether a node lies in another one: with mirrored memory Linux counts its frames twice (docs/questions.md)."""
    within: bool
    _, _, within = APART.run(layout, 1, False)
    return within


def can_size(layout: Layout, op: Size) -> bool:
    """Tell whether a sizing is a request."""
    return op.mirror == 0 or not nodes_interleave(layout)


def asks_for_movable(op: Size) -> bool:
    """Tell whether anything on the command line asks for MOVABLE."""
    core = (op.kernelcore > 0) | (op.movablecore > 0) | (op.kernelcore_percent > 0) | (op.movablecore_percent > 0)
    return core | (op.mirror == 1) | (op.movable_node == 1)


def wrong_start(layout: Layout, node: Node, op: Size, start: Frame) -> Count:
    """Return which of ``STARTS`` a start of MOVABLE on a node breaks; 0 for none."""
    if start == 0:
        return 0
    rule(c.START_ASKED)
    if not asks_for_movable(op):
        return 1
    rule(c.START_ALIGNED)
    if start & ((1 << layout.max_order) - 1):
        return 2
    rule(c.START_INSIDE)
    return 0 if start < node_range(layout, node).end else 3


STARTS = (c.START_ASKED, c.START_ASKED, c.START_ALIGNED, c.START_INSIDE)
"""The clauses that ``wrong_start`` numbers."""


def size_allowed(layout: Layout, op: Size, result: Starts | Error) -> Clause | None:
    """Name the clause that where MOVABLE is to begin breaks."""
    if result.failed or not can_size(layout, op):
        return answered(result, can_size(layout, op))
    rule(c.START_EACH)
    node = 0
    for start in result.movable:
        wrong = wrong_start(layout, node, op, start) if node < layout.nodes else 0
        if wrong:
            return STARTS[wrong]
        node += 1
    return None if node == layout.nodes else c.START_EACH


def size_apply(layout: Layout, op: Size, result: Starts | Error) -> Layout:
    """Note where MOVABLE begins."""
    if result.failed:
        return layout
    movable: PMap[Node, Frame] = pmap()
    for node in range(layout.nodes):
        movable = movable.set(node, result.movable[node])
    return attrs.evolve(layout, movable=movable, mirrored=op.mirror == 1)


# --- looking ---------------------------------------------------------------------------------------------------------------


def same_apply(layout: Layout, op: Any, result: Any) -> Layout:
    """Looking changes nothing."""
    return layout


def possible_allowed(layout: Layout, op: Possible, result: Range | Error) -> Clause | None:
    """Name the clause that where a kind may lie breaks."""
    if result.failed:
        return answered(result, lawful=True)
    where = possible(layout, op.kind)
    if result == where:
        return None
    if op.kind > HIGHMEM:
        return c.NO_RANGE
    return c.FIRST if op.kind == 0 and result.start != where.start else c.TILE


def look_zone_allowed(layout: Layout, op: LookZone, result: Sizes | Error) -> Clause | None:
    """Name the clause that the sizes of a zone break."""
    if result.failed or op.node >= layout.nodes:
        return answered(result, op.node < layout.nodes)
    sizes = zone_sizes(layout, op.node, op.kind)
    if result == sizes:
        return None
    if (result.start, result.spanned) != (sizes.start, sizes.spanned):
        return span_clause(layout, op, result)
    if (
        layout.mirrored
        and movable_start(layout, op.node) > 0
        and zone_sizes(plain(layout), op.node, op.kind).present != sizes.present
    ):
        return c.PRESENT_MIRROR
    return c.PRESENT if memory_in(layout, sizes.start, sizes.start + sizes.spanned) == result.present else c.WHOLE_PAGES


def plain(layout: Layout) -> Layout:
    """Return the machine as if no memory were mirrored."""
    return attrs.evolve(layout, mirrored=False)


def span_clause(layout: Layout, op: LookZone, result: Sizes) -> Clause:
    """Return the clause that says what a zone spans."""
    whole, movable = node_range(layout, op.node), movable_start(layout, op.node)
    if whole.start == whole.end:
        return c.MEMORYLESS
    where = zone_range(layout, whole, op.node, op.kind)
    if op.kind > HIGHMEM:
        return c.MOVABLE_RANGE if movable > 0 else c.MOVABLE_NONE
    if where.start == where.end:
        return c.EMPTY_START if result.spanned == 0 else c.EMPTIED if movable > 0 and where.start >= movable else c.CLAMP
    if movable == 0 or where.end < movable:
        return c.CLAMP
    return c.CUT_MIRROR if layout.mirrored else c.CUT


def look_node_allowed(layout: Layout, op: LookNode, result: Sizes | Error) -> Clause | None:
    """Name the clause that the sizes of a node break."""
    if result.failed or op.node >= layout.nodes:
        return answered(result, op.node < layout.nodes)
    sizes = node_sizes(layout, op.node)
    if result == sizes:
        return None
    if sizes.spanned == 0:
        return c.MEMORYLESS
    return c.NODE_PRESENT if (result.start, result.spanned) == (sizes.start, sizes.spanned) else c.NODE_RANGE


def is_range(layout: Layout, op: Absent) -> bool:
    """Tell whether a range is one."""
    return (op.start <= op.end) & (op.end <= 1 << (ADDRESS_BITS - layout.page_shift))


def absent_allowed(layout: Layout, op: Absent, result: Frames | Error) -> Clause | None:
    """Name the clause that a number of absent frames breaks."""
    if result.failed or not is_range(layout, op):
        return answered(result, is_range(layout, op))
    rule(c.ABSENT)
    return None if result.frames == op.end - op.start - memory_in(layout, op.start, op.end) else c.ABSENT
