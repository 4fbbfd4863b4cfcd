"""A client of mmspec for the machine ``memblock`` (protocol 1): a small allocator of early memory, and what connects it.

    mmspec conform memblock --client python:mymemblock:Lowest

Put your own allocator in place of ``Memblock``'s second half; keep the first. Where in free memory a request is served is
nobody's business: the two classes at the end differ in nothing else, and both conform.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TOP = 2**64 - 1
PAGE = 4096
NOMAP, DRIVER_MANAGED = 4, 8

Region = tuple[int, int, int, int]
"""First byte, exclusive end, node, flags."""


class Memblock:
    """What is memory and what is reserved: two ascending lists of regions that are apart, or touch and differ."""

    name = "mymemblock"

    # --- the adapter: JSON values in, JSON values out ---

    def hello(self) -> dict[str, Any]:
        """Say who this is, and what may be asked of it."""
        return {"protocol": 1, "name": self.name, "machines": ["memblock"], "capabilities": {"query": True}}

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        """Begin again from nothing."""
        self.memory: list[Region] = []
        self.reserved: list[Region] = []
        return {"ok": True}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation."""
        number = {name: int(value, 16) for name, value in args.items() if isinstance(value, str) and value.startswith("0x")}
        base, size = number.get("base", 0), number.get("size", 0)
        end = min(base + size, TOP)
        if op == "add":
            self.memory = cover(self.memory, base, end, args["nid"], args["flags"])
        elif op == "remove":
            self.memory = uncover(self.memory, base, end)
        elif op == "reserve":
            self.reserved = cover(self.reserved, base, end, -1, 0)
        elif op == "free":
            self.reserved = uncover(self.reserved, base, end)
        elif op == "alloc":
            found = self.alloc(size, number["align"] or 64, max(number["start"], PAGE), number["end"])
            return {"error": "ENOMEM"} if found is None else {"result": {"addr": hex(found)}}
        elif op == "regions":
            regions = self.memory if args["type"] == "memory" else self.reserved
            return {"result": {"regions": [[hex(r[0]), hex(r[1] - r[0]), r[2], r[3]] for r in regions]}}
        elif op == "query":
            return {"result": self.query(base, end)}
        else:
            return {"unsupported": f"unknown operation {op}"}
        return {"result": {}}

    def close(self) -> None:
        """Let go of everything."""

    # --- the allocator ---

    def alloc(self, size: int, align: int, start: int, end: int) -> int | None:
        """Find and reserve memory in [start, end); an end of 0 or 1 is none. None: there is no place."""
        end = TOP if end <= 1 else end
        found = max(align, PAGE) if size == 0 else self.choose(size, align, start, end)
        if found is not None:
            self.reserved = cover(self.reserved, found, found + size, -1, 0)
        return found

    def choose(self, size: int, align: int, start: int, end: int) -> int | None:
        """Return a multiple of ``align`` in [start, end) from which ``size`` bytes are free."""
        raise AssertionError("a placement decides")

    def free(self) -> Iterator[tuple[int, int]]:
        """Yield the free ranges of memory that may be handed out, ascending: never across two regions."""
        for base, end, _, flags in self.memory:
            if flags & (NOMAP | DRIVER_MANAGED):
                continue
            at = base
            for taken, until, _, _ in self.reserved:
                if at < min(taken, end):
                    yield at, min(taken, end)
                at = max(at, until)
            if at < end:
                yield at, end

    def query(self, base: int, end: int) -> dict[str, Any]:
        """Return what is known of the byte at ``base``, and of the range."""
        over = next((r for r in self.memory if r[0] <= base < r[1]), None)
        return {
            "memory": over is not None,
            "reserved": any(r[0] <= base < r[1] for r in self.reserved),
            "mapped": over is not None and not over[3] & NOMAP,
            "region_memory": over is not None and end <= over[1],
            "region_reserved": any(base < r[1] and r[0] < end for r in self.reserved),
            "nid": -1 if over is None else over[2],
        }


class Lowest(Memblock):
    """Takes the lowest place that will do."""

    name = "mymemblock, lowest address"

    def choose(self, size: int, align: int, start: int, end: int) -> int | None:
        """Take the first place of the first range that has one."""
        for low, high in self.free():
            place = max(low, start) + -max(low, start) % align
            if place + size <= min(high, end):
                return place
        return None


class Highest(Memblock):
    """Takes the highest place that will do, as Linux does."""

    name = "mymemblock, highest address"

    def choose(self, size: int, align: int, start: int, end: int) -> int | None:
        """Take the last place of the last range that has one."""
        for low, high in reversed(list(self.free())):
            place = (min(high, end) - size) // align * align
            if place >= max(low, start):
                return place
        return None


def cover(regions: list[Region], base: int, end: int, nid: int, flags: int) -> list[Region]:
    """Return the regions with what of [base, end) none of them holds; what is there stays as it is."""
    gaps, at = [], base
    for first, last, _, _ in regions:
        if at < min(first, end):
            gaps.append((at, min(first, end), nid, flags))
        at = max(at, last)
    if at < end:
        gaps.append((at, end, nid, flags))
    return merged(sorted([*regions, *gaps]))


def uncover(regions: list[Region], base: int, end: int) -> list[Region]:
    """Return the regions without [base, end)."""
    left = [(first, min(last, base), nid, flags) for first, last, nid, flags in regions]
    right = [(max(first, end), last, nid, flags) for first, last, nid, flags in regions]
    return merged(sorted(r for r in {*left, *right} if r[0] < r[1])) if base < end else regions


def merged(regions: list[Region]) -> list[Region]:
    """Return ascending regions, those that touch and agree in node and flags as one."""
    out: list[Region] = []
    for region in regions:
        if out and (out[-1][1], *out[-1][2:]) == (region[0], *region[2:]):
            out[-1] = (out[-1][0], *region[1:])
        else:
            out.append(region)
    return out
