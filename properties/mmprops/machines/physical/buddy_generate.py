"""Operations of the machine ``buddy``, made from bytes while looking at the law's zone.

What is live is freed, also where a buddy was freed just before; what may be misused is; zones fill and drain; now and then a
sweep asks for the whole of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmspec.physical import buddy as law
from mmspec.physical.buddy.core import block_over, buddy_of
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
from mmspec.physical.buddy.state import Zone
from mmspec.words import ABSENT, MIGRATETYPES, PFN_BITS, Order, Pfn, head_of, size_of

SMALL_ORDERS = (0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3)
ALL_FLAGS = (0, 0, 0, 0, ALLOC_CMA, ALLOC_NOFRAGMENT, ALLOC_HIGHATOMIC, ALLOC_OOM, ALLOC_CMA | ALLOC_NOFRAGMENT, 1 << 20)
TIDES = ((0.1, 0.95), (0.3, 0.8), (0.5, 0.5), (0.7, 0.7), (0.9, 0.9))
"""Between which shares of frames held a zone is filled and drained: a tide serves, splits and merges at every size of block; a
steady zone lives from the heads of its lists."""
CALM = 128
"""At least so many operations lie between two sweeps."""
CLAIMS = 32
"""A zone of more blocks of the largest order is not swept: that would take the rest of a program."""
PLACES = 3
"""At so many places a sweep takes a block apart."""

Made = tuple[str, Any, Mapping[str, int]]
"""An operation's name, its request, and the steps that its fields refer to."""


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
        self.record = b""  # the one that an operation is being made from
        self.calm = CALM if header[13] & 2 else 0  # operations since the last sweep
        self.sweeping: Iterator[Made] | None = None

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

    def request(self, record: bytes, zone: Zone) -> Made | None:
        """Return the operation that a record stands for in this state."""
        if not any(record):
            return None
        self.record = record
        if self.held >= self.high:
            self.ebb = True
        elif self.held <= self.low:
            self.ebb = False
        swept = self.swept()
        if swept is not None:
            return swept
        self.calm += 1
        actions = self.draining if self.ebb else self.filling
        made: Made | None = actions[(record[0] | record[7] << 8) % len(actions)](record, zone)
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

    # a sweep makes operations until it ends: each from the record at hand, whichever that is

    def swept(self) -> Made | None:
        """Return the next operation of a sweep: of the one under way, or of a new one where the zone is nearly empty."""
        if self.sweeping is None:
            nearly_empty = not self.live or (self.low < self.high and self.held <= self.low)
            if self.calm < CALM or not nearly_empty or not self.largest():
                return None
            self.sweeping = self.sweep()
        made = next(self.sweeping, None)
        if made is None:
            self.sweeping, self.calm = None, 0
        return made

    def largest(self) -> Order:
        """Return the largest order that a sweep asks for; 0 if it would have to ask too often, or for single frames alone."""
        most = min(self.config.max_order, self.capabilities["max_order"], self.frames.bit_length())
        return most if most > self.capabilities["min_order"] and self.frames >> most <= CLAIMS else 0

    def sweep(self) -> Iterator[Made]:
        """Give everything back, claim the whole zone in the largest blocks there are, and take some of them apart.

        Any merge that is missing is missed here at the latest: the zone is whole again, and so is all that is claimed. And where
        only one block is free, no client chooses where a request is served: both ends of the zone are met with.
        """
        while self.live:
            yield self.give(int.from_bytes(self.record[1:3], "little") % len(self.live))
        while self.taken:
            taken = self.taken.pop()
            yield "putback", Putback(taken[0], taken[1]), {}
        least = self.capabilities["min_order"]
        if self.capabilities["observe"]:
            yield "free_count", FreeCount(), {}
            yield "free_blocks", FreeBlocks(), {}
        for order in range(self.largest(), least - 1, -1):
            before = -1
            while len(self.live) != before and (self.held < self.frames or order == least):
                before = len(self.live)
                yield "alloc", Alloc(order), {}
        start, end = self.config.start_pfn, self.config.end_pfn
        for _ in range(PLACES):
            places = (start, end - 1, (start + end) // 2, start + int.from_bytes(self.record[4:7], "little") % (end - start))
            yield from self.take_apart(places[self.record[3] % len(places)])

    def take_apart(self, place: Pfn) -> Iterator[Made]:
        """Give back the block at a frame, claim it in halves, do so with the half at that frame, and so on down; then make it
        whole and claim it.
        """
        least = self.capabilities["min_order"]

        def distance(block: tuple[Pfn, Order, int]) -> int:
            return max(block[0] - place, place - block[0] - size_of(block[1]) + 1)

        nearest = min((block for block in self.live if block[1] > least), key=distance, default=None)
        if nearest is None:
            return
        order = nearest[1]
        yield self.give(self.at[nearest[0]])
        pieces: list[Pfn] = []
        for half in range(order - 1, least - 1, -1):
            halves = []
            for _ in range(2):
                before = len(self.live)
                yield "alloc", Alloc(half), {}
                halves += self.live[before:]
            if half > least and halves:
                nearest = min(halves, key=distance)
                halves.remove(nearest)
                yield self.give(self.at[nearest[0]])
            pieces += [block[0] for block in halves]
        while pieces:
            yield self.give(self.at[pieces.pop(int.from_bytes(self.record[1:3], "little") % len(pieces))])
        yield "alloc", Alloc(order), {}

    def give(self, index: int) -> Made:
        """Give back a live block."""
        pfn, order, step = self.drop(index)
        return "free", Free(pfn, order), {"pfn": step}

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
        return self.give(len(self.live) - 1 - (r[1] | r[2] << 8) % len(self.live))

    def free_near(self, r: bytes, zone: Zone) -> Any:
        """Give back the buddy of a block that was just given back, if it is live: this is what merges."""
        if self.freed:
            pfn, order, _ = self.freed[r[1] % len(self.freed)]
            index = self.at.get(buddy_of(head_of(pfn, order + r[2] % 2), order + r[2] % 2))
            if index is not None:
                return self.give(index)
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
        """Return a frame of the zone, or now and then the one before or behind it."""
        start, end = self.config.start_pfn, self.config.end_pfn
        if r[5] % 8 == 1:
            return start - 1 if start and r[1] % 2 else min(end, (1 << PFN_BITS) - 1)
        return start + int.from_bytes(r[1:5], "little") % (end - start)

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
