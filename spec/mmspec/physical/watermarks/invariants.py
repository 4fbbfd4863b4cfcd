"""What is true of Linux's marks after every operation, said of one zone."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.watermarks import clauses as c
from mmspec.physical.watermarks.linux import reserve_at
from mmspec.physical.watermarks.ops import KINDS, Zone
from mmspec.physical.watermarks.state import Machine, Marks, kind_of


def marks_ordered(machine: Machine, marks: Marks, zone: Zone) -> bool:
    """A zone's marks follow one another at equal distances."""
    low, high, promo = marks.low.get(zone, 0), marks.high.get(zone, 0), marks.promo.get(zone, 0)
    step = low - marks.min.get(zone, 0)
    return (step >= 0) & (high - low == step) & (promo - high == step)


def reserves_rise(machine: Machine, marks: Marks, zone: Zone) -> bool:
    """A zone keeps nothing from requests for itself or less, and no less from those for more."""
    rises, before = True, 0
    for k in range(KINDS):
        now = reserve_at(marks, zone, k)
        rises &= (now >= before) & ((k > kind_of(zone)) | (now == 0))
        before = now
    return rises


def zones(machine: Machine, marks: Marks) -> Iterator[Zone]:
    """Yield every zone, with memory or without."""
    return (zone for zone in range(machine.end) if kind_of(zone) < KINDS)


INVARIANTS = (
    Invariant(c.MARKS_ORDERED, marks_ordered, zones),
    Invariant(c.RESERVES_RISE, reserves_rise, zones),
)
