"""The clauses of the memory model, in the order of dossier section B (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from mmspec.clause import Clause

_MODEL = "include/asm-generic/memory_model.h, v6.12"
_MMZONE = "include/linux/mmzone.h"
_INIT_ONE = "mm/internal.h:sparse_init_one_section, v6.12"
_VALID = f"{_MMZONE}:pfn_valid, v6.12"
_ONLINE = "mm/memory_hotplug.c:pfn_to_online_page, v6.12"
_ACTIVATE = "mm/sparse-vmemmap.c:section_activate, v6.12"
_DEACTIVATE = "mm/sparse-vmemmap.c:section_deactivate, v6.12"
_ADD = "mm/sparse-vmemmap.c:sparse_add_section, v6.12"
_BOOT = "mm/sparse.c:sparse_init_nid, v6.12"
_TAINT = "mm/memory_hotplug.c:move_pfn_range_to_zone, v6.12"
_LAYOUT = "include/linux/page-flags-layout.h, v6.12"
_OURS = "INTERFACES 1, Other machines"

# --- truths about every state (dossier B.12) ---------------------------------------------------------------------------
MM_1 = Clause("MEMORY-MODEL-1", "The frame of the page of a frame that is valid is that frame", _MODEL)
MM_2 = Clause("MEMORY-MODEL-2", "Inside a section the page of the next frame is the next page", _MODEL)
MM_3 = Clause(
    "MEMORY-MODEL-3",
    "After boot a section that is online, early or tainted has a memory map, and it has one if and only if it is present",
    _ADD,
)
MM_4 = Clause("MEMORY-MODEL-4", "A page that is online is valid and is no device's", _ONLINE)
MM_5 = Clause(
    "MEMORY-MODEL-5",
    "A pageblock lies in one section, and its bits in the bitmap of that section",
    "mm/page_alloc.c, v6.12",
)
MM_9 = Clause(
    "MEMORY-MODEL-9",
    "A section has a memory map if and only if a sub-section of it was added and not removed since",
    _DEACTIVATE,
)
ROOTS = Clause("MEMORY-MODEL-ROOTS", "Every section that is present has a root", "mm/sparse.c:sparse_index_init, v6.12")
MAPS = Clause(
    "MEMORY-MODEL-MAPS",
    "The bits of an encoded memory map where the section's flags lie are clear before they are added",
    _INIT_ONE,
)

# --- pointers (dossier B.1) --------------------------------------------------------------------------------------------
FLAT = Clause("MEMORY-MODEL-FLAT", "The page of a frame is mem_map plus the frame's number less ARCH_PFN_OFFSET", _MODEL)
VMEMMAP = Clause(
    "MEMORY-MODEL-VMEMMAP",
    "The page of a frame is vmemmap plus the frame's number; the map's first page is that of the first frame",
    "arch/arm64/include/asm/pgtable.h:vmemmap, v6.12",
)
CLASSIC = Clause(
    "MEMORY-MODEL-CLASSIC",
    "The page of a frame is the decoded pointer of its section plus the frame's number",
    _MODEL,
)
TO_PAGE = Clause(
    "MEMORY-MODEL-PFN-TO-PAGE",
    "The page that is reported for a valid frame is its own, and EINVAL for another",
    _OURS,
)
TO_PFN = Clause("MEMORY-MODEL-PAGE-TO-PFN", "The frame that is reported is the valid one whose page it is, or EINVAL", _OURS)

# --- sections (dossier B.2, B.3) ---------------------------------------------------------------------------------------
ENCODE = Clause(
    "MEMORY-MODEL-ENCODE",
    "What encodes a section's memory map is its address less the section's first frame, plus flags",
    _INIT_ONE,
)
SECTION = Clause(
    "MEMORY-MODEL-SECTION",
    "The flags, the map and the sub-sections that are reported of a section are its own",
    _OURS,
)

# --- pfn_valid, pfn_to_online_page (dossier B.4, B.5) ------------------------------------------------------------------
VALID_FLAT = Clause(
    "MEMORY-MODEL-VALID-FLAT",
    "In a flat map the frames from ARCH_PFN_OFFSET on, max_mapnr of them, are valid, holes too",
    _MODEL,
)
VALID_RANGE = Clause("MEMORY-MODEL-VALID-RANGE", "A frame of no section is not valid, whatever its lower bits say", _VALID)
VALID_MAP = Clause("MEMORY-MODEL-VALID-MAP", "A frame of a section without memory map is not valid", _VALID)
VALID_EARLY = Clause("MEMORY-MODEL-VALID-EARLY", "Every frame of a section that was there at boot is valid", _VALID)
VALID_WHOLE = Clause("MEMORY-MODEL-VALID-WHOLE", "Without VMEMMAP every frame of a section with a memory map is valid", _VALID)
VALID_BIT = Clause("MEMORY-MODEL-VALID-BIT", "Any other frame is valid if and only if its sub-section was added", _VALID)
VALID = Clause("MEMORY-MODEL-PFN-VALID", "What is reported of a frame's validity is so", _OURS)
ONLINE_SECTION = Clause("MEMORY-MODEL-ONLINE-SECTION", "A frame has no online page while its section is offline", _ONLINE)
ONLINE_BIT = Clause(
    "MEMORY-MODEL-ONLINE-BIT",
    "Nor where its sub-section was not added, even in a section that was there at boot",
    _ONLINE,
)
ONLINE_PLAIN = Clause("MEMORY-MODEL-ONLINE-PLAIN", "Elsewhere in a section without device the online page is the page", _ONLINE)
ONLINE_DEVICE = Clause(
    "MEMORY-MODEL-ONLINE-DEVICE",
    "In a section that is tainted a frame has an online page if no device has the frame",
    _ONLINE,
)
ONLINE_VALID = Clause(
    "MEMORY-MODEL-ONLINE-VALID",
    "Without hotplug every valid frame's page is online",
    "include/linux/memory_hotplug.h, v6.12",
)
ONLINE_PAGE = Clause("MEMORY-MODEL-ONLINE-PAGE", "The online page that is reported is the frame's, or ENOENT", _OURS)

# --- boot (dossier B.3, B.4) ---------------------------------------------------------------------------------------------
BOOT_MAP = Clause(
    "MEMORY-MODEL-BOOT",
    "Every section with memory is present, online, early and mapped as a whole after boot",
    _BOOT,
)
BOOT_BITS = Clause(
    "MEMORY-MODEL-BOOT-BITS",
    "Of an early section the sub-sections that memory touches are set",
    "mm/sparse-vmemmap.c:sparse_init_subsection_map, v6.12",
)
BOOT_FAILED = Clause(
    "MEMORY-MODEL-BOOT-FAILED",
    "Where a memory map cannot be had at boot the section is absent, and so are those behind it in its node's run",
    _BOOT,
)
BOOT_NODE = Clause(
    "MEMORY-MODEL-BOOT-NODE",
    "Until it has a map a section holds its node: that of the first range of memory in it; the table of nodes keeps the last",
    "mm/sparse.c:memory_present, v6.12",
)

# --- add ---------------------------------------------------------------------------------------------------------------
ADD_ARGS = Clause(
    "MEMORY-MODEL-ADD-ARGS",
    "Adding what is no part of one section in whole sub-sections (whole sections without VMEMMAP) is refused with EINVAL",
    "mm/memory_hotplug.c:check_pfn_span, v6.12",
)
ADD_MEM_MAP = Clause(
    "MEMORY-MODEL-ADD-MEM-MAP",
    "A memory map of its own lies on a page boundary and apart from every other: else EINVAL",
    _OURS,
)
ADD_ROOT = Clause(
    "MEMORY-MODEL-ADD-ROOT",
    "The first section of a root needs a root, and fails with ENOMEM without; the root stays whatever comes of it",
    "mm/sparse.c:sparse_index_init, v6.12",
)
ADD_USAGE = Clause("MEMORY-MODEL-ADD-USAGE", "A section without usage needs one, and fails with ENOMEM without", _ACTIVATE)
ADD_TWICE = Clause(
    "MEMORY-MODEL-ADD-TWICE",
    "Under VMEMMAP adding a sub-section that is there is refused with EEXIST",
    "mm/sparse-vmemmap.c:fill_subsection_map, v6.12",
)
ADD_REUSE = Clause(
    "MEMORY-MODEL-ADD-REUSE",
    "A part of an early section needs no memory map: that of boot is whole, and is used again",
    _ACTIVATE,
)
ADD_NO_MAP = Clause("MEMORY-MODEL-ADD-NO-MAP", "Anything else needs a memory map, and fails with ENOMEM without", _ACTIVATE)
ADD_LOST = Clause(
    "MEMORY-MODEL-ADD-LOST",
    "Without VMEMMAP a second add of a section that finds no memory map loses the section that was there",
    "mm/sparse.c:section_activate, v6.12",
)
ADD_DONE = Clause("MEMORY-MODEL-ADD", "Anything else is added", _ADD)
ADD_FLAGS = Clause(
    "MEMORY-MODEL-ADD-FLAGS",
    "What is added makes its section present and mapped, neither online nor early; flags that it had stay",
    _ADD,
)
ADD_BITS = Clause(
    "MEMORY-MODEL-ADD-BITS",
    "The bits of exactly the added sub-sections are set",
    "mm/sparse-vmemmap.c:fill_subsection_map, v6.12",
)
ADD_AGAIN = Clause(
    "MEMORY-MODEL-ADD-AGAIN",
    "Without VMEMMAP adding a section twice is not refused, and the new memory map counts",
    _ADD,
)

# --- remove ------------------------------------------------------------------------------------------------------------
REMOVE_ARGS = Clause(
    "MEMORY-MODEL-REMOVE-ARGS",
    "Removing what is no part of one section in whole sub-sections is ignored",
    "mm/memory_hotplug.c:check_pfn_span, v6.12",
)
REMOVE_INVALID = Clause(
    "MEMORY-MODEL-REMOVE-INVALID",
    "Removing from a section without memory map is ignored",
    "mm/sparse-vmemmap.c:sparse_remove_section, v6.12",
)
REMOVE_TWICE = Clause(
    "MEMORY-MODEL-REMOVE-TWICE",
    "Under VMEMMAP removing a part of which any sub-section is not there is ignored",
    "mm/sparse-vmemmap.c:clear_subsection_map, v6.12",
)
REMOVE_DONE = Clause("MEMORY-MODEL-REMOVE", "Anything else is removed", _DEACTIVATE)
REMOVE_PART = Clause(
    "MEMORY-MODEL-REMOVE-PART",
    "While other sub-sections are left the section keeps its flags and its memory map",
    _DEACTIVATE,
)
REMOVE_LAST = Clause("MEMORY-MODEL-REMOVE-LAST", "When none is left the section is absent, early or not", _DEACTIVATE)
REMOVE_USAGE = Clause(
    "MEMORY-MODEL-REMOVE-USAGE",
    "A usage from boot stays with its section, which needs no other when it is added again",
    _DEACTIVATE,
)

# --- online, offline, devices --------------------------------------------------------------------------------------------
MARK_INVALID = Clause(
    "MEMORY-MODEL-MARK-INVALID",
    "A section without memory map is not marked online or offline",
    "mm/sparse.c:online_mem_sections, v6.12",
)
MARK_ONLINE = Clause("MEMORY-MODEL-ONLINE", "A section is marked online", "mm/sparse.c:online_mem_sections, v6.12")
MARK_OFFLINE = Clause(
    "MEMORY-MODEL-OFFLINE",
    "A section is marked offline and keeps its other flags",
    "mm/sparse.c:offline_mem_sections, v6.12",
)
DEVICE_ARGS = Clause(
    "MEMORY-MODEL-DEVICE-ARGS",
    "A device is given whole sub-sections of one section that has a memory map: else EINVAL",
    _OURS,
)
DEVICE_TAINT = Clause(
    "MEMORY-MODEL-DEVICE-TAINT",
    "A device that begins or ends inside a section taints it, for as long as it is there",
    _TAINT,
)
DEVICE_MAP = Clause(
    "MEMORY-MODEL-DEVICE-MAP",
    "The frames that a device was given are its own",
    "mm/memremap.c:pagemap_range, v6.12",
)
DEVICE_UNMAP = Clause(
    "MEMORY-MODEL-DEVICE-UNMAP",
    "Until they are taken from it again",
    "mm/memremap.c:pgmap_array_delete, v6.12",
)

# --- page->flags (dossier B.6), pageblocks (B.7) -----------------------------------------------------------------------
LINKS = Clause(
    "MEMORY-MODEL-LINKS",
    "Writing a page's zone, node and section changes these fields alone, and of a value takes as many bits as its field has",
    "include/linux/mm.h:set_page_links, v6.12",
)
FIELDS = Clause(
    "MEMORY-MODEL-FIELDS",
    "The fields of page->flags do not overlap, and none reaches into the page's own flags",
    _LAYOUT,
)
ZONES_WIDTH = Clause(
    "MEMORY-MODEL-ZONES-WIDTH",
    "The zone has no, one, two or three bits for at most 1, 2, 4 or 8 zones",
    _LAYOUT,
)
NODES_WIDTH = Clause("MEMORY-MODEL-NODES-WIDTH", "The node has its bits if they fit beside zone, generation and section", _LAYOUT)
PARTS = Clause(
    "MEMORY-MODEL-PARTS",
    "The zone, node and section that are read of a page are those that its flags name",
    "include/linux/mm.h, v6.12",
)
NODE_TABLE = Clause(
    "MEMORY-MODEL-NODE-TABLE",
    "Where the flags have no room for the node it is that of the page's section in a table",
    "mm/sparse.c:page_to_nid, v6.12",
)
ZONE_ID = Clause("MEMORY-MODEL-ZONE-ID", "A page's zone id is its node and zone", "include/linux/mm.h:page_zone_id, v6.12")
ZONE_ID_SECTION = Clause(
    "MEMORY-MODEL-ZONE-ID-SECTION",
    "Where the flags have no node it is its section and zone, so that buddies must share a section",
    f"{_MMZONE}, v6.12",
)
PAGEBLOCK = Clause(
    "MEMORY-MODEL-PAGEBLOCK",
    "The four bits of a pageblock lie in its section's bitmap, pageblock by pageblock from the section's first",
    "mm/page_alloc.c:pfn_to_bitidx, v6.12",
)
CHOICE = Clause(
    "MEMORY-MODEL-CHOICE",
    "Everything that is remembered of the sections is what Linux remembers",
    "mm/sparse.c, v6.12",
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
