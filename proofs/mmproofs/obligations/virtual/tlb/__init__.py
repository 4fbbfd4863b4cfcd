"""What is proved of translation caches, of every state of theirs.

``clock``: what all states keep of time; ``flushes``: what a flush takes back; ``changes``: what a change of an entry leaves
behind; ``settled``: where nobody may use what is gone; ``generations``: x86-64's; ``ranges``: AArch64's.
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmproofs.obligations.virtual.tlb import changes, flushes, generations, ranges, settled

OBLIGATIONS: tuple[Obligation, ...] = (
    *flushes.WRITTEN, *changes.WRITTEN, *settled.WRITTEN, *generations.WRITTEN, *ranges.WRITTEN,
)  # fmt: skip
