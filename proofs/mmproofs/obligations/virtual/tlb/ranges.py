"""AArch64 flushes what ranges take in at most five instructions."""

from __future__ import annotations

import attrs

from mmproofs.obligation import Obligation
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb import linux
from mmspec.virtual.tlb.linux import RANGE_BITS
from mmspec.virtual.tlb.ops import Pages


def in_range(pages: Pages) -> bool:
    """There are pages, and no more than ranges take."""
    return (pages >= 1) & (pages <= 1 << RANGE_BITS)


def few_instructions(after: Pages) -> bool:
    """One instruction at least, and five at most."""
    return (after >= 1) & (after <= 5)


_RANGE = Obligation(
    "TLB-RANGES-DEFINED", (c.PLAN_RANGE,), "Every word fits.", linux.ranges_for, given=(in_range,), operation="ranges",
    invariant="defined",
)  # fmt: skip

WRITTEN: tuple[Obligation, ...] = (
    _RANGE,
    attrs.evolve(
        _RANGE, id="TLB-RANGES-FEW", statement=few_instructions.__doc__ or "", goal=few_instructions, rests_on=(_RANGE.id,),
        invariant="few",
    ),
)  # fmt: skip
