"""One zone: how blocks move between its free lists, its CPUs and requests.

The arrays are those of the implementations of ``buddy`` and ``pcp``; a frame is counted from the base of the free lists, and
``shift`` further from that of the CPUs' lists.
"""

from __future__ import annotations

from mmimpl.physical.buddy import Buddy
from mmimpl.physical.buddy import operations as lists
from mmimpl.physical.buddy.lists import take_listed
from mmimpl.physical.buddy.memory import ALLOCATED, MIGRATABLE
from mmimpl.physical.buddy.refill import pick_next
from mmimpl.physical.pcp import PerCpuPages
from mmimpl.physical.pcp import operations as held
from mmimpl.physical.pcp.memory import BATCH, order_of
from mmimpl.physical.vmstat import Counters
from mmspec.physical.buddy import ops as of_buddy
from mmspec.physical.buddy.ops import ALLOC_FLAGS, CMA, HIGHATOMIC, MOVABLE, ORDINARY
from mmspec.physical.pages.ops import FREE_CMA, FREE_PAGES, Config
from mmspec.physical.pcp import ops as of_pcp
from mmspec.physical.vmstat import ops as of_stat

NONE = -1
"""No frame."""


class Zone:
    """A zone's free lists, per-CPU lists and counters, which make the choices of one kernel."""

    def __init__(self, config: Config, kernel: str, start: int, end: int, marks: list[int]) -> None:
        cpus, lowest, low, high = config.cpus * len(config.nodes), *marks[:3]
        self.buddy = Buddy(of_buddy.Config(start, end, config.max_order, (), config.pageblock_order), kernel)
        self.pages = PerCpuPages(of_pcp.Config(start, end, cpus, config.huge_order, config.scale_max), kernel)
        self.counters = Counters(of_stat.Config(cpus, FREE_CMA, end - start, lowest, low, high), kernel)
        self.free, self.held, self.base = self.buddy.zone, self.pages.lists, self.buddy.base
        self.shift = self.base - self.pages.base
        self.old, self.size, self.reserved = kernel == "6.1", 1 << config.pageblock_order, 0
        for pfn in config.cma:
            if start <= pfn < end:
                lists.isolate(self.free, pfn - self.base)
                lists.unisolate(self.free, pfn - self.base, CMA)
        self.counters.counter[:] = [end - start, self.free.frames[CMA]]
        self.pages.apply(of_pcp.Tune(end - start, low, config.cpus, 0, cpus))
        self.seen = self.tally()

    # --- counting -----------------------------------------------------------------------------------------------------

    def tally(self) -> tuple[int, int]:
        """Return the frames that the two counters count."""
        frames = self.free.frames
        return frames[ORDINARY] + frames[HIGHATOMIC] + frames[CMA], frames[CMA]

    def count(self, cpu: int) -> None:
        """Count on a CPU what came to the free lists, or left them, since this was last asked."""
        now, before = self.tally(), self.seen
        for item in (FREE_PAGES, FREE_CMA):
            if now[item] != before[item]:
                self.counters.add(cpu, item, now[item] - before[item], 0, True)
        self.seen = now

    def orders(self, migratetype: int) -> int:
        """Return the orders at which a list of a type is not empty."""
        after, head, found = self.free.after, self.free.heads + (migratetype << 4), 0
        for order in range(self.free.max_order + 1):
            found |= (after[head + order] != head + order) << order
        return found

    def told(self) -> tuple[int, ...]:
        """Return what is free, as the marks are held against it."""
        free, cma = self.counters.counter
        highatomic, ours = self.free.frames[HIGHATOMIC], self.free.frames[CMA]
        return (
            max(0, free), self.seen[0], self.reserved if self.old else highatomic, max(0, cma), self.counters.drift_mark,
            self.orders(0) | self.orders(1) | self.orders(2), self.orders(CMA) if ours else 0,
            self.orders(HIGHATOMIC) if highatomic else 0,
        )  # fmt: skip

    # --- taking -------------------------------------------------------------------------------------------------------

    def refill(self, cpu: int, order: int, migratetype: int, flags: int, below: int) -> None:
        """Move as many blocks to a CPU as its list wants, or can have."""
        mode = 0
        for _ in range(held.want(self.held, cpu, order, below)):
            frame, mode = pick_next(self.free, order, migratetype, flags & ALLOC_FLAGS, mode)
            if frame == self.free.heads:
                break
            take_listed(self.free, frame, order)
            lists.hand_out(self.free, frame, order, of_buddy.UNMOVABLE)
            if not self.old:
                self.count(cpu)
            held.refill(self.held, cpu, frame + self.shift, order, migratetype)
        self.count(cpu)

    def from_cpu(self, cpu: int, order: int, migratetype: int, flags: int, below: int, again: int) -> int:
        """Take a block from a CPU's list and return its frame, or ``NONE``."""
        frame = held.alloc(self.held, cpu, order, migratetype, again)
        if frame >= self.held.heads:
            self.refill(cpu, order, migratetype, flags, below)
            frame = held.alloc(self.held, cpu, order, migratetype, of_pcp.AGAIN)
        if frame >= self.held.heads:
            return NONE
        frame -= self.shift
        if migratetype == MOVABLE:
            self.free.page[frame] |= MIGRATABLE
        return frame

    def take(self, cpu: int, order: int, migratetype: int, flags: int, below: int) -> int:
        """Take a block from the zone and return its frame, or ``NONE``."""
        if held.keeps_order(self.held, order):
            frame = self.from_cpu(cpu, order, migratetype, flags, below, 0)
            if frame != NONE:
                return frame
        frame = lists.alloc(self.free, order, migratetype, flags & ALLOC_FLAGS)
        if frame >= self.free.heads:
            return NONE
        self.count(cpu)
        return frame

    # --- giving back --------------------------------------------------------------------------------------------------

    def to_lists(self, cpu: int, frame: int, order: int) -> None:
        """Give a block to the free lists."""
        lists.free(self.free, frame, order)
        self.count(cpu)

    def give_back(self, owner: int, cpu: int) -> None:
        """Give back all that a CPU owes, counted on the one that does it."""
        while self.held.owed[owner]:
            frame = held.drain(self.held, owner)
            self.to_lists(cpu, frame - self.shift, order_of(self.held, self.held.cursor[owner]))

    def give(self, cpu: int, frame: int, order: int, below: int) -> bool:
        """Give a block to a CPU; tell whether that then gave anything back."""
        self.free.page[frame] &= ~MIGRATABLE
        kind = self.free.types[frame >> self.free.pageblock_order]
        owed = held.free(self.held, cpu, frame + self.shift, order, kind, below)
        if owed < 0:
            self.to_lists(cpu, frame, order)
            return False
        self.give_back(cpu, cpu)
        return owed > 0

    def leak(self, frame: int) -> None:
        """Keep a block out of use: it stays handed out."""
        self.free.page[frame] &= ~MIGRATABLE

    def split(self, frame: int, order: int) -> None:
        """Make single frames of a block that is handed out."""
        movable = self.free.page[frame] & MIGRATABLE
        for place in range(frame, frame + (1 << order)):
            self.free.page[place] = ALLOCATED | movable

    # --- drains -------------------------------------------------------------------------------------------------------

    def carry_out(self, owner: int, cpu: int, total: int, portion: int) -> None:
        """Give back what a plan says, a portion under each hold of the lock."""
        while total > 0:
            held.bulk(self.held, owner, min(total, portion))
            self.give_back(owner, cpu)
            total -= portion

    def drain(self, owner: int, cpu: int) -> None:
        """Give back all that a CPU holds."""
        self.carry_out(owner, cpu, held.drain_all(self.held, owner), self.held.zone[BATCH] << self.held.scale_max)

    def refresh(self, cpu: int, remote: int) -> None:
        """Hand over what a CPU counted, and give back what it need not hold."""
        changed = of_pcp.CHANGED if any(self.counters.held[cpu]) else 0
        self.counters.hand_over(cpu)
        batch = self.held.zone[BATCH]
        self.carry_out(cpu, cpu, held.decay(self.held, cpu), batch)
        self.carry_out(cpu, cpu, held.refresh(self.held, cpu, remote | changed), batch)

    # --- highatomic ---------------------------------------------------------------------------------------------------

    def may_reserve(self, managed: int) -> bool:
        """Tell whether another pageblock may be reserved."""
        share = managed // 100
        if self.old:
            return self.reserved < share + self.size
        return share >= self.size and self.reserved < -(-share // self.size) * self.size

    def reserve(self, frame: int, order: int, managed: int) -> None:
        """Reserve the pageblocks of a block that was handed out, if they may be."""
        if self.may_reserve(managed) and lists.reserve(self.free, frame, order) == 0:
            self.reserved += max(self.size, 1 << order)
            self.seen = self.tally()

    def unreserve(self, migratetype: int) -> bool:
        """Turn the pageblocks of a HIGHATOMIC block back; tell whether there was one."""
        frame = lists.unreserve(self.free, migratetype)
        if frame >= self.free.heads:
            return False
        self.reserved -= min(max(self.size, 1 << (self.free.page[frame] & 15)), self.reserved)
        self.seen = self.tally()
        return True
