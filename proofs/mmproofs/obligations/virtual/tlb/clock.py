"""What all states of translation caches keep of time: nothing lies in the future, and places know when their last page went."""

from __future__ import annotations

from mmspec.virtual.tlb.state import Entry, Past, Slot, Target, Tlb, is_leaf, past_of

ROOM = 1 << 61


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


def noted_by_now(tlb: Tlb, any_slot: Slot) -> bool:
    """No page went from a place later than now, as the place has noted."""
    return tlb.pages.get(any_slot, 0) <= tlb.now
