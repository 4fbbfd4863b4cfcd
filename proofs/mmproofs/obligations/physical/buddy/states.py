"""What is given of a zone, its invariants, what every operation is proved to keep, and how a counterexample becomes a zone."""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, bases_of, bound, function_of
from mmproofs.obligations.physical.buddy.numbers import is_free, recounted
from mmspec.clause import Clause
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core
from mmspec.physical.buddy.invariants import allocated_placed, free_placed, merged, owned_once
from mmspec.physical.buddy.state import Span, Zone, kind_at
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


def legal_span(span: Span) -> bool:
    """A zone's fixed part is what ``span_of`` lets through the door."""
    orders = (span.pageblock_order <= span.max_order) & (span.max_order <= MAX_ORDER_LIMIT)
    return (span.start_pfn < span.end_pfn) & orders


def legal_zone(zone: Zone) -> bool:
    """The zone's fixed part is what ``span_of`` lets through the door."""
    return legal_span(zone.span)


def small_zone(zone: Zone) -> bool:
    """The zone is small enough for every frame to be listed."""
    return (zone.span.end_pfn <= 64) & (zone.span.max_order <= 5)


def of_sizes(max_order: int, pageblock_order: int) -> dict[str, int]:
    """Return the parts that make a zone one of such orders, whatever an obligation calls it."""
    named = [f"{head}{zone}span" for head in ("", "was_") for zone in ("", "zone.")]
    sizes = {"max_order": max_order, "pageblock_order": pageblock_order}
    return {f"{span}.{part}": value for span in named for part, value in sizes.items()}


SMALL = (of_sizes(1, 1), of_sizes(2, 1))
"""Zones in which two frames merge at the most, and those whose largest blocks are of two such pageblocks."""


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


REPLAYED: dict[str, Any] = {"small": small_zone, "small_sizes": SMALL, "complete": completed}
"""How a counterexample about zones is found small, and made one that the real function can be run on."""

Goal = tuple[str, Predicate, Clause]
"""A column of the matrix, what holds after an operation, and the clause that says so."""


def family(base: Obligation, *goals: Goal, unaided: str) -> tuple[Obligation, ...]:
    """Return an operation's obligations: its own claims, the invariants that it keeps, and what else it does.

    ``unaided`` is the column that follows from the operation's text alone.
    """
    name = base.operation.upper()
    defined = f"BUDDY-{name}-DEFINED"
    base = attrs.evolve(base, invariants=COUNTERS, **REPLAYED, rests_on=bases_of(base))
    found = [
        attrs.evolve(
            base, id=defined, invariant="defined",
            statement=f"{base.operation}: every key is there, every word fits, every loop and function is entered lawfully",
        )
    ]  # fmt: skip
    kept = [(column, bound(function_of(holds), zone="after"), clause) for column, holds, clause in KEPT]
    for column, goal, clause in (*kept, *goals, ("RECOUNTED", bound(recounted, zone="after"), c.BUDDY_6)):
        found.append(
            attrs.evolve(
                base, id=f"BUDDY-{name}-{column}", clauses=(clause,), goal=goal, invariant=column.lower(),
                statement=f"{base.operation}: {(function_of(goal).__doc__ or '').strip()}", rests_on=(defined, *base.rests_on),
                unaided=column == unaided,
            )
        )  # fmt: skip
    return tuple(found)
