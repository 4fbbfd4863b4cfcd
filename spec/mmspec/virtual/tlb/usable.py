"""What a processor may still use, and when nobody may use any more what is gone: a place is settled then.

So is AArch64's break-before-make decided: what is put at a place must not stand beside another that may still be used.
"""

from __future__ import annotations

from mmspec.clause import rule
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.ops import AARCH64, LARGE, MAX_CPUS, Cpu, Frame, Page, Settled, Space, Truth
from mmspec.virtual.tlb.state import (
    NONE,
    POINTER,
    WRITABLE,
    Entry,
    Slot,
    Tlb,
    entry_at,
    first_of,
    has_run,
    is_leaf,
    large_slot,
    leaf_of,
    outlives_large,
    outlives_pointer,
    outlives_small,
    outlives_span,
    past_of,
    small_slot,
)  # fmt: skip


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


# --- settled places --------------------------------------------------------------------------------------------------------


def settled_small(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether no processor may use a page that stood at a small page's place and is gone."""
    used, went = False, tlb.pages.get(small_slot(space, page), 0)
    for cpu in range(MAX_CPUS):
        used |= has_run(tlb, cpu, space) & outlives_small(tlb, cpu, space, page, went)
    return not used


def settled_large(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether no processor may use a large page that stood at a block's place and is gone."""
    used, went = False, tlb.pages.get(large_slot(space, page), 0)
    for cpu in range(MAX_CPUS):
        used |= has_run(tlb, cpu, space) & outlives_large(tlb, cpu, space, page, went)
    return not used


def settled_pointer(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether no processor may use the pointer to a block's table that is gone."""
    used, went = False, tlb.gone.get(past_of(large_slot(space, page), POINTER), 0)
    for cpu in range(MAX_CPUS):
        used |= has_run(tlb, cpu, space) & outlives_pointer(tlb, cpu, space, page, went)
    return not used


def settled_span(tlb: Tlb, space: Space, page: Page) -> bool:
    """Tell whether all processors have flushed all of a block since its table went."""
    used, went = False, tlb.gone.get(past_of(large_slot(space, page), POINTER), 0)
    for cpu in range(MAX_CPUS):
        used |= has_run(tlb, cpu, space) & outlives_span(tlb, cpu, space, page, went)
    return not used


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


def is_settled(tlb: Tlb, op: Settled) -> bool:
    """Tell whether nothing that stood at a place and is gone may be used by any processor."""
    if op.size == LARGE:
        return settled_large(tlb, op.space, op.page) & settled_pointer(tlb, op.space, op.page)
    return settled_small(tlb, op.space, op.page)
