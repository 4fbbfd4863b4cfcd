"""Wrong versions of the rules of translation caches, those of linux/bugs.md among them."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

FLUSH, LINUX = "mmspec.virtual.tlb.flush", "mmspec.virtual.tlb.linux"
OUR = "mmimpl.virtual.tlb.Tlb"
CACHE = "mmimpl.virtual.tlb.Cache"
OURS = "INTERFACES 1, machine tlb"
X86 = "arch/x86/mm/tlb.c"
SDM = 'Intel SDM 3A, "Caching translation information"'

bug = partial(Bug, component="tlb")
of_any = partial(bug, profile="any")

TRUTHS = (
    of_any(
        "BUG-TLB-IDLE-LAZY",
        "TLB-ARGS",
        "a processor that runs no space may be lazy about it",
        OURS,
        {f"{OUR}.be_lazy": (" or self.cpus[op.cpu].running == KERNEL", "")},
    ),
    of_any(
        "BUG-TLB-LAST-SPACE",
        "TLB-ACCEPTED",
        "the last space is taken for one that is not there",
        OURS,
        {f"{OUR}.look_generation": ("op.space <= self.last", "op.space < self.last")},
    ),
    of_any(
        "BUG-TLB-LAST-CPU",
        "TLB-CURRENT",
        "the last processor does not hear of flushes",
        X86,
        {f"{OUR}.end": ("for cpu in self.cpus:\n            self.hear", "for cpu in self.cpus[:-1]:\n            self.hear")},
    ),
    of_any(
        "BUG-TLB-SMALL-KEEPS-LARGE",
        "TLB-CURRENT",
        "a flush of a page leaves the large page that it lies in",
        SDM,
        {f"{CACHE}.drop_page": ("        self.large.pop((tag, block_of(page)), None)\n", "")},
    ),
    of_any(
        "BUG-TLB-ADVANCED-EARLY",
        "TLB-CURRENT",
        "a processor that hears of a page makes up for all flushes begun",
        f"{X86}:flush_tlb_func",
        {f"{OUR}.hear": ("gen == local + 1 == self.gen[op.space]", "gen > local")},
    ),
    of_any(
        "BUG-TLB-UNLAZY-STALE",
        "TLB-CURRENT",
        "a processor that comes back from being lazy flushes nothing",
        f"{X86}:switch_mm_irqs_off",
        {f"{OUR}.switch": ("            if flushed:\n", "            if flushed and not lazy:\n")},
    ),
    of_any(
        "BUG-TLB-TAG-REUSED",
        "TLB-CURRENT",
        "a tag that is given to another space is not flushed",
        f"{X86}:choose_new_asid",
        {
            f"{OUR}.take": (
                "        cpu.cache.drop_space(asid)\n",
                "        if cpu.next != asid + 1:\n            cpu.cache.drop_space(asid)\n",
            )
        },
    ),
    of_any(
        "BUG-TLB-KERNEL-TAGGED",
        "TLB-GLOBAL",
        "a flush of the kernel's pages drops what is under the tag in use alone",
        SDM,
        {f"{OUR}.tags": ("return (None,)", "return (cpu.asid,)")},
    ),
    of_any(
        "BUG-TLB-FAULT-KEEPS",
        "TLB-FAULT",
        "a fault leaves what caused it in the cache of x86-64",
        SDM,
        {f"{OUR}.use": ("if self.arch == X86_64:", "if self.arch == X86_64 and op.write == 0:")},
    ),
    of_any(
        "BUG-TLB-NEGATIVE",
        "TLB-NEGATIVE",
        "absent entries are cached everywhere",
        SDM,
        {
            f"{OUR}.found": (
                "if entry is not None or self.negative:\n            cache.small",
                "if True:\n            cache.small",
            )
        },
    ),
    of_any(
        "BUG-TLB-BREAKS-LARGE",
        "TLB-BREAK",
        "a large page is put where pages of the table that went may be cached",
        "arch/arm64/mm/contpte.c",
        {f"{OUR}.conflicts": ('("large", "pointer", "span")', '("large", "pointer")')},
    ),
    of_any(
        "BUG-TLB-SETTLED-TABLE",
        "TLB-SETTLED",
        "a table counts as free to use while its pointer may be cached",
        "mm/mmu_gather.c",
        {f"{OUR}.settled": ('("large", "pointer")', '("large",)')},
    ),
    of_any(
        "BUG-TLB-SETTLED-AT-BEGIN",
        "TLB-SETTLED",
        "a flush reaches what went after it was begun",
        "mm/mmu_gather.c",
        {
            f"{OUR}.end": (
                "begin, _, until = self.begun.pop(op.ticket)",
                "begin, _, until = *self.begun.pop(op.ticket)[:2], self.now",
            )
        },
    ),
)

MUSEUM = (
    of_any(
        "TLB-01", "TLB-SETTLED", "a page counts as free to use before the flush of where it was", "eb66ae030829",
        {f"{OUR}.put": ('self.went("large" if at[1] else "small", at[0], at[2])', 'self.went("large", at[0], block_of(at[2]))')},
    ),
    of_any(
        "TLB-02", "TLB-CURRENT", "a block whose table was taken away is flushed as one page", "a4a118f2eead",
        {f"{CACHE}.drop_block": ("block_of(at[1]) != first", "at[1] != page")},
    ),
    of_any(
        "TLB-03", "TLB-CURRENT", "a flush is left out where another of the space is under way", "3ea277194daa",
        {
            f"{OUR}.end": (
                "            self.hear(cpu, op.ticket)\n",
                "            mine = self.begun[op.ticket][0].space\n"
                "            if sum(begun.space == mine for begun, _, _ in self.begun.values()) == 1:\n"
                "                self.hear(cpu, op.ticket)\n",
            )
        },
    ),
    of_any(
        "TLB-07", "TLB-TABLE", "a flush after tables were freed leaves the pointers to them", "d86564a2f085",
        {f"{CACHE}.drop_space": ("        self.drop_pointers(tag)\n", "")},
    ),
    of_any(
        "TLB-10", "TLB-CURRENT", "a flush of a split block leaves the large page", "ad5ca55f6bdb",
        {f"{CACHE}.drop_space": ("        self.large = {at: entry for at, entry in self.large.items() if at[0] != tag}\n", "")},
    ),
    of_any(
        "TLB-11", "TLB-CURRENT", "a flush of a block drops its first page alone", "a0f64f38a182",
        {f"{CACHE}.drop_block": ("block_of(at[1]) != first", "at[1] != first")},
    ),
    of_any(
        "TLB-12", "TLB-BREAK", "a page is put in another's place with no break before", "d8bdcff28764",
        {f"{OUR}.conflicts": ("return old[0] != entry[0]", "return False")},
    ),
    of_any(
        "TLB-13", "TLB-FAULT", "a page made valid is not flushed where its absence is cached", "bf587caae305",
        {
            f"{CACHE}.drop_page": (
                "self.small.pop((tag, page), None)",
                "self.small.pop((tag, page), None) if self.small.get((tag, page)) else None",
            )
        },
    ),
    of_any(
        "TLB-14", "TLB-CURRENT", "a flush leaves processors out that run another space now", "6b8c09a6d",
        {f"{OUR}.drop": ("        for tag in tags:\n", "        for tag in tags if cpu.running == space else ():\n")},
    ),
    of_any(
        "TLB-15", "TLB-CURRENT", "processors beyond the first word of the mask do not hear of a flush", "b46e98c10",
        {f"{OUR}.end": ("for cpu in self.cpus:\n            self.hear", "for cpu in self.cpus[:2]:\n            self.hear")},
    ),
    bug(
        "TLB-16", "TLB-ASID-KEPT", "a space is not found under the tag that it was given", "3ec074897",
        {
            f"{OUR}.load": ("if space in cpu.owner:", "if space in cpu.owner[:1]:"),
            f"{LINUX}.given": ("if own < ASIDS:", "if own < 1:"),
        },
    ),
    of_any(
        "TLB-18", "TLB-SETTLED", "a page counts as free to use while a flush of it is under way", "5777a3742d",
        {
            f"{OUR}.begin": (
                "        return DONE\n",
                "        for cpu in self.cpus:\n"
                "            cpu.cache.forget(covers(op.scope, op.space, op.page, op.tables != 0, False), self.now)\n"
                "        return DONE\n",
            )
        },
    ),
    of_any(
        "TLB-21", "TLB-CURRENT", "a processor is in the mask of its space only after it has run it", "CVE-2016-2069",
        {f"{OUR}.hear": ("if op.space not in cpu.known:", "if op.space not in cpu.known or cpu.running == op.space != KERNEL:")},
    ),
)  # fmt: skip

CHOICES = (
    bug(
        "BUG-TLB-GEN-TWO",
        "TLB-GEN-BEGIN",
        "a flush makes the generation two larger",
        f"{X86}:flush_tlb_mm_range",
        {f"{OUR}.begin": ("+= 1", "+= 2"), f"{LINUX}.begin_choose": ("0) + 1", "0) + 2")},
    ),
    bug(
        "BUG-TLB-GEN-AGAIN",
        "TLB-GEN-OLD",
        "a flush that was made up for already is made again",
        f"{X86}:flush_tlb_func",
        {f"{OUR}.hear": ("if gen <= local:", "if gen < local:"), f"{LINUX}.heard": ("if gen <= local:", "if gen < local:")},
    ),
    bug(
        "BUG-TLB-NEVER-PARTIAL",
        "TLB-GEN-PARTIAL",
        "one page is never flushed alone",
        f"{X86}:flush_tlb_func",
        {f"{OUR}.hear": ("gen == local + 1 ==", "gen == local =="), f"{LINUX}.heard": ("gen == local + 1", "gen == local")},
    ),
    bug(
        "BUG-TLB-WHOLE-OF-ONE",
        "TLB-GEN-WHOLE",
        "a processor that drops everything has made up for the flush that it heard of alone",
        f"{X86}:flush_tlb_func",
        {
            f"{OUR}.hear": ("cpu.local[cpu.asid] = self.gen[op.space]", "cpu.local[cpu.asid] = gen"),
            f"{LINUX}.heard": ("tags.local.set(at, now)", "tags.local.set(at, gen)"),
        },
    ),
    bug(
        "BUG-TLB-FOREIGN",
        "TLB-FOREIGN",
        "a processor that runs another space says that it flushed",
        f"{X86}:flush_tlb_func",
        {
            f"{OUR}.hear": (
                "if cpu.loaded != op.space:\n            return NOTHING",
                "if cpu.loaded != op.space:\n            return WHOLE",
            ),
            f"{LINUX}.heard": ("rule(c.FOREIGN)\n        return NOTHING", "rule(c.FOREIGN)\n        return WHOLE"),
        },
    ),
    bug(
        "BUG-TLB-LAZY-HEARS",
        "TLB-LAZY",
        "lazy processors hear of every flush",
        f"{X86}:native_flush_tlb_multi",
        {
            f"{OUR}.hear": ("            if not op.tables:\n                return NOTHING\n", ""),
            f"{LINUX}.delivered": ("if lazy and not tables_asked(asked):", "if lazy and asked < 0:"),
        },
    ),
    bug(
        "BUG-TLB-LAZY-STAYS",
        "TLB-LAZY-LEAVES",
        "a lazy processor stays in the space that it heard a flush of",
        f"{X86}:flush_tlb_func",
        {
            f"{OUR}.hear": ("            self.load(cpu, KERNEL)\n", ""),
            f"{LINUX}.heard": ("return LEFT, left", "return LEFT, tags"),
        },
    ),
    bug(
        "BUG-TLB-UNLAZY-ALWAYS",
        "TLB-UNLAZY",
        "a processor that comes back flushes though it missed nothing",
        f"{X86}:switch_mm_irqs_off",
        {
            f"{OUR}.switch": ("flushed = lazy and cpu.local[cpu.asid] != self.gen[op.space]", "flushed = lazy"),
            f"{LINUX}.switched": ("0) != gen:", "0) <= gen:"),
        },
    ),
    bug(
        "BUG-TLB-KEPT-FLUSHES",
        "TLB-ASID-KEPT",
        "a space that comes back to its tag is flushed though it missed nothing",
        f"{X86}:choose_new_asid",
        {f"{OUR}.load": ("< self.gen[space]", "<= self.gen[space]"), f"{LINUX}.given": ("0) < gen", "0) <= gen")},
    ),
    bug(
        "BUG-TLB-FIVE-TAGS",
        "TLB-ASID-NEW",
        "tags are given in turns of five",
        f"{X86}:choose_new_asid",
        {
            f"{OUR}.load": ("cpu.next % ASIDS", "cpu.next % (ASIDS - 1)"),
            f"{LINUX}.given": ("turn if turn < ASIDS else 0", "turn if turn < ASIDS - 1 else 0"),
        },
    ),
    bug(
        "BUG-TLB-UNTAGGED-QUIET",
        "TLB-ASID-NONE",
        "without PCID a switch says that it flushed nothing",
        f"{X86}:choose_new_asid",
        {
            f"{OUR}.load": (
                "self.take(cpu, space, 0)\n            return True",
                "self.take(cpu, space, 0)\n            return False",
            ),
            f"{LINUX}.given": ("Switched(0, 1)", "Switched(0, 0)"),
        },
    ),
    bug(
        "BUG-TLB-ARM-IPI",
        "TLB-BROADCAST",
        "AArch64's processors are interrupted for each flush",
        "arch/arm64/include/asm/tlbflush.h",
        {
            f"{OUR}.hear": (
                "if self.arch == AARCH64:\n            return NOTHING",
                "if self.arch == AARCH64:\n            return WHOLE",
            ),
            f"{LINUX}.delivered": ("rule(c.BROADCAST)\n        return NOTHING", "rule(c.BROADCAST)\n        return WHOLE"),
        },
    ),
    bug(
        "BUG-TLB-RISCV-ALL",
        "TLB-RISCV-MASK",
        "every RISC-V processor hears of every flush",
        "arch/riscv/mm/context.c:set_mm",
        {
            f"{OUR}.hear": ("if op.space not in cpu.known:", "if op.space < 0:"),
            f"{LINUX}.delivered": ("space == KERNEL or tlb.known.get", "space >= KERNEL or tlb.known.get"),
        },
    ),
    bug(
        "BUG-TLB-CEILING-X86",
        "TLB-PLAN-X86",
        "32 pages are flushed one by one, and not 33",
        X86,
        {f"{OUR}.plan": ("33", "32"), f"{LINUX}.planned": ("pages <= CEILING_X86", "pages < CEILING_X86")},
    ),
    bug(
        "BUG-TLB-CEILING-RISCV",
        "TLB-PLAN-RISCV",
        "63 pages are flushed one by one, and not 64",
        "arch/riscv/mm/tlbflush.c",
        {f"{OUR}.plan": ("64,", "63,"), f"{LINUX}.planned": ("pages <= CEILING_RISCV", "pages < CEILING_RISCV")},
    ),
    bug(
        "BUG-TLB-CEILING-ARM",
        "TLB-PLAN-ARM",
        "512 pages are flushed one by one",
        "arch/arm64/include/asm/tlbflush.h:MAX_DVM_OPS",
        {f"{OUR}.plan": ("511", "512"), f"{LINUX}.planned": ("pages < CEILING_ARM", "pages <= CEILING_ARM")},
    ),
    bug(
        "BUG-TLB-RANGE-END",
        "TLB-PLAN-RANGE",
        "2**21 pages are too many for ranges",
        "arch/arm64/include/asm/tlbflush.h:__flush_tlb_range_op",
        {
            f"{OUR}.plan": ("if op.pages > 1 << 21:", "if op.pages >= 1 << 21:"),
            f"{LINUX}.planned": ("pages <= 1 << RANGE", "pages < 1 << RANGE"),
        },
    ),
    bug(
        "BUG-TLB-LOCAL-FIRST",
        "TLB-CHOICE",
        "the generation of the first tag is told for the one in use",
        OURS,
        {f"{OUR}.look_local": ("cpu.local[cpu.asid]", "cpu.local[0]")},
    ),
)

LAW = (
    bug(
        "BUG-LAW-TLB-AHEAD",
        "TLB-GEN-ORDER",
        "a processor makes up for one flush more than were begun",
        f"{X86}:flush_tlb_func",
        {f"{LINUX}.heard": ("tags.local.set(at, now)", "tags.local.set(at, now + 1)")},
        client="spec",
    ),
    bug(
        "BUG-LAW-TLB-TWO-TAGS",
        "TLB-ASID-ONE",
        "the second tag is overlooked",
        f"{X86}:choose_new_asid",
        {f"{LINUX}.found": ("== space + 1 else at", "== space + 1 and asid != 1 else at")},
        client="spec",
    ),
    bug(
        "BUG-LAW-TLB-FUTURE",
        "TLB-CLOCK",
        "a flush reaches what goes next",
        OURS,
        {f"{FLUSH}.reaching": ("max(stamp,", "max(stamp + 1,")},
        client="spec",
    ),
)

BUGS = (*TRUTHS, *MUSEUM, *CHOICES, *LAW)
"""The bugs of the component."""
