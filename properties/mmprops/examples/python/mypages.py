"""A client of mmspec for the machine ``pages`` (protocol 1): two nodes, their zones, and a small allocator of frames behind it.

    mmspec conform pages --client python:mypages:TwoNodes

Put your own allocator in place of ``Frames``; keep the rest. It keeps no watermarks and no per-CPU lists: a request is served
from its node, else from the other, each node's highest zone first.
"""

from __future__ import annotations

from typing import Any

KINDS = ("DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE")
DMA, HIGHMEM, DMA32, MOVABLE, RECLAIMABLE = 1, 2, 4, 8, 16
THISNODE = 0x200000
EINVAL, ENOMEM = {"error": "EINVAL"}, {"error": "ENOMEM"}


class Frames:
    """The free frames of a zone, one by one: the first aligned run that is free is handed out."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.free = bytearray(b"\1") * (end - start)

    def take(self, order: int) -> int | None:
        """Hand out the first run of ``2**order`` free frames that is aligned."""
        size = 1 << order
        wanted = b"\1" * size
        pfn = -(-self.start // size) * size
        while pfn + size <= self.end:
            at = pfn - self.start
            if self.free[at : at + size] == wanted:
                self.free[at : at + size] = bytes(size)
                return pfn
            pfn += size
        return None

    def give(self, pfn: int, order: int) -> None:
        """Take a run back."""
        at = pfn - self.start
        self.free[at : at + (1 << order)] = b"\1" * (1 << order)


class TwoNodes:
    """The zones of two nodes, and the blocks that requests have."""

    name = "mypages"

    # --- the adapter: JSON values in, JSON values out ---

    def hello(self) -> dict[str, Any]:
        """Say who this is, and what may be asked of it."""
        promises = {"max_nodes": 2, "max_pages": 8192, "checked": True, "splits": True}
        return {"protocol": 1, "name": self.name, "machines": ["pages"], "capabilities": promises}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again from nothing: all frames are free."""
        self.nodes, self.max_order = len(config["nodes"]), config["max_order"]
        self.cpus = config["cpus"] * self.nodes
        self.zones: dict[tuple[int, int], Frames] = {}
        for node, one in enumerate(config["nodes"]):
            for zone in one["zones"]:
                frames = Frames(int(zone["start_pfn"], 16), int(zone["end_pfn"], 16))
                self.zones[node, KINDS.index(zone["name"])] = frames
        self.live: dict[int, int] = {}  # orders of blocks, by their first frames
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation."""
        if op == "alloc":
            return self.alloc(args)
        if args.get("cpu", 0) >= self.cpus:
            return dict(EINVAL)
        pfn, order = int(args["pfn"], 16), args["order"]
        if self.live.get(pfn) != order:
            return dict(EINVAL)
        del self.live[pfn]
        if op == "split":
            self.live.update(dict.fromkeys(range(pfn, pfn + (1 << order)), 0))
        else:
            self.free(pfn, order)
        return {"result": {}}

    # --- the allocator ---

    def is_request(self, args: dict[str, Any]) -> bool:
        """Tell whether bits, CPU and node are those of a request."""
        gfp = args["gfp"]
        zone_bits = bool(gfp & DMA) + bool(gfp & HIGHMEM) + bool(gfp & DMA32)
        both = gfp & (MOVABLE | RECLAIMABLE) == MOVABLE | RECLAIMABLE
        return zone_bits <= 1 and not both and args["node"] < self.nodes and args["cpu"] < self.cpus and args["order"] <= 13

    def highest(self, gfp: int) -> int:
        """Return the highest kind of zone that a request may use."""
        if gfp & DMA:
            return 0
        if gfp & DMA32:
            return 1
        if gfp & HIGHMEM:
            return 4 if gfp & MOVABLE else 3
        return 2

    def candidates(self, args: dict[str, Any]) -> list[Frames]:
        """Return the zones that may serve a request, its own node's first, each node's downwards."""
        near = args["node"]
        order = [near] if args["gfp"] & THISNODE else [near, *(n for n in range(self.nodes) if n != near)]
        kinds = range(self.highest(args["gfp"]), -1, -1)
        return [self.zones[n, k] for n in order for k in kinds if args["nodes"] >> n & 1 and (n, k) in self.zones]

    def alloc(self, args: dict[str, Any]) -> dict[str, Any]:
        """Hand a block out."""
        if not self.is_request(args):
            return dict(EINVAL)
        if args["order"] > self.max_order:
            return dict(ENOMEM)
        for zone in self.candidates(args):
            pfn = zone.take(args["order"])
            if pfn is not None:
                self.live[pfn] = args["order"]
                return {"result": {"pfn": hex(pfn)}}
        return dict(ENOMEM)

    def free(self, pfn: int, order: int) -> None:
        """Take a block back."""
        for zone in self.zones.values():
            if zone.start <= pfn < zone.end:
                zone.give(pfn, order)

    def close(self) -> None:
        """Nothing to give back."""


class Ranges(TwoNodes):
    """Also lets one request have a range of frames: what is nobody's in an isolated pageblock is put aside."""

    name = "mypages with ranges"

    def hello(self) -> dict[str, Any]:
        """Promise ranges; and drains, of CPUs that hold nothing."""
        told = super().hello()
        return {**told, "capabilities": {**told["capabilities"], "contig": True, "drains": True}}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again: nothing is isolated."""
        self.block = config["pageblock_order"]
        self.coarse = 3 <= self.block >= config["huge_order"]
        self.aside: dict[int, set[int]] = {}  # frames that are nobody's, by isolated pageblock
        return super().reset(machine, config)

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation."""
        if op in ("isolate_range", "contig", "undo_range"):
            return self.range_of(op, args, int(args["start"], 16), int(args["end"], 16))
        if op.startswith(("drain", "refresh")):
            zone = args.get("zone")
            there = args["cpu"] < self.cpus and (zone is None or (zone // 8 < self.nodes and zone % 8 < len(KINDS)))
            return {"result": {}} if there else dict(EINVAL)
        return super().apply(op, args)

    def range_of(self, op: str, args: dict[str, Any], start: int, end: int) -> dict[str, Any]:
        """Isolate, take, or undo the isolation of a range."""
        zone = next((zone for zone in self.zones.values() if zone.start <= start < end <= zone.end), None)
        if zone is None or args["cpu"] >= self.cpus or not self.coarse:
            return dict(EINVAL)
        blocks = range(start >> self.block, ((end - 1) >> self.block) + 1)
        if op == "contig":
            return self.contig(blocks, range(start, end))
        isolated = [at for at in blocks if at in self.aside]
        if args["migratetype"] != "MOVABLE" and (op == "isolate_range" or isolated or args["migratetype"] != "CMA"):
            return dict(EINVAL)
        return self.isolate(zone, blocks) if op == "isolate_range" else self.undo(isolated)

    def isolate(self, zone: Frames, blocks: range) -> dict[str, Any]:
        """Put the frames of pageblocks aside, if all of them are nobody's."""
        size = 1 << self.block
        frames = range(blocks.start * size, blocks.stop * size)
        inside = zone.start <= frames.start and frames.stop <= zone.end
        if not inside or any(at in self.aside for at in blocks):
            return {"error": "EBUSY"}
        if not all(zone.free[frames.start - zone.start : frames.stop - zone.start]):
            return {"error": "EBUSY"}
        zone.free[frames.start - zone.start : frames.stop - zone.start] = bytes(len(frames))
        self.aside.update({at: set(range(at * size, (at + 1) * size)) for at in blocks})
        return {"result": {}}

    def contig(self, blocks: range, frames: range) -> dict[str, Any]:
        """Hand frames that were put aside out, each by itself."""
        if not all(pfn in self.aside.get(pfn >> self.block, ()) for pfn in frames):
            return {"error": "EBUSY"}
        for at in blocks:
            self.aside[at].difference_update(frames)
        self.live.update(dict.fromkeys(frames, 0))
        return {"result": {}}

    def undo(self, blocks: list[int]) -> dict[str, Any]:
        """Let pageblocks hand out again."""
        for at in blocks:
            for pfn in self.aside.pop(at):
                super().free(pfn, 0)
        return {"result": {}}

    def free(self, pfn: int, order: int) -> None:
        """Take a block back, frame by frame: aside where its pageblock is isolated."""
        for frame in range(pfn, pfn + (1 << order)):
            aside = self.aside.get(frame >> self.block)
            if aside is None:
                super().free(frame, 0)
            else:
                aside.add(frame)


class Reuses(Ranges):
    """Wrong: what comes back of an isolated pageblock is handed out again."""

    name = "mypages that reuses"

    def free(self, pfn: int, order: int) -> None:
        """Take a block back as if nothing were isolated."""
        TwoNodes.free(self, pfn, order)


class Strays(TwoNodes):
    """Wrong: forgets that some requests must stay on their node."""

    name = "mypages that strays"

    def candidates(self, args: dict[str, Any]) -> list[Frames]:
        """Return the zones of all nodes."""
        return super().candidates({**args, "gfp": args["gfp"] & ~THISNODE})


class Forgets(TwoNodes):
    """Wrong: takes the first half of a block back."""

    name = "mypages that forgets"

    def free(self, pfn: int, order: int) -> None:
        """Take a part of a block back, and a frame behind it."""
        super().free(pfn, order)
        if order == 2:
            super().free(pfn + 4, 0)
