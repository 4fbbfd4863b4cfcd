"""A client of mmspec for the machine ``page_alloc`` (protocol 1): two nodes, each with its zones, and what connects it.

    mmspec conform page_alloc --client python:mypage_alloc:TwoNodes

Put your own allocator in place of the second half of ``TwoNodes``; keep the first. It keeps no watermarks: a request is served
from its node, else from the other, and what finds nothing reclaims once. ``Homesick`` reclaims before it goes to the other node.
"""

from __future__ import annotations

from typing import Any

KINDS = ("DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE")
DMA, HIGHMEM, DMA32, MOVABLE, RECLAIMABLE = 1, 2, 4, 8, 16
DIRECT_RECLAIM, NOFAIL, THISNODE = 0x400, 0x8000, 0x200000
NOWHERE = 64
"""Stands for no zone; a zone is ``node * 8 + kind``."""
MOST_ORDER = 13
"""An order above it is refused, one above the machine's own fails."""


class TwoNodes:
    """What is free in each zone of two nodes, and which tasks wait for reclaim."""

    name = "mypage_alloc"

    # --- the adapter: JSON values in, JSON values out ---

    def hello(self) -> dict[str, Any]:
        """Say who this is, and what may be asked of it."""
        return {"protocol": 1, "name": self.name, "machines": ["page_alloc"], "capabilities": {"max_nodes": 2}}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again from nothing: all frames are free."""
        self.nodes, self.max_order = len(config["nodes"]), config["max_order"]
        self.free: dict[int, int] = {}  # by zone
        for node, one in enumerate(config["nodes"]):
            for zone in one["zones"]:
                frames = int(zone["end_pfn"], 16) - int(zone["start_pfn"], 16)
                self.free[node * 8 + KINDS.index(zone["name"])] = frames
        self.memory = frozenset(self.free)
        self.waiting: dict[int, dict[str, Any]] = {}  # by task: its request
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation."""
        if op in ("report", "reclaimable", "above", "boost"):
            return self.told(op, args)
        if op == "answer":
            return self.answer(args)
        if not self.is_request(args, begins=op != "flags_of") or (op == "enter" and args["task"] in self.waiting):
            return {"error": "EINVAL"}
        if op == "flags_of":
            return {"result": {"flags": 0, "reserves": 0}}
        if op == "walk":
            zone = self.find(args, args["nodes"])
            return {"error": "ENOMEM"} if zone == NOWHERE else {"result": {"zone": zone, "flags": 0}}
        return {"error": "ENOMEM"} if args["order"] > self.max_order else self.enter(args)

    def told(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Hear what is free in a zone; all else is Linux's business."""
        zone, end = args["zone"], (max(self.memory) // 8 + 1) * 8
        if zone >= end or zone % 8 >= len(KINDS):
            return {"error": "EINVAL"}
        if op == "report":
            self.free[zone] = args["free"]
        return {"result": {"passed": 0} if op == "boost" else {}}

    def is_request(self, args: dict[str, Any], *, begins: bool) -> bool:
        """Tell whether bits, order and node are those of a request."""
        gfp = args["gfp"]
        zone_bits = bool(gfp & DMA) + bool(gfp & HIGHMEM) + bool(gfp & DMA32)
        there = not begins or args["node"] < self.nodes
        return zone_bits <= 1 and gfp & (MOVABLE | RECLAIMABLE) != MOVABLE | RECLAIMABLE and there and args["order"] <= MOST_ORDER

    def page(self, zone: int) -> dict[str, Any]:
        """Say which zone a block is from."""
        return {"result": {"ask": "page", "zone": zone, "priority": "sync_full", "flags": 0}}

    def asks(self, what: str) -> dict[str, Any]:
        """Ask something of the outside."""
        return {"result": {"ask": what, "zone": NOWHERE, "priority": "sync_full", "flags": 0}}

    # --- the allocator ---

    def highest(self, gfp: int) -> int:
        """Return the highest kind of zone that a request may use."""
        if gfp & DMA:
            return 0
        if gfp & DMA32:
            return 1
        if gfp & HIGHMEM:
            return 4 if gfp & MOVABLE else 3
        return 2

    def zones(self, request: dict[str, Any], nodes: int) -> list[int]:
        """Return the zones that may serve a request, the nearest node's first, each node's downwards."""
        near = request["node"]
        order = [near] if request["gfp"] & THISNODE else [near, *(n for n in range(self.nodes) if n != near)]
        kinds = range(self.highest(request["gfp"]), -1, -1)
        return [n * 8 + k for n in order for k in kinds if nodes >> n & 1 and n * 8 + k in self.memory]

    def find(self, request: dict[str, Any], nodes: int) -> int:
        """Take a block from the first zone that has the frames."""
        size = 1 << request["order"]
        for zone in self.zones(request, nodes):
            if self.free[zone] >= size:
                self.free[zone] -= size
                return zone
        return NOWHERE

    def enter(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve a request at once, or ask for reclaim."""
        zone = self.find(request, request["nodes"])
        return self.page(zone) if zone != NOWHERE else self.in_vain(request)

    def in_vain(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask for reclaim, or fail."""
        if not request["gfp"] & DIRECT_RECLAIM:
            return {"error": "ENOMEM"}
        self.waiting[request["task"]] = request
        return self.asks("reclaim")

    def answer(self, args: dict[str, Any]) -> dict[str, Any]:
        """Try again after reclaim; then fail, unless the request may not."""
        request = self.waiting.get(args["task"])
        if request is None:
            return {"error": "EINVAL"}
        zone = self.find(request, (1 << self.nodes) - 1)
        if zone == NOWHERE and request["gfp"] & NOFAIL:
            return self.asks("reclaim")
        del self.waiting[args["task"]]
        return self.page(zone) if zone != NOWHERE else {"error": "ENOMEM"}

    def close(self) -> None:
        """Nothing to give back."""


class Homesick(TwoNodes):
    """Reclaims before it goes to another node."""

    name = "mypage_alloc that stays"

    def enter(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve a request from its own node, or ask for reclaim."""
        zone = self.find(request, request["nodes"] & 1 << request["node"])
        if zone == NOWHERE and not request["gfp"] & DIRECT_RECLAIM:
            zone = self.find(request, request["nodes"])
        return self.page(zone) if zone != NOWHERE else self.in_vain(request)


class Strays(TwoNodes):
    """Wrong: forgets that some requests must stay on their node."""

    name = "mypage_alloc that strays"

    def zones(self, request: dict[str, Any], nodes: int) -> list[int]:
        """Return the zones of all nodes."""
        return super().zones({**request, "gfp": request["gfp"] & ~THISNODE}, nodes)
