"""The memory map after boot (mm/sparse.c:sparse_init, v6.12): sections with memory are early, online and mapped whole."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.clause import rule
from mmspec.errors import InputError
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.layout import (
    address_mask,
    check_layout,
    decoded_node,
    encoded,
    encoded_node,
    first_frame,
    has_roots,
    in_section,
    is_classic,
    is_flat,
    is_vmemmap,
    pages_per_section,
    section_map_size,
    section_of,
    subsection_mask,
    vmemmap_of,
)
from mmspec.physical.memory_model.ops import EARLY, HAS_MEM_MAP, ONLINE, PRESENT, Bitmap, Config, Encoded, Layout, Node, Section
from mmspec.physical.memory_model.page_flags import check_flags
from mmspec.physical.memory_model.state import MemMap, root_of
from mmspec.pmap import pmap
from mmspec.words import Count, Pfn

MAX_SECTIONS = 1 << 16
"""Most sections with memory at boot: they are held one by one."""


def initial_memmap(config: Config) -> MemMap:
    """Return the memory map that a configuration describes (InputError: it does not describe one)."""
    check_layout(config.layout)
    check_flags(config.layout)
    check_memory(config)
    if is_flat(config.layout):
        return MemMap(config.layout, pmap(), pmap(), pmap(), pmap(), pmap(), pmap())
    return sparse_init(config)


def check_memory(config: Config) -> None:
    """Check the ranges of memory at the door (InputError: what is wrong with them)."""
    layout, last, sections = config.layout, 0, 0
    for start, end, node in config.memory:
        if not last <= start < end <= 1 << (layout.max_physmem_bits - layout.page_shift):
            raise InputError(
                f"memory [{start:#x}, {end:#x}) overlaps another, is empty, out of order or beyond the last frame",
                hint="ascending disjoint ranges of physical memory",
            )
        if node >> layout.nodes_shift:
            raise InputError(f"node {node} is none", hint=f"below {1 << layout.nodes_shift}")
        sections += section_of(layout, end - 1) - section_of(layout, start) + 1
        last = end
    if sections > MAX_SECTIONS:
        raise InputError(f"memory of more than {MAX_SECTIONS} sections", hint="they are held one by one")
    if is_classic(layout) and layout.base + section_map_size(layout) * sections > address_mask(layout):
        raise InputError("the memory maps reach beyond the last address", hint="lower base")
    if is_classic(layout) and layout.base & ((1 << layout.page_shift) - 1):
        raise InputError("the memory maps do not begin on a page boundary", hint="align base")


def sparse_init(config: Config) -> MemMap:
    """Return the sections that have memory, each with its memory map, roots and usages."""
    layout = config.layout
    early, nodes = memory_present(config)
    words: dict[Section, Encoded] = {}
    for count, section in enumerate(backed(config, early)):
        rule(c.BOOT_MAP)
        words[section] = boot_map(layout, section, count) | PRESENT | HAS_MEM_MAP | ONLINE | EARLY
    roots = {root_of(layout, section): True for section in early} if has_roots(layout) else {}
    added = subsection_maps(config, words) if is_vmemmap(layout) else {}
    usages = dict.fromkeys(words, True)
    return MemMap(layout, pmap(words), pmap(added), pmap(), pmap(roots), pmap(usages), pmap(nodes))


def boot_map(layout: Layout, section: Section, count: Count) -> Encoded:
    """Return the encoded memory map of the section of that number among those with memory.

    Maps of their own come one behind another out of one buffer (mm/sparse.c:sparse_buffer_alloc, v6.12).
    """
    if is_vmemmap(layout):
        return vmemmap_of(layout)
    return encoded(layout, layout.base + count * section_map_size(layout), section)


def memory_present(config: Config) -> tuple[dict[Section, Encoded], dict[Section, Node]]:
    """Return what each section with memory holds before it has a map (mm/sparse.c:memory_present, v6.12), and the nodes."""
    early: dict[Section, Encoded] = {}
    nodes: dict[Section, Node] = {}
    for section, _, _, node in parts(config):
        rule(c.BOOT_NODE)
        nodes[section] = node
        early.setdefault(section, encoded_node(config.layout, node) | ONLINE | PRESENT)
    return early, nodes


def backed(config: Config, early: dict[Section, Encoded]) -> Iterator[Section]:
    """Yield the sections whose memory map can be had: where one cannot, none of its node's run from there on is."""
    lost: Node | None = None
    for section in sorted(early):
        node = decoded_node(config.layout, early[section])
        if section == config.unbacked:
            rule(c.BOOT_FAILED)
            lost = node
        if node != lost:
            lost = None
            yield section


def subsection_maps(config: Config, words: dict[Section, Encoded]) -> dict[Section, Bitmap]:
    """Return the sub-sections that memory touches (mm/sparse-vmemmap.c:sparse_init_subsection_map, v6.12)."""
    added: dict[Section, Bitmap] = {}
    for section, pfn, pages, _ in parts(config):
        if section in words:
            rule(c.BOOT_BITS)
            added[section] = added.get(section, 0) | subsection_mask(config.layout, pfn, pages)
    return added


def parts(config: Config) -> Iterator[tuple[Section, Pfn, Count, Node]]:
    """Yield the parts of sections that are memory: the section, the first frame, the number of frames, the node."""
    size = pages_per_section(config.layout)
    for start, end, node in config.memory:
        pfn = start
        while pfn < end:
            pages = min(end - pfn, size - in_section(config.layout, pfn))
            yield section_of(config.layout, pfn), pfn, pages, node
            pfn += pages


def frames_of(layout: Layout, section: Section) -> range:
    """Return a section's frames."""
    return range(first_frame(layout, section), first_frame(layout, section + 1))
