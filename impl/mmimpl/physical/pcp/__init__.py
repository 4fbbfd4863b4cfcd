"""The per-CPU page lists of one zone over flat arrays: ten bytes a page, one request at a time.

``memory`` says what the arrays mean, ``operations`` holds one kernel an operation, ``amounts`` says how many blocks
move. Kernels count frames from a base; ``PerCpuPages`` speaks in PFNs.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mmimpl.physical.pcp import amounts, operations
from mmimpl.physical.pcp.memory import BATCH, DISABLED, NONE, arrays_of, base_of, lists_of, order_of
from mmspec.physical.pcp.ops import (
    DONE,
    EBUSY,
    EINVAL,
    ENOENT,
    MIN_HIGH_FRACTION,
    Alloc,
    Block,
    Blocks,
    Bulk,
    Cacheinfo,
    Config,
    CountPages,
    Cpu,
    Decay,
    Disable,
    Done,
    Drain,
    DrainAll,
    Enable,
    Error,
    Expire,
    Frames,
    Free,
    HeldBlocks,
    Limits,
    Page,
    PcpList,
    Plan,
    Refill,
    Tune,
    Want,
)  # fmt: skip
from mmspec.words import Order, Pfn

HEADS = 1 << 56
"""``HEADS + number`` is the key of a list's head among the neighbours of blocks, as it is in the specification."""

REFUSALS = {errno.EBUSY: EBUSY, errno.EINVAL: EINVAL, errno.ENOENT: ENOENT}
ANSWERS: dict[int, Done | Error] = {0: DONE, **REFUSALS}
"""The results that the kernels' numbers stand for."""


class PerCpuPages:
    """A zone's per-CPU lists, making the choices of the kernel it is told ("6.12" or "6.1").

    After ``__init__`` no CPU holds anything. InputError: the configuration describes no zone, or one of more than
    ``memory.MAX_PAGES`` pages.
    """

    __slots__ = ("arrays", "base", "heads", "lists")

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.arrays = arrays_of(config, kernel)
        self.base, self.heads = base_of(config), self.arrays.heads
        self.lists = lists_of(self.arrays)

    # --- requests ----------------------------------------------------------------------------------------------------

    def apply(self, request: Any) -> Any:
        """Carry out one request of ``ops`` and return its result, a refusal included (TypeError: it is no request)."""
        answer = REQUESTS.get(type(request))
        if answer is None:
            raise TypeError(f"{request!r} is not a request to per-CPU lists: use the records of mmspec.physical.pcp.ops")
        return answer(self, request)

    def _frame(self, pfn: Pfn) -> int:
        frame = pfn - self.base
        return frame if 0 <= frame < self.heads else self.heads

    def _plan(self, total: int, portion: int) -> Plan | Error:
        if total < 0:
            return REFUSALS[-total]
        return Plan(total, min(total, portion))

    def _answer_alloc(self, request: Alloc) -> Page | Error:
        frame = operations.alloc(self.lists, request.cpu, request.order, request.migratetype, request.flags)
        return Page(self.base + frame) if frame < self.heads else REFUSALS[frame - self.heads]

    def _answer_free(self, request: Free) -> Frames | Error:
        frame = self._frame(request.pfn)
        return counted(operations.free(self.lists, request.cpu, frame, request.order, request.migratetype, request.flags))

    def _answer_drain(self, request: Drain) -> Block | Error:
        frame = operations.drain(self.lists, request.cpu)
        if frame >= self.heads:
            return REFUSALS[frame - self.heads]
        return Block(self.base + frame, self.order_on(self.lists.cursor[request.cpu]))

    def _answer_drain_all(self, request: DrainAll) -> Plan | Error:
        return self._plan(operations.drain_all(self.lists, request.cpu), self.lists.zone[BATCH] << self.lists.scale_max)

    def _answer_tune(self, request: Tune) -> Limits | Error:
        cpus = request.local + request.coming or request.online
        if cpus == 0 or 0 < request.fraction < MIN_HIGH_FRACTION or request.fraction > 0x7FFFFFFF:
            return EINVAL
        if self.lists.zone[DISABLED]:
            return EBUSY
        amounts.tune(self.lists, request.managed, request.low, cpus, request.fraction)
        return Limits(*self.arrays.zone[:3].tolist())

    def _answer_blocks(self, request: HeldBlocks) -> Blocks | Error:
        if request.cpu >= self.arrays.cpus:
            return EINVAL
        return Blocks(tuple((pfn, self.order_on(number)) for pfn, number in self.blocks() if number >> 4 == request.cpu))

    def _answer_count(self, request: CountPages) -> Frames | Error:
        return Frames(self.lists.held[request.cpu]) if request.cpu < self.arrays.cpus else EINVAL

    # --- looking -----------------------------------------------------------------------------------------------------

    def list_at(self, pfn: Pfn) -> PcpList:
        """Return the number of the list that the held block headed by a frame is on; 0xFFFF if there is none."""
        frame = pfn - self.base
        return self.lists.page[frame] if 0 <= frame < self.heads else NONE

    def order_on(self, number: PcpList) -> Order:
        """Return the order of the blocks on a list."""
        return order_of(self.lists, number)

    def after(self, key: int) -> int:
        """Return the key behind a held block or a list's head; any other key itself."""
        return self._neighbour(self.lists.after, key)

    def before(self, key: int) -> int:
        """Return the key before a held block or a list's head; any other key itself."""
        return self._neighbour(self.lists.before, key)

    def blocks(self) -> Iterator[tuple[Pfn, PcpList]]:
        """Yield the held blocks, ascending, each with the number of its list."""
        page = self.arrays.page
        for frame in np.flatnonzero(page != NONE).tolist():
            yield self.base + frame, int(page[frame])

    def members(self, number: PcpList) -> list[Pfn]:
        """Return the blocks on a list, in its order."""
        head = HEADS + number
        key, found = self.after(head), []
        while key != head:
            found.append(key)
            key = self.after(key)
        return found

    def numbers(self, cpu: Cpu) -> tuple[int, ...]:
        """Return a CPU's numbers: count, owed, high, free_count, alloc_factor, free_factor, flags, expire."""
        own = self.lists
        return (
            own.held[cpu], own.owed[cpu], own.high[cpu], own.free_count[cpu], own.alloc_factor[cpu], own.free_factor[cpu],
            own.flags[cpu], own.expire[cpu],
        )  # fmt: skip

    def limits(self) -> tuple[int, ...]:
        """Return the zone's numbers: batch, high_min, high_max in force, then the zone's own, then whether they are disabled."""
        return tuple(self.arrays.zone.tolist())

    def _neighbour(self, links: Any, key: int) -> int:
        place = key - HEADS + self.heads if key >= HEADS else key - self.base
        if not 0 <= place < len(links) or (key < HEADS and self.list_at(key) == NONE):
            return key
        near = links[place]
        return int(near - self.heads + HEADS if near >= self.heads else near + self.base)


def counted(count: int) -> Frames | Error:
    """Return the result that a kernel's count stands for: one below 0 is a refusal."""
    return Frames(count) if count >= 0 else REFUSALS[-count]


REQUESTS: dict[type, Callable[[PerCpuPages, Any], Any]] = {
    Alloc: PerCpuPages._answer_alloc,
    Want: lambda body, op: counted(operations.want(body.lists, op.cpu, op.order, op.flags)),
    Refill: lambda body, op: ANSWERS[operations.refill(body.lists, op.cpu, body._frame(op.pfn), op.order, op.migratetype)],
    Free: PerCpuPages._answer_free,
    Bulk: lambda body, op: counted(operations.bulk(body.lists, op.cpu, op.count)),
    Drain: PerCpuPages._answer_drain,
    DrainAll: PerCpuPages._answer_drain_all,
    Decay: lambda body, op: body._plan(operations.decay(body.lists, op.cpu), body.lists.zone[BATCH]),
    Expire: lambda body, op: body._plan(operations.refresh(body.lists, op.cpu, op.flags), body.lists.zone[BATCH]),
    Tune: PerCpuPages._answer_tune,
    Disable: lambda body, op: ANSWERS[operations.disable(body.lists)],
    Enable: lambda body, op: ANSWERS[operations.enable(body.lists)],
    Cacheinfo: lambda body, op: ANSWERS[operations.cacheinfo(body.lists, op.cpu, op.frames)],
    CountPages: PerCpuPages._answer_count,
    HeldBlocks: PerCpuPages._answer_blocks,
}
"""What answers a request, by its type."""
