"""The clauses of hotplug and device memory, in the order of dossier section B (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_HOTPLUG = "mm/memory_hotplug.c"
_ADD = f"{_HOTPLUG}:add_memory_resource, v6.12"
_REGISTER = f"{_HOTPLUG}:register_memory_resource, v6.12"
_REMOVE = f"{_HOTPLUG}:try_remove_memory, v6.12"
_ONLINE = f"{_HOTPLUG}:online_pages, v6.12"
_OFFLINE = f"{_HOTPLUG}:offline_pages, v6.12"
_ZONE = f"{_HOTPLUG}:zone_for_pfn_range, v6.12"
_SHRINK = f"{_HOTPLUG}:shrink_zone_span, v6.12"
_BLOCK = "drivers/base/memory.c:memory_subsys_online, v6.12"
_DEVICE = "mm/memremap.c:memremap_pages, v6.12"
_RANGE = "mm/memremap.c:pagemap_range, v6.12"
_ISOLATE = "mm/page_isolation.c:set_migratetype_isolate, v6.12"
_OURS = "INTERFACES 1, Other machines"
_linux = partial(Clause, of_policy=True)

# --- truths about every state (dossier B.12) ---------------------------------------------------------------------------
NEVER_ONLINE = Clause(
    "HOTPLUG-4",
    "No frame is online and a device's: what a device has is never handed to the page allocator",
    f"{_HOTPLUG}:pfn_to_online_page, v6.12",
)
ONE_NODE = Clause("HOTPLUG-6", "A block that is online is in a zone of its own node that blocks may be in", _ONLINE)
NESTED = Clause(
    "HOTPLUG-7",
    "Managed frames are at most the present ones, and so are those that were there at boot",
    f"{_HOTPLUG}:adjust_present_page_count, v6.12",
)
COUNTED = Clause(
    "HOTPLUG-8",
    "A zone's frames are those of its online blocks, holes left out; managed are those of them that were not withheld",
    f"{_HOTPLUG}:adjust_present_page_count, v6.12",
)
NODE_SUM = Clause("HOTPLUG-11", "A node's frames are those of its zones", f"{_HOTPLUG}:adjust_present_page_count, v6.12")
TOTAL_SUM = Clause("HOTPLUG-TOTAL", "All managed frames are totalram", "mm/page_alloc.c:adjust_managed_page_count, v6.12")
SPANS_ALL = _linux("HOTPLUG-SPANS", "A zone spans each block that is online in it", f"{_HOTPLUG}:resize_zone_range, v6.12")
NODE_HULL = _linux("HOTPLUG-NODE-HULL", "A node spans its zones, that of devices too", f"{_HOTPLUG}:update_pgdat_span, v6.12")

# --- add, remove (dossier B.8) -------------------------------------------------------------------------------------------
ADD_RANGE = Clause("HOTPLUG-ADD-RANGE", "Memory that the kernel cannot map is refused with E2BIG, and so is none", _REGISTER)
ADD_BUSY = Clause("HOTPLUG-ADD-BUSY", "Frames that are memory already, or a device's, are refused with EEXIST", _REGISTER)
ADD_ALIGN = Clause(
    "HOTPLUG-ADD-ALIGN", "What is not whole blocks is refused with EINVAL", f"{_HOTPLUG}:check_hotplug_memory_range, v6.12"
)
ADD_NODE = Clause("HOTPLUG-ADD-NODE", "A node that is not possible is refused with EINVAL", _ADD)
ADD_STRAY = Clause(
    "HOTPLUG-ADD-STRAY",
    "Where a memory map stayed behind nothing is added any more: EEXIST",
    "mm/sparse-vmemmap.c:fill_subsection_map, v6.12",
)
ADD_STARVES = Clause("HOTPLUG-ADD-STARVES", "Where an allocation fails the answer is ENOMEM, and no block is there", _ADD)
ADD_LEFT = Clause(
    "HOTPLUG-ADD-LEFT",
    "The sections that were mapped before it failed stay mapped, unless all were",
    f"{_HOTPLUG}:__add_pages, v6.12",
)
ADD_DONE = Clause("HOTPLUG-ADD", "Anything else is added, as blocks of the node that are offline", _ADD)
ADD_ORDER = _linux(
    "HOTPLUG-ADD-ORDER", "Of several reasons the range's decides, then what is there, alignment, the node", _REGISTER
)
REMOVE_ARGS = Clause("HOTPLUG-REMOVE-ARGS", "What is not whole blocks that are there cannot be removed: EINVAL", _REMOVE)
REMOVE_ONLINE = Clause("HOTPLUG-REMOVE-BUSY", "Where a block of it is not offline nothing is removed: EBUSY", _REMOVE)
REMOVE_DONE = Clause("HOTPLUG-REMOVE", "Anything else is removed", _REMOVE)
NODE_ONLINE = Clause("HOTPLUG-NODE-ONLINE", "A node with CPUs or blocks is online", _ADD)
NODE_OFFLINE = _linux(
    "HOTPLUG-NODE-OFFLINE",
    "It goes offline with its last block, if it spans nothing and has no CPU; of blocks of several nodes that of the last",
    f"{_HOTPLUG}:try_offline_node, v6.12",
)

# --- online, offline (dossier B.8, B.9, B.10) ----------------------------------------------------------------------------
NO_BLOCK = Clause("HOTPLUG-NO-BLOCK", "A block that is not there is answered ENOENT", _BLOCK)
ONLINE_TWICE = Clause("HOTPLUG-ONLINE-TWICE", "A block that is online is not put online: EINVAL", _BLOCK)
ONLINE_POISON = Clause(
    "HOTPLUG-ONLINE-POISON", "Nor one with a poisoned page: EHWPOISON", "drivers/base/memory.c:memory_block_online, v6.12"
)
ONLINE_VETO = Clause("HOTPLUG-ONLINE-VETO", "Nor one that a notifier refuses: with its error", _ONLINE)
ONLINE_ARGS = Clause("HOTPLUG-ONLINE-ARGS", "More frames than a block has are not withheld: EINVAL", _OURS)
ONLINE_DONE = Clause("HOTPLUG-ONLINE", "Any other goes online", _ONLINE)
TO_KERNEL = Clause("HOTPLUG-ZONE-KERNEL", "What is put online as kernel memory goes to a kernel zone of its node", _ZONE)
MOVABLE_ZONE = Clause("HOTPLUG-ZONE-MOVABLE", "What is put online as movable goes to its node's MOVABLE", _ZONE)
ANY_ZONE = Clause("HOTPLUG-ZONE-DEFAULT", "Anything else goes to a kernel zone of its node or to its MOVABLE", _ZONE)
ZONE_LOWEST = _linux(
    "HOTPLUG-ZONE-LOWEST",
    "The kernel zone is the lowest below NORMAL that spans any of it, else NORMAL",
    f"{_HOTPLUG}:default_kernel_zone_for_pfn, v6.12",
)
ZONE_INHERIT = _linux(
    "HOTPLUG-ZONE-INHERIT",
    "By default a block goes to that one of kernel zone and MOVABLE that alone spans any of it",
    f"{_HOTPLUG}:default_zone_for_pfn, v6.12",
)
ZONE_ELSE = _linux(
    "HOTPLUG-ZONE-ELSE",
    "Where both do, or none, it goes to MOVABLE with movable_node, to the kernel zone without",
    f"{_HOTPLUG}:default_zone_for_pfn, v6.12",
)
ZONE_AUTO = _linux(
    "HOTPLUG-ZONE-AUTO",
    "Under auto-movable it goes to MOVABLE while movable frames are at most the ratio of the kernel's of boot",
    f"{_HOTPLUG}:auto_movable_can_online_movable, v6.12",
)
ZONE_AUTO_NODE = _linux(
    "HOTPLUG-ZONE-AUTO-NODE",
    "This holds of the whole machine and, if nodes are minded, of the block's node too",
    f"{_HOTPLUG}:auto_movable_zone_for_pfn, v6.12",
)
ONLINE_COUNTS = Clause("HOTPLUG-ONLINE-COUNTS", "Onlining adds a block's frames to its zone's and node's", _ONLINE)
ONLINE_MANAGED = Clause(
    "HOTPLUG-ONLINE-MANAGED", "Those that are not withheld are managed from then on, and in totalram", _ONLINE
)
EARLY_COUNTS = Clause(
    "HOTPLUG-EARLY", "Those of boot's blocks count as such again", f"{_HOTPLUG}:adjust_present_page_count, v6.12"
)
SPAN_GROWS = _linux("HOTPLUG-SPAN-GROWS", "Zone and node span it from then on", f"{_HOTPLUG}:resize_zone_range, v6.12")
VETO_SHRINKS = _linux("HOTPLUG-VETO-SHRINKS", "After a notifier's refusal the spans shrink as after taking it offline", _ONLINE)
OFFLINE_TWICE = Clause("HOTPLUG-OFFLINE-TWICE", "A block that is offline is not taken offline: EINVAL", _BLOCK)
OFFLINE_HOLES = Clause("HOTPLUG-OFFLINE-HOLES", "A block with a hole stays online: EINVAL", _OFFLINE)
OFFLINE_ISOLATED = Clause("HOTPLUG-OFFLINE-ISOLATED", "So does one of which a pageblock is isolated: EBUSY", _ISOLATE)
OFFLINE_RESERVED = Clause(
    "HOTPLUG-OFFLINE-RESERVED",
    "So does one with frames that boot reserved: EBUSY",
    "mm/page_isolation.c:has_unmovable_pages, v6.12",
)
OFFLINE_BUSY = Clause("HOTPLUG-OFFLINE-BUSY", "So does one with a page that cannot be moved: EBUSY", _OFFLINE)
OFFLINE_VETO = Clause("HOTPLUG-OFFLINE-VETO", "So does one that a notifier keeps: with its error", _OFFLINE)
OFFLINE_SIGNAL = Clause("HOTPLUG-OFFLINE-SIGNAL", "A signal ends the attempt: EINTR", _OFFLINE)
OFFLINE_HUGETLB = Clause("HOTPLUG-OFFLINE-HUGETLB", "So does a huge page that cannot be dissolved: with its error", _OFFLINE)
OFFLINE_DONE = Clause("HOTPLUG-OFFLINE", "Any other goes offline", _OFFLINE)
OFFLINE_ORDER = _linux("HOTPLUG-OFFLINE-ORDER", "Holes decide before isolation, isolation before all else", _OFFLINE)
OFFLINE_COUNTS = Clause("HOTPLUG-OFFLINE-COUNTS", "Taking offline undoes what onlining counted", _OFFLINE)
SHRINK_FIRST = _linux(
    "HOTPLUG-SHRINK-FIRST", "A zone whose first block goes begins at its next block that is online, or spans nothing", _SHRINK
)
SHRINK_LAST = _linux("HOTPLUG-SHRINK-LAST", "A zone whose last block goes ends with the one before", _SHRINK)
SHRINK_NOT = _linux("HOTPLUG-SHRINK-NOT", "Any other keeps its span", _SHRINK)
RELEASE_ARGS = Clause("HOTPLUG-RELEASE-ARGS", "Only what a block that is online withholds is released: else EINVAL", _OURS)
RELEASE = Clause(
    "HOTPLUG-RELEASE", "What is released is managed from then on", "mm/page_alloc.c:adjust_managed_page_count, v6.12"
)

# --- isolation (dossier B.9, B.10) ---------------------------------------------------------------------------------------
ISOLATE_ARGS = Clause("HOTPLUG-ISOLATE-ARGS", "Only pageblocks of blocks that are online are isolated: else EINVAL", _OURS)
ISOLATE_TWICE = Clause("HOTPLUG-ISOLATE-TWICE", "One that is isolated is not isolated again: EBUSY", _ISOLATE)
ISOLATE_BUSY = Clause("HOTPLUG-ISOLATE-BUSY", "Nor one with a page that cannot be moved: EBUSY", _ISOLATE)
ISOLATE_CUT = Clause(
    "HOTPLUG-ISOLATE-CUT", "One with a hole may be refused: EBUSY", "mm/page_alloc.c:prep_move_freepages_block, v6.12"
)
ISOLATE_SPAN = _linux(
    "HOTPLUG-ISOLATE-SPAN", "It is where its zone ends within it", "mm/page_alloc.c:prep_move_freepages_block, v6.12"
)
ISOLATE_DONE = Clause("HOTPLUG-ISOLATE", "Any other is isolated", _ISOLATE)
UNISOLATE_ARGS = Clause("HOTPLUG-UNISOLATE-ARGS", "What is not isolated cannot end being it: EINVAL", _OURS)
UNISOLATE_DONE = Clause("HOTPLUG-UNISOLATE", "Isolation ends", "mm/page_isolation.c:unset_migratetype_isolate, v6.12")

# --- devices (dossier B.11) ----------------------------------------------------------------------------------------------
DEVICE_ARGS = Clause("HOTPLUG-DEVICE-ARGS", "A range on no node, or not of whole sub-sections, is refused with EINVAL", _RANGE)
DEVICE_PRIVATE = Clause(
    "HOTPLUG-DEVICE-PRIVATE", "PRIVATE memory needs migrate_to_ram, page_free and an owner: else EINVAL", _DEVICE
)
DEVICE_COHERENT = Clause("HOTPLUG-DEVICE-COHERENT", "COHERENT memory needs page_free and an owner: else EINVAL", _DEVICE)
DEVICE_END = Clause(
    "HOTPLUG-DEVICE-END",
    "Memory beyond what the kernel can map is refused with EINVAL; of PRIVATE memory, beyond the physical addresses",
    _RANGE,
)
DEVICE_TAKEN = Clause("HOTPLUG-DEVICE-TAKEN", "Where a device is, no other comes: ENOMEM or EEXIST", _RANGE)
DEVICE_RAM = Clause("HOTPLUG-DEVICE-RAM", "Nor where memory is: ENXIO or EEXIST", _RANGE)
DEVICE_STRAY = Clause("HOTPLUG-DEVICE-STRAY", "Nor where a memory map stayed behind: EEXIST", _RANGE)
DEVICE_DONE = Clause("HOTPLUG-DEVICE", "Any other range becomes the device's", _RANGE)
DEVICE_UNCOUNTED = Clause("HOTPLUG-DEVICE-UNCOUNTED", "No zone and no node counts a device's frames", _RANGE)
DEVICE_REFS = Clause(
    "HOTPLUG-DEVICE-REFS",
    "A page of PRIVATE or COHERENT memory begins with no reference, any other device's with one",
    "mm/mm_init.c:__init_zone_device_page, v6.12",
)
DEVICE_FIRST = _linux(
    "HOTPLUG-DEVICE-FIRST",
    "ENOMEM where a device has the range's first frame or its last, ENXIO where memory is, EEXIST for what lies within",
    _RANGE,
)
DEVICE_FORGOTTEN = _linux(
    "HOTPLUG-DEVICE-FORGOTTEN", "A range that is refused takes whom it lay around out of the array that finds devices", _RANGE
)
DEVICE_SPAN = _linux("HOTPLUG-DEVICE-SPAN", "Zone DEVICE and the node span the range", _RANGE)
DEVICE_SPAN_STAYS = _linux(
    "HOTPLUG-DEVICE-SPAN-STAYS", "They go on spanning it when the device is gone", f"{_HOTPLUG}:remove_pfn_range_from_zone, v6.12"
)
UNMAP_ARGS = Clause("HOTPLUG-UNMAP-ARGS", "Only a device's range can be taken from it: else EINVAL", _OURS)
UNMAP_DONE = Clause("HOTPLUG-UNMAP", "Its frames have no descriptors any more", "mm/memremap.c:pageunmap_range, v6.12")

# --- looking (dossier B.13) ----------------------------------------------------------------------------------------------
LOOK_ARGS = Clause("HOTPLUG-LOOK-ARGS", "What names no zone, node or block is answered EINVAL or ENOENT", _OURS)
ZONE_REPORTED = Clause("HOTPLUG-ZONE", "The frames that are reported of a zone are those that are counted", _OURS)
ZONE_SPANNED = Clause("HOTPLUG-ZONE-SPANNED", "The span that is reported of a zone holds each of its blocks", _OURS)
NODE_REPORTED = Clause("HOTPLUG-NODE", "The frames that are reported of a node are those that are counted", _OURS)
NODE_STATES = Clause(
    "HOTPLUG-NODE-STATES",
    "A node is in N_MEMORY with any frame, in N_NORMAL_MEMORY with any of a kernel zone",
    f"{_HOTPLUG}:node_states_check_changes_online, v6.12",
)
BLOCK_REPORTED = Clause("HOTPLUG-BLOCK", "What is reported of a block is so", _OURS)
FRAME_REPORTED = Clause("HOTPLUG-FRAME", "What is reported of a frame is so", _OURS)
TOTAL_REPORTED = Clause("HOTPLUG-TOTAL-REPORTED", "The total that is reported is totalram", _OURS)
CHOICE = _linux("HOTPLUG-CHOICE", "Of the lawful answers Linux gives the one that its spans determine", f"{_HOTPLUG}, v6.12")

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
