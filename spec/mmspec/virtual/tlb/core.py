"""What any processors with caches may do: use what is current, or was at some time since the last flush that covers it.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an allowed result.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.pmap import PMap
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.ops import (
    AARCH64,
    BLOCK,
    BLOCK_BITS,
    EVERY_CPU,
    KERNEL,
    LARGE,
    MAX_CPUS,
    PAGE,
    SPACE,
    X86_64,
    Begin,
    Clear,
    Count,
    Cpu,
    CpuEnd,
    Deliver,
    Delivered,
    Done,
    End,
    Error,
    Frame,
    Invalidate,
    Lazy,
    Link,
    LookGeneration,
    LookLocal,
    Page,
    Plan,
    Protect,
    Scope,
    Set,
    Settled,
    Space,
    Stamp,
    Switch,
    Switched,
    Ticket,
    Truth,
    Use,
    Used,
)  # fmt: skip
from mmspec.virtual.tlb.state import (
    AT_ALL,
    AT_LARGE,
    AT_PAGE,
    AT_POINTER,
    AT_POINTERS,
    AT_SPACE,
    AT_SPAN,
    FRAME_SHIFT,
    NONE,
    POINTER,
    WRITABLE,
    Asked,
    Entry,
    Slot,
    Target,
    Tlb,
    cpu_space,
    entry_at,
    first_of,
    has_run,
    is_leaf,
    is_space,
    large_slot,
    leaf_of,
    outlives_large,
    outlives_pointer,
    outlives_small,
    outlives_span,
    past_of,
    slot_of,
    small_slot,
    target_of,
)  # fmt: skip


def answered(result: Any, lawful: bool) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else c.ARGS)
    if refused(result, "EINVAL"):
        return c.ACCEPTED if lawful else None
    if not lawful:
        return c.ARGS
    return c.ACCEPTED if result.failed else None


# --- what may still be used ------------------------------------------------------------------------------------------------


def pointer_usable(tlb: Tlb, cpu: Cpu, space: Space, page: Page) -> bool:
    """Tell whether a processor may still find the table of a page's block."""
    slot = large_slot(space, page)
    went = tlb.gone.get(past_of(slot, POINTER), 0)
    return (entry_at(tlb, slot) == POINTER) | outlives_pointer(tlb, cpu, space, page, went)


def pointer_reached(tlb: Tlb, cpu: Cpu, space: Space, page: Page) -> bool:
    """Tell whether a page of the block's table may be cached: its pointer may be used, or went after the page was flushed."""
    went = tlb.gone.get(past_of(large_slot(space, page), POINTER), 0)
    return pointer_usable(tlb, cpu, space, page) | outlives_small(tlb, cpu, space, page, went)


def small_usable(tlb: Tlb, cpu: Cpu, space: Space, page: Page, entry: Entry) -> bool:
    """Tell whether a processor may use an entry of a page."""
    slot = small_slot(space, page)
    kept = outlives_small(tlb, cpu, space, page, tlb.gone.get(past_of(slot, entry), 0))
    return ((entry_at(tlb, slot) == entry) | kept) & pointer_reached(tlb, cpu, space, page)


def large_usable(tlb: Tlb, cpu: Cpu, space: Space, page: Page, entry: Entry) -> bool:
    """Tell whether a processor may use a large page that a page lies in."""
    slot = large_slot(space, page)
    return (entry_at(tlb, slot) == entry) | outlives_large(tlb, cpu, space, page, tlb.gone.get(past_of(slot, entry), 0))


def denies(entry: Entry) -> bool:
    """Tell whether an entry is a page's that forbids writing."""
    return is_leaf(entry) & (entry & WRITABLE == 0)


def may_deny(tlb: Tlb, cpu: Cpu, space: Space, page: Page) -> bool:
    """Tell whether a processor may use an entry of a page that forbids writing."""
    small, large = small_slot(space, page), large_slot(space, page)
    one = denies(entry_at(tlb, small)) | outlives_small(tlb, cpu, space, page, tlb.denied.get(small, 0))
    other = denies(entry_at(tlb, large)) | outlives_large(tlb, cpu, space, page, tlb.denied.get(large, 0))
    return (one & pointer_reached(tlb, cpu, space, page)) | other


def may_miss(tlb: Tlb, cpu: Cpu, space: Space, page: Page) -> bool:
    """Tell whether a processor may find no entry of a page: there is none, or the lack of one is cached."""
    small, large = small_slot(space, page), large_slot(space, page)
    now = (entry_at(tlb, large) == NONE) | ((entry_at(tlb, small) == NONE) & pointer_usable(tlb, cpu, space, page))
    cached = small_usable(tlb, cpu, space, page, NONE) | large_usable(tlb, cpu, space, page, NONE)
    rule(c.NEGATIVE)
    return now | ((tlb.negative != 0) & cached)


def may_reach(tlb: Tlb, cpu: Cpu, space: Space, page: Page, frame: Frame, write: Truth) -> bool:
    """Tell whether a processor may use a frame for a page, to write where that is asked."""
    first = frame - (page - first_of(page))
    reached = small_usable(tlb, cpu, space, page, leaf_of(frame, 1))
    if first >= 0:
        reached |= large_usable(tlb, cpu, space, page, leaf_of(first, 1))
    if write != 0:
        return reached
    reached |= small_usable(tlb, cpu, space, page, leaf_of(frame, 0))
    if first >= 0:
        reached |= large_usable(tlb, cpu, space, page, leaf_of(first, 0))
    return reached


def runs(tlb: Tlb, cpu: Cpu, space: Space) -> bool:
    """Tell whether a processor can use the addresses of a space."""
    own = (tlb.running.get(cpu, KERNEL) == space) & (not tlb.lazy.get(cpu, False))
    return (cpu < tlb.cpus) & is_space(tlb, space) & ((space == KERNEL) | own)


def use_allowed(tlb: Tlb, op: Use, result: Used | Error) -> Clause | None:
    """Name the clause that an access breaks."""
    if result.failed or not runs(tlb, op.cpu, op.space):
        return answered(result, runs(tlb, op.cpu, op.space))
    if result.faulted != 0:
        rule(c.FAULT)
        denied = (op.write != 0) & may_deny(tlb, op.cpu, op.space, op.page)
        return None if denied | may_miss(tlb, op.cpu, op.space, op.page) else fault_broken(tlb, op)
    rule(c.GLOBAL if op.space == KERNEL else c.CURRENT)
    if may_reach(tlb, op.cpu, op.space, op.page, result.frame, op.write):
        return None
    rule(c.TABLE)
    if tabled(tlb, op, result.frame):
        return c.TABLE
    return c.GLOBAL if op.space == KERNEL else c.CURRENT


def fault_broken(tlb: Tlb, op: Use) -> Clause:
    """Name the clause that a fault breaks: where a lack that is gone explains a read's, that lacks are not cached here."""
    small, large = small_slot(op.space, op.page), large_slot(op.space, op.page)
    lack = small if entry_at(tlb, large) == POINTER else large
    cached = (tlb.negative == 0) & (op.write == 0) & (tlb.gone.get(past_of(lack, NONE), 0) > 0)
    return c.NEGATIVE if cached else c.FAULT


def tabled(tlb: Tlb, op: Use, frame: Frame) -> bool:
    """Tell whether a frame is one that the block's table names, which no pointer leads to any more."""
    entry = entry_at(tlb, small_slot(op.space, op.page))
    return is_leaf(entry) & (entry >> FRAME_SHIFT == frame) & (not pointer_usable(tlb, op.cpu, op.space, op.page))


# --- flushes ---------------------------------------------------------------------------------------------------------------


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


def use_apply(tlb: Tlb, op: Use, result: Used | Error) -> Tlb:
    """Return the state after an access: on x86-64 a fault drops what is cached of its address."""
    if result.failed or result.faulted == 0 or tlb.arch != X86_64:
        return tlb
    return flush_at(tlb, op.cpu, PAGE, op.space, op.page, True, tlb.now)


def invalidate_allowed(tlb: Tlb, op: Invalidate, result: Done | Error) -> Clause | None:
    """Name the clause that a result of a processor's flush breaks."""
    return answered(result, (op.cpu < tlb.cpus) & is_space(tlb, op.space))


def invalidate_apply(tlb: Tlb, op: Invalidate, result: Done | Error) -> Tlb:
    """Return the state after a processor's flush."""
    return tlb if result.failed else invalidated(tlb, op)


def is_begun(tlb: Tlb, ticket: Ticket) -> bool:
    """Tell whether a flush is under way."""
    return tlb.begun.get(ticket, 0) != 0


def begin_allowed(tlb: Tlb, op: Begin, result: Done | Error) -> Clause | None:
    """Name the clause that the beginning of a flush breaks."""
    return answered(result, is_space(tlb, op.space) & (op.scope <= SPACE) & (not is_begun(tlb, op.ticket)))


def begin_apply(tlb: Tlb, op: Begin, result: Done | Error) -> Tlb:
    """Return the state with a flush under way: what goes from now on it does not reach."""
    if result.failed:
        return tlb
    asked = (op.tables << 43) | (op.scope << 41) | small_slot(op.space, op.page)
    return attrs.evolve(tlb, begun=tlb.begun.set(op.ticket, tlb.now + 1), asked=tlb.asked.set(op.ticket, asked))


def deliver_allowed(tlb: Tlb, op: Deliver, result: Delivered | Error) -> Clause | None:
    """Name the clause that a processor's hearing of a flush breaks; what it does then is its own."""
    return answered(result, (op.cpu < tlb.cpus) & is_begun(tlb, op.ticket))


def end_allowed(tlb: Tlb, op: End, result: Done | Error) -> Clause | None:
    """Name the clause that the end of a flush breaks."""
    return answered(result, is_begun(tlb, op.ticket))


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


def end_apply(tlb: Tlb, op: End, result: Done | Error) -> Tlb:
    """Return the state after a flush: no processor uses what it covers and was gone when it was begun."""
    if result.failed:
        return tlb
    stamp, asked = tlb.begun.get(op.ticket, 0) - 1, tlb.asked.get(op.ticket, 0)
    scope, space, page = scope_asked(asked), space_asked(asked), page_asked(asked)
    after = flush_at(tlb, EVERY_CPU, scope, space, page, tables_asked(asked), stamp)
    return attrs.evolve(after, begun=tlb.begun.set(op.ticket, 0))


# --- changes of entries ----------------------------------------------------------------------------------------------------


def changed(tlb: Tlb, slot: Slot, entry: Entry) -> Tlb:
    """Return the state with another entry at a place, and the moment noted at which the old one went."""
    old, now = entry_at(tlb, slot), tlb.now + 1
    if old == entry:
        return tlb
    gone, entries = tlb.gone.set(past_of(slot, old), now), tlb.entries.set(slot, entry)
    pages = tlb.pages.set(slot, now if is_leaf(old) else tlb.pages.get(slot, 0))
    denied = tlb.denied.set(slot, now if denies(old) else tlb.denied.get(slot, 0))
    return attrs.evolve(tlb, entries=entries, gone=gone, pages=pages, denied=denied, now=now)


def is_reachable(tlb: Tlb, slot: Slot, space: Space, page: Page) -> bool:
    """Tell whether a place can be changed: one of a table's while the block has it, a block's always."""
    return (slot == large_slot(space, page)) | (entry_at(tlb, large_slot(space, page)) == POINTER)


def settled_small(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether no processor may use a page that stood at a small page's place and is gone."""
    settled, went = True, tlb.pages.get(small_slot(space, page), 0)
    for cpu in range(MAX_CPUS):
        settled &= (not has_run(tlb, cpu, space)) | (not outlives_small(tlb, cpu, space, page, went))
    return settled


def settled_large(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether no processor may use a large page that stood at a block's place and is gone."""
    settled, went = True, tlb.pages.get(large_slot(space, page), 0)
    for cpu in range(MAX_CPUS):
        settled &= (not has_run(tlb, cpu, space)) | (not outlives_large(tlb, cpu, space, page, went))
    return settled


def settled_pointer(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether no processor may use the pointer to a block's table that is gone."""
    settled, went = True, tlb.gone.get(past_of(large_slot(space, page), POINTER), 0)
    for cpu in range(MAX_CPUS):
        settled &= (not has_run(tlb, cpu, space)) | (not outlives_pointer(tlb, cpu, space, page, went))
    return settled


def settled_span(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether all processors have flushed all of a block since its table went."""
    settled, went = True, tlb.gone.get(past_of(large_slot(space, page), POINTER), 0)
    for cpu in range(MAX_CPUS):
        settled &= (not has_run(tlb, cpu, space)) | (not outlives_span(tlb, cpu, space, page, went))
    return settled


def broken_before(tlb: Tlb, space: Space, page: Page, slot: Slot, entry: Entry) -> bool:
    """Tell whether an entry may be put at a place: on AArch64 no processor may then have two that differ in more than rights."""
    if tlb.arch != AARCH64:
        return True
    old = entry_at(tlb, slot)
    if (old | WRITABLE) == (entry | WRITABLE):
        return True
    if old != NONE:
        return False
    if slot == small_slot(space, page):
        return settled_small(tlb, space, page)
    if entry == POINTER:
        return settled_large(tlb, space, page)
    table = settled_pointer(tlb, space, page) & settled_span(tlb, space, page)
    return settled_large(tlb, space, page) & table


def put_allowed(tlb: Tlb, space: Space, page: Page, slot: Slot, entry: Entry, lawful: bool, result: Any) -> Clause | None:
    """Name the clause that a result of putting an entry at a place breaks."""
    if lawful and not broken_before(tlb, space, page, slot, entry):
        rule(c.BREAK)
        return None if refused(result, "EBUSY") else c.BREAK
    if refused(result, "EBUSY") and lawful and tlb.arch == AARCH64:
        return c.BREAK
    return answered(result, lawful)


def can_set(tlb: Tlb, op: Set) -> bool:
    """Tell whether a page can be mapped: a large one to as many frames, aligned."""
    slot, whole = slot_of(op.space, op.size, op.page), (op.frame & ((1 << BLOCK_BITS) - 1)) == 0
    return is_space(tlb, op.space) & is_reachable(tlb, slot, op.space, op.page) & (whole | (op.size != LARGE))


def set_allowed(tlb: Tlb, op: Set, result: Done | Error) -> Clause | None:
    """Name the clause that a result of mapping a page breaks."""
    slot, entry = slot_of(op.space, op.size, op.page), leaf_of(op.frame, op.write)
    return put_allowed(tlb, op.space, op.page, slot, entry, can_set(tlb, op), result)


def set_apply(tlb: Tlb, op: Set, result: Done | Error) -> Tlb:
    """Return the state with a page mapped."""
    return tlb if result.failed else changed(tlb, slot_of(op.space, op.size, op.page), leaf_of(op.frame, op.write))


def can_link(tlb: Tlb, op: Link) -> bool:
    """Tell whether a block can be given its table."""
    return is_space(tlb, op.space) and entry_at(tlb, large_slot(op.space, op.page)) != POINTER


def link_allowed(tlb: Tlb, op: Link, result: Done | Error) -> Clause | None:
    """Name the clause that a result of giving a block its table breaks."""
    return put_allowed(tlb, op.space, op.page, large_slot(op.space, op.page), POINTER, can_link(tlb, op), result)


def link_apply(tlb: Tlb, op: Link, result: Done | Error) -> Tlb:
    """Return the state with a block that has its table."""
    return tlb if result.failed else changed(tlb, large_slot(op.space, op.page), POINTER)


def can_clear(tlb: Tlb, op: Clear) -> bool:
    """Tell whether there is something to take away."""
    slot = slot_of(op.space, op.size, op.page)
    return is_space(tlb, op.space) & is_reachable(tlb, slot, op.space, op.page) & (entry_at(tlb, slot) != NONE)


def clear_allowed(tlb: Tlb, op: Clear, result: Done | Error) -> Clause | None:
    """Name the clause that a result of taking away an entry breaks."""
    return answered(result, can_clear(tlb, op))


def clear_apply(tlb: Tlb, op: Clear, result: Done | Error) -> Tlb:
    """Return the state without an entry."""
    return tlb if result.failed else changed(tlb, slot_of(op.space, op.size, op.page), NONE)


def can_protect(tlb: Tlb, op: Protect) -> bool:
    """Tell whether there is a page that can be given other rights."""
    slot = slot_of(op.space, op.size, op.page)
    return is_space(tlb, op.space) & is_reachable(tlb, slot, op.space, op.page) & is_leaf(entry_at(tlb, slot))


def protect_allowed(tlb: Tlb, op: Protect, result: Done | Error) -> Clause | None:
    """Name the clause that a result of giving a page other rights breaks."""
    return answered(result, can_protect(tlb, op))


def protect_apply(tlb: Tlb, op: Protect, result: Done | Error) -> Tlb:
    """Return the state in which a page has other rights."""
    if result.failed:
        return tlb
    slot = slot_of(op.space, op.size, op.page)
    return changed(tlb, slot, leaf_of(entry_at(tlb, slot) >> FRAME_SHIFT, op.write))


def is_settled(tlb: Tlb, op: Settled) -> bool:
    """Tell whether nothing that stood at a place and is gone may be used by any processor."""
    if op.size == LARGE:
        return settled_large(tlb, op.space, op.page) & settled_pointer(tlb, op.space, op.page)
    return settled_small(tlb, op.space, op.page)


def settled_allowed(tlb: Tlb, op: Settled, result: Count | Error) -> Clause | None:
    """Name the clause that an answer breaks about whether a place is settled."""
    if result.failed or not is_space(tlb, op.space):
        return answered(result, is_space(tlb, op.space))
    rule(c.SETTLED)
    return None if (result.count != 0) == is_settled(tlb, op) else c.SETTLED


# --- processors ------------------------------------------------------------------------------------------------------------


def switch_allowed(tlb: Tlb, op: Switch, result: Switched | Error) -> Clause | None:
    """Name the clause that a processor's running a space breaks; which tag it takes is its own."""
    return answered(result, (op.cpu < tlb.cpus) & is_space(tlb, op.space))


def switch_apply(tlb: Tlb, op: Switch, result: Switched | Error) -> Tlb:
    """Return the state in which a processor runs a space; of one that it never ran it has nothing cached."""
    if result.failed:
        return tlb
    known = cpu_space(op.cpu, op.space)
    flushed = tlb.flushed
    if not tlb.known.get(known, False):
        flushed = reaching(flushed, target_of(AT_SPACE, op.cpu, small_slot(op.space, 0)), tlb.now)
    return attrs.evolve(
        tlb, running=tlb.running.set(op.cpu, op.space), lazy=tlb.lazy.set(op.cpu, False), known=tlb.known.set(known, True),
        flushed=flushed if op.space != KERNEL else tlb.flushed,
    )  # fmt: skip


def lazy_allowed(tlb: Tlb, op: Lazy, result: Done | Error) -> Clause | None:
    """Name the clause that a processor's becoming lazy breaks: one that runs no space cannot."""
    return answered(result, (op.cpu < tlb.cpus) & (tlb.running.get(op.cpu, KERNEL) != KERNEL))


def lazy_apply(tlb: Tlb, op: Lazy, result: Done | Error) -> Tlb:
    """Return the state in which a processor uses none of the addresses of its space."""
    return tlb if result.failed else attrs.evolve(tlb, lazy=tlb.lazy.set(op.cpu, True))


# --- what is Linux's own -----------------------------------------------------------------------------------------------------


def look_generation_allowed(tlb: Tlb, op: LookGeneration, result: Count | Error) -> Clause | None:
    """Name the clause that a generation breaks; which number it is, is the implementation's own."""
    return answered(result, is_space(tlb, op.space))


def look_local_allowed(tlb: Tlb, op: LookLocal, result: Count | Error) -> Clause | None:
    """Name the clause that a processor's generation breaks."""
    return answered(result, op.cpu < tlb.cpus)


def plan_allowed(tlb: Tlb, op: Plan, result: Count | Error) -> Clause | None:
    """Name the clause that a number of instructions breaks."""
    return answered(result, op.pages > 0)


def same_apply(tlb: Tlb, op: Any, result: Any) -> Tlb:
    """Return the state after what changes none."""
    return tlb
