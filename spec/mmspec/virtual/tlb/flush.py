"""What a flush reaches: of a page, a block, a space or everything, on one processor or on all, up to a moment."""

from __future__ import annotations

import attrs

from mmspec.clause import rule
from mmspec.pmap import PMap
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.ops import AARCH64, BLOCK, PAGE, SPACE, X86_64, CpuEnd, Invalidate, Page, Scope, Space, Stamp
from mmspec.virtual.tlb.state import (
    AT_ALL,
    AT_LARGE,
    AT_PAGE,
    AT_POINTER,
    AT_POINTERS,
    AT_SPACE,
    AT_SPAN,
    Asked,
    Target,
    Tlb,
    large_slot,
    small_slot,
    target_of,
)  # fmt: skip


def reaching(flushed: PMap[Target, Stamp], target: Target, stamp: Stamp) -> PMap[Target, Stamp]:
    """Return what was flushed after a flush that reaches to a moment."""
    return flushed.set(target, max(stamp, flushed.get(target, 0)))


def flush_at(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """Return the state after a processor, or all, flushed what was there up to a moment."""
    flushed, small, large = tlb.flushed, small_slot(space, page), large_slot(space, page)
    if scope == PAGE:
        flushed = reaching(flushed, target_of(AT_PAGE, cpu, small), stamp)
        flushed = reaching(flushed, target_of(AT_LARGE, cpu, large), stamp)
    elif scope == BLOCK:
        flushed = reaching(flushed, target_of(AT_SPAN, cpu, large), stamp)
        flushed = reaching(flushed, target_of(AT_LARGE, cpu, large), stamp)
    elif scope == SPACE:
        flushed = reaching(flushed, target_of(AT_SPACE, cpu, small_slot(space, 0)), stamp)
    else:
        flushed = reaching(flushed, target_of(AT_ALL, cpu, 0), stamp)
    if pointers and scope <= BLOCK:
        flushed = reaching(flushed, target_of(AT_POINTER, cpu, large), stamp)
    return attrs.evolve(tlb, flushed=flushed)


def invalidated(tlb: Tlb, op: Invalidate) -> Tlb:
    """Return the state after a processor flushed: with a page x86-64 drops all pointers of the space, AArch64 the page's."""
    after = flush_at(tlb, op.cpu, op.scope, op.space, op.page, tlb.arch == AARCH64, tlb.now)
    if tlb.arch == X86_64 and op.scope <= BLOCK:
        rule(c.TABLE)
        every = target_of(AT_POINTERS, op.cpu, small_slot(op.space, 0))
        return attrs.evolve(after, flushed=reaching(after.flushed, every, tlb.now))
    return after


def space_asked(asked: Asked) -> Space:
    """Return the space that a flush is of."""
    return (asked >> 37) & 15


def page_asked(asked: Asked) -> Page:
    """Return the page that a flush is of."""
    return (asked >> 1) & ((1 << 36) - 1)


def scope_asked(asked: Asked) -> Scope:
    """Return what a flush is of."""
    return (asked >> 41) & 3


def tables_asked(asked: Asked) -> bool:
    """Tell whether tables are to be freed after a flush."""
    return asked >> 43 != 0
