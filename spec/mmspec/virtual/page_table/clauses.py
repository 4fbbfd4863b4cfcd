"""The clauses of the page-table walk, in the order of dossier section 1 (``docs/clauses.toml`` maps its rows to them)."""

from __future__ import annotations

from functools import partial

from mmspec.clause import Clause

_OURS = "INTERFACES 1, machine page_table"
_PAGING = 'Intel SDM 3A, "4-level paging and 5-level paging"'
_RIGHTS = 'Intel SDM 3A, "Access rights"'
_ERRORS = 'Intel SDM 3A, "Page-fault exceptions"'
_FLAGS = 'Intel SDM 3A, "Accessed and dirty flags"'
_VMSA = 'Arm ARM DDI 0487, "The AArch64 Virtual Memory System Architecture"'
_SV = 'RISC-V Privileged ISA, "Virtual Address Translation Process"'
_linux = partial(Clause, of_policy=True)

# --- what every architecture shares ------------------------------------------------------------------------------------
MEMORY = Clause("PAGE-TABLE-MEMORY", "A word of memory lies at a multiple of 8 below the end of the physical addresses", _OURS)
WRITE_ARGS = Clause("PAGE-TABLE-WRITE-ARGS", "A write to any other address is refused with EINVAL and changes nothing", _OURS)
WRITTEN = Clause("PAGE-TABLE-WRITE", "A write to memory is carried out", _OURS)
READ_ARGS = Clause("PAGE-TABLE-READ-ARGS", "A read of anything but a word of memory is refused with EINVAL", _OURS)
READ_BACK = Clause(
    "PAGE-TABLE-READ",
    "A word reads as it was last written, but for the accessed and dirty bits that accesses have set in it since",
    "what every implementation must keep",
)
FLUSHED = Clause("PAGE-TABLE-FLUSH", "A flush is carried out", _OURS)
ROOT = Clause("PAGE-TABLE-ROOT", "An access through a root that is no aligned table in memory is refused with EINVAL", _OURS)
TRANSLATED = Clause("PAGE-TABLE-TRANSLATED", "An access that no rule forbids is carried out", _OURS)
FRAME = Clause(
    "PAGE-TABLE-FRAME",
    "An access reaches the frame that the leaf names, at the offset that the address has in its page",
    "what every implementation must keep",
)
SIZE = Clause("PAGE-TABLE-SIZE", "The size of a translation is that of the leaf", _OURS)
FAULT_KIND = Clause("PAGE-TABLE-FAULT-KIND", "A fault is of the kind that its cause demands", _OURS)
FAULT_LEVEL = Clause("PAGE-TABLE-FAULT-LEVEL", "A fault names the level of the entry that caused it", _OURS)
FAULT_CODE = Clause("PAGE-TABLE-FAULT-CODE", "A fault carries the code that the architecture reports", _OURS)
ACCESSED = Clause(
    "PAGE-TABLE-ACCESSED", "An access sets the accessed bit of the entries that the architecture marks, and of no others", _OURS
)
DIRTY = Clause("PAGE-TABLE-DIRTY", "A write that is carried out marks the leaf as dirty, and nothing else does", _OURS)
CHOICE = _linux(
    "PAGE-TABLE-CHOICE", "Of the lawful results the one is chosen in which an access that faults marks no entry", _OURS
)

# --- x86-64 (dossier 1.2) ------------------------------------------------------------------------------------------------
X86_CANONICAL = Clause(
    "PAGE-TABLE-X86-CANONICAL",
    "An address whose bits above the width do not all equal its top bit is a general-protection fault with code 0",
    'Intel SDM 1, "Canonical Addressing"',
)
X86_PRESENT = Clause("PAGE-TABLE-X86-PRESENT", "An entry without P ends the walk; its other bits are not looked at", _PAGING)
X86_RESERVED_ADDRESS = Clause(
    "PAGE-TABLE-X86-RESERVED-ADDRESS", "Address bits from MAXPHYADDR to 51 are reserved in every present entry", _PAGING
)
X86_RESERVED_XD = Clause("PAGE-TABLE-X86-RESERVED-XD", "Bit 63 is reserved where NXE is 0", _PAGING)
X86_RESERVED_PS = Clause("PAGE-TABLE-X86-RESERVED-PS", "Bit 7 is reserved in entries of levels 4 and 5", _PAGING)
X86_RESERVED_1G = Clause("PAGE-TABLE-X86-RESERVED-1G", "Bit 7 is reserved at level 3 where 1-GiB pages do not exist", _PAGING)
X86_RESERVED_LARGE = Clause(
    "PAGE-TABLE-X86-RESERVED-LARGE", "The address bits below a large page's size are reserved, but for PAT in bit 12", _PAGING
)
X86_LEAF = Clause("PAGE-TABLE-X86-LEAF", "A leaf is an entry of level 1, or one of level 2 or 3 with PS", _PAGING)
X86_RIGHTS = Clause(
    "PAGE-TABLE-X86-RIGHTS", "Writing and user access need R/W and U/S at every level; XD at any level forbids fetches", _RIGHTS
)
X86_USER = Clause("PAGE-TABLE-X86-USER", "A user access needs a user-mode address", _RIGHTS)
X86_WRITE = Clause(
    "PAGE-TABLE-X86-WRITE", "A write needs R/W, but a supervisor's does not where WP is 0, on user pages either", _RIGHTS
)
X86_XD = Clause("PAGE-TABLE-X86-XD", "A fetch needs XD clear at every level", _RIGHTS)
X86_SMEP = Clause("PAGE-TABLE-X86-SMEP", "Under SMEP a supervisor never fetches from a user-mode address", _RIGHTS)
X86_SMAP = Clause("PAGE-TABLE-X86-SMAP", "Under SMAP a supervisor's data access to a user-mode address needs EFLAGS.AC", _RIGHTS)
X86_PKEY_AD = Clause(
    "PAGE-TABLE-X86-PKEY-AD",
    "Under PKE a leaf's key with AD forbids data access to a user-mode address, never fetches",
    _RIGHTS,
)
X86_PKEY_WD = Clause(
    "PAGE-TABLE-X86-PKEY-WD",
    "Under PKE a leaf's key with WD forbids a user's writes, a supervisor's where WP is 1",
    _RIGHTS,
)
X86_CODE_P = Clause(
    "PAGE-TABLE-X86-CODE-P",
    "Bit 0 of the error code tells that all entries were present, bit 1 of a write, bit 2 of a user",
    _ERRORS,
)
X86_CODE_RSVD = Clause("PAGE-TABLE-X86-CODE-RSVD", "Bit 3 of the error code tells of a reserved bit; bit 0 is then set", _ERRORS)
X86_CODE_INSTR = Clause(
    "PAGE-TABLE-X86-CODE-INSTR", "Bit 4 of the error code tells of a fetch, and only where SMEP or NXE is 1", _ERRORS
)
X86_CODE_PK = Clause("PAGE-TABLE-X86-CODE-PK", "Bit 5 of the error code tells that the key forbids the access", _ERRORS)
X86_ACCESSED = Clause("PAGE-TABLE-X86-ACCESSED", "Each entry that a translation uses gets A", _FLAGS)
X86_DIRTY = Clause("PAGE-TABLE-X86-DIRTY", "The leaf of a write that is carried out gets D, and no other entry", _FLAGS)

# --- AArch64 (dossier 1.3) -----------------------------------------------------------------------------------------------
ARM_RANGE = Clause(
    "PAGE-TABLE-ARM-RANGE",
    "An address whose bits above the input size differ from bit 55, those of an ignored top byte aside, is a translation fault "
    "of level 0",
    _VMSA,
)
ARM_EPD = Clause("PAGE-TABLE-ARM-EPD", "A half whose walks EPD forbids gives a translation fault of level 0", _VMSA)
ARM_E0PD = Clause("PAGE-TABLE-ARM-E0PD", "A half that E0PD keeps from EL0 is a translation fault of level 0 to it", _VMSA)
ARM_TBID = Clause("PAGE-TABLE-ARM-TBID", "With TBID the top byte is ignored for data only", _VMSA)
ARM_START = Clause("PAGE-TABLE-ARM-START", "A walk begins at the level that the granule and the input size demand", _VMSA)
ARM_VALID = Clause("PAGE-TABLE-ARM-VALID", "A descriptor with bit 0 clear is a translation fault of its level", _VMSA)
ARM_BLOCK = Clause(
    "PAGE-TABLE-ARM-BLOCK",
    "A block where the granule has none, and at level 3 a descriptor with bit 1 clear, is a translation fault of its level",
    _VMSA,
)
ARM_SIZE = Clause(
    "PAGE-TABLE-ARM-SIZE", "A table or output address wider than the output size is an address size fault of its level", _VMSA
)
ARM_LPA = Clause(
    "PAGE-TABLE-ARM-LPA",
    "Address bits 51 to 48 lie in bits 15 to 12 of 64K descriptors with 52-bit output, and under DS in bits 9, 8, 49 and 48",
    _VMSA,
)
ARM_AF = Clause("PAGE-TABLE-ARM-AF", "A leaf with AF clear is an access flag fault, unless HA lets hardware set it", _VMSA)
ARM_HIERARCHY = Clause(
    "PAGE-TABLE-ARM-HIERARCHY",
    "APTable, PXNTable and UXNTable of a table take rights from all below it, unless HPD switches them off",
    _VMSA,
)
ARM_EL0 = Clause("PAGE-TABLE-ARM-EL0", "EL0 reads and writes need AP[1]", _VMSA)
ARM_WRITE = Clause("PAGE-TABLE-ARM-WRITE", "A write needs AP[2] clear", _VMSA)
ARM_DBM = Clause(
    "PAGE-TABLE-ARM-DBM", "Under HA and HD a leaf with DBM counts as writable: a write clears AP[2] instead of faulting", _VMSA
)
ARM_PAN = Clause("PAGE-TABLE-ARM-PAN", "Under PAN a data access of EL1 to what EL0 may access is a permission fault", _VMSA)
ARM_EPAN = Clause("PAGE-TABLE-ARM-EPAN", "Under EPAN that holds of what EL0 may only execute, too", _VMSA)
ARM_UXN = Clause("PAGE-TABLE-ARM-UXN", "EL0 does not fetch where UXN is set; it needs no right to read", _VMSA)
ARM_PXN = Clause("PAGE-TABLE-ARM-PXN", "EL1 does not fetch where PXN is set", _VMSA)
ARM_PXN_IMPLIED = Clause("PAGE-TABLE-ARM-PXN-IMPLIED", "EL1 does not fetch what EL0 may write", _VMSA)
ARM_WXN = Clause("PAGE-TABLE-ARM-WXN", "Under WXN no fetch is from what the same exception level may write", _VMSA)
ARM_FSC = Clause(
    "PAGE-TABLE-ARM-FSC",
    "The status code is that of the kind, plus the level; of level -1, 0x29 for address size and 0x2b for translation",
    "arch/arm64/mm/fault.c:fault_info, v6.12",
)
ARM_CONTIGUOUS = Clause(
    "PAGE-TABLE-ARM-CONTIGUOUS", "The contiguous bit changes no translation: each entry of a run is walked for itself", _VMSA
)

# --- RISC-V (dossier 1.4) ------------------------------------------------------------------------------------------------
RISCV_CANONICAL = Clause(
    "PAGE-TABLE-RISCV-CANONICAL",
    "An address whose bits above the width do not all equal its top bit is a page fault of the access",
    _SV,
)
RISCV_MEMORY = Clause(
    "PAGE-TABLE-RISCV-MEMORY",
    "An entry, or at last a byte, where the platform has no memory is an access fault of the original access",
    _SV,
)
RISCV_VALID = Clause("PAGE-TABLE-RISCV-VALID", "An entry without V is a page fault", _SV)
RISCV_RESERVED = Clause("PAGE-TABLE-RISCV-RESERVED", "An entry with W and without R is a page fault", _SV)
RISCV_RESERVED_BITS = Clause("PAGE-TABLE-RISCV-RESERVED-BITS", "An entry with any of bits 60 to 54 set is a page fault", _SV)
RISCV_PBMT = Clause(
    "PAGE-TABLE-RISCV-PBMT",
    "PBMT is 0 without Svpbmt, and in entries that point to tables; with it a leaf's is not 3: else a page fault",
    'RISC-V Privileged ISA, "Svpbmt"',
)
RISCV_NAPOT = Clause(
    "PAGE-TABLE-RISCV-NAPOT",
    "N is 0 without Svnapot; with it, it stands only in a level-0 leaf whose page number ends in 1000: else a page fault",
    'RISC-V Privileged ISA, "Svnapot"',
)
RISCV_NAPOT_FRAME = Clause(
    "PAGE-TABLE-RISCV-NAPOT-FRAME",
    "A leaf with N is 64 KiB: the low four bits of its page number are those of the address",
    'RISC-V Privileged ISA, "Svnapot"',
)
RISCV_POINTER = Clause("PAGE-TABLE-RISCV-POINTER", "An entry with none of R, W, X points to a table; D, A and U of it are 0", _SV)
RISCV_DEPTH = Clause("PAGE-TABLE-RISCV-DEPTH", "A pointer at level 0 is a page fault", _SV)
RISCV_USER = Clause("PAGE-TABLE-RISCV-USER", "A user access needs U", _SV)
RISCV_SUM = Clause("PAGE-TABLE-RISCV-SUM", "A supervisor's load or store to a page with U needs SUM", _SV)
RISCV_FETCH_USER = Clause("PAGE-TABLE-RISCV-FETCH-USER", "A supervisor never fetches from a page with U", _SV)
RISCV_LOAD = Clause("PAGE-TABLE-RISCV-LOAD", "A load needs R, or X under MXR", _SV)
RISCV_STORE = Clause("PAGE-TABLE-RISCV-STORE", "A store needs W", _SV)
RISCV_FETCH = Clause("PAGE-TABLE-RISCV-FETCH", "A fetch needs X", _SV)
RISCV_ALIGNED = Clause(
    "PAGE-TABLE-RISCV-ALIGNED", "A leaf above level 0 whose page number has bits below its size is a page fault", _SV
)
RISCV_SVADE = Clause("PAGE-TABLE-RISCV-SVADE", "Without ADUE a leaf with A clear, or D clear at a store, is a page fault", _SV)
RISCV_SVADU = Clause("PAGE-TABLE-RISCV-SVADU", "With ADUE hardware sets the leaf's A, and its D at a store", _SV)
RISCV_CAUSE = Clause(
    "PAGE-TABLE-RISCV-CAUSE", "The cause is that of the original access: page faults 12, 13, 15, access faults 1, 5, 7", _SV
)

CLAUSES = tuple(value for value in list(globals().values()) if isinstance(value, Clause))
"""Every clause of the component."""
