"""What the page allocator answers to news of a zone, to a boost and to a question about flags: it is what is allowed.

For machines of any zones and marks. A walk and a request end with a block of a zone that may serve it: that is said of the walk's
step (``walks``) and of what the slow path does with it (``rounds``). What Linux notes of requests that wait is records in a map,
which is not lifted: the notes here have no such part (``Known``), so that an operation that asked for it would be an ERROR.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, bases_of, bound, function_of
from mmproofs.obligations.physical.page_alloc.walks import SEEKING, TRY, WALKED
from mmspec.clause import Clause
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc import core, linux
from mmspec.physical.page_alloc.ops import MAX_NODES, Above, Boost, FlagsOf, Node, Reclaimable, Report, Walk, Zone
from mmspec.physical.page_alloc.state import Memory, Paths, has
from mmspec.physical.watermarks.invariants import marks_ordered
from mmspec.physical.zones.state import kind_of, node_of


@attrs.frozen
class Known:
    """Linux's notes without those of the requests that wait."""

    paths: Paths


def room_to_boost(notes: Known, op: Boost) -> bool:
    """The zone's boost is far from the end of its word."""
    return notes.paths.marks.boost.get(op.zone, 0) < 1 << 47


def report_answer(memory: Memory, op: Report, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.report_allowed(memory, op, after[0]) is None


def reclaimable_answer(memory: Memory, op: Reclaimable, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.reclaimable_allowed(memory, op, after[0]) is None


def above_answer(memory: Memory, op: Above, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.above_allowed(memory, op, after[0]) is None


def boost_answer(memory: Memory, op: Boost, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.boost_allowed(memory, op, after[0]) is None


def flags_answer(memory: Memory, op: FlagsOf, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.flags_of_allowed(memory, op, after[0]) is None


def in_order(memory: Memory, notes: Known, zone: Zone) -> bool:
    """A zone's marks follow one another at equal distances."""
    return marks_ordered(memory.machine, notes.paths.marks, zone)


_ANSWERS: dict[str, tuple[Callable[..., Any], Predicate, Clause]] = {
    "report": (linux.report_choose, report_answer, c.ARGS),
    "reclaimable": (linux.reclaimable_choose, reclaimable_answer, c.ARGS),
    "above": (linux.above_choose, above_answer, c.ARGS),
    "boost": (linux.boost_choose, boost_answer, c.ARGS),
    "flags_of": (linux.flags_of_choose, flags_answer, c.ARGS),
}
"""The operations that go through no list: what each answers, that it is allowed, and a clause that it would break."""


def _operation(name: str) -> tuple[Obligation, ...]:
    """Return an operation's obligations: its own claims, that its answer is allowed, and what it keeps."""
    subject, goal, clause = _ANSWERS[name]
    id = f"PAGE-ALLOC-OP-{name.upper().replace('_', '-')}"
    base = Obligation(
        f"{id}-DEFINED", (clause,), f"{name}: every key is there, and every word fits", subject, invariants=(in_order,),
        types={"notes": Known}, operation=name, invariant="answer: defined", unaided=True,
    )  # fmt: skip
    if name == "boost":
        base = attrs.evolve(base, given=(room_to_boost,), bounds={"boost": "below 2**47"})
    goals = {"LAWFUL": (goal, clause), "MARKS": (bound(in_order, notes="after.1"), clause)}
    return base, *(
        attrs.evolve(
            base, id=f"{id}-{column}", clauses=(about,), statement=f"{name}: {(function_of(wanted).__doc__ or '').strip()}",
            goal=wanted, rests_on=(base.id,), invariant=f"answer: {column.lower()}", unaided=column == "LAWFUL",
        )
        for column, (wanted, about) in goals.items()
    )  # fmt: skip


def within_mask(op: Walk, after: Any) -> bool:
    """A walk takes a zone at most as high as the request's bits allow, on a node of its mask, or none."""
    if after[0].failed:
        return True
    zone = after[0].zone
    return (kind_of(zone) <= core.highest_of(op.gfp)) & has(op.nodes, node_of(zone))


def few_nodes(memory: Memory) -> bool:
    """The machine has no more nodes than there can be."""
    return memory.topology.nodes <= MAX_NODES


def few_listed(memory: Memory, notes: Known, any_node: Node) -> bool:
    """No list has more nodes than there can be."""
    return notes.paths.lists.length.get(any_node, 0) <= MAX_NODES


_WALK = Obligation(
    "PAGE-ALLOC-OP-WALK-DEFINED", (c.WALK,), "walk: every key is there, and every word fits", linux.walk_choose,
    types={"notes": Known}, cuts=(SEEKING, WALKED), contracts=(TRY,), given=(few_nodes,), invariants=(few_listed,),
    assumptions=("no list has more nodes than there are, as ZONES-ORDER-FEW proves of its building",),
    operation="walk", invariant="answer: defined",
)  # fmt: skip
_WALKS = attrs.evolve(_WALK, rests_on=bases_of(_WALK))

OBLIGATIONS = (
    *(obligation for name in _ANSWERS for obligation in _operation(name)),
    _WALKS,
    attrs.evolve(
        _WALKS, id="PAGE-ALLOC-OP-WALK-WITHIN", clauses=(c.ZONE,), statement=within_mask.__doc__ or "", goal=within_mask,
        rests_on=(_WALKS.id, *_WALKS.rests_on), invariant="answer: within",
    ),
)  # fmt: skip
