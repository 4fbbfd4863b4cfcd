"""What is proved of translation caches, of every state of theirs.

``clock``: what all states keep of time; ``flushes``: what a flush takes back; ``changes``: what a change of an entry leaves
behind; ``settled``: where nobody may use what is gone; ``generations``: x86-64's; ``ranges``: AArch64's.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.virtual.tlb import changes, flushes, generations, ranges, settled

WRITTEN: tuple[Obligation, ...] = (
    *flushes.WRITTEN, *changes.WRITTEN, *settled.WRITTEN, *generations.WRITTEN, *ranges.WRITTEN,
)  # fmt: skip

WAITING = frozenset(
    {"TLB-BREAK-BLOCK", "TLB-BREAK-PAGE", "TLB-BREAK-POINTER", "TLB-FLUSH-SETTLES-BLOCK", "TLB-FLUSH-SETTLES-PAGE"}
)
"""What is written and has no entry in the ledger yet, for want of time on a busy machine."""

OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in WRITTEN if o.id not in WAITING)
"""What is registered."""
