"""The arithmetic of aligned blocks, for every 64-bit frame number and every order up to 12.

The verified allocator of pKVM left these facts to proofs by hand; here they are about the law's own functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from mmproofs.obligation import Obligation, Predicate, bound, function_of
from mmspec.physical.buddy import clauses as c
from mmspec.physical.buddy.core import buddy_of, holds_frame, parent_of
from mmspec.words import Word, head_of, is_aligned, size_of

Pfn64 = Annotated[int, Word("pfn", bits=64, lo=0, hi=(1 << 64) - 1)]
Order12 = Annotated[int, Word("order", bits=8, lo=0, hi=12)]

TYPES = {"pfn": Pfn64, "head": Pfn64, "frame": Pfn64, "order": Order12}


def involution(pfn: Pfn64, order: Order12, after: Pfn64) -> bool:
    """The buddy's buddy is the block."""
    return buddy_of(after, order) == pfn


def one_bit(pfn: Pfn64, order: Order12, after: Pfn64) -> bool:
    """A block and its buddy differ in exactly the bit of the order."""
    return pfn ^ after == size_of(order)


def aligned_too(pfn: Pfn64, order: Order12, after: Pfn64) -> bool:
    """What the function returns is aligned to the order."""
    return is_aligned(after, order)


def aligned_above(pfn: Pfn64, order: Order12, after: Pfn64) -> bool:
    """What the function returns is aligned to the next order."""
    return is_aligned(after, order + 1)


def one_parent(pfn: Pfn64, order: Order12, after: Pfn64) -> bool:
    """A block and its buddy have one parent."""
    return parent_of(buddy_of(pfn, order), order) == after


def halves(pfn: Pfn64, order: Order12, after: Pfn64, any_frame: Pfn64) -> bool:
    """A frame is in the parent if and only if it is in exactly one of the halves."""
    mine, theirs = holds_frame(pfn, order, any_frame), holds_frame(buddy_of(pfn, order), order, any_frame)
    return holds_frame(after, order + 1, any_frame) == (mine ^ theirs)


def same_interval(head: Pfn64, order: Order12, frame: Pfn64, after: bool) -> bool:
    """Holding a frame by its bits, and by comparing with the block's ends, is one thing."""
    return after == ((head <= frame) & (frame < head + size_of(order)))


def overlap_is_containment(head: Pfn64, order: Order12, frame: Pfn64, after: bool, other: Order12) -> bool:
    """An aligned block that reaches into a larger or equal one lies inside it; the two ways to say "disjoint" agree."""
    apart = (frame + size_of(other) <= head) | (head + size_of(order) <= frame)
    inside = (head <= frame) & (frame + size_of(other) <= head + size_of(order))
    lawful = is_aligned(frame, other) & (other <= order)
    return (lawful == False) | ((after == (apart == False)) & (after == inside))  # noqa: E712  # a truth may be symbolic


def is_multiple(pfn: Pfn64, order: Order12, after: bool) -> bool:
    """A block is aligned if and only if its number is a multiple of its size, and if and only if it heads itself."""
    return (after == (pfn % size_of(order) == 0)) & (after == (head_of(pfn, order) == pfn))


def heads_frame(frame: Pfn64, order: Order12, after: Pfn64) -> bool:
    """The head is aligned and its block holds the frame."""
    return is_aligned(after, order) & holds_frame(after, order, frame)


def aligned(pfn: Pfn64, order: Order12) -> bool:
    """The block is aligned."""
    return is_aligned(pfn, order)


FITS = {buddy_of: "BUDDY-FITS", parent_of: "PARENT-FITS", head_of: "HEAD-FITS"}
"""The functions that return a frame number, and what proves that it is one."""


def _bit(name: str, subject: Callable[..., Any], goal: Predicate | None, *given: Predicate) -> Obligation:
    return Obligation(
        id=f"BUDDY-BITS-{name}",
        clauses=(c.BUDDY_2,),
        statement="What the function returns is a frame number." if goal is None else (function_of(goal).__doc__ or "").strip(),
        subject=subject,
        goal=goal,
        given=given,
        types={**TYPES, "return": Pfn64} if subject in FITS else TYPES,
        bounds={"order": "<= 12", "pfn": "64 bits"},
        rests_on=(f"BUDDY-BITS-{FITS[subject]}",) if goal is not None and subject in FITS else (),
        operation="bits",
        invariant=name.lower(),
    )


OBLIGATIONS = (
    *(_bit(name, function, None) for function, name in FITS.items()),
    _bit("INVOLUTION", buddy_of, involution),
    _bit("ONE-BIT", buddy_of, one_bit),
    _bit("BUDDY-ALIGNED", buddy_of, aligned_too, aligned),
    _bit("PARENT-ALIGNED", parent_of, aligned_above, aligned),
    _bit("ONE-PARENT", parent_of, one_parent),
    _bit("HALVES", parent_of, halves, aligned),
    _bit("INTERVAL", holds_frame, same_interval, bound(aligned, pfn="head")),
    _bit("OVERLAP", holds_frame, overlap_is_containment, bound(aligned, pfn="head")),
    _bit("ALIGNED", is_aligned, is_multiple),
    _bit("HEAD", head_of, heads_frame),
)
