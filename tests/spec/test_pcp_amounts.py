"""How many blocks move at once: figures worked out by hand from the kernel's text."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmspec.physical.pcp.amounts import Pcp, amount_of, clamped, decayed, freed, limit_of, wanted
from mmspec.physical.pcp.ops import (
    AGAIN,
    BELOW_HIGH,
    CHANGED,
    FREE_HIGH_BATCH,
    PREV_FREE_HIGH_ORDER,
    RECLAIM_ACTIVE,
    REMOTE,
    Cacheinfo,
    Config,
    Decay,
    DrainAll,
    Expire,
    Plan,
    Tune,
    Want,
)  # fmt: skip

from .pcp_model import Model

LARGE = Tune(1 << 20, 6096, 2, 0, 2)
"""A zone of 4 GiB and two CPUs: batch 63, limits 3048 and 65536."""

FIXED = attrs.evolve(LARGE, fraction=1024)
"""Both limits are 512."""


def model_of(tune: Tune = LARGE, kernel: str = "6.12") -> Model:
    """Return a zone with limits."""
    return Model(Config(0, 1 << 20), kernel, tune)


def pcp(**numbers: int) -> Pcp:
    """Return a CPU's numbers, 0 where nothing else is said."""
    return Pcp(**{"count": 0, "high": 0, "free_count": 0, "alloc_factor": 0, "free_factor": 0, "flags": 0} | numbers)


def asked(model: Model, function: Any, numbers: Pcp, *rest: Any) -> tuple[int, Pcp]:
    """Ask one of the functions of a CPU's numbers."""
    result: tuple[int, Pcp] = function(model.pages, model.lists, numbers, *rest)
    return result


# --- taking ----------------------------------------------------------------------------------------------------------


def test_refills_double() -> None:
    """63 at first, then twice as many each time, up to 2016; the limit rises by each of them."""
    model, counts, highs = model_of(), [], []
    for _ in range(8):
        counts.append(model.do(Want(0, 0)).count)
        highs.append(model.numbers().high)
    assert counts == [63, 126, 252, 504, 1008, 2016, 2016, 2016]
    assert highs == [3111, 3237, 3489, 3993, 5001, 7017, 9033, 11049]


def test_a_refill_leaves_a_batch_below_the_limit() -> None:
    """3000 of 3048 + 1008 are held: 4056 - 3000 - 63; and the next is no larger."""
    assert asked(model_of(), wanted, pcp(count=3000, high=3048, alloc_factor=4), 0, 0) == (
        993,
        pcp(count=3000, high=4056, alloc_factor=4),
    )


def test_a_full_list_still_asks_for_a_batch() -> None:
    """Where more is held than the limit allows."""
    assert asked(model_of(FIXED), wanted, pcp(count=900, high=512), 0, 0)[0] == 63


@pytest.mark.parametrize(("order", "count"), [(0, 63), (1, 31), (2, 15), (3, 7), (9, 2)])
def test_larger_blocks_are_fewer(order: int, count: int) -> None:
    """Two at least, and never scaled."""
    for kernel in ("6.12", "6.1"):
        assert model_of(kernel=kernel).do(Want(0, order)).count == count


def test_refills_of_6_1_do_not_grow() -> None:
    """A batch each time."""
    model = model_of(kernel="6.1")
    assert [model.do(Want(0, 0)).count for _ in range(4)] == [63] * 4


def test_below_the_high_mark_the_limit_stays() -> None:
    """A refill raises it in a zone that is not short, and not where it is fixed."""
    assert asked(model_of(), wanted, pcp(high=3048), 0, BELOW_HIGH)[1].high == 3048
    assert asked(model_of(FIXED), wanted, pcp(), 0, 0)[1].high == 512


def test_the_boot_pageset_asks_for_one() -> None:
    """Of any order."""
    model = Model(Config(0, 64), tune=None)
    assert [model.do(Want(0, order)).count for order in (0, 3, 9)] == [1, 1, 1]


def test_requests_forget_frees_once() -> None:
    """A refill's second try, or a further block of a bulk request, is none of its own."""
    model = model_of()
    for pfn in range(8):
        model.free(pfn)
    assert model.numbers().free_count == 8
    model.alloc()
    assert model.numbers().free_count == 4
    model.alloc(flags=AGAIN)
    assert model.numbers().free_count == 4


def test_frees_forget_refills() -> None:
    """Each halves the scale."""
    model = model_of()
    for _ in range(5):
        model.do(Want(0, 0))
    model.free(1)
    assert model.numbers().alloc_factor == 2


# --- giving back -----------------------------------------------------------------------------------------------------


def test_a_fixed_limit_gives_a_batch_back() -> None:
    """The 512th frame is one too many; 512 were freed in a row, but 63 stay below the limit: 449 go."""
    model = model_of(FIXED)
    gone = [len(model.free(pfn)) for pfn in range(512)]
    assert gone == [0] * 511 + [449]


def test_high_order_blocks_in_a_row_all_go() -> None:
    """The dossier's figure: of 5000 frames 2016 go back and 2984 stay."""
    numbers = pcp(count=5000, high=4000, free_count=63, flags=PREV_FREE_HIGH_ORDER)
    assert asked(model_of(), freed, numbers, 1, 0) == (
        2016,
        pcp(count=5000, high=3048, free_count=65, flags=PREV_FREE_HIGH_ORDER),
    )


@pytest.mark.parametrize(
    ("numbers", "order"),
    [
        (pcp(count=70, high=4000, free_count=62, flags=PREV_FREE_HIGH_ORDER), 1),
        (pcp(count=70, high=4000, free_count=63), 1),
        (pcp(count=62, high=4000, free_count=63, flags=PREV_FREE_HIGH_ORDER | FREE_HIGH_BATCH), 1),
        (pcp(count=70, high=4000, free_count=63, flags=PREV_FREE_HIGH_ORDER), 9),
        (pcp(count=70, high=4000, free_count=63, flags=PREV_FREE_HIGH_ORDER), 0),
    ],
)
def test_what_does_not_count_as_high_orders_in_a_row(numbers: Pcp, order: int) -> None:
    """One frame fewer, nothing before, a large cache, a huge page, a single frame."""
    assert asked(model_of(), freed, numbers, order, 0)[0] == 0


def test_a_run_is_counted_up_to_the_largest_batch() -> None:
    """2015 goes one further, 2016 no more; a huge page counts whole."""
    model = model_of()
    runs = [
        asked(model, freed, pcp(count=1, free_count=n), order, 0)[1].free_count for n, order in ((2015, 0), (2016, 0), (2015, 9))
    ]
    assert runs == [2016, 2016, 2527]


@pytest.mark.parametrize(
    ("numbers", "flags", "limit", "high"),
    [
        (pcp(count=9, high=4000), RECLAIM_ACTIVE, 252, 3937),
        (pcp(count=9, high=4000, free_count=700), RECLAIM_ACTIVE, 252, 3300),
        (pcp(count=9, high=4000, free_count=2000), RECLAIM_ACTIVE, 252, 3048),
        (pcp(count=3000, high=4000), BELOW_HIGH, 3048, 3937),
        (pcp(count=3500, high=4000), BELOW_HIGH, 3500, 3937),
        (pcp(count=3500, high=4000), RECLAIM_ACTIVE | BELOW_HIGH, 252, 3937),
        (pcp(count=3999, high=4000, free_count=9000), 0, 4000, 4000),
        (pcp(count=4000, high=4000, free_count=3938), 0, 4000, 4001),
        (pcp(count=4000, high=4000, free_count=3937), 0, 4000, 4000),
        (pcp(count=4000, high=4000, free_count=90000), 0, 4000, 65536),
    ],
)  # fmt: skip
def test_limits(numbers: Pcp, flags: int, limit: int, high: int) -> None:
    """Reclaim goes before the high mark; a limit that is met rises to the run and a batch."""
    found, after = asked(model_of(), limit_of, numbers, flags, False)
    assert (found, after.high) == (limit, high)


def test_amounts() -> None:
    """A batch at least, a batch stays at least; one frame where nothing is kept."""
    model = model_of()
    numbers = [(10, 3048), (100, 3048), (5000, 3048), (9, 62), (9, 0)]
    assert [amount_of(model.pages, model.lists, pcp(free_count=n), limit, False) for n, limit in numbers] == [63, 100, 2985, 1, 1]


def test_bounds_that_cross() -> None:
    """The upper one wins, and a value between the two goes to the lower: as clamp() is written."""
    assert [clamped(value, 20, 10) for value in (0, 9, 10, 15, 30)] == [20, 20, 10, 10, 10]
    assert [clamped(value, 10, 20) for value in (0, 10, 15, 20, 30)] == [10, 10, 15, 20, 20]


# --- 6.1 -------------------------------------------------------------------------------------------------------------


def test_drains_of_6_1_double() -> None:
    """63, 126, 252 of the 3048 that are too many; a request halves the scale."""
    model = model_of(kernel="6.1")
    gone, pfn = [], 0
    while len(gone) < 4:
        count = len(model.free(pfn))
        gone += [count] if count else []
        pfn += 1
        if len(gone) == 3 and count:
            model.alloc()
    assert gone == [63, 126, 252, 126]


def test_a_high_order_after_a_drain_empties_6_1() -> None:
    """Whatever is held."""
    model = model_of(FIXED, "6.1")
    for pfn in range(512):
        model.free(pfn)
    assert (model.numbers().count, model.numbers().free_factor) == (449, 1)
    model.free(4096, 1)
    assert model.numbers().count == 0


def test_reclaim_in_6_1() -> None:
    """Four batches are kept."""
    model = model_of(kernel="6.1")
    gone = [len(model.free(pfn, flags=RECLAIM_ACTIVE)) for pfn in range(252)]
    assert gone == [0] * 251 + [63]


# --- other drains ----------------------------------------------------------------------------------------------------


def test_decay() -> None:
    """An eighth, but not further below the count than 2016, and not below the least limit."""
    model = model_of()
    cases = [pcp(count=0, high=8000), pcp(count=9500, high=8000), pcp(count=8000, high=3100), pcp(count=100, high=3100)]
    found = [asked(model, decayed, numbers) for numbers in cases]
    assert [(total, numbers.high) for total, numbers in found] == [(0, 7000), (2016, 7484), (2016, 5984), (0, 3048)]


def test_what_decays_goes_in_batches() -> None:
    """6.1 has no decay."""
    model = model_of()
    model.refill(*range(4000))
    assert model.do(Decay(0)) == Plan(4000, 63)
    model = model_of(kernel="6.1")
    model.refill(*range(4000))
    assert model.do(Decay(0)) == Plan(0, 0)


def test_all_goes_in_the_largest_batches() -> None:
    """2016 under one hold of the lock, or as many as there are."""
    model = model_of()
    model.refill(*range(10))
    assert model.do(DrainAll(0)) == Plan(10, 10)
    model.refill(*range(10, 3000))
    assert model.do(DrainAll(0)) == Plan(3000, 2016)


def test_a_remote_zone_expires_after_three_refreshes() -> None:
    """The refresh in which something was counted is the first; then a batch goes, and nothing more until it counts again."""
    model = model_of()
    model.refill(*range(100))
    told = [model.do(Expire(0, flags)).total for flags in (REMOTE, REMOTE | CHANGED, REMOTE, REMOTE, REMOTE)]
    assert told == [0, 0, 0, 63, 0]


def test_a_local_zone_never_expires() -> None:
    """Nor one in which nothing is held."""
    model = model_of()
    model.do(Expire(0, REMOTE | CHANGED))
    model.refill(1)
    told = [model.do(Expire(0, flags)).total for flags in (REMOTE, CHANGED, REMOTE, REMOTE, REMOTE)]
    assert told == [0, 0, 0, 0, 0]


def test_a_large_cache() -> None:
    """Of more than three batches."""
    model = model_of()
    flags = []
    for frames in (189, 190, 189):
        model.do(Cacheinfo(0, frames))
        flags.append(model.numbers().flags)
    assert flags == [0, FREE_HIGH_BATCH, 0]
