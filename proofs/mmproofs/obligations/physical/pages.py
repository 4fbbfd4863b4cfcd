"""A request's block on its way: from a zone that it may use and that passed its test; no frame is lost between the lists.

They hold for machines of any zones and marks. Blocks are at most a pageblock, as all are that CPUs keep. That a refill finds
a block that is free is the component ``buddy``'s to prove, and given here.
"""

from __future__ import annotations

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Obligation
from mmspec.clause import Clause
from mmspec.physical.buddy.core import ACCOUNT, SPLIT, block_over
from mmspec.physical.buddy.ops import CMA, HIGHATOMIC, ISOLATE, ORDINARY
from mmspec.physical.buddy.state import Zone as Frames
from mmspec.physical.buddy.state import kind_at
from mmspec.physical.page_alloc.core import highest_of
from mmspec.physical.page_alloc.ops import ALLOC_NO_WATERMARKS, GFP_THISNODE, NOWHERE, Zone
from mmspec.physical.page_alloc.state import Memory as Counts
from mmspec.physical.page_alloc.state import Paths, Scan, has
from mmspec.physical.page_alloc.walk import above_high, atomic_of, can_give
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages import core, parts, ranges
from mmspec.physical.pages.linux import tested
from mmspec.physical.pages.ops import Alloc, Cpu
from mmspec.physical.pages.state import Memory, Parts, zone_of
from mmspec.physical.pcp.core import is_owing, refill_served
from mmspec.physical.pcp.ops import Refill
from mmspec.physical.watermarks.linux import fast_ok
from mmspec.physical.zones.state import kind_of, node_of
from mmspec.words import Count, Migratetype, Order, Pfn, size_of

# --- what its mask allows ------------------------------------------------------------------------------------------------------


def within_mask(memory: Memory, op: Alloc, pfn: Pfn, after: Clause | None) -> bool:
    """A block is of a zone at most as high as the mask allows, on a node of its set, and on its own where it must stay there."""
    if after is not None:
        return True
    zone = zone_of(memory, pfn)
    stays = (op.gfp & GFP_THISNODE == 0) | (node_of(zone) == op.node)
    return (zone != NOWHERE) & (kind_of(zone) <= highest_of(op.gfp)) & has(op.nodes, node_of(zone)) & stays


# --- the test ------------------------------------------------------------------------------------------------------------------


def not_yet(scan: Scan) -> bool:
    """Nothing was taken yet, nothing was accepted in a zone, and nodes are not reclaimed by themselves."""
    return (scan.taken == NOWHERE) & (scan.grown == 0) & (scan.reclaimed == 0)


def has_marks(scan: Scan) -> bool:
    """The request does not pass all watermarks."""
    return scan.flags & ALLOC_NO_WATERMARKS == 0


def passed(memory: Counts, paths: Paths, scan: Scan, zone: Zone, after: tuple[Paths, Scan, bool]) -> bool:
    """A zone that a block may be taken from passed the check at HIGH, or at the mark that the flags name."""
    if not after[2]:
        return True
    atomic = atomic_of(paths, scan.gfp)
    if above_high(memory.machine, paths, scan, zone, atomic):
        return True
    return fast_ok(memory.machine, paths.marks, zone, scan.order, scan.highest, scan.flags, atomic)


# --- a refill ------------------------------------------------------------------------------------------------------------------


def total_of(frames: Frames) -> Count:
    """Return the frames that are free, of all kinds."""
    count = 0
    for kind in (ORDINARY, HIGHATOMIC, CMA, ISOLATE):
        count += frames.frames.get(kind, 0)
    return count


def is_served(parts: Parts, cpu: Cpu, pfn: Pfn, order: Order, migratetype: Migratetype) -> bool:
    """The CPU can take the block, and owes nothing."""
    return refill_served(parts.pages, Refill(cpu, pfn, order, migratetype)) & (is_owing(parts.pages, cpu) == False)  # noqa: E712


def within_pageblock(parts: Parts, order: Order) -> bool:
    """The block is at most a pageblock."""
    return (order <= parts.zone.span.pageblock_order) & (parts.zone.span.pageblock_order <= parts.zone.span.max_order)


def of_a_kind(parts: Parts, pfn: Pfn) -> bool:
    """The block's pageblock is of a kind."""
    kind = kind_at(parts.zone, pfn)
    return (kind == ORDINARY) | (kind >= HIGHATOMIC)


def far_from_ends(parts: Parts, cpu: Cpu, pfn: Pfn, order: Order) -> bool:
    """The counts cover the block, and are far from the ends of their words."""
    most, kinds = 1 << 58, True
    for kind in (ORDINARY, HIGHATOMIC, CMA, ISOLATE):
        held = parts.zone.frames.get(kind, 0)
        kinds &= (held >= size_of(order)) & (held < most)
    return kinds & (parts.pages.count.get(cpu, 0) < most)


def conserved(parts: Parts, cpu: Cpu, after: Parts) -> bool:
    """What leaves the free lists is what the CPU holds more: free and held frames sum to what they were."""
    was = total_of(parts.zone) + parts.pages.count.get(cpu, 0)
    return total_of(after.zone) + after.pages.count.get(cpu, 0) == was


SPLITS = (LoopInvariant(SPLIT, ()), LoopInvariant(ACCOUNT, ()))
"""How a larger block is split decides which frames are free, not how many."""

WAITING = frozenset({"PAGES-PASSED", "PAGES-CONSERVED"})
"""What is written and not in the ledger, since no answer came within two minutes: it is registered by leaving this set."""

ELSEWHERE = (block_over, core.has_cma, ranges.is_withheld)
"""Looks at other frames than the block's first: whatever they answer."""

_ALL = (
    Obligation(
        "PAGES-BLOCK-DEFINED", (c.ZONE,), "block_broken: every key is there, and every word fits", core.block_broken,
        forget=ELSEWHERE, operation="alloc", invariant="defined",
    ),
    Obligation(
        "PAGES-WITHIN-MASK", (c.ZONE,), within_mask.__doc__ or "", core.block_broken, within_mask,
        rests_on=("PAGES-BLOCK-DEFINED",), forget=ELSEWHERE, operation="alloc", invariant="within-mask",
    ),
    Obligation(
        "PAGES-PASSED", (c.NO_MARKS,), passed.__doc__ or "", tested, passed, given=(not_yet, has_marks), forget=(can_give,),
        operation="alloc", invariant="passed",
    ),
    Obligation(
        "PAGES-CONSERVED", (c.CONSERVED,), conserved.__doc__ or "", parts.to_held, conserved,
        given=(is_served, within_pageblock, of_a_kind, far_from_ends), cuts=SPLITS, operation="refill", invariant="conserved",
    ),
)  # fmt: skip
OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in _ALL if o.id not in WAITING)
"""What is proved."""
