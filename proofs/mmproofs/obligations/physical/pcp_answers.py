"""What each operation on the blocks that CPUs hold answers, and what stays true of them: held lawfully, owed no more than held.

For zones of any size, any number of CPUs and blocks. The rings that Linux keeps its lists in are those of ``linked``: which block
a request is handed is proved from what is true of them (``pcp.invariants.linked_both_ways``). That operations keep them so, and
that a list is empty only where no block is kept for it, is not proved: programs hold it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Contract, Obligation, Predicate, bases_of, function_of, proofs_of
from mmproofs.obligations.physical.pcp import COVERED
from mmproofs.obligations.physical.pcp_amounts import FREED, ROOM, moderate
from mmspec.clause import Clause
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp import core, linux
from mmspec.physical.pcp.amounts import decayed, freed, requested, wanted
from mmspec.physical.pcp.invariants import (
    held_lawfully,
    kept_lawfully,
    linked_both_ways,
    owed_lawfully,
    scaled_lawfully,
)
from mmspec.physical.pcp.ops import (
    Alloc,
    Bulk,
    Cacheinfo,
    Cpu,
    Decay,
    Disable,
    Drain,
    DrainAll,
    Enable,
    Expire,
    Free,
    Limits,
    Refill,
    Tune,
    Want,
)
from mmspec.physical.pcp.parameters import fraction_served, limits_of
from mmspec.physical.pcp.state import NOT_HELD, Pages, PcpLists, cpu_holding, order_held
from mmspec.words import Count, Pfn

# --- what is given -------------------------------------------------------------------------------------------------------------

ROOMY = {"counts": "below 2**50"}


def roomy(pages: Pages, lists: PcpLists, any_cpu: Cpu) -> bool:
    """What is counted of a CPU is far from the end of its word."""
    limits = (lists.high.get(any_cpu, 0) < ROOM) & (lists.free_count.get(any_cpu, 0) < ROOM)
    return limits & (pages.count.get(any_cpu, 0) < ROOM)


def covers(pages: Pages, lists: PcpLists, pfn: Pfn) -> bool:
    """The count of a CPU covers each block that it holds."""
    holding = pages.held.get(pfn, NOT_HELD)
    return (holding == NOT_HELD) | (pages.count.get(cpu_holding(holding), 0) >= 1 << order_held(holding))


def is_shared(cpus: Count) -> bool:
    """There is a CPU to split frames between."""
    return cpus >= 1


def is_fraction(fraction: Count) -> bool:
    """The fraction is one that may be written."""
    return fraction_served(fraction)


def some_each(after: Limits) -> bool:
    """A batch and both limits are a frame at least."""
    return (after.batch >= 1) & (after.high_min >= 1) & (after.high_max >= 1)


LIMITS = Contract("PCP-LIMITS", limits_of, (("SOME", some_each),), requires=(is_shared, is_fraction))

# --- what is answered ----------------------------------------------------------------------------------------------------------


def alloc_answer(pages: Pages, op: Alloc, after: Any) -> bool:
    """A block that is handed out is one that the CPU holds for such a request; a refusal of what is not served is right."""
    unserved = (not core.alloc_served(pages, op)) or core.is_owing(pages, op.cpu)
    return True if after[0].failed and not unserved else core.alloc_allowed(pages, op, after[0]) is None


def want_answer(pages: Pages, op: Want, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.want_allowed(pages, op, after[0]) is None


def refill_answer(pages: Pages, op: Refill, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.refill_allowed(pages, op, after[0]) is None


def free_answer(pages: Pages, op: Free, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.free_allowed(pages, op, after[0]) is None


def bulk_answer(pages: Pages, op: Bulk, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.bulk_allowed(pages, op, after[0]) is None


def drain_answer(pages: Pages, op: Drain, after: Any) -> bool:
    """A block that goes back is one that the CPU holds."""
    return after[0].failed or core.drain_allowed(pages, op, after[0]) is None


def drain_all_answer(pages: Pages, op: DrainAll, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.drain_all_allowed(pages, op, after[0]) is None


def decay_answer(pages: Pages, op: Decay, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.plan_allowed(pages, op, after[0]) is None


def expire_answer(pages: Pages, op: Expire, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.plan_allowed(pages, op, after[0]) is None


def tune_answer(pages: Pages, op: Tune, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.tune_allowed(pages, op, after[0]) is None


def disable_answer(pages: Pages, op: Disable, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.disable_allowed(pages, op, after[0]) is None


def enable_answer(pages: Pages, op: Enable, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.enable_allowed(pages, op, after[0]) is None


def cacheinfo_answer(pages: Pages, op: Cacheinfo, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.cacheinfo_allowed(pages, op, after[0]) is None


# --- what stays true -----------------------------------------------------------------------------------------------------------


def applied(pages: Pages, op: Any, result: Any) -> Pages:
    """Return the pages after an operation."""
    if isinstance(op, Alloc):
        return core.alloc_apply(pages, op, result)
    if isinstance(op, Refill):
        return core.refill_apply(pages, op, result)
    if isinstance(op, Free):
        return core.free_apply(pages, op, result)
    if isinstance(op, Bulk):
        return core.bulk_apply(pages, op, result)
    if isinstance(op, Drain):
        return core.drain_apply(pages, op, result)
    if isinstance(op, Disable):
        return core.disable_apply(pages, op, result)
    return core.enable_apply(pages, op, result) if isinstance(op, Enable) else pages


def held_then(pages: Pages, op: Any, after: Any, pfn: Pfn) -> bool:
    """A held block is still aligned, inside the zone, of an order that is kept, and held by a CPU that there is."""
    return held_lawfully(applied(pages, op, after[0]), after[1], pfn)


def kept_then(pages: Pages, op: Any, after: Any, pfn: Pfn) -> bool:
    """A held block is still kept for a type that requests have."""
    return kept_lawfully(applied(pages, op, after[0]), after[1], pfn)


def owed_then(pages: Pages, op: Any, after: Any, cpu: Cpu) -> bool:
    """A CPU still gives back no more frames than it holds."""
    return owed_lawfully(applied(pages, op, after[0]), after[1], cpu)


def scaled_then(pages: Pages, op: Any, after: Any, cpu: Cpu) -> bool:
    """No batch is scaled by more bits than the largest scale."""
    return scaled_lawfully(applied(pages, op, after[0]), after[1], cpu)


# --- the obligations -----------------------------------------------------------------------------------------------------------

_ANSWERS: dict[str, tuple[Callable[..., Any], Predicate, Clause]] = {
    "alloc": (linux.alloc_choose, alloc_answer, c.ALLOC_HELD),
    "want": (linux.want_choose, want_answer, c.WANT_SOME),
    "refill": (linux.refill_choose, refill_answer, c.REFILL),
    "free": (linux.free_choose, free_answer, c.OWED_HELD),
    "bulk": (linux.bulk_choose, bulk_answer, c.BULK),
    "drain": (linux.drain_choose, drain_answer, c.DRAIN),
    "drain_all": (linux.drain_all_choose, drain_all_answer, c.DRAIN_ALL),
    "decay": (linux.decay_choose, decay_answer, c.PLAN),
    "expire": (linux.expire_choose, expire_answer, c.PLAN),
    "tune": (linux.tune_choose, tune_answer, c.TUNE),
    "disable": (linux.disable_choose, disable_answer, c.DISABLED),
    "enable": (linux.enable_choose, enable_answer, c.DISABLED),
    "cacheinfo": (linux.cacheinfo_choose, cacheinfo_answer, c.CACHEINFO),
}
"""Every operation: what it answers, that it is allowed, and a clause that it would break."""

_KEPT: dict[str, tuple[Predicate, Clause]] = {
    "HELD": (held_then, c.HELD),
    "TYPES": (kept_then, c.PCP_4),
    "OWED": (owed_then, c.OWED_HELD),
    "SCALED": (scaled_then, c.PCP_3),
}
"""What an operation keeps true, by the column of the matrix."""


AMOUNTS = (requested, wanted, freed, decayed)
"""Which blocks are held, and for what, does not hang on how many move at once."""

CALLS = {"tune": LIMITS, "free": FREED}
"""Whose contract stands for their text, by the operation that calls them."""

TAKES, TAKING = ("alloc", "drain"), (linked_both_ways, covers)
"""The operations that take a block from a list, and what is known of lists and counts for them."""


def _operation(name: str) -> tuple[Obligation, ...]:
    """Return an operation's obligations: its own claims, that its answer is allowed, and what it keeps."""
    subject, goal, clause = _ANSWERS[name]
    id = f"PCP-OP-{name.upper().replace('_', '-')}"
    base = Obligation(
        f"{id}-DEFINED", (clause,), f"{name}: every key is there, and every word fits", subject, given=(moderate,),
        invariants=(held_lawfully, kept_lawfully, owed_lawfully, scaled_lawfully, roomy, *(TAKING if name in TAKES else ())),
        operation=name, invariant="pages: defined", bounds=ROOMY, assumptions=(COVERED,), unaided=True,
    )  # fmt: skip
    if name in CALLS:
        base = attrs.evolve(base, contracts=(CALLS[name],))
        base = attrs.evolve(base, rests_on=bases_of(base))
    goals = {"LAWFUL": (goal, clause), **_KEPT}
    return base, *(
        attrs.evolve(
            base, id=f"{id}-{column}", clauses=(about,), statement=f"{name}: {(function_of(after).__doc__ or '').strip()}",
            goal=after, rests_on=(base.id, *base.rests_on), invariant=f"pages: {column.lower()}", unaided=column == "LAWFUL",
            forget=AMOUNTS if column in ("HELD", "TYPES") or (column == "OWED" and name != "free") else (),
        )
        for column, (after, about) in goals.items()
    )  # fmt: skip


OBLIGATIONS = (
    *proofs_of(LIMITS, Obligation("", (c.TUNE,), "", limits_of)),
    *(obligation for name in _ANSWERS for obligation in _operation(name)),
)
