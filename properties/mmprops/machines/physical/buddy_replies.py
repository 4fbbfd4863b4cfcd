"""Every answer that a request to the machine ``buddy`` may get in a state; which of them are lawful is for the law to say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
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

AGAINST_A_HOLE = (
    Config(0, 16, 4, holes=((2, 4),)),
    (
        ("alloc", Alloc(3)),
        ("alloc", Alloc(2)),
        ("alloc", Alloc(1)),
        ("free", Free(Ref(2), 1)),
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
        ("reserve", Reserve(Ref(1), 0)),
        ("unreserve", Unreserve(MOVABLE)),
        ("free", Free(Ref(1), 0)),
        ("alloc", Alloc(0)),
        ("unreserve", Unreserve(MOVABLE)),
        ("alloc", Alloc(0)),
    ),
)
"""One frame alone is reserved, so that there is one block whose reservation can end."""

PROGRAMS = (AGAINST_A_HOLE, ONE_RESERVED_FRAME)


@cache
def errors_of(request: type) -> tuple[Error, ...]:
    """Return the errors that a request may be answered with."""
    (operation,) = (operation for operation in law.BUDDY.operations if operation.request is request)
    return tuple(map(Error, operation.errors))


def block(request: Any) -> Order | None:
    """Return the order of the block that a request asks for."""
    return request.order if isinstance(request, Alloc) else None


def possible(zone: Zone, request: Any) -> Iterator[Any]:
    """Yield every error that the operation lists, and every other result."""
    yield from errors_of(type(request))
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
