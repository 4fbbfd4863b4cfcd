"""The implementation and the law, taken through the same requests and compared in everything."""

from __future__ import annotations

import errno
import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmimpl.physical.buddy import Buddy, batch
from mmspec import linked
from mmspec.physical.buddy import BUDDY, ops
from mmspec.physical.buddy.state import kind_of

OPERATIONS = {operation.request: operation for operation in BUDDY.operations}
TYPES = range(6)

#: Flags that open and close every list, alone and together.
FLAGS = (0, 0, 0, ops.ALLOC_CMA, ops.ALLOC_NOFRAGMENT, ops.ALLOC_HIGHATOMIC, ops.ALLOC_OOM, ops.ALLOC_NON_BLOCK, ops.ALLOC_FLAGS)

ZONES = {
    "even": ops.Config(0, 256, 5, pageblock_order=3),
    "uneven": ops.Config(3, 155, 4, pageblock_order=3),
    "pageblocks of two": ops.Config(5, 91, 4, pageblock_order=1),
    "holed": ops.Config(6, 190, 5, holes=((20, 21), (40, 47), (64, 96), (100, 103)), pageblock_order=2),
    "pageblock is largest": ops.Config(1, 120, 3, pageblock_order=3),
    "single frames": ops.Config(2, 40, 0),
    "a few frames": ops.Config(7, 10, 10),
    "huge base": ops.Config((1 << 52) - 130, 1 << 52, 4, pageblock_order=2),
    "default": ops.Config(0x100, 0xD00, 10),
}


class Pair:
    """Law and implementation of one zone."""

    def __init__(self, config: ops.Config, kernel: str) -> None:
        self.config = config
        self.state = BUDDY.initial(config)
        self.policy = BUDDY.initial_policy(config, kernel)
        self.impl = Buddy(config, kernel)

    def step(self, request: Any) -> Any:
        """Let both answer a request, compare the answers, and return the answer."""
        operation = OPERATIONS[type(request)]
        expected, policy = operation.choose(self.state, self.policy, request)
        assert operation.allowed(self.state, request, expected) is None, f"the law breaks itself at {request}: {expected}"
        result = self.impl.apply(request)
        assert result == expected, f"{request}: {result}, not {expected}"
        self.state, self.policy = operation.apply(self.state, request, expected), policy
        return result

    def compare(self) -> None:
        """Compare all that the implementation can be asked with the law's state."""
        state, policy, impl = self.state, self.policy, self.impl
        assert dict(impl.blocks()) == dict(policy.block.items())
        assert dict(impl.allocated()) == dict(state.allocated.items())
        numbers = {number for _, number in policy.block.items()}
        assert impl.lists() == {number: list(linked.members(policy.links, number)) for number in numbers}
        for pfn, order in impl.allocated():
            assert impl.order_allocated(pfn) == order
            assert impl.order_movable(pfn) == policy.movable.get(pfn, 15)
        assert {kind: impl.frames(kind) for kind in map(kind_of, TYPES)} == {
            kind: state.frames.get(kind, 0) for kind in map(kind_of, TYPES)
        }
        first, last = (pfn >> state.span.pageblock_order for pfn in (self.config.start_pfn, self.config.end_pfn))
        for pageblock in range(max(0, first - 2), last + 3):
            assert impl.type_at(pageblock) == policy.types.get(pageblock, ops.MOVABLE)


class Requests:
    """Random requests, most of which a zone can carry out; about half of its frames are in use."""

    def __init__(self, config: ops.Config, impl: Buddy, seed: int) -> None:
        self.config, self.impl = config, impl
        self.random = random.Random(seed)
        self.pages = config.end_pfn - config.start_pfn

    def frame(self) -> int:
        """Draw a frame, seldom one outside the zone."""
        pick = self.random
        if pick.random() < 0.03:
            return pick.choice((0, self.config.end_pfn % (1 << 52), (1 << 52) - 1, max(0, self.config.start_pfn - 1)))
        return self.config.start_pfn + pick.randrange(self.pages)

    def order(self) -> int:
        """Draw an order, small ones more often."""
        return min(self.random.choice((self.config.max_order, self.config.max_order + 1, 15)), int(self.random.expovariate(0.7)))

    def live(self) -> tuple[int, int]:
        """Draw a live allocation, seldom something close to one."""
        blocks = list(self.impl.allocated())
        if not blocks or self.random.random() < 0.05:
            return self.frame(), self.order()
        pfn, order = self.random.choice(blocks)
        if self.random.random() < 0.05:
            return pfn + self.random.choice((0, 1)), self.random.choice((0, 1, order + 1, 15))
        return pfn, order

    def listed(self) -> tuple[int, int]:
        """Draw a listed block, seldom another."""
        blocks = list(self.impl.blocks())
        if not blocks or self.random.random() < 0.1:
            return self.frame(), self.order()
        pfn, number = self.random.choice(blocks)
        return pfn, number & 15

    def draw(self) -> Any:
        """Draw the next request."""
        pick = self.random
        action = pick.random()
        if action < 0.80:
            free = sum(self.impl.frames(kind) for kind in (0, 3, 4, 5))
            if pick.random() < free / self.pages:
                return ops.Alloc(self.order(), pick.choice((0, 1, 1, 2)), pick.choice(FLAGS))
            return ops.Free(*self.live())
        if action < 0.84:
            return ops.Take(*self.listed())
        if action < 0.87:
            return ops.Putback(*self.live())
        if action < 0.90:
            return ops.Isolate(self.frame())
        if action < 0.93:
            isolated = [pfn for pfn, number in self.impl.blocks() if number >> 4 == ops.ISOLATE]
            return ops.Unisolate(pick.choice(isolated) if isolated else self.frame(), pick.randrange(6))
        if action < 0.95:
            return ops.Retype(self.frame(), pick.randrange(6))
        if action < 0.97:
            return ops.Reserve(*self.live())
        if action < 0.985:
            return ops.Unreserve(pick.randrange(6))
        return pick.choice((ops.FreeCount(), ops.FreeBlocks(), ops.Alloc(0, pick.randrange(6), 1 << pick.randrange(12))))


def worn(zone: str, kernel: str) -> Pair:
    """Return law and implementation after random requests on a zone."""
    pair = Pair(ZONES[zone], kernel)
    requests = Requests(ZONES[zone], pair.impl, 7)
    for _ in range(60):
        pair.step(requests.draw())
    return pair


def recorded(zone: str, kernel: str, length: int = 1500, seed: int = 5) -> tuple[list[Any], list[int]]:
    """Take an implementation through random requests one at a time; return them and their results as a trace has them."""
    impl = Buddy(ZONES[zone], kernel)
    draw = Requests(ZONES[zone], impl, seed)
    requests: list[Any] = []
    results: list[int] = []
    while len(requests) < length:
        request = draw.draw()
        if type(request) in batch.CODES:
            requests.append(request)
            results.append(encoded(impl.apply(request)))
    return requests, results


def encoded(result: Any) -> int:
    """Return a result record as a trace has it."""
    if isinstance(result, ops.Error):
        return -int(getattr(errno, result.name))
    if isinstance(result, ops.Page):
        return result.pfn
    if isinstance(result, ops.Block):
        return result.order << 52 | result.pfn
    return batch.DONE


def program_of(requests: list[Any]) -> NDArray[np.int64]:
    """Return requests as a program."""
    return np.array([batch.row_of(request) for request in requests], dtype=np.int64)
