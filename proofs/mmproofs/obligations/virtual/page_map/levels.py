"""What one entry is to the ways of all addresses: who comes by it, and what its store changes of them.

In a tree an entry that an address's way reaches is on the ways to the addresses that its span holds, at its height alone, and on
no other; and a store changes of a way only what begins with the entry stored. Neither asks what is stored: a change is a few of
these, and no formula need hold more than one store. Written, not decided: nothing of it is registered, and nothing rests on it.
"""

from __future__ import annotations

from mmproofs.obligation import Contract, Predicate
from mmproofs.obligations.virtual.page_map.ways import come_together, in_its_table, is_inside, no, way
from mmspec.virtual.page_map import encode
from mmspec.virtual.page_map.ops import Height
from mmspec.virtual.page_map.state import Slot, Space, size_bits, slot_of, store, table_of
from mmspec.virtual.page_table.ops import Entry, Pa, Va

# --- goals -----------------------------------------------------------------------------------------------------------------


def ends_there(space: Space, va: Va, height: Height, after: Slot) -> bool:
    """A slot is the entry of its height on the way to its address, or the one above it at which the way ends."""
    right = True
    for step in way(space, va):
        goes_on = (step.height > height) & encode.is_table(space.regime, step.height, step.entry)
        ends = step.reached & no(goes_on) & (step.height >= height)
        here = (after.height == step.height) & (after.at == step.at) & (after.entry == step.entry)
        right &= no(ends) | here
    return right


def own_alone(space: Space, va: Va, after: Slot, where: Va) -> bool:
    """A slot is on the ways to the addresses that its span holds, at its height alone, and on no other way."""
    right = True
    for step in way(space, where):
        met = step.reached & (step.at == after.at)
        own = (after.height == step.height) & is_inside(space, va, step.height, where)
        right &= met == own
    return right


def only_from_there(space: Space, at: Pa, entry: Entry, after: Space, where: Va) -> bool:
    """A store changes nothing of a way before the entry stored, and there the way finds what was stored."""
    right, before = True, True
    for was, now in zip(way(space, where), way(after, where), strict=True):
        here = was.at == at
        found = (no(here) | (now.entry == entry)) & (here | (now.entry == was.entry))
        same = (now.reached == was.reached) & (no(was.reached) | ((now.at == was.at) & found))
        right &= no(before) | same
        before = before & no(was.reached & here)
    return right


# --- lemmas ----------------------------------------------------------------------------------------------------------------


def lies_in_table(space: Space, va: Va, height: int) -> bool:
    """An entry that is reached lies in the table that the entry above it points to, or in the root."""
    steps = way(space, va)
    step = steps[space.top - height]
    table = space.root if height == space.top else encode.table_in(space.regime, steps[space.top - height - 1].entry)
    return no(step.reached) | (table_of(space, step.at) == table)


def meet(space: Space, va: Va, where: Va, height: int) -> bool:
    """Two ways reach one entry of a height if and only if they come to one table and the addresses select alike there."""
    one, other = way(space, va)[space.top - height], way(space, where)[space.top - height]
    selected = (va ^ where) >> size_bits(space, height) & ((1 << (encode.table_bits(space.regime) - 3)) - 1)
    same = (table_of(space, one.at) == table_of(space, other.at)) & (selected == 0)
    return no(one.reached) | no(other.reached) | ((one.at == other.at) == same)


def _at_height(height: int, top: int) -> tuple[Predicate, ...]:
    def lies(space: Space, va: Va) -> bool:
        return lies_in_table(space, va, height)

    def other_lies(space: Space, where: Va) -> bool:
        return lies_in_table(space, where, height)

    def changed_way(space: Space, va: Va) -> bool:
        return in_its_table(space, va, height)

    def other_way(space: Space, where: Va) -> bool:
        return in_its_table(space, where, height)

    def both_meet(space: Space, va: Va, where: Va) -> bool:
        return meet(space, va, where, height)

    def both_ways(space: Space, va: Va, where: Va) -> bool:
        return come_together(space, va, where, height)

    if height == top:
        return lies, other_lies, both_meet
    return lies, other_lies, changed_way, other_way, both_meet, both_ways


def lemmas(top: int) -> tuple[Predicate, ...]:
    """Return, from the root down, that ways lie in tables of their heights, and are one as far as they come to one table."""
    return tuple(lemma for height in range(top, 0, -1) for lemma in _at_height(height, top))


# --- contracts -------------------------------------------------------------------------------------------------------------

KEPT = ("regime", "upper", "root", "top", "pool", "parent", "height", "used", "charged", "pages")


def slot_contract(name: str, *requires: Predicate) -> Contract:
    """Return what a change asks of the slot that it stores into."""
    return Contract(f"PAGE-MAP-{name}-SLOT-OF", slot_of, (("ENDS", ends_there), ("ALONE", own_alone)), requires)


def store_contract(name: str, *requires: Predicate) -> Contract:
    """Return what a change asks of a store."""
    kept = {f"after.{part}": f"space.{part}" for part in KEPT}
    return Contract(f"PAGE-MAP-{name}-STORE", store, (("WAY", only_from_there),), requires, kept)
