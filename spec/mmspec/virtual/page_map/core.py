"""Map, unmap, protect, give back tables; translate and look. ``huge`` splits and collapses.

Each change is of one entry and of the tables on the way to it; what Linux does with ranges is a loop over these.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import DONE, EBUSY, EINVAL, ENOENT, ENOMEM, Done, Error, refused
from mmspec.virtual.page_map import clauses as c
from mmspec.virtual.page_map import encode, flush
from mmspec.virtual.page_map.ops import (
    PAGE,
    Bytes,
    Changed,
    Found,
    FreeTables,
    Height,
    Look,
    Map,
    Protect,
    Seen,
    TableBytes,
    Tables,
    Translate,
    Unmap,
)  # fmt: skip
from mmspec.virtual.page_map.state import (
    NO_PAGE,
    Page,
    Slot,
    Space,
    entry_at,
    folded,
    give_back,
    holds_tables,
    in_half,
    is_pool_table,
    lowest_free,
    page_at,
    size_bits,
    slot_of,
    store,
    table_of,
    take,
)  # fmt: skip
from mmspec.virtual.page_table.ops import Pa, Va

# --- what may be asked ---------------------------------------------------------------------------------------------------


def is_page(space: Space, va: Va, height: Height) -> bool:
    """Tell whether a page of a height may begin at an address of this half."""
    bits = size_bits(space, height)
    return (height <= space.top) & in_half(space, va) & (va & ((1 << bits) - 1) == 0) & encode.has_leaves(space.regime, height)


def is_frame(space: Space, pa: Pa, height: Height) -> bool:
    """Tell whether a frame of a height may begin at a physical address."""
    bits = size_bits(space, height)
    return (pa & ((1 << bits) - 1) == 0) & (pa + (1 << bits) <= 1 << space.regime.phys_bits)


def leaf_at(space: Space, va: Va, height: Height) -> Page:
    """Return the page of a height that begins at an address, or ``NO_PAGE``."""
    page = space.pages.get(va, NO_PAGE)
    return page if page.height == height else NO_PAGE


def are_free(space: Space, tables: tuple[Pa, ...], count: int) -> bool:
    """Tell whether tables are so many, each free, and each named once."""
    rule(c.TAKEN)
    right, named = True, 0
    for table in tables:
        named = named + 1
        right &= is_pool_table(space, table) & (table not in space.parent) & (tables.count(table) == 1)
    return right & (named == count)


def left(space: Space) -> Tables:
    """Return how many tables are left to be taken."""
    return space.pool - space.used


# --- map -------------------------------------------------------------------------------------------------------------------


def map_refusal(space: Space, op: Map) -> tuple[Done | Error, Clause]:
    """Return why a map must be refused, or ``DONE``, and the rule that says so."""
    if not (is_page(space, op.va, op.height) and is_frame(space, op.pa, op.height)):
        rule(c.ARGS)
        return EINVAL, c.ARGS
    if holds_tables(space, op.pa, op.height):
        rule(c.APART)
        return EINVAL, c.APART
    slot = slot_of(space, op.va, op.height)
    if slot.entry != 0:
        rule(c.BUSY)
        return EBUSY, c.BUSY
    if slot.height - op.height > left(space):
        rule(c.MEMORY)
        return ENOMEM, c.MEMORY
    rule(c.MAPPED)
    return DONE, c.MAPPED


def map_allowed(space: Space, op: Map, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a map breaks."""
    refusal, why = map_refusal(space, op)
    if refusal.failed:
        return None if result == refusal else why
    if result.failed:
        return c.MEMORY if refused(result, "ENOMEM") else why
    if not are_free(space, result.tables, slot_of(space, op.va, op.height).height - op.height):
        return c.TAKEN
    return flush.lacks(result, flush.for_map(space), False, c.FLUSH_MAP)


def map_apply(space: Space, op: Map, result: Changed | Error) -> Space:
    """Take the tables from the first that is missing down, and store the leaf."""
    if result.failed:
        return space
    slot = slot_of(space, op.va, op.height)
    at, height = slot.at, slot.height
    for table in result.tables:
        height = height - 1
        space = take(space, at, table, height)
        at = entry_at(space, table, op.va, height)
    space = store(space, at, encode.leaf(space.regime, space.upper, op.height, op.pa, op.prot))
    return attrs.evolve(space, pages=space.pages.set(op.va, Page(op.pa, op.height, encode.told(space.regime, op.prot))))


def map_choose(space: Space, policy: Any, op: Map) -> tuple[Changed | Error, Any]:
    """Answer a map."""
    refusal, _ = map_refusal(space, op)
    if refusal.failed:
        return refusal, policy
    needed = slot_of(space, op.va, op.height).height - op.height
    return Changed(flush.for_map(space), tables=lowest_free(space, needed)), policy


# --- unmap and protect -----------------------------------------------------------------------------------------------------


def leaf_refusal(space: Space, va: Va, height: Height) -> tuple[Done | Error, Clause]:
    """Return why a change of the leaf at an address must be refused, or ``DONE``, and the rule that says so."""
    if not is_page(space, va, height):
        rule(c.ARGS)
        return EINVAL, c.ARGS
    if leaf_at(space, va, height) == NO_PAGE:
        rule(c.MISSING)
        return ENOENT, c.MISSING
    return DONE, c.MISSING


def unmap_allowed(space: Space, op: Unmap, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to an unmap breaks."""
    refusal, why = leaf_refusal(space, op.va, op.height)
    if refusal.failed:
        return None if result == refusal else why
    rule(c.UNMAPPED)
    if result.failed or result.tables != ():
        return c.UNMAPPED
    return flush.lacks(result, PAGE, False, c.FLUSH_UNMAP)


def unmap_apply(space: Space, op: Unmap, result: Changed | Error) -> Space:
    """Clear the leaf."""
    if result.failed:
        return space
    cleared = store(space, slot_of(space, op.va, op.height).at, 0)
    return attrs.evolve(cleared, pages=space.pages.delete(op.va))


def unmap_choose(space: Space, policy: Any, op: Unmap) -> tuple[Changed | Error, Any]:
    """Answer an unmap."""
    refusal, _ = leaf_refusal(space, op.va, op.height)
    return (refusal if refusal.failed else Changed(PAGE)), policy


def protect_allowed(space: Space, op: Protect, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a change of protection breaks."""
    refusal, why = leaf_refusal(space, op.va, op.height)
    if refusal.failed:
        return None if result == refusal else why
    rule(c.PROTECTED)
    if result.failed or result.tables != ():
        return c.PROTECTED
    needed = flush.for_protect(space, space.pages[op.va].prot, encode.told(space.regime, op.prot))
    return flush.lacks(result, needed, False, c.FLUSH_PROTECT)


def protect_apply(space: Space, op: Protect, result: Changed | Error) -> Space:
    """Store the leaf with other rights."""
    if result.failed:
        return space
    page = attrs.evolve(space.pages[op.va], prot=encode.told(space.regime, op.prot))
    entry = encode.leaf(space.regime, space.upper, op.height, page.pa, op.prot)
    changed = store(space, slot_of(space, op.va, op.height).at, entry)
    return attrs.evolve(changed, pages=space.pages.set(op.va, page))


def protect_choose(space: Space, policy: Any, op: Protect) -> tuple[Changed | Error, Any]:
    """Answer a change of protection."""
    refusal, _ = leaf_refusal(space, op.va, op.height)
    if refusal.failed:
        return refusal, policy
    return Changed(flush.linux_protect(space, space.pages[op.va].prot, encode.told(space.regime, op.prot))), policy


# --- giving back tables ------------------------------------------------------------------------------------------------------


def empty_tables(space: Space, va: Va) -> tuple[tuple[Pa, ...], int]:
    """Return the tables on the way to an address that hold nothing, or only the one before, from the lowest up; and how many."""
    rule(c.FREED)
    found: tuple[Pa, ...] = ()
    whole, count = True, 0
    for height in range(1, space.top):
        slot = slot_of(space, va, height)
        table = table_of(space, slot.at)
        if slot.height == height and whole:
            whole = space.live.get(table, 0) == (count > 0)
            found = (*found, table) if whole else found
            count = count + whole
    return found, count


def free_allowed(space: Space, op: FreeTables, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to giving back tables breaks."""
    if not in_half(space, op.va):
        rule(c.ARGS)
        return None if refused(result, "EINVAL") else c.ARGS
    empty, count = empty_tables(space, op.va)
    if result.failed or result.tables != empty:
        return c.FREED
    return flush.lacks(result, flush.for_free(space, count), count > 0, c.FLUSH_FREE)


def free_apply(space: Space, op: FreeTables, result: Changed | Error) -> Space:
    """Clear the entry that points to each table, the lowest first."""
    if result.failed:
        return space
    for table in result.tables:
        space = give_back(store(space, space.parent[table], 0), table)
    return space


def free_choose(space: Space, policy: Any, op: FreeTables) -> tuple[Changed | Error, Any]:
    """Answer giving back tables."""
    if not in_half(space, op.va):
        return EINVAL, policy
    empty, count = empty_tables(space, op.va)
    return Changed(flush.for_free(space, count), count > 0, tables=empty), policy


# --- looking -----------------------------------------------------------------------------------------------------------------


def translate_allowed(space: Space, op: Translate, result: Found | Error) -> Clause | None:
    """Name the clause that a translation breaks: what was mapped decides, not how the tables say it."""
    page = page_at(space, op.va)
    if not in_half(space, op.va) or page == NO_PAGE:
        rule(c.UNTRANSLATED)
        return None if refused(result, "ENOENT") else c.UNTRANSLATED
    rule(c.TRANSLATED)
    return None if result == found_in(space, page, op.va) else c.TRANSLATED


def found_in(space: Space, page: Page, va: Va) -> Found:
    """Return what an address in a page means."""
    size = 1 << size_bits(space, page.height)
    return Found(page.pa | (va & (size - 1)), size, encode.granted(space.regime, space.upper, page.prot))


def translate_choose(space: Space, policy: Any, op: Translate) -> tuple[Found | Error, Any]:
    """Answer a translation; that a walk comes to the same is an invariant."""
    page = page_at(space, op.va)
    missing = not in_half(space, op.va) or page == NO_PAGE
    return (ENOENT if missing else found_in(space, page, op.va)), policy


def seen_at(space: Space, op: Look) -> Slot:
    """Return the entry that a level of Linux's five has for an address, or the one above it at which the tables end."""
    return slot_of(space, op.va, folded(space, op.height))


def look_allowed(space: Space, op: Look, result: Seen | Error) -> Clause | None:
    """Name the clause that an answer about an entry breaks."""
    slot = seen_at(space, op)
    if not in_half(space, op.va) or slot.height > op.height:
        rule(c.LOOK_ARGS)
        return None if refused(result, "ENOENT") else c.LOOK_ARGS
    if result.failed or result.at != slot.at:
        return c.FOLDED
    return None if result.value == slot.entry else c.LOOKED


def look_choose(space: Space, policy: Any, op: Look) -> tuple[Seen | Error, Any]:
    """Answer about an entry."""
    slot = seen_at(space, op)
    missing = not in_half(space, op.va) or slot.height > op.height
    return (ENOENT if missing else Seen(slot.at, slot.entry)), policy


def bytes_allowed(space: Space, op: TableBytes, result: Bytes | Error) -> Clause | None:
    """Name the clause that a count of bytes breaks."""
    rule(c.CHARGED)
    return None if result == Bytes(space.charged << encode.table_bits(space.regime)) else c.CHARGED


def bytes_choose(space: Space, policy: Any, op: TableBytes) -> tuple[Bytes | Error, Any]:
    """Answer how many bytes are charged."""
    return Bytes(space.charged << encode.table_bits(space.regime)), policy


def unchanged(space: Space, op: Any, result: Any) -> Space:
    """Looking changes nothing."""
    return space
