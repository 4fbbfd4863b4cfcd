"""Processors that cache all that they may, and the flushes that keep them right, as Linux makes them.

What may be stale is kept as a list of what went, for each processor that may still have it, and not as moments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mmspec.virtual.tlb.ops import (
    AARCH64,
    BLOCK,
    DONE,
    EBUSY,
    EINVAL,
    EVERYTHING,
    KERNEL,
    LEFT,
    MAX_SPACES,
    NOTHING,
    PAGE,
    RISCV64,
    SMALL,
    SOME,
    SPACE,
    WHOLE,
    X86_64,
    Begin,
    Clear,
    Config,
    Count,
    Deliver,
    Delivered,
    Done,
    End,
    Error,
    Invalidate,
    Lazy,
    Link,
    LookGeneration,
    LookLocal,
    Plan,
    Protect,
    Set,
    Settled,
    Switch,
    Switched,
    Use,
    Used,
)  # fmt: skip

ASIDS = 6
TABLE = (-1, 0)
"""What stands for a block's table; a page is its frame and whether it may be written."""

Page = tuple[int, int]
Place = tuple[int, int, int]
"""A space, a size (0 of a page, 1 of a block) and the first page's number."""

Gone = tuple[str, int, int]
"""What may be cached although it went: ``small``, ``large``, ``pointer`` or ``span``, the space and the first page."""


def block_of(page: int) -> int:
    """Return the first page of a block."""
    return page & ~511


class Cache:
    """What one processor has cached, by tag (None: global), and what of it may be of what went."""

    def __init__(self) -> None:
        self.small: dict[tuple[int | None, int], Page | None] = {}
        self.large: dict[tuple[int | None, int], Page | None] = {}
        self.pointers: dict[tuple[int | None, int], int] = {}  # to the space whose table it is
        self.gone: dict[Gone, int] = {}  # and when it went

    def drop_page(self, tag: int | None, page: int) -> None:
        """Drop a page, and the large page that it lies in."""
        self.small.pop((tag, page), None)
        self.large.pop((tag, block_of(page)), None)

    def drop_block(self, tag: int | None, page: int) -> None:
        """Drop all pages of a block."""
        first = block_of(page)
        self.small = {at: entry for at, entry in self.small.items() if at[0] != tag or block_of(at[1]) != first}
        self.large.pop((tag, first), None)

    def drop_space(self, tag: int | None) -> None:
        """Drop all that is under a tag."""
        self.small = {at: entry for at, entry in self.small.items() if at[0] != tag}
        self.large = {at: entry for at, entry in self.large.items() if at[0] != tag}
        self.drop_pointers(tag)

    def drop_pointers(self, tag: int | None) -> None:
        """Drop all pointers under a tag."""
        self.pointers = {at: space for at, space in self.pointers.items() if at[0] != tag}

    def drop_all(self) -> None:
        """Drop everything."""
        self.small, self.large, self.pointers = {}, {}, {}

    def forget(self, is_dropped: Callable[[Gone], bool], until: int) -> None:
        """Let go of what went no later than a moment and is dropped."""
        self.gone = {what: when for what, when in self.gone.items() if when > until or not is_dropped(what)}


class Cpu:
    """A processor: what it runs, its tags, and its cache."""

    def __init__(self) -> None:
        self.cache = Cache()
        self.running = self.loaded = KERNEL
        self.lazy = False
        self.known = {KERNEL}
        self.owner: list[int | None] = [KERNEL, None, None, None, None, None]
        self.local = [0] * ASIDS
        self.asid, self.next = 0, 1


def covers(scope: int, space: int, page: int, pointers: bool, every_pointer: bool) -> Callable[[Gone], bool]:
    """Return what tells whether a flush drops something that went."""

    def is_dropped(what: Gone) -> bool:
        kind, of, first = what
        if scope == EVERYTHING:
            return True
        if of != space:
            return False
        if scope == SPACE:
            return True
        if kind == "pointer":
            return every_pointer or (pointers and first == block_of(page))
        if kind == "small":
            return first == page if scope == PAGE else block_of(first) == block_of(page)
        return first == block_of(page) and (kind == "large" or scope == BLOCK)

    return is_dropped


class Tlb:
    """Processors, their spaces, and the flushes under way."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.arch, self.last = config.arch, config.spaces
        self.tagged = config.arch == X86_64 and config.pcid != 0
        self.negative = config.arch == RISCV64 and config.svvptc == 0
        self.ranges = config.ranges != 0
        self.cpus = [Cpu() for _ in range(config.cpus)]
        self.entries: dict[Place, Page] = {}
        self.gen = [0] * MAX_SPACES
        self.begun: dict[int, tuple[Begin, int, int]] = {}  # with its generation, and when
        self.now = 0

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    # --- entries ------------------------------------------------------------------------------------------------------

    def place(self, op: Any) -> Place:
        """Return the place that a request names."""
        return (op.space, SMALL, op.page) if op.size == SMALL else (op.space, 1, block_of(op.page))

    def table(self, space: int, page: int) -> bool:
        """Tell whether a page's block has its table."""
        return self.entries.get((space, 1, block_of(page))) == TABLE

    def reachable(self, op: Any) -> bool:
        """Tell whether a request's place can be changed."""
        return op.space <= self.last and (op.size != SMALL or self.table(op.space, op.page))

    def went(self, kind: str, space: int, first: int) -> None:
        """Note for each processor that may have cached it that something went."""
        for cpu in self.cpus:
            if space in cpu.known:
                cpu.cache.gone[kind, space, first] = self.now

    def put(self, at: Place, entry: Page | None) -> None:
        """Put an entry, or none, at a place."""
        old = self.entries.pop(at, None)
        if entry is not None:
            self.entries[at] = entry
        if old == entry:
            return
        self.now += 1
        if old == TABLE:
            self.went("pointer", at[0], at[2])
            self.went("span", at[0], at[2])
        elif old is not None:
            self.went("large" if at[1] else "small", at[0], at[2])

    def held(self, *kinds: str, space: int, first: int) -> bool:
        """Tell whether a processor may have what went."""
        return any((kind, space, first) in cpu.cache.gone for cpu in self.cpus for kind in kinds)

    def conflicts(self, at: Place, entry: Page) -> bool:
        """Tell whether an entry would break AArch64's rule: nothing is put where something else is, or may be cached."""
        if self.arch != AARCH64:
            return False
        old = self.entries.get(at)
        if old is not None:
            return old[0] != entry[0]
        space, size, first = at
        if size == SMALL:
            return self.held("small", space=space, first=first)
        kinds = ("large",) if entry == TABLE else ("large", "pointer", "span")
        return self.held(*kinds, space=space, first=first)

    def map(self, op: Set) -> Done | Error:
        """Map a page."""
        if not self.reachable(op) or (op.size != SMALL and op.frame % 512):
            return EINVAL
        if self.conflicts(self.place(op), (op.frame, op.write)):
            return EBUSY
        self.put(self.place(op), (op.frame, op.write))
        return DONE

    def link(self, op: Link) -> Done | Error:
        """Give a block its table."""
        at = (op.space, 1, block_of(op.page))
        if op.space > self.last or self.entries.get(at) == TABLE:
            return EINVAL
        if self.conflicts(at, TABLE):
            return EBUSY
        self.put(at, TABLE)
        return DONE

    def clear(self, op: Clear) -> Done | Error:
        """Take away an entry."""
        if not self.reachable(op) or self.place(op) not in self.entries:
            return EINVAL
        self.put(self.place(op), None)
        return DONE

    def protect(self, op: Protect) -> Done | Error:
        """Give a page other rights."""
        old = self.entries.get(self.place(op), TABLE)
        if not self.reachable(op) or old == TABLE:
            return EINVAL
        self.put(self.place(op), (old[0], op.write))
        return DONE

    def settled(self, op: Settled) -> Count | Error:
        """Tell whether no processor may have what went."""
        if op.space > self.last:
            return EINVAL
        space, size, first = self.place(op)
        kinds = ("small",) if size == SMALL else ("large", "pointer")
        return Count(0 if self.held(*kinds, space=space, first=first) else 1)

    # --- accesses -----------------------------------------------------------------------------------------------------

    def tag(self, cpu: Cpu, space: int) -> int | None:
        """Return the tag under which a processor caches a space; what is global has none."""
        if space == KERNEL:
            return None
        return cpu.asid if self.arch == X86_64 else space

    def use(self, op: Use) -> Used | Error:
        """Use a page, from the cache where that has it."""
        if op.cpu >= len(self.cpus) or op.space > self.last:
            return EINVAL
        cpu = self.cpus[op.cpu]
        if op.space != KERNEL and (cpu.running != op.space or cpu.lazy):
            return EINVAL
        entry, offset = self.found(cpu.cache, self.tag(cpu, op.space), op.space, op.page)
        if entry is None or (op.write and not entry[1]):
            if self.arch == X86_64:
                self.drop(cpu, PAGE, op.space, op.page, True, self.now)
            return Used(1)
        return Used(0, entry[0] + offset)

    def found(self, cache: Cache, tag: int | None, space: int, page: int) -> tuple[Page | None, int]:
        """Return a page's entry, and how far the page lies behind the entry's first; what is walked is cached."""
        first = block_of(page)
        if (tag, page) in cache.small:
            return cache.small[tag, page], 0
        if (tag, first) in cache.large:
            return cache.large[tag, first], page - first
        owner = cache.pointers.get((tag, first))
        if owner is None:
            entry = self.entries.get((space, 1, first))
            if entry != TABLE:
                if entry is not None or self.negative:
                    cache.large[tag, first] = entry
                return entry, page - first
            owner = cache.pointers[tag, first] = space
        entry = self.entries.get((owner, SMALL, page))
        if entry is not None or self.negative:
            cache.small[tag, page] = entry
        return entry, 0

    # --- flushes ------------------------------------------------------------------------------------------------------

    def drop(self, cpu: Cpu, scope: int, space: int, page: int, pointers: bool, until: int) -> None:
        """Drop from a processor's cache what a flush covers."""
        cache, tags = cpu.cache, self.tags(cpu, space)
        every = scope <= BLOCK and self.arch == X86_64 and until < 0
        until = self.now if until < 0 else until
        for tag in tags:
            if scope == PAGE:
                cache.drop_page(tag, page)
            elif scope == BLOCK:
                cache.drop_block(tag, page)
            elif scope == SPACE:
                cache.drop_space(tag)
            if every:
                cache.drop_pointers(tag)
            elif pointers:
                cache.pointers.pop((tag, block_of(page)), None)
        if scope == EVERYTHING:
            cache.drop_all()
        cache.forget(covers(scope, space, page, pointers, every), until)

    def tags(self, cpu: Cpu, space: int) -> Iterable[int | None]:
        """Return the tags under which a processor may have cached a space."""
        if space == KERNEL:
            return (None,)
        if self.arch != X86_64:
            return (space,)
        return tuple(asid for asid, owner in enumerate(cpu.owner) if owner == space)

    def invalidate(self, op: Invalidate) -> Done | Error:
        """Flush a processor."""
        if op.cpu >= len(self.cpus) or op.space > self.last:
            return EINVAL
        self.drop(self.cpus[op.cpu], op.scope, op.space, op.page, self.arch == AARCH64 and op.scope <= BLOCK, -1)
        return DONE

    def begin(self, op: Begin) -> Done | Error:
        """Begin a flush of all processors."""
        if op.space > self.last or op.scope > SPACE or op.ticket in self.begun:
            return EINVAL
        if op.space != KERNEL and self.arch == X86_64:
            self.gen[op.space] += 1
        self.begun[op.ticket] = op, self.gen[op.space], self.now
        return DONE

    def deliver(self, op: Deliver) -> Delivered | Error:
        """Let a processor hear of a flush."""
        if op.cpu >= len(self.cpus) or op.ticket not in self.begun:
            return EINVAL
        return Delivered(self.hear(self.cpus[op.cpu], op.ticket))

    def hear(self, cpu: Cpu, ticket: int) -> int:
        """Do what a processor does about a flush, and return how much that was."""
        op, gen, _ = self.begun[ticket]
        if self.arch == AARCH64:
            return NOTHING
        if self.arch == RISCV64:
            if op.space not in cpu.known:
                return NOTHING
            extent = SOME if op.scope == PAGE and not op.tables else WHOLE
            self.drop_cached(cpu, op, extent)
            return extent
        if op.space == KERNEL:
            extent = SOME if op.scope == PAGE else WHOLE
            self.drop_cached(cpu, op, extent)
            return extent
        if cpu.loaded != op.space:
            return NOTHING
        if cpu.lazy:
            if not op.tables:
                return NOTHING
            self.load(cpu, KERNEL)
            return LEFT
        local = cpu.local[cpu.asid]
        if gen <= local:
            return NOTHING
        cpu.local[cpu.asid] = self.gen[op.space]
        extent = SOME if op.scope == PAGE and gen == local + 1 == self.gen[op.space] else WHOLE
        self.drop_cached(cpu, op, extent)
        return extent

    def drop_cached(self, cpu: Cpu, op: Begin, extent: int) -> None:
        """Drop the pages asked, or all of the space; what may be stale is forgotten when the flush ends."""
        for tag in self.tags(cpu, op.space):
            if extent == WHOLE:
                cpu.cache.drop_space(tag)
            else:
                cpu.cache.drop_page(tag, op.page)
                if self.arch == X86_64:
                    cpu.cache.drop_pointers(tag)

    def end(self, op: End) -> Done | Error:
        """Let all processors hear of a flush that must, and forget what it covers."""
        if op.ticket not in self.begun:
            return EINVAL
        for cpu in self.cpus:
            self.hear(cpu, op.ticket)
        begin, _, until = self.begun.pop(op.ticket)
        for cpu in self.cpus:
            if self.arch == AARCH64:
                self.drop(cpu, begin.scope, begin.space, begin.page, begin.tables != 0, until)
            else:
                cpu.cache.forget(covers(begin.scope, begin.space, begin.page, begin.tables != 0, False), until)
        return DONE

    # --- processors ---------------------------------------------------------------------------------------------------

    def switch(self, op: Switch) -> Switched | Error:
        """Run a space."""
        if op.cpu >= len(self.cpus) or op.space > self.last:
            return EINVAL
        cpu = self.cpus[op.cpu]
        lazy, cpu.lazy, cpu.running = cpu.lazy, False, op.space
        cpu.known.add(op.space)
        if self.arch != X86_64:
            return Switched(0, 0)
        if cpu.loaded != op.space:
            flushed = self.load(cpu, op.space)
        else:
            flushed = lazy and cpu.local[cpu.asid] != self.gen[op.space]
            if flushed:
                self.take(cpu, op.space, cpu.asid)
        return Switched(cpu.asid, 1 if flushed else 0)

    def load(self, cpu: Cpu, space: int) -> bool:
        """Take a tag for a space that is not loaded, and tell whether what is under it was dropped."""
        cpu.loaded = space
        if not self.tagged:
            self.take(cpu, space, 0)
            return True
        if space in cpu.owner:
            cpu.asid = cpu.owner.index(space)
            if cpu.local[cpu.asid] < self.gen[space]:
                self.take(cpu, space, cpu.asid)
                return True
            return False
        asid = cpu.next % ASIDS
        cpu.next = asid + 1
        self.take(cpu, space, asid)
        return True

    def take(self, cpu: Cpu, space: int, asid: int) -> None:
        """Give a space a tag, and drop what is under it."""
        cpu.owner[asid], cpu.local[asid], cpu.asid = space, self.gen[space], asid
        cpu.cache.drop_space(asid)

    def be_lazy(self, op: Lazy) -> Done | Error:
        """Run a kernel thread."""
        if op.cpu >= len(self.cpus) or self.cpus[op.cpu].running == KERNEL:
            return EINVAL
        self.cpus[op.cpu].lazy = True
        return DONE

    # --- answers ------------------------------------------------------------------------------------------------------

    def look_generation(self, op: LookGeneration) -> Count | Error:
        """Return a space's generation."""
        return Count(self.gen[op.space]) if op.space <= self.last else EINVAL

    def look_local(self, op: LookLocal) -> Count | Error:
        """Return a processor's generation."""
        if op.cpu >= len(self.cpus):
            return EINVAL
        cpu = self.cpus[op.cpu]
        return Count(cpu.local[cpu.asid])

    def plan(self, op: Plan) -> Count | Error:
        """Return by how many instructions pages are flushed."""
        if op.pages == 0:
            return EINVAL
        if not self.ranges:
            most = {X86_64: 33, RISCV64: 64, AARCH64: 511}[self.arch]
            return Count(op.pages if op.pages <= most else 0)
        if op.pages > 1 << 21:
            return Count(0)
        count, left = op.pages & 1, op.pages >> 1
        while left:
            count, left = count + (left & 31 != 0), left >> 5
        return Count(count if op.pages < 1 << 21 else 1)


SERVES: dict[type, Callable[[Tlb, Any], Any]] = {
    Set: Tlb.map,
    Link: Tlb.link,
    Clear: Tlb.clear,
    Protect: Tlb.protect,
    Use: Tlb.use,
    Invalidate: Tlb.invalidate,
    Begin: Tlb.begin,
    Deliver: Tlb.deliver,
    End: Tlb.end,
    Switch: Tlb.switch,
    Lazy: Tlb.be_lazy,
    Settled: Tlb.settled,
    LookGeneration: Tlb.look_generation,
    LookLocal: Tlb.look_local,
    Plan: Tlb.plan,
}
"""What serves each kind of request."""
