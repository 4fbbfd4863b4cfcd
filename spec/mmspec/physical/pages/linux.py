"""How Linux goes about it: ``X_choose`` returns the answer, and its parts after it (6.12.117; where 6.1 differs, by version)."""

from __future__ import annotations

from typing import Any

import attrs

from mmspec.clause import rule
from mmspec.loop import Loop
from mmspec.physical.buddy.kinds import reserve_apply
from mmspec.physical.buddy.linux import forget_movable, reserve_choose
from mmspec.physical.buddy.lists import NOBODY
from mmspec.physical.buddy.ops import Reserve
from mmspec.physical.buddy.state import FreeLists
from mmspec.physical.page_alloc.core import highest_of
from mmspec.physical.page_alloc.flags import with_cma
from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_HIGHATOMIC,
    ALLOC_NO_WATERMARKS,
    GFP_MOVABLE,
    GFP_RECLAIMABLE,
    AllocFlags,
    Gfp,
    Node,
    NodeSet,
)
from mmspec.physical.page_alloc.state import Memory as Counts
from mmspec.physical.page_alloc.state import Paths, Scan
from mmspec.physical.page_alloc.walk import (
    anew,
    eligible_at,
    leaves_node,
    passed_by,
    place_zone,
    scan_of,
    taking,
    try_zone,
    walk_left,
    walk_more,
)
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.core import apart, can_alloc, is_asked, is_cpu, is_live, leaks
from mmspec.physical.pages.initial import told
from mmspec.physical.pages.ops import (
    DONE,
    EINVAL,
    ENOMEM,
    NOWHERE,
    Alloc,
    Answer,
    Cpu,
    Done,
    Drain,
    DrainAll,
    DrainZone,
    Error,
    Free,
    Page,
    Refresh,
    Split,
    Unreserve,
    Zone,
    ZoneEnd,
)
from mmspec.physical.pages.parts import drained, refreshed, rmqueue, to_cpu, turned_back, with_free
from mmspec.physical.pages.state import Linux, Memory, Parts, cpus_of, zone_of
from mmspec.physical.pcp import ops as of_pcp
from mmspec.physical.watermarks.core import zone_ok
from mmspec.physical.watermarks.linux import mark_at, reserve_at
from mmspec.physical.watermarks.ops import MOVABLE as MOVABLE_ZONE
from mmspec.physical.watermarks.ops import WMARK_HIGH
from mmspec.physical.zones.state import is_zone, node_of
from mmspec.words import Count, Flags, Link, Migratetype, Order, Pfn, size_of


def with_parts(linux: Linux, zone: Zone, parts: Parts) -> Linux:
    """Return Linux's parts after something moved in a zone; only what the free lists have is counted."""
    if parts.zone.frames == linux.parts[zone].zone.frames:
        return Linux(linux.kernel, linux.memory, linux.paths, linux.parts.set(zone, parts))
    return told(linux, zone, parts)


# --- alloc -----------------------------------------------------------------------------------------------------------


def migratetype_of(gfp: Gfp) -> Migratetype:
    """Return the type of a request (include/linux/gfp.h:gfp_migratetype, v6.12)."""
    return (gfp & (GFP_MOVABLE | GFP_RECLAIMABLE)) >> 3


def flags_at(linux: Linux, zone: Zone) -> Flags:
    """Return the flags of a zone that its per-CPU lists go by."""
    return of_pcp.BELOW_HIGH if linux.paths.below.get(zone, False) else 0


def scan_at(linux: Linux, gfp: Gfp, order: Order, flags: AllocFlags, node: Node, nodes: NodeSet) -> Scan:
    """Return the scan of a request, at its preferred zone, within no cpuset and with no limit of dirty pages."""
    return scan_of(linux.paths.lists, gfp, order, flags, node, nodes, highest_of(gfp), ALL_NODES, 0, 0, 0, 0)


def look_more(linux: Linux, scan: Scan, cpu: Cpu, found: Link) -> bool:
    """Tell whether no block was found, and a place is left, or the way anew."""
    return (found >= NOBODY) & walk_more(linux.memory, linux.paths, scan)


def tested(memory: Counts, paths: Paths, scan: Scan, zone: Zone) -> tuple[Paths, Scan, bool]:
    """Hold a zone against its marks; the last tells whether a block may be taken from it."""
    noted, after = try_zone(memory, paths, scan, zone)
    if after.taken < NOWHERE:
        return noted, after, True
    rule(c.NO_MARKS)
    return noted, after, scan.flags & ALLOC_NO_WATERMARKS != 0


def look_step(linux: Linux, scan: Scan, cpu: Cpu, found: Link) -> tuple[Any, ...]:
    """Try the zone at this place, and take a block from it if it passes its test."""
    lists = linux.paths.lists
    if scan.place >= scan.end:
        rule(c.ANEW)
        return linux, anew(scan), cpu, found
    if not eligible_at(lists, scan, scan.place):
        return linux, passed_by(scan), cpu, found
    zone = place_zone(lists, scan.node, scan.place)
    if leaves_node(linux.memory, lists, scan, zone):
        return linux, anew(scan), cpu, found
    noted, after, passed = tested(linux.memory, linux.paths, scan, zone)
    linux = Linux(linux.kernel, linux.memory, noted, linux.parts)
    if not passed:
        return linux, after, cpu, found
    pfn, parts = rmqueue(linux.parts[zone], cpu, scan.order, migratetype_of(scan.gfp), scan.flags, flags_at(linux, zone))
    linux = with_parts(linux, zone, parts)
    if pfn < NOBODY:
        return linux, after if after.taken == zone else taking(scan, zone), cpu, pfn
    rule(c.TRIES_NEXT)
    return linux, passed_by(scan), cpu, pfn


def look_left(linux: Linux, scan: Scan, cpu: Cpu, found: Link) -> int:
    """Return how many places are left, once more all of them if the request may begin anew, and that nothing was taken yet."""
    return walk_left(linux.memory, linux.paths, scan)


LOOK = Loop("look", look_more, look_step, look_left)


def alloc_choose(memory: Memory, linux: Linux, op: Alloc) -> tuple[Page | Error, Linux]:
    """Return the block that Linux hands out."""
    if not can_alloc(memory, op):
        return EINVAL, linux
    if op.order > memory.max_order:
        return ENOMEM, linux
    scan = scan_at(linux, op.gfp, op.order, with_cma(op.gfp, op.flags), op.node, op.nodes)
    pfn: Link
    linux, scan, _, pfn = LOOK.run(linux, scan, op.cpu, NOBODY)
    if pfn >= NOBODY:
        return ENOMEM, linux
    if scan.flags & ALLOC_HIGHATOMIC:
        linux = reserved(linux, scan.taken, pfn, op.order)
    return Page(pfn), linux


def may_reserve(linux: Linux, parts: Parts, zone: Zone) -> bool:
    """Tell whether another pageblock of a zone may be reserved."""
    share: Count = linux.memory.machine.managed.get(zone, 0) // 100
    size: Count = size_of(parts.zone.span.pageblock_order)
    if linux.kernel < 612:
        rule(c.RESERVE_61)
        return parts.reserved < share + size
    rule(c.RESERVE_SMALL)
    if share < size:
        return False
    rule(c.RESERVE_CAP)
    return parts.reserved < (share + size - 1) // size * size


def reserved(linux: Linux, zone: Zone, pfn: Pfn, order: Order) -> Linux:
    """Return Linux's parts with the block's pageblocks reserved, if they may be (reserve_highatomic_pageblock)."""
    parts = linux.parts[zone]
    if not may_reserve(linux, parts, zone):
        return linux
    op = Reserve(pfn, order)
    done, lists = reserve_choose(parts.zone, parts.lists, op)
    if done.failed:
        return linux
    rule(c.RESERVE)
    count = parts.reserved + max(size_of(parts.zone.span.pageblock_order), size_of(order))
    frames = reserve_apply(parts.zone, op, done)
    return told(linux, zone, Parts(frames, lists, parts.pages, parts.pcp, parts.stat, parts.cells, count))


# --- free, split -----------------------------------------------------------------------------------------------------


def free_choose(memory: Memory, linux: Linux, op: Free) -> tuple[Done | Error, Linux]:
    """Take a block back (mm/page_alloc.c:free_unref_page, v6.12)."""
    if not is_cpu(memory, op.cpu) or not is_live(memory, op.pfn, op.order):
        return EINVAL, linux
    zone = zone_of(memory, op.pfn)
    if leaks(memory, op):
        return DONE, leaked(linux, zone, op.pfn)
    back, parts = to_cpu(linux.parts[zone], op.cpu, op.pfn, op.order, flags_at(linux, zone))
    linux = with_parts(linux, zone, parts)
    return DONE, raised(linux, zone) if back else linux


def leaked(linux: Linux, zone: Zone, pfn: Pfn) -> Linux:
    """Return Linux's parts with a block that is on no list any more: to the free lists it stays handed out."""
    parts = linux.parts[zone]
    after = with_free(parts, parts.zone, forget_movable(parts.lists, pfn))
    return Linux(linux.kernel, linux.memory, linux.paths, linux.parts.set(zone, after))


def raised(linux: Linux, zone: Zone) -> Linux:
    """Return Linux's notes with a zone no longer known to be below HIGH if it is above."""
    if not linux.paths.below.get(zone, False):
        return linux
    rule(c.ABOVE_AGAIN)
    machine, marks = linux.memory.machine, linux.paths.marks
    mark, reserve = mark_at(marks, zone, WMARK_HIGH), reserve_at(marks, zone, MOVABLE_ZONE)
    if not zone_ok(machine, zone, 0, mark, reserve, 0, machine.free.get(zone, 0)):
        return linux
    paths = linux.paths
    known = Paths(paths.kernel, paths.lists, paths.marks, paths.below.set(zone, False))
    return Linux(linux.kernel, linux.memory, known, linux.parts)


def split_choose(memory: Memory, linux: Linux, op: Split) -> tuple[Done | Error, Linux]:
    """Make single frames of a block; to the free lists they were handed out singly."""
    if not is_live(memory, op.pfn, op.order):
        return EINVAL, linux
    zone = zone_of(memory, op.pfn)
    parts = linux.parts[zone]
    lists = parts.lists
    if op.pfn in lists.movable:
        lists = attrs.evolve(lists, movable=apart_movable(lists, op.pfn, op.order))
    frames = apart(parts.zone, op.pfn, op.order)
    after = Parts(frames, lists, parts.pages, parts.pcp, parts.stat, parts.cells, parts.reserved)
    return DONE, Linux(linux.kernel, linux.memory, linux.paths, linux.parts.set(zone, after))


def apart_movable(lists: FreeLists, pfn: Pfn, order: Order) -> Any:
    """Return which frames can be moved after a block of such is split."""
    movable = lists.movable
    for frame in range(pfn, pfn + size_of(order)):
        movable = movable.set(frame, 0)
    return movable


# --- drains, refresh, unreserve --------------------------------------------------------------------------------------


def drain_step(linux: Linux, zone: ZoneEnd, owner: Cpu, cpu: Cpu) -> Linux:
    """Return Linux's parts after a CPU's drain of one zone, if there is such a zone."""
    if zone not in linux.parts:
        return linux
    return with_parts(linux, zone, drained(linux.parts[zone], owner, cpu))


def drained_cpu(memory: Memory, linux: Linux, owner: Cpu, cpu: Cpu) -> Linux:
    """Return Linux's parts after a CPU gave back what it holds, zone by zone."""
    rule(c.DRAIN_CPU)
    for zone in range(memory.topology.nodes << 3):
        linux = drain_step(linux, zone, owner, cpu)
    return linux


def drain_choose(memory: Memory, linux: Linux, op: Drain) -> tuple[Done | Error, Linux]:
    """Drain a CPU."""
    if not is_cpu(memory, op.cpu):
        return EINVAL, linux
    return DONE, drained_cpu(memory, linux, op.cpu, op.cpu)


def drain_zone_choose(memory: Memory, linux: Linux, op: DrainZone) -> tuple[Done | Error, Linux]:
    """Drain all CPUs of a zone's blocks."""
    if not is_cpu(memory, op.cpu) or op.zone >= NOWHERE or not is_zone(memory.topology, op.zone):
        return EINVAL, linux
    rule(c.DRAIN_ZONE)
    for owner in range(cpus_of(memory)):
        linux = drain_step(linux, op.zone, owner, op.cpu)
    return DONE, linux


def drain_all_choose(memory: Memory, linux: Linux, op: DrainAll) -> tuple[Done | Error, Linux]:
    """Drain all CPUs."""
    if not is_cpu(memory, op.cpu):
        return EINVAL, linux
    rule(c.DRAIN_ALL)
    for owner in range(cpus_of(memory)):
        linux = drained_cpu(memory, linux, owner, op.cpu)
    return DONE, linux


def refresh_choose(memory: Memory, linux: Linux, op: Refresh) -> tuple[Done | Error, Linux]:
    """Let a CPU hand over what it counted, and what it need not hold."""
    if not is_cpu(memory, op.cpu):
        return EINVAL, linux
    for zone in range(memory.topology.nodes << 3):
        if zone in linux.parts:
            remote = of_pcp.REMOTE if node_of(zone) != op.cpu // memory.cpus else 0
            linux = told(linux, zone, refreshed(linux.parts[zone], op.cpu, remote))
    return DONE, linux


def turn_more(linux: Linux, scan: Scan, cpu: Cpu, force: int) -> bool:
    """Tell whether no pageblock was turned back, and a place is left."""
    return (scan.taken == NOWHERE) & (scan.place < scan.end)


def turn_step(linux: Linux, scan: Scan, cpu: Cpu, force: int) -> tuple[Any, ...]:
    """Turn a pageblock of the zone at this place back, if it has one to spare."""
    zone = place_zone(linux.paths.lists, scan.node, scan.place)
    if not eligible_at(linux.paths.lists, scan, scan.place):
        return linux, passed_by(scan), cpu, force
    parts = linux.parts[zone]
    rule(c.UNRESERVE_LAST)
    if force == 0 and parts.reserved <= size_of(parts.zone.span.pageblock_order):
        return linux, passed_by(scan), cpu, force
    size, after = turned_back(parts, migratetype_of(scan.gfp))
    if size == 0:
        return linux, passed_by(scan), cpu, force
    rule(c.UNRESERVE)
    return told(linux, zone, after), taking(scan, zone), cpu, force


def turn_left(linux: Linux, scan: Scan, cpu: Cpu, force: int) -> int:
    """Return how many places are left, and that no pageblock was turned back yet."""
    return scan.end - scan.place + (scan.taken == NOWHERE)


TURN = Loop("turn", turn_more, turn_step, turn_left)


def unreserve_choose(memory: Memory, linux: Linux, op: Unreserve) -> tuple[Answer | Error, Linux]:
    """Turn a HIGHATOMIC pageblock back."""
    if not is_asked(memory, op.cpu, op.gfp, op.node):
        return EINVAL, linux
    scan = scan_at(linux, op.gfp, 0, 0, op.node, op.nodes)
    linux, scan, _, _ = TURN.run(linux, scan, op.cpu, op.force)
    return Answer(0 if scan.taken == NOWHERE else 1), linux
