"""Vectors of the page-table walk: tables written out, with an entry of each sort at each level, and what accesses come to.

A program has one table a level. Entry 1 of each leads on, entry 0 does, too, or is a page; from entry 2 on come the *cases*, each
reached through entries 1 above it and entries 0 below. All is written, then flushed once, then asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from mmprops.machines.virtual.page_table_draw import ARCH_OF, explicit
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table.core import access_choose, read_choose, span_bits, write_choose
from mmspec.virtual.page_table.ops import (
    AARCH64,
    DONE,
    EINVAL,
    FETCH,
    GRANULE_4K,
    GRANULE_16K,
    GRANULE_64K,
    LA48,
    LA57,
    READ,
    SV39,
    SV48,
    SV57,
    WRITE,
    X86_64,
    Access,
    Config,
    Error,
    Flush,
    Reached,
    Read,
    Value,
    Write,
)  # fmt: skip
from mmspec.virtual.page_table.state import Tables, initial

Steps = tuple[tuple[str, Any], ...]
TABLES, APART = 0x100000, 0x10000
"""Where the root lies, and how far the tables are apart: as much as the largest granule."""
WITHIN = 0x123456789ABCD
"""The offset of an access in a page, as far as the page reaches."""

USER, KERNEL = True, False
EVERY = tuple((kind, user) for user in (USER, KERNEL) for kind in (READ, WRITE, FETCH))
SOME = ((READ, USER), (WRITE, KERNEL))


LAST = (1, 3, 0)
"""The number of the last level, by architecture."""


@attrs.frozen
class Case:
    """An entry, what its address is that of ("table", "page" or "" for none), and the accesses that are tried through it."""

    entry: int
    names: str
    asked: tuple[tuple[int, bool], ...] = ((READ, USER),)


# --- what the entries of each architecture are ----------------------------------------------------------------------------------


def x86_64_cases(config: Config, level: int) -> Iterator[Case]:
    """Yield the cases of a level of x86-64."""
    present, write, user, accessed, dirty = (1 << bit for bit in (0, 1, 2, 5, 6))
    size, beyond, never = 1 << 7, 1 << config.phys_bits if config.phys_bits < 52 else 0, 1 << 63
    table = present | write | user | accessed
    leaf = table | dirty | (size if level > 1 else 0)
    yield Case(table & ~present, "table", ((READ, USER), (WRITE, KERNEL), (FETCH, USER)))
    if level <= 3:
        yield Case(leaf, "page", EVERY if level == LAST[config.arch] else SOME)
        yield Case(leaf & ~write, "page", ((WRITE, USER), (WRITE, KERNEL)))
        yield Case(leaf & ~user, "page", ((READ, USER), (READ, KERNEL), (FETCH, KERNEL)))
        yield Case(leaf | never, "page", ((READ, USER), (FETCH, USER), (FETCH, KERNEL)))
        yield Case(leaf & ~accessed & ~dirty | 7 << 9, "page", ((READ, USER), (WRITE, USER), (WRITE, USER)))
        yield Case(leaf | 1 << 59, "page", ((READ, USER), (READ, KERNEL), (FETCH, USER)))
        yield Case(leaf | 2 << 59, "page", ((READ, USER), (WRITE, USER), (WRITE, KERNEL)))
        yield Case(leaf | beyond, "page")
    if level in (2, 3):
        yield Case(leaf | 1 << 12, "page")
        yield Case(leaf | 1 << 13, "page")
    if level > 1:
        yield Case(table & ~write, "table", ((WRITE, USER), (WRITE, KERNEL)))
        yield Case(table & ~user, "table", ((READ, USER), (READ, KERNEL)))
        yield Case(table | never, "table", ((FETCH, USER), (READ, USER)))
        yield Case(table | beyond, "table")
    if level >= 4:
        yield Case(table | size, "table")


def aarch64_cases(config: Config, level: int) -> Iterator[Case]:
    """Yield the cases of a level of AArch64."""
    el0, read_only, accessed, dirty, privileged, execute = (1 << bit for bit in (6, 7, 10, 51, 53, 54))
    leaf = accessed | el0 | (3 if level == 3 else 1)
    yield Case(leaf & ~1, "page")
    yield Case(leaf, "page", EVERY if level == LAST[config.arch] else SOME)
    yield Case(leaf | read_only, "page", ((WRITE, USER), (WRITE, KERNEL), (FETCH, KERNEL)))
    yield Case(leaf & ~el0, "page", ((READ, USER), (READ, KERNEL), (WRITE, KERNEL), (FETCH, KERNEL)))
    yield Case(leaf & ~accessed, "page")
    yield Case(leaf | read_only | dirty, "page", ((READ, USER), (WRITE, USER)))
    yield Case(leaf | execute, "page", ((FETCH, USER), (READ, KERNEL)))
    yield Case(leaf | read_only | privileged, "page", ((FETCH, KERNEL), (FETCH, USER)))
    if config.phys_bits < 48:
        yield Case(leaf | 1 << config.phys_bits, "page")
    if level == 3:
        yield Case(leaf & ~2, "page")
        return
    for taken, asked in (
        (61, ((READ, USER), (READ, KERNEL))),
        (62, ((WRITE, USER), (WRITE, KERNEL))),
        (60, ((FETCH, USER), (READ, USER))),
        (59, ((FETCH, KERNEL), (FETCH, USER))),
    ):
        yield Case(3 | 1 << taken, "table", asked)
    if config.phys_bits < 48:
        yield Case(3 | 1 << config.phys_bits, "table")


def riscv64_cases(config: Config, level: int) -> Iterator[Case]:
    """Yield the cases of a level of RISC-V."""
    valid, read, write, execute, user, accessed, dirty = (1 << bit for bit in (0, 1, 2, 3, 4, 6, 7))
    leaf = valid | read | write | execute | user | accessed | dirty
    yield Case(leaf & ~valid, "page", ((READ, USER), (WRITE, KERNEL), (FETCH, USER)))
    yield Case(leaf, "page", EVERY if level == LAST[config.arch] else SOME)
    yield Case(leaf & ~read, "page")
    yield Case(leaf & ~write, "page", ((WRITE, USER), (READ, USER)))
    yield Case(leaf & ~execute, "page", ((FETCH, USER), (READ, USER)))
    yield Case(leaf & ~read & ~write, "page", ((READ, USER), (FETCH, USER)))
    yield Case(leaf & ~user, "page", ((READ, USER), (READ, KERNEL), (FETCH, KERNEL)))
    yield Case(leaf & ~accessed, "page")
    yield Case(leaf & ~dirty, "page", ((READ, USER), (WRITE, USER)))
    yield Case(leaf | 1 << 54, "page")
    yield Case(leaf | 1 << 61, "page")
    yield Case(leaf | 3 << 61, "page")
    yield Case(leaf | 1 << 63 | 8 << 10, "page")
    yield Case(leaf | 1 << 63 | 4 << 10, "page")
    if config.phys_bits < 56:
        yield Case(leaf | 1 << (config.phys_bits - 2), "page", ((READ, USER), (WRITE, USER), (FETCH, USER)))
    if level == 0:
        yield Case(valid, "page")
        return
    yield Case(leaf | 1 << 10, "page")
    yield Case(valid | user, "table")
    yield Case(valid | accessed, "table")
    if config.phys_bits < 56:
        yield Case(valid | 1 << (config.phys_bits - 2), "table")


# --- programs ------------------------------------------------------------------------------------------------------------------


def levels_of(tables: Tables) -> list[int]:
    """Return the numbers of the levels, the root's first."""
    regime = tables.regime
    if regime.arch == X86_64:
        return list(range(x86_64.levels(regime), 0, -1))
    if regime.arch == AARCH64:
        return list(range(aarch64.start_level(regime), 4))
    return list(range(riscv64.levels(regime) - 1, -1, -1))


def plain(config: Config, last: bool) -> int:
    """Return an entry that leads on, or of the last level a page that everybody may use."""
    if config.arch == X86_64:
        return 0x67 if last else 0x27
    if config.arch == AARCH64:
        return 0x443 if last else 3
    return 0xDF if last else 1


def encoded(config: Config, address: int) -> int:
    """Return an address of a table or a page as an entry holds it."""
    return address >> 2 if config.arch not in (X86_64, AARCH64) else address


CASES = (x86_64_cases, aarch64_cases, riscv64_cases)


def program(config: Config) -> tuple[Config, Steps]:
    """Return a program that tries every case at every level."""
    tables = initial(config)
    levels = levels_of(tables)
    shifts = [span_bits(tables, level) for level in levels]
    top = config.va_bits - (config.arch != AARCH64)  # the lower half
    at = [TABLES + APART * number for number in range(len(levels) + 1)]
    writes, asked = [], []
    way = 0  # to the table of a level, through entries 1
    for number, (level, shift) in enumerate(zip(levels, shifts, strict=True)):
        entries = 1 << ((shifts[number - 1] if number else top) - shift)
        lead = plain(config, level == levels[-1]) | encoded(config, at[number + 1])
        last = (2 * entries if config.arch != AARCH64 else entries) - 1
        for place in {0: lead, 1: lead, last: lead} if number == 0 else {0: lead, 1: lead}:
            writes.append(Write(at[number] + 8 * place, lead))
        page = 1 << shift if shift < config.phys_bits - 1 else 0
        for place, case in enumerate(CASES[config.arch](config, level), start=2):
            if place >= entries - 1:
                break
            address = {"table": at[number + 1], "page": page, "": 0}[case.names]
            writes.append(Write(at[number] + 8 * place, case.entry | encoded(config, address)))
            offset = WITHIN & ((1 << shift) - 1) if case.names == "page" else 0x678
            asked += [Access(TABLES, way | place << shift | offset, kind, user) for kind, user in case.asked]
        way |= 1 << shift
    asked += [Access(TABLES, va, kind, USER) for va in outside(config, shifts[0]) for kind in (READ, FETCH)]
    steps = [*(("write", each) for each in writes), ("flush", Flush()), *(("access", each) for each in asked)]
    return config, tuple(steps)


def outside(config: Config, shift: int) -> Iterator[int]:
    """Yield addresses of which it matters what lies above the bits that are translated."""
    yield (1 << 64) - (1 << shift)  # the upper half's last entry
    yield 1 << (config.va_bits if config.arch == AARCH64 else config.va_bits - 1)
    yield 1 << 63
    yield 0xA5 << 56  # a tag


def configured(mode: int, va_bits: int, phys_bits: int, **controls: Any) -> Config:
    """Return a configuration of which each control bit is said."""
    arch = ARCH_OF[mode]
    return Config(arch, mode, va_bits, phys_bits, explicit(arch, mode, max(va_bits, phys_bits), controls))


CONFIGS = (
    configured(LA48, 48, 46),
    configured(LA57, 57, 52),
    configured(LA48, 48, 40, smep=True, smap=True, pke=True, pkru=0b100100),
    configured(LA48, 48, 52, nxe=False, wp=False, gbpages=False, smep=True),
    configured(LA57, 57, 46, smap=True, ac=True, pke=True, pkru=0b100100, wp=False),
    configured(GRANULE_4K, 48, 44),
    configured(GRANULE_4K, 39, 40, ha=True, hd=True, pan=True, epan=True),
    configured(GRANULE_4K, 52, 52, wxn=True),
    configured(GRANULE_4K, 48, 48, tbi=True, tbid=True, hpd=True, pan=True),
    configured(GRANULE_16K, 47, 48),
    configured(GRANULE_16K, 48, 40, ha=True),
    configured(GRANULE_16K, 52, 52, tbi=True),
    configured(GRANULE_64K, 42, 44, e0pd=True),
    configured(GRANULE_64K, 48, 48, ha=True, hd=True, wxn=True),
    configured(GRANULE_64K, 52, 52),
    configured(GRANULE_4K, 39, 36, epd=True),
    configured(SV39, 39, 56),
    configured(SV39, 39, 40, sum=True, mxr=True, adue=True),
    configured(SV48, 48, 56, svnapot=True, svpbmt=True),
    configured(SV57, 57, 56),
    configured(SV57, 57, 50, adue=True, svnapot=True),
)
"""Every mode; the granules with each depth of tables and width of addresses; each control bit both ways."""


def programs() -> tuple[tuple[Config, Steps], ...]:
    """Return the written programs."""
    return tuple(map(program, CONFIGS))


def possible(tables: Tables, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with."""
    if isinstance(request, Access):
        yield from reached(tables, access_choose(tables, None, request)[0])
    elif isinstance(request, Read):
        yield from words(tables, request, read_choose(tables, None, request)[0])
    elif isinstance(request, Write):
        yield write_choose(tables, None, request)[0]
    else:
        yield from (DONE, EINVAL)


def reached(tables: Tables, result: Reached | Error) -> Iterator[Reached | Error]:
    """Yield an answer, with its marks in another order, and without such as an access that faulted may have set."""
    yield result
    if isinstance(result, Error) or result.fault is not None:
        return
    accessed, dirty = result.accessed_set or (), result.dirty_set or ()
    if len(accessed) > 1:
        yield attrs.evolve(result, accessed_set=accessed[::-1])
    sure = [tuple(at for at in each if not tables.may_be_set.get(at, 0)) for each in (accessed, dirty)]
    if sure != [accessed, dirty]:
        yield attrs.evolve(result, accessed_set=sure[0], dirty_set=sure[1])


def words(tables: Tables, request: Read, result: Value | Error) -> Iterator[Value | Error]:
    """Yield an answer, and one with the bits that an access that faulted may have set."""
    yield result
    unsure = tables.may_be_set.get(request.pa, 0)
    if unsure and not isinstance(result, Error):
        yield Value(result.value ^ unsure)
