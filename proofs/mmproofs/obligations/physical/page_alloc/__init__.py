"""What is proved of the page allocator.

``walks``: which zone a walk takes, and that it passed its test; ``rounds``: when another round of the slow
path follows, and what each part of it asks; ``answers``: what each operation answers.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.page_alloc import answers, rounds, walks

WAITING = frozenset({"PAGE-ALLOC-OP-WALK-DEFINED", "PAGE-ALLOC-OP-WALK-WITHIN"})
"""What is written and not decided: that a request's node fits its word where the first zone is looked for is not seen."""

_ALL: tuple[Obligation, ...] = (*walks.OBLIGATIONS, *rounds.OBLIGATIONS, *answers.OBLIGATIONS)
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _ALL if o.id not in WAITING)
