"""Wrong versions of what is added, removed, marked and given to devices."""

from __future__ import annotations

from mmprops.bugs.physical.memory_model.places import CORE, MODEL, bug

BUGS = (
    bug(
        "BUG-MM-ADD-ONLINE",
        "MEMORY-MODEL-ADD-FLAGS",
        "what is added is online at once",
        "mm/sparse-vmemmap.c:sparse_add_section, v6.12",
        {
            f"{MODEL}.add": ("| PRESENT | HAS_MEM_MAP)", "| PRESENT | HAS_MEM_MAP | ONLINE)"),
            f"{CORE}.activate": (
                "flags = section_flags(memmap, section)",
                "flags = section_flags(memmap, section) | ONLINE",
            ),
        },
    ),
    bug(
        "BUG-MM-ADD-FORGETS-FLAGS",
        "MEMORY-MODEL-ADD-FLAGS",
        "adding a part to an early section makes it one that was not there at boot",
        "mm/internal.h:sparse_init_one_section, v6.12",
        {
            f"{MODEL}.add": ("| word & numbers.flags |", "|"),
            f"{CORE}.activate": ("flags = section_flags(memmap, section)", "flags = 0"),
        },
    ),
    bug(
        "BUG-MM-ADD-TWICE",
        "MEMORY-MODEL-ADD-TWICE",
        "a sub-section that is there is added again",
        "mm/sparse-vmemmap.c:fill_subsection_map, v6.12",
        {
            f"{MODEL}.add": ("if numbers.vmemmap and mask & bits:", "if numbers.vmemmap and mask & bits == mask:"),
            f"{CORE}.is_there": (
                "subsection_mask(memmap.layout, pfn, pages) & bits != 0",
                "subsection_mask(memmap.layout, pfn, pages) & ~bits == 0",
            ),
        },
    ),
    bug(
        "BUG-MM-ADD-REUSE",
        "MEMORY-MODEL-ADD-REUSE",
        "a part of an early section gets a memory map of its own, and fails where there is no memory for it",
        "mm/sparse-vmemmap.c:section_activate, v6.12",
        {
            f"{MODEL}.add": ("if op.fails == MEMMAP and not reused:", "if op.fails == MEMMAP:"),
            f"{CORE}.needs": ("op.fails == MEMMAP and not reuses_map(memmap, op)", "op.fails == MEMMAP"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ADD-ROOT",
        "MEMORY-MODEL-ADD-ROOT",
        "a root that could not be had is taken to be there",
        "mm/sparse.c:sparse_index_init, v6.12",
        {
            f"{MODEL}.add": ("if op.fails == ROOT:\n                return ENOMEM", "pass"),
            f"{CORE}.needs": ("return lacks_root(memmap, section)", "return False"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ADD-LOST",
        "MEMORY-MODEL-ADD-LOST",
        "a second add of a section that finds no memory map leaves the section as it was",
        "mm/sparse.c:section_activate, v6.12",
        {
            f"{MODEL}.add": ("if not numbers.vmemmap:\n", "if not numbers.vmemmap and not word & HAS_MEM_MAP:\n"),
            f"{CORE}.starve": ("op.fails == USAGE or is_vmemmap(memmap.layout)", "op.fails > ROOT"),
        },
    ),
    bug(
        "BUG-MM-ADD-ACROSS",
        "MEMORY-MODEL-ADD-ARGS",
        "a part that reaches into the next section is added",
        "mm/memory_hotplug.c:check_pfn_span, v6.12",
        {
            f"{MODEL}.is_part": ("pfn % size + pages <= size and ", ""),
            f"{CORE}.is_part": ("(in_section(layout, pfn) + pages <= pages_per_section(layout)) & ", ""),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-ADD-FIRST-BIT",
        "MEMORY-MODEL-ADD-BITS",
        "of a part of several sub-sections the first is left out",
        "mm/sparse-vmemmap.c:fill_subsection_map, v6.12",
        {
            f"{MODEL}.add": ("bits | mask)", "bits | (mask & (mask - 1) or mask))"),
            f"{CORE}.activate": (
                "bits = memmap.added.get(section, 0) | subsection_mask(layout, op.pfn, op.pages)",
                "mask = subsection_mask(layout, op.pfn, op.pages)\n"
                "    bits = memmap.added.get(section, 0) | (mask & (mask - 1) or mask)",
            ),
        },
    ),
    bug(
        "BUG-MM-REMOVE-WHOLE",
        "MEMORY-MODEL-REMOVE-PART",
        "removing a part takes the whole section",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{MODEL}.remove": ("left = bits & ~mask", "left = 0"),
            f"{CORE}.remove_apply": ("is_vmemmap(layout) and left != 0", "is_vmemmap(layout) and left < 0"),
        },
    ),
    bug(
        "BUG-MM-REMOVE-LAST",
        "MEMORY-MODEL-REMOVE-LAST",
        "a section that has lost its last part keeps its memory map",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {
            f"{MODEL}.remove": ("if not left:", "if not left and not self.numbers.vmemmap:"),
            f"{CORE}.remove_apply": ("is_vmemmap(layout) and left != 0", "is_vmemmap(layout)"),
        },
    ),
    bug(
        "BUG-MM-REMOVE-TWICE",
        "MEMORY-MODEL-REMOVE-TWICE",
        "a part of which only some sub-sections are there is removed",
        "mm/sparse-vmemmap.c:clear_subsection_map, v6.12",
        {
            f"{MODEL}.remove": ("self.numbers.vmemmap and mask & ~bits", "self.numbers.vmemmap and not mask & bits"),
            f"{CORE}.lacks_part": ("mask & bits != mask", "mask & bits == 0"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-OFFLINE-ALL",
        "MEMORY-MODEL-OFFLINE",
        "an offline section is no early one any more",
        "mm/sparse.c:offline_mem_sections, v6.12",
        {
            f"{MODEL}.mark": ("& ~ONLINE | flag", "& ~(ONLINE if flag else ONLINE | EARLY) | flag"),
            f"{CORE}.offline_apply": ("& ~ONLINE", "& ~12"),
        },
    ),
    bug(
        "BUG-MM-ONLINE-ABSENT",
        "MEMORY-MODEL-MARK-INVALID",
        "a section without memory map is marked online",
        "mm/sparse.c:online_mem_sections, v6.12",
        {
            f"{MODEL}.mark": (
                "section >= self.numbers.sections or not self.sections.word(section) & HAS_MEM_MAP",
                "section >= self.numbers.sections",
            ),
            f"{CORE}.can_mark": ("known and section_flags(memmap, section) & HAS_MEM_MAP != 0", "known"),
        },
        profile="any",
    ),
    bug(
        "BUG-MM-NO-TAINT",
        "MEMORY-MODEL-DEVICE-TAINT",
        "a device that begins inside a section does not taint it",
        "Linux 5.12, commit 1f90a3477df3",
        {
            f"{MODEL}.map_device": ("if op.pages < 1 << self.numbers.section_shift:", "if op.pages < 0:"),
            f"{CORE}.map_device_apply": ("op.pages == pages_per_section(layout)", "op.pages > 0"),
        },
    ),
    bug(
        "BUG-MM-CHOICE-USAGES",
        "MEMORY-MODEL-CHOICE",
        "a section's usage from boot is forgotten, which nobody sees until one is to be had again",
        "mm/sparse-vmemmap.c:section_deactivate, v6.12",
        {f"{MODEL}.remove": ("if not left:\n", "if not left:\n            self.usages.discard(section)\n")},
    ),
)
