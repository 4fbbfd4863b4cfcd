"""Wrong subjects are REFUTED, with a counterexample on which the real (wrong) function fails; the verdict follows the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.proofs.breaking import asked, not_proved, refuted

from mmproofs.obligation import Verdict
from mmspec.clause import Clause
from mmspec.errors import Done, Error
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy import core, linux
from mmspec.physical.buddy.lists import NOBODY
from mmspec.physical.buddy.ops import ENOMEM, Alloc, Free, Page
from mmspec.physical.buddy.state import FreeLists, Zone
from mmspec.words import ABSENT, Order, Pfn


def buddy_by_adding(pfn: Pfn, order: Order) -> Pfn:
    """The buddy of a right half is taken to be the next block."""
    return pfn + (1 << order)


def buddy_of_next_order(pfn: Pfn, order: Order) -> Pfn:
    """The wrong bit is flipped."""
    return pfn ^ (2 << order)


def parent_keeps_bit(pfn: Pfn, order: Order) -> Pfn:
    """The parent of a right half is taken to begin there."""
    return pfn & ~((1 << order) - 1)


def parent_of_next_order(pfn: Pfn, order: Order) -> Pfn:
    """The wrong bit is cleared."""
    return pfn & ~(2 << order)


def holds_one_more(head: Pfn, order: Order, frame: Pfn) -> bool:
    """The frame after the block counts too (BUD-12)."""
    return (head <= frame) & (frame <= head + (1 << order))


def aligned_to_half(pfn: Pfn, order: Order) -> bool:
    """Half the alignment is asked for (BUD-15)."""
    return (pfn & ((1 << order) - 1) >> 1) == 0


def head_by_zone(frame: Pfn, order: Order) -> Pfn:
    """The head is rounded up."""
    return ((frame + 1) >> order) << order


def over_without_match(blocks: Any, pfn: Pfn, order: Order) -> Order:
    """Any block at a head is taken for one that covers the frame."""
    for k in range(order, 14):
        if blocks.get((pfn >> k) << k, ABSENT) != ABSENT:
            return k
    return ABSENT


over_without_match.__annotations__ = dict(core.block_over.__annotations__)

WORDS: list[tuple[str, Callable[..., Any]]] = [
    ("BUDDY-BITS-INVOLUTION", buddy_by_adding),
    ("BUDDY-BITS-ONE-BIT", buddy_of_next_order),
    ("BUDDY-BITS-PARENT-ALIGNED", parent_keeps_bit),
    ("BUDDY-BITS-HALVES", parent_of_next_order),
    ("BUDDY-BITS-INTERVAL", holds_one_more),
    ("BUDDY-BITS-OVERLAP", holds_one_more),
    ("BUDDY-BITS-ALIGNED", aligned_to_half),
    ("BUDDY-BITS-HEAD", head_by_zone),
]


@pytest.mark.parametrize(("name", "wrong"), WORDS, ids=lambda value: getattr(value, "__name__", value))
def test_wrong_word_function_is_refuted(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation about the right function is REFUTED of the wrong one, with the arguments that show it."""
    refuted(name, subject=wrong)


def give_without_merging(zone: Zone, pfn: Pfn, order: Order) -> Zone:
    """A freed block is never merged."""
    frames = core.count_block(zone, pfn, order, 1)
    return Zone(zone.span, zone.free.set(pfn, order), zone.allocated.delete(pfn), zone.pageblock, frames)


def give_and_keep(zone: Zone, pfn: Pfn, order: Order) -> Zone:
    """A freed block stays handed out as well (a double owner)."""
    frames = core.count_block(zone, pfn, order, 1)
    return Zone(zone.span, zone.free.set(pfn, order), zone.allocated, zone.pageblock, frames)


def give_and_lose(zone: Zone, pfn: Pfn, order: Order) -> Zone:
    """A freed block is on no list (BUD-16)."""
    return Zone(zone.span, zone.free, zone.allocated.delete(pfn), zone.pageblock, zone.frames)


def give_shifted(zone: Zone, pfn: Pfn, order: Order) -> Zone:
    """A freed block is filed one order too high."""
    frames = core.count_block(zone, pfn, order, 1)
    return Zone(zone.span, zone.free.set(pfn, order + 1), zone.allocated.delete(pfn), zone.pageblock, frames)


GIVES: list[tuple[str, Callable[..., Any]]] = [
    ("BUDDY-GIVE-MERGED", give_without_merging),
    ("BUDDY-GIVE-OWNED", give_and_keep),
    ("BUDDY-GIVE-CONSERVED", give_and_lose),
    ("BUDDY-GIVE-FREE-PLACED", give_shifted),
]


@pytest.mark.by_turns(4)
@pytest.mark.parametrize(("name", "wrong"), GIVES, ids=lambda value: getattr(value, "__name__", value))
def test_wrong_free_is_refuted(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation about the right function is REFUTED of the wrong one, and a whole legal zone shows it."""
    refuted(name, subject=wrong)


def free_without_order(zone: Zone, op: Free, result: Done | Error) -> Clause | None:
    """A free of the wrong order is accepted."""
    if zone.allocated.get(op.pfn, ABSENT) != ABSENT:
        return c.FREE_ACCEPTED if result.failed else None
    return None if core.refused(result, "EINVAL") else c.FREE_REFUSED


def test_wrong_order_accepted_is_refuted() -> None:
    """A free that is lawful for any order is not the law's."""
    refuted("BUDDY-FREE-LAWFUL", subject=free_without_order)


def alloc_unasked(zone: Zone, lists: FreeLists, op: Alloc) -> tuple[Page | Error, FreeLists]:
    """Any request is looked for, whatever it asks."""
    pfn, lists = linux.rmqueue_buddy(zone, lists, op)
    return (ENOMEM, lists) if pfn == NOBODY else (Page(pfn), lists)


def alloc_next(zone: Zone, lists: FreeLists, op: Alloc) -> tuple[Page | Error, FreeLists]:
    """The frame after the block's first is handed out."""
    result, after = linux.alloc_choose(zone, lists, op)
    return (result, after) if result.failed else (Page(result.pfn ^ 1), after)


@pytest.mark.by_turns(4)
@pytest.mark.parametrize("wrong", [alloc_unasked, alloc_next], ids=lambda value: value.__name__)
def test_wrong_answer_of_linux_is_not_proved(wrong: Callable[..., Any]) -> None:
    """An answer that the core would not allow is not PROVED to be one."""
    not_proved("BUDDY-ALLOC-LISTS-ANSWER", subject=wrong)


def test_right_free_is_proved() -> None:
    """The law's own function has the same obligation PROVED."""
    assert asked("BUDDY-FREE-LAWFUL").verdict is Verdict.PROVED
