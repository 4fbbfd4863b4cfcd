"""How many frames go back after a free: no more than the CPU holds, and no batch is scaled further than it may be.

The free of 6.12 asks five questions one after another, each with several answers, so each part's contract stands for its text.
"""

from __future__ import annotations

from mmproofs.obligation import Contract, Obligation, proofs_of
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp.amounts import Pcp, freed, freed_61, limit_of, run_on, with_limit
from mmspec.physical.pcp.state import Pages, PcpLists
from mmspec.words import MAX_ORDER_LIMIT, Count, Order

# --- what is given -------------------------------------------------------------------------------------------------------------

ROOM = 1 << 50
"""Counts below this are far from the end of their word, whatever is added to them here."""


def moderate(lists: PcpLists) -> bool:
    """A batch is a frame at least, and what the limits are computed from is far from the end of its word."""
    batches = (lists.batch >= 1) & (lists.batch < ROOM) & (lists.zone_batch >= 1) & (lists.zone_batch < ROOM)
    return batches & (lists.high_min < ROOM) & (lists.high_max < ROOM)


def roomy(pcp: Pcp) -> bool:
    """The CPU's numbers are far from the end of their word."""
    return (pcp.count < 2 * ROOM) & (pcp.high < ROOM) & (pcp.free_count < 2 * ROOM)


def roomy_then(pcp: Pcp) -> bool:
    """They still are, after a run has grown."""
    return (pcp.count < 2 * ROOM) & (pcp.high < ROOM) & (pcp.free_count < 4 * ROOM)


def is_order(order: Order) -> bool:
    """The order is one of a block."""
    return order <= MAX_ORDER_LIMIT


# --- what the parts answer -----------------------------------------------------------------------------------------------------


def goes_on(pcp: Pcp, after: Pcp) -> bool:
    """A run grows by a block at most."""
    return after.free_count <= pcp.free_count + (1 << MAX_ORDER_LIMIT)


def limited(lists: PcpLists, after: Pcp) -> bool:
    """The limit is a bound, or between them."""
    bound = (after.high == lists.high_min) | (after.high == lists.high_max)
    return bound | ((lists.high_min < after.high) & (after.high < lists.high_max))


def within(pcp: Pcp, after: tuple[Count, Pcp]) -> bool:
    """No more goes back than the CPU holds."""
    return after[0] <= pcp.count


def scaled(pages: Pages, pcp: Pcp, after: tuple[Count, Pcp]) -> bool:
    """No factor grows beyond the largest scale, and that of refills does not grow."""
    grown = after[1].free_factor
    return (after[1].alloc_factor <= pcp.alloc_factor) & ((grown == pcp.free_factor) | (grown <= pages.span.scale_max))


# --- the obligations -----------------------------------------------------------------------------------------------------------

_NUMBERS = ("count", "free_count", "alloc_factor", "free_factor")
GIVEN = (moderate, roomy)
RUN = Contract(
    "PCP-RUN", run_on, (("GROWS", goes_on),), requires=(*GIVEN, is_order),
    keeps={f"after.{n}": f"pcp.{n}" for n in ("count", "high", "alloc_factor", "free_factor")},
)  # fmt: skip
LIMIT = Contract(
    "PCP-LIMIT",
    with_limit,
    (("BETWEEN", limited),),
    requires=(moderate,),
    keeps={f"after.{n}": f"pcp.{n}" for n in (*_NUMBERS, "flags")},
)
LIMIT_OF = Contract(
    "PCP-LIMIT-OF", limit_of, (), requires=(moderate, roomy_then), keeps={f"after.1.{n}": f"pcp.{n}" for n in _NUMBERS}
)
AMOUNTS = (("COUNT", within), ("SCALED", scaled))
FREED_61 = Contract("PCP-FREED-61", freed_61, AMOUNTS, requires=(*GIVEN, is_order))
FREED = Contract("PCP-FREED", freed, AMOUNTS, requires=(*GIVEN, is_order))

OBLIGATIONS = (
    *proofs_of(RUN, Obligation("", (c.FREE_RUN,), "", run_on)),
    *proofs_of(LIMIT, Obligation("", (c.PCP_1,), "", with_limit)),
    *proofs_of(LIMIT_OF, Obligation("", (c.LIMIT_RAISES,), "", limit_of)),
    *proofs_of(FREED_61, Obligation("", (c.AMOUNT_61, c.PCP_3), "", freed_61)),
    *proofs_of(FREED, Obligation("", (c.AMOUNT, c.OWED_HELD), "", freed, contracts=(RUN, LIMIT, LIMIT_OF, FREED_61))),
)
