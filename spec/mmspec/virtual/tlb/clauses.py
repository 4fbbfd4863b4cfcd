"""The clauses of translation caches (dossier sections 1.2.6, 1.3, 1.4, 1.6 and 3.9; ``docs/clauses.toml`` maps their rows)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_OURS = "INTERFACES 1, machine tlb"
_CACHING = 'Intel SDM 3A, "Caching translation information"'
_VMSA = 'Arm ARM DDI 0487, "The AArch64 Virtual Memory System Architecture"'
_SFENCE = 'RISC-V Privileged ISA, "Supervisor Memory-Management Fence Instruction"'
_FLUSH = "arch/x86/mm/tlb.c:flush_tlb_func, v6.12"
_SWITCH = "arch/x86/mm/tlb.c:switch_mm_irqs_off, v6.12"
_ASID = "arch/x86/mm/tlb.c:choose_new_asid, v6.12"
_linux = partial(Clause, of_policy=True)

# --- what every processor keeps ----------------------------------------------------------------------------------------
ARGS = Clause("TLB-ARGS", "What names no processor, space or flush, or an entry that is not there, is refused with EINVAL", _OURS)
ACCEPTED = Clause("TLB-ACCEPTED", "Anything else is carried out", _OURS)
CURRENT = Clause(
    "TLB-CURRENT", "A translation that is used was current at some time since the last flush that covers it", _CACHING
)
GLOBAL = Clause("TLB-GLOBAL", "So was one of the kernel's, which a flush of another space does not cover", _CACHING)
TABLE = Clause(
    "TLB-TABLE",
    "A pointer that is gone leads to its table until a flush that covers pointers; a flush of pages alone does so on x86-64",
    _CACHING,
)
FAULT = Clause("TLB-FAULT", "An access faults only where an entry that may be used is absent, or forbids the write", _CACHING)
NEGATIVE = Clause(
    "TLB-NEGATIVE", "An absent entry may be used after it is gone on RISC-V alone, and there not under Svvptc", _SFENCE
)
BREAK = Clause(
    "TLB-BREAK",
    "On AArch64 nothing is put where another page, table or size stands, or may still be used: EBUSY, and nothing changes",
    _VMSA,
)
SETTLED = Clause(
    "TLB-SETTLED",
    "A place is settled if and only if no processor may still use what stood there and is gone",
    "mm/mmu_gather.c, v6.12",
)

# --- x86-64's generations ----------------------------------------------------------------------------------------------
GEN_BEGIN = _linux(
    "TLB-GEN-BEGIN", "A flush of a space makes its generation one larger", "arch/x86/mm/tlb.c:flush_tlb_mm_range, v6.12"
)
GEN_OLD = _linux("TLB-GEN-OLD", "A processor that has made up for a flush's generation already does nothing", _FLUSH)
GEN_PARTIAL = _linux(
    "TLB-GEN-PARTIAL", "Where a flush is the only one that a processor has to make up for, it drops the pages asked", _FLUSH
)
GEN_WHOLE = _linux("TLB-GEN-WHOLE", "Else it drops all of its space, and has made up for all flushes begun", _FLUSH)
FOREIGN = _linux("TLB-FOREIGN", "A processor that runs another space does nothing", _FLUSH)
LAZY = _linux(
    "TLB-LAZY", "A lazy processor hears of a flush only where tables are freed", "arch/x86/mm/tlb.c:native_flush_tlb_multi, v6.12"
)
LAZY_LEAVES = _linux("TLB-LAZY-LEAVES", "A lazy processor that hears of a flush leaves the space", _FLUSH)
UNLAZY = _linux("TLB-UNLAZY", "One that comes back to the space it never left makes up for flushes begun meanwhile", _SWITCH)
ASID_KEPT = _linux(
    "TLB-ASID-KEPT", "A space that has a tag on the processor keeps it, and is flushed only if it fell behind", _ASID
)
ASID_NEW = _linux("TLB-ASID-NEW", "Else it takes the next of six in turn, which is flushed", _ASID)
ASID_NONE = _linux("TLB-ASID-NONE", "Without PCID every switch flushes", _ASID)

# --- other architectures, and how many instructions --------------------------------------------------------------------
BROADCAST = _linux(
    "TLB-BROADCAST",
    "AArch64's processors hear of a flush from one another's instructions",
    "arch/arm64/include/asm/tlbflush.h, v6.12",
)
MASK = _linux(
    "TLB-RISCV-MASK",
    "On RISC-V each processor that ever ran the space hears of its flushes",
    "arch/riscv/mm/context.c:set_mm, v6.12",
)
PLAN_X86 = _linux(
    "TLB-PLAN-X86", "Up to 33 pages are flushed one by one on x86-64", "arch/x86/mm/tlb.c:tlb_single_page_flush_ceiling, v6.12"
)
PLAN_RISCV = _linux(
    "TLB-PLAN-RISCV", "RISC-V flushes up to 64 pages one by one", "arch/riscv/mm/tlbflush.c:tlb_flush_all_threshold, v6.12"
)
PLAN_ARM = _linux(
    "TLB-PLAN-ARM", "AArch64 flushes fewer than 512 pages one by one", "arch/arm64/include/asm/tlbflush.h:MAX_DVM_OPS, v6.12"
)
PLAN_RANGE = _linux(
    "TLB-PLAN-RANGE",
    "With ranges AArch64 flushes up to 2**21 pages: at each scale from 3 down one range, and a last odd page",
    "arch/arm64/include/asm/tlbflush.h:__flush_tlb_range_op, v6.12",
)

# --- truths about the state --------------------------------------------------------------------------------------------
CLOCK = Clause("TLB-CLOCK", "Nothing was flushed, and no entry went, later than now", _OURS)
GEN_ORDER = _linux("TLB-GEN-ORDER", "No processor has made up for a flush that was not begun", _FLUSH)
ASID_ONE = _linux("TLB-ASID-ONE", "A space has at most one tag on a processor, and the one that runs has it", _ASID)
CHOICE = _linux(
    "TLB-CHOICE", "Of the lawful answers Linux gives the one that its generations determine", "arch/x86/mm/tlb.c, v6.12"
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
