"""What is proved of memblock's arrays can fail: wrong changes of one region are REFUTED, by a counterexample that is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from mmproofs.obligation import Verdict
from mmproofs.obligations import by_id
from mmproofs.prove_case import decide
from mmspec.physical.memblock import regions
from mmspec.physical.memblock.ops import Addr, Nid
from mmspec.physical.memblock.state import Array
from mmspec.words import Flags


def insert_unlinked(array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags) -> Array:
    """The region before is not linked to the new one: it is passed over."""
    right = regions.insert(array, before, base, end, nid, flags)
    return attrs.evolve(right, next=array.next.set(base, array.next[before]))


def insert_without_node(array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags) -> Array:
    """The region has no node."""
    return attrs.evolve(regions.insert(array, before, base, end, nid, flags), nid=array.nid)


def insert_too_long(array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags) -> Array:
    """The region ends where the next one begins, or a byte later where it did already."""
    return attrs.evolve(regions.insert(array, before, base, end, nid, flags), end=array.end.set(base, end | 1))


def drop_and_keep_flags(array: Array, before: Addr) -> Array:
    """The flags of a region that is gone stay."""
    return attrs.evolve(regions.drop_next(array, before), flags=array.flags)


def join_and_forget(array: Array, base: Addr) -> Array:
    """The first one still links to the region that is gone."""
    return attrs.evolve(regions.join_next(array, base), next=array.next.delete(array.next[base]))


WRONG: list[tuple[str, Callable[..., Any]]] = [
    ("MEMBLOCK-INSERT-IN-LINE", insert_unlinked),
    ("MEMBLOCK-INSERT-WHOLE", insert_without_node),
    ("MEMBLOCK-INSERT-ORDERED", insert_too_long),
    ("MEMBLOCK-DROP-WHOLE", drop_and_keep_flags),
    ("MEMBLOCK-JOIN-ORDERED", join_and_forget),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_a_wrong_change_of_an_array_is_refuted(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation about the right function is REFUTED of the wrong one."""
    outcome = decide(attrs.evolve(by_id()[name], subject=wrong), {})
    assert outcome.verdict is Verdict.REFUTED
    assert "replayed" in outcome.reason
