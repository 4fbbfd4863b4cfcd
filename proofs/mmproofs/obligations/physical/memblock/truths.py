"""What is given of an array of regions, and what holds afterwards, at any place."""

from __future__ import annotations

from collections.abc import Callable

from mmproofs.obligation import Predicate, bound
from mmspec.physical.memblock.invariants import nothing_between, region_ordered, region_whole
from mmspec.physical.memblock.ops import Addr
from mmspec.physical.memblock.state import Array


def whole(array: Array, spot: Addr) -> bool:
    """What has an end has a node, flags and a next region, and is not empty."""
    return region_whole(array, spot)


def ordered(array: Array, spot: Addr) -> bool:
    """The next region begins at or above the end of this one."""
    return region_ordered(array, spot)


def in_line(array: Array, spot: Addr, other: Addr) -> bool:
    """No region is passed over."""
    return nothing_between(array, spot, other)


STATE: tuple[Callable[..., bool], ...] = (whole, ordered, in_line)
"""What is given of an array, and kept by every change."""

COLUMNS: tuple[tuple[str, Callable[..., bool]], ...] = (("WHOLE", whole), ("ORDERED", ordered), ("IN-LINE", in_line))


def of(part: str) -> tuple[Predicate, ...]:
    """Return the truths of one of a state's arrays."""
    return tuple(bound(truth, array=part) for truth in STATE)


def kept(part: str, prefix: str = "") -> tuple[tuple[str, Predicate], ...]:
    """Return the truths of what became of an array, by column."""
    return tuple((prefix + column, bound(truth, array=part)) for column, truth in COLUMNS)
