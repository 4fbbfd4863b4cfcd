"""Every answer that a request to the machine ``buddy`` may get in a state; which of them are lawful is for the law to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmprops.clients.wire import Ref
from mmspec.errors import DONE, Error
from mmspec.physical import buddy as law
from mmspec.physical.buddy.ops import (
    MOVABLE,
    Alloc,
    Block,
    Blocks,
    Config,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Page,
    Reserve,
    Unreserve,
)  # fmt: skip
from mmspec.physical.buddy.state import Zone
from mmspec.words import Order, Pfn, size_of

LIMITS = tuple({"max_pages": pages} for pages in (4, 8, 16, 1024))
"""The largest zones of vectors: in the smallest all that can be chosen is followed, in the largest there are many orders."""


def given_by(step: int) -> Any:
    """Return what stands for the frame that a step was answered with."""
    return Ref(step)


AGAINST_A_HOLE = (
    Config(0, 16, 4, holes=((2, 4),)),
    (
        ("alloc", Alloc(3)),
        ("alloc", Alloc(2)),
        ("alloc", Alloc(1)),
        ("free", Free(given_by(2), 1)),
        ("alloc", Alloc(2)),
        ("alloc", Alloc(1)),
    ),
)
"""The buddy of a block lies in a hole as a whole, where nothing is free."""

ONE_RESERVED_FRAME = (
    Config(0, 4, 1, holes=((1, 2),), pageblock_order=1),
    (
        ("alloc", Alloc(1)),
        ("alloc", Alloc(0)),
        ("reserve", Reserve(given_by(1), 0)),
        ("unreserve", Unreserve(MOVABLE)),
        ("free", Free(given_by(1), 0)),
        ("alloc", Alloc(0)),
        ("unreserve", Unreserve(MOVABLE)),
        ("alloc", Alloc(0)),
    ),
)
"""One frame alone is reserved, so that there is one block whose reservation can end."""

NOT_WHAT_WAS_HANDED_OUT = (
    Config(0, 8, 3),
    (
        ("alloc", Alloc(3)),
        *(("free", Free(pfn, order)) for pfn, order in ((1, 3), (4, 2), (0, 2), (0, 0), (7, 0), (0, 4), (8, 3))),
        ("free_count", FreeCount()),
        ("free", Free(given_by(0), 3)),
        ("free", Free(given_by(0), 3)),
        ("free_blocks", FreeBlocks()),
        ("alloc", Alloc(4)),
        ("alloc", Alloc(3)),
    ),
)
"""The middle, the halves and more than the whole of the one block that there is are given back, and the block twice."""

PROGRAMS = (AGAINST_A_HOLE, ONE_RESERVED_FRAME, NOT_WHAT_WAS_HANDED_OUT)


ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.BUDDY.operations}
"""The errors that each request may be answered with."""


def block(request: Any) -> Order | None:
    """Return the order of the block that a request asks for."""
    return request.order if isinstance(request, Alloc) else None


def possible(zone: Zone, request: Any) -> Iterator[Any]:
    """Yield every error that the operation lists, and every other result."""
    yield from ERRORS[type(request)]
    if isinstance(request, Alloc):
        yield from map(Page, free_places(zone, request.order))
    elif isinstance(request, Unreserve):
        for order in range(zone.span.max_order + 1):
            yield from (Block(pfn, order) for pfn in free_places(zone, order))
    elif isinstance(request, FreeCount):
        yield Frames(sum(frames for _, frames in zone.frames.items()))
    elif isinstance(request, FreeBlocks):
        blocks = sorted(zone.free.items())
        yield Blocks(tuple(blocks))
        if len(blocks) > 1:
            yield Blocks(tuple(reversed(blocks)))
    else:
        yield DONE


def free_places(zone: Zone, order: Order) -> Iterator[Pfn]:
    """Yield where an aligned block of free frames begins, ascending: each lies in one block of the free set."""
    for head, have in sorted(zone.free.items()):
        if have >= order:
            yield from range(head, head + size_of(have), size_of(order))
