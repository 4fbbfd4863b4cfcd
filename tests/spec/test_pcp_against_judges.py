"""The law's per-CPU lists against judges that were written from the kernels' sources alone (``tests/judges/pcp_*.py``).

Not compared: which requests pass the lists by (6.1's MOVABLE ones without CMA), and when BELOW_HIGH ends: these are the callers'.
Where the law and a judge disagree, ``docs/questions.md`` says how it was settled.
"""

from __future__ import annotations

import random
from typing import Any

import attrs
import pytest
from tests.judges import pcp_61, pcp_612

from mmspec.physical.pcp import PCP, amounts
from mmspec.physical.pcp.ops import KERNELS, Config, Limits
from mmspec.physical.pcp.parameters import batch_of, fraction_served, limits_of, sharing

from .pcp_pair import Pair, limits, run

JUDGES: dict[str, Any] = {"6.1": pcp_61, "6.12": pcp_612}
INT_MAX = (1 << 31) - 1


@pytest.mark.parametrize("kernel", JUDGES)
def test_every_list_and_number_is_what_the_judge_has(kernel: str, seed: int) -> None:
    """After each of many steps, on one to three CPUs."""
    run(kernel, seed)


# --- how many blocks move --------------------------------------------------------------------------------------------------


def asked(zone: Any, order: int, migratetype: int) -> int:
    """Return how many frames a free of the judge's gives back, without giving them."""
    amounts_asked: list[int] = []

    def give_nothing(pcp: Any, count: int, pindex: int) -> list[Any]:
        amounts_asked.append(min(pcp.count, count))
        return []

    zone.free_pcppages_bulk = give_nothing
    zone.free(0, "page", order, migratetype)
    return amounts_asked[0] if amounts_asked else 0


def compare_amounts(kernel: str, rng: random.Random, rounds: int) -> None:
    """Draw a CPU's numbers, bounds that cross among them, and ask both for a refill, a free and a decay."""
    for _ in range(rounds):
        scale, batch, order = rng.choice((0, 1, 5, 6)), rng.choice((1, 1, 3, 7, 63)), rng.choice((0, 0, 0, 1, 2, 3, 9))
        edges = (0, 1, batch - 1, batch, batch + 1, 4 * batch, 4 * batch + 1, 2 * batch, batch << scale)
        least, most, high = (rng.choice((*edges, rng.randrange(3000))) for _ in range(3))
        if kernel == "6.1" or rng.random() < 0.2:
            most = least
        bound = pcp_612.clamp(high, least, most)
        free_count = rng.choice((*edges, max(0, bound - batch + rng.randrange(-1, 2)), rng.randrange(12223)))
        count = max(0, rng.choice((*edges, bound + rng.randrange(-2, 3), bound - (1 << order), rng.randrange(4000))))
        factor, flags, zone_flags = rng.randrange(scale + 1), rng.randrange(4), rng.choice((0, 0, 1, 2, 3))

        config = Config(0, 1 << 20, 1, 9, scale)
        pages, lists = PCP.initial(config), PCP.initial_policy(config, kernel)
        lists = attrs.evolve(lists, batch=batch, high_min=least, high_max=most)
        zone = JUDGES[kernel].ZonePcp(1, scale_max=scale)
        pcp = zone.pcps[0]
        pcp.batch, pcp.count, zone.reclaim_active = batch, count, zone_flags & 2 != 0
        if kernel == "6.1":
            pcp.high, pcp.free_factor = least, factor
            ours = amounts.Pcp(count, 0, 0, 0, factor, 0)
        else:
            pcp.high, pcp.high_min, pcp.high_max = high, least, most
            pcp.free_count, pcp.alloc_factor, pcp.flags, zone.below_high = free_count, factor, flags, zone_flags & 1 != 0
            ours = amounts.Pcp(count, high, free_count, factor, 0, flags)

        what = rng.randrange(3)
        if what == 0:
            found, ours = amounts.wanted(pages, lists, ours, order, zone_flags)
            theirs = zone.nr_pcp_alloc(pcp, order)
        elif what == 1:
            held = attrs.evolve(ours, count=count + (1 << order))
            found, ours = amounts.freed(pages, lists, held, order, zone_flags)
            theirs = asked(zone, order, 1)
        else:
            found, ours = amounts.decayed(pages, lists, ours)
            theirs = 0
            if kernel == "6.12":
                zone.free_pcppages_bulk = lambda pcp, count, pindex: [count]
                theirs = sum(zone.decay_pcp_high(0)[1])
        assert found == theirs, (what, order, zone_flags, ours, lists)
        if kernel == "6.1":
            assert ours.free_factor == pcp.free_factor, (what, order, zone_flags, ours)
        else:
            numbers = (ours.count, ours.high, ours.free_count, ours.alloc_factor, ours.flags)
            assert numbers == (pcp.count, pcp.high, pcp.free_count, pcp.alloc_factor, pcp.flags), (what, order, zone_flags)


@pytest.mark.parametrize("kernel", JUDGES)
def test_amounts_are_the_judge_s(kernel: str, seed: int) -> None:
    """Whatever the numbers are, also such as no program brings about."""
    compare_amounts(kernel, random.Random(seed), 6000)


# --- limits --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", JUDGES)
def test_limits_are_the_judge_s(kernel: str, seed: int) -> None:
    """About each size at which a batch changes, and up to what an ``int`` holds."""
    rng, judge = random.Random(seed), JUDGES[kernel]
    sizes = sorted({1024 * k + off for k in range(300) for off in (-1, 0, 1)} - {-1} | {(1 << 34) - 1, 1 << 40})
    for managed in sizes:
        for page_shift in (12, 13, 14, 16):
            assert batch_of(managed, page_shift) == max(1, judge.zone_batchsize(managed, page_shift)), managed
        local, coming, fraction = rng.choice((0, 1, 8, 64)), rng.randrange(2), rng.choice((0, 8, 9, 100, INT_MAX))
        online = max(1, local) + rng.randrange(3)
        cpus = sharing(local, coming, online)
        low = rng.choice((0, 1, managed // 9, 4 * cpus * batch_of(managed) + rng.randrange(-1, 2)))
        low = min(max(low, 0), INT_MAX * cpus)
        shares = min(managed, INT_MAX * cpus * 8)
        batch = batch_of(shares)
        highs = [judge.zone_highsize(shares, low, batch, local, online, coming, part) for part in (fraction, fraction or 8)]
        if kernel == "6.1":
            highs[1] = highs[0]
        assert limits_of(KERNELS[kernel], shares, low, cpus, fraction) == Limits(batch, *highs), (shares, low, cpus, fraction)


@pytest.mark.parametrize(("managed", "low", "fraction"), [(1 << 34, 0, 0), (1 << 34, 1 << 31, 8), (1 << 33, 1 << 31, 0)])
def test_limits_beyond_an_int(managed: int, low: int, fraction: int) -> None:
    """Of 64 TiB that one CPU has: its eighth is 2**31 frames."""
    highs = [pcp_612.zone_highsize(managed, low, 63, 1, 1, 0, part) for part in (fraction, fraction or 8)]
    assert limits_of(612, managed, low, 1, fraction) == Limits(63, *highs)


@pytest.mark.parametrize("fraction", [1 << 31, (1 << 32) + 8])
def test_fractions_beyond_an_int(fraction: int) -> None:
    """The kernel's handler reads an ``int``, and refuses what is none (kernel/sysctl.c:do_proc_dointvec_conv)."""
    assert fraction_served(fraction) is (pcp_612.ZonePcp(1).write_high_fraction(fraction) == 0)


def test_fractions_are_taken_as_the_judge_takes_them() -> None:
    """0, and from 8 on."""
    for fraction in (*range(20), INT_MAX - 1, INT_MAX):
        for judge in JUDGES.values():
            assert fraction_served(fraction) is (judge.ZonePcp(1).write_high_fraction(fraction) == 0), fraction


def test_limits_follow_while_lists_are_enabled(seed: int) -> None:
    """And come back as they were."""
    for kernel in JUDGES:
        pair = Pair(kernel, random.Random(seed))
        for _ in range(200):
            limits(pair)
            pair.same()


# --- the comparison can fail ---------------------------------------------------------------------------------------------

RIGHT = {(kernel, name): value for kernel, judge in JUDGES.items() for name, value in vars(judge.ZonePcp).items()}


def refill_ignores_below_high(self: Any, pcp: Any, order: int) -> int:
    """Raise the limit where the zone is short, too."""
    kept, self.below_high = self.below_high, False
    count = int(RIGHT["6.12", "nr_pcp_alloc"](self, pcp, order))
    self.below_high = kept
    return count


def refill_of_one(self: Any, pcp: Any, order: int) -> int:
    """Ask for one block of a high order where it should be two."""
    return min(int(RIGHT["6.12", "nr_pcp_alloc"](self, pcp, order)), max(1, pcp.batch >> order) if order else 1 << 20)


def refill_never_doubles(self: Any, pcp: Any, order: int) -> int:
    """Leave the factor where it is."""
    kept = pcp.alloc_factor
    count = int(RIGHT["6.12", "nr_pcp_alloc"](self, pcp, order))
    pcp.alloc_factor = kept
    return count


def lower_bound_wins(self: Any, pcp: Any, batch: int, high: int, free_high: bool) -> int:
    """Give a batch back even where that is more than the limit leaves."""
    count = int(RIGHT["6.12", "nr_pcp_free"](self, pcp, batch, high, free_high))
    return count if free_high or high < batch else max(count, batch)


def high_orders_all(self: Any, pcp: Any, batch: int, high: int, free_high: bool) -> int:
    """Give all back where high orders are freed in a row, as 6.1 does."""
    return int(pcp.count) if free_high else int(RIGHT["6.12", "nr_pcp_free"](self, pcp, batch, high, free_high))


def reclaim_keeps_limit(self: Any, pcp: Any, batch: int, free_high: bool) -> int:
    """Leave the limit of a CPU alone while the zone is reclaimed."""
    limit = int(RIGHT["6.12", "nr_pcp_high"](self, pcp, batch, free_high))
    if self.reclaim_active and not free_high:
        pcp.high = pcp_612.clamp(pcp.high + max(pcp.free_count, batch), pcp.high_min, pcp.high_max)
    return limit


def limit_after_raise(self: Any, pcp: Any, batch: int, free_high: bool) -> int:
    """Hold a free to the limit that it raised itself."""
    limit = int(RIGHT["6.12", "nr_pcp_high"](self, pcp, batch, free_high))
    return max(limit, pcp.high) if not (free_high or self.reclaim_active or self.below_high) else limit


def one_above_limit(self: Any, pcp: Any, batch: int, free_high: bool) -> int:
    """Let a CPU keep as many frames as its limit is."""
    limit = int(RIGHT["6.12", "nr_pcp_high"](self, pcp, batch, free_high))
    return limit + (limit > 0)


def decay_by_quarter(self: Any, cpu: int) -> Any:
    """Lower a limit by a quarter."""
    pcp = self.pcps[cpu]
    if pcp.high > pcp.high_min:
        pcp.high = max(pcp.high - (pcp.high >> 3), pcp.high_min)
    return RIGHT["6.12", "decay_pcp_high"](self, cpu)


def cache_of_three(self: Any, cpu: int, slice_bytes: int) -> None:
    """Let three batches suffice."""
    RIGHT["6.12", "set_cacheinfo"](self, cpu, slice_bytes + 4096)


def from_next_list(self: Any, pcp: Any, count: int, pindex: int) -> Any:
    """Begin to give back at the list behind."""
    return RIGHT["6.12", "free_pcppages_bulk"](self, pcp, count, pindex + 1)


def from_the_head(self: Any, pcp: Any, count: int, pindex: int) -> Any:
    """Give back what was freed last."""
    for pages in pcp.lists:
        pages.reverse()
    left = RIGHT["6.12", "free_pcppages_bulk"](self, pcp, count, pindex)
    for pages in pcp.lists:
        pages.reverse()
    return left


def reset_by_nobody(self: Any, cpu: int, *, folded: bool, local: bool) -> Any:
    """Count down on a local CPU too."""
    return RIGHT["6.12", "refresh"](self, cpu, folded=folded, local=False)


def never_doubles_61(self: Any, pcp: Any, high: int, batch: int, free_high: bool) -> int:
    """Leave the factor where it is."""
    kept = pcp.free_factor
    count = int(RIGHT["6.1", "nr_pcp_free"](self, pcp, high, batch, free_high))
    pcp.free_factor = kept
    return count


def portion_61(self: Any, pcp: Any, high: int, batch: int, free_high: bool) -> int:
    """Give a portion back where high orders are freed in a row, as 6.12 does."""
    return min(int(RIGHT["6.1", "nr_pcp_free"](self, pcp, high, batch, free_high)), batch << self.scale_max)


def reclaim_61(self: Any, pcp: Any, free_high: bool) -> int:
    """Forget that the zone is reclaimed."""
    kept, self.reclaim_active = self.reclaim_active, False
    limit = int(RIGHT["6.1", "nr_pcp_high"](self, pcp, free_high))
    self.reclaim_active = kept
    return limit


WRONG: list[tuple[str, str, Any]] = [
    ("6.12", "nr_pcp_alloc", refill_ignores_below_high),
    ("6.12", "nr_pcp_alloc", refill_of_one),
    ("6.12", "nr_pcp_alloc", refill_never_doubles),
    ("6.12", "nr_pcp_free", high_orders_all),
    ("6.12", "nr_pcp_high", reclaim_keeps_limit),
    ("6.12", "nr_pcp_high", limit_after_raise),
    ("6.12", "nr_pcp_high", one_above_limit),
    ("6.12", "decay_pcp_high", decay_by_quarter),
    ("6.12", "set_cacheinfo", cache_of_three),
    ("6.12", "free_pcppages_bulk", from_next_list),
    ("6.12", "free_pcppages_bulk", from_the_head),
    ("6.12", "refresh", reset_by_nobody),
    ("6.1", "nr_pcp_free", never_doubles_61),
    ("6.1", "nr_pcp_free", portion_61),
    ("6.1", "nr_pcp_high", reclaim_61),
]


@pytest.mark.parametrize(("kernel", "name", "wrong"), WRONG, ids=lambda x: getattr(x, "__name__", x))
def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch, seed: int, kernel: str, name: str, wrong: Any) -> None:
    """A judge that is wrong in one function is told apart."""
    monkeypatch.setattr(JUDGES[kernel].ZonePcp, name, wrong)
    with pytest.raises(AssertionError):
        run(kernel, seed, 400)


AMOUNTS = [
    ("6.12", "nr_pcp_free", lower_bound_wins),
    *(row for row in WRONG if row[1] in ("nr_pcp_alloc", "nr_pcp_free", "nr_pcp_high")),
]


@pytest.mark.parametrize(("kernel", "name", "wrong"), AMOUNTS, ids=lambda x: getattr(x, "__name__", x))
def test_the_comparison_of_amounts_can_fail(
    monkeypatch: pytest.MonkeyPatch, seed: int, kernel: str, name: str, wrong: Any
) -> None:
    """The first of these no program tells apart: bounds never come so near each other."""
    monkeypatch.setattr(JUDGES[kernel].ZonePcp, name, wrong)
    with pytest.raises(AssertionError):
        compare_amounts(kernel, random.Random(seed), 20000)


def huge_pages_share(migratetype: int, order: int, thp: int | None = 9) -> int:
    """Keep all huge pages on one list."""
    return 12 if thp is not None and order > 3 else 3 * order + migratetype


def batch_of_half(managed: int, page_shift: int = 12) -> int:
    """Round a batch without the half that is added first."""
    batch = max(min(managed >> 10, (1 << 20) >> page_shift) // 4, 1)
    return int((1 << (batch.bit_length() - 1)) - 1)


def share_of_all(managed: int, low: int, batch: int, node_cpus: int, online: int, coming: int, fraction: int) -> int:
    """Split a zone among all CPUs of the machine."""
    return max((managed // fraction if fraction else low) // online, batch << 2)


@pytest.mark.parametrize("kernel", JUDGES)
@pytest.mark.parametrize("wrong", [huge_pages_share, batch_of_half, share_of_all], ids=lambda x: x.__name__)
def test_the_comparison_can_fail_by_a_formula(monkeypatch: pytest.MonkeyPatch, seed: int, kernel: str, wrong: Any) -> None:
    """A judge with one wrong formula is told apart."""
    names = {huge_pages_share: "order_to_pindex", batch_of_half: "zone_batchsize", share_of_all: "zone_highsize"}
    monkeypatch.setattr(JUDGES[kernel], names[wrong], wrong)
    with pytest.raises(AssertionError):
        run(kernel, seed, 400)
