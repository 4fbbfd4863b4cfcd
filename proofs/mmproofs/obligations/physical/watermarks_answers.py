"""What each operation on the watermarks answers: every word fits, the answer is allowed, and the marks stay in order.

For machines of any zones and any marks. Where an operation computes all marks or reserves anew, what they come to is forgotten
here: the answer does not hang on it, and that the marks of a zone are in order is said of ``mark_zone`` (``watermarks``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, bound, function_of, proofs_of, step_of
from mmspec.clause import Clause
from mmspec.physical.watermarks import clauses as c
from mmspec.physical.watermarks import core, linux
from mmspec.physical.watermarks.invariants import marks_ordered, reserves_rise
from mmspec.physical.watermarks.ops import (
    MAX_MANAGED,
    MAX_NODES,
    NODE_SHIFT,
    Balanced,
    Boost,
    Cpus,
    Factor,
    Fast,
    Held,
    Kswapd,
    LimitPerCpu,
    Limits,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Ok,
    Recommend,
    Refresh,
    Report,
    SetBoostFactor,
    SetManaged,
    SetMinFree,
    SetReserveRatio,
    SetScaleFactor,
    SetTiering,
    Unboost,
    Wake,
    Zone,
    ZoneEnd,
)  # fmt: skip
from mmspec.physical.watermarks.sizes import computed_min_free, limits_of, recommended_min_free, set_up_marks, set_up_reserves
from mmspec.physical.watermarks.state import Machine, Marks
from mmspec.words import MAX_ORDER_LIMIT, Count, Flags, Order

ANEW = (set_up_marks, set_up_reserves, computed_min_free, recommended_min_free, linux.balanced)
"""What an answer does not hang on: what is computed from all zones."""


def room_to_boost(marks: Marks, op: Boost | Fast) -> bool:
    """The zone's boost is far from the end of its word."""
    return marks.boost.get(op.zone, 0) < 1 << 47


def room_to_add(marks: Marks, op: Fast) -> bool:
    """A mark of the zone and its boost are far from the end of their word."""
    most = max(marks.min.get(op.zone, 0), marks.low.get(op.zone, 0), marks.high.get(op.zone, 0), marks.promo.get(op.zone, 0))
    return (most < 1 << 47) & room_to_boost(marks, op)


def summing(zone: ZoneEnd, lowmem: Count, total: Count) -> bool:
    """While sizes are summed up: no sum is more than its zones can have."""
    return (lowmem <= zone * MAX_MANAGED) & (total <= zone * MAX_MANAGED) & (zone <= MAX_NODES << NODE_SHIFT)


SUMMING = LoopInvariant(core.SIZES, summing, id="WATERMARKS-SIZES-STEP")
ONE_NODE = 1 << NODE_SHIFT
"""The zones of the machines on which giving and taking frames is gone through."""


def is_split(local: Cpus, online: Cpus, fraction: Factor) -> bool:
    """There is a CPU to split frames between, and the fraction is one that may be written."""
    return core.can_split(local, online, fraction)


def limits_ordered(after: Limits) -> bool:
    """A batch is one less than a power of two, or one, and four of them are within either limit."""
    whole = (after.batch >= 1) & ((after.batch & (after.batch + 1)) == 0)
    return whole & (after.high_min >= 4 * after.batch) & (after.high_max >= 4 * after.batch)


LIMITS = Contract("WATERMARKS-LIMITS", limits_of, (("ORDERED", limits_ordered),), requires=(is_split,))


def is_order(order: Order) -> bool:
    """The order is one of a block."""
    return order <= MAX_ORDER_LIMIT


def can_serve(machine: Machine, zone: Zone, order: Order, flags: Flags, free: Held, after: bool) -> bool:
    """A request that passes could use a frame of the zone, and there is a block for it."""
    usable = core.zone_usable(machine, zone, order, flags, free) > 0
    return (after == False) | (usable & core.zone_has_block(machine, zone, order, flags))  # noqa: E712  # may be symbolic


ZONE_OK = Contract("WATERMARKS-ZONE-OK", core.zone_ok, (("SERVES", can_serve),), requires=(is_order,))

# --- what is answered --------------------------------------------------------------------------------------------------------


def min_free_answer(machine: Machine, op: SetMinFree, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.set_min_free_allowed(machine, op, after[0]) is None


def scale_answer(machine: Machine, op: SetScaleFactor, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.set_scale_factor_allowed(machine, op, after[0]) is None


def boost_factor_answer(machine: Machine, op: SetBoostFactor, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.set_boost_factor_allowed(machine, op, after[0]) is None


def ratio_answer(machine: Machine, op: SetReserveRatio, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.set_reserve_ratio_allowed(machine, op, after[0]) is None


def tiering_answer(machine: Machine, op: SetTiering, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.set_tiering_allowed(machine, op, after[0]) is None


def managed_answer(machine: Machine, op: SetManaged, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.set_managed_allowed(machine, op, after[0]) is None


def refresh_answer(machine: Machine, op: Refresh, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.refresh_allowed(machine, op, after[0]) is None


def recommend_answer(machine: Machine, op: Recommend, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.recommend_allowed(machine, op, after[0]) is None


def boost_answer(machine: Machine, op: Boost, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.boost_allowed(machine, op, after[0]) is None


def unboost_answer(machine: Machine, op: Unboost, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.unboost_allowed(machine, op, after[0]) is None


def report_answer(machine: Machine, op: Report, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.report_allowed(machine, op, after[0]) is None


def kswapd_answer(machine: Machine, op: Kswapd, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.kswapd_allowed(machine, op, after[0]) is None


def watermarks_answer(machine: Machine, op: LookWatermarks, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.look_watermarks_allowed(machine, op, after[0]) is None


def reserves_answer(machine: Machine, op: LookReserves, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.look_reserves_allowed(machine, op, after[0]) is None


def total_answer(machine: Machine, op: LookTotal, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.look_total_allowed(machine, op, after[0]) is None


def ok_answer(machine: Machine, op: Ok, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.ok_allowed(machine, op, after[0]) is None


def fast_answer(machine: Machine, op: Fast, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.fast_allowed(machine, op, after[0]) is None


def balanced_answer(machine: Machine, op: Balanced, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.balanced_allowed(machine, op, after[0]) is None


def wake_answer(machine: Machine, op: Wake, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.wake_allowed(machine, op, after[0]) is None


def limits_answer(machine: Machine, op: LimitPerCpu, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.limit_per_cpu_allowed(machine, op, after[0]) is None


_ANSWERS: dict[str, tuple[Callable[..., Any], Predicate, Clause]] = {
    "set_min_free": (linux.set_min_free_choose, min_free_answer, c.ACCEPTED),
    "set_scale_factor": (linux.set_scale_factor_choose, scale_answer, c.ARGS),
    "set_boost_factor": (linux.set_boost_factor_choose, boost_factor_answer, c.ACCEPTED),
    "set_reserve_ratio": (linux.set_reserve_ratio_choose, ratio_answer, c.ACCEPTED),
    "set_tiering": (linux.set_tiering_choose, tiering_answer, c.ACCEPTED),
    "set_managed": (linux.set_managed_choose, managed_answer, c.ARGS),
    "refresh": (linux.refresh_choose, refresh_answer, c.ACCEPTED),
    "recommend": (linux.recommend_choose, recommend_answer, c.ACCEPTED),
    "boost": (linux.boost_choose, boost_answer, c.ARGS),
    "unboost": (linux.unboost_choose, unboost_answer, c.ARGS),
    "report": (linux.report_choose, report_answer, c.ARGS),
    "kswapd": (linux.kswapd_choose, kswapd_answer, c.ARGS),
    "watermarks": (linux.look_watermarks_choose, watermarks_answer, c.ORDERED),
    "reserves": (linux.look_reserves_choose, reserves_answer, c.RESERVE_RISES),
    "total": (linux.look_total_choose, total_answer, c.ARGS),
    "ok": (linux.ok_choose, ok_answer, c.OK),
    "fast": (linux.fast_choose, fast_answer, c.FAST_NOTHING),
    "balanced": (linux.balanced_choose, balanced_answer, c.ARGS),
    "wake": (linux.wake_choose, wake_answer, c.ARGS),
    "limit_per_cpu": (linux.limit_per_cpu_choose, limits_answer, c.LIMITS_ORDERED),
}
"""Every operation: what it answers, that it is allowed, and a clause that it would break."""

COMPUTES = ("set_min_free", "set_scale_factor", "set_reserve_ratio", "refresh", "recommend")
"""The operations that compute the marks or reserves of all zones anew."""


def _operation(name: str) -> tuple[Obligation, ...]:
    """Return an operation's obligations: its own claims, that its answer is allowed, and that the marks stay in order."""
    subject, goal, clause = _ANSWERS[name]
    id = f"WATERMARKS-OP-{name.upper().replace('_', '-')}"
    base = Obligation(
        f"{id}-DEFINED", (clause,), f"{name}: every word fits", subject, forget=ANEW, operation=name,
        invariants=(marks_ordered, reserves_rise), invariant="answer: defined", unaided=True,
        **_given(name),
    )  # fmt: skip
    lawful = attrs.evolve(
        base, id=f"{id}-LAWFUL", statement=f"{name}: {function_of(goal).__doc__}", goal=goal, rests_on=(base.id, *base.rests_on),
        invariant="answer: lawful", unaided=name not in ("watermarks", "reserves"),
    )  # fmt: skip
    kept = attrs.evolve(
        base, id=f"{id}-ORDERED", clauses=(c.MARKS_ORDERED,), statement=f"{name}: {marks_ordered.__doc__}",
        goal=bound(marks_ordered, marks="after.1"), rests_on=(base.id, *base.rests_on), invariant="marks: ordered", unaided=False,
    )  # fmt: skip
    return (base, lawful) if name in COMPUTES else (base, lawful, kept)


def _given(name: str) -> dict[str, Any]:
    """Return what an operation's obligations have beside: what is given, and how far they are gone through."""
    if name == "boost":
        return {"given": (room_to_boost,), "bounds": {"boost": "below 2**47"}}
    if name == "set_managed":
        return {"unrolled": (core.SIZES,), "each": {"machine.end": (ONE_NODE,)}, "bounds": {"nodes": "1"}}
    if name == "fast":
        return {
            "given": (room_to_add,), "contracts": (ZONE_OK,), "rests_on": ZONE_OK.ids,
            "bounds": {"marks": "below 2**47", "boost": "below 2**47"},
        }  # fmt: skip
    if name == "limit_per_cpu":
        return {"contracts": (LIMITS,), "rests_on": LIMITS.ids}
    return {}


OBLIGATIONS = (
    attrs.evolve(step_of(SUMMING, Obligation("", (c.ARGS,), "", SUMMING)), operation="loop sizes"),
    *proofs_of(LIMITS, Obligation("", (c.LIMITS_ORDERED,), "", limits_of)),
    # Its text claims nothing on the way, so nothing of that kind is to be proved first.
    *(attrs.evolve(proof, rests_on=()) for proof in proofs_of(ZONE_OK, Obligation("", (c.OK,), "", core.zone_ok))[1:]),
    *(obligation for name in _ANSWERS for obligation in _operation(name)),
)
