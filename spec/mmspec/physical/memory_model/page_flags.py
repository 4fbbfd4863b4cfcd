"""The fields of ``page->flags``: how wide each is, where it lies, what is written and read (include/linux/page-flags-layout.h).

From the top: SECTION, NODE, ZONE, LAST_CPUPID, KASAN_TAG, LRU_GEN, LRU_REFS; from the bottom the page's flags.
"""

from __future__ import annotations

from mmspec.clause import rule
from mmspec.errors import InputError
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.layout import address_mask, is_classic
from mmspec.physical.memory_model.ops import Layout, Node, PageFlagsWord, Section, Width, ZoneId, ZoneNumber

# --- widths ----------------------------------------------------------------------------------------------------------


def sections_width(layout: Layout) -> Width:
    """Return SECTIONS_WIDTH: a page of the classic models names its section."""
    return is_classic(layout) * (layout.max_physmem_bits - layout.section_size_bits)


def zones_width(layout: Layout) -> Width:
    """Return ZONES_WIDTH: enough for MAX_NR_ZONES."""
    rule(c.ZONES_WIDTH)
    return (layout.zones > 1) + (layout.zones > 2) + (layout.zones > 4)


def lru_gen_width(layout: Layout) -> Width:
    """Return LRU_GEN_WIDTH: enough for five values (kernel/bounds.c, v6.12)."""
    return layout.lru_gen * 3


def room(layout: Layout) -> Width:
    """Return the bits that are no page flags."""
    return layout.long_bits - layout.nr_pageflags


def nodes_width(layout: Layout) -> Width:
    """Return NODES_WIDTH: a page names its node if there is room."""
    rule(c.NODES_WIDTH)
    wanted = zones_width(layout) + lru_gen_width(layout) + sections_width(layout) + layout.nodes_shift
    return (wanted <= room(layout)) * layout.nodes_shift


def kasan_tag_width(layout: Layout) -> Width:
    """Return KASAN_TAG_WIDTH."""
    return layout.kasan_tags * 8


def first_widths(layout: Layout) -> Width:
    """Return the bits of the fields that must have room, and of the node's."""
    links = sections_width(layout) + nodes_width(layout) + zones_width(layout)
    return links + lru_gen_width(layout) + kasan_tag_width(layout)


def last_cpupid_width(layout: Layout) -> Width:
    """Return LAST_CPUPID_WIDTH: the field is kept beside the flags if there is no room."""
    return (first_widths(layout) + layout.cpupid_shift <= room(layout)) * layout.cpupid_shift


def lru_refs_width(layout: Layout) -> Width:
    """Return LRU_REFS_WIDTH: two bits, or what room is left."""
    left = room(layout) - first_widths(layout) - last_cpupid_width(layout)
    return layout.lru_gen * ((left >= 1) + (left >= 2))


# --- places ----------------------------------------------------------------------------------------------------------


def sections_place(layout: Layout) -> Width:
    """Return SECTIONS_PGOFF: the field's lowest bit; a field without width ends where the next begins."""
    return layout.long_bits - sections_width(layout)


def nodes_place(layout: Layout) -> Width:
    """Return NODES_PGOFF."""
    return sections_place(layout) - nodes_width(layout)


def zones_place(layout: Layout) -> Width:
    """Return ZONES_PGOFF."""
    rule(c.FIELDS)
    return nodes_place(layout) - zones_width(layout)


def last_cpupid_place(layout: Layout) -> Width:
    """Return LAST_CPUPID_PGOFF."""
    return zones_place(layout) - last_cpupid_width(layout)


def kasan_tag_place(layout: Layout) -> Width:
    """Return KASAN_TAG_PGOFF."""
    return last_cpupid_place(layout) - kasan_tag_width(layout)


def lru_gen_place(layout: Layout) -> Width:
    """Return LRU_GEN_PGOFF."""
    return kasan_tag_place(layout) - lru_gen_width(layout)


def lru_refs_place(layout: Layout) -> Width:
    """Return LRU_REFS_PGOFF."""
    return lru_gen_place(layout) - lru_refs_width(layout)


# --- reading and writing ---------------------------------------------------------------------------------------------


def field_mask(place: Width, width: Width) -> PageFlagsWord:
    """Return a field's bits."""
    return ((1 << width) - 1) << place


def get_field(flags: PageFlagsWord, place: Width, width: Width) -> PageFlagsWord:
    """Return a field's value."""
    return (flags >> place) & ((1 << width) - 1)


def set_field(flags: PageFlagsWord, place: Width, width: Width, value: Section) -> PageFlagsWord:
    """Return the flags with one field written: of a value that is too large the lowest bits."""
    mask = field_mask(place, width)
    return flags ^ ((flags ^ (value << place)) & mask)


def zone_of(layout: Layout, flags: PageFlagsWord) -> ZoneNumber:
    """Return a page's zone (include/linux/mm.h:page_zonenum, v6.12)."""
    return get_field(flags, zones_place(layout), zones_width(layout))


def node_of(layout: Layout, flags: PageFlagsWord) -> Node:
    """Return a page's node; 0 where the flags have none (include/linux/mm.h:page_to_nid, v6.12)."""
    return get_field(flags, nodes_place(layout), nodes_width(layout))


def section_named(layout: Layout, flags: PageFlagsWord) -> Section:
    """Return a page's section; 0 where the flags have none (include/linux/mm.h:page_to_section, v6.12)."""
    return get_field(flags, sections_place(layout), sections_width(layout))


def zone_id_of(layout: Layout, flags: PageFlagsWord) -> ZoneId:
    """Return what tells zones apart: node and zone, or section and zone (include/linux/mm.h:page_zone_id, v6.12)."""
    if nodes_width(layout) == 0 and layout.nodes_shift != 0:
        rule(c.ZONE_ID_SECTION)
        return get_field(flags, zones_place(layout), sections_width(layout) + zones_width(layout))
    rule(c.ZONE_ID)
    return get_field(flags, zones_place(layout), nodes_width(layout) + zones_width(layout))


def linked(layout: Layout, flags: PageFlagsWord, zone: ZoneNumber, node: Node, section: Section) -> PageFlagsWord:
    """Return a page's flags with its zone, node and section written (include/linux/mm.h:set_page_links, v6.12)."""
    rule(c.LINKS)
    flags = set_field(flags, zones_place(layout), zones_width(layout), zone)
    flags = set_field(flags, nodes_place(layout), nodes_width(layout), node)
    return set_field(flags, sections_place(layout), sections_width(layout), section)


# --- the door --------------------------------------------------------------------------------------------------------


def is_flags_layout(layout: Layout) -> bool:
    """Tell whether the fields fit: what page-flags-layout.h has an #error for."""
    return (layout.zones <= 8) & (layout.nodes_shift <= 10) & (layout.nr_pageflags <= layout.long_bits) & fields_fit(layout)


def fields_fit(layout: Layout) -> bool:
    """Tell whether every field has room; only the classic models may keep the node elsewhere."""
    rule(c.FIELDS)
    fits = first_widths(layout) + last_cpupid_width(layout) <= room(layout)
    return fits & (is_classic(layout) | (nodes_width(layout) == layout.nodes_shift))


def check_flags(layout: Layout) -> None:
    """Check a layout at the door (InputError: the flags have no room for a field)."""
    if not is_flags_layout(layout):
        raise InputError("page->flags has no room for its fields", hint="include/linux/page-flags-layout.h")


def every_flag(layout: Layout) -> PageFlagsWord:
    """Return the bits of the page's own flags."""
    return field_mask(0, layout.nr_pageflags) & address_mask(layout)
