"""How far a request may overshoot its watermark: a refill takes what ``nr_pcp_alloc`` says from a zone, and no block more.

A request passes its test (``page_alloc.walks``), and then takes one block from its CPU's list, which is refilled first if it is
empty. A refill begins with what ``nr_pcp_alloc`` says as ``left``; each of its rounds lowers that, and moves a block of the order
at most. So with no other CPU in between, no more than ``nr_pcp_alloc(order) - 1`` blocks leave the zone beyond the request's own:
what leaves the free lists is what the CPU holds more (``pages.conserved``). That a round lowers ``left``, and that it moves one
block, is proved; that so many rounds move so many blocks is the loop's own induction, and not mechanised.
"""

from __future__ import annotations

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, proofs_of, step_of
from mmspec.physical.buddy.core import withdraw
from mmspec.physical.buddy.refill import refill
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages import parts as of_parts
from mmspec.physical.pages.ops import Cpu
from mmspec.physical.pages.state import Parts
from mmspec.words import MAX_ORDER_LIMIT, Count, Order, size_of

ROOM = 1 << 60


def few_held(parts: Parts, cpu: Cpu, order: Order) -> bool:
    """The order exists, and what the CPU holds is far from the end of its word."""
    return (order <= MAX_ORDER_LIMIT) & (parts.pages.count.get(cpu, 0) < ROOM)


def one_more(parts: Parts, cpu: Cpu, order: Order, after: Parts, other: Cpu) -> bool:
    """The CPU holds the frames of a block of the order more, or none where the block is refused; no other CPU's count moves."""
    was, now = parts.pages.count.get(other, 0), after.pages.count.get(other, 0)
    return (now == was) | ((other == cpu) & (now == was + size_of(order)))


TO_HELD = Contract("PAGES-TO-HELD", of_parts.to_held, (("ONE", one_more),), requires=(few_held,))


def fewer(was_order: Order, was_left: Count, order: Order, left: Count) -> bool:
    """While a list is refilled: no more blocks are wanted than at first, and of the same order."""
    return (left <= was_left) & (order == was_order)


TAKING = LoopInvariant(of_parts.REFILL, fewer, id="PAGES-REFILL-STEP")

OBLIGATIONS: tuple[Obligation, ...] = (
    *(
        attrs.evolve(proof, operation="refill", invariant=f"one block: {proof.invariant}")
        for proof in proofs_of(TO_HELD, Obligation("", (c.REFILL,), "", of_parts.to_held, forget=(withdraw,)))
    ),
    attrs.evolve(
        step_of(TAKING, Obligation("", (c.REFILL,), "", TAKING, forget=(refill, of_parts.to_held, of_parts.counted))),
        operation="refill", invariant="fewer",
    ),
)  # fmt: skip
"""What is proved."""
