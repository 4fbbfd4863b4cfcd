"""The machine ``buddy``: what may be promised and excused, and how our implementation is held against the law.

``buddy_draw`` draws its configurations, ``buddy_generate`` its operations, ``buddy_picture`` its states, ``buddy_align`` moves
zones to where alignment counts from, ``buddy_replay`` follows a real kernel's operations, ``buddy_exact`` foretells them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from mmimpl.physical.buddy import Buddy
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines.physical.buddy_align import moved
from mmprops.machines.physical.buddy_draw import draw, simpler
from mmprops.machines.physical.buddy_exact import follow_exactly
from mmprops.machines.physical.buddy_generate import Generator
from mmprops.machines.physical.buddy_picture import list_name, picture
from mmprops.machines.physical.buddy_replay import follow
from mmprops.machines.physical.buddy_replies import LIMITS, PROGRAMS, block, possible
from mmspec.clause import Clause
from mmspec.errors import refused
from mmspec.linked import members
from mmspec.physical import buddy as law
from mmspec.physical.buddy.core import block_usable
from mmspec.physical.buddy.invariants import list_numbers
from mmspec.physical.buddy.ops import (
    MOVABLE,
    ORDINARY,
    Alloc,
    Config,
    Free,
)  # fmt: skip
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Zone
from mmspec.pmap import Journaled
from mmspec.words import ABSENT, MIGRATETYPES, Pfn, size_of

CAPABILITIES = {
    "observe": Capability(False, "serves free_count and free_blocks", opens=True),
    "batch": Capability(False, "serves several operations in one request", opens=True, ours=False),
    "migratetypes": Capability(False, "alloc takes a migratetype", opens=True),
    "holes": Capability(False, "a zone may have holes", opens=True),
    "pageblocks": Capability(
        False, "serves alloc's flags, take, putback, isolate, unisolate, retype, reserve, unreserve, pageblock_order", opens=True
    ),
    "checked_free": Capability(False, "an unlawful free gets EINVAL and changes nothing", opens=True),
    "checked_alloc": Capability(False, "an order above max_order gets EINVAL", opens=True),
    "min_order": Capability(0, "the smallest order served"),
    "max_order": Capability(10, "the largest order served", ours=12),
    "align": Capability("pfn", 'what alignment counts from: "pfn" is frame 0, "zone" is start_pfn', choices=("pfn", "zone")),
    "power_of_two": Capability(False, "zone sizes are powers of two only"),
    "reserved": Capability(0, "most frames that it keeps for itself"),
    "max_pages": Capability(65536, "the largest zone it takes, in frames", least=1, ours=1 << 20),
    "max_pfn": Capability("0xfffffffffffff", "the largest frame number it takes"),
    "may_fail": Capability(False, "may answer ENOMEM although a block exists"),
}

REQUIRES = {
    "free_count": "observe", "free_blocks": "observe", "take": "pageblocks", "putback": "pageblocks", "isolate": "pageblocks",
    "unisolate": "pageblocks", "retype": "pageblocks", "reserve": "pageblocks", "unreserve": "pageblocks",
}  # fmt: skip


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a configuration, and of an allocation, that a client of these capabilities is sent."""
    if capabilities["min_order"] > capabilities["max_order"]:
        raise ValueError("min_order must not be above max_order")
    config, alloc = ["start_pfn", "end_pfn", "max_order"], ["order"]
    if capabilities["holes"]:
        config.append("holes")
    if capabilities["migratetypes"]:
        alloc.append("migratetype")
    if capabilities["pageblocks"]:
        config.append("pageblock_order")
        alloc.append("flags")
    return {"reset": tuple(config), "alloc": tuple(alloc)}


# --- what capabilities allow ------------------------------------------------------------------------------------------------


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a zone, or None."""
    pages, last = config.end_pfn - config.start_pfn, config.end_pfn - 1
    reasons = {
        f"more than {capabilities['max_pages']} frames": pages > capabilities["max_pages"],
        f"frames above {capabilities['max_pfn']}": last > int(capabilities["max_pfn"], 16),
        "a number of frames that is no power of two": capabilities["power_of_two"] and pages & (pages - 1) != 0,
        f"a max_order below {capabilities['min_order']}": config.max_order < capabilities["min_order"],
        f"a max_order above {capabilities['max_order']}": config.max_order > capabilities["max_order"],
        "holes": bool(config.holes) and not capabilities["holes"],
        "a pageblock_order": config.pageblock_order is not None and not capabilities["pageblocks"],
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def unpromised(zone: Zone, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    if isinstance(request, Alloc):
        above = request.order > zone.span.max_order
        reasons = {
            "an order above max_order": above and not capabilities["checked_alloc"],
            "an order that it does not serve": not above
            and not capabilities["min_order"] <= request.order <= capabilities["max_order"],
            "a migratetype": request.migratetype != MOVABLE and not capabilities["migratetypes"],
            "flags": request.flags != 0 and not capabilities["pageblocks"],
        }
        return next((reason for reason, applies in reasons.items() if applies), None)
    if isinstance(request, Free) and not capabilities["checked_free"]:
        return None if zone.allocated.get(request.pfn, ABSENT) == request.order else "a free of anything but a live allocation"
    return None


# --- what capabilities excuse ----------------------------------------------------------------------------------------------


class Tolerance:
    """ENOMEM of a client that may fail, or that keeps some blocks for itself which it has never handed out."""

    def __init__(self, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.may_fail, self.reserved = capabilities["may_fail"], capabilities["reserved"]
        self.seen: set[Pfn] = set()  # frames handed out since the reset

    def note(self, request: Any, result: Any) -> None:
        """Remember the frames of a block that was handed out."""
        if self.reserved and isinstance(request, Alloc) and not result.failed:
            self.seen.update(range(result.pfn, result.pfn + size_of(request.order)))

    def forgives(self, clause: Clause, zone: Zone, request: Any, result: Any) -> bool:
        """Tell whether an ENOMEM is excused."""
        if clause is not law.clauses.ALLOC_ENOMEM or not refused(result, "ENOMEM"):
            return False
        return self.may_fail or (self.reserved > 0 and self.all_reserved(zone, request))

    def all_reserved(self, zone: Zone, request: Alloc) -> bool:
        """Tell whether every lawful block holds a frame that was never handed out, and there are at most ``reserved``."""
        lawful = 0
        for head, order in zone.free.items():
            for pfn in range(head, head + size_of(order), size_of(request.order)):
                if order < request.order or not block_usable(zone, request.flags, pfn, request.order):
                    continue
                lawful += 1
                if lawful > self.reserved or self.seen.issuperset(range(pfn, pfn + size_of(request.order))):
                    return False
        return True


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def watched(lists: FreeLists, journal: list[Pfn]) -> FreeLists:
    """Return lists that write down at which heads blocks come and go."""
    return attrs.evolve(lists, block=Journaled(lists.block, journal))


def differs(zone: Zone, lists: FreeLists, body: Buddy, keys: Iterable[Pfn]) -> str | None:
    """Compare the blocks at some heads: the list each is on, and its neighbours there."""
    for pfn in keys:
        number = lists.block.get(pfn, UNLISTED)
        if body.list_at(pfn) != number:
            return f"frame {pfn:#x} is on list {named(body.list_at(pfn))}, in Linux on {named(number)}"
        if number != UNLISTED and (lists.links.next[pfn], lists.links.prev[pfn]) != (body.after(pfn), body.before(pfn)):
            return f"block {pfn:#x} is in another place on list {named(number)} than in Linux"
    return None


def recount(zone: Zone, lists: FreeLists, body: Buddy) -> str | None:
    """Compare everything: blocks, lists in order, types, allocations, counts."""
    if dict(lists.block.items()) != dict(body.blocks()):
        return "the listed blocks differ"
    if dict(zone.allocated.items()) != dict(body.allocated()):
        return "the blocks that are handed out differ"
    theirs = body.lists()
    for number in list_numbers(zone, lists):
        if list(members(lists.links, number)) != theirs.get(number, []):
            return f"list {named(number)} is in another order than in Linux"
    for kind in (ORDINARY, *law.state.BINDING):
        if body.frames(kind) != zone.frames.get(kind, 0):
            return f"{body.frames(kind)} free frames are counted for kind {kind}, in Linux {zone.frames.get(kind, 0)}"
    for index in range(
        zone.span.start_pfn >> zone.span.pageblock_order, ((zone.span.end_pfn - 1) >> zone.span.pageblock_order) + 1
    ):
        migratetype = lists.types.get(index, MOVABLE)
        if body.type_at(index) != migratetype:
            return f"pageblock {index:#x} is {MIGRATETYPES[body.type_at(index)]}, in Linux {MIGRATETYPES[migratetype]}"
    for pfn, _ in zone.allocated.items():
        if body.order_movable(pfn) != lists.movable.get(pfn, ABSENT):
            return f"block {pfn:#x} counts as movable here or in Linux, and not in both"
    return None


def named(number: int) -> str:
    """Return a list's name."""
    return "none" if number == UNLISTED else list_name(number)


def small(zone: Zone) -> bool:
    """Tell whether a zone has few enough blocks that asking every invariant costs no more than the program did."""
    return len(zone.free) + len(zone.allocated) <= 64


BUDDY = Machine(
    component=law.BUDDY,
    implementation=Buddy,
    capabilities=CAPABILITIES,
    requires=REQUIRES,
    draw=draw,
    generator=Generator,
    sent=sent,
    simpler=simpler,
    too_much=too_much,
    unpromised=unpromised,
    tolerance=Tolerance,
    weakening=("may_fail",),
    lockstep=Lockstep(watched, differs, recount),
    small=small,
    picture=picture,
    view=moved,
    replay={"blocks": follow, "exact": follow_exactly},
    replies=Replies(possible, block, LIMITS, PROGRAMS),
)
"""The machine."""
