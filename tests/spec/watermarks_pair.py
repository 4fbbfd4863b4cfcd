"""The law of the watermarks and a judge of them, step by step on one machine (``test_watermarks_against_judges``)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs
from tests.judges import pcp_612, watermarks_612

from mmspec.physical.watermarks import WATERMARKS
from mmspec.physical.watermarks.ops import (
    DEVICE,
    HIGHMEM,
    KINDS,
    MAX_MANAGED,
    MOVABLE,
    NORMAL,
    Balanced,
    Boost,
    Config,
    Fast,
    Kswapd,
    LimitPerCpu,
    Limits,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Ok,
    Passed,
    Recommend,
    Refresh,
    Report,
    SetBoostFactor,
    SetManaged,
    SetMinFree,
    SetReserveRatio,
    SetScaleFactor,
    SetTiering,
    Unboost,
    Wake,
    Watermarks,
    Woken,
)  # fmt: skip
from mmspec.physical.watermarks.state import zone_at
from mmspec.words import MAX_ORDER_LIMIT

OPERATIONS = {operation.request: operation for operation in WATERMARKS.operations}
ORDERS = MAX_ORDER_LIMIT + 1
INT_MAX = (1 << 31) - 1
FLAGS = [0x08, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x800]
DEFAULT_RATIOS = [256, 256, 32, 0, 0, 0]


class Pair:
    """The law and the judge on one machine: every node has a zone of each kind, with memory or without."""

    def __init__(self, frames: dict[tuple[int, int], int], bits: int, page_shift: int, pageblock_order: int, kdump: int) -> None:
        made = Config(tuple((*zone, n) for zone, n in sorted(frames.items())), page_shift, pageblock_order, kdump)
        self.machine, self.marks = WATERMARKS.initial(made), WATERMARKS.initial_policy(made, "6.12")
        self.bits, self.page_shift, self.pageblock_order, self.kdump = bits, page_shift, pageblock_order, kdump
        self.nodes = 1 + max(node for node, _ in frames)
        self.present = set(frames)
        kinds = range(KINDS)
        self.zones = [[self.zone(frames.get((node, kind), 0)) for kind in kinds] for node in range(self.nodes)]
        self.kswapd = [watermarks_612.Node(zones) for zones in self.zones]
        self.total = [0] * self.nodes
        self.ratios = list(DEFAULT_RATIOS)
        self.min_free, self.user, self.scale, self.factor, self.tiering = 1024, -1, 10, 15000, 0
        self.refresh()

    def zone(self, managed: int) -> watermarks_612.Zone:
        """Return a zone of the judge's, with nothing free."""
        return watermarks_612.Zone(managed=managed, lowmem_reserve=[0] * KINDS, free_area=[{}] * ORDERS, bits=self.bits)

    # --- what the judge's functions are called by (mm/page_alloc.c:init_per_zone_wmark_min and the handlers, v6.12)

    def described(self) -> list[dict[str, Any]]:
        """Return all zones as the judge's formulae ask for them."""
        return [
            {
                "managed": zone.managed, "high": zone.wmark_pages(2),
                "is_highmem": kind == HIGHMEM, "is_movable": kind == MOVABLE, "is_device": kind == DEVICE,
            }
            for zones in self.zones for kind, zone in enumerate(zones)
        ]  # fmt: skip

    def buffer_pages(self) -> int:
        """Return the judge's frames above HIGH."""
        return watermarks_612.nr_free_buffer_pages(self.described(), self.bits)

    def compute_min_free(self) -> None:
        """Let the judge compute min_free_kbytes."""
        kbytes = self.buffer_pages() << (self.page_shift - 10)
        self.min_free = watermarks_612.calculate_min_free_kbytes(kbytes, self.min_free, self.user, self.bits)

    def set_up_marks(self) -> None:
        """Let the judge set its marks up, and the totals."""
        marks = watermarks_612.setup_per_zone_wmarks(self.described(), self.min_free, self.scale, self.page_shift, self.bits)
        for number, zone in enumerate(zone for zones in self.zones for zone in zones):
            zone.marks = [marks[number][name] for name in ("min", "low", "high", "promo")]
            zone.boost = marks[number]["boost"]
        self.total_up()

    def set_up_reserves(self) -> None:
        """Let the judge set its reserves up, and the totals."""
        for zones in self.zones:
            rows = watermarks_612.setup_per_zone_lowmem_reserve([zone.managed for zone in zones], self.ratios, self.bits)
            for zone, row in zip(zones, rows, strict=True):
                zone.lowmem_reserve = row
        self.total_up()

    def total_up(self) -> None:
        """Let the judge sum up what each node keeps."""
        nodes = [
            [{"managed": z.managed, "high": z.wmark_pages(2), "lowmem_reserve": z.lowmem_reserve} for z in zones]
            for zones in self.zones
        ]
        self.total, _ = watermarks_612.calculate_totalreserve_pages(nodes, self.bits)

    def refresh(self) -> None:
        """Let the judge compute everything anew."""
        self.compute_min_free()
        self.set_up_marks()
        self.set_up_reserves()

    # --- the law

    def ask(self, request: Any) -> Any:
        """Return the law's answer, which it must allow itself."""
        operation = OPERATIONS[type(request)]
        answer, self.marks = operation.choose(self.machine, self.marks, request)
        assert operation.allowed(self.machine, request, answer) is None, request
        self.machine = operation.apply(self.machine, request, answer)
        return answer

    def same(self) -> None:
        """Every mark, boost, reserve and total agrees, and min_free_kbytes with what a user wrote."""
        assert (self.marks.min_free, self.marks.user_min_free) == (self.min_free, self.user)
        for node, zones in enumerate(self.zones):
            for kind, zone in enumerate(zones):
                where = zone_at(node, kind)
                assert self.ask(LookWatermarks(where)) == Watermarks(*zone.marks, zone.boost), (node, kind)
                assert list(attrs.astuple(self.ask(LookReserves(where)))) == zone.lowmem_reserve, (node, kind)
            assert self.ask(LookTotal(node)).count == self.total[node]


# --- what a program does -------------------------------------------------------------------------------------------------


def pick(pair: Pair, rng: random.Random) -> tuple[int, watermarks_612.Zone]:
    """Return a zone of both, more often one with memory."""
    node, kind = rng.choice(sorted(pair.present)) if rng.random() < 0.8 else (rng.randrange(pair.nodes), rng.randrange(KINDS))
    return zone_at(node, kind), pair.zones[node][kind]


def settings(pair: Pair, rng: random.Random) -> None:
    """Write a setting of both."""
    small = pair.bits == 32
    match rng.randrange(5):
        case 0:
            kbytes = rng.choice((0, 1, 127, 128, 67584, rng.randrange(1 << 20), *(() if small else (INT_MAX, 262145))))
            set_min_free(pair, kbytes)
        case 1:
            factor = rng.choice((0, 1, 10, 11, 3000, 3001, rng.randrange(1, 3001)))
            if not pair.ask(SetScaleFactor(factor)).failed:
                pair.scale = factor
                pair.set_up_marks()
            assert (1 <= factor <= 3000) == (pair.marks.scale == factor)
        case 2:
            pair.factor = rng.choice((0, 1, 9999, 10000, 15000, 100000, 400000 if small else INT_MAX))
            pair.ask(SetBoostFactor(pair.factor))
        case 3:
            kind, ratio = rng.randrange(KINDS), rng.choice((-(1 << 31), -1, 0, 1, 2, 32, 256, INT_MAX))
            pair.ask(SetReserveRatio(kind, ratio))
            pair.ratios[kind] = max(ratio, 0)
            pair.set_up_reserves()
        case _:
            pair.tiering = rng.randrange(2)
            pair.ask(SetTiering(pair.tiering))


def set_min_free(pair: Pair, kbytes: int) -> None:
    """Write min_free_kbytes of both."""
    pair.ask(SetMinFree(kbytes))
    pair.min_free = pair.user = kbytes
    pair.set_up_marks()


def tie(pair: Pair, rng: random.Random) -> None:
    """Write what the kernel would compute itself, or one less or more; it changes HIGH, and that the next computation."""
    for _ in range(4):
        set_min_free(pair, watermarks_612.int_sqrt(pair.buffer_pages() << (pair.page_shift - 6)))
    set_min_free(pair, max(0, pair.min_free + rng.choice((0, 0, 0, -1, 1))))
    for choice in (2, 1):
        recompute(pair, rng, choice)
        pair.same()


def recompute(pair: Pair, rng: random.Random, choice: int | None = None) -> None:
    """Compute everything of both anew, or what khugepaged does when it starts and stops."""
    match rng.randrange(3) if choice is None else choice:
        case 0:
            pair.ask(Refresh())
            pair.refresh()
        case 1:
            pair.ask(Recommend(0))
            pair.compute_min_free()
            pair.set_up_marks()
        case _:
            pair.ask(Recommend(1))
            counted = sum(kind <= NORMAL for _, kind in pair.present)
            pair.min_free = watermarks_612.set_recommended_min_free_kbytes(
                pair.buffer_pages(), counted, pair.min_free, pair.pageblock_order, pair.page_shift, pair.bits
            )
            pair.set_up_marks()


def set_managed(pair: Pair, rng: random.Random) -> None:
    """Give a zone of both other frames, where the law is stated for them."""
    where, zone = pick(pair, rng)
    managed = size(rng, pair.bits, pair.pageblock_order)
    if not pair.ask(SetManaged(where, managed)).failed:
        zone.managed = managed


def boost(pair: Pair, rng: random.Random) -> None:
    """Boost a zone of both, or take some of it back."""
    where, zone = pick(pair, rng)
    if rng.random() < 0.3:
        pages = rng.choice((0, 1, zone.boost, zone.boost + 1, zone.boost // 2))
        pair.ask(Unboost(where, pages))
        zone.boost -= min(zone.boost, pages)  # mm/vmscan.c:balance_pgdat
        return
    lift(pair, where, zone)


def lift(pair: Pair, where: int, zone: watermarks_612.Zone) -> None:
    """Boost a zone of both."""
    done, zone.boost = watermarks_612.boost_watermark(
        zone.marks[2], zone.boost, zone.managed, pair.factor, pair.pageblock_order, pair.kdump == 1, pair.bits
    )
    assert pair.ask(Boost(where)) == Passed(int(done))


def report(pair: Pair, rng: random.Random) -> None:
    """Say in both what is free."""
    where, zone = pick(pair, rng)
    tell(pair, rng, where, zone, rng.choice((0, zone.managed, zone.wmark_pages(rng.randrange(4)))))


def tell(pair: Pair, rng: random.Random, where: int, zone: watermarks_612.Zone, mark: int) -> None:
    """Say in both that so much is free in a zone, what a request may not use on top, one more or one less."""
    highest, flags = rng.randrange(KINDS), rng.choice((0x80, 0xA0, 0))
    zone.nr_free_highatomic, zone.vm_cma = rng.choice((0, 0, 1, 100)), rng.choice((0, 0, 1, 100))
    about = mark + zone.lowmem_reserve[highest] + watermarks_612.unusable_free(zone, rng.choice((0, 0, 0, 1, 3)), flags)
    free = max(0, rng.choice((about, mark)) + rng.randrange(-1, 2))
    exact = max(0, free + rng.choice((0, 0, -1, 1, 125, -125)))
    drift = rng.choice((0, free + 1, free + 1, free, free - 1 if free else 0))
    bits = [rng.choice((0, 1, rng.randrange(1 << ORDERS), 1 << rng.randrange(ORDERS))) for _ in range(3)]
    assert not pair.ask(Report(where, free, exact, zone.nr_free_highatomic, zone.vm_cma, drift, *bits)).failed
    zone.vm_free, zone.deltas, zone.percpu_drift_mark = free, [exact - free], drift
    listed = [(rng.randrange(3), bits[0]), (4, bits[1]), (3, bits[2])]
    zone.free_area = [{kind: 1 + order for kind, has in listed if has >> order & 1} for order in range(ORDERS)]


def flags_of(rng: random.Random, mark: int = 0) -> int:
    """Return some flags of a request, with the mark that it is held to."""
    return mark | sum(flag for flag in FLAGS if rng.random() < 0.25)


def check(pair: Pair, rng: random.Random) -> None:
    """Ask both whether a request passes, by all checks."""
    where, zone = pick(pair, rng)
    if rng.random() < 0.5:
        lift(pair, where, zone)
    for _ in range(6):
        mark = rng.choice((zone.wmark_pages(rng.randrange(4)), zone.marks[0], zone.marks[0] // 2, zone.marks[0] * 3 // 8))
        tell(pair, rng, where, zone, mark)
        order, highest = rng.choice((0, 0, 0, 1, 2, 3, 9, MAX_ORDER_LIMIT)), rng.randrange(KINDS)
        flags, index = flags_of(rng), rng.choice((0, 0, 1, 2, 3))
        mark, reserve = zone.wmark_pages(index), zone.lowmem_reserve[highest]
        theirs = watermarks_612.zone_watermark_ok(zone, order, mark, highest, flags)
        assert pair.ask(Ok(where, order, mark, reserve, flags)) == Passed(int(theirs)), (order, mark, reserve, flags)
        theirs = watermarks_612.zone_watermark_fast(zone, order, mark, highest, flags | index)
        assert pair.ask(Fast(where, order, highest, flags | index)) == Passed(int(theirs)), (order, highest, flags | index)


def kswapd(pair: Pair, rng: random.Random) -> None:
    """Wake a kswapd of both, ask whether its node is balanced, or say how it fares."""
    where, zone = pick(pair, rng)
    number, node = where >> 3, pair.kswapd[where >> 3]
    for _ in range(3):
        tell(pair, rng, where, zone, zone.wmark_pages(rng.choice((2, 2, 3))))
        order, highest = rng.choice((0, 0, 0, 1, 3, 9)), rng.choice((where & 7, rng.randrange(KINDS)))
        theirs = watermarks_612.pgdat_balanced(node.zones, order, highest, pair.tiering == 1)
        assert pair.ask(Balanced(number, order, highest)) == Passed(int(theirs)), (order, highest)
    if rng.random() < 0.3:
        waiting, failures = rng.choice((1, 1, 0)), rng.choice((0, 0, 15, 16, 17))
        pair.ask(Kswapd(number, waiting, failures))
        node.kswapd_highest_zoneidx, node.kswapd_order = KINDS, 0
        node.kswapd_failures, node.kswapd_sleeps = failures, waiting == 1
        return
    direct, admitted = rng.randrange(2), rng.choice((1, 1, 1, 0))
    whom = watermarks_612.wakeup_kswapd(
        node, zone, order, highest, direct_reclaim=direct == 1, cpuset_allowed=admitted == 1, tiering=pair.tiering == 1
    )
    asked = node.kswapd_highest_zoneidx < KINDS
    theirs_then = (asked, node.kswapd_order, node.kswapd_highest_zoneidx if asked else 0)
    answer = pair.ask(Wake(where, order, highest, direct, admitted))
    assert answer == Woken(int(whom == "kswapd"), int(whom == "kcompactd"), *(int(x) for x in theirs_then)), (order, highest)


def per_cpu(pair: Pair, rng: random.Random) -> None:
    """Ask both for the limits of a zone's per-CPU lists."""
    where, zone = pick(pair, rng)
    local, fraction = rng.choice((0, 1, 2, 64)), rng.choice((0, 0, 8, 9, INT_MAX))
    online, low = max(1, local) + rng.choice((0, 1, 64)), zone.wmark_pages(1)
    batch = max(1, pcp_612.zone_batchsize(zone.managed, pair.page_shift))
    if max(low, zone.managed // 8) >> 31:  # beyond an int: see test_limits_beyond_an_int
        return
    high = [pcp_612.zone_highsize(zone.managed, low, batch, local, online, 0, part) for part in (fraction, fraction or 8)]
    assert pair.ask(LimitPerCpu(where, local, online, fraction)) == Limits(batch, *high)


ACTS: tuple[Callable[[Pair, random.Random], None], ...] = (
    settings, settings, tie, recompute, set_managed, boost, boost, report, report, report, check, check, kswapd, kswapd, kswapd,
    per_cpu,
)  # fmt: skip


def size(rng: random.Random, bits: int, pageblock_order: int) -> int:
    """Return a zone's size: none, tiny, about four pageblocks, large, and with 64 bits the largest."""
    edge = (4 << pageblock_order) + rng.randrange(-1, 2)
    power = max(0, (1 << rng.randrange(9, 20 if bits == 32 else 33)) + rng.randrange(-1, 2))
    return rng.choice((0, 1, 32767, edge, power, power, rng.randrange(1 << 20), *(() if bits == 32 else (MAX_MANAGED,))))


def machine(rng: random.Random) -> Pair:
    """Return both on a machine for whose sizes the law is stated."""
    while True:
        bits, order = rng.choice((64, 64, 64, 32)), rng.choice((1, 5, 9, 9, 9, 10, 13))
        nodes = rng.choice((1, 1, 2, 3))
        where = [(node, kind) for node in range(nodes) for kind in range(KINDS) if rng.random() < 0.4]
        frames = {zone: size(rng, bits, order) for zone in where}
        total, outside = sum(frames.values()), sum(n for (_, kind), n in frames.items() if kind in (HIGHMEM, MOVABLE))
        share = 1024 if bits == 64 else 4
        if 0 < total <= min((total - outside) * share, MAX_MANAGED if bits == 64 else 1 << 22):
            return Pair(frames, bits, 12 if bits == 32 else rng.choice((12, 12, 14, 16)), order, int(rng.random() < 0.1))


def run(seed: int, programs: int = 60) -> None:
    """Run programs on both, comparing after each step."""
    for number in range(programs):
        rng = random.Random(f"{seed} {number}")
        pair = machine(rng)
        pair.same()
        for _ in range(40):
            rng.choice(ACTS)(pair, rng)
            pair.same()
