"""The loops' steps keep their invariants and lower their measures; the order of the block over a place is what it says."""

from __future__ import annotations

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, step_of
from mmproofs.obligations.physical.buddy.loops import (
    ACCOUNTING,
    CHANGING,
    COUNTING,
    LOOKING_RESERVED,
    LOOKING_USABLE,
    MERGING,
    SPLITTING,
    over,
)
from mmproofs.obligations.physical.buddy.parts import SET_KIND
from mmspec.clause import Clause
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import block_over


def _step(invariant: LoopInvariant, *clauses: Clause, contracts: tuple[Contract, ...] = ()) -> Obligation:
    return step_of(invariant, Obligation("", clauses, "", invariant, contracts=contracts, seconds=900.0))


OBLIGATIONS = (
    _step(MERGING, c.BUDDY_1, c.BUDDY_2),
    _step(SPLITTING, c.BUDDY_1, c.BUDDY_2),
    _step(ACCOUNTING, c.COUNT_PAGEBLOCKS),
    _step(COUNTING, c.COUNT_MOVES),
    _step(CHANGING, c.COUNT_MOVES, contracts=(SET_KIND,)),
    _step(LOOKING_USABLE, c.ALLOC_KIND),
    _step(LOOKING_RESERVED, c.UNRESERVE_BLOCK),
    Obligation(
        id="BUDDY-BLOCK-OVER", clauses=(c.BUDDY_1,), statement=(over.__doc__ or "").strip(), subject=block_over, goal=over,
        operation="block_over", invariant="step",
    ),
)  # fmt: skip
