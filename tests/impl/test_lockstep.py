"""The implementation answers as the law does and keeps the same lists in the same order, under both kernels."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from mmimpl.physical.buddy import HEADS, Buddy
from mmspec import linked
from mmspec.errors import InputError
from mmspec.physical.buddy import initial, ops
from mmspec.physical.buddy.ops import KERNELS

from .lockstep import OPERATIONS, ZONES, Pair, Requests

#: What the runs must have met, or they showed nothing: each answer that an operation can give.
ANSWERS = {(operation.name, answer) for operation in OPERATIONS.values() for answer in ("done", *operation.errors)}


def name_of(result: object) -> str:
    """Name an answer as ANSWERS does."""
    return result.name if isinstance(result, ops.Error) else "done"


def take_through(config: ops.Config, kernel: str, seed: int, length: int, every: int) -> Counter[tuple[str, str]]:
    """Take law and implementation through random requests and return how often each answer was given."""
    pair = Pair(config, kernel)
    requests = Requests(config, pair.impl, seed)
    pair.compare()
    met: Counter[tuple[str, str]] = Counter()
    for count in range(1, length + 1):
        request = requests.draw()
        met[OPERATIONS[type(request)].name, name_of(pair.step(request))] += 1
        if count % every == 0:
            pair.compare()
    return met


def random_zone(draw: random.Random) -> ops.Config:
    """Draw a small zone: any bounds, orders and holes."""
    max_order = draw.choice((0, 1, 2, 3, 3, 4, 4, 5, 6))
    start = draw.choice((0, 1, 3, 7, draw.randrange(64), draw.randrange(1 << 40), (1 << 52) - draw.randrange(100, 300)))
    end = min(start + draw.choice((1, 3, draw.randrange(1, 30), draw.randrange(30, 200))), 1 << 52)
    holes, pfn = [], start + draw.randrange(1, 9)
    while draw.random() < 0.7 and pfn + 8 < end:
        hole_end = pfn + draw.randrange(1, 7)
        holes.append((pfn, hole_end))
        pfn = hole_end + draw.randrange(20)
    return ops.Config(start, end, max_order, tuple(holes), draw.choice((None, draw.randint(min(1, max_order), max_order))))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("zone", ZONES)
def test_it_agrees_with_the_law(zone: str, kernel: str) -> None:
    """Results, lists and their order, types, counts and allocations agree along a random run."""
    take_through(ZONES[zone], kernel, seed=612, length=600, every=3)


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_agrees_in_any_geometry(kernel: str) -> None:
    """The same in zones of random bounds, orders and holes, compared after every request."""
    draw = random.Random(52)
    for seed in range(25):
        take_through(random_zone(draw), kernel, seed, length=60, every=1)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_runs_meet_every_answer(kernel: str) -> None:
    """The random runs carry out and refuse each operation in every way that it can be refused."""
    met: Counter[tuple[str, str]] = Counter()
    for zone in ("even", "uneven", "holed"):
        met += take_through(ZONES[zone], kernel, seed=1, length=1200, every=400)
    assert set(met) == ANSWERS
    done = sum(count for (_, answer), count in met.items() if answer == "done")
    assert done / met.total() > 0.7


def test_a_difference_is_seen() -> None:
    """A list whose order alone is wrong fails the comparison."""
    pair = Pair(ZONES["even"], "6.12")
    pair.compare()
    links = pair.impl.zone
    head = pair.impl.heads + ((ops.MOVABLE << 4) | 5)
    first = links.after[head]
    second = links.after[first]
    links.after[head], links.after[second], links.after[first] = second, first, links.after[second]
    with pytest.raises(AssertionError):
        pair.compare()


def test_neighbours_are_those_of_the_law() -> None:
    """``after`` and ``before`` give the law's own keys: blocks, heads of lists, and a key itself that is on no list."""
    pair = Pair(ZONES["uneven"], "6.12")
    requests = Requests(pair.config, pair.impl, 8)
    assert linked.HEADS == HEADS
    for _ in range(200):
        pair.step(requests.draw())
    links, impl = pair.policy.links, pair.impl
    frames = range(pair.config.start_pfn - 3, pair.config.end_pfn + 9)
    for key in [*frames, 0, (1 << 52) - 1, *(HEADS + number for number in range(6 << 4))]:
        assert (impl.after(key), impl.before(key)) == (links.next.get(key, key), links.prev.get(key, key))
    for pfn in frames:
        assert impl.list_at(pfn) == pair.policy.block.get(pfn, 0xFF)
        assert impl.order_allocated(pfn) == pair.state.allocated.get(pfn, 15)
        assert impl.order_movable(pfn) == pair.policy.movable.get(pfn, 15)


@pytest.mark.parametrize(
    "config",
    [
        ops.Config(8, 8),
        ops.Config(9, 8),
        ops.Config(0, (1 << 52) + 1),
        ops.Config(0, 64, 14),
        ops.Config(0, 64, 5, pageblock_order=6),
        ops.Config(0, 64, 5, pageblock_order=0),
        ops.Config(0, 64, 5, holes=((4, 4),)),
        ops.Config(0, 64, 5, holes=((64, 64),)),
        ops.Config(0, 64, 5, holes=((8, 12), (11, 13))),
        ops.Config(8, 64, 5, holes=((4, 12),)),
        ops.Config(0, 64, 5, holes=((60, 65),)),
        ops.Config(0, 64, 5, holes=((0, 64),)),
    ],
    ids=str,
)
def test_it_refuses_the_configurations_that_the_law_refuses(config: ops.Config) -> None:
    """What is no zone to the law is none to the implementation, with the same message."""
    with pytest.raises(InputError) as law:
        initial.initial_zone(config)
    with pytest.raises(InputError) as own:
        Buddy(config)
    assert str(own.value) == str(law.value)
