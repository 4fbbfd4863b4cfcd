"""What is proved of blocks that a CPU hands out and takes back, and of how many go back, can fail: of wrong laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.proofs.breaking import not_proved, refuted

from mmspec import linked
from mmspec.errors import EINVAL, Error
from mmspec.physical.pcp import amounts, linux
from mmspec.physical.pcp.amounts import Pcp
from mmspec.physical.pcp.core import alloc_served, is_owing
from mmspec.physical.pcp.ops import EBUSY, ENOENT, MOVABLE, Alloc, Frames, Free, Limits, Page, Tune
from mmspec.physical.pcp.state import Pages, PcpLists
from mmspec.words import Count, Flags, Order, size_of


def next_of_movable(pages: Pages, lists: PcpLists, op: Alloc) -> tuple[Page | Error, PcpLists]:
    """Whatever type is asked for, a movable block is handed out."""
    return linux.alloc_choose(pages, lists, attrs.evolve(op, migratetype=MOVABLE))


def while_owing(pages: Pages, lists: PcpLists, op: Alloc) -> tuple[Page | Error, PcpLists]:
    """A CPU hands blocks out that it is about to give back."""
    if not alloc_served(pages, op):
        return EINVAL, lists
    pfn = linked.first(lists.links, linux.list_for(op.cpu, op.order, op.migratetype))
    return (Page(pfn) if pfn < linked.HEADS else ENOENT), lists


def scaled_by_requests(pages: Pages, lists: PcpLists, op: Alloc) -> tuple[Page | Error, PcpLists]:
    """A request scales the next refill as far as there is."""
    answer, after = linux.alloc_choose(pages, lists, op)
    return answer, attrs.evolve(after, alloc_factor=after.alloc_factor.set(op.cpu, 6))


def takes_while_owing(pages: Pages, lists: PcpLists, op: Free) -> tuple[Frames | Error, PcpLists]:
    """A CPU that gives frames back is busy for nobody."""
    answer, after = linux.free_choose(pages, lists, op)
    return (Frames(0) if answer == EBUSY and is_owing(pages, op.cpu) else answer), after


def one_too_many(pages: Pages, lists: PcpLists, op: Free) -> tuple[Frames | Error, PcpLists]:
    """A frame more goes back than the CPU holds."""
    answer, after = linux.free_choose(pages, lists, op)
    if answer.failed:
        return answer, after
    return Frames(pages.count.get(op.cpu, 0) + size_of(op.order) + 1), after


def scaled_by_frees(pages: Pages, lists: PcpLists, op: Free) -> tuple[Frames | Error, PcpLists]:
    """A free scales the next as far as there is."""
    answer, after = linux.free_choose(pages, lists, op)
    return answer, attrs.evolve(after, free_factor=after.free_factor.set(op.cpu, 6))


def without_batch(pages: Pages, lists: PcpLists, op: Tune) -> tuple[Limits | Error, PcpLists]:
    """Nothing moves at once."""
    answer, after = linux.tune_choose(pages, lists, op)
    return (answer if answer.failed else Limits(0, 1, 1)), after


def even_if_disabled(pages: Pages, lists: PcpLists, op: Tune) -> tuple[Limits | Error, PcpLists]:
    """Limits are computed while no CPU may keep blocks."""
    return linux.tune_choose(attrs.evolve(pages, disabled=0), lists, op)


def beyond(pages: Pages, lists: PcpLists, pcp: Pcp, order: Order, flags: Flags) -> tuple[Count, Pcp]:
    """As many go back as the batch says, held or not."""
    return lists.batch << pcp.free_factor, pcp


def doubles_on(pages: Pages, lists: PcpLists, pcp: Pcp, order: Order, flags: Flags) -> tuple[Count, Pcp]:
    """A drain is scaled further each time."""
    count, after = amounts.freed_61(pages, lists, pcp, order, flags)
    return count, attrs.evolve(after, free_factor=min(pcp.free_factor + 1, 6))


def unbounded(lists: PcpLists, pcp: Pcp) -> Pcp:
    """A limit is not held between its bounds."""
    return amounts.with_high(pcp, pcp.high + lists.high_min)


def by_two_blocks(pages: Pages, lists: PcpLists, pcp: Pcp, order: Order) -> Pcp:
    """A run grows by twice what was freed."""
    after = amounts.run_on(pages, lists, pcp, order)
    return attrs.evolve(after, free_count=after.free_count + size_of(order))


WRONG: list[tuple[str, Callable[..., Any]]] = [
    ("PCP-OP-ALLOC-LAWFUL", next_of_movable),
    ("PCP-OP-ALLOC-OWED", while_owing),
    ("PCP-OP-ALLOC-SCALED", scaled_by_requests),
    ("PCP-OP-TUNE-LAWFUL", even_if_disabled),
    ("PCP-FREED-61-COUNT", beyond),
    ("PCP-FREED-61-SCALED", doubles_on),
    ("PCP-FREED-COUNT", beyond),
    ("PCP-LIMIT-BETWEEN", unbounded),
    ("PCP-RUN-GROWS", by_two_blocks),
]
"""An obligation, and a wrong version of its subject."""

HIDDEN: list[tuple[str, Callable[..., Any]]] = [
    ("PCP-OP-FREE-LAWFUL", takes_while_owing),
    ("PCP-OP-FREE-OWED", one_too_many),
    ("PCP-OP-FREE-SCALED", scaled_by_frees),
    ("PCP-OP-TUNE-LAWFUL", without_batch),
]
"""The same, where what a part answers is told by its contract."""


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_a_wrong_law_is_refuted(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation about the right function is REFUTED of the wrong one, and the real one fails on the counterexample."""
    refuted(name, subject=wrong)


@pytest.mark.parametrize(("name", "wrong"), HIDDEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_wrong_part_is_not_proved(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation of the wrong function fails, at its goal."""
    not_proved(name, subject=wrong)
