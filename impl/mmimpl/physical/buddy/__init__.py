"""The buddy allocator of one zone over flat arrays: ten bytes a page, one request or a whole trace at a time.

``memory`` says what the arrays mean, ``lists`` and ``fallback`` hold the kernels behind the operations, ``operations`` one kernel
an operation, ``batch`` the one that runs a trace. Kernels count frames from the zone's base; ``Buddy`` speaks in PFNs.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmimpl import engine
from mmimpl.engine import Cells
from mmimpl.physical.buddy import batch, operations, outside
from mmimpl.physical.buddy.lists import count_block, enlist_last
from mmimpl.physical.buddy.memory import ALLOCATED, LISTS, MIGRATABLE, NONE, arrays_of, base_of, first_blocks, zone_of
from mmspec.errors import InputError
from mmspec.physical.buddy.ops import (
    DONE,
    EBUSY,
    EINVAL,
    ENOENT,
    ENOMEM,
    MOVABLE,
    Alloc,
    Block,
    Blocks,
    Config,
    Done,
    Error,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Isolate,
    Page,
    Putback,
    Reserve,
    Retype,
    Take,
    Unisolate,
    Unreserve,
)  # fmt: skip
from mmspec.words import ABSENT, Count, Migratetype, Order, Pageblock, Pfn

HEADS = 1 << 56
"""``HEADS + number`` is the key of a list's head among the neighbours of blocks, as it is in the specification."""

REFUSALS = {errno.EBUSY: EBUSY, errno.EINVAL: EINVAL, errno.ENOENT: ENOENT, errno.ENOMEM: ENOMEM}
ANSWERS: dict[int, Done | Error] = {0: DONE, **REFUSALS}
"""The results that the kernels' numbers stand for."""


class Buddy:
    """A zone's buddy allocator, making the choices of the kernel it is told ("6.12" or "6.1").

    After ``__init__`` every frame of memory is free, or just the blocks in ``free``, every other frame being outside.
    InputError: the configuration describes no zone, or one of more than ``memory.MAX_PAGES`` pages.
    """

    __slots__ = ("arrays", "base", "heads", "zone")

    def __init__(self, config: Config, kernel: str = "6.12", free: Iterable[tuple[Pfn, Order]] | None = None) -> None:
        self.arrays = arrays_of(config, kernel)
        self.base, self.heads = base_of(config), self.arrays.heads
        self.zone = zone_of(self.arrays)
        for pfn, order in first_blocks(config) if free is None else free:
            enlist_last(self.zone, pfn - self.base, (MOVABLE << 4) | order)
            count_block(self.zone, pfn - self.base, order, 1)

    @property
    def bytes(self) -> int:
        """The size of all arrays in bytes."""
        return sum(array.nbytes for array in self.arrays[:5])

    # --- requests ----------------------------------------------------------------------------------------------------

    def apply(self, request: Any) -> Any:
        """Carry out one request of ``ops`` and return its result, a refusal included (TypeError: it is no request)."""
        answer = REQUESTS.get(type(request))
        if answer is None:
            raise TypeError(f"{request!r} is not a request to a buddy allocator: use the records of mmspec.physical.buddy.ops")
        return answer(self, request)

    def replay(self, program: NDArray[np.int64]) -> NDArray[np.int64]:
        """Carry out a program on the engine of this process and return its results, one an operation (see ``batch``).

        ``program`` has shape (n, 3) or (3 * n,). InputError: it is no such array, or holds a code that is none.
        """
        if program.dtype != np.int64 or program.size % 3 or (program.ndim != 1 and program.shape[1:] != (3,)):
            raise InputError(
                f"a program of {program.dtype} with shape {program.shape} cannot be replayed", hint="int64, shape (n, 3)"
            )
        flat = np.ascontiguousarray(program).reshape(-1)
        codes = flat[::3] & ~batch.REFERENCE
        wrong = np.flatnonzero((codes < batch.NOTHING) | (codes > batch.UNRESERVE) | (flat[1::3] < 0))
        if wrong.size:
            raise InputError(
                f"operation {wrong[0]} has code {flat[3 * wrong[0]]}, argument {flat[3 * wrong[0] + 1]}",
                hint="codes and arguments are those of mmimpl.physical.buddy.batch",
            )
        results = np.zeros(flat.size // 3, np.int64)
        if engine.uses_numba():
            engine.compiled(batch.replay)(self.arrays, self.base, flat, results, results.size)
        else:
            batch.replay(self.zone, self.base, flat.data, results.data, results.size)
        return results

    def _frame(self, pfn: Pfn) -> int:
        frame = pfn - self.base
        return frame if 0 <= frame < self.heads else self.heads

    def _answer_alloc(self, request: Alloc) -> Page | Error:
        frame = operations.alloc(self.zone, request.order, request.migratetype, request.flags)
        return Page(self.base + frame) if frame < self.heads else REFUSALS[frame - self.heads]

    def _answer_free(self, request: Free) -> Done | Error:
        frame = request.pfn - self.base
        return ANSWERS[operations.free(self.zone, frame if 0 <= frame < self.heads else self.heads, request.order)]

    def _answer_unreserve(self, request: Unreserve) -> Block | Error:
        frame = operations.unreserve(self.zone, request.migratetype)
        if frame >= self.heads:
            return REFUSALS[frame - self.heads]
        return Block(self.base + frame, self.zone.page[frame] & ABSENT)

    def _answer_count(self, request: FreeCount) -> Frames:
        return Frames(int(self.arrays.frames.sum()))

    def _answer_blocks(self, request: FreeBlocks) -> Blocks:
        return Blocks(tuple(merged(((pfn, number & ABSENT) for pfn, number in self.blocks()), self.arrays.max_order)))

    # --- following what happened outside -------------------------------------------------------------------------------

    def carve(self, pfn: Pfn, order: Order) -> bool:
        """Let exactly this block of free frames leave; False, and nothing changes, if not all of it is free."""
        return bool(outside.carve(self.zone, self._frame(pfn), order))

    def adopt(self, pfn: Pfn, order: Order) -> bool:
        """Let a block come back from outside; False, and nothing changes, if a frame of it is free or no frame of the zone."""
        return bool(outside.adopt(self.zone, self._frame(pfn), order))

    def any_free(self, pfn: Pfn, order: Order) -> bool:
        """Tell whether any frame of an aligned block inside the zone is free."""
        return bool(outside.any_free(self.zone, self._frame(pfn), order))

    # --- looking -----------------------------------------------------------------------------------------------------

    def list_at(self, pfn: Pfn) -> int:
        """Return the number of the list that the block headed by a frame is on; 0xFF if there is none."""
        cell = self._cell(pfn)
        return cell if cell < ALLOCATED else NONE

    def order_allocated(self, pfn: Pfn) -> Order:
        """Return the order of the live allocation headed by a frame, or ``ABSENT``."""
        cell = self._cell(pfn)
        return cell & ABSENT if cell >= ALLOCATED else ABSENT

    def order_movable(self, pfn: Pfn) -> Order:
        """Return the order of the live movable allocation headed by a frame, or ``ABSENT``."""
        cell = self._cell(pfn)
        return cell & ABSENT if cell >= ALLOCATED and cell & MIGRATABLE else ABSENT

    def after(self, key: int) -> int:
        """Return the key behind a listed block or a list's head; any other key itself."""
        return self._neighbour(self.zone.after, key)

    def before(self, key: int) -> int:
        """Return the key before a listed block or a list's head; any other key itself."""
        return self._neighbour(self.zone.before, key)

    def type_at(self, pageblock: Pageblock) -> Migratetype:
        """Return the type of a pageblock, by its index counted from frame 0; MOVABLE outside the zone."""
        index = pageblock - (self.base >> self.arrays.pageblock_order)
        return self.zone.types[index] if 0 <= index < self.arrays.types.size else MOVABLE

    def frames(self, kind: Migratetype) -> Count:
        """Return how many frames are free in pageblocks of a kind: ORDINARY (0), HIGHATOMIC, CMA or ISOLATE."""
        return self.zone.frames[kind]

    def blocks(self) -> Iterator[tuple[Pfn, int]]:
        """Yield the listed blocks, ascending, each with the number of its list."""
        page = self.arrays.page
        for frame in np.flatnonzero(page < ALLOCATED).tolist():
            yield self.base + frame, int(page[frame])

    def allocated(self) -> Iterator[tuple[Pfn, Order]]:
        """Yield the live allocations, ascending."""
        page = self.arrays.page
        for frame in np.flatnonzero((page >= ALLOCATED) & (page != NONE)).tolist():
            yield self.base + frame, int(page[frame]) & ABSENT

    def lists(self) -> dict[int, list[Pfn]]:
        """Return the lists that are not empty, by number, each in its order."""
        found = {}
        for number in range(LISTS):
            head = HEADS + number
            key, blocks = self.after(head), []
            while key != head:
                blocks.append(key)
                key = self.after(key)
            if blocks:
                found[number] = blocks
        return found

    def _cell(self, pfn: Pfn) -> int:
        frame = pfn - self.base
        return self.zone.page[frame] if 0 <= frame < self.heads else NONE

    def _neighbour(self, links: Cells, key: int) -> int:
        if key >= HEADS:
            link = links[key - HEADS + self.heads]
        elif self.list_at(key) != NONE:
            link = links[key - self.base]
        else:
            return key
        return self.base + link if link < self.heads else HEADS + link - self.heads


def merged(blocks: Iterator[tuple[Pfn, Order]], max_order: Order) -> list[tuple[Pfn, Order]]:
    """Return the blocks with every pair of buddies below max_order merged; they come and go ascending."""
    done: list[tuple[Pfn, Order]] = []
    for head, size in blocks:
        pfn, order = head, size
        while order < max_order and done and done[-1] == (pfn ^ (1 << order), order):
            pfn, order = done.pop()[0], order + 1
        done.append((pfn, order))
    return done


def _on_block(run: Callable[..., int]) -> Callable[[Buddy, Any], Done | Error]:
    return lambda buddy, request: ANSWERS[run(buddy.zone, buddy._frame(request.pfn), request.order)]


def _on_pageblock(run: Callable[..., int]) -> Callable[[Buddy, Any], Done | Error]:
    return lambda buddy, request: ANSWERS[run(buddy.zone, buddy._frame(request.pfn), request.migratetype)]


REQUESTS: dict[type, Callable[[Buddy, Any], Any]] = {
    Alloc: Buddy._answer_alloc,
    Free: Buddy._answer_free,
    Take: _on_block(operations.take),
    Putback: _on_block(operations.putback),
    Reserve: _on_block(operations.reserve),
    Isolate: lambda buddy, request: ANSWERS[operations.isolate(buddy.zone, buddy._frame(request.pfn))],
    Unisolate: _on_pageblock(operations.unisolate),
    Retype: _on_pageblock(operations.retype),
    Unreserve: Buddy._answer_unreserve,
    FreeCount: Buddy._answer_count,
    FreeBlocks: Buddy._answer_blocks,
}
"""What answers each request."""
