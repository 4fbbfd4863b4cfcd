"""Bulk requests: many single frames of one zone, from one CPU's list (mm/page_alloc.c:alloc_pages_bulk_noprof, v6.12).

Which zone serves is one step, each frame another: between them the kernel holds the lock of the CPU's lists. Where no zone
serves, or the first frame fails, the caller makes a request for a single frame.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.buddy.lists import NOBODY
from mmspec.physical.page_alloc.flags import with_cma
from mmspec.physical.page_alloc.ops import ALLOC_WMARK_LOW
from mmspec.physical.page_alloc.state import Scan
from mmspec.physical.page_alloc.walk import at_place, eligible_at, passed_by, place_zone, taking
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.core import can_take, is_asked
from mmspec.physical.pages.linux import flags_at, migratetype_of, scan_at, with_parts
from mmspec.physical.pages.ops import EINVAL, ENOMEM, NOWHERE, BulkTake, BulkZone, Error, Frames, Page, Served
from mmspec.physical.pages.parts import from_pcplist
from mmspec.physical.pages.state import Linux, Memory
from mmspec.physical.pcp.ops import AGAIN
from mmspec.physical.watermarks.core import zone_ok
from mmspec.physical.watermarks.linux import mark_at, reserve_at
from mmspec.physical.zones.state import kind_of, node_of


def bulk_more(linux: Linux, scan: Scan, count: Frames) -> bool:
    """Tell whether no zone was found, and a place is left."""
    return (scan.taken == NOWHERE) & (scan.place < scan.end)


def bulk_step(linux: Linux, scan: Scan, count: Frames) -> tuple[Any, ...]:
    """Hold the zone at this place against LOW and the frames that are wanted; another node ends the search."""
    lists, machine, marks = linux.paths.lists, linux.memory.machine, linux.paths.marks
    if not eligible_at(lists, scan, scan.place):
        return linux, passed_by(scan), count
    zone, first = place_zone(lists, scan.node, scan.place), place_zone(lists, scan.node, scan.preferred)
    rule(c.BULK_NEAR)
    if node_of(zone) != node_of(first):
        return linux, at_place(scan, scan.end), count
    rule(c.BULK_ZONE)
    mark = mark_at(marks, zone, ALLOC_WMARK_LOW) + count
    if zone_ok(machine, zone, 0, mark, reserve_at(marks, zone, kind_of(first)), scan.flags, machine.free.get(zone, 0)):
        return linux, taking(scan, zone), count
    return linux, passed_by(scan), count


def bulk_left(linux: Linux, scan: Scan, count: Frames) -> int:
    """Return how many places are left, and that no zone was found yet."""
    return scan.end - scan.place + (scan.taken == NOWHERE)


BULK = Loop("bulk", bulk_more, bulk_step, bulk_left)


def bulk_zone_choose(memory: Memory, linux: Linux, op: BulkZone) -> tuple[Served | Error, Linux]:
    """Return the zone of a bulk request."""
    if not is_asked(memory, op.cpu, op.gfp, op.node):
        return EINVAL, linux
    rule(c.BULK_ONE)
    if op.count <= 1:
        return Served(NOWHERE), linux
    scan = scan_at(linux, op.gfp, 0, with_cma(op.gfp, ALLOC_WMARK_LOW), op.node, op.nodes)
    _, scan, _ = BULK.run(linux, scan, op.count)
    return Served(scan.taken), linux


def bulk_take_choose(memory: Memory, linux: Linux, op: BulkTake) -> tuple[Page | Error, Linux]:
    """Take a frame from the CPU's list of the zone."""
    if not can_take(memory, op):
        return EINVAL, linux
    rule(c.BULK_LIST)
    flags, below = with_cma(op.gfp, ALLOC_WMARK_LOW), flags_at(linux, op.zone)
    pfn, parts = from_pcplist(linux.parts[op.zone], op.cpu, 0, migratetype_of(op.gfp), flags, below, AGAIN)
    return (Page(pfn) if pfn < NOBODY else ENOMEM), with_parts(linux, op.zone, parts)
