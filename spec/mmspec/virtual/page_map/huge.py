"""Split a huge leaf, and collapse leaves into one: neither changes what any address means."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import DONE, EINVAL, ENOMEM, Done, Error, refused
from mmspec.virtual.page_map import clauses as c
from mmspec.virtual.page_map import encode, flush
from mmspec.virtual.page_map.core import are_free, is_page, leaf_refusal, left
from mmspec.virtual.page_map.ops import ALL, PAGE, RANGE, Changed, Collapse, Height, Split
from mmspec.virtual.page_map.state import NO_PAGE, Page, Space, entry_at, give_back, lowest_free, size_bits, slot_of, store, take
from mmspec.virtual.page_table.ops import Pa, Va


def smaller(space: Space, height: Height) -> int:
    """Return how many leaves one height below a huge leaf spans: the entries of a table."""
    return 1 << (encode.table_bits(space.regime) - 3)


# --- split -----------------------------------------------------------------------------------------------------------------


def split_refusal(space: Space, op: Split) -> tuple[Done | Error, Clause]:
    """Return why a split must be refused, or ``DONE``, and the rule that says so."""
    if op.height == 1:
        rule(c.ARGS)
        return EINVAL, c.ARGS
    refusal, why = leaf_refusal(space, op.va, op.height)
    if refusal.failed:
        return refusal, why
    if left(space) == 0:
        rule(c.MEMORY)
        return ENOMEM, c.MEMORY
    rule(c.SPLIT)
    return DONE, c.SPLIT


def split_allowed(space: Space, op: Split, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a split breaks."""
    refusal, why = split_refusal(space, op)
    if refusal.failed:
        return None if result == refusal else why
    if result.failed:
        return c.MEMORY if refused(result, "ENOMEM") else why
    if not are_free(space, result.tables, 1):
        return c.TAKEN
    if flush.breaks(space, result):
        return c.INVALID_FIRST
    return flush.lacks(result, PAGE, False, c.FLUSH_SPLIT)


def split_apply(space: Space, op: Split, result: Changed | Error) -> Space:
    """Fill a table with leaves that map the frame piece by piece, and let the entry point to it."""
    if result.failed:
        return space
    page, table = space.pages[op.va], result.tables[0]
    below, pages = op.height - 1, space.pages.delete(op.va)
    space = take(space, slot_of(space, op.va, op.height).at, table, below)
    for number in range(smaller(space, op.height)):
        offset = number << size_bits(space, below)
        entry = encode.leaf(space.regime, space.upper, below, page.pa + offset, page.prot)
        space = store(space, entry_at(space, table, op.va + offset, below), entry)
        pages = pages.set(op.va + offset, Page(page.pa + offset, below, page.prot))
    return attrs.evolve(space, pages=pages)


def split_choose(space: Space, policy: Any, op: Split) -> tuple[Changed | Error, Any]:
    """Answer a split: the lowest table that is free."""
    refusal, _ = split_refusal(space, op)
    if refusal.failed:
        return refusal, policy
    return Changed(flush.linux_split(space), False, flush.linux_invalid_first(space), lowest_free(space, 1)), policy


# --- collapse --------------------------------------------------------------------------------------------------------------


def is_alike(space: Space, va: Va, height: Height) -> bool:
    """Tell whether leaves one height below map one frame, aligned to the huge page, with the same rights."""
    first = space.pages.get(va, NO_PAGE)
    alike = (first.height == height - 1) & (first.pa & ((1 << size_bits(space, height)) - 1) == 0)
    for number in range(smaller(space, height)):
        offset = number << size_bits(space, height - 1)
        alike &= space.pages.get(va + offset, NO_PAGE) == Page(first.pa + offset, first.height, first.prot)
    return alike & (first != NO_PAGE)


def may_collapse(space: Space, op: Collapse) -> bool:
    """Tell whether a collapse can be carried out."""
    if op.height == 1 or not is_page(space, op.va, op.height):
        return False
    return is_alike(space, op.va, op.height)


def collapse_allowed(space: Space, op: Collapse, result: Changed | Error) -> Clause | None:
    """Name the clause that an answer to a collapse breaks."""
    if not may_collapse(space, op):
        rule(c.COLLAPSE_ARGS)
        return None if refused(result, "EINVAL") else c.COLLAPSE_ARGS
    rule(c.COLLAPSED)
    if result.failed or result.tables != (table_below(space, op),):
        return c.COLLAPSED
    if flush.breaks(space, result):
        return c.INVALID_FIRST
    return flush.lacks(result, RANGE, True, c.FLUSH_COLLAPSE)


def table_below(space: Space, op: Collapse) -> Pa:
    """Return the table of the leaves that are joined."""
    return encode.table_in(space.regime, slot_of(space, op.va, op.height).entry)


def collapse_apply(space: Space, op: Collapse, result: Changed | Error) -> Space:
    """Clear the leaves, give their table back, and store the one leaf in its place."""
    if result.failed:
        return space
    first, table, at = space.pages[op.va], result.tables[0], slot_of(space, op.va, op.height).at
    pages = space.pages
    for number in range(smaller(space, op.height)):
        offset = number << size_bits(space, op.height - 1)
        space = store(space, entry_at(space, table, op.va + offset, op.height - 1), 0)
        pages = pages.delete(op.va + offset)
    entry = encode.leaf(space.regime, space.upper, op.height, first.pa, first.prot)
    space = store(give_back(space, table), at, entry)
    return attrs.evolve(space, pages=pages.set(op.va, Page(first.pa, op.height, first.prot)))


def collapse_choose(space: Space, policy: Any, op: Collapse) -> tuple[Changed | Error, Any]:
    """Answer a collapse: a table of small pages is more than any kernel flushes one by one."""
    if not may_collapse(space, op):
        return EINVAL, policy
    return Changed(ALL, True, True, (table_below(space, op),)), policy
