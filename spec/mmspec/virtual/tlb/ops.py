"""The requests, results and words of translation caches; nothing here decides anything."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import attrs

from mmspec.errors import DONE, EBUSY, EINVAL, Done, Error
from mmspec.virtual.page_table.ops import AARCH64, ARCHITECTURES, RISCV64, X86_64, Arch
from mmspec.words import Word

__all__ = [
    "AARCH64", "ARCHITECTURES", "DONE", "EBUSY", "EINVAL", "RISCV64", "X86_64", "Arch", "Begin", "Clear", "Config", "Count",
    "Deliver", "Delivered", "Done", "End", "Error", "Invalidate", "Lazy", "Link", "LookGeneration", "LookLocal", "Plan",
    "Protect", "Set", "Settled", "Switch", "Switched", "Use", "Used",
]  # fmt: skip

MAX_CPUS = 4
EVERY_CPU = MAX_CPUS
"""Stands for all processors where one is named."""

MAX_SPACES = 16
KERNEL = 0
"""The space of the kernel: its translations are global, and every processor has them beside those of the space it runs."""

MAX_TICKETS = 8
BLOCK_BITS = 9
"""A table has 512 entries, and a large page the size of them all."""

SMALL, LARGE = range(2)
PAGE, BLOCK, SPACE, EVERYTHING = range(4)

Cpu = Annotated[int, Word("cpu", bits=8, lo=0, hi=MAX_CPUS - 1)]
"""A processor."""

CpuEnd = Annotated[int, Word("cpu_end", bits=8, lo=0, hi=MAX_CPUS)]
"""The exclusive end of a range of processors, or all of them."""

Space = Annotated[int, Word("space", bits=8, lo=0, hi=MAX_SPACES - 1)]
"""An address space; 0 is the kernel's."""

CpuSpace = Annotated[int, Word("cpu_space", bits=8, lo=0, hi=MAX_CPUS * MAX_SPACES - 1)]
"""A processor and a space: ``cpu * 16 + space``."""

Page = Annotated[int, Word("page", bits=64, lo=0, hi=(1 << 36) - 1, hexadecimal=True)]
"""A virtual page of the smallest size, by number."""

Frame = Annotated[int, Word("frame", bits=32, lo=0, hi=(1 << 20) - 1, hexadecimal=True)]
"""A page frame, by number."""

Size = Annotated[int, Word("page_size", bits=8, lo=0, hi=1, names=("SMALL", "LARGE"))]
"""The level of an entry: of one page, or of the 512 that a table maps."""

Scope = Annotated[int, Word("scope", bits=8, lo=0, hi=3, names=("PAGE", "BLOCK", "SPACE", "EVERYTHING"))]
"""What a flush is of: a page, the 512 pages of a block, all of a space, or all of all spaces, the kernel's with them."""

Ticket = Annotated[int, Word("ticket", bits=8, lo=0, hi=MAX_TICKETS - 1)]
"""A flush that is under way."""

Stamp = Annotated[int, Word("stamp", bits=64, lo=0, hi=(1 << 62) - 1)]
"""A moment: how many changes of entries there were until then."""

Gen = Annotated[int, Word("generation", bits=64, lo=0, hi=(1 << 62) - 1)]
"""How many flushes of a space were begun (``context.tlb_gen``), or how many of them a processor has made up for."""

Asid = Annotated[int, Word("asid", bits=8, lo=0, hi=5)]
"""One of the six tags for spaces that Linux keeps on each processor (arch/x86/include/asm/tlbflush.h:TLB_NR_DYN_ASIDS, v6.12)."""

Pages = Annotated[int, Word("pages", bits=64, lo=0, hi=(1 << 40) - 1)]
"""A number of pages."""

Truth = Annotated[int, Word("truth", bits=8, lo=0, hi=1)]
"""1 for yes, 0 for no."""

Extent = Annotated[int, Word("extent", bits=8, lo=0, hi=3, names=("NOTHING", "SOME", "WHOLE", "LEFT"))]
"""What a processor did about a flush: nothing, the pages asked, all of its space; or it left the space."""

NOTHING, SOME, WHOLE, LEFT = range(4)


@attrs.frozen
class Config:
    """Processors of a reset, with nothing cached and nothing mapped, that run no space but the kernel's.

    ``pcid``: x86-64 tags translations by space. ``svvptc``: RISC-V's processors see an entry made valid without a flush.
    ``ranges``: AArch64 flushes many pages in one instruction.
    """

    arch: Arch
    cpus: CpuEnd
    spaces: Space = 2
    pcid: Truth = 1
    svvptc: Truth = 0
    ranges: Truth = 0


@attrs.frozen
class Set:
    """Map a page, or the 512 of a block that ``page`` lies in as one, to a frame (or 512 aligned ones); a table goes away."""

    space: Space
    size: Size
    page: Page
    frame: Frame
    write: Truth


@attrs.frozen
class Clear:
    """Take away what maps a page, or with LARGE what stands for its block: a large page, or the pointer to a table."""

    space: Space
    size: Size
    page: Page


@attrs.frozen
class Link:
    """Put the block's table where its large page, or nothing, stands; the table holds what it held before."""

    space: Space
    page: Page


@attrs.frozen
class Protect:
    """Give a page other rights."""

    space: Space
    size: Size
    page: Page
    write: Truth


@attrs.frozen
class Switch:
    """Let a processor run a space (arch/x86/mm/tlb.c:switch_mm_irqs_off, v6.12)."""

    cpu: Cpu
    space: Space


@attrs.frozen
class Lazy:
    """Let a processor run a kernel thread on the tables of the space it has (arch/x86/mm/tlb.c:enter_lazy_tlb, v6.12)."""

    cpu: Cpu


@attrs.frozen
class Use:
    """Read or write a page on a processor, of the space that it runs or of the kernel's."""

    cpu: Cpu
    space: Space
    page: Page
    write: Truth


@attrs.frozen
class Invalidate:
    """Drop what one processor has cached of a page of a space, a block, a space, or of all (INVLPG, TLBI, SFENCE.VMA)."""

    cpu: Cpu
    scope: Scope
    space: Space
    page: Page


@attrs.frozen
class Begin:
    """Begin a flush on all processors; ``tables``: tables are to be freed (arch/x86/mm/tlb.c:flush_tlb_mm_range, v6.12)."""

    ticket: Ticket
    scope: Scope
    space: Space
    page: Page
    tables: Truth


@attrs.frozen
class Deliver:
    """Let a processor hear of a flush that is under way (arch/x86/mm/tlb.c:flush_tlb_func, v6.12)."""

    ticket: Ticket
    cpu: Cpu


@attrs.frozen
class End:
    """Wait until every processor that must has heard of a flush."""

    ticket: Ticket


@attrs.frozen
class Settled:
    """Ask whether no processor can still use what stood at a place and is gone: the frame, or the table, may be used anew."""

    space: Space
    size: Size
    page: Page


@attrs.frozen
class LookGeneration:
    """Ask how many flushes of a space were begun."""

    space: Space


@attrs.frozen
class LookLocal:
    """Ask how many flushes of the space that it runs a processor has made up for."""

    cpu: Cpu


@attrs.frozen
class Plan:
    """Ask by how many instructions a range of pages is flushed; 0: the whole space is flushed instead."""

    pages: Pages


@attrs.frozen
class Used:
    """The frame that was used, or that the access faulted."""

    failed: ClassVar[Literal[False]] = False
    faulted: Truth
    frame: Frame = 0


@attrs.frozen
class Switched:
    """The tag that the space has on the processor, and whether what was cached under it was dropped."""

    failed: ClassVar[Literal[False]] = False
    asid: Asid
    flushed: Truth


@attrs.frozen
class Delivered:
    """What the processor did."""

    failed: ClassVar[Literal[False]] = False
    extent: Extent


@attrs.frozen
class Count:
    """A number; of a truth, 1 or 0."""

    failed: ClassVar[Literal[False]] = False
    count: Gen
