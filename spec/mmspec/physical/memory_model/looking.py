"""What can be seen of the memory map: the answers of the operations that only look."""

from __future__ import annotations

from typing import Any

from mmspec.clause import Clause, rule
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.layout import is_flat, mem_map_of, pageblock_bit, section_of, sections_of
from mmspec.physical.memory_model.lookup import is_online, is_valid, page_of, pfn_of
from mmspec.physical.memory_model.ops import (
    EINVAL,
    ENOENT,
    HAS_MEM_MAP,
    Error,
    Frame,
    OnlinePage,
    PageAddress,
    Pageblock,
    PageblockBit,
    PageFlags,
    PageLinks,
    PageParts,
    PageToPfn,
    Parts,
    PfnToPage,
    PfnValid,
    Section,
    SectionIs,
    ShowSection,
    Valid,
)  # fmt: skip
from mmspec.physical.memory_model.page_flags import linked, node_of, nodes_width, section_named, zone_id_of, zone_of
from mmspec.physical.memory_model.state import MemMap, NoPolicy, section_flags, section_word


def look_apply(memmap: MemMap, op: Any, result: Any) -> MemMap:
    """Looking changes nothing."""
    return memmap


# --- frames and pages --------------------------------------------------------------------------------------------------


def page_answer(memmap: MemMap, op: PfnToPage) -> PageAddress | Error:
    """Return the page of a frame that is valid; Linux leaves it to the caller to ask first."""
    rule(c.TO_PAGE)
    return PageAddress(page_of(memmap, op.pfn)) if is_valid(memmap, op.pfn) else EINVAL


def pfn_answer(memmap: MemMap, op: PageToPfn) -> Frame | Error:
    """Return the valid frame whose page it is. A reader's function: of the classic models it asks section by section."""
    rule(c.TO_PFN)
    flags = HAS_MEM_MAP
    mapped = [section for section, _ in memmap.sections.items() if section_flags(memmap, section) & flags]
    for section in mapped or [0]:
        pfn = pfn_of(memmap, op.page, section)
        named = is_flat(memmap.layout) or section_of(memmap.layout, pfn) in mapped
        if named and is_valid(memmap, pfn) and page_of(memmap, pfn) == op.page:
            return Frame(pfn)
    return EINVAL


def valid_answer(memmap: MemMap, op: PfnValid) -> Valid:
    """Return whether a frame is valid."""
    rule(c.VALID)
    return Valid(is_valid(memmap, op.pfn))


def online_answer(memmap: MemMap, op: OnlinePage) -> PageAddress | Error:
    """Return the page of a frame that is online."""
    rule(c.ONLINE_PAGE)
    return PageAddress(page_of(memmap, op.pfn)) if is_online(memmap, op.pfn) else ENOENT


# --- sections ----------------------------------------------------------------------------------------------------------


def section_answer(memmap: MemMap, op: ShowSection) -> SectionIs | Error:
    """Return what is known about a section."""
    rule(c.SECTION)
    if is_flat(memmap.layout) or op.section >= sections_of(memmap.layout):
        return EINVAL
    flags, word = section_flags(memmap, op.section), section_word(memmap, op.section)
    mem_map = mem_map_of(memmap.layout, word, op.section) if flags & HAS_MEM_MAP else 0
    return SectionIs(flags, mem_map, memmap.added.get(op.section, 0))


# --- page->flags, pageblocks -------------------------------------------------------------------------------------------


def links_answer(memmap: MemMap, op: PageLinks) -> PageFlags:
    """Return the flags with zone, node and section written; of more bits than the machine's words have none are kept."""
    flags = op.flags & ((1 << memmap.layout.long_bits) - 1)
    return PageFlags(linked(memmap.layout, flags, op.zone, op.node, op.section))


def parts_answer(memmap: MemMap, op: PageParts) -> Parts:
    """Return what the flags name."""
    rule(c.PARTS)
    layout, flags = memmap.layout, op.flags & ((1 << memmap.layout.long_bits) - 1)
    section: Section = section_named(layout, flags)
    node = node_of(layout, flags)
    if nodes_width(layout) == 0 and layout.nodes_shift:
        rule(c.NODE_TABLE)
        node = memmap.nodes.get(section, 0)
    return Parts(zone_of(layout, flags), node, section, zone_id_of(layout, flags))


def pageblock_answer(memmap: MemMap, op: Pageblock) -> PageblockBit | Error:
    """Return where a pageblock's bits begin; in a flat map they are the zone's, which is not known here."""
    rule(c.PAGEBLOCK)
    if is_flat(memmap.layout):
        return EINVAL
    return PageblockBit(pageblock_bit(memmap.layout, op.pfn))


# --- the two functions of each -----------------------------------------------------------------------------------------

ANSWERS: dict[type, tuple[Any, Clause]] = {
    PfnToPage: (page_answer, c.TO_PAGE),
    PageToPfn: (pfn_answer, c.TO_PFN),
    PfnValid: (valid_answer, c.VALID),
    OnlinePage: (online_answer, c.ONLINE_PAGE),
    ShowSection: (section_answer, c.SECTION),
    PageLinks: (links_answer, c.LINKS),
    PageParts: (parts_answer, c.PARTS),
    Pageblock: (pageblock_answer, c.PAGEBLOCK),
}
"""What answers each request, and the clause that another answer breaks."""


def look_allowed(memmap: MemMap, op: Any, result: Any) -> Clause | None:
    """Name the clause that an answer breaks: there is one right one."""
    answer, clause = ANSWERS[type(op)]
    return None if result == answer(memmap, op) else clause


def look_choose(memmap: MemMap, policy: NoPolicy, op: Any) -> tuple[Any, NoPolicy]:
    """Answer as Linux does."""
    answer, _ = ANSWERS[type(op)]
    return answer(memmap, op), policy
