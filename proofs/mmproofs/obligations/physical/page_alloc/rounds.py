"""When another round of the slow path follows, and what each part of it asks, for requests of any kind and machines of any zones.

A request that is endless goes through endless rounds. ``decided`` says whether one follows: it is paid for by progress of
reclaim, by a pageblock that was turned back, or out of sixteen reclaims in vain, and what compaction grants lowers
(priority, retries). All else that leads to a round is a killed task, a change of cpuset or zonelists, or NOFAIL (``slow``:
``after_kill``, ``again``).
"""

from __future__ import annotations

import attrs

from mmproofs.obligation import Contract, Obligation, Predicate, bases_of, function_of, proofs_of
from mmspec.clause import Clause
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.flags import can_reclaim, is_movable, reserve_flags, slow_flags
from mmspec.physical.page_alloc.ops import (
    COMPACT,
    COMPACT_AGAIN,
    DRAIN,
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
from mmspec.physical.page_alloc.retry import ANOTHER, MAX_RETRIES, NO_MORE, compacts_again, decided, is_hopeful
from mmspec.physical.page_alloc.slow import compacts_first, give_up, has_zone_for, is_insane, restart, resumed, round_of
from mmspec.physical.page_alloc.state import Request, Way
from mmspec.physical.page_alloc.steps import is_costly, scan_for
from mmspec.physical.page_alloc.wake import after_waking
from mmspec.physical.page_alloc.walk import walk
from mmspec.words import Kernel

# --- given -------------------------------------------------------------------------------------------------------------------


def countable(request: Request) -> bool:
    """The reclaims so far can be counted."""
    return request.loops < 1 << 30


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
    """One round is begun, and it has a block, reclaims, fails, or, with NOFAIL, waits."""
    asked = after.request.asked
    asks = (asked == RECLAIM) | (asked == PAGE) | ((asked == WAIT) & (way.request.gfp & GFP_NOFAIL != 0))
    return (after.request.round == way.request.round + 1) & ((after.taken < NOWHERE) | asks)


def sleepless(way: Way, after: Way) -> bool:
    """A request that cannot reclaim asks for nothing."""
    return can_reclaim(way.request.gfp) | (after.taken < NOWHERE) | (after.request.asked == PAGE)


FORGOTTEN = (walk, scan_for, after_waking, reserve_flags, is_movable)
"""Whether a walk finds a block, and which reserves a request has, does not matter here."""

# --- at most one round ---------------------------------------------------------------------------------------------------------


def begun_once(way: Way, after: Way) -> bool:
    """The path begins anew with one round at most, and with none where it asks for compaction first."""
    asked, rounds = after.request.asked, after.request.round
    asks = (asked == COMPACT) | (asked == RECLAIM) | (asked == PAGE) | (asked == WAIT)
    waits = (asked != WAIT) | (after.request.gfp & GFP_NOFAIL != 0)
    return (after.taken < NOWHERE) | (asks & waits & (rounds <= 1) & ((asked != COMPACT) | (rounds == 0)))


def only_once(r: Request) -> bool:
    """A request with NORETRY and without NOFAIL is in its first round, before it if it waits for the first compaction."""
    once = (r.round <= 1) & ((r.asked != COMPACT) | (r.round == 0))
    waits = (r.asked == COMPACT) | (r.asked == RECLAIM) | (r.asked == DRAIN) | (r.asked == COMPACT_AGAIN)
    return once & waits & (r.gfp & GFP_NORETRY != 0) & (r.gfp & GFP_NOFAIL == 0)


def waits_once(way: Way) -> bool:
    """The request is one that makes one round, and waits, its reclaims countable."""
    return only_once(way.request) & countable(way.request) & (way.taken == NOWHERE)


def still_once(way: Way, after: Way) -> bool:
    """It has a block, ends in vain, or waits within its first round since the path last began."""
    return (after.taken < NOWHERE) | (after.request.asked == PAGE) | only_once(after.request)


# --- the obligations -----------------------------------------------------------------------------------------------------------

_ASKED = ("gfp", "order", "node", "nodes", "highest", "flags", "round", "asked", "context", "cpusets", "mems", "changed")
COMPACTS = Contract(
    "PAGE-ALLOC-COMPACT-AGAIN", compacts_again, (), keeps={f"after.1.{n}": f"r.{n}" for n in (*_ASKED, "loops", "progress")},
)  # fmt: skip
DECIDES = Contract(
    "PAGE-ALLOC-DECIDED", decided, (("ONCE", once),), requires=(countable,),
    keeps={f"after.1.{n}": f"request.{n}" for n in _ASKED},
)  # fmt: skip
GIVES_UP = Contract(
    "PAGE-ALLOC-GIVE-UP", give_up, (("ENDS", ends_or_waits),), requires=(empty_handed,),
    keeps={"after.request.gfp": "way.request.gfp", "after.request.round": "way.request.round"},
)  # fmt: skip
BEGINS = Contract(
    "PAGE-ALLOC-ROUND", round_of, (("ONE", one_round), ("SLEEPS", sleepless)), requires=(empty_handed, way_countable),
    keeps={"after.request.gfp": "way.request.gfp"},
)  # fmt: skip
RESTARTS = Contract(
    "PAGE-ALLOC-RESTART", restart, (("ONCE", begun_once),), requires=(empty_handed,),
    keeps={"after.request.gfp": "way.request.gfp"},
)  # fmt: skip

_DECIDED = Obligation("", (c.NORETRY, c.COSTLY, c.LOOPS), "", decided, contracts=(COMPACTS,))
_ROUND = Obligation("", (c.RETRY, c.NO_RECLAIM), "", round_of, forget=FORGOTTEN, contracts=(GIVES_UP,))
_RESTART = Obligation(
    "", (c.RESTART, c.RETRY), "", restart, forget=(*FORGOTTEN, has_zone_for, is_insane, slow_flags, compacts_first),
    contracts=(GIVES_UP, BEGINS),
)  # fmt: skip
_RESUMED = Obligation(
    "PAGE-ALLOC-RESUMED-DEFINED", (c.NORETRY,), "Every call is lawful, and every word fits.", resumed, given=(waits_once,),
    forget=(*FORGOTTEN, is_hopeful), contracts=(GIVES_UP, BEGINS, RESTARTS, DECIDES), operation="resumed", invariant="defined",
)  # fmt: skip


def _decided(name: str, clauses: tuple[Clause, ...], goal: Predicate) -> Obligation:
    """Return an obligation about whether another round follows."""
    return attrs.evolve(
        _DECIDED, id=f"PAGE-ALLOC-DECIDED-{name}", clauses=clauses, statement=(function_of(goal).__doc__ or "").strip(),
        goal=goal, given=(countable,), operation="decided", invariant=name.lower(),
        rests_on=("PAGE-ALLOC-DECIDED-DEFINED", *bases_of(_DECIDED)),
    )  # fmt: skip


_COMPACTS = Obligation(
    "PAGE-ALLOC-COMPACTS-DEFINED", (c.COMPACT_SUCCESS,), "What is counted fits its word.", compacts_again, given=(new,),
    operation="compacts_again", invariant="defined",
)  # fmt: skip

OBLIGATIONS = (
    *proofs_of(COMPACTS, Obligation("", (c.COMPACT_SUCCESS, c.COMPACT_61), "", compacts_again)),
    *proofs_of(DECIDES, _DECIDED),
    _decided("PAID", (c.LOOPS, c.LOOPS_LIMIT, c.RELEASED), paid_for),
    _decided("COSTLY", (c.LOOPS,), costly_pays),
    _COMPACTS,
    attrs.evolve(
        _COMPACTS, id="PAGE-ALLOC-COMPACTS-LOWERS", clauses=(c.COMPACT_SUCCESS, c.COMPACT_HARDER), goal=lowers,
        statement=lowers.__doc__ or "", invariant="lowers", rests_on=(_COMPACTS.id,),
    ),
    *proofs_of(GIVES_UP, Obligation("", (c.NOPAGE, c.NOFAIL_LAST, c.NOFAIL), "", give_up, forget=FORGOTTEN)),
    *proofs_of(BEGINS, _ROUND),
    *proofs_of(RESTARTS, _RESTART),
    attrs.evolve(_RESUMED, rests_on=bases_of(_RESUMED)),
    attrs.evolve(
        _RESUMED, id="PAGE-ALLOC-RESUMED-ONCE", statement=still_once.__doc__ or "", goal=still_once, invariant="once",
        rests_on=(_RESUMED.id, *bases_of(_RESUMED)),
    ),
)  # fmt: skip
