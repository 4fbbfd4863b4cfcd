"""A change of an entry leaves behind what may be cached, and lets nobody use anything but what it puts there."""

from __future__ import annotations

from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.tlb.clock import ROOM, flushed_by_now, gone_by_now, page_noted
from mmspec.clause import Clause
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb import core
from mmspec.virtual.tlb.ops import Cpu, Page, Space
from mmspec.virtual.tlb.state import (
    Entry,
    Past,
    Slot,
    Target,
    Tlb,
    entry_at,
    large_slot,
    outlives_small,
    past_of,
    small_slot,
)
from mmspec.virtual.tlb.usable import large_usable, pointer_reached, small_usable

ROOMY = {"now": "< 2**61"}


def roomy(tlb: Tlb) -> bool:
    """Another change of an entry can be counted."""
    return tlb.now < ROOM


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


def reached_stays(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page) -> bool:
    """A table's page that a processor could reach before a change it reaches after it."""
    return (not pointer_reached(tlb, at, of, where)) | pointer_reached(after, at, of, where)


def entry_stays(tlb: Tlb, after: Tlb, at: Cpu, of: Space, where: Page, used: Entry) -> bool:
    """A page's entry that stood, or had outlived all flushes, does so after a change."""
    return (not stands_or_outlives(tlb, at, of, where, used)) | stands_or_outlives(after, at, of, where, used)


def stands_or_outlives(tlb: Tlb, at: Cpu, of: Space, where: Page, used: Entry) -> bool:
    """Tell whether an entry of a page stands, or went after all flushes."""
    slot = small_slot(of, where)
    return (entry_at(tlb, slot) == used) | outlives_small(tlb, at, of, where, tlb.gone.get(past_of(slot, used), 0))


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


WRITTEN: tuple[Obligation, ...] = (
    _CHANGE,
    _change("PAGE", c.CURRENT, was_current, unaided=True),
    _change("LARGE", c.CURRENT, large_was_current, unaided=True),
    _change("STAYS-PAGE", c.CURRENT, small_stays, also=(reached_stays, entry_stays)),
    _change("STAYS-LARGE", c.CURRENT, large_stays),
    _change("CLOCK", c.CLOCK, still_by_now),
)  # fmt: skip
