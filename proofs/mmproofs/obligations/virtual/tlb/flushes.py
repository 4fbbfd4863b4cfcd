"""A flush takes back all that it covers and nothing else, for any number of spaces, pages and flushes before.

Each claim is about one processor, one place and one entry, whichever. What may be used is the law's own ``small_usable``,
``large_usable`` and ``pointer_usable``, before a flush and after it.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, bound, function_of
from mmproofs.obligations.virtual.tlb.clock import flushed_by_now, gone_by_now, noted_by_now
from mmspec.clause import Clause
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.flush import flush_at
from mmspec.virtual.tlb.ops import BLOCK, EVERY_CPU, EVERYTHING, PAGE, SPACE, Cpu, CpuEnd, Page, Scope, Space, Stamp
from mmspec.virtual.tlb.state import (
    AT_ALL,
    AT_PAGE,
    AT_POINTER,
    AT_POINTERS,
    AT_SPACE,
    AT_SPAN,
    POINTER,
    Entry,
    Kind,
    Slot,
    Tlb,
    entry_at,
    first_of,
    large_slot,
    small_slot,
    target_of,
)  # fmt: skip
from mmspec.virtual.tlb.usable import large_usable, pointer_reached, pointer_usable, settled_large, settled_small, small_usable


def up_to_now(tlb: Tlb, stamp: Stamp) -> bool:
    """The flush reaches what went until now."""
    return stamp == tlb.now


def by_now(tlb: Tlb, stamp: Stamp) -> bool:
    """The flush reaches no further than now."""
    return stamp <= tlb.now


def concerns(cpu: CpuEnd, at: Cpu) -> bool:
    """Tell whether a processor is one that flushes."""
    return (cpu == EVERY_CPU) | (cpu == at)


def covered(scope: Scope, space: Space, page: Page, of: Space, where: Page) -> bool:
    """Tell whether a flush is of a page."""
    here = (of == space) & (first_of(where) == first_of(page))
    if scope == PAGE:
        return (of == space) & (where == page)
    if scope == BLOCK:
        return here
    return (of == space) | (scope == EVERYTHING)


def page_is_current(
    tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry
) -> bool:  # fmt: skip
    """Of a page that was flushed a processor may use only what stands in its table."""
    stale = small_usable(after, at, of, where, entry) & (entry_at(tlb, small_slot(of, where)) != entry)
    return not (concerns(cpu, at) & covered(scope, space, page, of, where) & stale)


def large_is_current(
    tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry
) -> bool:  # fmt: skip
    """Of a large page that was flushed, by whichever of its pages, a processor may use only what stands at the block."""
    stale = large_usable(after, at, of, where, entry) & (entry_at(tlb, large_slot(of, where)) != entry)
    return not (concerns(cpu, at) & covered(scope, space, page, of, where) & stale)


def pointer_is_current(
    tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, after: Tlb, at: Cpu, of: Space, where: Page
) -> bool:  # fmt: skip
    """After a flush of pointers, or of a whole space, a processor finds a table only where its block has it."""
    stale = pointer_usable(after, at, of, where) & (entry_at(tlb, large_slot(of, where)) != POINTER)
    flushed = (pointers | (scope >= SPACE)) & covered(scope, space, page, of, where)
    return not (concerns(cpu, at) & flushed & stale)


def page_is_settled(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, after: Tlb, of: Space, where: Page) -> bool:
    """A page that was flushed on all processors is settled: what stood there may be used for something else."""
    return (not ((cpu == EVERY_CPU) & covered(scope, space, page, of, where))) | settled_small(after, of, where)


def block_is_settled(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, after: Tlb, of: Space, where: Page) -> bool:
    """So is a block's place of large pages, by a flush of whichever of its pages."""
    return (not ((cpu == EVERY_CPU) & covered(scope, space, page, of, where))) | settled_large(after, of, where)


def spaces_left_small(
    tlb: Tlb, scope: Scope, space: Space, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry
) -> bool:  # fmt: skip
    """Which pages may be used of another space, the kernel's for one, is as before, unless everything is flushed."""
    same = small_usable(after, at, of, where, entry) == small_usable(tlb, at, of, where, entry)
    return (scope == EVERYTHING) | (of == space) | same


def spaces_left_large(
    tlb: Tlb, scope: Scope, space: Space, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry
) -> bool:  # fmt: skip
    """Which large pages may be used of another space is as before, unless everything is flushed."""
    same = large_usable(after, at, of, where, entry) == large_usable(tlb, at, of, where, entry)
    return (scope == EVERYTHING) | (of == space) | same


def spaces_left_pointer(tlb: Tlb, scope: Scope, space: Space, after: Tlb, at: Cpu, of: Space, where: Page) -> bool:
    """Which tables may be found of another space is as before, unless everything is flushed."""
    same = pointer_usable(after, at, of, where) == pointer_usable(tlb, at, of, where)
    return (scope == EVERYTHING) | (of == space) | same


def cpus_left_small(tlb: Tlb, cpu: CpuEnd, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry) -> bool:
    """Which pages a processor that does not flush may use is as before."""
    return concerns(cpu, at) | (small_usable(after, at, of, where, entry) == small_usable(tlb, at, of, where, entry))


def cpus_left_large(tlb: Tlb, cpu: CpuEnd, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry) -> bool:
    """Which large pages a processor that does not flush may use is as before."""
    return concerns(cpu, at) | (large_usable(after, at, of, where, entry) == large_usable(tlb, at, of, where, entry))


def cpus_left_pointer(tlb: Tlb, cpu: CpuEnd, after: Tlb, at: Cpu, of: Space, where: Page) -> bool:
    """Which tables a processor that does not flush may find is as before."""
    return concerns(cpu, at) | (pointer_usable(after, at, of, where) == pointer_usable(tlb, at, of, where))


def nothing_new_small(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry) -> bool:
    """A flush lets nobody use a page that could not be used before."""
    return (not small_usable(after, at, of, where, entry)) | small_usable(tlb, at, of, where, entry)


def page_kept(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page) -> bool:
    """No flush of a page is forgotten."""
    return no_less(tlb, after, AT_PAGE, at, small_slot(of, where))


def span_kept(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page) -> bool:
    """No flush of a whole block is forgotten."""
    return no_less(tlb, after, AT_SPAN, at, large_slot(of, where))


def space_kept(tlb: Tlb, after: Tlb, at: Cpu, of: Space) -> bool:
    """No flush of a whole space, or of everything, is forgotten."""
    return no_less(tlb, after, AT_SPACE, at, small_slot(of, 0)) & no_less(tlb, after, AT_ALL, at, 0)


def pointer_kept(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page) -> bool:
    """No flush of pointers is forgotten."""
    one = no_less(tlb, after, AT_POINTER, at, large_slot(of, where))
    return one & no_less(tlb, after, AT_POINTERS, at, small_slot(of, 0))


def no_less(tlb: Tlb, after: Tlb, kind: Kind, at: Cpu, slot: Slot) -> bool:
    """What a processor, or all, flushed so reaches as far as before, or further."""
    own, every = target_of(kind, at, slot), target_of(kind, EVERY_CPU, slot)
    mine = after.flushed.get(own, 0) >= tlb.flushed.get(own, 0)
    return mine & (after.flushed.get(every, 0) >= tlb.flushed.get(every, 0))


def reached_before(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page) -> bool:
    """A flush lets nobody reach a page of a table that could not be reached before."""
    return (not pointer_reached(after, at, of, where)) | pointer_reached(tlb, at, of, where)


def nothing_new_large(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry) -> bool:
    """A flush lets nobody use a large page that could not be used before."""
    return (not large_usable(after, at, of, where, entry)) | large_usable(tlb, at, of, where, entry)


def standing_left(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry) -> bool:
    """What stands at a block may still be used."""
    return (entry_at(tlb, large_slot(of, where)) != entry) | large_usable(after, at, of, where, entry)


SCOPES = {"scope": (PAGE, BLOCK, SPACE, EVERYTHING)}
KEPT = (page_kept, span_kept, space_kept, pointer_kept, reached_before)
"""What a flush leaves of earlier ones, and of the way to a page: lemmas."""

_FLUSH = Obligation(
    "TLB-FLUSH-DEFINED", (c.CURRENT,), "Every word fits.", flush_at, each=SCOPES, operation="flush", invariant="defined",
    unaided=True,
)  # fmt: skip


def _flush(name: str, clauses: tuple[Clause, ...], goal: Predicate, *given: Predicate, **more: Any) -> Obligation:
    return attrs.evolve(
        _FLUSH, id=f"TLB-FLUSH-{name}", clauses=clauses, statement=(function_of(goal).__doc__ or "").strip(), goal=goal,
        given=given, rests_on=(_FLUSH.id,), invariant=name.lower(), **{"unaided": False, **more},
    )  # fmt: skip


WRITTEN: tuple[Obligation, ...] = (
    _FLUSH,
    _flush("PAGE", (c.CURRENT,), page_is_current, up_to_now, invariants=(gone_by_now,)),
    _flush("LARGE", (c.CURRENT,), large_is_current, up_to_now, invariants=(gone_by_now,)),
    _flush("POINTER", (c.TABLE,), pointer_is_current, up_to_now, invariants=(gone_by_now,)),
    _flush("SETTLES-PAGE", (c.SETTLED,), page_is_settled, up_to_now, invariants=(noted_by_now,)),
    _flush("SETTLES-BLOCK", (c.SETTLED,), block_is_settled, up_to_now, invariants=(noted_by_now,)),
    _flush("SPACES-PAGE", (c.GLOBAL, c.CURRENT), spaces_left_small, unaided=True),
    _flush("SPACES-LARGE", (c.GLOBAL, c.CURRENT), spaces_left_large, unaided=True),
    _flush("SPACES-POINTER", (c.GLOBAL, c.TABLE), spaces_left_pointer, unaided=True),
    _flush("CPUS-PAGE", (c.CURRENT,), cpus_left_small, unaided=True),
    _flush("CPUS-LARGE", (c.CURRENT,), cpus_left_large, unaided=True),
    _flush("CPUS-POINTER", (c.TABLE,), cpus_left_pointer, unaided=True),
    _flush("NOTHING-NEW-PAGE", (c.CURRENT,), nothing_new_small, unaided=True, also=KEPT),
    _flush("NOTHING-NEW-LARGE", (c.CURRENT,), nothing_new_large, unaided=True),
    _flush("STANDING", (c.CURRENT,), standing_left, unaided=True),
    _flush("CLOCK", (c.CLOCK,), bound(flushed_by_now, tlb="after"), by_now, invariants=(flushed_by_now,)),
)  # fmt: skip
