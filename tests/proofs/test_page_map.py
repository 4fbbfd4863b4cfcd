"""What is proved of changes to page tables can fail: of wrong changes, walks and ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.proofs.breaking import refuted

from mmproofs.obligations.virtual.page_map.changes import WRITTEN
from mmspec.errors import Error
from mmspec.virtual.page_map import encode
from mmspec.virtual.page_map.core import map_apply
from mmspec.virtual.page_map.ops import Changed, Height, Map, Protect, Unmap
from mmspec.virtual.page_map.state import Slot, Space, entry_at, slot_of, store, walk_to
from mmspec.virtual.page_table.ops import Va
from mmspec.virtual.page_table.walk import Walk


def clears_table(space: Space, op: Unmap, result: Changed | Error) -> Space:
    """The root's entry is cleared, and all that is mapped below it goes."""
    return store(space, entry_at(space, space.root, op.va, space.top), 0)


def clears_next(space: Space, op: Unmap, result: Changed | Error) -> Space:
    """The entry after the page's is cleared as well."""
    at = slot_of(space, op.va, op.height).at
    return store(store(space, at, 0), at ^ 8, 0)


def grants_all(space: Space, op: Protect, result: Changed | Error) -> Space:
    """Every right is granted, whichever was asked for."""
    entry = encode.leaf(space.regime, space.upper, op.height, space.pages[op.va].pa, 3)
    return store(space, slot_of(space, op.va, op.height).at, entry)


def maps_first(space: Space, op: Map, result: Changed | Error) -> Space:
    """The page becomes the first of its table."""
    at = slot_of(space, op.va, op.height).at
    return store(space, at >> 12 << 12, encode.leaf(space.regime, space.upper, op.height, op.pa, op.prot))


def links_back(space: Space, op: Map, result: Changed | Error) -> Space:
    """The entry above the new table points to the root."""
    after = map_apply(space, op, result)
    return store(after, slot_of(space, op.va, op.height).at, encode.pointer(space.regime, space.upper, space.root))


def walk_to_page(space: Space, va: Va) -> Walk:
    """A walk forgets the offset."""
    return walk_to(space, va >> 12 << 12)


def slot_above(space: Space, va: Va, height: Height) -> Slot:
    """The slot is looked for one height too high."""
    return slot_of(space, va, height + 1)


WRONG: tuple[tuple[str, Callable[..., Any], dict[str, int]], ...] = (
    ("PAGE-MAP-SV39-UNMAP-WAY", clears_table, {"op.height": 1}),
    ("PAGE-MAP-SV39-UNMAP-WAY", clears_next, {"op.height": 2}),
    ("PAGE-MAP-SV39-PROTECT-WAY", grants_all, {"op.height": 1}),
    ("PAGE-MAP-SV39-MAP0-WAY", maps_first, {"op.height": 1}),
    ("PAGE-MAP-SV39-MAP1-WAY", links_back, {"op.height": 1}),
    ("PAGE-MAP-SV39-MAP1-TREE", links_back, {"op.height": 1}),
    ("PAGE-MAP-SV39-WALK", walk_to_page, {"space.upper": False}),
    ("PAGE-MAP-SV39-SLOT", slot_above, {"height": 1}),
)


@pytest.mark.parametrize(("name", "wrong", "case"), WRONG, ids=[f"{name} {wrong.__name__}" for name, wrong, _ in WRONG])
def test_a_wrong_change_is_refuted(name: str, wrong: Callable[..., Any], case: dict[str, int]) -> None:
    """The wrong function was run on the counterexample, and failed; lemmas only help to prove."""
    obligation = {one.id: one for one in WRITTEN}[name]
    refuted(obligation, case, subject=wrong, also=(), straight=True)
