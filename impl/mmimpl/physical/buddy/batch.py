"""A whole trace in one call: ``replay`` and the numbers that it takes.

A program is a flat array of int64, three cells an operation: a code, ``order | migratetype << 8 | flags << 16``, and an operand,
which is a PFN, or with ``REFERENCE`` added to the code the index of an earlier operation whose block is meant. An operation's
result is one int64: the PFN that ``alloc`` handed out, ``order << 52 | pfn`` for ``unreserve``, ``DONE`` for whatever else was
done; the negated number of errno for what was refused; ``-EREF`` for a reference to an operation that gave no block, which is not
carried out.
"""

from __future__ import annotations

from typing import Annotated, Any

from mmimpl.engine import Cells, helper, kernel
from mmimpl.physical.buddy.memory import Frame, Zone
from mmimpl.physical.buddy.operations import (
    alloc,
    free,
    isolate,
    putback,
    reserve,
    retype,
    take,
    unisolate,
    unreserve,
)  # fmt: skip
from mmspec.physical.buddy import ops
from mmspec.words import PFN_BITS, Count, Pfn, Word

NOTHING, ALLOC, FREE, TAKE, PUTBACK, ISOLATE, UNISOLATE, RETYPE, RESERVE, UNRESERVE = range(10)
"""The codes of operations. Cells of zero do nothing."""

REFERENCE = 16
"""Added to a code whose operand is the index of an earlier operation."""

DONE = 1 << 60
"""The result of what was done and gave no block; above all that gave one."""

EREF = 1 << 16
"""Above every number of errno: the operation that was referred to gave no block."""

PFN_MASK = (1 << PFN_BITS) - 1

CODES = {
    ops.Alloc: ALLOC,
    ops.Free: FREE,
    ops.Take: TAKE,
    ops.Putback: PUTBACK,
    ops.Isolate: ISOLATE,
    ops.Unisolate: UNISOLATE,
    ops.Retype: RETYPE,
    ops.Reserve: RESERVE,
    ops.Unreserve: UNRESERVE,
}
"""The code of each request that changes something."""

Int64s = Annotated[Cells, Word("int64", bits=64, lo=-(1 << 63), hi=(1 << 63) - 1, signed=True)]
Code = Annotated[int, Word("code", bits=8, lo=0, hi=REFERENCE + 15)]
Argument = Annotated[int, Word("argument", bits=64, lo=0, hi=(1 << 48) - 1)]


def row_of(request: Any) -> tuple[int, int, int]:
    """Return a request as the three cells of a program (KeyError: it is none that a program holds)."""
    argument = getattr(request, "order", 0) | getattr(request, "migratetype", 0) << 8 | getattr(request, "flags", 0) << 16
    return CODES[type(request)], argument, getattr(request, "pfn", 0)


@helper
def result_of(number: int) -> int:
    """Return the result that says what a kernel answered with a number of errno, or 0."""
    return -number if number else DONE


@kernel
def seldom(zone: Zone, base: Pfn, code: Code, argument: Argument, pfn: Frame) -> int:
    """Carry out an operation other than ``alloc`` and ``free`` and return its result."""
    order = argument & 255
    migratetype = (argument >> 8) & 255
    if code == TAKE:
        return result_of(take(zone, pfn, order))
    if code == PUTBACK:
        return result_of(putback(zone, pfn, order))
    if code == ISOLATE:
        return result_of(isolate(zone, pfn))
    if code == UNISOLATE:
        return result_of(unisolate(zone, pfn, migratetype))
    if code == RETYPE:
        return result_of(retype(zone, pfn, migratetype))
    if code == RESERVE:
        return result_of(reserve(zone, pfn, order))
    if code == UNRESERVE:
        block = unreserve(zone, migratetype)
        if block >= zone.heads:
            return zone.heads - block
        return ((zone.page[block] & 15) << PFN_BITS) | (base + block)
    return DONE


@kernel
def replay(zone: Zone, base: Pfn, program: Int64s, results: Int64s, length: Count) -> None:
    """Carry out ``length`` operations in order and write down their results."""
    for i in range(length):
        code = program[3 * i]
        argument = program[3 * i + 1]
        operand = program[3 * i + 2]
        if code & REFERENCE:
            code = code & ~REFERENCE
            if operand < 0 or operand >= i or results[operand] < 0 or results[operand] >= DONE:
                results[i] = -EREF
                continue
            operand = results[operand] & PFN_MASK
        pfn = operand - base
        if pfn < 0 or pfn > zone.heads:
            pfn = zone.heads
        if code == ALLOC:
            block = alloc(zone, argument & 255, (argument >> 8) & 255, argument >> 16)
            results[i] = base + block if block < zone.heads else zone.heads - block
        elif code == FREE:
            results[i] = result_of(free(zone, pfn, argument & 255))
        else:
            results[i] = seldom(zone, base, code, argument, pfn)
