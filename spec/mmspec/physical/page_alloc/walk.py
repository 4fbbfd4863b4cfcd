"""Through a list of zones to the first that serves (mm/page_alloc.c:get_page_from_freelist, v6.12).

A list has eight places for each node in its order; those without memory, or of a kind too high, are passed by.
"""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.flags import can_reclaim
from mmspec.physical.page_alloc.ops import (
    ALLOC_CPUSET,
    ALLOC_HIGHATOMIC,
    ALLOC_NO_WATERMARKS,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    GFP_ATOMIC,
    GFP_THISNODE,
    NOWHERE,
    AllocFlags,
    Gfp,
    Kind,
    Mark,
    Node,
    NodeSet,
    Place,
    Truth,
    Zone,
    ZoneEnd,
    ZoneSet,
)  # fmt: skip
from mmspec.physical.page_alloc.state import Memory, Paths, Scan, has, has_zone
from mmspec.physical.watermarks.core import zone_has_block, zone_ok, zone_usable
from mmspec.physical.watermarks.linux import fast_ok, ignores_boost, mark_at, reserve_at
from mmspec.physical.watermarks.ops import ALLOC_WMARK_MASK, WMARK_HIGH
from mmspec.physical.watermarks.state import Machine
from mmspec.physical.zones.state import Lists, node_of, pair_of, zone_at
from mmspec.words import Order, size_of

NEAR = 30
"""``node_reclaim_distance``: RECLAIM_DISTANCE."""

# --- the places of a list --------------------------------------------------------------------------------------------------


def place_zone(lists: Lists, node: Node, place: Place) -> Zone:
    """Return the zone at a place of a node's list."""
    return zone_at(lists.order.get(pair_of(node, place >> 3), node), 7 - (place & 7))


def end_of(lists: Lists, node: Node, gfp: Gfp) -> Place:
    """Return how many places a node's list has for a request: eight if it must stay on the node, which is first in its order.

    The list of a node without memory has none of its own; a request that must stay there finds nothing.
    """
    length = lists.length.get(node, 0)
    if gfp & GFP_THISNODE:
        return 8 if length > 0 and lists.order.get(pair_of(node, 0), node) == node else 0
    return length << 3


def eligible_at(lists: Lists, scan: Scan, place: Place) -> bool:
    """Tell whether the zone at a place has memory and is one that the request may use."""
    if 7 - (place & 7) > scan.highest:
        return False
    zone = place_zone(lists, scan.node, place)
    return lists.listed.get(zone, False) & has(scan.nodes, node_of(zone))


def first_more(lists: Lists, scan: Scan, place: Place) -> bool:
    """Tell whether no zone was met that the request may use, and a place is left."""
    return place < scan.end and not eligible_at(lists, scan, place)


def first_step(lists: Lists, scan: Scan, place: Place) -> tuple[Any, ...]:
    """Go on to the next place."""
    return lists, scan, place + 1


def first_left(lists: Lists, scan: Scan, place: Place) -> int:
    """Return how many places are left."""
    return scan.end - place


FIRST = Loop("first", first_more, first_step, first_left)


def first_from(lists: Lists, scan: Scan, place: Place) -> Place:
    """Return the first place from here on whose zone the request may use; the end where there is none."""
    first: Place
    _, _, first = FIRST.run(lists, scan, place)
    return first


def moved(scan: Scan, flags: AllocFlags, preferred: Place, place: Place, taken: ZoneEnd) -> Scan:
    """Return the scan of the same request, come to another place."""
    return Scan(
        scan.gfp, scan.order, flags, scan.node, scan.nodes, scan.highest, scan.allowed, scan.dirty, scan.grown, scan.empty,
        scan.reclaimed, preferred, place, scan.end, taken,
    )  # fmt: skip


def at_place(scan: Scan, place: Place) -> Scan:
    """Return the scan at a place."""
    return moved(scan, scan.flags, scan.preferred, place, scan.taken)


def taking(scan: Scan, zone: Zone) -> Scan:
    """Return the scan with a block taken from a zone."""
    return moved(scan, scan.flags, scan.preferred, scan.place, zone)


def begun(lists: Lists, scan: Scan) -> Scan:
    """Return a scan at the first zone of the list that the request may use (first_zones_zonelist).

    The kinds above its highest, which stand first, are passed by at once.
    """
    first = first_from(lists, scan, min(7 - scan.highest, scan.end))
    return moved(scan, scan.flags, first, first, scan.taken)


def scan_of(
    lists: Lists, gfp: Gfp, order: Order, flags: AllocFlags, node: Node, nodes: NodeSet, highest: Kind,
    allowed: NodeSet, dirty: NodeSet, grown: ZoneSet, empty: ZoneSet, reclaimed: Mark,
) -> Scan:  # fmt: skip
    """Return the scan of a request, at its preferred zone."""
    scan = Scan(
        gfp, order, flags, node, nodes, highest, allowed, dirty, grown, empty, reclaimed, preferred=0, place=0,
        end=end_of(lists, node, gfp), taken=NOWHERE,
    )  # fmt: skip
    return begun(lists, scan)


# --- one zone --------------------------------------------------------------------------------------------------------------


def above_high(machine: Machine, paths: Paths, scan: Scan, zone: Zone, atomic: Truth) -> bool:
    """Tell whether a zone passes the fast check at HIGH.

    Whether its boost is ignored hangs on the mark that the flags name, so that a request of MIN_RESERVE may pass here at MIN.
    """
    marks, order, flags = paths.marks, scan.order, scan.flags
    free, reserve = machine.free.get(zone, 0), reserve_at(marks, zone, scan.highest)
    mark = mark_at(marks, zone, WMARK_HIGH)
    if order == 0 and max(0, zone_usable(machine, zone, 0, flags, free)) > mark + reserve:
        return True
    if zone_ok(machine, zone, order, mark, reserve, flags, free):
        return True
    if ignores_boost(marks, zone, order, flags, atomic):
        return zone_ok(machine, zone, order, marks.min.get(zone, 0), reserve, flags, free)
    return False


def can_give(machine: Machine, zone: Zone, order: Order, flags: AllocFlags) -> bool:
    """Tell whether a zone has a block for a request: NON_BLOCK too gets HIGHATOMIC blocks at last (rmqueue_buddy)."""
    last = flags | ALLOC_HIGHATOMIC if flags & (ALLOC_NON_BLOCK | ALLOC_OOM) else flags
    return (machine.free.get(zone, 0) >= size_of(order)) & zone_has_block(machine, zone, order, last)


def is_near(memory: Memory, lists: Lists, scan: Scan, zone: Zone) -> bool:
    """Tell whether a zone's node is near enough to the preferred zone's to be reclaimed by itself."""
    rule(c.WALK_NEAR)
    preferred = node_of(place_zone(lists, scan.node, scan.preferred))
    return memory.topology.distance.get(pair_of(preferred, node_of(zone)), 0) <= NEAR


def free_after(machine: Machine, zone: Zone, frames: Mark) -> Mark:
    """Return what is free in a zone, as a check sees it, after so much was reclaimed there."""
    free: Mark = min(machine.free.get(zone, 0) + frames, (1 << 48) - 1)  # what a mark can say
    return free


def freed(memory: Memory, zone: Zone, frames: Mark) -> Memory:
    """Return the memory with that in a zone: the next report says what became of it."""
    machine = memory.machine
    return attrs.evolve(memory, machine=attrs.evolve(machine, free=machine.free.set(zone, free_after(machine, zone, frames))))


def atomic_of(paths: Paths, gfp: Gfp) -> Truth:
    """Return whether a request has 6.1's ATOMIC."""
    return 1 if paths.kernel < 612 and gfp & GFP_ATOMIC else 0


def passed_by(scan: Scan) -> Scan:
    """Return the scan at the next place."""
    return at_place(scan, scan.place + 1)


def give(memory: Memory, scan: Scan, zone: Zone) -> Scan:
    """Take a block from a zone, or go on where it turns out to have none."""
    if has_zone(scan.empty, zone) or not can_give(memory.machine, zone, scan.order, scan.flags):
        rule(c.WALK_EMPTY)
        return passed_by(scan)
    return taking(scan, zone)


def below_mark(memory: Memory, paths: Paths, scan: Scan, zone: Zone) -> Scan:
    """Go on from a zone that failed its mark, or take a block from it all the same."""
    if has_zone(scan.grown, zone):
        rule(c.WALK_GROWN)
        return give(memory, scan, zone)
    if scan.flags & ALLOC_NO_WATERMARKS:
        rule(c.WALK_NO_MARKS)
        return give(memory, scan, zone)
    if scan.reclaimed > 0 and can_reclaim(scan.gfp) and is_near(memory, paths.lists, scan, zone):
        rule(c.WALK_NEAR)
        rule(c.WALK_RECLAIMED)
        mark = mark_at(paths.marks, zone, scan.flags & ALLOC_WMARK_MASK)
        reserve, free = reserve_at(paths.marks, zone, scan.highest), free_after(memory.machine, zone, scan.reclaimed)
        if zone_ok(memory.machine, zone, scan.order, mark, reserve, scan.flags, free):
            return give(freed(memory, zone, scan.reclaimed), scan, zone)
    return passed_by(scan)


def try_zone(memory: Memory, paths: Paths, scan: Scan, zone: Zone) -> tuple[Paths, Scan]:
    """Hold a zone against its marks and take a block from it, or go on."""
    machine, atomic = memory.machine, atomic_of(paths, scan.gfp)
    after = paths
    if paths.kernel >= 612 and not paths.below.get(zone, False):
        rule(c.WALK_ABOVE)
        if above_high(machine, paths, scan, zone, atomic):
            return paths, give(memory, scan, zone)
        rule(c.WALK_BELOW)
        after = Paths(paths.kernel, paths.lists, paths.marks, paths.below.set(zone, True))
    rule(c.WALK_MARK)
    if fast_ok(machine, after.marks, zone, scan.order, scan.highest, scan.flags, atomic):
        return after, give(memory, scan, zone)
    return after, below_mark(memory, after, scan, zone)


# --- the walk --------------------------------------------------------------------------------------------------------------


def anew(scan: Scan) -> Scan:
    """Return the scan at its beginning, of a request that may now fragment."""
    return moved(scan, scan.flags & ~ALLOC_NOFRAGMENT, scan.preferred, scan.preferred, scan.taken)


def leaves_node(memory: Memory, lists: Lists, scan: Scan, zone: Zone) -> bool:
    """Tell whether a request that must not fragment comes to another node than its preferred zone's."""
    preferred = place_zone(lists, scan.node, scan.preferred)
    return (scan.flags & ALLOC_NOFRAGMENT != 0) & (node_of(zone) != node_of(preferred))


def walk_more(memory: Memory, paths: Paths, scan: Scan) -> bool:
    """Tell whether no block was taken, and a place is left, or the way anew."""
    return (scan.taken == NOWHERE) & ((scan.place < scan.end) | (scan.flags & ALLOC_NOFRAGMENT != 0))


def walk_step(memory: Memory, paths: Paths, scan: Scan) -> tuple[Any, ...]:
    """Try the zone at this place."""
    if scan.place >= scan.end:
        return memory, paths, anew(scan)
    if not eligible_at(paths.lists, scan, scan.place):
        return memory, paths, at_place(scan, first_from(paths.lists, scan, scan.place + 1))
    zone = place_zone(paths.lists, scan.node, scan.place)
    if scan.flags & ALLOC_CPUSET and not has(scan.allowed, node_of(zone)):
        rule(c.WALK_CPUSET)
        return memory, paths, passed_by(scan)
    if has(scan.dirty, node_of(zone)):
        rule(c.WALK_DIRTY)
        return memory, paths, passed_by(scan)
    if leaves_node(memory, paths.lists, scan, zone):
        rule(c.WALK_REMOTE)
        return memory, paths, anew(scan)
    noted, after = try_zone(memory, paths, scan, zone)
    return memory, noted, after


def walk_left(memory: Memory, paths: Paths, scan: Scan) -> int:
    """Return how many places are left, once more all of them if the request may begin anew, and that nothing was taken yet."""
    again = scan.end + 2 if scan.flags & ALLOC_NOFRAGMENT else 0
    return again + scan.end - scan.place + (scan.taken == NOWHERE)


WALK = Loop("walk", walk_more, walk_step, walk_left)


def walk(memory: Memory, paths: Paths, scan: Scan) -> tuple[Paths, Scan]:
    """Return Linux's notes and the scan after a walk."""
    rule(c.WALK)
    noted: Paths
    ended: Scan
    _, noted, ended = WALK.run(memory, paths, scan)
    return noted, ended
