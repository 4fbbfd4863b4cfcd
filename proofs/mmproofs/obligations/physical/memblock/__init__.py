"""What is proved of memblock's arrays, of any number of regions.

``one``: what each change of one region keeps; ``loops`` and ``ranges``: what each change of a range keeps; ``changes``: what each
operation keeps of both arrays; ``merged``: that what touches and is alike is one region.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.memblock import changes, loops, merged, one, places, ranges

WAITING = frozenset(
    {
        "MEMBLOCK-FIND-DEFINED",
        "MEMBLOCK-FIND-FIRST",
        "MEMBLOCK-FIND-STEP",
        "MEMBLOCK-FIND-UNRESERVED",
        "MEMBLOCK-FIT-DEFINED",
        "MEMBLOCK-FIT-FIRST",
        "MEMBLOCK-FIT-SERVES",
        "MEMBLOCK-OVERLAPS-APART",
        "MEMBLOCK-OVERLAPS-DEFINED",
        "MEMBLOCK-PLACE-ALIGNED",
        "MEMBLOCK-PLACE-DEFINED",
        "MEMBLOCK-PLACE-INSIDE",
        "MEMBLOCK-PLACE-UNRESERVED",
    }
)
"""What is written and not decided: it is registered with its entry in the ledger, by leaving this set."""

ALL: tuple[Obligation, ...] = (
    *one.OBLIGATIONS, *loops.OBLIGATIONS, *ranges.OBLIGATIONS, *changes.OBLIGATIONS, *merged.OBLIGATIONS, *places.OBLIGATIONS,
)  # fmt: skip
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in ALL if o.id not in WAITING)
