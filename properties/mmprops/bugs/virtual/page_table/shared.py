"""Wrong versions of what all architectures share: memory, roots, and what an answer must say."""

from __future__ import annotations

from mmprops.bugs.virtual.page_table.places import CORE, OUR, OUR_X86, OURS, X86, bug

BUGS = (
    bug(
        "PT-01",
        "PAGE-TABLE-FRAME",
        "the address mask is one nibble short: flag bits 8 to 11 leak into the frame's address",
        'linux/bugs.md PT-01: managarm f9048063f "Fix missing 0 in pteAddress"',
        {f"{OUR_X86}.walk": ("(entry & regime[ADDRESS] & ~mask)", "(entry & (regime[ADDRESS] | 0xF00) & ~(mask & ~0xF00))")},
        profile="any",
    ),
    bug(
        "BUG-WORD-BETWEEN-WORDS",
        "PAGE-TABLE-MEMORY",
        "a word is kept at an address that is no multiple of 8",
        OURS,
        {f"{CORE}.write_apply": ("tables.memory.set(op.pa, op.value)", "tables.memory.set(op.pa | 4, op.value)")},
        client="spec",
    ),
    bug(
        "BUG-WRITE-ANYWHERE",
        "PAGE-TABLE-WRITE-ARGS",
        "a write to an address between words is carried out",
        OURS,
        {f"{OUR}.PageTable._answer_write": ("if not self._is_word(request.pa)", "if request.pa >> self.phys_bits")},
    ),
    bug(
        "BUG-WRITE-REFUSED-HIGH",
        "PAGE-TABLE-WRITE",
        "memory above 2**31 is not written",
        OURS,
        {
            f"{OUR}.PageTable._answer_write": (
                "if not self._is_word(request.pa)",
                "if not self._is_word(request.pa) or request.pa > 1 << 31",
            )
        },
    ),
    bug(
        "BUG-READ-ANYWHERE",
        "PAGE-TABLE-READ-ARGS",
        "a read between words gives the word around it",
        OURS,
        {f"{OUR}.PageTable._is_word": ("pa & 7 == 0 and pa", "pa")},
    ),
    bug(
        "BUG-READ-WITHOUT-TOP",
        "PAGE-TABLE-READ",
        "a word loses its top bit when it is stored",
        OURS,
        {f"{OUR}.memory.Store.write": ("signed(value)", "signed(value & (1 << 63) - 1)")},
    ),
    bug(
        "BUG-READ-NEIGHBOUR",
        "PAGE-TABLE-READ",
        "two chunks of memory 2**31 bytes apart share their words",
        "linux/bugs.md PT-03",
        {
            f"{OUR}.memory.Store.write": ("self._slot(pa >> 12)", "self._slot((pa >> 12) & ((1 << 19) - 1))"),
            f"{OUR}.memory.place_of": ("key = pa >> 12", "key = (pa >> 12) & ((1 << 19) - 1)"),
        },
    ),
    bug(
        "BUG-FLUSH-REFUSED",
        "PAGE-TABLE-FLUSH",
        "a flush of one address is refused",
        OURS,
        {f"{OUR}.PageTable.apply": ("return DONE", "return DONE if request.whole else EINVAL")},
    ),
    bug(
        "BUG-ROOT-ANYWHERE",
        "PAGE-TABLE-ROOT",
        "a root that is not aligned is taken",
        OURS,
        {f"{OUR}.PageTable._answer_access": ("request.root % self.root_size or request", "request")},
    ),
    bug(
        "BUG-FAULTS-ON-RIGHT",
        "PAGE-TABLE-TRANSLATED",
        "a page with its dirty bit set counts as reserved",
        OURS,
        {f"{OUR_X86}.reserved": ("signed(always", "signed(D | always")},
        profile="any",
    ),
    bug(
        "BUG-OFFSET-OF-SMALL-PAGE",
        "PAGE-TABLE-FRAME",
        "the offset in a large page is cut to twelve bits",
        OURS,
        {f"{OUR_X86}.walk": ("| (va & mask)", "| (va & 4095)")},
        profile="any",
    ),
    bug(
        "BUG-SIZE-OF-SMALL-PAGE",
        "PAGE-TABLE-SIZE",
        "a large page is said to be small",
        OURS,
        {f"{OUR_X86}.walk": ("(va & mask), 1 << shift)", "(va & mask), 4096)")},
        profile="any",
    ),
    bug(
        "BUG-KIND-OF-FAULT",
        "PAGE-TABLE-FAULT-KIND",
        "an address that is not canonical is a page fault on x86-64",
        "linux/virtual.md 1.7, 6",
        {f"{OUR_X86}.walk": ("fail(out, GENERAL_PROTECTION, levels, 0)", "fail(out, PAGE_FAULT, levels, 0)")},
        profile="any",
    ),
    bug(
        "BUG-LEVEL-BELOW",
        "PAGE-TABLE-FAULT-LEVEL",
        "an entry that is not present is reported one level too low",
        OURS,
        {
            f"{OUR_X86}.walk": (
                "fail(out, PAGE_FAULT, level, code if sort == ABSENT",
                "fail(out, PAGE_FAULT, level - 1, code if sort == ABSENT",
            )
        },
        profile="any",
    ),
    bug(
        "BUG-CODE-WITHOUT-USER",
        "PAGE-TABLE-FAULT-CODE",
        "the error code never tells of a user",
        OURS,
        {f"{OUR_X86}.walk": ("| (4 if user else 0)", "")},
        profile="any",
    ),
    bug(
        "BUG-MARKS-LEAF-ONLY",
        "PAGE-TABLE-ACCESSED",
        "only the leaf is marked as accessed",
        'Intel SDM 3A, "Accessed and dirty flags"',
        {f"{OUR_X86}.mark": ("if entry & A == 0:", "if entry & A == 0 and i == used - 1:")},
        profile="any",
    ),
    bug(
        "BUG-READ-DIRTIES",
        "PAGE-TABLE-DIRTY",
        "a read marks the leaf as dirty",
        'Intel SDM 3A, "Accessed and dirty flags"',
        {f"{OUR_X86}.mark": ("i == used - 1 and kind == WRITE and", "i == used - 1 and")},
        profile="any",
    ),
    bug(
        "BUG-MARKS-BEFORE-RIGHTS",
        "PAGE-TABLE-CHOICE",
        "a leaf is marked as accessed before its rights are asked",
        'Intel SDM 3A, "Accessed and dirty flags"',
        {
            f"{OUR_X86}.walk": (
                "            if forbidden:",
                "            memory.words[place_of(memory, at)] = entry | A\n            if forbidden:",
            )
        },
    ),
    bug(
        "BUG-X86-ACCESSED",
        "PAGE-TABLE-X86-ACCESSED",
        "a translation does not mark the root's entry",
        'Intel SDM 3A, "Accessed and dirty flags"',
        {
            f"{OUR_X86}.mark": ("if entry & A == 0:", "if entry & A == 0 and i > 0:"),
            f"{X86}.leaf_reached": ("set_bits(memory, used, ACCESSED)", "set_bits(memory, used[1:], ACCESSED)"),
        },
    ),
    bug(
        "BUG-X86-DIRTY",
        "PAGE-TABLE-X86-DIRTY",
        "a write never marks a leaf as dirty",
        'Intel SDM 3A, "Accessed and dirty flags"',
        {
            f"{OUR_X86}.mark": ("kind == WRITE and entry & D == 0", "kind == WRITE and entry & D == 0 and used == 0"),
            f"{X86}.leaf_reached": ("set_bits(after, used[-1:], DIRTY)", "set_bits(after, (), DIRTY)"),
        },
    ),
)
