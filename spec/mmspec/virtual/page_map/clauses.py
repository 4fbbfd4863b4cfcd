"""The clauses of changes to page tables, in the order of dossier section 1 (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_OURS = "INTERFACES 1, Other machines"
_VMAP = "mm/vmalloc.c:vmap_pte_range, v6.12"
_TREE = "mm/memory.c:__pte_alloc, v6.12"
_FREE = "mm/memory.c:free_pgd_range, v6.12"
_THP = "mm/huge_memory.c:__split_huge_pmd_locked, v6.12"
_FILE_THP = "mm/khugepaged.c:collapse_pte_mapped_thp, v6.12"
_CACHED = 'Intel SDM 3A, "Caching translation information"'
_linux = partial(Clause, of_policy=True)

ARGS = Clause(
    "PAGE-MAP-ARGS",
    "Of an address or frame that is not aligned to its page or lies outside, or a size that the architecture has not: EINVAL",
    _OURS,
)
APART = Clause("PAGE-MAP-APART", "No page maps a table: a frame that holds tables is refused with EINVAL", _TREE)
BUSY = Clause("PAGE-MAP-BUSY", "A page is mapped only where its entry, and none above it, is in use: else EBUSY", _VMAP)
MEMORY = Clause(
    "PAGE-MAP-ENOMEM",
    "ENOMEM is the answer where fewer tables are left than are needed, and only there; no translation changes",
    _OURS,
)
MAPPED = Clause("PAGE-MAP-MAP", "A map that no rule forbids is carried out", _OURS)
TAKEN = Clause("PAGE-MAP-TABLES", "As many tables are taken as are needed, each a free one", "mm/memory.c:__pte_alloc, v6.12")
MISSING = Clause("PAGE-MAP-ENOENT", "Where no leaf of that height maps a page from that address on, ENOENT is the answer", _OURS)
UNMAPPED = Clause(
    "PAGE-MAP-UNMAP", "An unmap of a page is carried out and takes no table", "mm/vmalloc.c:vunmap_pte_range, v6.12"
)
PROTECTED = Clause(
    "PAGE-MAP-PROTECT", "A change of protection is carried out and takes no table", "mm/mprotect.c:change_pte_range, v6.12"
)
SPLIT = Clause("PAGE-MAP-SPLIT", "A huge leaf is split into a table of leaves that translate as it did", _THP)
COLLAPSE_ARGS = Clause(
    "PAGE-MAP-COLLAPSE-ARGS", "Where leaves do not map one aligned frame alike, a collapse is refused with EINVAL", _FILE_THP
)
COLLAPSED = Clause("PAGE-MAP-COLLAPSE", "A collapse gives back the one table of the leaves that it joins", _FILE_THP)
FREED = Clause("PAGE-MAP-FREE", "Tables that hold nothing are given back from the lowest up, to the first that does", _FREE)

FLUSH_MAP = Clause(
    "PAGE-MAP-FLUSH-MAP",
    "A new page needs no flush, but on RISC-V, where an entry that is not valid may be cached, one of the page",
    "arch/riscv/include/asm/pgtable.h:update_mmu_cache_range, v6.12",
)
FLUSH_UNMAP = Clause("PAGE-MAP-FLUSH-UNMAP", "An unmap needs a flush of the page", _CACHED)
FLUSH_PROTECT = Clause("PAGE-MAP-FLUSH-PROTECT", "A right that is taken away needs a flush of the page", _CACHED)
FLUSH_SPLIT = Clause("PAGE-MAP-FLUSH-SPLIT", "A split needs a flush of the huge page", _CACHED)
FLUSH_COLLAPSE = Clause(
    "PAGE-MAP-FLUSH-COLLAPSE",
    "A collapse needs a flush of every small page, and of what was cached on the way to them",
    "mm/pgtable-generic.c:pmdp_collapse_flush, v6.12",
)
FLUSH_FREE = Clause(
    "PAGE-MAP-FLUSH-FREE",
    "A table that is given back needs a flush of what was cached on the way: by one address, on RISC-V of all",
    "arch/riscv/include/asm/tlb.h:tlb_flush, v6.12",
)
INVALID_FIRST = Clause(
    "PAGE-MAP-INVALID-FIRST",
    "On AArch64 a block becomes a table, or a table a block, through an entry that is not valid and a flush",
    'Arm ARM DDI 0487, "TLB maintenance requirements and the TLB maintenance instructions"',
)

TRANSLATED = Clause(
    "PAGE-MAP-TRANSLATE", "An address means the byte of the frame that was mapped, as large, with those rights", _OURS
)
UNTRANSLATED = Clause("PAGE-MAP-TRANSLATE-NONE", "An address that no page holds means nothing: ENOENT", _OURS)
LOOK_ARGS = Clause("PAGE-MAP-LOOK-ARGS", "Below a leaf, and where nothing is, there are no entries: ENOENT", _OURS)
LOOKED = Clause("PAGE-MAP-ENTRY", "An entry is what Linux writes for such a page or table", "include/linux/pgtable.h, v6.12")
FOLDED = Clause(
    "PAGE-MAP-FOLDED",
    "A level that the architecture has not is folded: its entry is the root's, which is one height's and every height's above",
    "include/asm-generic/pgtable-nop4d.h:p4d_offset, v6.12",
)
CHARGED = Clause(
    "PAGE-MAP-BYTES",
    "A space is charged with its PTE, PMD and PUD tables, not with those above and not with the root",
    "include/linux/mm.h:mm_inc_nr_ptes, v6.12",
)

TREE = Clause("PAGE-MAP-TREE", "Each table below the root has exactly one parent: the tables form a tree", _TREE)
WALKS = Clause("PAGE-MAP-WALKS", "A walk to a mapped page reaches exactly its frame, size and permissions", _OURS)
NOTHING_ELSE = Clause("PAGE-MAP-NOTHING-ELSE", "A walk to an address that no page holds faults", _OURS)
HALF = Clause(
    "PAGE-MAP-HALF",
    "Entries that point to tables let a user through in a process's half and in no other",
    "arch/x86/include/asm/pgtable_types.h:_PAGE_TABLE, v6.12",
)
COUNTED = Clause("PAGE-MAP-COUNTED", "Each table's entries in use are counted", _OURS)
CHOICE = _linux(
    "PAGE-MAP-CHOICE",
    "Linux flushes at least what is needed, and all where single flushes would be many",
    "arch/x86/include/asm/tlbflush.h:pte_needs_flush, v6.12",
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
