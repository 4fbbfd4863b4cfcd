"""Changes to page tables: map, unmap, protect, split, collapse, and the tables that they take and give back.

A sibling of ``page_table``, whose walk says what tables mean: here they are written. The state holds both the words in memory and
the abstract map (which page lies where), and the invariants hold them together through that walk. ``encode`` has what Linux
writes on each architecture, ``flush`` what a change needs; read ``core`` first. Height is Linux's level, whatever the
architecture's number, and the levels that an architecture has not are folded onto its root.
"""

from __future__ import annotations

from mmspec.component import Component, Invariant, Operation
from mmspec.virtual.page_map import core, huge, invariants
from mmspec.virtual.page_map.clauses import CHOICE, CLAUSES, COUNTED, HALF, NOTHING_ELSE, TREE, WALKS
from mmspec.virtual.page_map.ops import (
    Bytes,
    Changed,
    Collapse,
    Config,
    Found,
    FreeTables,
    Look,
    Map,
    Protect,
    Seen,
    Split,
    TableBytes,
    Translate,
    Unmap,
)  # fmt: skip
from mmspec.virtual.page_map.state import Nothing, Space, initial, initial_policy

_REFUSED = ("EINVAL", "ENOENT")

MAP = Operation("map", Map, Changed, ("EINVAL", "EBUSY", "ENOMEM"), core.map_allowed, core.map_apply, core.map_choose)
UNMAP = Operation("unmap", Unmap, Changed, _REFUSED, core.unmap_allowed, core.unmap_apply, core.unmap_choose)
PROTECT = Operation("protect", Protect, Changed, _REFUSED, core.protect_allowed, core.protect_apply, core.protect_choose)
SPLIT = Operation("split", Split, Changed, (*_REFUSED, "ENOMEM"), huge.split_allowed, huge.split_apply, huge.split_choose)
COLLAPSE = Operation("collapse", Collapse, Changed, ("EINVAL",), huge.collapse_allowed, huge.collapse_apply, huge.collapse_choose)
FREE_TABLES = Operation("free_tables", FreeTables, Changed, ("EINVAL",), core.free_allowed, core.free_apply, core.free_choose)
TRANSLATE = Operation(
    "translate", Translate, Found, ("ENOENT",), core.translate_allowed, core.unchanged, core.translate_choose, observes=True
)
LOOK = Operation("look", Look, Seen, ("ENOENT",), core.look_allowed, core.unchanged, core.look_choose, observes=True)
TABLE_BYTES = Operation(
    "table_bytes", TableBytes, Bytes, (), core.bytes_allowed, core.unchanged, core.bytes_choose, observes=True
)

PAGE_MAP = Component(
    name="page_map",
    config=Config,
    state=Space,
    policy=Nothing,
    initial=initial,
    initial_policy=initial_policy,
    operations=(MAP, UNMAP, PROTECT, SPLIT, COLLAPSE, FREE_TABLES, TRANSLATE, LOOK, TABLE_BYTES),
    invariants=(
        Invariant(TREE, invariants.is_tree, lambda space, policy: (at for at, _ in space.memory.items())),
        Invariant(HALF, invariants.lets_through, lambda space, policy: (at for at, _ in space.memory.items())),
        Invariant(WALKS, invariants.walks, lambda space, policy: (va for va, _ in space.pages.items())),
        Invariant(NOTHING_ELSE, invariants.walks_nowhere_else, invariants.around),
        Invariant(
            COUNTED,
            invariants.is_counted,
            lambda space, policy: (space.root, *(table for table, _ in space.parent.items())),
            recount=True,
        ),
    ),
    clauses=CLAUSES,
    choice=CHOICE,
)
"""The component."""
