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
    }
)
"""What is written and not decided: that a step of the search keeps what was found, and that the search is lawful, are more than
eight gigabytes of hypotheses at once, or more paths than five minutes have; the other two rest on these."""

ALL: tuple[Obligation, ...] = (
    *one.OBLIGATIONS, *loops.OBLIGATIONS, *ranges.OBLIGATIONS, *changes.OBLIGATIONS, *merged.OBLIGATIONS, *places.OBLIGATIONS,
)  # fmt: skip
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in ALL if o.id not in WAITING)
