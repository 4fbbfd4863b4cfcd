"""What each change of one region keeps, in arrays of any number of regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Contract, Obligation, proofs_of
from mmproofs.obligations.physical.memblock.truths import STATE, kept
from mmspec.clause import Clause
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock import regions
from mmspec.physical.memblock.ops import TOP, Addr
from mmspec.physical.memblock.state import Array

# --- where a change of one region is made --------------------------------------------------------------------------------


def gap_after(array: Array, before: Addr, base: Addr, end: Addr) -> bool:
    """The range is not empty and lies between a region, or the ring's head, and the next one."""
    if before not in array.next or base in array.next or end > array.next[before]:
        return False
    return base < end and (before == TOP or array.end.get(before, TOP) <= base)


def region_after(array: Array, before: Addr) -> bool:
    """There is a region after ``before``, which is one itself or the ring's head."""
    return before in array.next and array.next[before] != TOP


def known(array: Array, before: Addr) -> bool:
    """``before`` is a region, or the ring's head."""
    return before in array.next


def pair_alike(array: Array, base: Addr) -> bool:
    """A region and the next one are alike."""
    if base not in array.end or array.next.get(base, TOP) == TOP:
        return False
    return regions.alike(array, base, array.next[base])


def steps(name: str, subject: Callable[..., Any], given: Callable[..., bool], clause: Clause) -> tuple[Obligation, ...]:
    """Return that a change of one region keeps every truth about an array."""
    base = Obligation(
        f"MEMBLOCK-{name}-DEFINED",
        (clause,),
        f"{name.lower()}: every key is there, every word fits",
        subject,
        given=(given,),
        invariants=STATE,
        operation=subject.__name__,
        straight=subject in (regions.drop_next, regions.join_next),
        invariant="defined",
    )
    goals = (
        attrs.evolve(
            base,
            id=f"MEMBLOCK-{name}-{column}",
            clauses=(c.MB_1, clause),
            statement=f"{name.lower()} keeps the array {column.lower()}",
            goal=goal,
            invariant=column.lower(),
            rests_on=(base.id,),
        )
        for column, goal in kept("after")
    )
    return (base, *goals)


def stays(array: Array, spot: Addr, after: Array) -> bool:
    """No region is gone."""
    return spot not in array.next or spot in after.next


def entered(array: Array, before: Addr, base: Addr, end: Addr, after: Array) -> bool:
    """The region lies between its neighbours."""
    if base not in after.end or before not in after.next:
        return False
    return (after.end[base] == end) & (after.next[base] == array.next.get(before, TOP)) & (after.next[before] == base)


def others_stay(array: Array, base: Addr, spot: Addr, after: Array) -> bool:
    """Every other region stays as long as it was."""
    return spot == base or spot not in array.next or (spot in after.next and after.end.get(spot, TOP) == array.end.get(spot, TOP))


SPLIT = Contract("MEMBLOCK-SPLIT", regions.split_after, (*kept("after"), ("STAYS", stays)), requires=(*STATE, known))
INSERT = Contract(
    "MEMBLOCK-INSERT",
    regions.insert,
    (*kept("after"), ("ENTERED", entered), ("OTHERS", others_stay)),
    requires=(*STATE, gap_after),
)

OBLIGATIONS: tuple[Obligation, ...] = (
    *proofs_of(INSERT, Obligation("", (c.MB_1, c.ADD_COVERS), "", regions.insert)),
    *steps("DROP", regions.drop_next, region_after, c.REMOVE),
    *proofs_of(SPLIT, Obligation("", (c.MB_1, c.ISOLATE_SPLITS), "", regions.split_after)),
    *steps("JOIN", regions.join_next, pair_alike, c.MERGE_ALIKE),
)
