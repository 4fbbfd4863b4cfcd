"""The state of changes to page tables: memory with the tables in it, and what was mapped, as the abstract map that they are."""

from __future__ import annotations

import attrs

from mmspec.clause import rule
from mmspec.errors import InputError
from mmspec.pmap import PMap, pmap
from mmspec.virtual.page_map import clauses as c
from mmspec.virtual.page_map import encode
from mmspec.virtual.page_map.ops import Config, Height, Prot, Tables
from mmspec.virtual.page_table import aarch64
from mmspec.virtual.page_table import core as walking
from mmspec.virtual.page_table import state as walked
from mmspec.virtual.page_table.ops import AARCH64, READ, X86_64, Access, Bits, Controls, Entry, Pa, Va
from mmspec.virtual.page_table.ops import Config as WalkConfig
from mmspec.virtual.page_table.state import Regime
from mmspec.virtual.page_table.walk import Memory, Walk


@attrs.frozen
class Page:
    """What is mapped at an address: a frame of a height, and what it grants beside reading."""

    pa: Pa
    height: Height
    prot: Prot


NO_PAGE = Page(0, 1, 4)
"""What is mapped where nothing is: no page grants this."""

COUNTED_TABLES = 3
"""The heights whose tables a space is charged with: PTE, PMD and PUD."""


@attrs.frozen
class Space:
    """One half of an address space.

    ``parent`` and ``height`` are of the tables that are taken; a table's height is its entries'. A table that is not taken
    reads 0 throughout.
    """

    regime: Regime
    upper: bool
    root: Pa
    top: Height  # of the root's entries
    pool: Tables
    memory: Memory
    parent: PMap[Pa, Pa]  # of a table the entry that points to it; absent: it is free
    height: PMap[Pa, Height]
    live: PMap[Pa, Entry]  # of a table how many of its entries are in use; absent: 0
    used: Tables  # how many tables are taken
    charged: Tables  # how many of them are PTE, PMD or PUD tables
    pages: PMap[Va, Page]  # by the address at which each begins


@attrs.frozen
class Slot:
    """An entry: the one of the height that was asked for, or the leaf or empty one above it at which the tables end."""

    height: Height
    at: Pa
    entry: Entry


def initial(config: Config) -> Space:
    """Return the state after a reset: an empty root (InputError: the configuration describes none)."""
    controls = Controls(nxe=config.nxe, gbpages=config.gbpages) if config.arch == X86_64 else Controls()
    regime = walked.regime_of(WalkConfig(config.arch, config.mode, config.va_bits, config.phys_bits, controls))
    bits = encode.table_bits(regime)
    if config.base & ((1 << bits) - 1) or config.base + (config.pool + 1 << bits) > 1 << config.phys_bits:
        raise InputError(f"tables at {config.base:#x} are not aligned or not in memory", hint=f"a multiple of {1 << bits:#x}")
    top = top_of(regime)
    return Space(regime, config.upper, config.base, top, config.pool, pmap(), pmap(), pmap(), pmap(), 0, 0, pmap())


def top_of(regime: Regime) -> Height:
    """Return the height of the root's entries: how many levels the architecture walks."""
    if regime.arch == AARCH64:
        return 4 - aarch64.start_level(regime)
    return (regime.va_bits - 12) // 9


def half_bits(space: Space) -> Bits:
    """Return the binary logarithm of the size of the half."""
    return space.regime.va_bits - (0 if space.regime.arch == AARCH64 else 1)


def in_half(space: Space, va: Va) -> bool:
    """Tell whether an address is of this half."""
    bits = half_bits(space)
    return va >> bits == ((1 << (64 - bits)) - 1 if space.upper else 0)


def size_bits(space: Space, height: Height) -> Bits:
    """Return the binary logarithm of the size of a page of a height."""
    return encode.shift_of(space.regime, height)


def entry_at(space: Space, table: Pa, va: Va, height: Height) -> Pa:
    """Return the address of the entry that an address selects in a table of a height."""
    inside = va & ((1 << space.regime.va_bits) - 1)
    return table + ((inside >> size_bits(space, height)) & ((1 << (encode.table_bits(space.regime) - 3)) - 1)) * 8


def table_of(space: Space, at: Pa) -> Pa:
    """Return the table that an entry lies in."""
    bits = encode.table_bits(space.regime)
    return at >> bits << bits


def slot_of(space: Space, va: Va, height: Height) -> Slot:
    """Return the entry of a height for an address, or the one above it at which the tables end."""
    table = space.root
    for here in range(space.top, 0, -1):
        at = entry_at(space, table, va, here)
        entry = space.memory.get(at, 0)
        if here == height or not encode.is_table(space.regime, here, entry):
            return Slot(here, at, entry)
        table = encode.table_in(space.regime, entry)
    return Slot(height, 0, 0)  # an entry of height 1 is no table: nothing comes here


def page_at(space: Space, va: Va) -> Page:
    """Return the page that holds an address, or ``NO_PAGE``."""
    found = NO_PAGE
    for height in range(1, space.top + 1):
        page = space.pages.get(start_of(space, va, height), NO_PAGE)
        if page.prot != NO_PAGE.prot and page.height == height:
            found = page
    return found


def start_of(space: Space, va: Va, height: Height) -> Va:
    """Return where the page of a height that would hold an address begins."""
    bits = size_bits(space, height)
    return va >> bits << bits


def is_pool_table(space: Space, table: Pa) -> bool:
    """Tell whether an address is that of a table that may be taken."""
    bits = encode.table_bits(space.regime)
    number = (table - space.root) >> bits
    return (table > space.root) & (number <= space.pool) & (table & ((1 << bits) - 1) == 0)


def holds_tables(space: Space, pa: Pa, height: Height) -> bool:
    """Tell whether a frame of a height holds the root or one of the tables that may be taken."""
    end = space.root + (space.pool + 1 << encode.table_bits(space.regime))
    return (pa < end) & (space.root < pa + (1 << size_bits(space, height)))


def folded(space: Space, height: Height) -> Height:
    """Return the height at which a level of Linux's five is walked."""
    if height > space.top:
        rule(c.FOLDED)
        return space.top
    return height


def walk_to(space: Space, va: Va) -> Walk:
    """Return what the architecture's walk to an address comes to, for a read by the half's owner."""
    tables = walked.Tables(space.regime, space.memory, pmap(), False, pmap())
    return walking.walk_of(tables, Access(space.root, va, READ, not space.upper))


def store(space: Space, at: Pa, entry: Entry) -> Space:
    """Store an entry, and count whether it is in use."""
    table = table_of(space, at)
    live = space.live.set(table, space.live.get(table, 0) + (entry != 0) - (space.memory.get(at, 0) != 0))
    return attrs.evolve(space, memory=space.memory.set(at, entry), live=live)


def take(space: Space, at: Pa, table: Pa, height: Height) -> Space:
    """Let an entry point to a table that was free; its own entries are of ``height``."""
    linked = store(space, at, encode.pointer(space.regime, space.upper, table))
    return attrs.evolve(
        linked,
        parent=space.parent.set(table, at),
        height=space.height.set(table, height),
        used=space.used + 1,
        charged=space.charged + (height <= COUNTED_TABLES),
    )


def give_back(space: Space, table: Pa) -> Space:
    """Forget a table to which nothing points any more."""
    return attrs.evolve(
        space,
        parent=space.parent.delete(table),
        height=space.height.delete(table),
        used=space.used - 1,
        charged=space.charged - (space.height[table] <= COUNTED_TABLES),
    )


@attrs.frozen
class Nothing:
    """Linux takes tables from the page allocator, which is another component: here it takes the lowest."""


def initial_policy(config: Config, kernel: str) -> Nothing:
    """Return the policy state after a reset."""
    return Nothing()


def lowest_free(space: Space, count: int) -> tuple[Pa, ...]:
    """Return the lowest tables that are free."""
    found: tuple[Pa, ...] = ()
    named = 0
    for number in range(1, space.pool + 1):
        table = space.root + (number << encode.table_bits(space.regime))
        if table not in space.parent and named < count:
            found, named = (*found, table), named + 1
    return found
