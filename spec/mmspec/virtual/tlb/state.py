"""What is mapped, when what was mapped went, and when each processor last flushed what.

A processor may have cached whatever was current at some time since it last flushed it: so for each entry that is gone there is
the moment at which it went, for each flush the moment up to which it reaches, and nothing else. What a map does not hold is 0.
"""

from __future__ import annotations

from typing import Annotated

import attrs

from mmspec.errors import InputError
from mmspec.pmap import PMap, pmap
from mmspec.virtual.tlb.ops import (
    AARCH64,
    BLOCK_BITS,
    EVERY_CPU,
    KERNEL,
    LARGE,
    MAX_CPUS,
    MAX_SPACES,
    RISCV64,
    X86_64,
    Arch,
    Config,
    Cpu,
    CpuEnd,
    CpuSpace,
    Frame,
    Page,
    Size,
    Space,
    Stamp,
    Ticket,
    Truth,
)  # fmt: skip
from mmspec.words import Word

Entry = Annotated[int, Word("tlb_entry", bits=32, lo=0, hi=(1 << 23) - 1)]
"""What stands at a place: nothing, a pointer to a table, or a page: bit 1, bit 2 for writing, the frame from bit 3."""

Slot = Annotated[int, Word("slot", bits=64, lo=0, hi=(1 << 41) - 1)]
"""A place for an entry: the space from bit 37, the page (a block's first) from bit 1, the size in bit 0."""

Past = Annotated[int, Word("past", bits=64, lo=0, hi=(1 << 64) - 1)]
"""An entry at a place: the slot from bit 23, the entry below."""

Target = Annotated[int, Word("target", bits=64, lo=0, hi=(1 << 48) - 1)]
"""What a flush dropped, and where: the kind from bit 45, the processor (or all) from bit 41, the slot below."""

Kind = Annotated[int, Word("target_kind", bits=8, lo=0, hi=6)]
"""What a flush drops at a place."""

Asked = Annotated[int, Word("asked", bits=64, lo=0, hi=(1 << 44) - 1)]
"""What a flush under way is of: whether tables are freed in bit 43, the scope from bit 41, the slot of its page below."""

NONE, POINTER, LEAF, WRITABLE = 0, 1, 2, 4
FRAME_SHIFT = 3

AT_PAGE, AT_LARGE, AT_SPAN, AT_POINTER, AT_POINTERS, AT_SPACE, AT_ALL = range(7)
"""A page, a large page, all pages of a block, its pointer; all pointers of a space, all of it, all of all."""


@attrs.frozen
class Tlb:
    """What processors may have cached."""

    arch: Arch
    negative: Truth  # whether absent entries are cached
    cpus: CpuEnd
    spaces: Space  # the last one
    now: Stamp
    entries: PMap[Slot, Entry]
    gone: PMap[Past, Stamp]  # when an entry was last taken from a place
    pages: PMap[Slot, Stamp]  # when a page was last taken from it, whichever it was
    denied: PMap[Slot, Stamp]  # likewise a page that forbade writing
    flushed: PMap[Target, Stamp]  # the moment up to which a flush reaches
    running: PMap[Cpu, Space]
    lazy: PMap[Cpu, bool]
    known: PMap[CpuSpace, bool]  # the spaces that a processor has run
    begun: PMap[Ticket, Stamp]  # one more than the moment at which a flush was begun; 0: there is none
    asked: PMap[Ticket, Asked]


def first_of(page: Page) -> Page:
    """Return the first page of a page's block."""
    return (page >> BLOCK_BITS) << BLOCK_BITS


def small_slot(space: Space, page: Page) -> Slot:
    """Return the place of a page."""
    return (space << 37) | (page << 1)


def large_slot(space: Space, page: Page) -> Slot:
    """Return the place of a page's block."""
    return (space << 37) | (first_of(page) << 1) | 1


def slot_of(space: Space, size: Size, page: Page) -> Slot:
    """Return the place of a page, or of its block."""
    return large_slot(space, page) if size == LARGE else small_slot(space, page)


def past_of(slot: Slot, entry: Entry) -> Past:
    """Return the key of an entry that stood at a place."""
    return (slot << 23) | entry


def target_of(kind: Kind, cpu: CpuEnd, slot: Slot) -> Target:
    """Return the key of what a flush dropped."""
    return (kind << 45) | (cpu << 41) | slot


def cpu_space(cpu: Cpu, space: Space) -> CpuSpace:
    """Return the key of a processor and a space."""
    return (cpu << 4) | space


def leaf_of(frame: Frame, write: Truth) -> Entry:
    """Return a page's entry."""
    return (frame << FRAME_SHIFT) | (write << 2) | LEAF


def is_leaf(entry: Entry) -> bool:
    """Tell whether an entry is a page's."""
    return entry & LEAF != 0


def entry_at(tlb: Tlb, slot: Slot) -> Entry:
    """Return what stands at a place."""
    return tlb.entries.get(slot, NONE)


def is_space(tlb: Tlb, space: Space) -> bool:
    """Tell whether there is a space."""
    return space <= tlb.spaces


def has_run(tlb: Tlb, cpu: Cpu, space: Space) -> bool:
    """Tell whether a processor can have cached anything of a space."""
    return (cpu < tlb.cpus) & ((space == KERNEL) | tlb.known.get(cpu_space(cpu, space), False))


# --- what outlives the flushes ---------------------------------------------------------------------------------------------


def later(tlb: Tlb, stamp: Stamp, kind: Kind, cpu: Cpu, slot: Slot) -> bool:
    """Tell whether a moment lies after what a processor, or all of them, last flushed so."""
    own, every = target_of(kind, cpu, slot), target_of(kind, EVERY_CPU, slot)
    return (stamp > tlb.flushed.get(own, 0)) & (stamp > tlb.flushed.get(every, 0))


def outlives_space(tlb: Tlb, cpu: Cpu, space: Space, stamp: Stamp) -> bool:
    """Tell whether no flush of its whole space reaches what went at a moment."""
    return later(tlb, stamp, AT_SPACE, cpu, small_slot(space, 0)) & later(tlb, stamp, AT_ALL, cpu, 0)


def outlives_span(tlb: Tlb, cpu: Cpu, space: Space, page: Page, stamp: Stamp) -> bool:
    """Tell whether no flush of its whole block reaches a page that went at a moment."""
    return later(tlb, stamp, AT_SPAN, cpu, large_slot(space, page)) & outlives_space(tlb, cpu, space, stamp)


def outlives_small(tlb: Tlb, cpu: Cpu, space: Space, page: Page, stamp: Stamp) -> bool:
    """Tell whether no flush reaches a page that went at a moment."""
    return later(tlb, stamp, AT_PAGE, cpu, small_slot(space, page)) & outlives_span(tlb, cpu, space, page, stamp)


def outlives_large(tlb: Tlb, cpu: Cpu, space: Space, page: Page, stamp: Stamp) -> bool:
    """Tell whether no flush reaches a large page that went at a moment."""
    return later(tlb, stamp, AT_LARGE, cpu, large_slot(space, page)) & outlives_space(tlb, cpu, space, stamp)


def outlives_pointer(tlb: Tlb, cpu: Cpu, space: Space, page: Page, stamp: Stamp) -> bool:
    """Tell whether no flush reaches a pointer that went at a moment."""
    one = later(tlb, stamp, AT_POINTER, cpu, large_slot(space, page))
    return one & later(tlb, stamp, AT_POINTERS, cpu, small_slot(space, 0)) & outlives_space(tlb, cpu, space, stamp)


# --- the beginning ---------------------------------------------------------------------------------------------------------


def initial(config: Config) -> Tlb:
    """Return the state after a reset (InputError: which field is wrong, and how it must be)."""
    if not X86_64 <= config.arch <= RISCV64:
        raise InputError(f"there is no architecture {config.arch}", hint="see mmspec describe tlb")
    if not 1 <= config.cpus <= MAX_CPUS:
        raise InputError(f"{config.cpus} processors", hint=f"1 to {MAX_CPUS}")
    if not 1 <= config.spaces < MAX_SPACES:
        raise InputError(f"last space {config.spaces}", hint=f"1 to {MAX_SPACES - 1}")
    foreign = {
        "pcid": config.pcid != 1 and config.arch != X86_64,
        "svvptc": config.svvptc != 0 and config.arch != RISCV64,
        "ranges": config.ranges != 0 and config.arch != AARCH64,
    }
    for name, wrong in foreign.items():
        if wrong:
            raise InputError(f"{name} is of another architecture", hint="leave it out")
    negative = 1 if config.arch == RISCV64 and config.svvptc == 0 else 0
    empty: PMap[Cpu, bool] = pmap()
    return Tlb(
        config.arch, negative, config.cpus, config.spaces, 0, pmap(), pmap(), pmap(), pmap(), pmap(), pmap(), empty, pmap(),
        pmap(), pmap(),
    )  # fmt: skip
