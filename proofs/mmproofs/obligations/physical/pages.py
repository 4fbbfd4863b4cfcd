"""A request's block on its way: from a zone that it may use and that passed its test; no frame is lost between the lists.

They hold for machines of any zones and marks. Blocks are at most a pageblock, as all are that CPUs keep. That a refill finds
a block that is free is the component ``buddy``'s to prove, and given here.
"""

from __future__ import annotations

import attrs

from mmproofs.obligation import Obligation, bound, function_of
from mmproofs.obligations.physical.buddy.blocks import WITHDRAW, free_block
from mmproofs.obligations.physical.buddy.parts import one_pageblock
from mmproofs.obligations.physical.buddy.states import COUNTERS
from mmproofs.obligations.physical.page_alloc.walks import TAKES, has_marks
from mmspec.clause import Clause
from mmspec.physical.buddy.core import block_over
from mmspec.physical.buddy.ops import CMA, HIGHATOMIC, ISOLATE, ORDINARY
from mmspec.physical.buddy.state import Zone as Frames
from mmspec.physical.buddy.state import kind_at
from mmspec.physical.page_alloc.core import highest_of
from mmspec.physical.page_alloc.ops import GFP_THISNODE, NOWHERE
from mmspec.physical.page_alloc.state import Paths, Scan, has
from mmspec.physical.page_alloc.walk import try_zone
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages import core, parts, ranges
from mmspec.physical.pages.linux import tested
from mmspec.physical.pages.ops import Alloc, Cpu
from mmspec.physical.pages.state import Memory, Parts, zone_of
from mmspec.physical.pcp.core import is_owing, refill_served
from mmspec.physical.pcp.ops import Refill
from mmspec.physical.zones.state import kind_of, node_of
from mmspec.words import Count, Migratetype, Order, Pfn

# --- what its mask allows ------------------------------------------------------------------------------------------------------


def within_mask(memory: Memory, op: Alloc, pfn: Pfn, after: Clause | None) -> bool:
    """A block is of a zone at most as high as the mask allows, on a node of its set, and on its own where it must stay there."""
    if after is not None:
        return True
    zone = zone_of(memory, pfn)
    stays = (op.gfp & GFP_THISNODE == 0) | (node_of(zone) == op.node)
    return (zone != NOWHERE) & (kind_of(zone) <= highest_of(op.gfp)) & has(op.nodes, node_of(zone)) & stays


# --- the test ------------------------------------------------------------------------------------------------------------------


def passed(after: tuple[Paths, Scan, bool]) -> bool:
    """A block may be taken only from a zone that was taken by its test: from one that is left above a mark (``walks.passed``)."""
    return (after[2] == False) | (after[1].taken < NOWHERE)  # noqa: E712  # a truth may be symbolic


# --- a refill ------------------------------------------------------------------------------------------------------------------

KINDS = (ORDINARY, HIGHATOMIC, CMA, ISOLATE)


def total_of(frames: Frames) -> Count:
    """Return the frames that are free, of all kinds."""
    count = 0
    for kind in KINDS:
        count += frames.frames.get(kind, 0)
    return count


def is_served(parts: Parts, cpu: Cpu, pfn: Pfn, order: Order, migratetype: Migratetype) -> bool:
    """The CPU can take the block, and owes nothing."""
    return refill_served(parts.pages, Refill(cpu, pfn, order, migratetype)) & (is_owing(parts.pages, cpu) == False)  # noqa: E712


def within_pageblock(parts: Parts, order: Order) -> bool:
    """The block is at most a pageblock."""
    return order <= parts.zone.span.pageblock_order


def of_a_kind(parts: Parts, pfn: Pfn) -> bool:
    """The block's pageblock is of a kind."""
    kind = kind_at(parts.zone, pfn)
    return (kind == ORDINARY) | (kind >= HIGHATOMIC)


def room_to_hold(parts: Parts, cpu: Cpu) -> bool:
    """What the CPU holds is far from the end of its word."""
    return parts.pages.count.get(cpu, 0) < 1 << 60


def of_one_kind(parts: Parts, pfn: Pfn, order: Order) -> bool:
    """All frames of the block are of its pageblock's kind, and none of another."""
    whole = True
    for kind in KINDS:
        whole &= one_pageblock(parts.zone, pfn, order, kind)
    return whole


def conserved(parts: Parts, cpu: Cpu, after: Parts) -> bool:
    """What leaves the free lists is what the CPU holds more: free and held frames sum to what they were."""
    was = total_of(parts.zone) + parts.pages.count.get(cpu, 0)
    return total_of(after.zone) + after.pages.count.get(cpu, 0) == was


ELSEWHERE = (block_over, core.has_cma, ranges.is_withheld)
"""Looks at other frames than the block's first: whatever they answer."""

_HELD = Obligation(
    "PAGES-HELD-DEFINED", (c.CONSERVED,), "to_held: every call is lawful, and every word fits", parts.to_held,
    given=(bound(free_block, zone="parts.zone"), is_served, within_pageblock, of_a_kind, room_to_hold),
    invariants=tuple(bound(function_of(holds), zone="parts.zone") for holds in COUNTERS), contracts=(WITHDRAW,),
    rests_on=WITHDRAW.ids, operation="refill", invariant="conserved: defined",
)  # fmt: skip

OBLIGATIONS: tuple[Obligation, ...] = (
    Obligation(
        "PAGES-BLOCK-DEFINED", (c.ZONE,), "block_broken: every key is there, and every word fits", core.block_broken,
        forget=ELSEWHERE, operation="alloc", invariant="defined",
    ),
    Obligation(
        "PAGES-WITHIN-MASK", (c.ZONE,), within_mask.__doc__ or "", core.block_broken, within_mask,
        rests_on=("PAGES-BLOCK-DEFINED",), forget=ELSEWHERE, operation="alloc", invariant="within-mask",
    ),
    Obligation(
        "PAGES-PASSED", (c.NO_MARKS,), passed.__doc__ or "", tested, passed, given=(has_marks,), forget=(try_zone,),
        rests_on=TAKES.ids, operation="tested", invariant="passed",
    ),
    _HELD,
    attrs.evolve(
        _HELD, id="PAGES-CONSERVED", statement=conserved.__doc__ or "", goal=conserved, rests_on=(_HELD.id, *_HELD.rests_on),
        also=(of_one_kind,), invariant="conserved",
    ),
)  # fmt: skip
"""What is proved."""
