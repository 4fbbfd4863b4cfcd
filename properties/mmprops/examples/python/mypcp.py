"""A client of mmspec for the machine ``pcp`` (protocol 1): a small cache of free blocks for each CPU, and what connects it.

    mmspec conform pcp --client python:mypcp:Newest

Put your own cache in place of the second half of ``Cache``; keep the first. How many blocks a CPU keeps and which goes first is
nobody's business: the two classes at the end differ in that, and both conform.
"""

from __future__ import annotations

from typing import Any

TYPES = ("UNMOVABLE", "MOVABLE", "RECLAIMABLE")
KEPT = 12
"""Frames that a CPU keeps at most."""


class Cache:
    """The blocks that each CPU keeps, by order and type of request."""

    name = "mypcp"

    # --- the adapter: JSON values in, JSON values out ---

    def hello(self) -> dict[str, Any]:
        """Say who this is, and what may be asked of it."""
        capabilities = {"observe": True, "checked": True, "migratetypes": True, "huge": True}
        return {"protocol": 1, "name": self.name, "machines": ["pcp"], "capabilities": capabilities}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again from nothing."""
        self.start, self.end = int(config["start_pfn"], 16), int(config["end_pfn"], 16)
        self.cpus, self.huge_order = config["cpus"], config["huge_order"]
        self.kept: dict[int, list[tuple[int, int, str]]] = {}  # by CPU: block, order and type of request, the oldest first
        self.owed: dict[int, int] = {}  # by CPU: frames that it is giving back
        self.held: set[int] = set()  # blocks that any CPU keeps
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation."""
        cpu = args["cpu"]
        if cpu >= self.cpus:
            return {"error": "EINVAL"}
        if op == "count":
            return {"result": {"count": self.count(cpu)}}
        if op == "blocks":
            return {"result": {"blocks": [[hex(pfn), order] for pfn, order, _ in self.kept.get(cpu, [])]}}
        if op == "drain":
            block = self.drain(cpu)
            return {"error": "ENOENT"} if block is None else {"result": {"pfn": hex(block[0]), "order": block[1]}}
        error = self.refusal(op, args)
        if error is not None:
            return {"error": error}
        if op == "alloc":
            pfn = self.alloc(cpu, args["order"], args["migratetype"])
            return {"error": "ENOENT"} if pfn is None else {"result": {"pfn": hex(pfn)}}
        if op == "bulk":
            self.owed[cpu] = min(args["count"], self.count(cpu))
            return {"result": {"count": self.owed[cpu]}}
        kind = args["migratetype"] if args["migratetype"] in TYPES else "MOVABLE"
        self.keep(cpu, int(args["pfn"], 16), args["order"], kind)
        if op == "refill":
            return {"result": {}}
        self.owed[cpu] = max(0, self.count(cpu) - KEPT)
        return {"result": {"count": self.owed[cpu]}}

    def close(self) -> None:
        """Let go of everything."""

    def refusal(self, op: str, args: dict[str, Any]) -> str | None:
        """Return the error of a request that is not carried out, or None."""
        order = args.get("order", 0)
        serves = order <= 3 or order == self.huge_order
        if op in ("alloc", "refill") and (not serves or args["migratetype"] not in TYPES):
            return "EINVAL"
        if op in ("refill", "free"):
            pfn = int(args["pfn"], 16)
            if order > 13 or pfn % (1 << order) or not self.start <= pfn <= self.end - (1 << order) or pfn in self.held:
                return "EINVAL"
        if self.owed.get(args["cpu"], 0) or (op == "free" and (not serves or args["migratetype"] == "ISOLATE")):
            return "EBUSY"
        return None

    # --- the cache ---

    def count(self, cpu: int) -> int:
        """Return the number of frames that a CPU keeps."""
        return sum(1 << order for _, order, _ in self.kept.get(cpu, []))

    def keep(self, cpu: int, pfn: int, order: int, kind: str) -> None:
        """Let a CPU keep a block."""
        self.kept.setdefault(cpu, []).append((pfn, order, kind))
        self.held.add(pfn)

    def alloc(self, cpu: int, order: int, kind: str) -> int | None:
        """Hand out a block that is kept for such a request; None if there is none."""
        blocks = self.kept.get(cpu, [])
        found = [at for at, (_, its_order, its_kind) in enumerate(blocks) if (its_order, its_kind) == (order, kind)]
        return self.take(cpu, self.choose(found))[0] if found else None

    def drain(self, cpu: int) -> tuple[int, int] | None:
        """Give a block back; None if nothing is owed."""
        if not self.owed.get(cpu, 0):
            return None
        pfn, order = self.take(cpu, 0)
        self.owed[cpu] = max(0, self.owed[cpu] - (1 << order))
        return pfn, order

    def take(self, cpu: int, at: int) -> tuple[int, int]:
        """Keep a block no longer."""
        pfn, order, _ = self.kept[cpu].pop(at)
        self.held.discard(pfn)
        return pfn, order

    def choose(self, found: list[int]) -> int:
        """Return which of several blocks that will do is handed out."""
        raise AssertionError("an order decides")


class Newest(Cache):
    """Hands out what came last."""

    name = "mypcp, last in, first out"

    def choose(self, found: list[int]) -> int:
        """Take the newest."""
        return found[-1]


class Oldest(Cache):
    """Hands out what came first."""

    name = "mypcp, first in, first out"

    def choose(self, found: list[int]) -> int:
        """Take the oldest."""
        return found[0]
