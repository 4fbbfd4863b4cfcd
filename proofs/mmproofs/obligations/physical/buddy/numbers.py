"""How many frames there are of a sort: free ones, ones of a kind, and free ones of a kind (the recount of BUDDY-6)."""

from __future__ import annotations

from mmproofs.lift.counting import Counted, Property, equal_sums
from mmspec.physical.buddy.ops import ORDINARY
from mmspec.physical.buddy.state import Zone
from mmspec.pmap import PMap
from mmspec.words import ABSENT, MAX_ORDER_LIMIT, Migratetype, Order, Pageblock, Pfn, head_of


def is_free(frame: Pfn, free: PMap[Pfn, Order]) -> bool:
    """A free block holds the frame."""
    found = False
    for k in range(MAX_ORDER_LIMIT + 1):
        found |= free.get(head_of(frame, k), ABSENT) == k
    return found


def is_of_kind(frame: Pfn, pageblock: PMap[Pageblock, Migratetype], pageblock_order: Order, kind: Migratetype) -> bool:
    """The frame's pageblock is of the kind."""
    return pageblock.get(frame >> pageblock_order, ORDINARY) == kind


def is_free_of_kind(
    frame: Pfn, free: PMap[Pfn, Order], pageblock: PMap[Pageblock, Migratetype], pageblock_order: Order, kind: Migratetype
) -> bool:
    """The frame is free and its pageblock of the kind."""
    return is_free(frame, free) & is_of_kind(frame, pageblock, pageblock_order, kind)


FREE = Property("free", is_free)
OF_KIND = Property("of kind", is_of_kind)
FREE_OF_KIND = Property("free of kind", is_free_of_kind)


def free_of_kind(zone: Zone, kind: Migratetype) -> Counted:
    """Return what a kind's counter counts."""
    return FREE_OF_KIND.of(zone.free, zone.pageblock, zone.span.pageblock_order, kind)


def of_kind(zone: Zone, kind: Migratetype) -> Counted:
    """Return the frames in pageblocks of a kind."""
    return OF_KIND.of(zone.pageblock, zone.span.pageblock_order, kind)


def recounted(zone: Zone, kind: Migratetype) -> bool:
    """Each kind's counter is the number of the zone's free frames in pageblocks of the kind."""
    found = free_of_kind(zone, kind).between(zone.span.start_pfn, zone.span.end_pfn)
    return equal_sums((zone.frames.get(kind, 0),), (found,))
