"""What is proved of the memory model.

``pages``: frames to pages and back, and encoded pointers, with the constants of every architecture and any base; ``flags``: the
fields of ``page->flags``, for every configuration; ``sections``: what each operation keeps, and which frames it makes valid.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.physical.memory_model import flags, pages, sections

WAITING = frozenset(
    {
        "MEMORY-MODEL-ENCODED-RISCV64",
        "MEMORY-MODEL-ENCODED-RISCV64-WITH-SV57",
    }
)
"""What is written and not decided: it is registered with its entry in the ledger, by leaving this set."""

_ALL: tuple[Obligation, ...] = (*pages.OBLIGATIONS, *flags.OBLIGATIONS, *sections.OBLIGATIONS)
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _ALL if o.id not in WAITING)
