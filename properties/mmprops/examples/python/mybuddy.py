"""A client of mmspec for the machine ``buddy`` (protocol 1): a small binary buddy allocator, and what connects it.

    mmspec conform buddy --client python:mybuddy:Lowest

Put your own allocator in place of ``Buddy``'s second half; keep the first. Which of several free blocks is taken is nobody's
business: the three classes at the end differ in nothing else, and all three conform.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from typing import Any


class Buddy:
    """The zone [start, end): blocks of 2**order frames, aligned to their size counted from frame 0."""

    name = "mybuddy"

    # --- the adapter: JSON values in, JSON values out ---

    def hello(self) -> dict[str, Any]:
        """Say who this is, and what may be asked of it."""
        capabilities = {"checked_free": True, "checked_alloc": True, "observe": True}
        return {"protocol": 1, "name": self.name, "machines": ["buddy"], "capabilities": capabilities}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again from nothing."""
        self.begin(int(config["start_pfn"], 16), int(config["end_pfn"], 16), config["max_order"])
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation."""
        if op == "alloc":
            if args["order"] > self.max_order:
                return {"error": "EINVAL"}
            pfn = self.alloc(args["order"])
            return {"error": "ENOMEM"} if pfn is None else {"result": {"pfn": hex(pfn)}}
        if op == "free":
            return {"result": {}} if self.release(int(args["pfn"], 16), args["order"]) else {"error": "EINVAL"}
        if op == "free_count":
            return {"result": {"count": self.count()}}
        if op == "free_blocks":
            return {"result": {"blocks": [[hex(pfn), order] for pfn, order in self.blocks()]}}
        return {"unsupported": f"unknown operation {op}"}

    def close(self) -> None:
        """Let go of everything."""

    # --- the allocator ---

    def begin(self, start: int, end: int, max_order: int) -> None:
        """Make every frame free."""
        self.start, self.end, self.max_order = start, end, max_order
        self.free: list[list[int]] = [[] for _ in range(max_order + 1)]  # by order: heads of free blocks, ascending
        self.live: dict[int, int] = {}  # heads of blocks that are handed out: their order
        for pfn in range(start, end):
            self.give(pfn, 0)

    def alloc(self, order: int) -> int | None:
        """Hand out a block; None if there is none."""
        found = self.choose(order)
        if found is None:
            return None
        block, have, pfn = found
        self.remove(block, have)
        self.split(block, have, pfn, order)
        self.live[pfn] = order
        return pfn

    def release(self, pfn: int, order: int) -> bool:
        """Take a block back; False, and nothing changes, if it is not one that was handed out."""
        if self.live.get(pfn) != order:
            return False
        del self.live[pfn]
        self.give(pfn, order)
        return True

    def choose(self, order: int) -> tuple[int, int, int] | None:
        """Return a free block, its order, and the frame in it at which to hand out a block of ``order``."""
        raise AssertionError("a placement decides")

    def split(self, block: int, have: int, pfn: int, order: int) -> None:
        """Halve a block in hand until ``pfn`` is left over, and keep the other halves free."""
        while have > order:
            have -= 1
            other = block + (1 << have)
            if pfn >= other:
                block, other = other, block
            self.insert(other, have)

    def give(self, pfn: int, order: int) -> None:
        """Make a block free, joined with its buddy as long as that one is free as a whole."""
        while order < self.max_order and self.is_free(pfn ^ (1 << order), order):
            self.remove(pfn ^ (1 << order), order)
            pfn &= ~(1 << order)
            order += 1
        self.insert(pfn, order)

    def is_free(self, pfn: int, order: int) -> bool:
        """Tell whether there is such a free block."""
        at = bisect_left(self.free[order], pfn)
        return at < len(self.free[order]) and self.free[order][at] == pfn

    def insert(self, pfn: int, order: int) -> None:
        """Add a free block."""
        insort(self.free[order], pfn)

    def remove(self, pfn: int, order: int) -> None:
        """Take a free block away."""
        del self.free[order][bisect_left(self.free[order], pfn)]

    def count(self) -> int:
        """Return the number of free frames."""
        return sum(len(blocks) << order for order, blocks in enumerate(self.free))

    def blocks(self) -> list[tuple[int, int]]:
        """Return the free blocks with their orders."""
        return [(pfn, order) for order, blocks in enumerate(self.free) for pfn in blocks]


class Lowest(Buddy):
    """Takes the lowest frame that will do."""

    name = "mybuddy, lowest address"

    def choose(self, order: int) -> tuple[int, int, int] | None:
        """Take the beginning of the lowest block that is large enough."""
        enough = [(blocks[0], have) for have, blocks in enumerate(self.free) if have >= order and blocks]
        return (*min(enough), min(enough)[0]) if enough else None


class Highest(Buddy):
    """Takes the smallest block that will do, of several the highest, and of that one the end."""

    name = "mybuddy, highest address"

    def choose(self, order: int) -> tuple[int, int, int] | None:
        """Take the end of the highest block of the smallest order that is large enough."""
        for have in range(order, self.max_order + 1):
            if self.free[have]:
                block = self.free[have][-1]
                return block, have, block + (1 << have) - (1 << order)
        return None


class Random(Buddy):
    """Takes any place that will do; the same ones again after each reset."""

    name = "mybuddy, random address"

    def begin(self, start: int, end: int, max_order: int) -> None:
        """Make every frame free, and the choices those of a new client."""
        super().begin(start, end, max_order)
        self.random = random.Random(0)

    def choose(self, order: int) -> tuple[int, int, int] | None:
        """Take any aligned place in any block that is large enough."""
        orders = [have for have in range(order, self.max_order + 1) if self.free[have]]
        if not orders:
            return None
        have = self.random.choice(orders)
        block = self.random.choice(self.free[have])
        return block, have, block + (self.random.randrange(1 << (have - order)) << order)
