"""What is proved of the page allocator.

``walks``: which zone a walk takes, and that it passed its test; ``rounds``: when another round of the slow
path follows, and what each part of it asks; ``answers``: what each operation answers.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.page_alloc import answers, rounds, walks

WAITING: frozenset[str] = frozenset(
    {
        "PAGE-ALLOC-FAST-LEAVES",
        "PAGE-ALLOC-HIGH-LEAVES",
        "PAGE-ALLOC-OP-BOOST-LAWFUL",
        "PAGE-ALLOC-OP-FLAGS-OF-LAWFUL",
        "PAGE-ALLOC-OP-FLAGS-OF-MARKS",
        "PAGE-ALLOC-OP-WALK-DEFINED",
        "PAGE-ALLOC-OP-WALK-WITHIN",
        "PAGE-ALLOC-PASSED-DEFINED",
        "PAGE-ALLOC-TRY-PASSED",
        "PAGE-ALLOC-WALK-STEP",
    }
)
"""What is written and not in the ledger: it is registered with its entry there, by leaving this set."""

_ALL: tuple[Obligation, ...] = (*walks.OBLIGATIONS, *rounds.OBLIGATIONS, *answers.OBLIGATIONS)
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _ALL if o.id not in WAITING)
