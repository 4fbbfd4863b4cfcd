"""What is proved of memblock's arrays, of any number of regions.

``one``: what each change of one region keeps; ``loops`` and ``ranges``: what each change of a range keeps; ``changes``: what each
operation keeps of both arrays.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.memblock import changes, loops, one, places, ranges

WAITING = frozenset(
    {
        "MEMBLOCK-ALLOC-IN-LINE",
        "MEMBLOCK-ALLOC-ORDERED",
        "MEMBLOCK-ALLOC-WHOLE",
        "MEMBLOCK-CAP-DEFINED",
        "MEMBLOCK-CAP-IN-LINE",
        "MEMBLOCK-CAP-ORDERED",
        "MEMBLOCK-CAP-WHOLE",
        "MEMBLOCK-FIND-DEFINED",
        "MEMBLOCK-FIND-FIRST",
        "MEMBLOCK-FIND-STEP",
        "MEMBLOCK-FIND-UNRESERVED",
        "MEMBLOCK-FIT-DEFINED",
        "MEMBLOCK-FIT-FIRST",
        "MEMBLOCK-FIT-SERVES",
        "MEMBLOCK-FREE-ALL-DEFINED",
        "MEMBLOCK-FREE-ALL-IN-LINE",
        "MEMBLOCK-FREE-ALL-ORDERED",
        "MEMBLOCK-FREE-ALL-WHOLE",
        "MEMBLOCK-GIVE-OWN-DEFINED",
        "MEMBLOCK-GIVE-OWN-IN-LINE",
        "MEMBLOCK-GIVE-OWN-ORDERED",
        "MEMBLOCK-GIVE-OWN-WHOLE",
        "MEMBLOCK-LIMIT-MAP-DEFINED",
        "MEMBLOCK-LIMIT-MAP-IN-LINE",
        "MEMBLOCK-LIMIT-MAP-ORDERED",
        "MEMBLOCK-LIMIT-MAP-WHOLE",
        "MEMBLOCK-NODES-STEP",
        "MEMBLOCK-OVERLAPS-APART",
        "MEMBLOCK-OVERLAPS-DEFINED",
        "MEMBLOCK-PLACE-ALIGNED",
        "MEMBLOCK-PLACE-DEFINED",
        "MEMBLOCK-PLACE-INSIDE",
        "MEMBLOCK-PLACE-UNRESERVED",
        "MEMBLOCK-QUERY-IN-LINE",
        "MEMBLOCK-QUERY-ORDERED",
        "MEMBLOCK-QUERY-WHOLE",
        "MEMBLOCK-REMOVE-IN-LINE",
        "MEMBLOCK-TAKE-OWN-DEFINED",
        "MEMBLOCK-TAKE-OWN-IN-LINE",
        "MEMBLOCK-TAKE-OWN-ORDERED",
        "MEMBLOCK-TAKE-OWN-WHOLE",
    }
)
"""What is written and not decided: it is registered with its entry in the ledger, by leaving this set."""

ALL: tuple[Obligation, ...] = (
    *one.OBLIGATIONS, *loops.OBLIGATIONS, *ranges.OBLIGATIONS, *changes.OBLIGATIONS, *places.OBLIGATIONS,
)  # fmt: skip
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in ALL if o.id not in WAITING)
