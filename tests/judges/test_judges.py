"""The judges judged by long random runs: after every act, everything the source promises is recounted.

Not promised, and therefore kept out of the runs (`test_scenarios` shows what happens then):

- in both: retyping a pageblock in the midst of a larger free block (misuse of move_freepages_block); changing
  the type of a pageblock while a block larger than it is off the lists (a page reporting race); unisolating
  a block of several pageblocks smaller than max_order (only its first pageblock is given back); reserving a
  page over pageblocks without fallback;
- in 6.1, where NR_FREE_PAGES and NR_FREE_CMA_PAGES go astray: isolating where a block may exceed a pageblock
  or where the zone ends within it; making CMA of a pageblock that is not allocated as one block.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from . import buddy_61, buddy_612

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
REQUESTS = (UNMOVABLE, MOVABLE, RECLAIMABLE)

#: start, end, max_order, pageblock_order, holes
GEOMETRIES = {
    "plain": (0, 64, 4, 3, []),
    "uneven": (3, 77, 4, 3, [21, (40, 44)]),
    "small blocks": (2, 61, 5, 2, [30]),
    "blocks are pageblocks": (0, 64, 3, 3, []),
    "uneven, blocks are pageblocks": (5, 59, 3, 3, [17]),
}
SEEDS = range(8)
STEPS = 400


class Run:
    """One zone, one random program, and a shadow of who holds which frame."""

    def __init__(self, judge: Any, geometry: tuple[int, int, int, int, list[Any]], seed: int) -> None:
        self.judge = judge
        self.old = judge is buddy_61
        self.zone = judge.Zone(*geometry)
        self.rng = random.Random(seed)
        self.held: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.movable: set[int] = set()
        self.memory = {pfn for pfn in range(geometry[0], geometry[1]) if pfn not in self.zone.holes}
        self.size = self.zone.pageblock_nr_pages
        self.done: Counter[str] = Counter()

    # ---- what is where

    def free_blocks(self) -> list[tuple[int, int, int]]:
        """(order, migratetype of the list, head) of every listed block."""
        return [(order, mt, pfn) for (order, mt), pfns in self.zone.lists.items() for pfn in pfns]

    def snapshot(self) -> Any:
        zone = self.zone
        lists = {key: list(pfns) for key, pfns in zone.lists.items()}
        return lists, dict(zone.pageblock), zone.nr_free_pages, zone.nr_free_cma, zone.nr_isolate_pageblock

    def pageblocks_of(self, pfn: int, order: int) -> set[int]:
        return {frame >> self.zone.pageblock_order for frame in range(pfn, pfn + (1 << order))}

    def off_limits(self, index: int) -> bool:
        """Whether this pageblock belongs to a block taken off the lists that is larger than it."""
        large = [(pfn, order) for pfn, order in self.taken.items() if order > self.zone.pageblock_order]
        return any(index in self.pageblocks_of(pfn, order) for pfn, order in large)

    def in_larger_free_block(self, index: int) -> bool:
        return any(
            order > self.zone.pageblock_order and index in self.pageblocks_of(pfn, order) for order, _, pfn in self.free_blocks()
        )

    def straddles(self, index: int) -> bool:
        first = index * self.size
        return bool(first < self.zone.start_pfn or first + self.size > self.zone.end_pfn)

    # ---- acts

    def step(self) -> None:
        acts = [self.alloc] * 10 + [self.free] * 8 + [self.split] + [self.take, self.putback] * 2
        acts += [self.bulk, self.isolate, self.unisolate, self.reserve, self.unreserve, self.retype]
        act = self.rng.choice(acts)
        if act():
            self.done[act.__name__] += 1

    def random_flags(self) -> int:
        judge = self.judge
        flags = [judge.ALLOC_NOFRAGMENT, judge.ALLOC_CMA, judge.ALLOC_HIGHATOMIC, judge.ALLOC_OOM]
        return sum(flag for flag in flags if self.rng.random() < 0.3)

    def hold(self, page: int, order: int, mt: int, before: Any) -> None:
        """Record an allocation, after checking that all of it was free."""
        free_before = {frame for (o, _), pfns in before[0].items() for p in pfns for frame in range(p, p + (1 << o))}
        frames = set(range(page, page + (1 << order)))
        assert page % (1 << order) == 0
        assert frames <= free_before
        self.held[page] = order
        likely = 0.9 if mt == MOVABLE else 0.2
        self.movable |= {frame for frame in frames if self.rng.random() < likely}

    def alloc(self) -> bool:
        order = min(self.rng.choice([0, 0, 0, 1, 1, 2, 3, 4]), self.zone.max_order)
        mt, flags = self.rng.choice(REQUESTS), self.random_flags()
        before = self.snapshot()
        page = self.zone.alloc(order, mt, flags, self.movable.__contains__)
        if page is None:
            assert self.snapshot() == before
            self.check_that_nothing_fits(order, mt, flags)
            return False
        self.hold(page, order, mt, before)
        self.check_the_type_of(page, order, mt, flags, before)
        return True

    def check_that_nothing_fits(self, order: int, mt: int, flags: int) -> None:
        """A refusal means that no list the request may use has a block that is large enough."""
        judge = self.judge
        usable = {mt}
        if not flags & judge.ALLOC_NOFRAGMENT:
            usable |= set(REQUESTS)
        if flags & judge.ALLOC_CMA:
            usable.add(CMA)
        if flags & (judge.ALLOC_HIGHATOMIC | judge.ALLOC_OOM):
            usable.add(HIGHATOMIC)
        assert not [block for block in self.free_blocks() if block[0] >= order and block[1] in usable]
        whole = [b for b in self.free_blocks() if b[0] >= self.zone.pageblock_order and b[1] in REQUESTS]
        assert not [block for block in whole if block[0] >= order]

    def check_the_type_of(self, page: int, order: int, mt: int, flags: int, before: Any) -> None:
        """Which pageblocks may serve this request, and which may change their type for it."""
        judge, po = self.judge, self.zone.pageblock_order
        now = self.zone.pageblock[page >> po]
        changed = {index for index, old in before[1].items() if self.zone.pageblock[index] != old}
        assert now != ISOLATE
        assert all(before[1][index] in REQUESTS and self.zone.pageblock[index] == mt for index in changed)
        if now == CMA:
            assert flags & judge.ALLOC_CMA
        if self.old:
            return
        if now == HIGHATOMIC:
            assert flags & (judge.ALLOC_HIGHATOMIC | judge.ALLOC_OOM)
        if flags & judge.ALLOC_NOFRAGMENT:
            assert now in (mt, CMA, HIGHATOMIC)
        if changed:
            self.done["claim"] += 1
        elif now in REQUESTS and now != mt:
            self.done["steal"] += 1

    def bulk(self) -> bool:
        order, mt, count = self.rng.choice([0, 0, 1, 3]), self.rng.choice(REQUESTS), self.rng.randrange(1, 6)
        flags = self.random_flags()
        before = self.snapshot()
        pages = self.zone.alloc_bulk(order, mt, count, flags, self.movable.__contains__)
        for page in pages:
            self.hold(page, order, mt, before)
        assert len(set(pages)) == len(pages) <= count
        return bool(pages)

    def free(self) -> bool:
        if not self.held:
            return False
        pfn = self.rng.choice(sorted(self.held))
        order = self.held.pop(pfn)
        self.movable -= set(range(pfn, pfn + (1 << order)))
        self.zone.free(pfn, order, tail=self.rng.random() < 0.2)
        return True

    def split(self) -> bool:
        """split_page by one level: the halves are freed on their own."""
        large = sorted(pfn for pfn, order in self.held.items() if order > 0)
        if not large:
            return False
        pfn = self.rng.choice(large)
        self.held[pfn] -= 1
        self.held[pfn + (1 << self.held[pfn])] = self.held[pfn]
        return True

    def take(self) -> bool:
        blocks = sorted(self.free_blocks())
        if not blocks:
            return False
        order, _, pfn = self.rng.choice(blocks)
        assert self.zone.take(pfn, order) == 1 << order
        self.taken[pfn] = order
        return True

    def putback(self) -> bool:
        if not self.taken:
            return False
        pfn = self.rng.choice(sorted(self.taken))
        self.zone.putback(pfn, self.taken.pop(pfn))
        return True

    def isolate(self) -> bool:
        index = self.rng.choice(sorted(self.zone.pageblock))
        if self.off_limits(index) or self.zone.pageblock[index] == HIGHATOMIC:
            return False
        if self.old and (self.straddles(index) or self.zone.max_order > self.zone.pageblock_order):
            return False
        expected = not self.straddles(index) and self.zone.pageblock[index] != ISOLATE
        before = self.snapshot()
        assert self.zone.isolate(max(index * self.size, self.zone.start_pfn)) == expected
        if not expected:
            assert self.snapshot() == before
        return expected

    def unisolate(self) -> bool:
        isolated = [index for index, mt in sorted(self.zone.pageblock.items()) if mt == ISOLATE]
        if not isolated:
            return False
        index = self.rng.choice(isolated)
        order = self.zone.buddy_order.get(index * self.size, 0)
        if self.off_limits(index) or self.zone.pageblock_order < order < self.zone.max_order:
            return False
        self.zone.unisolate(index * self.size, self.rng.choice([UNMOVABLE, MOVABLE, RECLAIMABLE, CMA]))
        return True

    def reserve(self) -> bool:
        if not self.held:
            return False
        pfn = self.rng.choice(sorted(self.held))
        order = self.held[pfn]
        indices = self.pageblocks_of(pfn, order)
        if any(self.off_limits(index) or self.zone.pageblock[index] not in REQUESTS for index in indices):
            return False
        expected = self.old or order >= self.zone.pageblock_order or not self.straddles(min(indices))
        assert self.zone.reserve_highatomic(pfn, order) == expected
        return expected

    def unreserve(self) -> bool:
        page = self.zone.unreserve_highatomic(self.rng.choice(REQUESTS))
        if page is not None:
            assert self.zone.pageblock[page >> self.zone.pageblock_order] in (*REQUESTS, CMA)
        elif not self.old:
            assert not any(self.zone.lists[order, HIGHATOMIC] for order in range(self.zone.max_order + 1))
        return page is not None

    def retype(self) -> bool:
        index = self.rng.choice(sorted(self.zone.pageblock))
        mt = self.rng.choice([UNMOVABLE, MOVABLE, RECLAIMABLE, CMA])
        if self.zone.pageblock[index] in (ISOLATE, HIGHATOMIC) or self.off_limits(index):
            return False
        if self.in_larger_free_block(index):
            return False
        if self.old:
            alone = self.held.get(index * self.size) == self.zone.pageblock_order
            if self.zone.pageblock[index] == CMA or (mt == CMA and not alone):
                return False
        done = self.zone.retype(max(index * self.size, self.zone.start_pfn), mt)
        assert done or self.straddles(index)
        return bool(done)

    # ---- the recount

    def recount(self) -> None:
        blocks = self.free_blocks()
        owner: dict[int, str] = {}
        everything = [("free", pfn, order) for order, _, pfn in blocks]
        everything += [("held", pfn, order) for pfn, order in self.held.items()]
        everything += [("taken", pfn, order) for pfn, order in self.taken.items()]
        for name, pfn, order in everything:
            assert pfn % (1 << order) == 0, f"{name} block {pfn} of order {order} is not aligned"
            for frame in range(pfn, pfn + (1 << order)):
                assert frame not in owner, f"frame {frame} is {name} and {owner[frame]}"
                owner[frame] = name
        assert set(owner) == self.memory
        assert self.zone.buddy_order == {pfn: order for order, _, pfn in blocks}
        self.recount_counters(blocks)
        self.recount_merging(blocks)
        if not self.old:
            self.recount_types(blocks)

    def recount_counters(self, blocks: list[tuple[int, int, int]]) -> None:
        zone = self.zone
        frames = Counter(dict.fromkeys(range(6), 0))
        for order, mt, _ in blocks:
            frames[mt] += 1 << order
        assert zone.nr_free_pages == frames.total() - frames[ISOLATE]
        assert zone.nr_free_cma == frames[CMA]
        kinds = Counter(zone.pageblock.values())
        assert zone.nr_isolate_pageblock == kinds[ISOLATE]
        if self.old:
            assert zone.nr_free_highatomic is None
        else:
            assert zone.nr_free_highatomic == frames[HIGHATOMIC]
            assert zone.nr_reserved_highatomic == kinds[HIGHATOMIC] * self.size

    def recount_merging(self, blocks: list[tuple[int, int, int]]) -> None:
        """Below pageblock_order no two free buddies lie side by side, of whatever lists."""
        small = {(pfn, order) for order, _, pfn in blocks if order < self.zone.pageblock_order}
        assert not [(pfn, order) for pfn, order in small if (pfn ^ (1 << order), order) in small]

    def recount_types(self, blocks: list[tuple[int, int, int]]) -> None:
        """6.12: every pageblock of a listed block is of its list's type, and no list operation warned."""
        for order, mt, pfn in blocks:
            types = {self.zone.pageblock[index] for index in self.pageblocks_of(pfn, order)}
            assert types == {mt}, f"block {pfn} of order {order} on list {mt} has pageblocks of types {types}"
        assert self.zone.warnings == []


@pytest.mark.parametrize("judge", [buddy_61, buddy_612], ids=["6.1", "6.12"])
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
def test_random_runs(judge: Any, geometry: tuple[int, int, int, int, list[Any]]) -> None:
    """Disjointness, alignment, conservation, counters, merging and (6.12) types hold after every act."""
    done: Counter[str] = Counter()
    for seed in SEEDS:
        run = Run(judge, geometry, seed)
        run.recount()
        for _ in range(STEPS):
            run.step()
            run.recount()
        done += run.done
    expected = {"alloc", "free", "split", "take", "putback", "bulk", "reserve", "unreserve", "retype"}
    if judge is buddy_612:
        expected |= {"claim", "steal", "isolate", "unisolate"}
    elif geometry[2] == geometry[3]:
        expected |= {"isolate", "unisolate"}
    assert set(done) == expected
    assert min(done.values()) >= 10
