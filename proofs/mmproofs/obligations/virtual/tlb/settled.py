"""Where a place is settled, no processor may use what stood there and is gone: its memory may be used for something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.tlb.clock import page_noted
from mmspec.clause import Clause
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.ops import AARCH64, MAX_CPUS, Cpu, Page, Space
from mmspec.virtual.tlb.state import POINTER, WRITABLE, Entry, Slot, Tlb, entry_at, has_run, is_leaf, large_slot, small_slot
from mmspec.virtual.tlb.usable import (
    broken_before,
    large_usable,
    pointer_usable,
    settled_large,
    settled_pointer,
    settled_small,
    small_usable,
)


def page_unused(tlb: Tlb, space: Space, page: Page, after: bool, at: Cpu, used: Entry) -> bool:
    """Where a page's place is settled no processor may use a page that stood there and is gone."""
    stale = is_leaf(used) & small_usable(tlb, at, space, page, used) & (entry_at(tlb, small_slot(space, page)) != used)
    return (not after) | (not has_run(tlb, at, space)) | (not stale)


def large_unused(tlb: Tlb, space: Space, page: Page, after: bool, at: Cpu, used: Entry) -> bool:
    """Where a block's place is settled no processor may use a large page that stood there and is gone."""
    stale = is_leaf(used) & large_usable(tlb, at, space, page, used) & (entry_at(tlb, large_slot(space, page)) != used)
    return (not after) | (not has_run(tlb, at, space)) | (not stale)


def pointer_unused(tlb: Tlb, space: Space, page: Page, after: bool, at: Cpu) -> bool:
    """A table whose pointer is gone and settled no processor may find: its page may be used for something else."""
    stale = pointer_usable(tlb, at, space, page) & (entry_at(tlb, large_slot(space, page)) != POINTER)
    return (not after) | (not has_run(tlb, at, space)) | (not stale)


def differs(tlb: Tlb, slot: Slot, entry: Entry, used: Entry) -> bool:
    """Tell whether an entry is put where another stood, and a third one differs from it in more than rights."""
    new = (entry_at(tlb, slot) | WRITABLE) != (entry | WRITABLE)
    return (tlb.arch == AARCH64) & new & ((used | WRITABLE) != (entry | WRITABLE))


def page_broken(
    tlb: Tlb, space: Space, page: Page, slot: Slot, entry: Entry, after: bool, at: Cpu, used: Entry
) -> bool:  # fmt: skip
    """Where AArch64 may be given another page no processor may use a page that stood there and differs in more than rights."""
    usable = has_run(tlb, at, space) & is_leaf(used) & small_usable(tlb, at, space, page, used)
    return (not after) | (slot != small_slot(space, page)) | (not (usable & differs(tlb, slot, entry, used)))


def large_broken(
    tlb: Tlb, space: Space, page: Page, slot: Slot, entry: Entry, after: bool, at: Cpu, used: Entry
) -> bool:  # fmt: skip
    """Where AArch64 may be given a table, or another large page, no processor may use a large page that stood there."""
    usable = has_run(tlb, at, space) & is_leaf(used) & large_usable(tlb, at, space, page, used)
    return (not after) | (slot != large_slot(space, page)) | (not (usable & differs(tlb, slot, entry, used)))


def table_broken(tlb: Tlb, space: Space, page: Page, slot: Slot, entry: Entry, after: bool, at: Cpu) -> bool:
    """Where AArch64 may be given a large page no processor may find a table that stood there."""
    usable = has_run(tlb, at, space) & pointer_usable(tlb, at, space, page)
    return (not after) | (slot != large_slot(space, page)) | (not (usable & differs(tlb, slot, entry, POINTER)))


def _unused(name: str, clause: Clause, subject: Callable[..., Any], goal: Predicate, **more: Any) -> Obligation:
    """Return what is proved of each processor."""
    return Obligation(
        f"TLB-{name}", (clause,), (function_of(goal).__doc__ or "").strip(), subject, goal, beside={"at": Cpu},
        each={"at": tuple(range(MAX_CPUS))}, invariant=name.split("-")[1].lower(), **more,
    )  # fmt: skip


NOTED = {"invariants": (page_noted,)}

WRITTEN: tuple[Obligation, ...] = (
    _unused("SETTLED-PAGE", c.SETTLED, settled_small, page_unused, operation="places", **NOTED),
    _unused("SETTLED-BLOCK", c.SETTLED, settled_large, large_unused, operation="places", **NOTED),
    _unused("SETTLED-POINTER", c.SETTLED, settled_pointer, pointer_unused, operation="places"),
    _unused("BREAK-PAGE", c.BREAK, broken_before, page_broken, operation="puts", **NOTED),
    _unused("BREAK-BLOCK", c.BREAK, broken_before, large_broken, operation="puts", **NOTED),
    _unused("BREAK-POINTER", c.BREAK, broken_before, table_broken, operation="puts"),
)
