"""Every answer that a request to the machine ``memblock`` may get in a state, or two where more are lawful.

Which of them are lawful is for the law to say. Arrays move only where one may be full, and there an error is lawful too: two
answers without a move that would be listed. So what moves is never in a vector of every implementation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from mmspec.errors import DONE, Error
from mmspec.physical import memblock as law
from mmspec.physical.memblock.core import alignment, lower_start, upper_end
from mmspec.physical.memblock.handover import free_all_choose
from mmspec.physical.memblock.looking import merged_regions, query_answer
from mmspec.physical.memblock.ops import (
    PAGE_SIZE,
    Add,
    Address,
    Alloc,
    Blocks,
    Changed,
    Config,
    Direction,
    FreeAll,
    Query,
    RegionList,
    Regions,
    Reserve,
    SetLimit,
)  # fmt: skip
from mmspec.physical.memblock.state import Memblock, Policy, array_of

ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.MEMBLOCK.operations}

LIMITS = ({"regions": 8}, {"regions": 128})
"""The arrays of vectors: such as are soon full, and Linux's."""

NEVER_ROOM = (
    Config(memory_max=8, reserved_max=2),
    (("add", Add(0x100000, 0x100000)), ("reserve", Reserve(0x110000, 0x1000)), ("free_all", FreeAll(0x200))),
)
"""The hand-over wants room for two regions in an array that may not be doubled."""

ROOM_FOR_ONE_ARRAY = (
    Config(memory_max=8, reserved_max=2, resize=True),
    (
        ("add", Add(0x100000, 0x1000)),
        ("reserve", Reserve(0x1000000, 0x1000)),
        ("reserve", Reserve(0x1002000, 0x1000)),
        ("reserve", Reserve(0xFFF000, 0x6000)),
    ),
)
"""Three gaps are filled at once: the array is doubled into the one page of memory, and has no place for the next one."""

PROGRAMS = (NEVER_ROOM, ROOM_FOR_ONE_ARRAY)
"""What chance does not meet."""

ROOM = 1 << 20
"""Regions for which an array never needs more room here."""


def possible(state: Memblock, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with."""
    yield from ERRORS[type(request)]
    if isinstance(request, Alloc):
        yield from map(Address, addresses(state, request))
    elif isinstance(request, Regions):
        yield RegionList(tuple(merged_regions(array_of(state, request.type))))
    elif isinstance(request, Query):
        answer = query_answer(state, request)
        yield from (attrs.evolve(answer, region_memory=within) for within in (False, True))
    elif isinstance(request, FreeAll):
        yield from handed_over(state, request)
    elif isinstance(request, SetLimit | Direction):
        yield DONE
    else:
        yield Changed()


def addresses(state: Memblock, op: Alloc) -> list[int]:
    """Return addresses for an allocation: at each end of whatever may bound those that serve it, and one step inside."""
    step = alignment(op)
    bounds = {PAGE_SIZE, lower_start(op), upper_end(state, op)}
    for array in (state.memory, state.reserved):
        bounds |= {base for base, _ in array.end.items()} | {end for _, end in array.end.items()}
    if step == 0 or step & (step - 1):
        return []
    lows = {-(-bound // step) * step for bound in bounds}
    highs = {(bound - size) // step * step for bound in bounds for size in (op.size, 1) if bound >= size}
    return sorted(lows | highs | {low + step for low in lows} | {high - step for high in highs if high >= step})


def handed_over(state: Memblock, op: FreeAll) -> Iterator[Blocks]:
    """Yield hand-overs: Linux's, the same with room in the arrays, and of each one with its first large block in halves."""
    roomy = attrs.evolve(state, memory=attrs.evolve(state.memory, max=ROOM), reserved=attrs.evolve(state.reserved, max=ROOM))
    found = {free_all_choose(where, Policy(False, False), op)[0] for where in (state, roomy)}
    for result in sorted((result for result in found if not result.failed), key=repr):
        yield result
        for place, (pfn, order) in enumerate(result.blocks):
            if order:
                halves = ((pfn, order - 1), (pfn + (1 << order - 1), order - 1))
                yield attrs.evolve(result, blocks=(*result.blocks[:place], *halves, *result.blocks[place + 1 :]))
                break
