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
        "MEMORY-MODEL-FLAGS-APART",
        "MEMORY-MODEL-FLAGS-NODE",
        "MEMORY-MODEL-FLAGS-OTHERS",
        "MEMORY-MODEL-FLAGS-READ-BACK",
        "MEMORY-MODEL-FLAGS-ZONE",
        "MEMORY-MODEL-FLAGS-ZONE-ID",
        "MEMORY-MODEL-MAP-DEVICE-BITS",
        "MEMORY-MODEL-MAP-DEVICE-DEFINED",
        "MEMORY-MODEL-MAP-DEVICE-FLAGS-ORDERED",
        "MEMORY-MODEL-MAP-DEVICE-MAP-ENCODED",
        "MEMORY-MODEL-MAP-DEVICE-MAPPED-IF-ADDED",
        "MEMORY-MODEL-MAP-DEVICE-OTHERS",
        "MEMORY-MODEL-MAP-DEVICE-ROOTED",
    }
)
"""What is written and not decided: it is registered with its entry in the ledger, by leaving this set."""

_ALL: tuple[Obligation, ...] = (*pages.OBLIGATIONS, *flags.OBLIGATIONS, *sections.OBLIGATIONS)
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _ALL if o.id not in WAITING)
