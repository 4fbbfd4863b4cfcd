"""What any processors with caches may do: use what is current, or was at some time since the last flush that covers it.

``X_allowed`` names the clause that a result breaks, ``X_apply`` gives the state after an allowed result.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import Clause, rule
from mmspec.errors import refused
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.flush import flush_at, invalidated, page_asked, reaching, scope_asked, space_asked, tables_asked
from mmspec.virtual.tlb.ops import (
    AARCH64,
    BLOCK_BITS,
    EVERY_CPU,
    KERNEL,
    LARGE,
    PAGE,
    SPACE,
    X86_64,
    Begin,
    Clear,
    Count,
    Cpu,
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
    Set,
    Settled,
    Space,
    Switch,
    Switched,
    Ticket,
    Use,
    Used,
)  # fmt: skip
from mmspec.virtual.tlb.state import (
    AT_SPACE,
    FRAME_SHIFT,
    NONE,
    POINTER,
    Entry,
    Slot,
    Tlb,
    cpu_space,
    entry_at,
    is_leaf,
    is_space,
    large_slot,
    leaf_of,
    past_of,
    slot_of,
    small_slot,
    target_of,
)  # fmt: skip
from mmspec.virtual.tlb.usable import broken_before, denies, is_settled, may_deny, may_miss, may_reach, pointer_usable


def answered(result: Any, lawful: bool) -> Clause | None:
    """Name the clause that is broken where a lawful request is refused, or an unlawful one is not."""
    rule(c.ACCEPTED if lawful else c.ARGS)
    if refused(result, "EINVAL"):
        return c.ACCEPTED if lawful else None
    if not lawful:
        return c.ARGS
    return c.ACCEPTED if result.failed else None


# --- accesses --------------------------------------------------------------------------------------------------------------


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


def use_apply(tlb: Tlb, op: Use, result: Used | Error) -> Tlb:
    """Return the state after an access: on x86-64 a fault drops what is cached of its address."""
    if result.failed or result.faulted == 0 or tlb.arch != X86_64:
        return tlb
    return flush_at(tlb, op.cpu, PAGE, op.space, op.page, True, tlb.now)


# --- flushes ---------------------------------------------------------------------------------------------------------------


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
