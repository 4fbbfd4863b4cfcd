"""Operations of the machine ``tlb``, made from bytes while looking at what is mapped and which flushes are under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmspec.errors import EINVAL
from mmspec.virtual import tlb as law
from mmspec.virtual.tlb.core import is_begun
from mmspec.virtual.tlb.ops import (
    BLOCK,
    EVERYTHING,
    KERNEL,
    LARGE,
    MAX_CPUS,
    MAX_SPACES,
    MAX_TICKETS,
    PAGE,
    SMALL,
    SPACE,
    Begin,
    Clear,
    Config,
    Deliver,
    End,
    Invalidate,
    Lazy,
    Link,
    LookGeneration,
    LookLocal,
    Page,
    Plan,
    Protect,
    Set,
    Settled,
    Space,
    Switch,
    Ticket,
    Use,
)  # fmt: skip
from mmspec.virtual.tlb.state import NONE, POINTER, Tlb, entry_at, large_slot, small_slot

Made = tuple[str, Any, Mapping[str, int]]

OPERATIONS = {operation.request: operation for operation in law.TLB.operations}
NEEDS = {Settled: "settled", LookGeneration: "generations", LookLocal: "generations", Plan: "generations"}

PAGES = (0, 1, 511, 512, 513, (1 << 36) - 1)
SCOPES = (PAGE, PAGE, PAGE, BLOCK, SPACE)
COUNTS = (1, 2, 3, 31, 32, 33, 34, 63, 64, 65, 66, 511, 512, 513, 2047, 1 << 16, (1 << 21) - 1, 1 << 21, (1 << 21) + 1, 0)


class Generator:
    """Makes changes, uses what was changed, and flushes: in one go, or with more in between."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, self.capabilities = config, capabilities
        turn = header[4] % len(PAGES)
        self.pages = (PAGES[turn:] + PAGES[:turn])[: 2 + header[5] % 3]
        usual: list[Callable[[bytes, Tlb], Any]] = [
            *[self.use] * 14, *[self.change] * 10, *[self.switch] * 5, *[self.begin] * 3, *[self.deliver] * 4, *[self.end] * 4,
        ]  # fmt: skip
        rare = [self.invalidate, self.lazy, self.settled, self.generation, self.local, self.plan, self.plan, self.any_use]
        self.actions = [*usual, *rare, *(action for bit, action in enumerate(rare) if header[6] >> bit & 1)]
        self.last: tuple[Space, Page] = (1, self.pages[0])

    def request(self, record: bytes, tlb: Tlb) -> Made | None:
        """Return the request that a record stands for in this state."""
        if not any(record):
            return None
        request = self.actions[(record[0] | record[7] << 8) % len(self.actions)](record, tlb)
        if NEEDS.get(type(request)) and not self.capabilities[NEEDS[type(request)]]:
            request = self.use(record, tlb)
        operation = OPERATIONS[type(request)]
        if not self.capabilities["checked"] and operation.allowed(tlb, request, EINVAL) is None:
            request = Switch(record[1] % self.config.cpus, self.space(record))
        return OPERATIONS[type(request)].name, request, {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember where something was changed last."""
        if name in ("set", "clear", "protect", "link"):
            self.last = request.space, request.page

    def cpu(self, r: bytes) -> int:
        """Return a processor; now and then one that is not there."""
        return r[1] % MAX_CPUS if r[5] == 1 else r[1] % self.config.cpus

    def space(self, r: bytes) -> Space:
        """Return a space: the kernel's now and then, and seldom one that is not there."""
        if r[5] == 2:
            return r[2] % MAX_SPACES
        return KERNEL if r[2] % 8 == 0 else 1 + r[2] % self.config.spaces

    def page(self, r: bytes) -> Page:
        """Return a page."""
        return self.pages[r[3] % len(self.pages)]

    def where(self, r: bytes) -> tuple[Space, Page]:
        """Return where something was changed last, or anywhere."""
        return self.last if r[6] % 8 < 5 else (self.space(r), self.page(r))

    # each of the following makes one request from a record

    def use(self, r: bytes, tlb: Tlb) -> Any:
        """Use what was changed last, where the space runs; else let it run."""
        space, page = self.where(r)
        cpus = [cpu for cpu in range(tlb.cpus) if tlb.running.get(cpu, KERNEL) == space and not tlb.lazy.get(cpu, False)]
        if space == KERNEL:
            cpus = list(range(tlb.cpus))
        if not cpus:
            return Switch(self.cpu(r), space)
        return Use(cpus[r[1] % len(cpus)], space, page, r[4] % 2)

    def any_use(self, r: bytes, tlb: Tlb) -> Any:
        """Use anything anywhere."""
        return Use(self.cpu(r), self.space(r), self.page(r), r[4] % 2)

    def change(self, r: bytes, tlb: Tlb) -> Any:
        """Change what is mapped, as it can be from where it is."""
        (space, page), way = self.where(r), r[4]
        block, small = entry_at(tlb, large_slot(space, page)), entry_at(tlb, small_slot(space, page))
        frame, write = 1 + r[3] % 5, way >> 4 & 1
        large = Set(space, LARGE, page, 512 * frame, write)
        if block != POINTER:
            choices = [Link(space, page), Link(space, page), large]
            if block != NONE:
                choices += [Clear(space, LARGE, page), Protect(space, LARGE, page, write), Link(space, page)]
            choices.append(Set(space, SMALL, page, frame, write))
            return choices[way % len(choices)]
        one = Set(space, SMALL, page, frame, write)
        if small == NONE:
            return (one, one, one, one, one, Clear(space, LARGE, page), large, Clear(space, SMALL, page))[way % 8]
        take, give = Clear(space, SMALL, page), Protect(space, SMALL, page, write)
        return (take, take, give, give, one, Clear(space, LARGE, page), large, Set(space, LARGE, page, frame, 0))[way % 8]

    def switch(self, r: bytes, tlb: Tlb) -> Any:
        """Run a space, mostly the one that was changed last."""
        return Switch(self.cpu(r), self.last[0] if r[6] % 2 else self.space(r))

    def lazy(self, r: bytes, tlb: Tlb) -> Any:
        """Run a kernel thread."""
        return Lazy(self.cpu(r))

    def invalidate(self, r: bytes, tlb: Tlb) -> Any:
        """Flush one processor."""
        space, page = self.where(r)
        return Invalidate(self.cpu(r), (*SCOPES, EVERYTHING)[r[4] % 6], space, page)

    def begin(self, r: bytes, tlb: Tlb) -> Any:
        """Begin a flush of what was changed last."""
        free = [ticket for ticket in range(MAX_TICKETS) if not is_begun(tlb, ticket)]
        space, page = self.where(r)
        ticket = free[0] if free and r[5] != 3 else 0
        return Begin(ticket, (*SCOPES, EVERYTHING)[r[4] % 6] if r[5] % 16 == 4 else SCOPES[r[4] % 5], space, page, r[5] % 2)

    def ticket(self, r: bytes, tlb: Tlb) -> Ticket:
        """Return a flush under way, if there is one."""
        begun = [ticket for ticket in range(MAX_TICKETS) if is_begun(tlb, ticket)]
        return begun[r[2] % len(begun)] if begun and r[5] != 5 else r[2] % MAX_TICKETS

    def deliver(self, r: bytes, tlb: Tlb) -> Any:
        """Let a processor hear of a flush."""
        ticket = self.ticket(r, tlb)
        return Deliver(ticket, self.cpu(r)) if is_begun(tlb, ticket) or r[5] == 5 else self.begin(r, tlb)

    def end(self, r: bytes, tlb: Tlb) -> Any:
        """End a flush."""
        ticket = self.ticket(r, tlb)
        return End(ticket) if is_begun(tlb, ticket) or r[5] == 5 else self.use(r, tlb)

    def settled(self, r: bytes, tlb: Tlb) -> Any:
        """Ask whether a place is settled."""
        space, page = self.where(r)
        return Settled(space, r[4] % 2, page)

    def generation(self, r: bytes, tlb: Tlb) -> Any:
        """Ask for a generation."""
        return LookGeneration(self.space(r))

    def local(self, r: bytes, tlb: Tlb) -> Any:
        """Ask for a processor's generation."""
        return LookLocal(self.cpu(r))

    def plan(self, r: bytes, tlb: Tlb) -> Any:
        """Ask by how many instructions pages are flushed."""
        return Plan(COUNTS[r[4] % len(COUNTS)])
