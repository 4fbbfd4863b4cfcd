"""What each change makes of the way to each address, and that the tables form a tree afterwards, of every state in which they do.

By the levels of tables: two ways that come to one table have been one until there, since each table has one parent (PT-12); so
what a change writes into the table that one address reaches, no other comes by. ``WALK`` says what a walk makes of a way, so that
what is said of ways is said of translations: nothing on a way reads as a fault, a leaf as its frame with its rights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.page_map.spaces import (
    ArmSpace,
    RiscvSpace,
    X86Space,
    in_use,
    mapped,
    rooted,
    sound,
    taken,
    tree,
)  # fmt: skip
from mmproofs.obligations.virtual.page_map.ways import (
    come_together,
    in_its_table,
    is_inside,
    is_slot,
    no,
    of_half,
    same_step,
    way,
    way_decides,
    way_sound,
)
from mmspec.clause import Clause
from mmspec.virtual.page_map import clauses as c
from mmspec.virtual.page_map import core, encode
from mmspec.virtual.page_map.ops import Changed, Map, Protect, Unmap
from mmspec.virtual.page_map.state import NO_PAGE, Space, slot_of, walk_to
from mmspec.virtual.page_table.ops import AARCH64, DEFAULTS, RISCV64, X86_64, Pa, Va

# --- answers -----------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Took0(Changed):
    """No table was taken."""

    tables: tuple[()] = ()


@attrs.frozen
class Took1(Changed):
    """One table was taken."""

    tables: tuple[Pa] = (0,)


@attrs.frozen
class Took2(Changed):
    """Two tables were taken."""

    tables: tuple[Pa, Pa] = (0, 0)


@attrs.frozen
class Took3(Changed):
    """Three tables were taken."""

    tables: tuple[Pa, Pa, Pa] = (0, 0, 0)


# --- what is given -------------------------------------------------------------------------------------------------------


def map_lawful(space: Space, op: Map, result: Changed) -> bool:
    """The answer to the map breaks no rule."""
    return core.map_allowed(space, op, result) is None


def unmap_lawful(space: Space, op: Unmap, result: Changed) -> bool:
    """The answer to the unmap breaks no rule."""
    return core.unmap_allowed(space, op, result) is None


def protect_lawful(space: Space, op: Protect, result: Changed) -> bool:
    """The answer to the change of protection breaks no rule."""
    return core.protect_allowed(space, op, result) is None


# --- goals -----------------------------------------------------------------------------------------------------------------


def map_alone(space: Space, op: Map, after: Space, where: Va) -> bool:
    """After a map the way to each address of the page, which ended at nothing, ends at its leaf, and no other at anything new."""
    inside, right = is_inside(space, op.va, op.height, where), True
    leaf = encode.leaf(space.regime, space.upper, op.height, op.pa, op.prot)
    for was, now in zip(way(space, where), way(after, where), strict=True):
        if now.height == op.height:
            right &= no(inside) | (now.reached & (now.entry == leaf) & (no(was.reached) | (was.entry == 0)))
        new = now.reached & no(same_step(was, now))
        pointer = encode.is_table(space.regime, now.height, now.entry) & (no(was.reached) | (was.entry == 0))
        right &= inside | no(new) | pointer | (now.entry == 0)
        right &= no(was.reached) | now.reached
    return right


def unmap_alone(space: Space, op: Unmap, after: Space, where: Va) -> bool:
    """After an unmap the way to each address of the page ends at nothing, and every other way is as it was."""
    inside, right = is_inside(space, op.va, op.height, where), True
    for was, now in zip(way(space, where), way(after, where), strict=True):
        if now.height == op.height:
            right &= no(inside) | (now.reached & (now.entry == 0))
        right &= inside | same_step(was, now)
    return right


def protect_alone(space: Space, op: Protect, after: Space, where: Va) -> bool:
    """After a change of protection the way to each address of the page ends at the leaf of its frame that grants what was asked,
    and every other way is as it was."""
    inside, right, pa = is_inside(space, op.va, op.height, where), True, space.pages.get(op.va, NO_PAGE).pa
    leaf = encode.leaf(space.regime, space.upper, op.height, pa, op.prot)
    for was, now in zip(way(space, where), way(after, where), strict=True):
        if now.height == op.height:
            right &= no(inside) | (now.reached & (now.entry == leaf))
        right &= inside | same_step(was, now)
    return right


def still_tree(after: Space, place: Pa) -> bool:
    """The tables still form a tree, and what stands in them is still sound."""
    return tree(after, place) and taken(after, place) and sound(after, place)


# --- lemmas ----------------------------------------------------------------------------------------------------------------


def _at_height(height: int) -> tuple[Predicate, ...]:
    def changed_way(space: Space, op: Any) -> bool:
        return in_its_table(space, op.va, height)

    def other_way(space: Space, where: Va) -> bool:
        return in_its_table(space, where, height)

    def both_ways(space: Space, op: Any, where: Va) -> bool:
        return come_together(space, op.va, where, height)

    return changed_way, other_way, both_ways


def _own_way(height: int) -> Predicate:
    def own_way(space: Space, va: Va) -> bool:
        return in_its_table(space, va, height)

    return own_way


# --- obligations -------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Shape:
    """Tables of an architecture: the state, the levels, what is fixed of the configuration, and the heights of pages."""

    space: type[Space]
    top: int
    regime: Mapping[str, int]
    heights: tuple[int, ...]

    @property
    def choices(self) -> dict[str, int]:
        """The parts of the state that are fixed."""
        return {"space.top": self.top, **{f"space.regime.{part}": value for part, value in self.regime.items()}}

    @property
    def bounds(self) -> dict[str, str]:
        """What is said of the scope."""
        return {part: str(self.regime[part]) for part in ("va_bits", "phys_bits")}


def _x86(top: int) -> Shape:
    fixed = {name: value for name, value in DEFAULTS[X86_64].items() if name not in ("nxe", "gbpages")}
    return Shape(X86Space, top, {**fixed, "va_bits": 9 * top + 12, "phys_bits": 52}, (1, 2, 3))


def _riscv(top: int) -> Shape:
    return Shape(RiscvSpace, top, {**DEFAULTS[RISCV64], "va_bits": 9 * top + 12, "phys_bits": 56}, tuple(range(1, top + 1)))


def _arm_4k(top: int) -> Shape:
    fixed = {**DEFAULTS[AARCH64], "ds": False, "granule": 12, "va_bits": 9 * top + 12, "phys_bits": 48}
    return Shape(ArmSpace, top, fixed, (1, 2, 3))


SHAPES = {"LA48": _x86(4), "LA57": _x86(5), "SV39": _riscv(3), "SV48": _riscv(4), "SV57": _riscv(5), "ARM-4K": _arm_4k(4)}
HALVES = {"space.upper": (False, True)}


COUNTED = "the entries in use are counted, which the invariants ask of each state of a run (PAGE-MAP-COUNTED)"
PLACED = "a page that is mapped is a leaf on its way, which the invariants ask of each state of a run (PAGE-MAP-WALKS)"


def _of_walk(name: str) -> tuple[Obligation, ...]:
    """Return what is proved of one way: what a walk makes of it, that it is the law's, and that all on it is sound."""
    shape = SHAPES[name]
    walk = Obligation(
        f"PAGE-MAP-{name}-WALK-DEFINED", (c.WALKS,), "Every word fits.", walk_to, given=(rooted, of_half, way_sound),
        types={"space": shape.space}, choices=shape.choices, each=HALVES, bounds=shape.bounds, operation="walk",
        invariant=f"defined {name}",
    )  # fmt: skip
    slot = attrs.evolve(
        walk, id=f"PAGE-MAP-{name}-SLOT-DEFINED", clauses=(c.LOOKED,), subject=slot_of, given=(rooted,), each={"height": (1,)},
        operation="slot",
    )  # fmt: skip
    lemmas = tuple(_own_way(height) for height in range(shape.top - 1, 0, -1))
    return (
        walk, _goal(walk, f"PAGE-MAP-{name}-WALK", way_decides, c.WALKS, c.NOTHING_ELSE, invariant=f"way {name}"),
        slot, _goal(slot, f"PAGE-MAP-{name}-SLOT", is_slot, c.LOOKED, invariant=f"way {name}"),
        _goal(
            slot, f"PAGE-MAP-{name}-SOUND", way_sound, c.TREE, invariants=(tree, taken, sound), also=lemmas,
            invariant=f"sound {name}",
        ),
    )  # fmt: skip


def _goal(base: Obligation, name: str, goal: Predicate, *clauses: Clause, **more: Any) -> Obligation:
    statement = (function_of(goal).__doc__ or "").strip()
    return attrs.evolve(base, id=name, clauses=clauses, statement=statement, goal=goal, rests_on=(base.id,), **more)


def _of_change(
    name: str, operation: str, subject: Callable[..., Any], lawful: Predicate, goal: Predicate, clause: Clause,
    took: type[Changed] = Took0,
) -> tuple[Obligation, ...]:  # fmt: skip
    """Return what is proved of a change: what it makes of the way to any address, and that the tables still form a tree."""
    shape, heights = SHAPES[name], SHAPES[name].heights
    prefix = f"PAGE-MAP-{name}-{operation}"
    base = Obligation(
        f"{prefix}-DEFINED", (clause,), "Every word fits.", subject, given=(rooted, lawful), invariants=(in_use,),
        types={"space": shape.space, "result": took}, choices=shape.choices, bounds=shape.bounds,
        each={"op.height": tuple(height for height in heights if height + len(took(0).tables) <= shape.top)},
        operation=operation.lower(), invariant=f"defined {name}", straight=shape.top in heights, assumptions=(COUNTED,),
    )  # fmt: skip
    lemmas = tuple(lemma for height in range(shape.top - 1, 0, -1) for lemma in _at_height(height))
    alone = _goal(
        base, f"{prefix}-WAY", goal, clause, c.WALKS, c.NOTHING_ELSE, invariants=(in_use, tree, taken, mapped), also=lemmas,
        invariant=f"way {name}", assumptions=(COUNTED, PLACED),
    )  # fmt: skip
    tree_kept = _goal(
        base, f"{prefix}-TREE", still_tree, c.TREE, invariants=(in_use, tree, taken, sound, mapped), also=lemmas[::3],
        invariant=f"tree {name}", assumptions=(COUNTED, PLACED),
    )  # fmt: skip
    return base, alone, tree_kept


def _of(name: str) -> tuple[Obligation, ...]:
    return (
        *_of_walk(name),
        *_of_change(name, "UNMAP", core.unmap_apply, unmap_lawful, unmap_alone, c.UNMAPPED),
        *_of_change(name, "PROTECT", core.protect_apply, protect_lawful, protect_alone, c.PROTECTED),
        *(
            obligation
            for count, took in enumerate((Took0, Took1, Took2, Took3)[: SHAPES[name].top])
            for obligation in _of_change(name, f"MAP{count}", core.map_apply, map_lawful, map_alone, c.MAPPED, took)
        ),
    )


WRITTEN: tuple[Obligation, ...] = tuple(obligation for name in SHAPES for obligation in _of(name))

PROVED = frozenset(
    {
        "PAGE-MAP-ARM-4K-SLOT",
        "PAGE-MAP-ARM-4K-SLOT-DEFINED",
        "PAGE-MAP-ARM-4K-SOUND",
        "PAGE-MAP-ARM-4K-UNMAP-DEFINED",
        "PAGE-MAP-ARM-4K-WALK",
        "PAGE-MAP-ARM-4K-WALK-DEFINED",
        "PAGE-MAP-LA48-SLOT",
        "PAGE-MAP-LA48-SLOT-DEFINED",
        "PAGE-MAP-LA48-SOUND",
        "PAGE-MAP-LA48-UNMAP-DEFINED",
        "PAGE-MAP-LA48-WALK",
        "PAGE-MAP-LA48-WALK-DEFINED",
        "PAGE-MAP-SV39-SLOT",
        "PAGE-MAP-SV39-SLOT-DEFINED",
        "PAGE-MAP-SV39-SOUND",
        "PAGE-MAP-SV39-UNMAP-DEFINED",
        "PAGE-MAP-SV39-UNMAP-TREE",
        "PAGE-MAP-SV39-UNMAP-WAY",
        "PAGE-MAP-SV39-WALK",
        "PAGE-MAP-SV39-WALK-DEFINED",
        "PAGE-MAP-SV48-SLOT",
        "PAGE-MAP-SV48-SLOT-DEFINED",
        "PAGE-MAP-SV48-UNMAP-DEFINED",
        "PAGE-MAP-SV48-WALK",
        "PAGE-MAP-SV48-WALK-DEFINED",
    }
)
"""What has an entry in the ledger, and so is registered. The rest is written, and waits for time alone: none is known to fail."""

OBLIGATIONS: tuple[Obligation, ...] = tuple(obligation for obligation in WRITTEN if obligation.id in PROVED)
"""What is registered."""
