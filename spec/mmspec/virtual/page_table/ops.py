"""The page-table walk's requests and results, and the configuration that says whose tables they are.

Shared by the law, every implementation and every client; nothing here decides anything.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import attrs

from mmspec.errors import DONE, EINVAL, Done, Error
from mmspec.words import Word

__all__ = [
    "DONE",
    "EINVAL",
    "Access",
    "Config",
    "Controls",
    "Done",
    "Error",
    "Fault",
    "Flush",
    "Reached",
    "Read",
    "Value",
    "Write",
]  # fmt: skip

ARCHITECTURES = ("x86_64", "aarch64", "riscv64")
X86_64: Final = 0
AARCH64: Final = 1
RISCV64: Final = 2

MODES = ("la48", "la57", "4k", "16k", "64k", "sv39", "sv48", "sv57")
LA48, LA57, GRANULE_4K, GRANULE_16K, GRANULE_64K, SV39, SV48, SV57 = range(8)

KINDS = ("read", "write", "fetch")
READ, WRITE, FETCH = range(3)

FAULTS = ("page_fault", "general_protection", "translation", "address_size", "access_flag", "permission", "access_fault")
PAGE_FAULT, GENERAL_PROTECTION, TRANSLATION, ADDRESS_SIZE, ACCESS_FLAG, PERMISSION, ACCESS_FAULT = range(7)

NO_FAULT = len(FAULTS)
"""The kind of fault of an access that faults nowhere."""

PA_BITS = 56
"""Width of the widest physical address: RISC-V's, of a 44-bit page number (RISC-V Privileged ISA, Sv39)."""

Arch = Annotated[int, Word("arch", bits=8, lo=0, hi=2, names=ARCHITECTURES)]
"""An architecture."""

Mode = Annotated[int, Word("mode", bits=8, lo=0, hi=7, names=MODES)]
"""An architecture's format of tables: the number of levels, or the size of the smallest page."""

Kind = Annotated[int, Word("kind", bits=8, lo=0, hi=2, names=KINDS)]
"""What an access does."""

FaultKind = Annotated[int, Word("fault", bits=8, lo=0, hi=6, names=FAULTS)]
"""The kind of a fault, as the architecture names it."""

Bits = Annotated[int, Word("bits", bits=8, lo=0, hi=64)]
"""A number of address bits."""

VaBits = Annotated[int, Word("va_bits", bits=8, lo=25, hi=57)]
"""The width of a virtual address."""

PhysBits = Annotated[int, Word("phys_bits", bits=8, lo=32, hi=PA_BITS)]
"""The width of a physical address."""

Granule = Annotated[int, Word("granule", bits=8, lo=12, hi=16)]
"""The binary logarithm of the size of AArch64's smallest page."""

Pa = Annotated[int, Word("pa", bits=64, lo=0, hi=(1 << PA_BITS) - 1, hexadecimal=True)]
"""A physical address."""

Va = Annotated[int, Word("va", bits=64, lo=0, hi=(1 << 64) - 1, hexadecimal=True)]
"""A virtual address: all 64 bits of the register that holds it."""

Entry = Annotated[int, Word("value", bits=64, lo=0, hi=(1 << 64) - 1, hexadecimal=True)]
"""A 64-bit word of memory, such as a table's entry."""

Size = Annotated[int, Word("size", bits=64, lo=0, hi=1 << PA_BITS, hexadecimal=True)]
"""A size in bytes."""

Level = Annotated[int, Word("level", bits=8, lo=-1, hi=5, signed=True)]
"""A level of tables, numbered as the architecture does: x86-64 5 or 4 down to 1, AArch64 -1 to 3, RISC-V 4, 3 or 2 down to 0."""

Code = Annotated[int, Word("code", bits=32, lo=0, hi=(1 << 32) - 1)]
"""What the architecture reports of a fault: x86-64 the error code, AArch64 the fault status code, RISC-V scause."""

Rights = Annotated[int, Word("pkru", bits=32, lo=0, hi=(1 << 32) - 1, hexadecimal=True)]
"""The protection-key rights register PKRU."""


@attrs.frozen
class Controls:
    """The control bits that change what entries mean; of each architecture its own. What is left out is as ``DEFAULTS`` say.

    x86-64: CR0.WP, CR4.SMEP, SMAP and PKE, EFER.NXE, EFLAGS.AC, PKRU, and whether 1-GiB pages exist (CPUID Page1GB).
    AArch64, for the half that is used: SCTLR.WXN and EPAN, PSTATE.PAN, TCR's HA, HD, TBI, TBID, EPD, E0PD, HPD and DS.
    RISC-V: sstatus.SUM and MXR, menvcfg.ADUE (Svadu; Svade without it), and whether Svnapot and Svpbmt exist.
    """

    wp: bool | None = None
    smep: bool | None = None
    smap: bool | None = None
    nxe: bool | None = None
    pke: bool | None = None
    ac: bool | None = None
    pkru: Rights | None = None
    gbpages: bool | None = None
    wxn: bool | None = None
    pan: bool | None = None
    epan: bool | None = None
    ha: bool | None = None
    hd: bool | None = None
    tbi: bool | None = None
    tbid: bool | None = None
    epd: bool | None = None
    e0pd: bool | None = None
    hpd: bool | None = None
    ds: bool | None = None
    sum: bool | None = None
    mxr: bool | None = None
    adue: bool | None = None
    svnapot: bool | None = None
    svpbmt: bool | None = None


DEFAULTS: dict[int, dict[str, int]] = {
    X86_64: {
        "wp": True, "smep": False, "smap": False, "nxe": True, "pke": False, "ac": False, "pkru": 0, "gbpages": True
    },
    AARCH64: {
        "wxn": False, "pan": False, "epan": False, "ha": False, "hd": False, "tbi": False, "tbid": False, "epd": False,
        "e0pd": False, "hpd": False, "ds": False,
    },
    RISCV64: {"sum": False, "mxr": False, "adue": False, "svnapot": False, "svpbmt": False},
}  # fmt: skip
"""The control bits of each architecture, and what they are when a configuration does not say; DS is then 1 where it must be."""


@attrs.frozen
class Config:
    """Whose tables a reset makes: all memory reads 0, and nothing is cached.

    ``va_bits`` is the width of a virtual address: 48 or 57 on x86-64, 64 - TxSZ on AArch64, 39, 48 or 57 on RISC-V.
    ``phys_bits`` is the width of a physical one: x86-64 MAXPHYADDR, AArch64 the output size of TCR.IPS, RISC-V what the platform
    has of its 56 bits: an access to memory above that is an access fault there.
    """

    arch: Arch
    mode: Mode
    va_bits: VaBits
    phys_bits: PhysBits
    controls: Controls = Controls()


@attrs.frozen
class Write:
    """Store one 64-bit word into physical memory, as software that is not translated does."""

    pa: Pa
    value: Entry


@attrs.frozen
class Read:
    """Load one 64-bit word of physical memory; what was never written reads 0."""

    pa: Pa


@attrs.frozen
class Value:
    """The word that was read."""

    failed: ClassVar[Literal[False]] = False
    value: Entry


@attrs.frozen
class Access:
    """Use one byte at a virtual address through the tables below ``root``, in user or supervisor mode.

    ``root`` is the table of the half that ``va`` selects (AArch64: by bit 55). A write stores what is there already.
    """

    root: Pa
    va: Va
    kind: Kind
    user: bool


@attrs.frozen
class Fault:
    """Why an access was not carried out. A client that does not promise ``level`` or ``code`` leaves it out."""

    kind: FaultKind
    level: Level | None = None
    code: Code | None = None


@attrs.frozen
class Reached:
    """The physical address that an access used, or its fault: a fault is a result.

    ``size`` is the size of the page that holds it. ``accessed_set`` and ``dirty_set`` list the addresses of the entries whose
    accessed or dirty bit this access set.
    """

    failed: ClassVar[Literal[False]] = False
    pa: Pa | None = None
    size: Size | None = None
    accessed_set: tuple[Pa, ...] | None = None
    dirty_set: tuple[Pa, ...] | None = None
    fault: Fault | None = None

    @property
    def faulted(self) -> bool:
        """Whether the access was not carried out."""
        return self.fault is not None


@attrs.frozen
class Flush:
    """Drop every cached translation of an address, and whatever was cached on the way to it; without ``va`` of all addresses."""

    va: Va | None = None

    @property
    def whole(self) -> bool:
        """Whether translations of all addresses are dropped."""
        return self.va is None

    @property
    def address(self) -> Va:
        """The address, where there is one."""
        return 0 if self.va is None else self.va
