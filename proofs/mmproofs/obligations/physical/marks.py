"""How marks and reserves follow from the sizes: their order, what fits 32 bits, that they rise with what they are computed from.

A kernel of 32 bits keeps its marks in words of 32 bits: the order holds as long as PROMO, the largest, fits one
(``tests/proofs/test_numbers.py`` has sizes at which it fails). The share of min_free_kbytes, a quotient of numbers that are
all unknown, is beyond the solvers: here it is any number of which four fit a mark. So is that a row of reserves rises, which is a
quotient by an unknown ratio: the invariant is held by programs and snapshots alone.
"""

from __future__ import annotations

import attrs

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.watermarks import TYPES, Part, ordered
from mmspec.physical.watermarks import clauses as c
from mmspec.physical.watermarks.ops import Factor, Kind, Managed, Mark, Zone
from mmspec.physical.watermarks.sizes import distance_of, mark_zone, min_of, reserve_of
from mmspec.physical.watermarks.state import Marks, kind_of

LONG = 1 << 32
"""What a word of 32 bits does not hold."""

SHARES = {**TYPES, "share": Part, "return": Part}
SCALE = {"scale": "<= 3000, which is all that may be written"}


def promo_fits(lowest: Part, distance: Part) -> bool:
    """PROMO, the largest mark, fits a word of 32 bits."""
    return lowest + 3 * distance < LONG


def ordered_in_32_bits(zone: Zone, after: Marks) -> bool:
    """Every mark fits a word of 32 bits, and they follow one another at equal distances there."""
    least, most = after.min[zone], after.promo[zone]
    return (after.low[zone] < LONG) & (after.high[zone] < LONG) & (least < LONG) & (most < LONG) & ordered(zone, after)


def may_be_written(scale: Factor) -> bool:
    """The factor is one that may be written, or the default."""
    return (scale >= 1) & (scale <= 3000)


def farther_with_share(managed: Managed, scale: Factor, share: Part, after: Part, more: Part) -> bool:
    """With a larger share of min_free_kbytes the marks are no nearer to each other."""
    return (more < share) | (distance_of(managed, more, scale) >= after)


def at_least_a_quarter(share: Part, after: Part) -> bool:
    """The marks are apart by a quarter of the share at least."""
    return after >= share // 4


def rises(managed: Managed, share: Mark, outside: bool, after: Mark, larger: Managed, more: Mark) -> bool:
    """MIN of a larger zone with a larger share is no less."""
    return (larger < managed) | (more < share) | (min_of(larger, more, outside) >= after)


def nothing_below(zone: Zone, highest: Kind, after: Mark) -> bool:
    """A zone keeps nothing from requests for itself or less."""
    return (highest > kind_of(zone)) | (after == 0)


_DISTANCE = Obligation(
    "WATERMARKS-DISTANCE-FITS", (c.STEP_SCALE, c.STEP_SHARE), "The distance of the marks is a number of which four fit a mark.",
    distance_of, given=(may_be_written,), types=SHARES, operation="distance", invariant="defined", bounds=SCALE,
)  # fmt: skip
_MIN = Obligation(
    "WATERMARKS-MIN-FITS", (c.MIN_CAPPED,), "MIN is a mark.", min_of, operation="marks", invariant="min: defined",
)  # fmt: skip
_RESERVE = Obligation(
    "WATERMARKS-RESERVE-FITS", (c.RESERVE, c.RESERVE_OFF), "A reserve is a mark, and no divisor is 0.", reserve_of,
    operation="reserve", invariant="defined", seconds=900.0,
)  # fmt: skip

OBLIGATIONS = (
    Obligation(
        "WATERMARKS-MARK-32-FITS", (c.MARKS_ORDERED,), "Every mark that is set fits its word.", mark_zone, given=(promo_fits,),
        types=TYPES, operation="marks", invariant="32 bits: defined", bounds={"promo": "< 2**32"},
    ),
    Obligation(
        "WATERMARKS-MARK-32-ORDERED", (c.MARKS_ORDERED, c.ORDERED), ordered_in_32_bits.__doc__ or "", mark_zone,
        ordered_in_32_bits, given=(promo_fits,), types=TYPES, rests_on=("WATERMARKS-MARK-32-FITS",), operation="marks",
        invariant="32 bits: ordered", bounds={"promo": "< 2**32"},
    ),
    _DISTANCE,
    attrs.evolve(
        _DISTANCE, id="WATERMARKS-DISTANCE-RISES", statement=farther_with_share.__doc__ or "", goal=farther_with_share,
        rests_on=(_DISTANCE.id,), invariant="rises",
    ),
    attrs.evolve(
        _DISTANCE, id="WATERMARKS-DISTANCE-QUARTER", clauses=(c.STEP_SHARE,), statement=at_least_a_quarter.__doc__ or "",
        goal=at_least_a_quarter, rests_on=(_DISTANCE.id,), invariant="quarter",
    ),
    _MIN,
    attrs.evolve(
        _MIN, id="WATERMARKS-MIN-RISES", statement=rises.__doc__ or "", goal=rises, rests_on=(_MIN.id,), invariant="min: rises",
    ),
    _RESERVE,
    attrs.evolve(
        _RESERVE, id="WATERMARKS-RESERVE-NOTHING-BELOW", clauses=(c.RESERVES_RISE,), statement=nothing_below.__doc__ or "",
        goal=nothing_below, rests_on=(_RESERVE.id,), invariant="nothing below",
    ),
)  # fmt: skip
