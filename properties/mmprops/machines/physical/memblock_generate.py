"""Operations of the machine ``memblock``, made from bytes while looking at the law's state.

Ranges begin and end at the edges of what is there, a byte beside them, or at a few round places near an edge of the number space,
so that they touch, overlap and contain one another; memory comes before what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmprops.machines.physical.memblock_limits import unpromised
from mmspec.physical.memblock.ops import (
    DRIVER_MANAGED,
    HOTPLUG,
    MEMORY,
    MIRROR,
    NO_NODE,
    NOMAP,
    PAGE_SHIFT,
    PAGE_SIZE,
    RESERVED,
    RSRV_NOINIT,
    TOP,
    Add,
    Addr,
    Alloc,
    Cap,
    Config,
    Direction,
    Enforce,
    Free,
    FreeAll,
    LimitMap,
    Mark,
    Query,
    Regions,
    Remove,
    Reserve,
    SetLimit,
    SetNode,
    Size,
    Trim,
)  # fmt: skip
from mmspec.physical.memblock.state import Array, Memblock, array_of

ORIGINS = (0, 0, 0, 1 << 31, 1 << 32, 1 << 47, 1 << 63, TOP)
"""Where most ranges lie: at the lowest addresses, around the widths at which one wraps, and at the very top."""

UNITS = (64, PAGE_SIZE, PAGE_SIZE, 2 * PAGE_SIZE, 1 << 16, 1 << 21)
"""What ranges are multiples of."""

PLACES = 48
"""At so many round places ranges begin and end."""

ADD_FLAGS = (0, 0, 0, 0, 0, HOTPLUG, MIRROR, NOMAP, DRIVER_MANAGED, HOTPLUG | NOMAP)
MARKS = (
    (MEMORY, HOTPLUG, True), (MEMORY, HOTPLUG, False), (MEMORY, NOMAP, True), (MEMORY, NOMAP, True), (MEMORY, NOMAP, False),
    (MEMORY, MIRROR, True), (MEMORY, MIRROR, True), (RESERVED, RSRV_NOINIT, True),
)  # fmt: skip
"""What Linux marks."""
WRONG_MARKS = ((RESERVED, RSRV_NOINIT, False), (MEMORY, MIRROR, False), (RESERVED, HOTPLUG, True), (MEMORY, DRIVER_MANAGED, True))
ALIGNS = (1, 1, 8, 64, 0, PAGE_SIZE, PAGE_SIZE, 1 << 16, 1 << 40, 1 << 63)
SIZES = (0, 1, 63, 64, 64, 100, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE)

Made = tuple[str, Any, Mapping[str, int]]
"""An operation's name, its request, and the steps that its fields refer to."""


class Generator:
    """Makes operations on one machine's early memory from records of eight bytes."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.capabilities = config, capabilities
        self.limit = int(capabilities["max_addr"], 16)
        self.unit = UNITS[header[6] % len(UNITS)]
        reach = PLACES * self.unit
        origin = min(ORIGINS[header[5] % len(ORIGINS)], self.limit)
        self.origin = max(0, min(origin - reach // 2, self.limit - reach)) if origin else 0
        self.live: list[tuple[Addr, Size, int]] = []  # what was handed out, and the step that did
        self.actions = self.action_table(header)

    def action_table(self, header: bytes) -> list[Callable[[bytes, Memblock], Made]]:
        """Return what to do, each as often as the header has it: swarm weights."""
        table: list[Callable[[bytes, Memblock], Made]] = []
        table += [self.add] * (4 + header[7] % 8) + [self.reserve] * (2 + header[8] % 8) + [self.alloc] * (4 + header[9] % 12)
        table += [self.free] * (2 + header[10] % 6) + [self.remove] * (1 + header[11] % 3) + [self.regions] * 3
        if self.capabilities["query"]:
            table += [self.query] * 2
        if self.capabilities["kinds"]:
            table += ([self.mark] * 2 + [self.set_node]) * (header[12] % 3)
            table += [self.direction, self.set_limit] * (header[13] % 2)
        if self.capabilities["limits"] and header[14] % 2:
            table += [self.trim, self.enforce, self.cap, self.limit_map]
        if self.capabilities["free_all"] and header[14] & 2:
            table += [self.free_all]
        if self.capabilities["resize"]:
            table += [self.squeeze] * (0, 0, 2, 12)[header[8] % 4]
        if self.capabilities["checked"]:
            table += [self.misuse] * (header[15] % 2)
        return table

    def request(self, record: bytes, state: Memblock) -> Made | None:
        """Return the operation that a record stands for in this state; where it is not promised, a look.

        Once the kernel has stopped there is little to ask.
        """
        if not any(record) or (state.stopped and record[6] % 32):
            return None
        action = self.actions[(record[0] | record[7] << 8) % len(self.actions)]
        if state.memory.cnt == 0 and record[6] % 4:
            action = self.add
        made = action(record, state)
        return made if unpromised(state, made[1], self.capabilities) is None else self.regions(record, state)

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember what was handed out."""
        if name == "alloc" and not result.failed and result.addr:
            self.live = [*self.live[-15:], (result.addr, request.size, step)]

    # where and how much

    def edges(self, array: Array, nearest: int) -> list[Addr]:
        """Return the edges of a few regions of an array, from one on."""
        found, base = [], TOP
        for _ in range(1 + nearest % min(array.cnt, 24) if array.cnt else 0):
            base = array.next[base]
        if base != TOP:
            found += [base, array.end[base], max(base, array.end[base] - 1)]
        return found

    def place(self, at: int, state: Memblock) -> Addr:
        """Return an address: a round one, or an edge of what is there, or beside one."""
        if at % 2:
            return min(self.origin + (at // 2) % PLACES * self.unit, self.limit)
        near = self.edges(array_of(state, at // 2 % 2), at // 4)
        place = near[at // 3 % len(near)] if near else self.origin
        return max(0, min(place + (0, 0, 0, 1, -1, self.unit)[at // 7 % 6], self.limit))

    def span(self, r: bytes, state: Memblock) -> tuple[Addr, Size]:
        """Return a range: some round units, up to another place, nothing, or more than there is."""
        base = self.place(r[1], state)
        kind = r[3] % 16
        if kind < 8:
            size = (1 + r[2] % 8) * self.unit
        elif kind < 14:
            other = self.place(r[2], state)
            base, size = min(base, other), max(base, other) - min(base, other)
        else:
            size = 0 if kind == 14 else TOP - base if r[2] % 2 else TOP
        return base, size if self.limit == TOP else min(size, self.limit - base)

    def node(self, byte: int) -> int:
        """Return a node's number, or none."""
        return byte % (self.config.nodes + 1) - 1

    # each of the following makes one operation from a record

    def add(self, r: bytes, state: Memblock) -> Made:
        """Add memory, mostly of one node and without flags."""
        base, size = self.span(r, state)
        nid = self.node(r[4]) if r[5] % 4 == 0 else self.node(base // (8 * self.unit))
        return "add", Add(base, size, nid, ADD_FLAGS[r[5] // 4 % len(ADD_FLAGS)]), {}

    def remove(self, r: bytes, state: Memblock) -> Made:
        """Remove memory."""
        return "remove", Remove(*self.span(r, state)), {}

    def reserve(self, r: bytes, state: Memblock) -> Made:
        """Reserve a range."""
        return "reserve", Reserve(*self.span(r, state)), {}

    def squeeze(self, r: bytes, state: Memblock) -> Made:
        """Reserve all above or below the last page of some memory: what then wants room for an array has little."""
        near = self.edges(state.memory, 4 * (r[1] % 3 == 0))
        end = (near[1] if near else self.origin) >> PAGE_SHIFT << PAGE_SHIFT
        if r[2] % 2:
            return "reserve", Reserve(0, max(0, end - PAGE_SIZE)), {}
        return "reserve", Reserve(end, self.limit - min(end, self.limit)), {}

    def free(self, r: bytes, state: Memblock) -> Made:
        """Free what was handed out, or a part of it, or any range."""
        if not self.live or r[5] % 3 == 0:
            return "free", Free(*self.span(r, state)), {}
        addr, size, step = self.live[-1 - r[1] % len(self.live)]
        return "free", Free(addr, size // 2 if r[5] % 3 == 1 and r[2] % 4 == 0 else size), {"base": step}

    def alloc(self, r: bytes, state: Memblock) -> Made:
        """Ask for memory: anywhere, or between two places."""
        size = SIZES[r[1] % len(SIZES)] if r[2] % 4 else (1 + r[1] % 8) * self.unit
        start, end = 0, (0, 0, 1, TOP)[r[4] % 4]
        if r[3] % 3 == 0:
            start, end = self.place(r[5], state), self.place(r[6] // 2, state)
        nid = self.node(r[6]) if r[6] % 3 else NO_NODE
        exact = self.capabilities["kinds"] and r[2] % 5 == 0
        soft = self.capabilities["kinds"] and r[2] % 7 == 0
        return "alloc", Alloc(size, ALIGNS[r[4] // 4 % len(ALIGNS)], start, end, nid, exact, soft), {}

    def regions(self, r: bytes, state: Memblock) -> Made:
        """Look at an array."""
        return "regions", Regions(r[1] % 2), {}

    def query(self, r: bytes, state: Memblock) -> Made:
        """Ask about a byte and a range."""
        return "query", Query(*self.span(r, state)), {}

    def mark(self, r: bytes, state: Memblock) -> Made:
        """Set or clear a flag."""
        which, flag, on = MARKS[r[4] % len(MARKS)]
        return "mark", Mark(which, *self.span(r, state), flag, on), {}

    def set_node(self, r: bytes, state: Memblock) -> Made:
        """Give a range a node."""
        return "set_node", SetNode(RESERVED if r[5] % 8 == 0 else MEMORY, *self.span(r, state), self.node(r[4])), {}

    def trim(self, r: bytes, state: Memblock) -> Made:
        """Trim to an alignment."""
        return "trim", Trim((64, PAGE_SIZE, self.unit, 2 * self.unit, 4 * self.unit, 1)[r[1] % 6]), {}

    def much(self, r: bytes, state: Memblock) -> Size:
        """Return an amount of memory near what there is."""
        total = state.memory.total
        return max(0, min(total + (0, 1, -1, -total // 2, -self.unit, -total, -total // 8)[r[1] % 7], TOP))

    def enforce(self, r: bytes, state: Memblock) -> Made:
        """Limit memory."""
        return "enforce", Enforce(self.much(r, state)), {}

    def limit_map(self, r: bytes, state: Memblock) -> Made:
        """Limit mapped memory."""
        return "limit_map", LimitMap(self.much(r, state)), {}

    def cap(self, r: bytes, state: Memblock) -> Made:
        """Cap memory to a range, mostly a large one."""
        base, size = self.span(r, state)
        if r[4] % 4:
            base, size = base // 2, TOP // 4
        return "cap", Cap(base, min(size, self.limit - base)), {}

    def set_limit(self, r: bytes, state: Memblock) -> Made:
        """Set the current limit: mostly far above."""
        return "set_limit", SetLimit(TOP if r[1] % 2 else self.place(r[2], state)), {}

    def direction(self, r: bytes, state: Memblock) -> Made:
        """Search from the other end."""
        return "direction", Direction(r[1] % 2 == 0), {}

    def free_all(self, r: bytes, state: Memblock) -> Made:
        """Hand over, up to far above or up to an edge."""
        pfn = (1 << 52) - 1 if r[1] % 2 else self.place(r[2], state) >> PAGE_SHIFT
        return "free_all", FreeAll(pfn), {}

    def misuse(self, r: bytes, state: Memblock) -> Made:
        """Ask what is refused: of nodes, flags and alignments that do not exist, and beyond the address space."""
        base, size = self.span(r, state)
        wrong: list[Made] = [
            ("add", Add(base, size, self.config.nodes, 0), {}),
            ("add", Add(base, size, 0, (16, 32, 1 << 31)[r[5] % 3]), {}),
            ("alloc", Alloc(64, 3 + r[5] % 2 * 93, 0, 0, NO_NODE), {}),
            ("alloc", Alloc(64, 64, 0, 0, min(self.config.nodes + r[5] % 3, 63)), {}),
        ]
        if self.capabilities["kinds"]:
            which, flag, on = WRONG_MARKS[r[5] % len(WRONG_MARKS)]
            wrong += [
                ("mark", Mark(which, base, size, flag, on), {}),
                ("set_node", SetNode(0, base, size, self.config.nodes), {}),
            ]
        if self.capabilities["limits"]:
            wrong += [("trim", Trim((0, 3, 6 * PAGE_SIZE)[r[5] % 3]), {}), ("cap", Cap(max(base, 1), TOP), {})]
        return wrong[r[4] % len(wrong)]
