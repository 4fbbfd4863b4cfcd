"""Truths about every state: the tables form a tree, and a walk through them is the map that was made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmspec.virtual.page_map import encode
from mmspec.virtual.page_map.core import found_in
from mmspec.virtual.page_map.ops import Found
from mmspec.virtual.page_map.state import NO_PAGE, Space, in_half, page_at, size_bits, table_of, walk_to
from mmspec.virtual.page_table.ops import AARCH64, NO_FAULT, RISCV64, Pa, Va


def height_of(space: Space, table: Pa) -> int:
    """Return the height of a table's entries; 0: it is not taken."""
    return space.top if table == space.root else space.height.get(table, 0)


def is_tree(space: Space, policy: Any, at: Pa) -> bool:
    """Tell whether an entry that points to a table is that table's one parent, and of the height above."""
    entry, height = space.memory.get(at, 0), height_of(space, table_of(space, at))
    if height == 0:
        return entry == 0
    if not encode.is_table(space.regime, height, entry):
        return True
    table = encode.table_in(space.regime, entry)
    return (space.parent.get(table, 0) == at) & (space.height.get(table, 0) == height - 1)


def has_parent(space: Space, table: Pa) -> bool:
    """Tell whether the entry that is a table's parent points to it."""
    at = space.parent[table]
    return encode.table_in(space.regime, space.memory.get(at, 0)) == table


def lets_through(space: Space, policy: Any, at: Pa) -> bool:
    """Tell whether an entry that points to a table lets users through where the half is theirs, and only there."""
    entry, height = space.memory.get(at, 0), height_of(space, table_of(space, at))
    if height == 0 or not encode.is_table(space.regime, height, entry) or space.regime.arch == RISCV64:
        return True
    return encode.lets_users(space.regime, entry) == (not space.upper)


def walks(space: Space, policy: Any, va: Va) -> bool:
    """Tell whether a walk to a mapped page reaches exactly that page."""
    page = space.pages.get(va, NO_PAGE)
    walk = walk_to(space, va)
    return page == NO_PAGE or (
        walk.fault == NO_FAULT and Found(walk.pa, walk.size, walk.permissions) == found_in(space, page, va)
    )


def is_walked(space: Space, va: Va) -> bool:
    """Tell whether these tables are walked for an address: on AArch64 the other half, by bit 55, has its own."""
    return space.regime.arch != AARCH64 or (va >> 55 & 1 != 0) == space.upper


def walks_nowhere_else(space: Space, policy: Any, va: Va) -> bool:
    """Tell whether a walk translates an address only where a page holds it, and marks nothing."""
    if not is_walked(space, va):
        return True
    walk = walk_to(space, va)
    return (walk.fault == NO_FAULT) == (in_half(space, va) and page_at(space, va) != NO_PAGE) and walk.accessed == ()


def around(space: Space, policy: Any) -> Iterable[Va]:
    """Yield the addresses before and behind every page, and at its end."""
    for va, page in space.pages.items():
        size = 1 << size_bits(space, page.height)
        yield from (near & ((1 << 64) - 1) for near in (va - 1, va + size - 1, va + size))


def is_counted(space: Space, policy: Any, table: Pa) -> bool:
    """Recount the entries of a table that are in use, and whether its parent points to it."""
    size = 1 << encode.table_bits(space.regime)
    live = sum(space.memory.get(table + at, 0) != 0 for at in range(0, size, 8))
    return live == space.live.get(table, 0) and (table == space.root or has_parent(space, table))
