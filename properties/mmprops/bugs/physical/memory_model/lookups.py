"""Wrong versions of how frames and pages are found, and of what a page's flags hold."""

from __future__ import annotations

from mmprops.bugs.physical.memory_model.places import FLAGS, INITIAL, LAYOUT, LOOKING, LOOKUP, MODEL, OUR, bug

BUGS = (
    bug(
        "MB-10",
        "MEMORY-MODEL-VALID-RANGE",
        "bits above the physical address space are lost, so that a frame number with high bits set is another's",
        "Linux arm64, commit 5ad356eabc47",
        {
            f"{MODEL}.is_valid": (
                "section = pfn >> numbers.section_shift",
                "pfn &= (1 << 52) - 1\n        section = pfn >> numbers.section_shift",
            ),
            f"{LOOKUP}.is_valid": (
                "section = section_of(layout, pfn)",
                "pfn = pfn & ((1 << 52) - 1)\n    section = section_of(layout, pfn)",
            ),
        },
    ),
    bug(
        "BUG-MM-EARLY-BY-BIT",
        "MEMORY-MODEL-VALID-EARLY",
        "frames of an early section are valid only where memory was",
        "include/linux/mmzone.h:pfn_valid, v6.12",
        {
            f"{MODEL}.is_valid": ("bool(word & EARLY) or not numbers.vmemmap", "not numbers.vmemmap"),
            f"{LOOKUP}.is_valid": ("flags & EARLY != 0", "flags & EARLY == EARLY + 1"),
        },
    ),
    bug(
        "BUG-MM-ONLINE-WHOLE",
        "MEMORY-MODEL-ONLINE-BIT",
        "every frame of an online section has an online page, whether its sub-section was added or not",
        "Linux 5.10, commit 9f9b02e5b3db: pfn_to_online_page() and early sections",
        {
            f"{MODEL}.is_online": (
                "self.numbers.vmemmap and not self.sections.has_bit(self.sections.added, section, index)",
                "not flags & HAS_MEM_MAP",
            ),
            f"{LOOKUP}.is_online": ("if is_vmemmap(layout) and not has_bit(memmap.added.get(section, 0), index):", "if False:"),
        },
    ),
    bug(
        "BUG-MM-ONLINE-TAINT",
        "MEMORY-MODEL-ONLINE-DEVICE",
        "a device's frames in an online section have online pages",
        "Linux 5.12, commit 1f90a3477df3",
        {
            f"{MODEL}.is_online": ("not flags & TAINT or", "True or"),
            f"{LOOKUP}.is_online": ("return not has_bit(memmap.devices.get(section, 0), index)", "return True"),
        },
    ),
    bug(
        "BUG-MM-ONLINE-VALID",
        "MEMORY-MODEL-ONLINE-SECTION",
        "a frame that is valid counts as online",
        "mm/memory_hotplug.c:pfn_to_online_page, v6.12",
        {
            f"{MODEL}.is_online": ("if not flags & ONLINE:", "if not flags & HAS_MEM_MAP:"),
            f"{LOOKUP}.is_online": ("section_flags(memmap, section) & ONLINE == 0", "section_flags(memmap, section) & 2 == 0"),
        },
    ),
    bug(
        "BUG-MM-FLAT-OFFSET",
        "MEMORY-MODEL-VALID-FLAT",
        "a flat map's frames are counted from 0 instead of from ARCH_PFN_OFFSET",
        "include/asm-generic/memory_model.h, v6.12",
        {
            f"{MODEL}.is_valid": ("pfn < self.layout.first_pfn + self.layout.max_mapnr", "pfn < self.layout.max_mapnr"),
            f"{LOOKUP}.is_valid": ("pfn < layout.first_pfn + layout.max_mapnr", "pfn < layout.max_mapnr"),
        },
    ),
    bug(
        "BUG-MM-VMEMMAP-BIAS",
        "MEMORY-MODEL-VMEMMAP",
        "the map begins with frame 0's page, whatever frame memory begins with",
        "arch/arm64/include/asm/pgtable.h:vmemmap, v6.12",
        {
            f"{OUR}.memory.Numbers.__init__": (
                "(layout.base - layout.first_pfn * layout.struct_page)",
                "(layout.base - self.flat * layout.first_pfn * layout.struct_page)",
            ),
            f"{LAYOUT}.vmemmap_of": ("page_before(layout, layout.base, layout.first_pfn)", "layout.base"),
        },
    ),
    bug(
        "BUG-MM-DECODE-FLAGS",
        "MEMORY-MODEL-CLASSIC",
        "a section's flags are not masked off its pointer",
        "include/linux/mmzone.h:__section_mem_map_addr, v6.12",
        {
            f"{MODEL}.page_of": ("& ~numbers.flags", "& ~1"),
            f"{LOOKUP}.page_of": (
                "decoded(layout, section_word(memmap, section_of(layout, pfn)))",
                "section_word(memmap, section_of(layout, pfn)) & ~1",
            ),
        },
    ),
    bug(
        "BUG-MM-ZONES-TWO-BITS",
        "MEMORY-MODEL-ZONES-WIDTH",
        "five zones get two bits",
        "include/linux/page-flags-layout.h, v6.12",
        {
            f"{OUR}.flags.Fields.__init__": ("(layout.zones - 1).bit_length()", "min((layout.zones - 1).bit_length(), 2)"),
            f"{FLAGS}.zones_width": (
                "(layout.zones > 1) + (layout.zones > 2) + (layout.zones > 4)",
                "(layout.zones > 1) + (layout.zones > 2)",
            ),
        },
    ),
    bug(
        "BUG-MM-LINKS-KEPT",
        "MEMORY-MODEL-LINKS",
        "a page's old node is not cleared before the new one is written",
        "include/linux/mm.h:set_page_node, v6.12",
        {
            f"{OUR}.flags.Fields.write": (" | self.node_mask << self.node |", " |"),
            f"{FLAGS}.linked": (
                "flags = set_field(flags, nodes_place(layout), nodes_width(layout), node)",
                "flags = flags | field_mask(nodes_place(layout), nodes_width(layout)) & (node << nodes_place(layout))",
            ),
        },
    ),
    bug(
        "BUG-MM-NODE-TABLE",
        "MEMORY-MODEL-NODE-TABLE",
        "where the flags have no node, node 0 is read instead of the section's",
        "mm/sparse.c:page_to_nid, v6.12",
        {
            f"{MODEL}.parts": ("self.nodes.get(section, 0) if self.fields.table else node", "node"),
            f"{LOOKING}.parts_answer": ("node = memmap.nodes.get(section, 0)", "node = 0"),
        },
    ),
    bug(
        "BUG-MM-PAGEBLOCK-FROM-0",
        "MEMORY-MODEL-PAGEBLOCK",
        "pageblocks are counted from frame 0 instead of from their section's first",
        "mm/page_alloc.c:pfn_to_bitidx, v6.12",
        {
            f"{MODEL}.pageblock": ("inside = op.pfn & (1 << self.numbers.section_shift) - 1", "inside = op.pfn & (1 << 40) - 1"),
            f"{LAYOUT}.pageblock_bit": ("in_section(layout, pfn)", "(pfn & ((1 << 40) - 1))"),
        },
    ),
    bug(
        "BUG-MM-BOOT-ROUNDED",
        "MEMORY-MODEL-BOOT-BITS",
        "of an early section every sub-section is set, though memory ends inside it",
        "mm/sparse-vmemmap.c:sparse_init_subsection_map, v6.12",
        {
            f"{OUR}.memory.boot_sections": (
                "bits = mask_of(first >> numbers.grain, last >> numbers.grain)",
                "bits = mask_of(0, pages - 1 >> numbers.grain)",
            ),
            f"{INITIAL}.subsection_maps": (
                "subsection_mask(config.layout, pfn, pages)",
                "subsection_mask(config.layout, section * pages_per_section(config.layout), pages_per_section(config.layout))",
            ),
        },
    ),
    bug(
        "BUG-MM-BOOT-FAILED-ONE",
        "MEMORY-MODEL-BOOT-FAILED",
        "where a memory map cannot be had at boot only that section is absent, not those behind it",
        "mm/sparse.c:sparse_init_nid, v6.12",
        {
            f"{MODEL}.boot": ("if node == lost:", "if section == config.unbacked:"),
            f"{INITIAL}.backed": ("if node != lost:", "if section != config.unbacked:"),
        },
    ),
    bug(
        "BUG-MM-SECTION-NODE-FIRST",
        "MEMORY-MODEL-BOOT-NODE",
        "the table of nodes keeps the first range's node of a section that two nodes share",
        "mm/sparse.c:memory_present, v6.12",
        {
            f"{MODEL}.boot": ("self.nodes[section] = node", "self.nodes.setdefault(section, node)"),
            f"{INITIAL}.memory_present": ("nodes[section] = node", "nodes.setdefault(section, node)"),
        },
    ),
)
