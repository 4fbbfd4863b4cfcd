"""Translation caches: a flush takes back all that it covers and nothing else, and x86-64's generations never fall behind.

For any number of spaces, pages and flushes before: each claim is about one processor, one place and one entry, whichever. What
may be used is the law's own ``small_usable``, ``large_usable`` and ``pointer_usable``, before a step and after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, bound, function_of
from mmspec.clause import Clause
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb import core, linux
from mmspec.virtual.tlb.core import flush_at, large_usable, pointer_usable, small_usable
from mmspec.virtual.tlb.linux import RANGE_BITS, CpuAsid, Tags, cpu_asid, owner_at
from mmspec.virtual.tlb.ops import (
    BLOCK,
    EVERY_CPU,
    EVERYTHING,
    KERNEL,
    LEFT,
    PAGE,
    SPACE,
    Asid,
    Cpu,
    CpuEnd,
    Extent,
    Gen,
    Page,
    Pages,
    Scope,
    Space,
    Stamp,
    Switched,
)  # fmt: skip
from mmspec.virtual.tlb.state import (
    POINTER,
    Entry,
    Past,
    Slot,
    Target,
    Tlb,
    entry_at,
    first_of,
    has_run,
    is_leaf,
    large_slot,
    past_of,
    small_slot,
)

ROOM = 1 << 61
ROOMY = {"now": "< 2**61"}

# --- what is given -------------------------------------------------------------------------------------------------------


def roomy(tlb: Tlb) -> bool:
    """Another change of an entry can be counted."""
    return tlb.now < ROOM


def gone_by_now(tlb: Tlb, past: Past) -> bool:
    """No entry went later than now."""
    return tlb.gone.get(past, 0) <= tlb.now


def flushed_by_now(tlb: Tlb, target: Target) -> bool:
    """No flush reaches further than now."""
    return tlb.flushed.get(target, 0) <= tlb.now


def page_noted(tlb: Tlb, any_slot: Slot, any_entry: Entry) -> bool:
    """No page went from a place later than the place's own note of it, which is not later than now."""
    noted = tlb.pages.get(any_slot, 0)
    return ((not is_leaf(any_entry)) | (tlb.gone.get(past_of(any_slot, any_entry), 0) <= noted)) & (noted <= tlb.now)


def up_to_now(tlb: Tlb, stamp: Stamp) -> bool:
    """The flush reaches what went until now."""
    return stamp == tlb.now


def by_now(tlb: Tlb, stamp: Stamp) -> bool:
    """The flush reaches no further than now."""
    return stamp <= tlb.now


# --- a flush takes back what it covers -----------------------------------------------------------------------------------


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


def nothing_new_large(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry) -> bool:
    """A flush lets nobody use a large page that could not be used before."""
    return (not large_usable(after, at, of, where, entry)) | large_usable(tlb, at, of, where, entry)


def standing_left(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, entry: Entry) -> bool:
    """What stands at a block may still be used."""
    return (entry_at(tlb, large_slot(of, where)) != entry) | large_usable(after, at, of, where, entry)


SCOPES = {"scope": (PAGE, BLOCK, SPACE, EVERYTHING)}

_FLUSH = Obligation(
    "TLB-FLUSH-DEFINED", (c.CURRENT,), "Every word fits.", flush_at, each=SCOPES, operation="flush", invariant="defined",
    unaided=True,
)  # fmt: skip


def _flush(name: str, clauses: tuple[Clause, ...], goal: Predicate, *given: Predicate, **more: Any) -> Obligation:
    return attrs.evolve(
        _FLUSH, id=f"TLB-FLUSH-{name}", clauses=clauses, statement=(function_of(goal).__doc__ or "").strip(), goal=goal,
        given=given, rests_on=(_FLUSH.id,), invariant=name.lower(), **{"unaided": False, **more},
    )  # fmt: skip


# --- a change leaves behind what may be cached ---------------------------------------------------------------------------


def of_page(slot: Slot, of: Space, where: Page) -> bool:
    """The place is a page's."""
    return slot == small_slot(of, where)


def was_current(
    tlb: Tlb, slot: Slot, entry: Entry, after: Tlb, at: Cpu, of: Space, where: Page, used: Entry
) -> bool:  # fmt: skip
    """What a processor may use of a page after a change it could use before, or it is what was put there."""
    new = (slot == small_slot(of, where)) & (used == entry)
    table = slot == large_slot(of, where)
    return new | table | (not small_usable(after, at, of, where, used)) | small_usable(tlb, at, of, where, used)


def large_was_current(
    tlb: Tlb, slot: Slot, entry: Entry, after: Tlb, at: Cpu, of: Space, where: Page, used: Entry
) -> bool:  # fmt: skip
    """What a processor may use of a block after a change it could use before, or it is what was put there."""
    new = (slot == large_slot(of, where)) & (used == entry)
    return new | (not large_usable(after, at, of, where, used)) | large_usable(tlb, at, of, where, used)


def small_stays(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, used: Entry) -> bool:
    """A page that a processor could use before a change it may use after it."""
    return (not small_usable(tlb, at, of, where, used)) | small_usable(after, at, of, where, used)


def large_stays(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, used: Entry) -> bool:
    """A large page that a processor could use before a change it may use after it."""
    return (not large_usable(tlb, at, of, where, used)) | large_usable(after, at, of, where, used)


def still_by_now(after: Tlb, past: Past, target: Target, place: Slot, any_entry: Entry) -> bool:
    """Still nothing lies in the future, and each place has noted when its last page went."""
    return gone_by_now(after, past) & flushed_by_now(after, target) & page_noted(after, place, any_entry)


_CHANGE = Obligation(
    "TLB-CHANGE-DEFINED", (c.CURRENT,), "Every word fits.", core.changed, given=(roomy,),
    invariants=(gone_by_now, flushed_by_now, page_noted), operation="change", invariant="defined", bounds=ROOMY, unaided=True,
)  # fmt: skip


def _change(name: str, clause: Clause, goal: Predicate, **more: Any) -> Obligation:
    return attrs.evolve(
        _CHANGE, id=f"TLB-CHANGE-{name}", clauses=(clause,), statement=(function_of(goal).__doc__ or "").strip(), goal=goal,
        rests_on=(_CHANGE.id,), invariant=name.lower(), **{"unaided": False, **more},
    )  # fmt: skip


# --- a settled place -----------------------------------------------------------------------------------------------------


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


def _settled(name: str, subject: Callable[..., Any], goal: Predicate) -> Obligation:
    return Obligation(
        f"TLB-SETTLED-{name}", (c.SETTLED,), (function_of(goal).__doc__ or "").strip(), subject, goal, invariants=(page_noted,),
        operation="places", invariant=name.lower(), unaided=name == "POINTER",
    )  # fmt: skip


# --- generations -----------------------------------------------------------------------------------------------------------


def roomy_tags(tags: Tags, space: Space) -> bool:
    """Another flush of the space can be counted."""
    return tags.gen.get(space, 0) < ROOM


def not_ahead(tags: Tags, any_tag: CpuAsid) -> bool:
    """A tag has made up for no more flushes of its space than were begun."""
    owner = tags.owner.get(any_tag, 0)
    return owner == 0 or tags.local.get(any_tag, 0) <= tags.gen.get(owner - 1, 0)


def in_use(tags: Tags, any_cpu: Cpu) -> bool:
    """The tag in use is the loaded space's."""
    return owner_at(tags, any_cpu, tags.asid.get(any_cpu, 0)) == tags.loaded.get(any_cpu, 0) + 1


def begun(tags: Tags, space: Space, gen: Gen) -> bool:
    """The flush was begun."""
    return gen <= tags.gen.get(space, 0)


def whole_gen(tags: Tags, space: Space, gen: Gen) -> bool:
    """The generation is the space's."""
    return gen == tags.gen.get(space, 0)


def still_not_ahead(after: tuple[Any, Tags], any_tag: CpuAsid) -> bool:
    """No tag has made up for a flush that was not begun."""
    return not_ahead(after[1], any_tag)


def still_in_use(after: tuple[Any, Tags], any_cpu: Cpu) -> bool:
    """The tag in use is the loaded space's."""
    return in_use(after[1], any_cpu)


def never_back(tags: Tags, after: tuple[Any, Tags], any_tag: CpuAsid) -> bool:
    """A tag that stays its space's never forgets a flush that it made up for."""
    same = tags.owner.get(any_tag, 0) == after[1].owner.get(any_tag, 0)
    return (not same) | (after[1].local.get(any_tag, 0) >= tags.local.get(any_tag, 0))


def caught_up(tags: Tags, cpu: Cpu, space: Space, gen: Gen, lazy: bool, after: tuple[Extent, Tags]) -> bool:
    """A processor that runs the space has then made up for the flush, or has left the space."""
    if after[0] == LEFT:
        return lazy
    local = after[1].local.get(cpu_asid(cpu, after[1].asid.get(cpu, 0)), 0)
    return (tags.loaded.get(cpu, KERNEL) != space) | (local >= gen)


def ready(tags: Tags, cpu: Cpu, space: Space, after: tuple[Switched, Tags]) -> bool:
    """A processor that comes to a space has made up for all flushes of it that were begun."""
    left = after[1]
    local = left.local.get(cpu_asid(cpu, left.asid.get(cpu, 0)), 0)
    return (left.loaded.get(cpu, 0) == space) & (local == tags.gen.get(space, 0))


def ready_if_came(tags: Tags, cpu: Cpu, space: Space, lazy: bool, after: tuple[Switched, Tags]) -> bool:
    """A processor that comes to a space, or back from being lazy, has made up for all flushes of it that were begun."""
    came = lazy | (tags.loaded.get(cpu, KERNEL) != space)
    return (not came) | ready(tags, cpu, space, after)


def flushes_what_it_takes(tags: Tags, cpu: Cpu, space: Space, after: tuple[Switched, Tags], one: Asid) -> bool:
    """A tag that becomes a space's, or makes up for flushes, is flushed: nothing is used under it that is older."""
    at = cpu_asid(cpu, one)
    moved = (after[1].owner.get(at, 0) != tags.owner.get(at, 0)) | (after[1].local.get(at, 0) != tags.local.get(at, 0))
    return (not moved) | ((after[0].flushed == 1) & (after[0].asid == one))


def _tags(
    operation: str, subject: Callable[..., Any], clause: Clause, given: tuple[Predicate, ...],
    *goals: tuple[str, Predicate, Clause],
) -> tuple[Obligation, ...]:  # fmt: skip
    name = operation.upper()
    base = Obligation(
        f"TLB-{name}-DEFINED", (clause,), "Every word fits.", subject, given=given, invariants=(not_ahead, in_use),
        operation=operation, invariant="defined", bounds={"generations": "< 2**61"}, unaided=True,
    )  # fmt: skip
    return base, *(
        attrs.evolve(
            base, id=f"TLB-{name}-{column}", clauses=(about, clause), statement=(function_of(goal).__doc__ or "").strip(),
            goal=goal, rests_on=(base.id,), invariant=column.lower(), unaided=column in ("CAUGHT-UP", "FLUSHES"),
        )
        for column, goal, about in goals
    )  # fmt: skip


_KEPT = (("AHEAD", still_not_ahead, c.GEN_ORDER), ("USED", still_in_use, c.ASID_ONE), ("BACK", never_back, c.GEN_WHOLE))

# --- ranges ------------------------------------------------------------------------------------------------------------------


def in_range(pages: Pages) -> bool:
    """There are pages, and no more than ranges take."""
    return (pages >= 1) & (pages <= 1 << RANGE_BITS)


def few_instructions(after: Pages) -> bool:
    """One instruction at least, and five at most."""
    return (after >= 1) & (after <= 5)


_RANGE = Obligation(
    "TLB-RANGES-DEFINED", (c.PLAN_RANGE,), "Every word fits.", linux.ranges_for, given=(in_range,), operation="ranges",
    invariant="defined",
)  # fmt: skip

WRITTEN: tuple[Obligation, ...] = (
    _FLUSH,
    _flush("PAGE", (c.CURRENT,), page_is_current, up_to_now, invariants=(gone_by_now,)),
    _flush("LARGE", (c.CURRENT,), large_is_current, up_to_now, invariants=(gone_by_now,)),
    _flush("POINTER", (c.TABLE,), pointer_is_current, up_to_now, invariants=(gone_by_now,)),
    _flush("SPACES-PAGE", (c.GLOBAL, c.CURRENT), spaces_left_small, unaided=True),
    _flush("SPACES-LARGE", (c.GLOBAL, c.CURRENT), spaces_left_large, unaided=True),
    _flush("SPACES-POINTER", (c.GLOBAL, c.TABLE), spaces_left_pointer, unaided=True),
    _flush("CPUS-PAGE", (c.CURRENT,), cpus_left_small, unaided=True),
    _flush("CPUS-LARGE", (c.CURRENT,), cpus_left_large, unaided=True),
    _flush("CPUS-POINTER", (c.TABLE,), cpus_left_pointer, unaided=True),
    _flush("NOTHING-NEW-PAGE", (c.CURRENT,), nothing_new_small, unaided=True),
    _flush("NOTHING-NEW-LARGE", (c.CURRENT,), nothing_new_large, unaided=True),
    _flush("STANDING", (c.CURRENT,), standing_left, unaided=True),
    _flush("CLOCK", (c.CLOCK,), bound(flushed_by_now, tlb="after"), by_now, invariants=(flushed_by_now,)),
    _CHANGE,
    _change("PAGE", c.CURRENT, was_current, unaided=True),
    _change("LARGE", c.CURRENT, large_was_current, unaided=True),
    _change("STAYS-PAGE", c.CURRENT, small_stays),
    _change("STAYS-LARGE", c.CURRENT, large_stays),
    _change("CLOCK", c.CLOCK, still_by_now),
    _settled("PAGE", core.settled_small, page_unused),
    _settled("BLOCK", core.settled_large, large_unused),
    _settled("POINTER", core.settled_pointer, pointer_unused),
    *_tags("heard", linux.heard, c.GEN_WHOLE, (begun, roomy_tags), ("CAUGHT-UP", caught_up, c.GEN_OLD), *_KEPT),
    *_tags(
        "given", linux.given, c.ASID_KEPT, (whole_gen, roomy_tags), ("READY", ready, c.ASID_KEPT),
        ("FLUSHES", flushes_what_it_takes, c.ASID_NEW), *_KEPT,
    ),
    *_tags(
        "switched", linux.switched, c.UNLAZY, (roomy_tags,), ("READY", ready_if_came, c.UNLAZY),
        ("FLUSHES", flushes_what_it_takes, c.ASID_NEW), *_KEPT,
    ),
    _RANGE,
    attrs.evolve(
        _RANGE, id="TLB-RANGES-FEW", statement=few_instructions.__doc__ or "", goal=few_instructions, rests_on=(_RANGE.id,),
        invariant="few",
    ),
)  # fmt: skip

WAITING = frozenset(
    {
        "TLB-CHANGE-STAYS-PAGE",
        "TLB-FLUSH-NOTHING-NEW-PAGE",
        "TLB-SETTLED-BLOCK",
        "TLB-SETTLED-PAGE",
        "TLB-SETTLED-POINTER",
        "TLB-SWITCHED-AHEAD",
        "TLB-SWITCHED-BACK",
        "TLB-SWITCHED-DEFINED",
        "TLB-SWITCHED-FLUSHES",
        "TLB-SWITCHED-READY",
        "TLB-SWITCHED-USED",
    }
)
"""What is written and has no entry in the ledger yet, for want of time on a busy machine but for these: of NOTHING-NEW-PAGE Z3
and Bitwuzla came to no end in five minutes, STAYS-PAGE, which is alike, was stopped by hand, and the paths of SETTLED-POINTER,
256 through branches on each processor, took more than twenty minutes to enumerate there."""

OBLIGATIONS: tuple[Obligation, ...] = tuple(o for o in WRITTEN if o.id not in WAITING)
"""What is registered."""
