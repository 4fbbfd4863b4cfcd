"""What every implementation is held to: a wrong answer is called by the clause that it breaks."""

from __future__ import annotations

from typing import Any

import pytest
from tests.spec.model import OPERATIONS, Model, made

from mmspec.errors import DONE, EBUSY, EINVAL, ENOENT, ENOMEM, Error
from mmspec.physical.buddy import BUDDY, core
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    CMA,
    HIGHATOMIC,
    ISOLATE,
    MOVABLE,
    RECLAIMABLE,
    UNMOVABLE,
    Alloc,
    Block,
    Blocks,
    Config,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Isolate,
    Page,
    Putback,
    Reserve,
    Retype,
    Take,
    Unisolate,
    Unreserve,
)


def zone() -> Model:
    """Return a zone of every kind: free blocks, live ones, a hole, cut pageblocks at both ends."""
    return made(
        Config(2, 38, 3, holes=((34, 35),), pageblock_order=2),
        {(MOVABLE, 3): [8], (MOVABLE, 1): [2], (CMA, 2): [16], (HIGHATOMIC, 1): [20], (ISOLATE, 2): [24]},
        held={4: 2, 22: 1, 28: 2, 32: 1, 35: 0, 36: 1},
    )


WRONG: list[tuple[c.Clause, Any, Any]] = [
    (c.ALLOC_ARGS, Alloc(4), ENOMEM),
    (c.ALLOC_ARGS, Alloc(4), Page(8)),
    (c.ALLOC_ARGS, Alloc(0, CMA), Page(8)),
    (c.ALLOC_ARGS, Alloc(0, MOVABLE, 1), Page(8)),
    (c.ALLOC_ENOMEM, Alloc(3), ENOMEM),
    (c.ALLOC_ENOMEM, Alloc(0, UNMOVABLE), ENOMEM),
    (c.ALLOC_ENOMEM, Alloc(0), EINVAL),
    (c.ALLOC_ALIGNED, Alloc(1), Page(9)),
    (c.ALLOC_ALIGNED, Alloc(3), Page(12)),
    (c.ALLOC_INSIDE, Alloc(1), Page(0)),
    (c.ALLOC_INSIDE, Alloc(1), Page(38)),
    (c.ALLOC_INSIDE, Alloc(2), Page(36)),
    (c.ALLOC_INSIDE, Alloc(0), Page((1 << 52) - 1)),
    (c.ALLOC_FREE, Alloc(0), Page(4)),
    (c.ALLOC_FREE, Alloc(0), Page(7)),
    (c.ALLOC_FREE, Alloc(0), Page(34)),
    (c.ALLOC_FREE, Alloc(2), Page(20)),
    (c.ALLOC_KIND, Alloc(0), Page(16)),
    (c.ALLOC_KIND, Alloc(0), Page(20)),
    (c.ALLOC_KIND, Alloc(0, MOVABLE, ALLOC_CMA), Page(21)),
    (c.ALLOC_KIND, Alloc(0, MOVABLE, ALLOC_OOM), Page(16)),
    (c.ALLOC_KIND, Alloc(0, MOVABLE, ALLOC_CMA | ALLOC_HIGHATOMIC | ALLOC_OOM | ALLOC_NON_BLOCK), Page(24)),
    (c.FREE_ACCEPTED, Free(4, 2), EINVAL),
    (c.FREE_ACCEPTED, Putback(35, 0), EINVAL),
    (c.FREE_REFUSED, Free(4, 1), DONE),
    (c.FREE_REFUSED, Free(8, 3), DONE),
    (c.FREE_REFUSED, Free(4, 15), DONE),
    (c.FREE_REFUSED, Putback(34, 0), DONE),
    (c.FREE_REFUSED, Free(5, 0), ENOMEM),
    (c.TAKE_FREE, Take(4, 2), DONE),
    (c.TAKE_FREE, Take(9, 1), DONE),
    (c.TAKE_FREE, Take(8, 4), DONE),
    (c.TAKE_FREE, Take(8, 15), DONE),
    (c.TAKE_REFUSED, Take(8, 3), ENOMEM),
    (c.ISOLATE_ARGS, Isolate(1), EBUSY),
    (c.ISOLATE_ARGS, Isolate(38), DONE),
    (c.ISOLATE_BUSY, Isolate(24), DONE),
    (c.ISOLATE_BUSY, Isolate(2), DONE),
    (c.ISOLATE_BUSY, Isolate(37), DONE),
    (c.ISOLATE_BUSY, Isolate(24), EINVAL),
    (c.ISOLATE_DONE, Isolate(8), EBUSY),
    (c.ISOLATE_DONE, Isolate(35), EINVAL),
    (c.UNISOLATE_ARGS, Unisolate(8, MOVABLE), DONE),
    (c.UNISOLATE_ARGS, Unisolate(24, ISOLATE), DONE),
    (c.UNISOLATE_ARGS, Unisolate(38, MOVABLE), EBUSY),
    (c.UNISOLATE_DONE, Unisolate(25, CMA), EINVAL),
    (c.RETYPE_ARGS, Retype(4, ISOLATE), DONE),
    (c.RETYPE_ARGS, Retype(38, CMA), DONE),
    (c.RETYPE_BUSY, Retype(24, CMA), DONE),
    (c.RETYPE_BUSY, Retype(8, CMA), DONE),
    (c.RETYPE_BUSY, Retype(2, CMA), DONE),
    (c.RETYPE_BUSY, Retype(8, CMA), EINVAL),
    (c.RETYPE_DONE, Retype(4, CMA), EBUSY),
    (c.RESERVE_ARGS, Reserve(8, 3), DONE),
    (c.RESERVE_ARGS, Reserve(28, 1), DONE),
    (c.RESERVE_BUSY, Reserve(22, 1), DONE),
    (c.RESERVE_BUSY, Reserve(36, 1), DONE),
    (c.RESERVE_BUSY, Reserve(22, 1), EINVAL),
    (c.RESERVE_DONE, Reserve(28, 2), EBUSY),
    (c.UNRESERVE_ARGS, Unreserve(CMA), Block(20, 1)),
    (c.UNRESERVE_NONE, Unreserve(MOVABLE), ENOENT),
    (c.UNRESERVE_BLOCK, Unreserve(MOVABLE), Block(16, 2)),
    (c.UNRESERVE_BLOCK, Unreserve(MOVABLE), Block(22, 1)),
    (c.UNRESERVE_BLOCK, Unreserve(MOVABLE), Block(21, 1)),
    (c.UNRESERVE_BLOCK, Unreserve(MOVABLE), Block(16, 4)),
    (c.COUNT_REPORTED, FreeCount(), Frames(19)),
    (c.COUNT_REPORTED, FreeCount(), Frames(21)),
    (c.COUNT_REPORTED, FreeCount(), EINVAL),
    (c.BLOCKS_REPORTED, FreeBlocks(), Blocks(())),
    (c.BLOCKS_REPORTED, FreeBlocks(), Blocks(((2, 1), (8, 3), (16, 2), (20, 1), (24, 1)))),
    (c.BLOCKS_REPORTED, FreeBlocks(), Blocks(((2, 1), (8, 2), (12, 2), (16, 2), (20, 1), (24, 2)))),
    (c.BLOCKS_REPORTED, FreeBlocks(), Blocks(((2, 1), (8, 3), (16, 2), (20, 1), (20, 1)))),
    (c.BLOCKS_REPORTED, FreeBlocks(), EINVAL),
]


@pytest.mark.parametrize(("clause", "request_", "answer"), WRONG, ids=str)
def test_a_wrong_answer_breaks_its_clause(clause: c.Clause, request_: Any, answer: Any) -> None:
    """Exactly this clause is named."""
    assert OPERATIONS[type(request_)].allowed(zone().zone, request_, answer) is clause


def test_every_clause_about_answers_is_broken_above() -> None:
    """No rule of the core that judges an answer is without a wrong one."""
    truths = {invariant.clause for invariant in BUDDY.invariants} | {c.COUNT_KIND, c.COUNT_PAGEBLOCKS, c.COUNT_MOVES}
    assert {clause for clause, _, _ in WRONG} == {clause for clause in BUDDY.clauses if not clause.of_policy} - truths


RIGHT: list[tuple[Any, Any]] = [
    (Alloc(0), Page(2)),
    (Alloc(0), Page(11)),
    (Alloc(2), Page(12)),
    (Alloc(0, MOVABLE, ALLOC_CMA), Page(19)),
    (Alloc(0, RECLAIMABLE, ALLOC_HIGHATOMIC), Page(21)),
    (Alloc(0, MOVABLE, ALLOC_NON_BLOCK), Page(20)),
    (Alloc(3, MOVABLE, ALLOC_NOFRAGMENT), ENOMEM),
    (Take(8, 3), EINVAL),
    (Take(10, 1), DONE),
    (Unreserve(MOVABLE), Block(21, 0)),
    (FreeBlocks(), Blocks(((24, 2), (20, 1), (16, 2), (8, 3), (2, 1)))),
]


@pytest.mark.parametrize(("request_", "answer"), RIGHT, ids=str)
def test_a_lawful_answer_need_not_be_linux_s(request_: Any, answer: Any) -> None:
    """Any lawful block may be handed out, policy may refuse, and blocks may be reported in any order."""
    assert OPERATIONS[type(request_)].allowed(zone().zone, request_, answer) is None


@pytest.mark.parametrize("order", [0, 1])
def test_enomem_is_right_when_nothing_lawful_is_left(order: int) -> None:
    """CMA, the reserve and what is isolated are nobody's who has no flag for them."""
    model = made(Config(0, 16, 3, pageblock_order=2), {(CMA, 2): [0], (HIGHATOMIC, 2): [4], (ISOLATE, 2): [8]})
    assert core.alloc_allowed(model.zone, Alloc(order), ENOMEM) is None


def test_enomem_is_wrong_where_a_larger_block_must_be_split() -> None:
    """A lawful block need not be a whole free one."""
    model = made(Config(0, 16, 3, pageblock_order=2), {(MOVABLE, 3): [8]})
    assert core.alloc_allowed(model.zone, Alloc(0), ENOMEM) is c.ALLOC_ENOMEM


def test_enomem_is_wrong_where_one_pageblock_of_a_large_block_will_do() -> None:
    """Of two pageblocks one is CMA's; the other is lawful."""
    model = made(Config(0, 16, 3, pageblock_order=2), {(MOVABLE, 2): [8], (CMA, 2): [12]})
    assert core.alloc_allowed(model.zone, Alloc(2), ENOMEM) is c.ALLOC_ENOMEM


@pytest.mark.parametrize("kinds", [(MOVABLE, CMA), (CMA, MOVABLE)])
def test_every_pageblock_of_a_block_must_be_usable(kinds: tuple[int, int]) -> None:
    """Of eight free frames four are CMA's: the first half or the second."""
    model = made(Config(0, 16, 3, pageblock_order=2), {(kinds[0], 2): [8], (kinds[1], 2): [12]}, types={0: UNMOVABLE})
    assert core.alloc_allowed(model.zone, Alloc(3), Page(8)) is c.ALLOC_KIND


def test_an_unknown_error_is_never_right() -> None:
    """Not even where a refusal would be."""
    assert core.free_allowed(zone().zone, Free(5, 0), Error("EAGAIN")) is c.FREE_REFUSED


@pytest.mark.parametrize("operation", BUDDY.operations, ids=lambda operation: operation.name)
def test_a_refusal_changes_nothing(operation: Any) -> None:
    """Every operation leaves the state as it was when it fails."""
    state = zone().zone
    requests = [request for _, request, _ in WRONG if type(request) is operation.request]
    assert all(operation.apply(state, request, EINVAL) is state for request in requests)
    assert requests


def test_done_moves_the_frames() -> None:
    """A block handed out leaves the free set, the rest of it stays, and the count follows."""
    after = core.alloc_apply(zone().zone, Alloc(0), Page(11))
    assert dict(after.free.items()) == {2: 1, 8: 1, 10: 0, 12: 2, 16: 2, 20: 1, 24: 2}
    assert after.allocated[11] == 0
    assert after.frames[0] == zone().zone.frames[0] - 1
