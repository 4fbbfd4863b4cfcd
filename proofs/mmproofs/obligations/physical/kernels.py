"""The implementation's kernels: their indices are inside the arrays, and the rings that they write to stay whole.

A kernel's obligations hold for zones of any size and lists of any length. ``memory`` says what is true of every cell before;
nothing of it is assumed of the result. What the kernels do is held against the law in ``refined``.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from mmimpl.physical.buddy import lists
from mmimpl.physical.buddy.memory import ALLOCATED, LISTS, NONE, Frame, ListNumber, Zone
from mmproofs.obligation import Obligation, Predicate, bound, function_of
from mmproofs.obligations.physical.memory import legal_block, legal_cell, legal_memory, linked
from mmspec.clause import Clause
from mmspec.physical.buddy import clauses as c
from mmspec.words import Migratetype

NUMBA = "Numba computes as the interpreter does wherever every value fits 63 bits, which every word of these kernels does"

SECONDS = 300.0
"""The limit of one obligation: some seconds of effort, ten times that on a machine that others use too."""

# --- what is given -------------------------------------------------------------------------------------------------------


def heads_nothing(zone: Zone, pfn: Frame) -> bool:
    """The frame heads no block."""
    return (zone.page[pfn] == NONE) if pfn < zone.heads else False


def listable(zone: Zone, pfn: Frame, number: ListNumber) -> bool:
    """The frame heads no block, and may head one of the list's order."""
    return heads_nothing(zone, pfn) & legal_block(zone, pfn, number & 15)


def listed(zone: Zone, pfn: Frame) -> bool:
    """The frame heads a listed block."""
    return (zone.page[pfn] < ALLOCATED) if pfn < zone.heads else False


# --- goals ---------------------------------------------------------------------------------------------------------------


def others_stay(zone: Zone, after_zone: Zone, pfn: Frame, place: Frame) -> bool:
    """No other cell of a page changes."""
    if (place >= zone.heads) | (place == pfn):
        return True
    return after_zone.page[place] == zone.page[place]


def first_listed(zone: Zone, after_zone: Zone, pfn: Frame, number: ListNumber, place: Frame) -> bool:
    """The block is first on its order's and type's list, what was first comes second, and every other successor stays."""
    head = zone.heads + number
    first = (after_zone.page[pfn] == number) & (after_zone.after[head] == pfn) & (after_zone.after[pfn] == zone.after[head])
    if (place >= zone.heads + LISTS) | (place == pfn) | (place == head):
        return first
    return first & (after_zone.after[place] == zone.after[place])


def last_listed(zone: Zone, after_zone: Zone, pfn: Frame, number: ListNumber, place: Frame) -> bool:
    """The block is last on its order's and type's list, what was last comes before it, and every other predecessor stays."""
    head = zone.heads + number
    last = (after_zone.page[pfn] == number) & (after_zone.before[head] == pfn) & (after_zone.before[pfn] == zone.before[head])
    if (place >= zone.heads + LISTS) | (place == pfn) | (place == head):
        return last
    return last & (after_zone.before[place] == zone.before[place])


def delisted(zone: Zone, after_zone: Zone, pfn: Frame, place: Frame) -> bool:
    """The frame heads nothing, its neighbours are each other's, and every other successor stays."""
    before = zone.before[pfn]
    gone = (after_zone.page[pfn] == NONE) & (after_zone.after[before] == zone.after[pfn])
    if (place >= zone.heads + LISTS) | (place == before):
        return gone
    return gone & (after_zone.after[place] == zone.after[place])


def relisted(zone: Zone, after_zone: Zone, pfn: Frame, migratetype: Migratetype) -> bool:
    """The block is last on the list of the type and of its own order."""
    number = (migratetype << 4) | (zone.page[pfn] & 15)
    return (after_zone.page[pfn] == number) & (after_zone.before[zone.heads + number] == pfn)


# --- the obligations -----------------------------------------------------------------------------------------------------


def about(
    subject: Callable[..., Any], column: str, goal: Predicate | None, clause: Clause, given: tuple[Predicate, ...],
    invariants: tuple[Predicate, ...] = (), *, bare: bool = False, assumed: tuple[str, ...] = (), **more: Any,
) -> Obligation:  # fmt: skip
    """Return one obligation about a kernel; without a goal, that its indices are inside and its values fit.

    A ``bare`` kernel has no index and stores nothing.
    """
    name = f"BUDDY-KERNEL-{subject.__name__.upper().replace('_', '-')}"
    text = (function_of(goal).__doc__ or "").strip() if goal is not None else "every index is inside its array, every cell fits"
    if "zone" in signature(subject).parameters:
        given, more = (legal_memory, *given), {"small": small_memory, **more}
    return Obligation(
        id=f"{name}-{column.upper()}", clauses=(clause,), statement=f"{subject.__name__}: {text}", subject=subject, goal=goal,
        given=given, invariants=invariants, assumptions=(NUMBA, *assumed), operation=f"kernel {subject.__name__}",
        rests_on=() if goal is None or bare else (f"{name}-DEFINED",), invariant=column,
        seconds=SECONDS, **more,
    )  # fmt: skip


def small_memory(zone: Zone) -> bool:
    """The zone is small enough to be read."""
    return (zone.heads <= 64) & (zone.max_order <= 4)


LINKED, CELLS = bound(linked, zone="after_zone"), bound(legal_cell, zone="after_zone")


def _ring(
    subject: Callable[..., Any], given: tuple[Predicate, ...], placed: Predicate, *more: Predicate
) -> tuple[Obligation, ...]:
    """Return the obligations of a kernel that writes to rings."""
    return (
        about(subject, "defined", None, c.BUDDY_5, given, (linked, *more)),
        about(subject, "linked", LINKED, c.BUDDY_5, given, (linked, *more)),
        about(subject, "placed", placed, c.BUDDY_5, given, (linked, *more), unaided=True),
        about(subject, "cells", CELLS, c.BUDDY_LISTED, given, (linked, legal_cell)),
        about(subject, "others", others_stay, c.BUDDY_5, given, (linked, *more), unaided=True),
    )


OBLIGATIONS = (
    *_ring(lists.enlist_first, (listable,), first_listed),
    *_ring(lists.enlist_last, (listable,), last_listed),
    *_ring(lists.delist, (listed,), delisted),
    *_ring(lists.relist, (listed,), relisted, legal_cell),
)
