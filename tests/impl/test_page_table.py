"""The walkers over flat arrays: batches give what single accesses give, on either engine, on one memory."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from mmimpl.virtual.page_table import PageTable
from mmimpl.virtual.page_table.memory import Store
from mmprops.conform import own_session
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmspec.errors import InputError
from mmspec.profile import Profile
from mmspec.virtual.page_table.ops import NO_FAULT, Access, Config, Reached, Write

MACHINE = machine_named("page_table")


@pytest.fixture(params=["python", pytest.param("numba", marks=pytest.mark.needs_numba)])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test on each engine."""
    monkeypatch.setenv("MMSPEC_ENGINE", request.param)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    return str(request.param)


def programs(seed: int, count: int) -> list[tuple[Config, list[Any]]]:
    """Return configurations with the requests of generated programs."""
    rng, session = random.Random(seed), own_session(MACHINE, "impl", Profile.KERNEL_6_12)
    made = [explore(MACHINE, session, Profile.KERNEL_6_12, rng.randbytes(HEADER + 150 * RECORD)) for _ in range(count)]
    return [(outcome.config, [request for _, request, _ in outcome.made]) for outcome in made]


def row_of(reached: Reached) -> list[int]:
    """Return an answer as a batch gives it."""
    if reached.fault is not None:
        assert reached.fault.level is not None
        assert reached.fault.code is not None
        return [reached.fault.kind | (reached.fault.level & 255) << 8 | reached.fault.code << 16, 0, 0, 0]
    assert reached.pa is not None
    assert reached.size is not None
    return [NO_FAULT, reached.pa, reached.size, len(reached.accessed_set or ()) | (256 if reached.dirty_set else 0)]


def test_a_batch_gives_what_single_accesses_give(engine: str, seed: int) -> None:
    """The same faults, addresses, sizes and marks, and the same memory after it."""
    for config, requests in programs(seed, 12):
        single, whole = PageTable(config), PageTable(config)
        for request in requests:
            if isinstance(request, Write):
                single.apply(request)
                whole.apply(request)
        lawful = [r for r in requests if isinstance(r, Access) and not single.apply(r).failed]
        if not lawful:
            continue
        single = PageTable(config)
        for request in requests:
            if isinstance(request, Write):
                single.apply(request)
        rows = [[r.root, r.va - (1 << 64) if r.va >> 63 else r.va, r.kind | r.user << 8] for r in lawful]
        expected = [row_of(single.apply(request)) for request in lawful]
        got = whole.walk_all(np.array(rows, np.int64))
        for mine, theirs in zip(got.tolist(), expected, strict=True):
            level = mine[0] >> 8 & 255 if mine[0] & 255 == NO_FAULT else 0
            assert [mine[0] - (level << 8), *mine[1:]] == theirs
        assert whole.words() == single.words()


def test_memory_grows_and_forgets_nothing() -> None:
    """Words far apart, more than there are slots at first, read back; what was never written reads 0."""
    store, rng = Store(), random.Random(1)
    written = {rng.randrange(1 << 53) << 3: rng.randrange(1, 1 << 64) for _ in range(500)}
    for pa, value in written.items():
        store.write(pa, value)
    assert all(store.read(pa) == value for pa, value in written.items())
    assert store.read(8) == written.get(8, 0)
    assert dict(store.items()) == written


@pytest.mark.parametrize("config", [Config(0, 2, 48, 52), Config(1, 2, 60, 48), Config(2, 5, 48, 56)])
def test_a_mode_that_is_none_is_refused(config: Config) -> None:
    """The implementation checks its configuration itself."""
    with pytest.raises(InputError, match="has no"):
        PageTable(config)


def without_short_ways(config: Config) -> PageTable:
    """Return a walker whose kernel answers everything."""
    whole = PageTable(config)
    whole._ways = (None,) * 6
    return whole


def test_the_short_way_gives_what_the_kernel_gives(seed: int) -> None:
    """The same results and the same memory, whatever is written between; and it is taken, and left, on every architecture."""
    taken, left = Counter[int](), Counter[int]()
    for config, requests in programs(seed, 60):
        both, whole = PageTable(config), without_short_ways(config)
        for request in requests:
            if isinstance(request, Access) and request.root % both.root_size == 0 and not request.root >> both.phys_bits:
                way = both._ways[2 * request.kind + request.user]
                short = None if way is None else both._short(both.store.pages, way, request.root, request.va)
                (left if short is None else taken)[config.arch] += 1
            assert both.apply(request) == whole.apply(request)
        assert both.words() == whole.words()
    assert all(taken[arch] and left[arch] for arch in range(3)), (taken, left)
