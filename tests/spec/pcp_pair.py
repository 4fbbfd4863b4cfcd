"""The law of the per-CPU lists and a judge of them, step by step on one zone (``test_pcp_against_judges``)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.judges import pcp_61, pcp_612

from mmspec.linked import members
from mmspec.physical.pcp import PCP
from mmspec.physical.pcp.amounts import pcp_of
from mmspec.physical.pcp.ops import (
    AGAIN,
    BELOW_HIGH,
    CHANGED,
    ISOLATE,
    LISTS,
    RECLAIM_ACTIVE,
    REMOTE,
    Alloc,
    Bulk,
    Cacheinfo,
    Config,
    CountPages,
    Decay,
    Disable,
    Drain,
    DrainAll,
    Enable,
    Expire,
    Free,
    HeldBlocks,
    Limits,
    Refill,
    Tune,
    Want,
)  # fmt: skip
from mmspec.physical.pcp.state import list_of

OPERATIONS = {operation.request: operation for operation in PCP.operations}
SLOT = 13
"""Each block of a program lies in a slot of its own, of so many bits: the largest order."""

Blocks = list[tuple[int, int]]


class Pair:
    """The law and a judge on one zone."""

    def __init__(self, kernel: str, rng: random.Random) -> None:
        self.rng, self.kernel, self.cpus = rng, kernel, rng.choice((1, 1, 2, 3))
        huge, scale = rng.choice((9, 9, 4, 10, SLOT, 0)), rng.choice((0, 1, 5, 5, 6))
        self.thp = huge or None
        self.pages = PCP.initial(Config(0, 1 << 28, self.cpus, huge, scale))
        self.lists = PCP.initial_policy(Config(0, 1 << 28, self.cpus, huge, scale), kernel)
        judge: Any = pcp_612 if kernel == "6.12" else pcp_61
        self.judge = judge.ZonePcp(self.cpus, thp=self.thp, scale_max=scale)
        self.module = judge
        self.slots = rng.sample(range((1 << 28) >> SLOT), 1 << 15)
        self.live: Blocks = []
        self.orders = [order for order in range(SLOT + 1) if judge.pcp_allowed_order(order, self.thp)]
        self.below, self.reclaim, self.disabled = False, False, False
        self.short = 0.0
        self.tune()

    # --- the law

    def ask(self, request: Any) -> Any:
        """Return the law's answer, which it must allow itself."""
        operation = OPERATIONS[type(request)]
        answer, lists = operation.choose(self.pages, self.lists, request)
        assert operation.allowed(self.pages, request, answer) is None, request
        self.pages, self.lists = operation.apply(self.pages, request, answer), lists
        return answer

    def flags(self) -> int:
        """Return the zone's flags as the law is told them."""
        return BELOW_HIGH * self.below | RECLAIM_ACTIVE * self.reclaim

    def drained(self, cpu: int) -> Blocks:
        """Return what the law gives back until it owes nothing."""
        found: Blocks = []
        while not (block := self.ask(Drain(cpu))).failed:
            found.append((block.pfn, block.order))
        return found

    def planned(self, cpu: int, request: Any) -> Blocks:
        """Carry a plan of the law's out, portion by portion; return what it gave back."""
        plan, found = self.ask(request), []
        total = plan.total
        while total > 0:
            part = min(total, plan.portion)
            self.ask(Bulk(cpu, part))
            found += self.drained(cpu)
            total -= part
        return found

    # --- blocks

    def block(self, order: int) -> int:
        """Return a block that nobody has."""
        slot = self.slots.pop()
        return (slot << SLOT) + (self.rng.randrange(1 << (SLOT - order)) << order)

    def gone(self, blocks: Blocks) -> None:
        """Take blocks back that left the lists for the free lists."""
        self.slots += [pfn >> SLOT for pfn, _ in blocks]

    # --- what agrees

    def numbers(self, cpu: int) -> tuple[list[int], list[int]]:
        """Return a CPU's numbers by the law and by the judge."""
        pcp, ours = self.judge.pcps[cpu], pcp_of(self.pages, self.lists, cpu)
        count, expire = self.ask(CountPages(cpu)).count, self.lists.expire.get(cpu, 0)
        limits = [self.lists.batch, self.lists.high_min, self.lists.high_max]
        if self.kernel == "6.1":
            return [count, expire, *limits, ours.free_factor], [
                pcp.count,
                pcp.expire,
                pcp.batch,
                pcp.high,
                pcp.high,
                pcp.free_factor,
            ]
        return (
            [count, expire, *limits, ours.high, ours.free_count, ours.alloc_factor, ours.flags],
            [pcp.count, pcp.expire, pcp.batch, pcp.high_min, pcp.high_max, pcp.high, pcp.free_count, pcp.alloc_factor, pcp.flags],
        )

    def same(self) -> None:
        """Every number of every CPU agrees."""
        for cpu in range(self.cpus):
            ours, theirs = self.numbers(cpu)
            assert ours == theirs, cpu

    def same_lists(self) -> None:
        """Every list of every CPU agrees, in order, and so do the blocks that a CPU is said to hold."""
        for cpu in range(self.cpus):
            theirs = [*self.judge.pcps[cpu].lists, [], []][:LISTS]
            assert [list(members(self.lists.links, list_of(cpu, index))) for index in range(LISTS)] == theirs
            there = [(pfn, self.module.pindex_to_order(index, self.thp)) for index, pfns in enumerate(theirs) for pfn in pfns]
            assert list(self.ask(HeldBlocks(cpu)).blocks) == sorted(there)

    # --- limits

    def tune(self) -> None:
        """Compute the limits of both anew."""
        rng, judge = self.rng, self.judge
        judge.managed = rng.choice((0, 1, 4095, 8192, 16384, 50000, 1 << 17, 1 << 18, 1 << 22, rng.randrange(1 << 20)))
        judge.low = rng.choice((0, 1, 24, 4 * rng.randrange(300), judge.managed // 4, judge.managed // 7))
        judge.node_cpus, coming = rng.choice((0, 1, 2, 64)), rng.choice((0, 0, 1))
        judge.online = max(1, judge.node_cpus + rng.choice((0, 0, 1)))
        fraction = rng.choice((0, 0, 0, 8, 9, 1000, (1 << 31) - 1, *range(8)))
        if self.disabled:  # the kernel waits for it; the law says EBUSY
            return
        refused = judge.write_high_fraction(fraction) != 0
        judge.set_pageset_high_and_batch(coming)
        answer = self.ask(Tune(judge.managed, judge.low, judge.node_cpus, coming, judge.online, fraction))
        assert answer.failed is refused, fraction
        if refused:
            answer = self.ask(Tune(judge.managed, judge.low, judge.node_cpus, coming, judge.online, judge.fraction))
        pcp = judge.pcps[0]
        high = (pcp.high, pcp.high) if self.kernel == "6.1" else (pcp.high_min, pcp.high_max)
        assert answer == Limits(pcp.batch, *high)

    def switch(self) -> None:
        """Disable the lists of both, or enable them (mm/page_alloc.c:zone_pcp_disable and zone_pcp_enable)."""
        judge, self.disabled = self.judge, not self.disabled
        self.ask(Disable() if self.disabled else Enable())
        for pcp in judge.pcps:
            pcp.batch = 1 if self.disabled else judge.pageset_batch
            if self.kernel == "6.1":
                pcp.high = 0 if self.disabled else judge.pageset_high
            else:
                pcp.high_min = 0 if self.disabled else judge.pageset_high_min
                pcp.high_max = 0 if self.disabled else judge.pageset_high_max


# --- what a program does -------------------------------------------------------------------------------------------------


def alloc_one(pair: Pair, cpu: int, order: int, migratetype: int) -> None:
    """Ask both for a block; where there is none, for a refill, which may get less than it asks for."""
    first = pair.ask(Alloc(cpu, order, migratetype))
    refills: list[int] = []

    def refill(asked: int, count: int, kind: int) -> list[int]:
        assert first.failed
        assert (asked, kind) == (order, migratetype)
        assert pair.ask(Want(cpu, order, pair.flags())).count == count
        got = rng_part(pair, count)
        refills.extend(pair.block(order) for _ in range(got))
        for pfn in refills:
            assert not pair.ask(Refill(cpu, pfn, order, migratetype)).failed
        return list(refills)

    theirs = pair.judge.alloc(cpu, order, migratetype, refill)
    ours = pair.ask(Alloc(cpu, order, migratetype, AGAIN)) if first.failed and refills else first
    assert (None if ours.failed else ours.pfn) == theirs, (cpu, order, migratetype)
    if theirs is not None:
        pair.live.append((theirs, order))
    pair.same()


def rng_part(pair: Pair, count: int) -> int:
    """Return how many blocks the free lists have for a refill."""
    return pair.rng.randrange(count + 1) if pair.rng.random() < pair.short else count


def free_one(pair: Pair, cpu: int, order: int, pageblock: int) -> None:
    """Free a block in both; what goes back, goes back in the same order."""
    pair.judge.reclaim_active = pair.reclaim
    if pair.kernel == "6.12":
        pair.judge.below_high = pair.below
    taken = [k for k, (_, o) in enumerate(pair.live[:8]) if o == order]
    pfn = pair.live.pop(taken[0])[0] if taken else pair.block(order)
    answer = pair.ask(Free(cpu, pfn, order, pageblock, pair.flags()))
    kept = pair.module.pcp_allowed_order(order, pair.thp) and pageblock != ISOLATE
    assert answer.failed is not kept
    if not kept:
        pair.gone([(pfn, order)])
        return
    left = pair.judge.free(cpu, pfn, order, pageblock if pageblock < 3 else 1)
    assert (answer.count > 0) is bool(left), (cpu, pfn, order)
    assert pair.drained(cpu) == left, (cpu, pfn, order)
    pair.gone(left)
    pair.same()


def burst(pair: Pair) -> None:
    """Allocate or free several in a row, of one order or of any."""
    rng = pair.rng
    cpu, order, migratetype = rng.randrange(pair.cpus), rng.choice(pair.orders), rng.randrange(3)
    mixed, many = rng.random() < 0.3, rng.choice((1, 2, 5, 20, 70))
    takes = rng.random() < 0.45
    pcp = pair.judge.pcps[cpu]
    for _ in range(many if order <= 3 else min(many, 4)):
        if mixed:
            order, migratetype = rng.choice(pair.orders), rng.randrange(3)
        if takes:
            alloc_one(pair, cpu, order, migratetype)
        else:
            free_one(pair, cpu, rng.choice((order, order, order, rng.randrange(SLOT + 1))) if mixed else order, rng.randrange(6))
    if not takes and rng.random() < 0.4:
        for _ in range(min(200, pcp.high - pcp.count + 2)):  # past the limit, frame by frame
            free_one(pair, cpu, 0, migratetype)


def drain_all(pair: Pair) -> None:
    """Let a CPU of both give everything back."""
    cpu = pair.rng.randrange(pair.cpus)
    left = pair.judge.drain_pages_zone(cpu)
    assert pair.planned(cpu, DrainAll(cpu)) == left
    assert pair.ask(CountPages(cpu)).count == 0
    pair.gone(left)


def drain_some(pair: Pair) -> None:
    """Let a CPU of both give so many frames back: none, one, one more than there are."""
    cpu = pair.rng.randrange(pair.cpus)
    held = pair.judge.pcps[cpu].count
    count = pair.rng.choice((0, 1, 2, held, held + 1, held // 2, max(0, held - 1)))
    left = pair.judge.free_pcppages_bulk(pair.judge.pcps[cpu], count, 0)
    assert pair.ask(Bulk(cpu, count)).count == min(count, held)
    assert pair.drained(cpu) == left
    pair.gone(left)


def refresh(pair: Pair) -> None:
    """Refresh the statistics of a CPU of both, some times in a row (mm/vmstat.c:refresh_cpu_vm_stats)."""
    cpu, local = pair.rng.randrange(pair.cpus), pair.rng.random() < 0.3
    for _ in range(pair.rng.choice((1, 1, 4, 12))):
        folded = pair.rng.random() < 0.3
        _, left = pair.judge.refresh(cpu, folded=folded, local=local)
        found = pair.planned(cpu, Decay(cpu))
        found += pair.planned(cpu, Expire(cpu, CHANGED * folded | REMOTE * (not local)))
        assert found == left
        pair.gone(left)
        pair.same()


def cacheinfo(pair: Pair) -> None:
    """Tell a CPU of both of its cache: about three batches."""
    cpu = pair.rng.randrange(pair.cpus)
    frames = max(0, 3 * pair.judge.pcps[cpu].batch + pair.rng.choice((-1, 0, 1, 1, 1000)))
    assert not pair.ask(Cacheinfo(cpu, frames)).failed
    if pair.kernel == "6.12":
        pair.judge.set_cacheinfo(cpu, (frames << 12) + pair.rng.choice((0, 4095)))


def flag(pair: Pair) -> None:
    """Change what is going on in the zone, and how much the free lists have."""
    pair.below, pair.reclaim = pair.rng.random() < 0.4, pair.rng.random() < 0.25
    pair.short = pair.rng.choice((0.0, 0.0, 0.5))
    if pair.kernel == "6.12":
        pair.judge.below_high = pair.below


def limits(pair: Pair) -> None:
    """Compute the limits of both anew, or let their CPUs keep nothing for a while."""
    if pair.disabled or pair.rng.random() < 0.2:
        pair.switch()
    else:
        pair.tune()


ACTS: tuple[Callable[[Pair], None], ...] = (
    *[burst] * 12, drain_all, drain_some, refresh, refresh, cacheinfo, flag, flag, limits
)  # fmt: skip


def run(kernel: str, seed: int, programs: int = 10) -> None:
    """Run programs on both: numbers are compared after each step, lists after each act."""
    for number in range(programs):
        pair = Pair(kernel, random.Random(f"{seed} {number}"))
        pair.same()
        for _ in range(40):
            pair.rng.choice(ACTS)(pair)
            pair.same()
            pair.same_lists()
