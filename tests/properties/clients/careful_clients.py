"""Correct buddy allocators that promise less, or something else, than the examples, and insist on being asked no more than that.

An assertion that fails here is a dead client: the harness has asked for what was never promised.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, ClassVar

from mmprops.examples.python.mybuddy import Buddy, Highest, Lowest


class Careful(Lowest):
    """Promises nothing: only lawful requests of orders 0 to 10, on zones of any bounds without holes."""

    capabilities: ClassVar[dict[str, Any]] = {}

    def hello(self) -> dict[str, Any]:
        return super().hello() | {"name": type(self).__name__, "capabilities": self.capabilities}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        capabilities = self.capabilities
        start, end = int(config["start_pfn"], 16), int(config["end_pfn"], 16)
        assert machine == "buddy"
        assert list(config) == ["start_pfn", "end_pfn", "max_order", *(["holes"] if "holes" in capabilities else [])]
        assert 0 <= start < end <= int(capabilities.get("max_pfn", "0xfffffffffffff"), 16) + 1
        assert end - start <= capabilities.get("max_pages", 65536)
        assert config["max_order"] <= capabilities.get("max_order", 10)
        return super().reset(machine, config)

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        capabilities = self.capabilities
        if op == "alloc":
            assert list(args) == ["order", *(["migratetype"] if "migratetypes" in capabilities else [])]
            assert args["order"] >= capabilities.get("min_order", 0)
            assert args["order"] <= self.max_order or "checked_alloc" in capabilities
        elif op == "free":
            assert self.live.get(int(args["pfn"], 16)) == args["order"] or "checked_free" in capabilities
        else:
            assert "observe" in capabilities
        return super().apply(op, args)


class Observed(Careful):
    """Can be looked at."""

    capabilities: ClassVar = {"observe": True}


class Checked(Careful):
    """Can be misused, and not looked at."""

    capabilities: ClassVar = {"checked_free": True, "checked_alloc": True}


class LargeOrders(Careful):
    """Serves orders 2 to 6."""

    capabilities: ClassVar = {"min_order": 2, "max_order": 6, "observe": True}


class Small(Careful):
    """Takes small zones at low frames only."""

    capabilities: ClassVar = {"max_pages": 100, "max_pfn": "0xfff", "observe": True}


class PowersOfTwo(Careful):
    """Takes zones of 2**n frames only."""

    capabilities: ClassVar = {"power_of_two": True, "observe": True}

    def begin(self, start: int, end: int, max_order: int) -> None:
        assert (end - start).bit_count() == 1
        super().begin(start, end, max_order)


class ZoneAligned(Careful):
    """Counts alignment from the start of the zone, and says so."""

    capabilities: ClassVar = {"align": "zone", "observe": True, "checked_free": True}
    unaligned: ClassVar[list[int]] = []
    base = 0

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        self.base = int(config["start_pfn"], 16)
        if self.base % (1 << config["max_order"]):
            self.unaligned.append(self.base)
        return super().reset(machine, config)

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(0, end - start, max_order)

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        if op == "free":
            args = args | {"pfn": hex(int(args["pfn"], 16) - self.base)}
        reply = super().apply(op, args)
        result = reply.get("result", {})
        if "pfn" in result:
            result["pfn"] = hex(int(result["pfn"], 16) + self.base)
        if "blocks" in result:
            result["blocks"] = [[hex(int(pfn, 16) + self.base), order] for pfn, order in result["blocks"]]
        return reply


class Reserving(Careful):
    """Keeps the first three frames of every zone for itself."""

    capabilities: ClassVar = {"reserved": 3, "checked_free": True}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(min(start + 3, end), end, max_order)


class Holed(Careful):
    """Takes zones with holes."""

    capabilities: ClassVar = {"holes": True, "observe": True, "checked_free": True}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        self.holes = [(int(start, 16), int(end, 16)) for start, end in config["holes"]]
        return super().reset(machine, config)

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, start, max_order)
        for pfn in range(start, end):
            if not any(first <= pfn < last for first, last in self.holes):
                self.give(pfn, 0)


class Typed(Careful):
    """Takes a migratetype for the hint that it is."""

    capabilities: ClassVar = {"migratetypes": True, "observe": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        assert args.get("migratetype", "MOVABLE") in ("UNMOVABLE", "MOVABLE", "RECLAIMABLE")
        return super().apply(op, args)


class Failing(Careful):
    """Fails now and then, and says so."""

    capabilities: ClassVar = {"may_fail": True, "observe": True}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.random = random.Random(0)

    def alloc(self, order: int) -> int | None:
        return None if self.random.random() < 0.1 else super().alloc(order)


class Deferring(Careful, Highest):
    """Merges only when a block is missing or somebody looks: which lists it keeps is its own business."""

    capabilities: ClassVar = {"observe": True, "checked_free": True}

    def release(self, pfn: int, order: int) -> bool:
        if self.live.get(pfn) != order:
            return False
        del self.live[pfn]
        self.insert(pfn, order)
        return True

    def merge(self) -> None:
        """Join what can be joined."""
        blocks = Buddy.blocks(self)
        self.free = [[] for _ in self.free]
        for pfn, order in blocks:
            self.give(pfn, order)

    def alloc(self, order: int) -> int | None:
        pfn = super().alloc(order)
        if pfn is None:
            self.merge()
            pfn = super().alloc(order)
        return pfn

    def blocks(self) -> list[tuple[int, int]]:
        self.merge()
        return super().blocks()


class Batching(Careful):
    """Takes several operations at once."""

    capabilities: ClassVar = {"batch": True, "observe": True, "checked_free": True}
    batches = 0

    def batch(self, ops: Sequence[Any]) -> list[dict[str, Any]]:
        replies: list[dict[str, Any]] = []
        Batching.batches += 1
        for op, args in ops:
            pfn = args.get("pfn")
            if isinstance(pfn, dict):
                named = replies[pfn["ref"]].get("result")
                if named is None:
                    replies.append({"error": "EREF"})
                    continue
                pfn = named["pfn"]
            replies.append(self.apply(op, args if pfn is None else args | {"pfn": pfn}))
        return replies


CAREFUL: tuple[type[Careful], ...] = (
    Careful, Observed, Checked, LargeOrders, Small, PowersOfTwo, ZoneAligned, Reserving, Holed, Typed, Failing, Deferring,
    Batching,
)  # fmt: skip
"""All of them."""
