"""The way of a walk: the entries on the way to an address, from the root's down, and what a walk makes of them.

A walk goes on while entries point to tables: that is one loop, and here it is gone through level by level, as ``slot_of`` and the
architectures' walks do, but without their branches, so that one formula speaks of all ways at once.
"""

from __future__ import annotations

import attrs

from mmproofs.obligations.virtual.page_map.spaces import frame_in, is_sound, prot_in
from mmspec.virtual.page_map import encode
from mmspec.virtual.page_map.ops import Height
from mmspec.virtual.page_map.state import Slot, Space, entry_at, in_half, size_bits, table_of
from mmspec.virtual.page_table.ops import NO_FAULT, Entry, Pa, Va
from mmspec.virtual.page_table.walk import Walk


@attrs.frozen
class Step:
    """An entry on the way to an address, and whether all above it point to tables."""

    height: int
    at: Pa
    entry: Entry
    reached: bool


def no(truth: bool) -> bool:
    """Return the other truth; ``not`` would be a branch."""
    return truth == False  # noqa: E712


def way(space: Space, va: Va) -> tuple[Step, ...]:
    """Return the entries on the way to an address."""
    found: tuple[Step, ...] = ()
    table, reached = space.root, True
    for height in range(space.top, 0, -1):
        at = entry_at(space, table, va, height)
        entry = space.memory.get(at, 0)
        found = (*found, Step(height, at, entry, reached))
        reached = reached & encode.is_table(space.regime, height, entry)
        table = encode.table_in(space.regime, entry)
    return found


def same_step(was: Step, now: Step) -> bool:
    """Tell whether a step of a way is as it was."""
    return (now.reached == was.reached) & (no(now.reached) | ((now.at == was.at) & (now.entry == was.entry)))


def is_inside(space: Space, va: Va, height: Height, where: Va) -> bool:
    """Tell whether the page of a height that begins at one address holds another, as far as tables tell addresses apart."""
    return ((va ^ where) & ((1 << space.regime.va_bits) - 1)) >> size_bits(space, height) == 0


# --- what is given -------------------------------------------------------------------------------------------------------


def of_half(space: Space, va: Va) -> bool:
    """The address is of the half."""
    return in_half(space, va)


def way_sound(space: Space, va: Va) -> bool:
    """All that stands on the way to an address is sound."""
    right = True
    for step in way(space, va):
        right &= no(step.reached) | is_sound(space, step.height, step.entry)
    return right


# --- goals -----------------------------------------------------------------------------------------------------------------


def is_slot(space: Space, va: Va, after: Slot) -> bool:
    """What the law calls the slot of an address is where its way ends: at height 1, or at the first entry that is no table's."""
    right = True
    for step in way(space, va):
        ends = step.reached & no(encode.is_table(space.regime, step.height, step.entry))
        here = (after.height == step.height) & (after.at == step.at) & (after.entry == step.entry)
        right &= no(ends) | here
    return right


def way_decides(space: Space, va: Va, after: Walk) -> bool:
    """A walk reads its way alone, translates where that ends at a leaf, to its frame with its rights, and marks nothing."""
    faulted, right = after.fault != NO_FAULT, after.accessed == ()
    for step in way(space, va):
        ends = step.reached & no(encode.is_table(space.regime, step.height, step.entry))
        size, frame = 1 << size_bits(space, step.height), frame_in(space, step.height, step.entry)
        granted = encode.granted(space.regime, space.upper, prot_in(space, step.entry))
        found = (after.pa == frame | (va & (size - 1))) & (after.size == size) & (after.permissions == granted)
        right &= no(ends) | (step.entry == 0 if faulted else (step.entry != 0) & found)
    for step, at in zip(way(space, va), after.used, strict=False):
        right &= (at == step.at) & step.reached
    return right


# --- lemmas ----------------------------------------------------------------------------------------------------------------


def in_its_table(space: Space, va: Va, height: int) -> bool:
    """An entry below the root's that is reached lies in a table of its height, which is not the root."""
    step = way(space, va)[space.top - height]
    table = table_of(space, step.at)
    return no(step.reached) | ((space.height.get(table, 0) == height) & (table != space.root))


def come_together(space: Space, va: Va, where: Va, height: int) -> bool:
    """Two ways that come to one table below the root have been one until there."""
    one, other = way(space, va)[space.top - height], way(space, where)[space.top - height]
    apart = table_of(space, one.at) != table_of(space, other.at)
    return no(one.reached) | no(other.reached) | apart | is_inside(space, va, height + 1, where)
