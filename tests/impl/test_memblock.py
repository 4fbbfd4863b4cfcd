"""The implementation of memblock answers as the law does, and counts what it keeps."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mmimpl.physical.memblock import EarlyMemory
from mmimpl.physical.memblock.table import Table
from mmprops.conform import conform
from mmspec.physical.memblock import MEMBLOCK
from mmspec.physical.memblock.ops import MEMORY, RESERVED, TOP, Add, Config, Free, FreeAll, Regions, Reserve


@pytest.mark.parametrize("profile", ["linux", "any"])
def test_it_conforms(profile: str, seed: int) -> None:
    """Address for address under linux, and region for region as they are kept."""
    assert conform("memblock", "impl", profile=profile, ops=10_000, seed=seed).verdict == "pass"


def test_a_table_s_gaps_are_what_no_region_holds() -> None:
    """Ascending, cut off at both ends."""
    table = Table(None)
    for base in (0x10, 0x30):
        table.cover(base, 0x10, 0, 0)
    assert list(table.gaps(0x8, 0x50)) == [(0x8, 0x10), (0x20, 0x30), (0x40, 0x50)]
    assert list(table.gaps(0x12, 0x18)) == []


def test_a_range_of_everything_is_isolated_whole() -> None:
    """Up to the last byte but one."""
    table = Table(None)
    table.cover(0x10, TOP, 0, 0)
    assert table.isolate(0, TOP) == (0, 1)
    assert table.listed() == [(0x10, TOP - 0x10, 0, 0)]


def test_what_is_no_request_is_refused() -> None:
    """With what would be one."""
    with pytest.raises(TypeError, match="is not a request to memblock"):
        EarlyMemory(Config()).apply("add")


BASES, SIZES = st.integers(0, 0x7F).map(lambda half: half * 0x800), st.sampled_from([0x800, 0x1000, 0x2000, 0x4000, 1 << 18])
CHANGES = st.lists(
    st.one_of(
        st.builds(Add, BASES, SIZES, st.integers(0, 1), st.sampled_from([0, 1])),
        st.builds(Reserve, BASES, SIZES),
        st.builds(Free, BASES, SIZES),
    ),
    max_size=8,
)


@given(st.sampled_from([2, 4, 8, 128]), st.sampled_from([2, 4, 8]), CHANGES)
def test_hand_overs_whose_arrays_are_nearly_full(memory_max: int, reserved_max: int, changes: list[Any]) -> None:
    """Which regions get a node depends on when the reserved array was doubled: law and implementation agree on all of it."""
    config = Config(nodes=2, memory_max=memory_max, reserved_max=reserved_max, resize=True)
    operations = {one.request: one for one in MEMBLOCK.operations}
    early, state, policy = EarlyMemory(config), MEMBLOCK.initial(config), MEMBLOCK.initial_policy(config, "6.12")
    for request in [*changes, FreeAll(1 << 40), Regions(RESERVED), Regions(MEMORY)]:
        answer, operation = early.apply(request), operations[type(request)]
        chosen, policy = operation.choose(state, policy, request)
        assert (answer, operation.allowed(state, request, answer)) == (chosen, None)
        state = operation.apply(state, request, answer)
