"""The entries of linux/bugs.md that no component here can express yet, each with what is missing."""

from __future__ import annotations

_MISSING = {
    "page references: a block that is freed while somebody still holds a reference to its head": "BUD-06",
    "what pages contain, and which of them need scrubbing": "BUD-10",
    "round-robin between zones by a batch, which Linux gave up in 4.8": "WM-03",
    "the type of a pageblock while a CPU holds pages of it (component page_alloc)": "PCP-03 PCP-04",
    "several zones and nodes (component zones)": "WM-07",
    "the order in which an allocation falls back before it kills (component page_alloc)": "WM-09",
    "the memory map of boot memory (component memory_model)": "MB-07 MB-09",
    "what frees memory after the hand-over, and what is computed from it (component page_alloc)": "MB-13 MB-16",
    "the scanners of compaction (component compaction)": "CMP-01 CMP-04",
    "cursors, walkers of ranges, and entries that are not present but hold something (component page_map: one entry at a time)": (
        "PT-04 PT-15 PT-20 PT-21"
    ),
    "mappings of raw frames that are flushed before their VMA goes (component vma)": "TLB-06",
    "address spaces (component vma)": (
        "VMA-01 VMA-02 VMA-03 VMA-05 VMA-06 VMA-07 VMA-09 VMA-10 VMA-13 VMA-14 VMA-16 VMA-19 VMA-22 VMA-23 VMA-26 VMA-27 VMA-29"
    ),
    "fork, copy on write and pins (component faults)": (
        "COW-01 COW-02 COW-03 COW-05 COW-06 COW-08 COW-09 COW-10 COW-12 COW-13 COW-14 COW-18 COW-19"
    ),
    "the page cache and writeback (components page_cache, writeback)": "PC-01 PC-03 PC-04 PC-07 PC-08 PC-09",
    "swap (component swap)": "SWP-01 SWP-02 SWP-04 SWP-05",
    "reclaim (components lru, reclaim)": "RCL-03 RCL-05 RCL-06",
    "huge pages and their reservations (component huge_pages)": (
        "HTL-01 HTL-02 HTL-04 HTL-05 THP-01 THP-03 THP-05 THP-06"
    ),
    "kernel mappings (component vmalloc)": "VML-01 VML-03 VML-05",
    "a slab allocator (component slub)": "SLB-01 SLB-02 SLB-05 SLB-07 SLB-08 SLB-10 SLB-12",
    "scoring and charging (component oom)": "OOM-01 OOM-03 OOM-05 OOM-06",
    "memory policies (component numa)": "NUM-01 NUM-02 NUM-05 NUM-06",
    "the accounting of locked memory (component vma)": "MLK-01",
    "second-level translation (component page_table)": "SHD-01 SHD-03 SHD-06 SHD-07 SHD-08",
    "page heaps of user space: no component is planned": (
        "USR-01 USR-04 USR-05 USR-06 USR-07 USR-08 USR-11 USR-12 USR-14 USR-16"
    ),
}  # fmt: skip

UNEXPRESSED = {bug_id: missing for missing, ids in _MISSING.items() for bug_id in ids.split()}
"""What each bug that cannot be expressed yet would need."""
