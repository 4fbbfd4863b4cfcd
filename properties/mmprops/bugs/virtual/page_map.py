"""Wrong versions of the rules of changes to page tables.

What our implementation does wrong is convicted by the law as it is; what would look right, because tables and answers agree, is a
law edited alike, whose own choices its invariants convict.
"""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

LAW, OUR = "mmspec.virtual.page_map", "mmimpl.virtual.page_map"
MAP = f"{OUR}.PageMap"
OURS = "INTERFACES 1, machine page_table; issue 6, part 2"
ENTRIES = "arch/*/include/asm/pgtable*.h, v6.12"

bug = partial(Bug, component="page_map", profile="any")
"""A bug of this component, which any implementation may have."""

OPERATIONS = (
    bug(
        "BUG-MAP-MISALIGNED",
        "PAGE-MAP-ARGS",
        "a page is mapped at an address in its middle",
        "linux/virtual.md 1.6, PT-3",
        {f"{MAP}._is_page": (" and va % (1 << self._shift(height)) == 0", "")},
    ),
    bug(
        "PT-06",
        "PAGE-MAP-ARGS",
        "a frame that ends behind the end of memory is mapped",
        'linux/bugs.md PT-06: Asterinas 9ed6b760b "Reject overflow in Cursor::jump / map"',
        {f"{MAP}.map": (" or frame + size > 1 << self.config.phys_bits", "")},
    ),
    bug(
        "PT-23",
        "PAGE-MAP-ARGS",
        "the bits above the width of an address are masked, not refused",
        'linux/bugs.md PT-23: Linux CVE-2020-9391 "Avoid creating virtual address aliases"',
        {f"{MAP}._is_page": ("self._inside(va) and ", "")},
    ),
    bug(
        "PT-09",
        "PAGE-MAP-APART",
        "a page may map the tables themselves",
        'linux/bugs.md PT-09: Xen XSA-148 "guard against undue super page PTE creation"',
        {f"{MAP}.map": ("self.config.base < frame + size", "self.config.base < frame")},
    ),
    bug(
        "PT-19",
        "PAGE-MAP-BUSY",
        "a huge page takes the place of a table of pages",
        'linux/bugs.md PT-19: Linux CVE-2013-0309 "fix pmd_present for split_huge_page and PROT_NONE with THP"',
        {f"{MAP}.map": ("if entry:", "if entry and not self._points(height, entry):")},
    ),
    bug(
        "BUG-MAP-LAST-TABLE",
        "PAGE-MAP-ENOMEM",
        "the last table that is left is never taken",
        OURS,
        {f"{MAP}.map": ("> self.taken.count(False)", ">= self.taken.count(False) and height > request.height")},
    ),
    bug(
        "BUG-MAP-REFUSED-HUGE",
        "PAGE-MAP-MAP",
        "the largest page that there is is refused",
        OURS,
        {
            f"{MAP}.map": (
                "        if entry:",
                "        if entry == 0 and request.height == self.format.sizes[-1]:\n            return EBUSY\n        if entry:",
            )
        },
    ),
    bug(
        "PT-03",
        "PAGE-MAP-TABLES",
        "an address is cut to 32 bits before its tables are looked for: pages 4 GiB apart share them",
        'linux/bugs.md PT-03: SerenityOS f0c4941beb4 "64-bit address truncation in ensure_pte()"',
        {f"{MAP}._place": ("va & self.format.inside)", "va & self.format.inside & (1 << 32) - 1)")},
    ),
    bug(
        "BUG-MAP-TABLE-TWICE",
        "PAGE-MAP-TABLES",
        "the table that was taken last is taken once more",
        "linux/virtual.md 1.6, PT-12",
        {f"{MAP}._take": ("self.taken[number] = True", "self.taken[number] = number % 3 != 2")},
    ),
    bug(
        "PT-12",
        "PAGE-MAP-ENOENT",
        "an unmap clears whatever leaf is there, of another size, too",
        'linux/bugs.md PT-12: seL4 dba732902 "Only unmap correct page"',
        {f"{MAP}._refusal": ("here != height or entry == 0", "entry == 0")},
    ),
    bug(
        "BUG-UNMAP-FREES",
        "PAGE-MAP-UNMAP",
        "an unmap says that it gave a table back",
        OURS,
        {f"{MAP}.unmap": ("return Changed(PAGE)", "return Changed(PAGE, tables=(self.config.base,))")},
    ),
    bug(
        "BUG-PROTECT-REFUSED",
        "PAGE-MAP-PROTECT",
        "a page that may be written and executed is refused",
        OURS,
        {
            f"{MAP}.protect": (
                "        if refusal:",
                "        if request.prot == 3 and not refusal:\n            return EINVAL\n        if refusal:",
            )
        },
    ),
    bug(
        "PT-10",
        "PAGE-MAP-FLUSH-PROTECT",
        "a change that leaves a page present is no change, whatever it grants now",
        'linux/bugs.md PT-10: Xen XSA-182 "Remove unsafe bits from the mod_l?_entry() fastpath"',
        {f"{MAP}.protect": ("changed == entry", "changed & 1 == entry & 1")},
    ),
    bug(
        "PT-16",
        "PAGE-MAP-ENTRY",
        "a change of rights loses bits 8 and 9 of the entry: AArch64's shareability, x86-64's G",
        'linux/bugs.md PT-16: Linux 548cb932051f "Fix PAT bit missing from page protection modify mask"',
        {f"{MAP}.protect": ("self._put(at, changed)", "self._put(at, changed & ~0x300)")},
    ),
    bug(
        "PT-28",
        "PAGE-MAP-ENOMEM",
        "a split of the largest page fails, whatever its cause",
        'linux/bugs.md PT-28: Xen XSA-247 "Always check to see if removing a p2m entry actually worked"',
        {f"{MAP}.split": ("if False not in self.taken:", "if False not in self.taken or request.height > 2:")},
    ),
    bug(
        "BUG-COLLAPSE-ANY-RIGHTS",
        "PAGE-MAP-COLLAPSE-ARGS",
        "leaves are joined of which one grants less",
        "mm/khugepaged.c:collapse_pte_mapped_thp, v6.12",
        {f"{MAP}.collapse": ("!= self._leaf(below, frame + n * step, prot) for n in places", "== 0 for n in places")},
    ),
    bug(
        "BUG-COLLAPSE-KEEPS-TABLE",
        "PAGE-MAP-COLLAPSE",
        "a collapse does not say which table it gave back",
        "mm/khugepaged.c:collapse_pte_mapped_thp, v6.12",
        {f"{MAP}.collapse": ("True, True, (table,))", "True, True)")},
    ),
    bug(
        "PT-07",
        "PAGE-MAP-FREE",
        "only the lowest table is given back, not those that became empty by it",
        'linux/bugs.md PT-07: Asterinas 1ed023f41 "level comparison in dfs_mark_stray_and_unlock"',
        {f"{MAP}.free_tables": ("while height < self.format.top", "while not freed and height < self.format.top")},
    ),
)

FLUSHES = (
    bug(
        "BUG-FLUSH-MAP",
        "PAGE-MAP-FLUSH-MAP",
        "a new page is never flushed, where the entry may be cached as not valid",
        'linux/bugs.md TLB-13: Linux bf587caae305 "synchronize MMU after pte change"',
        {f"{MAP}.map": ("PAGE if self.config.arch == RISCV64 else NONE", "NONE")},
    ),
    bug(
        "BUG-FLUSH-UNMAP",
        "PAGE-MAP-FLUSH-UNMAP",
        "an unmap is not flushed",
        'linux/bugs.md TLB-14: seL4 6b8c09a6d "always invalidate TLB during unmapPage"',
        {f"{MAP}.unmap": ("Changed(PAGE)", "Changed(NONE)")},
    ),
    bug(
        "BUG-FLUSH-PROTECT",
        "PAGE-MAP-FLUSH-PROTECT",
        "a page that becomes read-only is not flushed",
        'linux/bugs.md TLB-03: Linux 3ea277194daa "mm, mprotect: flush TLB if potentially racing"',
        {f"{MAP}.protect": ("and changed == entry else PAGE", "else PAGE")},
    ),
    bug(
        "BUG-FLUSH-SPLIT",
        "PAGE-MAP-FLUSH-SPLIT",
        "a split is not flushed",
        'linux/bugs.md TLB-10: Linux ad5ca55f6bdb "global flush tlb after splitting big page"',
        {f"{MAP}.split": ("ALL if everything else PAGE", "NONE")},
    ),
    bug(
        "BUG-FLUSH-COLLAPSE",
        "PAGE-MAP-FLUSH-COLLAPSE",
        "a collapse flushes the first small page only",
        "linux/bugs.md TLB-11: FreeBSD a0f64f38a182, superpage removal used a single INVLPG",
        {f"{MAP}.collapse": ("Changed(ALL, True", "Changed(PAGE, True")},
    ),
    bug(
        "BUG-FLUSH-FREE",
        "PAGE-MAP-FLUSH-FREE",
        "a table is given back, and what is cached on the way stays",
        'linux/bugs.md TLB-07: Linux d86564a2f085 "Support invalidating TLB caches for RCU_TABLE_FREE"',
        {f"{MAP}.free_tables": ("else PAGE, True, tables", "else PAGE, False, tables")},
    ),
    bug(
        "BUG-INVALID-FIRST",
        "PAGE-MAP-INVALID-FIRST",
        "a block is made a table without an entry between that is not valid",
        'linux/bugs.md TLB-12: Linux d8bdcff28764 "hugetlb: Add break-before-make logic for contiguous entries"',
        {f"{MAP}.split": ("False, not upper or arch == AARCH64, (table,)", "False, False, (table,)")},
    ),
    bug(
        "BUG-PAGE-MAP-CHOICE",
        "PAGE-MAP-CHOICE",
        "a change of protection that takes nothing is not flushed on x86-64",
        "arch/x86/include/asm/tlbflush.h:pte_needs_flush, v6.12",
        {f"{MAP}.protect": ("and changed == entry else", "and (changed == entry or request.prot == 3) else")},
        profile="linux",
    ),
)

LOOKS = (
    bug(
        "BUG-TRANSLATE-OFFSET",
        "PAGE-MAP-TRANSLATE",
        "the offset in a huge page is cut to twelve bits",
        OURS,
        {f"{MAP}.translate": ("request.va % size, size", "request.va % 4096, size")},
    ),
    bug(
        "BUG-TRANSLATE-ANYWHERE",
        "PAGE-MAP-TRANSLATE-NONE",
        "an address of the other half is translated as one of this",
        OURS,
        {f"{MAP}.translate": ("not self._inside(request.va) or entry == 0", "entry == 0")},
    ),
    bug(
        "BUG-LOOK-BELOW-LEAF",
        "PAGE-MAP-LOOK-ARGS",
        "below a leaf the leaf is seen",
        OURS,
        {f"{MAP}.look": (" or height > request.height", "")},
    ),
    bug(
        "BUG-LOOK-FOLDED",
        "PAGE-MAP-FOLDED",
        "a folded level has no entry",
        "include/asm-generic/pgtable-nop4d.h:p4d_offset, v6.12",
        {f"{MAP}.look": ("return ENOENT if not", "return ENOENT if request.height > self.format.top or not")},
    ),
    bug(
        "PT-25",
        "PAGE-MAP-BYTES",
        "a table that a collapse gives back stays charged",
        "linux/bugs.md PT-25: FreeBSD 4c57d6d5551, fix user page table page accounting",
        {f"{MAP}._give_back": ("self.charged -= height <= 3", "self.charged -= height == 2")},
    ),
    bug(
        "PT-17",
        "PAGE-MAP-ENTRY",
        "the bit that makes a page huge stays in the pieces of a split",
        "linux/bugs.md PT-17: Linux pgprot_4k_2_large, PAT bit 7 and 12",
        {
            f"{MAP}._leaf": (
                "(self.format.small if height == 1 else self.format.large)",
                "(self.format.large | (self.format.small if height == 1 else 0))",
            ),
            f"{MAP}._prot": (
                "self.format.small if height == 1 else self.format.large",
                "self.format.large | (self.format.small if height == 1 else 0)",
            ),
        },
    ),
)

TRUTHS = (
    bug(
        "BUG-TREE-SHARED",
        "PAGE-MAP-TREE",
        "a table is linked one height too high",
        "linux/virtual.md 1.6, PT-12",
        {f"{LAW}.core.map_apply": ("take(space, at, table, height)", "take(space, at, table, height + 1)")},
        client="spec",
    ),
    bug(
        "BUG-HALF-OPEN",
        "PAGE-MAP-HALF",
        "the kernel's tables let users through",
        "arch/x86/include/asm/pgtable_types.h:_KERNPG_TABLE, v6.12",
        {f"{LAW}.encode.pointer": ("0 if upper else x86_64.USER", "x86_64.USER")},
        client="spec",
    ),
    bug(
        "BUG-WALKS-WRITABLE",
        "PAGE-MAP-WALKS",
        "a read-only page is mapped so that it can be written",
        ENTRIES,
        {f"{LAW}.encode.leaf": ("x86_64.WRITABLE | x86_64.DIRTY if write else 0", "x86_64.WRITABLE")},
        client="spec",
    ),
    bug(
        "BUG-SPLIT-REFUSED",
        "PAGE-MAP-SPLIT",
        "only huge pages of the lowest kind can be split",
        "mm/huge_memory.c:__split_huge_pud_locked, v6.12",
        {f"{MAP}.split": ("if request.height == 1:", "if request.height != 2:")},
    ),
    bug(
        "BUG-SPLIT-ALL-ALIKE",
        "PAGE-MAP-WALKS",
        "each piece of a split maps the first piece's frame",
        "mm/huge_memory.c:__split_huge_pmd_locked, v6.12",
        {
            f"{LAW}.huge.split_apply": (
                "below, page.pa + offset, page.prot)\n        space",
                "below, page.pa, page.prot)\n        space",
            )
        },
        client="spec",
    ),
    bug(
        "BUG-UNMAP-STAYS",
        "PAGE-MAP-NOTHING-ELSE",
        "an unmap leaves the leaf where it is",
        OURS,
        {
            f"{LAW}.core.unmap_apply": (
                "slot_of(space, op.va, op.height).at, 0)",
                "slot_of(space, op.va, op.height).at, slot_of(space, op.va, op.height).entry)",
            )
        },
        client="spec",
    ),
    bug(
        "BUG-COUNTED-TWICE",
        "PAGE-MAP-COUNTED",
        "an entry that is changed counts once more",
        OURS,
        {f"{LAW}.state.store": ("(entry != 0) - (space.memory.get(at, 0) != 0)", "(entry != 0)")},
        client="spec",
    ),
)

BUGS: tuple[Bug, ...] = (*OPERATIONS, *FLUSHES, *LOOKS, *TRUTHS)
"""The bugs of the component."""
