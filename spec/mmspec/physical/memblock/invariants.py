"""What is true of every array, said of one arbitrary region, or of one and any other place.

The interpreter asks at the regions that are present and at the places around them; the prover assumes it where a step looks and
proves it anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock.ops import NOMAP, TOP, Addr
from mmspec.physical.memblock.regions import alike
from mmspec.physical.memblock.state import Array, Memblock, Policy

# --- one array ---------------------------------------------------------------------------------------------------------


def is_region(array: Array, base: Addr) -> bool:
    """Tell whether a region begins at an address."""
    return base in array.end


def region_whole(array: Array, base: Addr) -> bool:
    """A region has an end above its base, a node, flags and a next one; nothing else has any; TOP has a next one alone."""
    present = is_region(array, base)
    complete = (base in array.nid) == present and (base in array.flags) == present
    linked = (base in array.next) == (present or base == TOP)
    return complete and linked and ((not present) or base < array.end[base])


def region_ordered(array: Array, base: Addr) -> bool:
    """The next region begins at or above the end of this one, or is ``TOP``, after which the first one comes."""
    if base not in array.next:
        return True
    following = array.next[base]
    after = base == TOP or array.end.get(base, TOP) <= following
    return after and (following == TOP or is_region(array, following))


def nothing_between(array: Array, base: Addr, place: Addr) -> bool:
    """No region begins between one region and the next; before the first one none does."""
    if base not in array.next or not is_region(array, place):
        return True
    if base == TOP:
        return array.next[TOP] <= place
    return place <= base or array.next[base] <= place


def region_merged(array: Array, base: Addr) -> bool:
    """Two regions that touch differ in node or flags, or are NOMAP."""
    following = array.next.get(base, TOP)
    if not is_region(array, base) or following == TOP:
        return True
    return not alike(array, base, following) or (array.flags.get(base, 0) & NOMAP) != 0


# --- of both -------------------------------------------------------------------------------------------------------------


def whole(state: Memblock, policy: Policy, base: Addr) -> bool:
    """A region of either array has all that belongs to one."""
    return region_whole(state.memory, base) and region_whole(state.reserved, base)


def ordered(state: Memblock, policy: Policy, base: Addr) -> bool:
    """In either array the next region begins at or above the end of this one."""
    return region_ordered(state.memory, base) and region_ordered(state.reserved, base)


def linked(state: Memblock, policy: Policy, place: Addr) -> bool:
    """In either array the region at a place is the next one of some region or of ``TOP``: none is passed over."""
    for array in (state.memory, state.reserved):
        if not all(nothing_between(array, base, place) for base, _ in array.next.items()):
            return False
    return True


def merged(state: Memblock, policy: Policy, base: Addr) -> bool:
    """In either array regions that touch and are alike are NOMAP."""
    return region_merged(state.memory, base) and region_merged(state.reserved, base)


# --- recounts: for the interpreter only ------------------------------------------------------------------------------------


def counted(state: Memblock, policy: Policy, which: int) -> bool:
    """An array has as many regions as it says, and no more than there is room for."""
    array = (state.memory, state.reserved)[which]
    return bool(array.cnt == len(array.end) <= array.max)


def summed(state: Memblock, policy: Policy, which: int) -> bool:
    """The total of the reserved array, which is never trimmed, is the sum of the sizes."""
    array = (state.memory, state.reserved)[which]
    total: int = sum(end - base for base, end in array.end.items())
    return array.total == total


def bases(state: Memblock, policy: Policy) -> Iterator[Addr]:
    """Yield the first byte of every region, the byte behind it, and ``TOP``."""
    for array in (state.memory, state.reserved):
        for base, end in array.end.items():
            yield from (base, end)
    yield TOP


def starts(state: Memblock, policy: Policy) -> Iterator[Addr]:
    """Yield the first byte of every region."""
    for array in (state.memory, state.reserved):
        yield from (base for base, _ in array.end.items())


def arrays(state: Memblock, policy: Policy) -> Iterator[int]:
    """Yield the numbers of the arrays."""
    return iter((0, 1))


def untrimmed(state: Memblock, policy: Policy) -> Iterator[int]:
    """Yield the number of the array that is never trimmed."""
    return iter((1,))


INVARIANTS = (
    Invariant(c.MB_1, whole, bases),
    Invariant(c.MB_1, ordered, bases),
    Invariant(c.MB_1, linked, starts, recount=True),
    Invariant(c.MB_3, merged, starts),
    Invariant(c.MB_4, counted, arrays, recount=True),
    Invariant(c.MB_2, summed, untrimmed, recount=True),
)
