"""When another round of the slow path follows, and what each part of it asks, for requests of any kind and machines of any zones.

A request that is endless goes through endless rounds. ``decided`` says whether one follows: it is paid for by progress of
reclaim, by a pageblock that was turned back, or out of sixteen reclaims in vain, and what compaction grants lowers
(priority, retries). All else that leads to a round is a killed task, a change of cpuset or zonelists, or NOFAIL (``slow``:
``after_kill``, ``again``).
"""

from __future__ import annotations

from mmproofs.obligation import Obligation
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.flags import can_reclaim, is_movable, reserve_flags
from mmspec.physical.page_alloc.ops import (
    GFP_NOFAIL,
    GFP_NORETRY,
    GFP_RETRY_MAYFAIL,
    NOWHERE,
    PAGE,
    RECLAIM,
    SKIPPED,
    WAIT,
    Answer,
)
from mmspec.physical.page_alloc.retry import ANOTHER, MAX_RETRIES, NO_MORE, compacts_again, decided
from mmspec.physical.page_alloc.slow import give_up, round_of
from mmspec.physical.page_alloc.state import Request, Way
from mmspec.physical.page_alloc.steps import is_costly, scan_for
from mmspec.physical.page_alloc.wake import after_waking
from mmspec.physical.page_alloc.walk import walk
from mmspec.words import Kernel

# --- given -------------------------------------------------------------------------------------------------------------------


def countable(request: Request) -> bool:
    """The rounds so far can be counted."""
    return (request.loops < 1 << 30) & (request.round < 1 << 30)


def way_countable(way: Way) -> bool:
    """The rounds so far can be counted."""
    return way.request.round < 1 << 30


def empty_handed(way: Way) -> bool:
    """The request has no block yet."""
    return way.taken == NOWHERE


# --- whether another round follows ---------------------------------------------------------------------------------------------


def once(request: Request, after: tuple[int, Request]) -> bool:
    """NORETRY has no other round; a costly request has one only with RETRY_MAYFAIL."""
    held = (request.gfp & GFP_NORETRY != 0) | (is_costly(request.order) & (request.gfp & GFP_RETRY_MAYFAIL == 0))
    return (not held) | (after[0] == NO_MORE)


def paid_for(request: Request, answer: Answer, after: tuple[int, Request]) -> bool:
    """Another round is paid for by progress, by a pageblock that was turned back, or as one of sixteen reclaims in vain."""
    counted = (after[1].loops == request.loops + 1) & (after[1].loops <= MAX_RETRIES)
    return (after[0] != ANOTHER) | (request.progress != 0) | (answer.released != 0) | counted


def costly_pays(request: Request, answer: Answer, after: tuple[int, Request]) -> bool:
    """A costly request's reclaims are counted, progress or not."""
    return (after[0] == NO_MORE) | (not is_costly(request.order)) | (after[1].loops == request.loops + 1)


def same_request(request: Request, after: tuple[int, Request]) -> bool:
    """Nothing but what is counted changes."""
    r = after[1]
    asked = (r.gfp == request.gfp) & (r.order == request.order) & (r.nodes == request.nodes) & (r.round == request.round)
    return asked & (r.flags == request.flags) & (r.highest == request.highest)


def lowers(r: Request, answer: Answer, after: tuple[bool, Request]) -> bool:
    """If compaction is tried again it was skipped, or its priority is lower, or as low with one of sixteen successes more."""
    now = after[1]
    lower = now.priority < r.priority
    more = (now.priority == r.priority) & (now.retries == r.retries + 1) & (now.retries <= MAX_RETRIES)
    return (not after[0]) | (r.compacted == SKIPPED) | lower | more


def new(kernel: Kernel) -> bool:
    """The kernel is 6.12."""
    return kernel >= 612


# --- what the parts ask ---------------------------------------------------------------------------------------------------------


def ends_or_waits(way: Way, after: Way) -> bool:
    """It has a block, or fails; with NOFAIL, and only then, it waits if it can reclaim."""
    r = way.request
    nofail = (r.gfp & GFP_NOFAIL != 0) & can_reclaim(r.gfp)
    return (after.taken < NOWHERE) | (after.request.asked == (WAIT if nofail else PAGE))


def one_round(way: Way, after: Way) -> bool:
    """One round is begun, and it has a block, reclaims, fails, or waits."""
    asked = after.request.asked
    asks = (asked == RECLAIM) | (asked == PAGE) | (asked == WAIT)
    return (after.request.round == way.request.round + 1) & ((after.taken < NOWHERE) | asks)


def sleepless(way: Way, after: Way) -> bool:
    """A request that cannot reclaim asks for nothing."""
    return can_reclaim(way.request.gfp) | (after.taken < NOWHERE) | (after.request.asked == PAGE)


FORGOTTEN = (walk, scan_for, after_waking, reserve_flags, is_movable)
"""Whether a walk finds a block, and which reserves a request has, does not matter here."""

DEFINED = (
    Obligation(
        "PAGE-ALLOC-DECIDED-DEFINED", (c.LOOPS,), "What is counted fits its word.", decided, given=(countable,),
        operation="decided", invariant="defined",
    ),
    Obligation(
        "PAGE-ALLOC-COMPACTS-DEFINED", (c.COMPACT_SUCCESS,), "What is counted fits its word.", compacts_again, given=(new,),
        operation="compacts_again", invariant="defined",
    ),
    Obligation(
        "PAGE-ALLOC-GIVE-UP-DEFINED", (c.NOPAGE,), "All that is kept fits its word.", give_up, given=(empty_handed,),
        forget=FORGOTTEN, operation="give_up", invariant="defined",
    ),
    Obligation(
        "PAGE-ALLOC-ROUND-DEFINED", (c.RETRY,), "The round fits its word.", round_of, given=(empty_handed, way_countable),
        forget=FORGOTTEN, operation="round_of", invariant="defined",
    ),
)  # fmt: skip

OBLIGATIONS = (
    *DEFINED,
    Obligation(
        "PAGE-ALLOC-DECIDED-ONCE", (c.NORETRY, c.COSTLY), once.__doc__ or "", decided, once, given=(countable,),
        operation="decided", invariant="once", rests_on=("PAGE-ALLOC-DECIDED-DEFINED",),
    ),
    Obligation(
        "PAGE-ALLOC-DECIDED-PAID", (c.LOOPS, c.LOOPS_LIMIT, c.RELEASED), paid_for.__doc__ or "", decided, paid_for,
        given=(countable,), operation="decided", invariant="paid", rests_on=("PAGE-ALLOC-DECIDED-DEFINED",),
    ),
    Obligation(
        "PAGE-ALLOC-DECIDED-COSTLY", (c.LOOPS,), costly_pays.__doc__ or "", decided, costly_pays, given=(countable,),
        operation="decided", invariant="costly", rests_on=("PAGE-ALLOC-DECIDED-DEFINED",),
    ),
    Obligation(
        "PAGE-ALLOC-DECIDED-SAME", (c.LOOPS,), same_request.__doc__ or "", decided, same_request, given=(countable,),
        operation="decided", invariant="same", rests_on=("PAGE-ALLOC-DECIDED-DEFINED",),
    ),
    Obligation(
        "PAGE-ALLOC-COMPACTS-LOWERS", (c.COMPACT_SUCCESS, c.COMPACT_HARDER), lowers.__doc__ or "", compacts_again, lowers,
        given=(new,), operation="compacts_again", invariant="lowers", rests_on=("PAGE-ALLOC-COMPACTS-DEFINED",),
    ),
    Obligation(
        "PAGE-ALLOC-GIVE-UP", (c.NOPAGE, c.NOFAIL_LAST, c.NOFAIL), ends_or_waits.__doc__ or "", give_up, ends_or_waits,
        given=(empty_handed,), forget=FORGOTTEN, operation="give_up", invariant="ends", rests_on=("PAGE-ALLOC-GIVE-UP-DEFINED",),
    ),
    Obligation(
        "PAGE-ALLOC-ROUND-ONE", (c.RETRY, c.NO_RECLAIM), one_round.__doc__ or "", round_of, one_round,
        given=(empty_handed, way_countable), forget=FORGOTTEN, operation="round_of", invariant="one",
        rests_on=("PAGE-ALLOC-ROUND-DEFINED",),
    ),
    Obligation(
        "PAGE-ALLOC-ROUND-SLEEPS", (c.SLEEPS, c.NO_RECLAIM), sleepless.__doc__ or "", round_of, sleepless,
        given=(empty_handed, way_countable), forget=FORGOTTEN, operation="round_of", invariant="sleeps",
        rests_on=("PAGE-ALLOC-ROUND-DEFINED",),
    ),
)  # fmt: skip
