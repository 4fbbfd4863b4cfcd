"""The machine ``buddy``: configurations, operations, and how our implementation is held against the law.

A generator looks at the law's zone: it frees what is live, comes back to where it last was, and misuses what it may. Rare
histories are made common by tiny zones: a largest order of 3, pageblocks of two frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.physical.buddy import Buddy
from mmprops.machine import Capability, Lockstep, Machine
from mmprops.machines.physical.buddy_replay import ENGINES
from mmspec.clause import Clause
from mmspec.errors import refused
from mmspec.linked import members
from mmspec.physical import buddy as law
from mmspec.physical.buddy.core import block_over, block_usable, buddy_of
from mmspec.physical.buddy.invariants import list_numbers
from mmspec.physical.buddy.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_NOFRAGMENT,
    ALLOC_OOM,
    MOVABLE,
    Alloc,
    Config,
    Free,
    FreeBlocks,
    FreeCount,
    Isolate,
    Putback,
    Reserve,
    Retype,
    Take,
    Unisolate,
    Unreserve,
)  # fmt: skip
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Zone
from mmspec.pmap import Journaled
from mmspec.words import ABSENT, MIGRATETYPES, PFN_BITS, Order, Pfn, head_of, size_of

CAPABILITIES = {
    "observe": Capability(False, "serves free_count and free_blocks", opens=True),
    "batch": Capability(False, "serves several operations in one request", opens=True),
    "migratetypes": Capability(False, "alloc takes a migratetype", opens=True),
    "holes": Capability(False, "a zone may have holes", opens=True),
    "pageblocks": Capability(
        False, "serves alloc's flags, take, putback, isolate, unisolate, retype, reserve, unreserve, pageblock_order", opens=True
    ),
    "checked_free": Capability(False, "an unlawful free gets EINVAL and changes nothing", opens=True),
    "checked_alloc": Capability(False, "an order above max_order gets EINVAL", opens=True),
    "min_order": Capability(0, "the smallest order served"),
    "max_order": Capability(10, "the largest order served"),
    "align": Capability("pfn", 'what alignment counts from: "pfn" is frame 0, "zone" is start_pfn', choices=("pfn", "zone")),
    "power_of_two": Capability(False, "zone sizes are powers of two only"),
    "reserved": Capability(0, "most frames that it keeps for itself"),
    "max_pages": Capability(65536, "the largest zone it takes, in frames"),
    "max_pfn": Capability("0xfffffffffffff", "the largest frame number it takes"),
    "may_fail": Capability(False, "may answer ENOMEM although a block exists"),
}

REQUIRES = {
    "free_count": "observe", "free_blocks": "observe", "take": "pageblocks", "putback": "pageblocks", "isolate": "pageblocks",
    "unisolate": "pageblocks", "retype": "pageblocks", "reserve": "pageblocks", "unreserve": "pageblocks",
}  # fmt: skip


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a configuration, and of an allocation, that a client of these capabilities is sent."""
    config, alloc = ["start_pfn", "end_pfn", "max_order"], ["order"]
    if capabilities["holes"]:
        config.append("holes")
    if capabilities["migratetypes"]:
        alloc.append("migratetype")
    if capabilities["pageblocks"]:
        config.append("pageblock_order")
        alloc.append("flags")
    return {"reset": tuple(config), "alloc": tuple(alloc)}


# --- configurations ------------------------------------------------------------------------------------------------------

BASES = (0, 0, 0, 1 << 20, 1 << 31, 1 << 32, 1 << 43, 1 << PFN_BITS)
"""Where zones begin: at frame 0, around the widths at which an index wraps, and at the very end."""

SIZES = (16, 64, 256, 1024, 1024, 4096, 16384)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a zone: tiny or large, unaligned, at an edge of the number space, with holes, as far as the capabilities allow."""
    limit = min(int(capabilities["max_pfn"], 16), (1 << PFN_BITS) - 1) + 1
    size = max(1, min(SIZES[header[0] % len(SIZES)], capabilities["max_pages"], limit))
    wanted = (3, 4, 10, 10, 10, 12)[header[1] % 6] if size > 64 else 3 + header[1] % 3
    max_order = max(capabilities["min_order"], min(capabilities["max_order"], wanted))
    start_off, end_off = (header[2] % 16, header[3] % 16) if header[9] & 2 else (0, 0)
    if capabilities["power_of_two"]:
        size, end_off = 1 << (size.bit_length() - 1), 0
    if capabilities["align"] == "zone":
        start_off = 0
    base = head_of(max(0, min(BASES[header[4] % len(BASES)], limit) - 2 * size), max_order)
    start = min(base + start_off, limit - size)
    if capabilities["align"] == "zone":
        start = head_of(start, max_order)
    end = start + max(1, size - end_off)
    holes = draw_holes(header, start, end) if capabilities["holes"] else ()
    pageblock_order = 1 + header[8] % max_order if max_order and capabilities["pageblocks"] and header[9] % 2 else None
    return Config(start, end, max_order, holes, pageblock_order)


def draw_holes(header: bytes, start: Pfn, end: Pfn) -> tuple[tuple[Pfn, Pfn], ...]:
    """Return none, one or two holes strictly inside a zone."""
    holes = []
    at = start + 1
    for low, length in ((header[5], header[6]), (header[7], header[5])):
        first = at + low % 64
        last = min(first + 1 + length % 32, end - 1)
        if low % 2 and first < last:
            holes.append((first, last))
            at = last + 1
    return tuple(holes)


def simpler(config: Config) -> Iterator[Config]:
    """Yield configurations that are simpler than this one: no holes, aligned, at frame 0, small, with few orders."""
    plain = attrs.evolve(config, holes=())
    if config.holes:
        yield plain
    if config.pageblock_order is not None:
        yield attrs.evolve(config, pageblock_order=None)
    for size in (16, 64, 256, 1024):
        if config.end_pfn - config.start_pfn > size:
            yield attrs.evolve(plain, start_pfn=0, end_pfn=size)
            yield attrs.evolve(plain, end_pfn=config.start_pfn + size)
    if config.start_pfn:
        yield attrs.evolve(plain, start_pfn=0, end_pfn=config.end_pfn - config.start_pfn)


# --- operations ------------------------------------------------------------------------------------------------------------

SMALL_ORDERS = (0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3)
ALL_FLAGS = (0, 0, 0, 0, ALLOC_CMA, ALLOC_NOFRAGMENT, ALLOC_HIGHATOMIC, ALLOC_OOM, ALLOC_CMA | ALLOC_NOFRAGMENT, 1 << 20)
TIDES = ((0.1, 0.95), (0.3, 0.8), (0.5, 0.5), (0.7, 0.7), (0.9, 0.9))
"""Between which shares of frames held a zone is filled and drained: a tide serves, splits and merges at every size of block; a
steady zone lives from the heads of its lists."""


class Generator:
    """Makes operations on one zone from records of eight bytes."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.capabilities = config, capabilities
        self.live: list[tuple[Pfn, Order, int]] = []  # block, and the step that handed it out
        self.freed: list[tuple[Pfn, Order, int | None]] = []  # the last few blocks given back, and who handed them out
        self.at: dict[Pfn, int] = {}  # where a live block stands in ``live``
        self.frames = config.end_pfn - config.start_pfn - sum(end - start for start, end in config.holes)
        self.held, self.ebb = 0, False
        self.low, self.high = (share * self.frames for share in TIDES[header[10] % len(TIDES)])
        self.orders = self.order_table(header)
        self.filling, self.draining = self.action_tables(header)
        self.taken: list[tuple[Pfn, Order, int]] = []
        self.giver: int | None = None  # the step that handed out the block being given back

    def order_table(self, header: bytes) -> list[Order]:
        """Return the orders to ask for, each as often as it is wanted: small ones, one favourite, the largest."""
        least, most = self.capabilities["min_order"], min(self.config.max_order, self.capabilities["max_order"])
        favourite = least + header[11] % (max(most - least, 0) + 1)
        table = [*SMALL_ORDERS, *[favourite] * (header[12] % 4), most - most // 3]
        table = [min(max(order, least), most) for order in table]
        return [order for order in table if size_of(order) <= max(1, self.frames // 2)] or [least]

    def action_tables(self, header: bytes) -> tuple[list[Any], list[Any]]:
        """Return what to do while the zone is below its occupancy, and above it: swarm weights from the header."""
        rare: list[Any] = []
        if self.capabilities["checked_free"]:
            rare += [self.misuse] * (1 + header[13] % 2)
        if self.capabilities["checked_alloc"]:
            rare += [self.alloc_above]
        if self.capabilities["observe"]:
            rare += [self.count]
        if self.capabilities["pageblocks"] and header[14] % 2:
            special = [self.take, self.putback, self.isolate, self.unisolate, self.retype, self.reserve, self.unreserve]
            rare += [action for bit, action in enumerate(special) if header[15] >> bit & 1] * 2
        usual = 20 + 3 * len(rare)
        near = [self.free_near] * (usual // 2 if self.low < self.high else 4)
        filling = [self.alloc] * usual + [self.free] * (usual // (20 if self.low < self.high else 3))
        draining = [self.free] * usual + [self.alloc] * (usual // (20 if self.low < self.high else 3))
        return filling + rare, draining + near + rare

    def request(self, record: bytes, zone: Zone) -> tuple[str, Any, Mapping[str, int]] | None:
        """Return the operation that a record stands for in this state."""
        if not any(record):
            return None
        if self.held >= self.high:
            self.ebb = True
        elif self.held <= self.low:
            self.ebb = False
        actions = self.draining if self.ebb else self.filling
        made: tuple[str, Any, Mapping[str, int]] | None = actions[(record[0] | record[7] << 8) % len(actions)](record, zone)
        return made

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember which blocks are live and which were given back last."""
        if result.failed:
            return
        if name == "alloc":
            self.at[result.pfn] = len(self.live)
            self.live.append((result.pfn, request.order, step))
            self.held += size_of(request.order)
        elif name == "take":
            self.taken.append((request.pfn, request.order, step))
            self.held += size_of(request.order)
        elif name in ("free", "putback"):
            self.freed = [(request.pfn, request.order, self.giver), *self.freed[:7]]
            self.giver = None
            self.held -= size_of(request.order)

    # each of the following makes one operation from a record

    def alloc(self, r: bytes, zone: Zone) -> Any:
        """Ask for a block."""
        order = self.orders[r[1] % len(self.orders)]
        migratetype = r[2] % 3 if self.capabilities["migratetypes"] else MOVABLE
        flags = ALL_FLAGS[r[3] % len(ALL_FLAGS)] if self.capabilities["pageblocks"] and r[4] % 2 == 0 else 0
        return "alloc", Alloc(order, migratetype, flags), {}

    def alloc_above(self, r: bytes, zone: Zone) -> Any:
        """Ask for a block of an order that does not exist."""
        return "alloc", Alloc(min(self.config.max_order + 1 + r[1] % 2, ABSENT)), {}

    def drop(self, index: int) -> tuple[Pfn, Order, int]:
        """Take a live block out of the table."""
        block = self.live[index]
        last = self.live.pop()
        if block is not last:
            self.live[index] = last
            self.at[last[0]] = index
        del self.at[block[0]]
        self.giver = block[2]
        return block

    def free(self, r: bytes, zone: Zone) -> Any:
        """Give back a live block, counting from the newest."""
        if not self.live:
            return self.alloc(r, zone)
        pfn, order, step = self.drop(len(self.live) - 1 - (r[1] | r[2] << 8) % len(self.live))
        return "free", Free(pfn, order), {"pfn": step}

    def free_near(self, r: bytes, zone: Zone) -> Any:
        """Give back the buddy of a block that was just given back, if it is live: this is what merges."""
        if self.freed:
            pfn, order, _ = self.freed[r[1] % len(self.freed)]
            index = self.at.get(buddy_of(head_of(pfn, order + r[2] % 2), order + r[2] % 2))
            if index is not None:
                pfn, order, step = self.drop(index)
                return "free", Free(pfn, order), {"pfn": step}
        return self.free(r, zone)

    def misuse(self, r: bytes, zone: Zone) -> Any:
        """Give back what is not a live block: a part, a union, a block given back before, an unaligned or a foreign one."""
        pfn, order, step = self.live[-1 - r[2] % len(self.live)] if self.live else (self.config.start_pfn, 0, None)
        half = max(order - 1, 0)
        again = self.freed[r[2] % len(self.freed)] if self.freed else (pfn, order + 1, step)
        wrong: tuple[tuple[Pfn, Order, int | None], ...] = (
            again, (pfn, order + 1, step), (pfn, half, step), (pfn, (order + 2 + r[3]) % 10, step), (pfn + 1, order, None),
            (pfn + size_of(half), half, None), (buddy_of(pfn, order), order, None), (self.config.end_pfn, 0, None),
            (max(self.config.start_pfn - 1, 0), 0, None),
        )  # fmt: skip
        bad_pfn, bad_order, giver = wrong[r[1] % len(wrong)]
        bad_pfn, bad_order = min(bad_pfn, (1 << PFN_BITS) - 1), min(bad_order, ABSENT)
        if zone.allocated.get(bad_pfn, ABSENT) == bad_order:
            return self.free(r, zone)
        return "free", Free(bad_pfn, bad_order), {} if giver is None else {"pfn": giver}

    def count(self, r: bytes, zone: Zone) -> Any:
        """Look: at the number of free frames, or now and then at all free blocks."""
        return ("free_blocks", FreeBlocks(), {}) if r[1] % 8 == 0 else ("free_count", FreeCount(), {})

    def frame(self, r: bytes) -> Pfn:
        """Return a frame of the zone, or now and then one beside it."""
        frame = self.config.start_pfn + int.from_bytes(r[1:5], "little") % (
            self.config.end_pfn - self.config.start_pfn + r[5] % 2
        )
        return min(frame, (1 << PFN_BITS) - 1)

    def take(self, r: bytes, zone: Zone) -> Any:
        """Take a block that is free, whole or in part."""
        frame = self.frame(r)
        order = block_over(zone.free, frame, 0)
        order = r[6] % 4 if order == ABSENT else max(0, order - r[6] % 2)
        return "take", Take(head_of(frame, order), order), {}

    def putback(self, r: bytes, zone: Zone) -> Any:
        """Put back a block that was taken, or now and then more than that."""
        if not self.taken:
            return self.take(r, zone)
        if r[2] % 4 == 0:
            pfn, order, _ = self.taken[-1]
            return "putback", Putback(pfn, min(order + 1, ABSENT)), {}
        pfn, order, _ = self.taken.pop(r[1] % len(self.taken))
        return "putback", Putback(pfn, order), {}

    def isolate(self, r: bytes, zone: Zone) -> Any:
        """Isolate a pageblock, while most of the zone is not."""
        isolated = sum(kind == law.ops.ISOLATE for _, kind in zone.pageblock.items())
        if isolated * 8 * size_of(zone.span.pageblock_order) > self.frames:
            return self.unisolate(r, zone)
        return "isolate", Isolate(self.frame(r)), {}

    def unisolate(self, r: bytes, zone: Zone) -> Any:
        """End the isolation of a pageblock: of one that is isolated, unless there is none."""
        isolated = sorted(index for index, kind in zone.pageblock.items() if kind == law.ops.ISOLATE)
        pfn = isolated[r[1] % len(isolated)] << zone.span.pageblock_order if isolated else self.frame(r)
        return "unisolate", Unisolate(max(pfn, zone.span.start_pfn), r[6] % len(MIGRATETYPES)), {}

    def retype(self, r: bytes, zone: Zone) -> Any:
        """Change a pageblock's type, often to CMA: only much of it is met with."""
        return "retype", Retype(self.frame(r), (0, 1, 2, 3, 4, 4, 4, 5)[r[6] % 8]), {}

    def reserve(self, r: bytes, zone: Zone) -> Any:
        """Reserve the pageblocks of a live block, or of what is none."""
        if not self.live:
            return self.alloc(r, zone)
        pfn, order, step = self.live[-1 - r[1] % len(self.live)]
        if r[2] % 4 == 0:
            return "reserve", Reserve(pfn, min(order + 1, ABSENT)), {"pfn": step}
        return "reserve", Reserve(pfn, order), {"pfn": step}

    def unreserve(self, r: bytes, zone: Zone) -> Any:
        """End a reservation."""
        return "unreserve", Unreserve(r[1] % 4), {}


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
    for kind in (law.state.ORDINARY, *law.state.BINDING):
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
    return "none" if number == UNLISTED else f"{MIGRATETYPES[number >> 4]} order {number & 15}"


def small(zone: Zone) -> bool:
    """Tell whether a zone has few enough blocks that asking every invariant costs no more than the program did."""
    return len(zone.free) + len(zone.allocated) <= 64


# --- pictures ----------------------------------------------------------------------------------------------------------------


def picture(zone: Zone, lists: FreeLists | None) -> list[str]:
    """Draw the free blocks as one strip an order: ``#`` free, ``.`` not; a column is one frame or, in a large zone, several."""
    span = zone.span
    scale = max(1, -(-(span.end_pfn - span.start_pfn) // 96))
    lines = [f"frames {span.start_pfn:#x} to {span.end_pfn:#x}, {scale} a column"]
    for order in range(span.max_order, -1, -1):
        heads = [pfn for pfn, k in zone.free.items() if k == order]
        if heads:
            strip = ["."] * -(-(span.end_pfn - span.start_pfn) // scale)
            for pfn in heads:
                for column in range((pfn - span.start_pfn) // scale, (pfn - span.start_pfn + size_of(order) - 1) // scale + 1):
                    strip[column] = "#"
            lines.append(f"order {order:2d} {''.join(strip)} {len(heads)}")
    return lines


BUDDY = Machine(
    component=law.BUDDY,
    implementation=Buddy,
    capabilities=CAPABILITIES,
    requires=REQUIRES,
    draw=draw,
    generator=Generator,
    sent=sent,
    simpler=simpler,
    tolerance=Tolerance,
    weakening=("may_fail",),
    lockstep=Lockstep(watched, differs, recount),
    small=small,
    picture=picture,
    replay=ENGINES,
)
"""The machine."""
