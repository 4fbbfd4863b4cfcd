"""Waking kswapd on the nodes that a request may be served from (mm/page_alloc.c:wake_all_kswapds, v6.12)."""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.flags import can_reclaim
from mmspec.physical.page_alloc.ops import ALLOC_KSWAPD, NOWHERE, AnyNode, Place
from mmspec.physical.page_alloc.state import Memory, Paths, Scan, Way, has
from mmspec.physical.page_alloc.steps import scan_for
from mmspec.physical.page_alloc.walk import eligible_at, place_zone
from mmspec.physical.watermarks.linux import wake_choose
from mmspec.physical.watermarks.ops import Wake
from mmspec.physical.zones.state import node_of


def wake_more(memory: Memory, paths: Paths, scan: Scan, place: Place, last: AnyNode) -> bool:
    """Tell whether a place is left."""
    return place < scan.end


def wake_step(memory: Memory, paths: Paths, scan: Scan, place: Place, last: AnyNode) -> tuple[Any, ...]:
    """Wake the kswapd of the zone at this place, if it is its node's first: a step of the component ``watermarks``."""
    zone = place_zone(paths.lists, scan.node, place)
    if not eligible_at(paths.lists, scan, place) or node_of(zone) == last:
        return memory, paths, scan, place + 1, last
    request = Wake(
        zone, scan.order, scan.highest, 1 if can_reclaim(scan.gfp) else 0, 1 if has(scan.allowed, node_of(zone)) else 0
    )
    _, marks = wake_choose(memory.machine, paths.marks, request)
    return memory, Paths(paths.kernel, paths.lists, marks, paths.below), scan, place + 1, node_of(zone)


def wake_left(memory: Memory, paths: Paths, scan: Scan, place: Place, last: AnyNode) -> int:
    """Return how many places are left."""
    return scan.end - place


WAKE = Loop("wake", wake_more, wake_step, wake_left)


def after_waking(memory: Memory, paths: Paths, scan: Scan) -> Paths:
    """Return Linux's notes after the kswapd of each node of the list was woken once, by the first zone of it."""
    noted: Paths
    _, noted, _, _, _ = WAKE.run(memory, paths, scan, scan.place, NOWHERE >> 3)
    return noted


def woken(way: Way) -> Way:
    """Wake the kswapd of each node of the list if the request may."""
    if way.request.flags & ALLOC_KSWAPD == 0:
        return way
    rule(c.WAKES)
    scan = scan_for(way, way.request.gfp, way.request.flags)
    return Way(way.memory, after_waking(way.memory, way.paths, scan), way.request, way.taken, way.under)
