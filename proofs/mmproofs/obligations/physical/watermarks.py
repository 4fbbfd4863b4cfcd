"""The watermarks: the marks' order, and what a passed check leaves, for all sizes and settings that the machine takes.

``ops`` says up to which sizes the kernel's own words hold the numbers: that is the scope of all that is said here.
"""

from __future__ import annotations

from typing import Annotated

from mmproofs.obligation import Obligation
from mmspec.physical.watermarks import clauses as c
from mmspec.physical.watermarks.core import reduced, unusable, watermark_ok
from mmspec.physical.watermarks.ops import Held, Mark, Zone
from mmspec.physical.watermarks.sizes import mark_zone, min_of
from mmspec.physical.watermarks.state import Marks
from mmspec.words import MAX_ORDER_LIMIT, Count, Flags, Word

Order13 = Annotated[int, Word("order", bits=8, lo=0, hi=MAX_ORDER_LIMIT)]
Part = Annotated[int, Word("part", bits=64, lo=0, hi=(1 << 46) - 1)]
"""MIN, or the distance of the marks: four of them fit a mark."""


def ordered(zone: Zone, after: Marks) -> bool:
    """MIN, LOW, HIGH and PROMO of the zone follow one another at equal distances."""
    step = after.low[zone] - after.min[zone]
    same = (after.high[zone] - after.low[zone] == step) & (after.promo[zone] - after.high[zone] == step)
    return (step >= 0) & same


def unboosted(zone: Zone, after: Marks) -> bool:
    """The zone has no boost."""
    return after.boost.get(zone, 0) == 0


def no_less(mark: Mark, flags: Flags, after: Mark, smaller: Mark) -> bool:
    """A smaller mark comes to no more, whatever the flags."""
    return (smaller > mark) | (reduced(smaller, flags) <= after)


def lowered(mark: Mark, after: Mark) -> bool:
    """A mark comes to no more than it is, and not below nought."""
    return (after >= 0) & (after <= mark)


def leaves_enough(
    order: Order13, mark: Mark, reserve: Mark, flags: Flags, free: Held, highatomic: Mark, cma: Mark, after: bool
) -> bool:
    """What passes leaves more usable frames than the lowered mark and the reserve together, in true numbers."""
    enough = free - unusable(order, flags, highatomic, cma) > reduced(mark, flags) + reserve
    return (after == False) | enough  # noqa: E712  # a truth may be symbolic


def at_least_the_order(order: Order13, after: Count) -> bool:
    """The other frames of the block are never usable."""
    return after >= (1 << order) - 1


def capped(outside: bool, after: Mark) -> bool:
    """Outside lowmem MIN is 32 to 128."""
    return (outside == False) | ((after >= 32) & (after <= 128))  # noqa: E712


TYPES = {"lowest": Part, "distance": Part, "order": Order13}

OBLIGATIONS = (
    Obligation(
        "WATERMARKS-MARK-FITS", (c.MARKS_ORDERED,), "Every mark that is set fits its word.", mark_zone,
        types=TYPES, operation="marks", invariant="defined",
    ),
    Obligation(
        "WATERMARKS-MARK-ORDERED", (c.MARKS_ORDERED, c.ORDERED), ordered.__doc__ or "", mark_zone, ordered,
        types=TYPES, rests_on=("WATERMARKS-MARK-FITS",), operation="marks", invariant="ordered",
    ),
    Obligation(
        "WATERMARKS-MARK-UNBOOSTED", (c.SETUP_UNBOOSTS,), unboosted.__doc__ or "", mark_zone, unboosted,
        types=TYPES, rests_on=("WATERMARKS-MARK-FITS",), operation="marks", invariant="unboosted",
    ),
    Obligation(
        "WATERMARKS-MIN-CAP", (c.MIN_CAPPED,), capped.__doc__ or "", min_of, capped, operation="marks", invariant="capped",
    ),
    Obligation(
        "WATERMARKS-REDUCED-FITS", (c.OK_MIN_RESERVE, c.OK_NON_BLOCK, c.OK_OOM), "What a mark comes to is a mark.", reduced,
        operation="check", invariant="reduced: defined",
    ),
    Obligation(
        "WATERMARKS-UNUSABLE-FITS", (c.OK_UNUSABLE,), "What is unusable is a number of frames.", unusable, types=TYPES,
        operation="check", invariant="unusable: defined",
    ),
    Obligation(
        "WATERMARKS-REDUCED-LOWERS", (c.OK_MIN_RESERVE, c.OK_NON_BLOCK, c.OK_OOM), lowered.__doc__ or "", reduced, lowered,
        rests_on=("WATERMARKS-REDUCED-FITS",), operation="check", invariant="lowers",
    ),
    Obligation(
        "WATERMARKS-REDUCED-MONOTONE", (c.OK_MIN_RESERVE, c.OK_NON_BLOCK, c.OK_OOM), no_less.__doc__ or "", reduced, no_less,
        rests_on=("WATERMARKS-REDUCED-FITS",), operation="check", invariant="monotone",
    ),
    Obligation(
        "WATERMARKS-UNUSABLE-BLOCK", (c.OK_UNUSABLE,), at_least_the_order.__doc__ or "", unusable, at_least_the_order,
        types=TYPES, rests_on=("WATERMARKS-UNUSABLE-FITS",), operation="check", invariant="unusable",
    ),
    Obligation(
        "WATERMARKS-OK-LEAVES", (c.OK_ABOVE,), leaves_enough.__doc__ or "", watermark_ok, leaves_enough,
        types=TYPES, operation="check", invariant="leaves",
    ),
)  # fmt: skip
