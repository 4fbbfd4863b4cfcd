"""What is given of a zone, its invariants, and how a counterexample becomes a whole legal zone."""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.obligation import Predicate
from mmproofs.obligations.physical.buddy.numbers import is_free, recounted
from mmspec.clause import Clause
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core
from mmspec.physical.buddy.invariants import allocated_placed, free_placed, merged, owned_once
from mmspec.physical.buddy.state import Zone, kind_at
from mmspec.pmap import pmap
from mmspec.words import MAX_ORDER_LIMIT, Count, Migratetype

STATE: tuple[Predicate, ...] = (owned_once, free_placed, allocated_placed, merged)

KEPT: tuple[tuple[str, Predicate, Clause], ...] = (
    ("OWNED", owned_once, c.BUDDY_1),
    ("FREE-PLACED", free_placed, c.BUDDY_2),
    ("HANDED-PLACED", allocated_placed, c.BUDDY_2),
    ("MERGED", merged, c.BUDDY_3),
)
"""The invariants of the zone that are pointwise: name, predicate, clause."""

COUNTERS: tuple[Predicate, ...] = (*STATE, recounted)
"""The invariants of the zone, its counters too (BUDDY-6)."""


def legal_span(zone: Zone) -> bool:
    """The zone's fixed part is what ``span_of`` lets through the door."""
    span = zone.span
    orders = (span.pageblock_order <= span.max_order) & (span.max_order <= MAX_ORDER_LIMIT)
    return (span.start_pfn < span.end_pfn) & orders


def small_zone(zone: Zone) -> bool:
    """The zone is small enough for every frame to be listed."""
    return (zone.span.end_pfn <= 64) & (zone.span.max_order <= 5)


def completed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Hand every frame of memory that no block holds out by itself, and count the free frames anew."""
    zone: Zone = arguments["zone"]
    allocated, span = zone.allocated, zone.span
    for frame in range(span.start_pfn, span.end_pfn):
        if not core.owners(zone, frame) and not span.holes.get(frame, False):
            allocated = allocated.set(frame, 0)
    frames: dict[Migratetype, Count] = {}
    for frame in range(span.start_pfn, span.end_pfn):
        if is_free(frame, zone.free):
            frames[kind_at(zone, frame)] = frames.get(kind_at(zone, frame), 0) + 1
    return {**arguments, "zone": attrs.evolve(zone, allocated=allocated, frames=pmap(frames))}
