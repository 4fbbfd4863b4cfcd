"""What is true of every zone's per-CPU lists, said of one arbitrary key.

The interpreter asks at the keys that are present; the prover assumes it where a step looks and proves it anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmspec import linked
from mmspec.component import Invariant
from mmspec.linked import HEADS
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp.ops import LISTS, MOVABLE, Cpu, PcpList
from mmspec.physical.pcp.state import (
    NOT_HELD,
    Pages,
    PcpLists,
    cpu_holding,
    keeps_order,
    list_of,
    list_of_holding,
    order_held,
    type_held,
    well_placed,
)  # fmt: skip
from mmspec.words import Link, Pfn, size_of

# --- the pages -----------------------------------------------------------------------------------------------------------


def held_lawfully(pages: Pages, lists: PcpLists, pfn: Pfn) -> bool:
    """A held block is aligned, inside the zone, of an order that is kept, and held by a CPU that there is."""
    holding = pages.held.get(pfn, NOT_HELD)
    order = order_held(holding)
    lawful = well_placed(pages.span, pfn, order) & keeps_order(pages.span, order) & (cpu_holding(holding) < pages.span.cpus)
    return (holding == NOT_HELD) | lawful


def kept_lawfully(pages: Pages, lists: PcpLists, pfn: Pfn) -> bool:
    """A held block is kept for a type that requests have."""
    holding = pages.held.get(pfn, NOT_HELD)
    return (holding == NOT_HELD) | (type_held(holding) <= MOVABLE + 1)


def owed_lawfully(pages: Pages, lists: PcpLists, cpu: Cpu) -> bool:
    """A CPU gives back no more frames than it holds."""
    return pages.owed.get(cpu, 0) <= pages.count.get(cpu, 0)


# --- Linux's lists -------------------------------------------------------------------------------------------------------


def scaled_lawfully(pages: Pages, lists: PcpLists, cpu: Cpu) -> bool:
    """No batch is scaled by more bits than the largest scale."""
    most = pages.span.scale_max
    return (lists.alloc_factor.get(cpu, 0) <= most) & (lists.free_factor.get(cpu, 0) <= most)


def linked_both_ways(pages: Pages, lists: PcpLists, place: Link) -> bool:
    """The neighbours of a held block, or of a list's head, point back at it and are on its list; nothing else has any."""
    after, before = lists.links.next.get(place, place), lists.links.prev.get(place, place)
    if place < HEADS and pages.held.get(place, NOT_HELD) == NOT_HELD:
        return (after == place) & (before == place)
    if place < HEADS and (place not in lists.links.next or place not in lists.links.prev):
        return False
    head = head_over(pages, place)
    back = (lists.links.prev.get(after, after) == place) & (lists.links.next.get(before, before) == place)
    return (head_over(pages, after) == head) & (head_over(pages, before) == head) & back


def head_over(pages: Pages, place: Link) -> Link:
    """Return the head of the list that a held block is on; of a head, itself."""
    return place if place >= HEADS else linked.list_head(list_of_holding(pages.held.get(place, NOT_HELD)))


# --- recounts: for the interpreter only ----------------------------------------------------------------------------------


def counted(pages: Pages, lists: PcpLists, cpu: Cpu) -> bool:
    """The frames of a CPU's blocks, counted from scratch, are as many as it says."""
    total = sum(size_of(order_held(holding)) for _, holding in pages.held.items() if cpu_holding(holding) == cpu)
    return total == pages.count.get(cpu, 0)


def ringed(pages: Pages, lists: PcpLists, number: PcpList) -> bool:
    """A list, walked from its head, meets exactly the blocks that are kept for it, and each once."""
    met = list(linked.members(lists.links, number))
    return len(set(met)) == len(met) and set(met) == {p for p, held in pages.held.items() if list_of_holding(held) == number}


def held_heads(pages: Pages, lists: PcpLists) -> Iterator[Pfn]:
    """Yield the heads of the held blocks."""
    return (pfn for pfn, _ in pages.held.items())


def known_cpus(pages: Pages, lists: PcpLists) -> Iterator[Cpu]:
    """Yield the CPUs that anything is known of."""
    return (cpu for cpu, _ in pages.count.items())


def list_numbers(pages: Pages, lists: PcpLists) -> Iterator[PcpList]:
    """Yield the number of every list of a CPU that ever held a block."""
    return (list_of(cpu, index) for cpu in sorted(known_cpus(pages, lists)) for index in range(LISTS))


def rings(pages: Pages, lists: PcpLists) -> Iterator[Link]:
    """Yield every place that a list can pass through."""
    yield from (linked.list_head(number) for number in list_numbers(pages, lists))
    yield from held_heads(pages, lists)
    yield from (place for place, _ in lists.links.next.items())


INVARIANTS = (
    Invariant(c.HELD, held_lawfully, held_heads),
    Invariant(c.PCP_4, kept_lawfully, held_heads),
    Invariant(c.OWED_HELD, owed_lawfully, known_cpus),
    Invariant(c.COUNT, counted, known_cpus, recount=True),
    Invariant(c.PCP_3, scaled_lawfully, known_cpus),
    Invariant(c.LISTED, linked_both_ways, rings),
    Invariant(c.LISTED, ringed, list_numbers, recount=True),
)
