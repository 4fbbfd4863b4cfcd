"""The implementation of memblock answers as the law does, and counts what it keeps."""

from __future__ import annotations

import pytest

from mmimpl.physical.memblock import EarlyMemory
from mmimpl.physical.memblock.table import Table
from mmprops.conform import conform
from mmspec.physical.memblock.ops import TOP, Config


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
