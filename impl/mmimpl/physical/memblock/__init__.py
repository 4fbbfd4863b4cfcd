"""memblock over flat sorted arrays, found by bisection: one request at a time.

``table`` is one array of regions, ``memory`` the two together: where free memory is, and how they grow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmimpl.physical.memblock.memory import Memory, Stopped
from mmimpl.physical.memblock.table import Table, capped
from mmspec.physical.memblock.ops import (
    DONE,
    EINVAL,
    ENOMEM,
    HOTPLUG,
    MAX_PAGE_ORDER,
    MEMORY,
    MEMORY_FLAGS,
    MIRROR,
    NO_NODE,
    NOMAP,
    PAGE_SHIFT,
    PAGE_SIZE,
    PANIC,
    RESERVED,
    RSRV_NOINIT,
    SMP_CACHE_BYTES,
    TOP,
    Add,
    Addr,
    Address,
    Alloc,
    Blocks,
    Cap,
    Changed,
    Config,
    Direction,
    Done,
    Enforce,
    Error,
    Free,
    FreeAll,
    LimitMap,
    Mark,
    Nid,
    Query,
    RegionList,
    Regions,
    Remove,
    Reserve,
    SetLimit,
    SetNode,
    Trim,
    Truths,
)  # fmt: skip
from mmspec.words import Order, Pfn, PfnEnd


class EarlyMemory:
    """What is memory and what is reserved, from power-on to the hand-over, as Linux decides it."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.state, self.nodes, self.stopped = Memory(config), config.nodes, False

    @property
    def memory(self) -> Table:
        """What is memory."""
        return self.state.memory

    @property
    def reserved(self) -> Table:
        """What is reserved."""
        return self.state.reserved

    def apply(self, request: Any) -> Any:
        """Carry out one request of ``ops`` and return its result, a refusal included (TypeError: it is no request)."""
        answer = REQUESTS.get(type(request))
        if answer is None:
            raise TypeError(f"{request!r} is not a request to memblock: use the records of mmspec.physical.memblock.ops")
        if self.stopped:
            return PANIC
        self.state.moved = []
        try:
            return answer(self, request)
        except Stopped:
            self.stopped = True
            return PANIC

    def known(self, nid: Nid) -> bool:
        """Tell whether a number is a node's, or none."""
        return NO_NODE <= nid < self.nodes

    def changed(self, made: bool = True) -> Changed | Error:
        """Return the answer to a change that was made, or for which there was no room."""
        return Changed(made, tuple(self.state.moved)) if made or self.state.moved else ENOMEM

    # --- ranges ------------------------------------------------------------------------------------------------------

    def _answer_add(self, request: Add) -> Changed | Error:
        if not self.known(request.nid) or request.flags & ~MEMORY_FLAGS:
            return EINVAL
        return self.changed(self.state.cover(MEMORY, request.base, request.size, request.nid, request.flags))

    def _answer_remove(self, request: Remove) -> Changed | Error:
        return self.changed(self.state.uncover(MEMORY, request.base, request.size))

    def _answer_reserve(self, request: Reserve) -> Changed | Error:
        return self.changed(self.state.cover(RESERVED, request.base, request.size, NO_NODE, 0))

    def _answer_free(self, request: Free) -> Changed | Error:
        return self.changed(self.state.uncover(RESERVED, request.base, request.size))

    # --- kinds -------------------------------------------------------------------------------------------------------

    def _answer_mark(self, request: Mark) -> Changed | Error:
        flag, on = request.flag, request.on
        lawful = (flag == RSRV_NOINIT and on) if request.type == RESERVED else flag in (HOTPLUG, NOMAP) or (flag == MIRROR and on)
        if not lawful:
            return EINVAL
        if flag == MIRROR:
            if not self.state.config.mirrored:
                return Changed()
            self.state.mirrors = True
        made = self.state.can_isolate(request.type, request.base, request.size)
        if made:
            self.state.table(request.type).mark(request.base, request.size, flag, on)
        return self.changed(made)

    def _answer_set_node(self, request: SetNode) -> Changed | Error:
        if not self.known(request.nid):
            return EINVAL
        made = self.state.can_isolate(request.type, request.base, request.size)
        if made:
            self.state.table(request.type).set_node(request.base, request.size, request.nid)
        return self.changed(made)

    def _answer_trim(self, request: Trim) -> Changed | Error:
        if request.align == 0 or request.align & (request.align - 1):
            return EINVAL
        self.memory.trim(request.align)
        return Changed()

    def _answer_enforce(self, request: Enforce) -> Changed | Error:
        beyond = self.memory.address_of(request.limit)
        if request.limit and beyond != TOP:
            self.state.uncover(MEMORY, beyond, TOP)
            self.state.uncover(RESERVED, beyond, TOP)
        return self.changed()

    def _answer_cap(self, request: Cap) -> Changed | Error:
        if request.base + request.size > TOP:
            return EINVAL
        return self.cap(request.base, request.size)

    def cap(self, base: Addr, size: int) -> Changed | Error:
        """Forget what lies outside a range, of memory what is mapped."""
        if size and self.memory.total and self.state.can_isolate(MEMORY, base, size):
            self.memory.cap(base, size)
            self.state.uncover(RESERVED, 0, base)
            self.state.uncover(RESERVED, base + size, TOP)
        return self.changed()

    def _answer_limit_map(self, request: LimitMap) -> Changed | Error:
        beyond = self.memory.address_of(request.limit)
        return self.cap(0, beyond) if request.limit and beyond != TOP else Changed()

    def _answer_set_limit(self, request: SetLimit) -> Done:
        self.state.limit = request.limit
        return DONE

    def _answer_direction(self, request: Direction) -> Done:
        self.state.bottom_up = request.bottom_up
        return DONE

    # --- alloc -------------------------------------------------------------------------------------------------------

    def _answer_alloc(self, request: Alloc) -> Address | Error:
        if request.align & (request.align - 1) if request.align else False:
            return EINVAL
        if not self.known(request.nid):
            return EINVAL
        end = min(request.end, self.state.limit) if request.soft else request.end
        addr = self.allocate(request, request.start, end)
        if not addr and request.soft and request.start:
            addr = self.allocate(request, 0, end)
        return Address(addr, tuple(self.state.moved)) if addr or self.state.moved else ENOMEM

    def allocate(self, request: Alloc, start: Addr, end: Addr) -> Addr:
        """Find and reserve: mirrored memory before other, the node's before others'; 0 where neither is possible."""
        nids = [request.nid] if request.exact or request.nid == NO_NODE else [request.nid, NO_NODE]
        align = request.align or SMP_CACHE_BYTES
        for mirror in [True, False] if self.state.mirrors else [False]:
            for nid in nids:
                addr = self.state.find(request.size, align, start, end, nid, mirror)
                if addr and self.state.cover(RESERVED, addr, request.size, NO_NODE, 0):
                    return addr
        return 0

    # --- looking -----------------------------------------------------------------------------------------------------

    def _answer_query(self, request: Query) -> Truths:
        at = self.memory.over(request.base)
        return Truths(
            memory=at >= 0,
            reserved=self.reserved.over(request.base) >= 0,
            mapped=at >= 0 and not self.memory.flags[at] & NOMAP,
            region_memory=at >= 0 and capped(request.base, request.size) <= self.memory.ends[at],
            region_reserved=self.reserved.overlaps(request.base, request.size),
            nid=self.memory.node_over(request.base),
        )

    def _answer_regions(self, request: Regions) -> RegionList:
        return RegionList(self.state.table(request.type).merged())

    # --- hand-over ---------------------------------------------------------------------------------------------------

    def _answer_free_all(self, request: FreeAll) -> Blocks:
        if self.state.can_isolate(MEMORY, 0, TOP):
            self.memory.mark(0, TOP, HOTPLUG, False)
        self.note_nodes()
        blocks: list[tuple[Pfn, Order]] = []
        for low, high in self.state.ranges(NO_NODE, False):
            start, end = -(-low // PAGE_SIZE), min(high >> PAGE_SHIFT, request.max_low_pfn)
            blocks += largest_blocks(start, end)
        return Blocks(tuple(blocks), tuple(self.state.moved))

    def note_nodes(self) -> None:
        """Give what is reserved in a region of memory the region's node, once more after the table was doubled."""
        room = 0
        while room != self.reserved.max:
            room = self.reserved.max
            for base, size, nid, _ in self.memory.listed():
                if self.state.can_isolate(RESERVED, base, size):
                    self.reserved.set_node(base, size, nid)


def largest_blocks(start: Pfn, end: PfnEnd) -> list[tuple[Pfn, Order]]:
    """Return the largest aligned blocks of a range of frames, ascending."""
    blocks = []
    while start < end:
        aligned = (start & -start).bit_length() - 1 if start else MAX_PAGE_ORDER
        order = min(MAX_PAGE_ORDER, aligned, (end - start).bit_length() - 1)
        blocks.append((start, order))
        start += 1 << order
    return blocks


REQUESTS: dict[type, Callable[[EarlyMemory, Any], Any]] = {
    Add: EarlyMemory._answer_add,
    Remove: EarlyMemory._answer_remove,
    Reserve: EarlyMemory._answer_reserve,
    Free: EarlyMemory._answer_free,
    Alloc: EarlyMemory._answer_alloc,
    Regions: EarlyMemory._answer_regions,
    Query: EarlyMemory._answer_query,
    Mark: EarlyMemory._answer_mark,
    SetNode: EarlyMemory._answer_set_node,
    Trim: EarlyMemory._answer_trim,
    Enforce: EarlyMemory._answer_enforce,
    Cap: EarlyMemory._answer_cap,
    LimitMap: EarlyMemory._answer_limit_map,
    SetLimit: EarlyMemory._answer_set_limit,
    Direction: EarlyMemory._answer_direction,
    FreeAll: EarlyMemory._answer_free_all,
}
