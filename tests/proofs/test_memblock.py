"""What is proved of memblock's arrays can fail: wrong changes are REFUTED, by a counterexample that is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.proofs.breaking import not_proved, refuted, stepping

from mmproofs.lift.loops import LoopInvariant
from mmproofs.obligations.physical.memblock import merged
from mmspec.clause import Clause
from mmspec.physical.memblock import limits, regions, search
from mmspec.physical.memblock.ops import Addr, Nid, Size
from mmspec.physical.memblock.search import Ask
from mmspec.physical.memblock.state import Array, Memblock
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


def add_and_merge_less(array: Array, base: Addr, size: Size, nid: Nid, flags: Flags) -> Array:
    """The pair of the last region that was inserted and the next one is not looked at."""
    array, start, last = regions.filled(array, base, regions.cap_end(base, size), nid, flags)
    return array if last == regions.cap_end(base, size) else regions.merge(array, start, last)


def mark_and_merge_less(array: Array, base: Addr, size: Size, keep: Flags, on: Flags) -> Array:
    """The pair of the last region of the range and the next one is not looked at."""
    end = regions.cap_end(base, size)
    if base >= end:
        return array
    array, before = regions.isolated(array, base, end)
    if array.next[before] >= end:
        return array
    array, _, _, _, _ = regions.FLAG.run(array, array.next[before], end, keep, on)
    return regions.merge(array, before, before)


def node_unmerged(array: Array, base: Addr, size: Size, nid: Nid) -> Array:
    """Nothing is merged."""
    end = regions.cap_end(base, size)
    if base >= end:
        return array
    array, before = regions.isolated(array, base, end)
    if array.next[before] >= end:
        return array
    array, _, _, _ = regions.NODE.run(array, array.next[before], end, nid)
    return array


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
    refuted(name, subject=wrong)


# --- what touches and is alike is one region ---------------------------------------------------------------------------------


def pass_over(array: Array, base: Addr, stop: Addr) -> tuple[Any, ...]:
    """Regions that are alike are not joined."""
    return array, array.next[base], stop


def start_anew(
    array: Array, before: Addr, base: Addr, end: Addr, nid: Nid, flags: Flags, start: Addr, last: Addr
) -> tuple[Any, ...]:
    """Where the merge begins is the last insertion, and not the first."""
    *others, _, last = regions.fill_step(array, before, base, end, nid, flags, start, last)
    return (*others, before, last)


def mark_next_too(array: Array, base: Addr, end: Addr, keep: Flags, on: Flags) -> tuple[Any, ...]:
    """The next region's flags change too."""
    array, following, end, keep, on = regions.flag_step(array, base, end, keep, on)
    if following in array.flags:
        array, _, _, _, _ = regions.flag_step(array, following, end, keep, on)
    return array, following, end, keep, on


def trim_upwards(array: Array, before: Addr, align: Size) -> tuple[Any, ...]:
    """The end of a region that is trimmed at its beginning stays: it is that of the one before that moves."""
    base = array.next[before]
    array, at, align = limits.trim_step(array, before, align)
    if before in array.end and at not in (before, base):
        array = attrs.evolve(array, end=array.end.set(before, at))
    return array, at, align


def keep_mapped(array: Array, before: Addr, base: Addr, end: Addr) -> tuple[Any, ...]:
    """What is mapped stays, too."""
    return array, array.next[before], base, end


WRONG_STEPS: list[tuple[LoopInvariant, Callable[..., Any]]] = [
    (merged.MERGING, pass_over),
    (merged.FILLING, start_anew),
    (merged.FLAGGING, mark_next_too),
    (merged.TRIMMING, trim_upwards),
    (merged.CAPPING, keep_mapped),
]


@pytest.mark.by_turns(2)
@pytest.mark.parametrize(("right", "wrong"), WRONG_STEPS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_wrong_step_is_refuted(right: LoopInvariant, wrong: Callable[..., Any]) -> None:
    """What is said of which pairs may be alike is not true of it, and a round of the loop shows that."""
    refuted(right.id, subject=stepping(right, wrong))


UNMERGED: list[tuple[str, Callable[..., Any], str]] = [
    ("MEMBLOCK-ADD-RANGE-ALIKE-DEFINED", add_and_merge_less, "merge may be called"),
    ("MEMBLOCK-MARK-RANGE-ALIKE-DEFINED", mark_and_merge_less, "merge may be called"),
    ("MEMBLOCK-SET-NODE-RANGE-ALIKE-MERGED", node_unmerged, "goal at"),
]


@pytest.mark.by_turns(3)
@pytest.mark.parametrize(("name", "wrong", "says"), UNMERGED, ids=[name for name, _, _ in UNMERGED])
def test_a_change_that_merges_too_little_is_not_proved(name: str, wrong: Callable[..., Any], says: str) -> None:
    """Where a merge begins or ends is a claim at its call; and the loops stand for all that their invariants allow."""
    not_proved(name, says, subject=wrong)


# --- where an allocation lies ------------------------------------------------------------------------------------------------


def from_the_base(array: Array, base: Addr, size: Size) -> bool:
    """Only a region that begins in the range counts."""
    following = array.next[regions.before_end_above(array, base)]
    return base <= following < regions.cap_end(base, size)


def unaligned(ask: Ask, low: Addr, high: Addr) -> Addr:
    """What is found begins where the range does."""
    low, high = max(low, ask.start), min(high, ask.end)
    return low if low < high and high - low >= ask.size else 0


def lowest_always(ask: Ask, low: Addr, high: Addr) -> Addr:
    """The lowest place is found, whichever is asked for."""
    return search.fit(attrs.evolve(ask, bottom_up=True), low, high)


def anywhere(state: Memblock, addr: Addr, size: Size, align: Size, start: Addr, end: Addr, nid: Nid) -> Clause | None:
    """Any range may be handed out."""
    return None


PLACES: list[tuple[str, Callable[..., Any]]] = [
    ("MEMBLOCK-OVERLAPS-APART", from_the_base),
    ("MEMBLOCK-FIT-SERVES", unaligned),
    ("MEMBLOCK-FIT-FIRST", lowest_always),
    ("MEMBLOCK-PLACE-ALIGNED", anywhere),
    ("MEMBLOCK-PLACE-INSIDE", anywhere),
    ("MEMBLOCK-PLACE-UNRESERVED", anywhere),
]


@pytest.mark.parametrize(("name", "wrong"), PLACES, ids=[name for name, _ in PLACES])
def test_a_wrong_place_is_not_proved(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation of the wrong version fails, at its goal."""
    not_proved(name, subject=wrong, straight=True)
