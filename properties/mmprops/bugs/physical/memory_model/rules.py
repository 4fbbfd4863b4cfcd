"""Further wrong versions, a rule each: of the implementation, of both, and of the law alone where its truths must tell."""

from __future__ import annotations

from mmprops.bugs.physical.memory_model.places import CORE, FLAGS, INITIAL, LAYOUT, LOOKUP, MODEL, OUR, bug

BUGS = (
    bug(
        "BUG-MM-PAGE-BEHIND",
        "MEMORY-MODEL-PFN-TO-PAGE",
        "the page behind a frame's own is reported",
        "include/asm-generic/memory_model.h, v6.12",
        {
            f"{MODEL}.page_of": ("(origin + pfn * numbers.size)", "(origin + pfn * numbers.size + numbers.size)"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-BETWEEN-PAGES",
        "MEMORY-MODEL-PAGE-TO-PFN",
        "an address between two pages is taken for a page",
        "include/asm-generic/memory_model.h, v6.12",
        {
            f"{MODEL}.pfn_of": ("mine and not rest and", "mine and"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-SECTION-FLAGS",
        "MEMORY-MODEL-SECTION",
        "a section that was there at boot is not shown as early",
        "include/linux/mmzone.h:pfn_valid, v6.12",
        {
            f"{MODEL}.section": ("return SectionIs(flags,", "return SectionIs(flags & 7,"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-VALID-NEVER",
        "MEMORY-MODEL-PFN-VALID",
        "no frame of an early section is valid",
        "include/linux/mmzone.h:pfn_valid, v6.12",
        {
            f"{MODEL}.is_valid": ("return bool(word & EARLY) or not", "return not word & EARLY and not"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ONLINE-NEVER",
        "MEMORY-MODEL-ONLINE-PAGE",
        "only tainted sections have online pages",
        "mm/memory_hotplug.c:pfn_to_online_page, v6.12",
        {
            f"{MODEL}.is_online": ("if not flags & ONLINE:", "if not flags & TAINT:"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-PARTS-SWAPPED",
        "MEMORY-MODEL-PARTS",
        "the node is read where the zone is",
        "include/linux/mm.h, v6.12",
        {
            f"{OUR}.flags.Fields.read": ("flags >> self.node & self.node_mask", "flags >> self.zone & self.node_mask"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ADD-SMALL",
        "MEMORY-MODEL-ADD",
        "only small parts are added",
        "mm/sparse-vmemmap.c:section_activate, v6.12",
        {
            f"{MODEL}.add": (
                "if not self.is_part(op.pfn, op.pages) or",
                "if op.pages > 16384 or not self.is_part(op.pfn, op.pages) or",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ADD-WITHOUT-MAP",
        "MEMORY-MODEL-ADD-NO-MAP",
        "a memory map that could not be had is taken to be there",
        "mm/sparse-vmemmap.c:section_activate, v6.12",
        {
            f"{MODEL}.add": ("if op.fails == MEMMAP and not reused:", "if op.fails == MEMMAP and not reused and word & EARLY:"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ADD-WITHOUT-USAGE",
        "MEMORY-MODEL-ADD-USAGE",
        "a usage that could not be had is taken to be there",
        "mm/sparse-vmemmap.c:section_activate, v6.12",
        {
            f"{MODEL}.add": ("if op.fails == USAGE and not", "if op.fails == USAGE and EARLY == 0 and not"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-MAP-AT-0",
        "MEMORY-MODEL-ADD-MEM-MAP",
        "a memory map may lie on another",
        "mm/sparse-vmemmap.c:section_activate, v6.12",
        {
            f"{MODEL}.map_free": ("abs(shown.mem_map - mem_map) >= size", "abs(shown.mem_map - mem_map) >= 0"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-REMOVE-UNALIGNED",
        "MEMORY-MODEL-REMOVE-ARGS",
        "parts that begin or end inside a sub-section are removed",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{MODEL}.remove": (
                "if not self.is_part(op.pfn, op.pages):",
                "if op.pages == 0 or not self.is_part(op.pfn // 512 * 512, (op.pages + 511) // 512 * 512):",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-REMOVE-ABSENT",
        "MEMORY-MODEL-REMOVE-INVALID",
        "without VMEMMAP a section that is absent is removed",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{MODEL}.remove": (
                "if not self.sections.word(section) & HAS_MEM_MAP or (self.numbers.vmemmap and mask & ~bits):",
                "if self.numbers.vmemmap and mask & ~bits:",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-REMOVE-LARGE",
        "MEMORY-MODEL-REMOVE",
        "only large parts are removed",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{MODEL}.remove": (
                "if not self.is_part(op.pfn, op.pages):",
                "if op.pages <= 512 or not self.is_part(op.pfn, op.pages):",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ONLINE-LATE-ONLY",
        "MEMORY-MODEL-ONLINE",
        "a section from boot is not marked online again",
        "mm/sparse.c:online_mem_sections, v6.12",
        {
            f"{MODEL}.mark": (
                "not self.sections.word(section) & HAS_MEM_MAP:",
                "not self.sections.word(section) & HAS_MEM_MAP or (flag and self.sections.word(section) & EARLY):",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-DEVICE-NOWHERE",
        "MEMORY-MODEL-DEVICE-ARGS",
        "a device is given frames that have no pages",
        "mm/memremap.c:pagemap_range, v6.12",
        {
            f"{MODEL}.map_device": ("if not self.sections.word(section) & HAS_MEM_MAP:", "if not HAS_MEM_MAP:"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-DEVICE-LARGE",
        "MEMORY-MODEL-DEVICE-MAP",
        "a device is given large parts only",
        "mm/memremap.c:pagemap_range, v6.12",
        {
            f"{MODEL}.map_device": ("if not self.layout.zone_device or", "if op.pages <= 512 or not self.layout.zone_device or"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-DEVICE-FOR-EVER",
        "MEMORY-MODEL-DEVICE-UNMAP",
        "a small part that a device has stays its own",
        "mm/memremap.c:pgmap_array_delete, v6.12",
        {
            f"{MODEL}.unmap_device": (
                "if not self.layout.zone_device or",
                "if op.pages <= 512 or not self.layout.zone_device or",
            ),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-VALID-ALL",
        "MEMORY-MODEL-VALID-BIT",
        "every frame of a section with a memory map is valid",
        "include/linux/mmzone.h:pfn_valid, v6.12",
        {
            f"{MODEL}.is_valid": ("self.sections.has_bit(self.sections.added, section, self.index(pfn))", "True"),
            f"{LOOKUP}.is_valid": ("return has_bit(memmap.added.get(section, 0), subsection_index(layout, pfn))", "return True"),
        },
    ),
    bug(
        "BUG-MM-VALID-EARLY-ONLY",
        "MEMORY-MODEL-VALID-WHOLE",
        "without VMEMMAP only sections from boot are valid",
        "include/linux/mmzone.h:pfn_valid, v6.12",
        {
            f"{MODEL}.is_valid": ("bool(word & EARLY) or not numbers.vmemmap or", "bool(word & EARLY) or"),
            f"{LOOKUP}.is_valid": ("rule(c.VALID_WHOLE)\n        return True", "rule(c.VALID_WHOLE)\n        return False"),
        },
    ),
    bug(
        "BUG-MM-VALID-ABSENT",
        "MEMORY-MODEL-VALID-MAP",
        "without VMEMMAP sections that are absent are valid",
        "include/linux/mmzone.h:pfn_valid, v6.12",
        {
            f"{MODEL}.is_valid": (
                "if not word & HAS_MEM_MAP:\n            return False",
                "if not word & HAS_MEM_MAP:\n            return bool(numbers.classic)",
            ),
            f"{LOOKUP}.is_valid": (
                "rule(c.VALID_MAP)\n        return False",
                "rule(c.VALID_MAP)\n        return not is_vmemmap(layout)",
            ),
        },
    ),
    bug(
        "BUG-MM-ONLINE-TAINTED-ONLY",
        "MEMORY-MODEL-ONLINE-PLAIN",
        "only tainted sections have online pages",
        "mm/memory_hotplug.c:pfn_to_online_page, v6.12",
        {
            f"{MODEL}.is_online": ("return not flags & TAINT or not", "return bool(flags & TAINT) and not"),
            f"{LOOKUP}.is_online": ("rule(c.ONLINE_PLAIN)\n        return True", "rule(c.ONLINE_PLAIN)\n        return False"),
        },
    ),
    bug(
        "BUG-MM-ONLINE-HOTPLUG-ONLY",
        "MEMORY-MODEL-ONLINE-VALID",
        "without hotplug no page is online",
        "include/linux/memory_hotplug.h, v6.12",
        {
            f"{MODEL}.is_online": ("return self.is_valid(pfn)", "return False"),
            f"{LOOKUP}.is_online": ("return is_valid(memmap, pfn)", "return False"),
        },
    ),
    bug(
        "BUG-MM-FLAT-FROM-0",
        "MEMORY-MODEL-FLAT",
        "a flat map begins with the page of frame 0",
        "include/asm-generic/memory_model.h, v6.12",
        {
            f"{OUR}.memory.Numbers.__init__": (
                "(layout.base - layout.first_pfn * layout.struct_page)",
                "(layout.base - (not self.flat) * layout.first_pfn * layout.struct_page)",
            ),
            f"{LOOKUP}.page_of": ("pfn - layout.first_pfn", "pfn"),
            f"{LOOKUP}.pfn_of": (
                "frames_between(layout, page, layout.base) + layout.first_pfn",
                "frames_between(layout, page, layout.base)",
            ),
        },
    ),
    bug(
        "BUG-MM-ZONE-ID-ALONE",
        "MEMORY-MODEL-ZONE-ID",
        "the zones of two nodes have one id",
        "include/linux/mm.h:page_zone_id, v6.12",
        {
            f"{OUR}.flags.Fields.__init__": ("(sections if self.table else nodes)", "(sections if self.table else 0)"),
            f"{FLAGS}.zone_id_of": ("nodes_width(layout) + zones_width(layout)", "zones_width(layout)"),
        },
    ),
    bug(
        "BUG-MM-ZONE-ID-NO-SECTION",
        "MEMORY-MODEL-ZONE-ID-SECTION",
        "where the flags have no node the zone alone is the id",
        "include/linux/mm.h:page_zone_id, v6.12",
        {
            f"{OUR}.flags.Fields.__init__": ("(sections if self.table else nodes)", "(0 if self.table else nodes)"),
            f"{FLAGS}.zone_id_of": ("sections_width(layout) + zones_width(layout)", "zones_width(layout)"),
        },
    ),
    bug(
        "BUG-MM-ADD-OLD-MAP",
        "MEMORY-MODEL-ADD-AGAIN",
        "of two memory maps of a section the first counts",
        "mm/sparse-vmemmap.c:section_activate, v6.12",
        {
            f"{MODEL}.add": (
                "self.encoded(section, op.mem_map) |",
                "(self.encoded(section, op.mem_map) if numbers.vmemmap or not word else word) |",
            ),
            f"{CORE}.activate": (
                "mem_map = encoded(layout, op.mem_map, section)",
                "mem_map = section_word(memmap, section) or encoded(layout, op.mem_map, section)",
            ),
        },
    ),
    bug(
        "BUG-MM-ENCODE-WHOLE",
        "MEMORY-MODEL-ENCODE",
        "a section that is added holds its memory map's address as it is",
        "mm/internal.h:sparse_init_one_section, v6.12",
        {
            f"{MODEL}.add": (
                "self.encoded(section, op.mem_map) |",
                "(self.encoded(section, op.mem_map) if numbers.vmemmap else op.mem_map) |",
            ),
            f"{CORE}.activate": ("mem_map = encoded(layout, op.mem_map, section)", "mem_map = op.mem_map"),
        },
    ),
    bug(
        "BUG-MM-FIELDS-OVERLAP",
        "MEMORY-MODEL-FIELDS",
        "the zone lies on the page's own flags",
        "include/linux/mmzone.h, v6.12",
        {
            f"{OUR}.flags.Fields.__init__": ("self.zone = self.node - zones", "self.zone = 0"),
            f"{FLAGS}.zones_place": ("nodes_place(layout) - zones_width(layout)", "0 * nodes_place(layout)"),
        },
    ),
    bug(
        "BUG-MM-NODES-SPARE",
        "MEMORY-MODEL-NODES-WIDTH",
        "a node that just fits is not in the flags",
        "include/linux/page-flags-layout.h, v6.12",
        {
            f"{OUR}.flags.Fields.__init__": ("layout.nodes_shift <= layout.long_bits", "layout.nodes_shift < layout.long_bits"),
            f"{FLAGS}.nodes_width": ("(wanted <= room(layout))", "(wanted < room(layout))"),
        },
    ),
    bug(
        "BUG-MM-USAGE-ANEW",
        "MEMORY-MODEL-REMOVE-USAGE",
        "a section from boot that is added again needs another usage",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{MODEL}.add": (" and section not in self.usages", ""),
            f"{CORE}.lacks_usage": ("return not memmap.usages.get(section, False)", "return True"),
        },
    ),
    bug(
        "BUG-MM-BOOT-LATE",
        "MEMORY-MODEL-BOOT",
        "sections of boot are not marked early",
        "mm/sparse.c:sparse_init_nid, v6.12",
        {
            f"{MODEL}.boot": ("| ONLINE | EARLY)", "| ONLINE)"),
            f"{INITIAL}.sparse_init": ("| ONLINE | EARLY", "| ONLINE"),
        },
    ),
    bug(
        "BUG-MM-TRUTH-LAST-STAYS",
        "MEMORY-MODEL-9",
        "the last sub-section goes and the memory map stays",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{CORE}.remove_apply": ("is_vmemmap(layout) and left != 0", "is_vmemmap(layout)"),
        },
        client="spec",
    ),
    bug(
        "BUG-MM-TRUTH-OFFLINE",
        "MEMORY-MODEL-3",
        "offlining takes the memory map",
        "mm/sparse.c:offline_mem_sections, v6.12",
        {
            f"{CORE}.offline_apply": ("& ~ONLINE", "& ~HAS_MEM_MAP"),
        },
        client="spec",
    ),
    bug(
        "BUG-MM-TRUTH-ROOT",
        "MEMORY-MODEL-ROOTS",
        "a root is not remembered",
        "mm/sparse.c:sparse_index_init, v6.12",
        {
            f"{CORE}.with_root": ("memmap.roots.set(root_of(memmap.layout, section), True)", "memmap.roots"),
        },
        client="spec",
    ),
    bug(
        "BUG-MM-TRUTH-POINTER",
        "MEMORY-MODEL-MAPS",
        "a section that is gone keeps a pointer",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{CORE}.remove_apply": ("return with_section(memmap, section, 0, 0)", "return with_section(memmap, section, 64, 0)"),
        },
        client="spec",
    ),
    bug(
        "BUG-MM-TRUTH-NEXT-PAGE",
        "MEMORY-MODEL-1",
        "the way back forgets a page",
        "include/asm-generic/memory_model.h, v6.12",
        {
            f"{LOOKUP}.pfn_of": (
                "return frames_between(layout, page, vmemmap_of(layout))",
                "return frames_between(layout, page, vmemmap_of(layout)) + 1",
            ),
        },
        client="spec",
    ),
    bug(
        "BUG-MM-TRUTH-PAIRS",
        "MEMORY-MODEL-2",
        "of two frames the second's page lies first, and the way back knows it",
        "include/asm-generic/memory_model.h, v6.12",
        {
            f"{LOOKUP}.page_of": (
                "return page_after(layout, vmemmap_of(layout), pfn)",
                "return page_after(layout, vmemmap_of(layout), pfn ^ 1)",
            ),
            f"{LOOKUP}.pfn_of": (
                "return frames_between(layout, page, vmemmap_of(layout))",
                "return frames_between(layout, page, vmemmap_of(layout)) ^ 1",
            ),
        },
        client="spec",
    ),
    bug(
        "BUG-MM-TRUTH-ONLINE",
        "MEMORY-MODEL-4",
        "frames that were never added are online with their section",
        "mm/memory_hotplug.c:pfn_to_online_page, v6.12",
        {
            f"{LOOKUP}.is_online": (
                "if is_vmemmap(layout) and not has_bit(memmap.added.get(section, 0), index):",
                "if section < 0:",
            ),
        },
        client="spec",
    ),
    bug(
        "BUG-MM-TRUTH-PAGEBLOCK",
        "MEMORY-MODEL-5",
        "pageblocks have twice their bits",
        "mm/page_alloc.c:pfn_to_bitidx, v6.12",
        {
            f"{LAYOUT}.pageblock_bit": ("* PAGEBLOCK_BITS", "* PAGEBLOCK_BITS * 2"),
        },
        client="spec",
    ),
)
