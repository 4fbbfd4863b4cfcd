"""How far zones reach: they span each block that is online in them, and a block that comes and goes leaves them as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate
from mmproofs.obligations.physical.hotplug import states as s
from mmproofs.obligations.physical.hotplug.loops import CLIMBING, DESCENDING
from mmspec.clause import Clause
from mmspec.physical.hotplug import clauses as c
from mmspec.physical.hotplug import spans as law
from mmspec.physical.hotplug.invariants import node_hull, spans_blocks
from mmspec.physical.hotplug.ops import Block, Node, Zone
from mmspec.physical.hotplug.spans import zone_end
from mmspec.physical.hotplug.state import Memory, Spans, block_size, block_start, is_in_zone, is_online, node_of, ram_end
from mmspec.words import Pfn, PfnEnd

CUTS = (CLIMBING, DESCENDING)


def is_range(spans: Spans, first: Pfn, end: PfnEnd) -> bool:
    """The range is one."""
    return first < end


def bounded(spans: Spans, zone: Zone) -> bool:
    """Zone and node end within the frames that there are, and a zone that spans nothing begins at 0."""
    empty = (spans.spanned.get(zone, 0) > 0) | (spans.start.get(zone, 0) == 0)
    node_end = spans.node_start.get(node_of(zone), 0) + spans.node_spanned.get(node_of(zone), 0)
    return (zone_end(spans, zone) <= s.ROOM) & (node_end <= s.ROOM) & empty


def absent_from_zone(memory: Memory, gone: Block) -> bool:
    """The block is not online, and lies within physical memory."""
    inside = block_start(memory.shape, gone) + block_size(memory.shape) <= memory.shape.physical_end
    return (is_online(memory, gone) == False) & inside  # noqa: E712


def tight(memory: Memory, spans: Spans, zone: Zone) -> bool:
    """The zone has no hole at its ends: it begins and ends with a block that is online in it, or spans nothing."""
    start, end = spans.start.get(zone, 0), zone_end(spans, zone)
    if spans.spanned.get(zone, 0) == 0:
        return True
    first, last = start >> memory.shape.block_order, (end - 1) >> memory.shape.block_order
    begins = is_in_zone(memory, zone, first) & (start == block_start(memory.shape, first))
    return begins & is_in_zone(memory, zone, last) & (end == ram_end(memory, last))


def holds_range(spans: Spans, zone: Zone, first: Pfn, end: PfnEnd, after: Spans) -> bool:
    """The zone spans the range, and all that it spanned."""
    mine = (after.start.get(zone, 0) <= first) & (end <= zone_end(after, zone))
    empty = spans.spanned.get(zone, 0) == 0
    whole = (after.start.get(zone, 0) <= spans.start.get(zone, 0)) & (zone_end(spans, zone) <= zone_end(after, zone))
    return mine & (empty | whole)


def other_zones(spans: Spans, zone: Zone, after: Spans, other: Zone) -> bool:
    """Every other zone spans what it spanned."""
    same = (after.start.get(other, 0) == spans.start.get(other, 0)) & (after.spanned.get(other, 0) == spans.spanned.get(other, 0))
    return (other == zone) | same


def node_hull_of(memory: Memory, spans: Spans, node: Node) -> bool:
    """The node spans its zones and no more."""
    return node_hull(memory, spans, node)


def still_spanned(memory: Memory, spans: Spans, zone: Zone, after: Spans, other: Block) -> bool:
    """Each block that is online is spanned by its zone."""
    return spans_blocks(memory, after, other)


def hull_after(memory: Memory, spans: Spans, zone: Zone, after: Spans) -> bool:
    """The zone's node spans its zones and no more."""
    return node_hull(memory, after, node_of(zone))


def same_span(memory: Memory, spans: Spans, zone: Zone, after: Spans) -> bool:
    """The zone begins and ends where it did."""
    return (after.start.get(zone, 0) == spans.start.get(zone, 0)) & (after.spanned.get(zone, 0) == spans.spanned.get(zone, 0))


def _of(
    name: str, subject: Callable[..., Any], given: tuple[Predicate, ...], known: tuple[Predicate, ...],
    goals: tuple[tuple[str, Predicate, tuple[Clause, ...]], ...], clause: Clause, **more: Any,
) -> tuple[Obligation, ...]:  # fmt: skip
    base = Obligation(
        f"HOTPLUG-{name}-DEFINED", (clause,), f"{name.lower()}: every word fits and every loop is lawful", subject,
        given=given, invariants=known, operation=name.lower().replace("-", "_"), invariant="defined", **more,
    )  # fmt: skip
    base = attrs.evolve(base, rests_on=tuple(cut.id for cut in base.cuts))
    return base, *(
        attrs.evolve(
            base, id=f"HOTPLUG-{name}-{column}", clauses=clauses, statement=(goal.__doc__ or "").strip(), goal=goal,
            invariant=column.lower(), rests_on=(*base.rests_on, base.id),
        )
        for column, goal, clauses in goals
    )  # fmt: skip


OF_MEMORY: dict[str, Any] = {"cuts": CUTS, "each": s.ORDERS, "bounds": s.BOUNDS}

OBLIGATIONS = (
    *_of(
        "GROWN", law.grown, (is_range,), (bounded,),
        (("HOLDS", holds_range, (c.SPAN_GROWS, c.SPANS_ALL)), ("OTHERS", other_zones, (c.SPAN_GROWS,))), c.SPAN_GROWS,
    ),
    *_of(
        "SHRUNK", law.shrunk, (s.legal_shape, absent_from_zone), (s.within, bounded, spans_blocks),
        (
            ("SPANS", still_spanned, (c.SPANS_ALL, c.SHRINK_FIRST, c.SHRINK_LAST)),
            ("HULL", hull_after, (c.NODE_HULL,)),
            ("OTHERS", other_zones, (c.SHRINK_NOT,)),
        ),
        c.SHRINK_NOT, **OF_MEMORY,
    ),
    *_of(
        "TAKEN-BACK", law.taken_back, (s.legal_shape, absent_from_zone, tight), (s.within, bounded, spans_blocks),
        (("SPAN", same_span, (c.SHRINK_FIRST, c.SHRINK_LAST, c.SPAN_GROWS)),), c.VETO_SHRINKS, **OF_MEMORY,
    ),
)  # fmt: skip
