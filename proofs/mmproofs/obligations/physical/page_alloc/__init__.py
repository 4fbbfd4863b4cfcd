"""What is proved of the page allocator.

``walks``: which zone a walk takes, and that it passed its test; ``rounds``: when another round of the slow
path follows, and what each part of it asks; ``answers``: what each operation answers.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.page_alloc import answers, rounds, walks

OBLIGATIONS: tuple[Obligation, ...] = (*walks.OBLIGATIONS, *rounds.OBLIGATIONS, *answers.OBLIGATIONS)
