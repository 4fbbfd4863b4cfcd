"""What is proved of the page allocator.

``walks``: which zone a walk takes, and that it passed its test; ``rounds``: when another round of the slow
path follows, and what each part of it asks.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.page_alloc import rounds, walks

WAITING = frozenset(
    {
        "PAGE-ALLOC-DECIDED-SAME",
        "PAGE-ALLOC-ROUND-DEFINED",
        "PAGE-ALLOC-ROUND-ONE",
        "PAGE-ALLOC-ROUND-SLEEPS",
        "PAGE-ALLOC-TRY-PASSED",
        "PAGE-ALLOC-TRY-THIS",
        "PAGE-ALLOC-WALK-STEP",
    }
)
"""What is written and not in the ledger: it is registered with its entry there, by leaving this set."""

_ALL: tuple[Obligation, ...] = (*walks.OBLIGATIONS, *rounds.OBLIGATIONS)
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _ALL if o.id not in WAITING)
