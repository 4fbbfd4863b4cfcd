"""Zones and zonelists: which zone a request may use, where zones lie, in which order a node's are tried, what is counted.

The zones of one node are proved in their order for every machine; the order of nodes is in ``zonelists``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, function_of
from mmspec.clause import Clause
from mmspec.errors import Done
from mmspec.physical.zones import clauses as c
from mmspec.physical.zones import core, linux
from mmspec.physical.zones.ops import (
    DMA,
    DMA32,
    HIGHMEM,
    KINDS,
    MOVABLE,
    NORMAL,
    CountPlacement,
    GfpBits,
    GfpZone,
    Kind,
    KindSet,
    LookPlacement,
    Node,
    PossibleRange,
    Range,
    Rebuild,
    SetCpus,
    Zone,
)  # fmt: skip
from mmspec.physical.zones.state import Lists, Topology, is_built, kind_of, zone_at

# --- the table of zone bits ------------------------------------------------------------------------------------------------

TABLE = {
    0b0000: NORMAL, 0b0001: DMA, 0b0010: HIGHMEM, 0b0100: DMA32, 0b1000: NORMAL, 0b1001: DMA, 0b1010: MOVABLE, 0b1100: DMA32,
}  # fmt: skip
"""The kind that each of the sixteen combinations of bits names; the others are GFP_ZONE_BAD (include/linux/gfp.h, v6.12)."""


def by_table(kinds: KindSet, bits: GfpBits, after: Kind) -> bool:
    """Each combination of bits gives the kind of the kernel's table, or NORMAL where that is not built in; the rest is bad."""
    right = True
    for entry in range(16):
        here = bits != entry
        if entry in TABLE:
            wanted = TABLE[entry]
            missing = is_built(kinds, wanted) == False  # noqa: E712  # a truth may be symbolic
            given = ((after == wanted) & ((missing == False) | (wanted == MOVABLE))) | ((after == NORMAL) & missing)  # noqa: E712
            right &= here | ((core.is_bad(bits) == False) & given)  # noqa: E712
        else:
            right &= here | core.is_bad(bits)
    return right


# --- where zones lie ---------------------------------------------------------------------------------------------------------


def adjoins(op: PossibleRange, after: Range) -> bool:
    """A kind begins where the one below it ends, DMA where memory does; it ends behind its beginning, inside memory."""
    below = core.range_of(attrs.evolve(op, kind=op.kind - 1)).end if op.kind > DMA else op.start
    inside = (op.start <= after.start) & (after.end <= op.end)
    return (after.start == below) & (after.start <= after.end) & inside


# --- the zones of one node ---------------------------------------------------------------------------------------------------


def downwards(lists: Lists, node: Node, after: tuple[Zone, ...], kind: Kind) -> bool:
    """Each zone of the node that was listed stands there once, no other does, and each is of a lower kind than the one before."""
    count, falls, before = 0, True, KINDS
    for zone in after:
        count += zone == zone_at(node, kind)
        falls &= kind_of(zone) < before
        before = kind_of(zone)
    return falls & (count == lists.listed.get(zone_at(node, kind), False))


# --- placement ---------------------------------------------------------------------------------------------------------------


def room_to_count(topology: Topology, any_zone: Zone) -> bool:
    """No zone has served so often that its counts leave their words."""
    most = 1 << 60
    served = (topology.hit.get(any_zone, 0) < most) & (topology.miss.get(any_zone, 0) < most)
    return served & (topology.foreign.get(any_zone, 0) < most) & (topology.local.get(any_zone, 0) < most) & (
        topology.other.get(any_zone, 0) < most
    )  # fmt: skip


def few_calls(op: CountPlacement) -> bool:
    """Not too many allocations are counted at once."""
    return op.calls < 1 << 60


def one_of(first: tuple[int, int], second: tuple[int, int], calls: int) -> bool:
    """Of two counts, each before and after, one rises by the calls and the other stays."""
    rises, stays = first[1] == first[0] + calls, second[1] == second[0]
    return (rises & stays) | ((second[1] == second[0] + calls) & (first[1] == first[0]))


def counted_twice(topology: Topology, op: CountPlacement, after: Topology, zone: Zone) -> bool:
    """The zone's hits or its misses rise by the calls, and so do local or other: their sums stay equal. Other zones' stay."""
    hit = topology.hit.get(zone, 0), after.hit.get(zone, 0)
    miss = topology.miss.get(zone, 0), after.miss.get(zone, 0)
    local = topology.local.get(zone, 0), after.local.get(zone, 0)
    other = topology.other.get(zone, 0), after.other.get(zone, 0)
    if zone == op.zone and op.counted != 0:
        return one_of(hit, miss, op.calls) & one_of(local, other, op.calls)
    return (hit[0] == hit[1]) & (miss[0] == miss[1]) & (local[0] == local[1]) & (other[0] == other[1])


def missed_as_foreign(topology: Topology, op: CountPlacement, after: Topology, zone: Zone, other: Zone) -> bool:
    """The served zone's misses rise by as many as the preferred zone's foreign, and no other zone's do."""
    misses = after.miss.get(op.zone, 0) - topology.miss.get(op.zone, 0)
    foreign = after.foreign.get(op.preferred, 0) - topology.foreign.get(op.preferred, 0)
    same = (zone == op.zone) | (after.miss.get(zone, 0) == topology.miss.get(zone, 0))
    theirs = (other == op.preferred) | (after.foreign.get(other, 0) == topology.foreign.get(other, 0))
    return (misses == foreign) & same & theirs


_PLACED = Obligation(
    "ZONES-COUNTED-DEFINED", (c.SUMS,), "Counting allocations: every count fits its word.", core.count_placement_apply,
    given=(few_calls,), invariants=(room_to_count,), choices={Done: (Done(),)}, types={"result": Done},
    operation="placements", invariant="defined", bounds={"calls": "below 2**60"},
)  # fmt: skip


def _goal(base: Obligation, id: str, goal: Predicate, *clauses: Clause, **more: Any) -> Obligation:
    """Return the obligation of a goal about what a base is defined for."""
    return attrs.evolve(
        base, id=id, clauses=clauses, statement=(function_of(goal).__doc__ or "").strip(), goal=goal, rests_on=(base.id,),
        invariant=id.rpartition(f"{base.id.rpartition('-')[0]}-")[2].lower(), **more,
    )  # fmt: skip


# --- answers -------------------------------------------------------------------------------------------------------------------


def gfp_answer(topology: Topology, op: GfpZone, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.gfp_zone_allowed(topology, op, after[0]) is None


def range_answer(topology: Topology, op: PossibleRange, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.possible_range_allowed(topology, op, after[0]) is None


def cpus_answer(topology: Topology, op: SetCpus, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.set_cpus_allowed(topology, op, after[0]) is None


def rebuild_answer(topology: Topology, op: Rebuild, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.rebuild_allowed(topology, op, after[0]) is None


def count_answer(topology: Topology, op: CountPlacement, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.count_placement_allowed(topology, op, after[0]) is None


def placement_answer(topology: Topology, op: LookPlacement, after: Any) -> bool:
    """What Linux answers is allowed."""
    return core.look_placement_allowed(topology, op, after[0]) is None


_ANSWERS: dict[str, tuple[Callable[..., Any], Predicate, Clause]] = {
    "gfp_zone": (linux.gfp_zone_choose, gfp_answer, c.GFP_BAD),
    "possible_range": (linux.possible_range_choose, range_answer, c.TILE),
    "set_cpus": (linux.set_cpus_choose, cpus_answer, c.ACCEPTED),
    "rebuild": (linux.rebuild_choose, rebuild_answer, c.ACCEPTED),
    "count_placement": (linux.count_placement_choose, count_answer, c.ACCEPTED),
    "placement": (linux.look_placement_choose, placement_answer, c.HIT),
}
"""The operations whose answers hang on no list: what Linux answers, that it is allowed, and a clause that it would break."""


def _answer(name: str) -> tuple[Obligation, ...]:
    """Return the obligations that an operation of Linux answers, and what is allowed."""
    subject, goal, clause = _ANSWERS[name]
    id = f"ZONES-{name.upper().replace('_', '-')}"
    base = Obligation(
        f"{id}-DEFINED", (clause,), f"{name}: every word fits", subject, forget=(linux.built,), operation=name,
        invariant="answer: defined",
    )  # fmt: skip
    lawful = attrs.evolve(
        base, id=f"{id}-LAWFUL", statement=f"{name}: {function_of(goal).__doc__}", goal=goal, rests_on=(base.id,),
        invariant="answer: lawful",
    )  # fmt: skip
    return (attrs.evolve(lawful, rests_on=()),) if name in ("set_cpus", "count_placement") else (base, lawful)


_GFP = Obligation(
    "ZONES-GFP-DEFINED", (c.GFP_PLAIN,), "The answer is a kind of zone.", core.gfp_zone, operation="zone of a request",
    invariant="defined",
)  # fmt: skip
_RANGE = Obligation(
    "ZONES-RANGE-DEFINED", (c.TILE,), "Both ends are frame numbers.", core.range_of, given=(core.can_lie,),
    operation="range of a kind", invariant="defined",
)  # fmt: skip
_ON = Obligation(
    "ZONES-NODE-DEFINED", (c.DOWNWARDS,), "Every zone of the node has a number.", linux.zones_on, operation="zones of a node",
    invariant="defined",
)  # fmt: skip

OBLIGATIONS = (
    _GFP,
    _goal(_GFP, "ZONES-GFP-TABLE", by_table, c.GFP_PLAIN, c.GFP_DMA, c.GFP_HIGHMEM, c.GFP_MOVABLE, c.GFP_MISSING, c.GFP_BAD),
    _RANGE,
    _goal(_RANGE, "ZONES-RANGE-ADJOINS", adjoins, c.TILE),
    _ON,
    _goal(_ON, "ZONES-NODE-DOWNWARDS", downwards, c.DOWNWARDS, c.ONCE),
    _PLACED,
    _goal(_PLACED, "ZONES-COUNTED-TWICE", counted_twice, c.SUMS, c.HIT, c.MISS, c.LOCAL, c.UNCOUNTED, unaided=True),
    _goal(_PLACED, "ZONES-COUNTED-MISSED", missed_as_foreign, c.MISS, c.SUMS, unaided=True),
    *(obligation for name in _ANSWERS for obligation in _answer(name)),
)  # fmt: skip
