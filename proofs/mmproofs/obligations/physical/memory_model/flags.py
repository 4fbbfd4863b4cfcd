"""The fields of ``page->flags``: for every number of zones, nodes, flags and sections, with and without what else wants room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmproofs.obligation import Obligation, Predicate, function_of
from mmspec.clause import Clause
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.layout import address_mask
from mmspec.physical.memory_model.ops import Layout, Node, PageFlagsWord, Section, ZoneNumber
from mmspec.physical.memory_model.page_flags import (
    is_flags_layout,
    kasan_tag_place,
    kasan_tag_width,
    last_cpupid_place,
    last_cpupid_width,
    linked,
    lru_gen_place,
    lru_gen_width,
    lru_refs_place,
    lru_refs_width,
    node_of,
    nodes_place,
    nodes_width,
    section_named,
    sections_place,
    sections_width,
    zone_id_of,
    zone_of,
    zones_place,
    zones_width,
)


def legal_flags(layout: Layout) -> bool:
    """The layout is one that ``check_flags`` lets through the door, of sections of at least 2 MiB."""
    sections = (layout.section_size_bits <= layout.max_physmem_bits) & (layout.max_physmem_bits <= 64)
    return is_flags_layout(layout) & sections & (layout.section_size_bits >= 21) & (layout.cpupid_shift <= 32)


def inside_word(layout: Layout, flags: PageFlagsWord) -> bool:
    """The flags fit a word."""
    return flags <= address_mask(layout)


def fields_apart(layout: Layout, after: int) -> bool:
    """Each field ends where the one above it begins, the first at the word's end, and the last above the page's own flags."""
    ends = sections_place(layout) + sections_width(layout) == layout.long_bits
    ends &= nodes_place(layout) + nodes_width(layout) == sections_place(layout)
    ends &= zones_place(layout) + zones_width(layout) == nodes_place(layout)
    ends &= last_cpupid_place(layout) + last_cpupid_width(layout) == zones_place(layout)
    ends &= kasan_tag_place(layout) + kasan_tag_width(layout) == last_cpupid_place(layout)
    ends &= lru_gen_place(layout) + lru_gen_width(layout) == kasan_tag_place(layout)
    ends &= after + lru_refs_width(layout) == lru_gen_place(layout)
    return ends & (after >= layout.nr_pageflags) & (lru_refs_width(layout) >= 0)


def read_back(layout: Layout, flags: PageFlagsWord, zone: ZoneNumber, node: Node, section: Section, after: PageFlagsWord) -> bool:
    """Of the zone, the node and the section as many bits are read as their fields have, and they are those that were written."""
    zones = zone_of(layout, after) == zone & ((1 << zones_width(layout)) - 1)
    nodes = node_of(layout, after) == node & ((1 << nodes_width(layout)) - 1)
    return zones & nodes & (section_named(layout, after) == section & ((1 << sections_width(layout)) - 1))


def zone_fits(layout: Layout, zone: ZoneNumber, after: PageFlagsWord) -> bool:
    """Every zone that there is comes back whole."""
    return (zone >= layout.zones) | (zone_of(layout, after) == zone)


def node_fits(layout: Layout, node: Node, after: PageFlagsWord) -> bool:
    """Every node that there is comes back whole, unless the flags have no room for nodes."""
    there = (node < 1 << layout.nodes_shift) & (nodes_width(layout) == layout.nodes_shift)
    return (there == False) | (node_of(layout, after) == node)  # noqa: E712


def others_stay(layout: Layout, flags: PageFlagsWord, after: PageFlagsWord) -> bool:
    """All bits below the zone stay, and the flags stay inside a word."""
    below = (1 << zones_place(layout)) - 1
    return (after & below == flags & below) & (after <= address_mask(layout))


def zones_told_apart(layout: Layout, flags: PageFlagsWord, after: PageFlagsWord, other: PageFlagsWord) -> bool:
    """Two pages have one zone id if and only if they have one zone and one node, or section where the flags have no node."""
    if other > address_mask(layout):
        return True
    same = zone_id_of(layout, after) == zone_id_of(layout, other)
    nodes, zones = node_of(layout, after) == node_of(layout, other), zone_of(layout, after) == zone_of(layout, other)
    if nodes_width(layout) == 0 and layout.nodes_shift != 0:
        return same == (zones & (section_named(layout, after) == section_named(layout, other)))
    return same == (zones & nodes)


def _flags(name: str, goal: Predicate | None, *clauses: Clause, subject: Callable[..., Any] = linked) -> Obligation:
    defined = f"MEMORY-MODEL-FLAGS-{'DEFINED' if subject is linked else 'PLACES-DEFINED'}"
    return Obligation(
        id=f"MEMORY-MODEL-FLAGS-{name}",
        clauses=clauses,
        statement=(function_of(goal).__doc__ or "").strip() if goal else "Every word fits and every shift is one",
        subject=subject,
        goal=goal,
        given=(legal_flags, inside_word) if subject is linked else (legal_flags,),
        each={"layout.long_bits": (32, 64)},
        straight=subject is not linked or goal is not zones_told_apart,
        operation="linked",
        invariant=name.lower(),
        rests_on=(defined,) if goal else (),
    )


OBLIGATIONS = (
    _flags("DEFINED", None, c.LINKS, c.PARTS),
    _flags("PLACES-DEFINED", None, c.FIELDS, subject=lru_refs_place),
    _flags("APART", fields_apart, c.FIELDS, subject=lru_refs_place),
    _flags("READ-BACK", read_back, c.LINKS, c.PARTS),
    _flags("ZONE", zone_fits, c.ZONES_WIDTH),
    _flags("NODE", node_fits, c.NODES_WIDTH),
    _flags("OTHERS", others_stay, c.LINKS),
    _flags("ZONE-ID", zones_told_apart, c.ZONE_ID, c.ZONE_ID_SECTION),
)
