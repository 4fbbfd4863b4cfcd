"""Where an allocation lies: what the law allows is aligned and free; what Linux's search finds is besides the first such place.

``PLACE`` is what any allocator must keep, ``FIT`` and ``FIND`` are the search that Linux begins at one end or the other.
"""

from __future__ import annotations

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligation import Contract, Obligation, Predicate, bound, proofs_of, step_of
from mmproofs.obligations.physical.memblock.ranges import FOUND
from mmproofs.obligations.physical.memblock.truths import STATE as ARRAY
from mmproofs.obligations.physical.memblock.truths import of
from mmspec.clause import Clause
from mmspec.physical.memblock import clauses as c
from mmspec.physical.memblock import core, regions, search
from mmspec.physical.memblock.ops import PAGE_SIZE, TOP, Addr, Size
from mmspec.physical.memblock.search import Ask, usable
from mmspec.physical.memblock.state import Array, Memblock

# --- what the law allows ---------------------------------------------------------------------------------------------------


def aligned(addr: Addr, align: Size, after: Clause | None) -> bool:
    """What is allowed begins at a multiple of the alignment."""
    return after is not None or addr & (align - 1) == 0


def inside(addr: Addr, size: Size, start: Addr, end: Addr, after: Clause | None) -> bool:
    """What is allowed lies between the bounds of the request, and not in page 0."""
    return after is not None or (addr >= PAGE_SIZE and (size == 0 or (start <= addr and addr + size <= end)))


def apart(array: Array, base: Addr, size: Size, spot: Addr) -> bool:
    """The region at ``spot``, if there is one, lies wholly below a range or wholly above."""
    return spot not in array.end or array.end[spot] <= base or base + size <= spot


def clear_of(array: Array, base: Addr, size: Size, after: bool, spot: Addr) -> bool:
    """Where nothing overlaps a range, every region lies wholly below it or wholly above."""
    return after or apart(array, base, size, spot)


def unreserved(state: Memblock, addr: Addr, size: Size, after: Clause | None, spot: Addr) -> bool:
    """Of what is allowed nothing is reserved."""
    return after is not None or size == 0 or apart(state.reserved, addr, size, spot)


OVERLAPS = Contract("MEMBLOCK-OVERLAPS", regions.overlaps, (("APART", clear_of),), requires=ARRAY)
PLACE = Contract(
    "MEMBLOCK-PLACE",
    core.range_allowed,
    (("ALIGNED", aligned), ("INSIDE", inside), ("UNRESERVED", unreserved)),
    requires=(*of("state.memory"), *of("state.reserved")),
)

# --- what serves in one free range -----------------------------------------------------------------------------------------


def lawful(ask: Ask) -> bool:
    """Some bytes are asked for, at a multiple of a power of two, and not in page 0."""
    return (ask.size > 0) & (ask.align > 0) & (ask.align & (ask.align - 1) == 0) & (ask.start > 0) & (ask.start <= ask.end)


def a_range(low: Addr, high: Addr) -> bool:
    """A range ends at or above its beginning."""
    return low <= high


def served(ask: Ask, low: Addr, high: Addr, place: Addr) -> bool:
    """A place is aligned, and what is asked for fits there, in a range and between the bounds."""
    within = (low <= place) & (place + ask.size <= high) & (ask.start <= place) & (place + ask.size <= ask.end)
    return within & (place & (ask.align - 1) == 0)


def no_worse(ask: Ask, found: Addr, place: Addr) -> bool:
    """Something was found, and it is as low as a place, or as high, as it was asked for."""
    return found != 0 and ((found <= place) if ask.bottom_up else (place <= found))


def serves(ask: Ask, low: Addr, high: Addr, after: Addr) -> bool:
    """What is found serves."""
    return after == 0 or served(ask, low, high, after)


def first(ask: Ask, low: Addr, high: Addr, after: Addr, place: Addr) -> bool:
    """No place that serves is lower, or higher where the highest is asked for; something is found where any serves."""
    return not served(ask, low, high, place) or no_worse(ask, after, place)


FIT = Contract("MEMBLOCK-FIT", search.fit, (("SERVES", serves), ("FIRST", first)), requires=(lawful, a_range))

# --- the free ranges, one after another ------------------------------------------------------------------------------------


def looking(memory: Array, reserved: Array, ask: Ask, base: Addr, taken: Addr, low: Addr, found: Addr) -> bool:
    """``base`` and ``taken`` are regions, or their rings' heads; a free range ends at ``taken``; what is found is behind."""
    if base not in memory.next or taken not in reserved.next or low > taken or not lawful(ask):
        return False
    return found == 0 or found + ask.size <= base or found + ask.size <= low


def free_from(reserved: Array, taken: Addr, low: Addr, spot: Addr) -> bool:
    """Every reserved region ends by ``low`` or begins at ``taken`` or above."""
    return spot not in reserved.end or taken <= spot or reserved.end[spot] <= low


def free_up_to(reserved: Array, taken: Addr, low: Addr, spot: Addr) -> bool:
    """The free range begins where the region before ``taken`` ends, or at 0."""
    return reserved.next.get(spot, spot) != taken or spot not in reserved.next or low == 0 or low == reserved.end.get(spot, 0)


def found_serves(reserved: Array, ask: Ask, found: Addr, spot: Addr) -> bool:
    """What is found is aligned, between the bounds, and not reserved."""
    return found == 0 or (served(ask, 0, TOP, found) and apart(reserved, found, ask.size, spot))


def free_place(memory: Array, reserved: Array, ask: Ask, place: Addr, region: Addr, gap: Addr) -> bool:
    """A place serves, in a region of memory that may be used, between a reserved region (or 0) and the next one."""
    if region not in memory.end or gap not in reserved.next:
        return False
    low = region if gap == TOP else max(region, reserved.end.get(gap, TOP))
    high = min(memory.end[region], reserved.next[gap])
    may_be_used = usable(memory.flags.get(region, 0), memory.nid.get(region, 0), ask.nid, ask.mirror, ask.movable_node)
    return served(ask, low, high, place) & may_be_used


def first_so_far(
    memory: Array, reserved: Array, ask: Ask, base: Addr, taken: Addr, found: Addr, place: Addr, region: Addr, gap: Addr
) -> bool:
    """Of the places that were passed none that serves is better than what is found."""
    passed = region in memory.end and gap in reserved.next and (region < base or reserved.next[gap] < taken)
    return not passed or not free_place(memory, reserved, ask, place, region, gap) or no_worse(ask, found, place)


def found_is_unreserved(reserved: Array, ask: Ask, after: Addr, spot: Addr) -> bool:
    """What is found is aligned, between the bounds, and not reserved."""
    return found_serves(reserved, ask, after, spot)


def found_is_first(memory: Array, reserved: Array, ask: Ask, after: Addr, place: Addr, region: Addr, gap: Addr) -> bool:
    """No free place that serves is lower than what is found, or higher where the highest is asked for."""
    return not free_place(memory, reserved, ask, place, region, gap) or no_worse(ask, after, place)


STATE: tuple[Predicate, ...] = (*of("memory"), *of("reserved"))
SEARCH = LoopInvariant(search.FIND, (*STATE, looking, free_from, free_up_to, found_serves, first_so_far), id="MEMBLOCK-FIND-STEP")
FIND = Contract(
    "MEMBLOCK-FIND",
    search.find,
    (("UNRESERVED", found_is_unreserved), ("FIRST", found_is_first)),
    requires=(*STATE, bound(lawful, ask="ask")),
)

OBLIGATIONS: tuple[Obligation, ...] = (
    *proofs_of(OVERLAPS, Obligation("", (c.ALLOC_FREE,), "", regions.overlaps, contracts=(FOUND,))),
    *proofs_of(
        PLACE,
        Obligation(
            "", (c.ALLOC_ALIGNED, c.ALLOC_INSIDE, c.ALLOC_FREE), "", core.range_allowed, contracts=(FOUND, OVERLAPS), seconds=900
        ),
    ),
    *proofs_of(FIT, Obligation("", (c.FIND_LOWEST, c.FIND_HIGHEST), "", search.fit)),
    step_of(SEARCH, Obligation("", (c.FIND_LOWEST, c.FIND_HIGHEST), "", SEARCH, contracts=(FIT,), seconds=1500)),
    *proofs_of(FIND, Obligation("", (c.FIND_LOWEST, c.FIND_HIGHEST), "", search.find, cuts=(SEARCH,))),
)
