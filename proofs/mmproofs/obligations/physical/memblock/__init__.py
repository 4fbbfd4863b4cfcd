"""memblock's arrays, of any number of regions: what each change of one region keeps, and the loops that make ranges of them.

Not in the project's list yet: ``decide`` them one by one (docs/how-to-prove.md).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation
from mmspec.clause import Clause
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock import regions
from mmspec.physical.memblock.invariants import nothing_between, region_ordered, region_whole
from mmspec.physical.memblock.ops import TOP, Addr
from mmspec.physical.memblock.state import Array

# --- what is given of an array, at any place ---------------------------------------------------------------------------


def whole(array: Array, spot: Addr) -> bool:
    """What has an end has a node, flags and a next region, and is not empty."""
    return region_whole(array, spot)


def ordered(array: Array, spot: Addr) -> bool:
    """The next region begins at or above the end of this one."""
    return region_ordered(array, spot)


def in_line(array: Array, spot: Addr, other: Addr) -> bool:
    """No region is passed over."""
    return nothing_between(array, spot, other)


STATE = (whole, ordered, in_line)

# --- what holds afterwards, at any place ---------------------------------------------------------------------------------


def whole_after(after: Array, spot: Addr) -> bool:
    """What has an end still has a node, flags and a next region, and is not empty."""
    return region_whole(after, spot)


def ordered_after(after: Array, spot: Addr) -> bool:
    """The next region still begins at or above the end of this one."""
    return region_ordered(after, spot)


def in_line_after(after: Array, spot: Addr, other: Addr) -> bool:
    """Still no region is passed over."""
    return nothing_between(after, spot, other)


KEPT: tuple[tuple[str, Callable[..., bool]], ...] = (
    ("WHOLE", whole_after),
    ("ORDERED", ordered_after),
    ("IN-LINE", in_line_after),
)

# --- where a change of one region is made ----------------------------------------------------------------------------------


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


# --- the loops that make ranges of regions ---------------------------------------------------------------------------------


def seeking(array: Array, before: Addr, base: Addr) -> bool:
    """``before`` is the ring's head, or a region that ends at or below the range."""
    return before in array.next and (before == TOP or array.end.get(before, TOP) <= base)


def marking(array: Array, base: Addr, end: Addr) -> bool:
    """``base`` is a region, or the ring's head."""
    return base in array.next


LOOPS = {
    "seek": LoopInvariant(regions.SEEK, (*STATE, seeking), id="MEMBLOCK-SEEK-STEP"),
    "flag": LoopInvariant(regions.FLAG, (*STATE, marking), id="MEMBLOCK-FLAG-STEP"),
    "node": LoopInvariant(regions.NODE, (*STATE, marking), id="MEMBLOCK-NODE-STEP"),
}
"""What holds after any number of rounds. The loops that insert and take out want the number of regions as a count as well."""

_about = partial(Obligation, invariants=STATE)


def steps(name: str, subject: Callable[..., Any], given: Callable[..., bool], clause: Clause) -> tuple[Obligation, ...]:
    """Return that a change of one region keeps every truth about an array."""
    return tuple(
        _about(
            f"MEMBLOCK-{name}-{truth}",
            (c.MB_1, clause),
            f"{name.lower()} keeps the array {truth.lower()}",
            subject,
            goal,
            given=(given,),
        )
        for truth, goal in KEPT
    )


OBLIGATIONS: tuple[Obligation, ...] = (
    *steps("INSERT", regions.insert, gap_after, c.ADD_COVERS),
    *steps("DROP", regions.drop_next, region_after, c.REMOVE),
    *steps("SPLIT", regions.split_after, known, c.ISOLATE_SPLITS),
    *steps("JOIN", regions.join_next, pair_alike, c.MERGE_ALIKE),
    *(
        Obligation(cut.id, (c.MB_1,), f"each round of {name} keeps every truth about the array, and the last one comes", cut)
        for name, cut in LOOPS.items()
    ),
)
