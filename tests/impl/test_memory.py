"""What a zone costs, and how its frames are numbered."""

from __future__ import annotations

import attrs
import pytest

from mmimpl.physical.buddy import Buddy, merged
from mmimpl.physical.buddy.memory import LISTS, MAX_PAGES, Arrays, Zone, arrays_of
from mmspec.errors import InputError
from mmspec.physical.buddy import ops


@pytest.mark.parametrize(("max_order", "pageblock_order"), [(0, 0), (4, 1), (10, 9), (13, 13)])
def test_at_most_ten_bytes_a_page(max_order: int, pageblock_order: int) -> None:
    """All arrays together take ten bytes a page at most, besides what does not grow with the zone."""
    pages = 1 << 16
    buddy = Buddy(ops.Config(0, pages, max_order, pageblock_order=pageblock_order))
    assert buddy.bytes <= 10 * pages + 2 * 4 * LISTS + 6 * 8


def test_only_whole_largest_blocks_are_added_to_the_zone() -> None:
    """A zone that begins and ends within a largest block pays for both of those blocks, no more."""
    assert arrays_of(ops.Config(1023, 2049), "6.12").page.size == 3 * 1024


def test_a_zone_at_the_end_of_physical_memory_is_like_any_other() -> None:
    """A zone that ends at PFN 2**52 hands out and takes back what one at 0 does, shifted by the base."""
    shift = (1 << 52) - 96
    low, high = Buddy(ops.Config(0, 96, 5)), Buddy(ops.Config(shift, 1 << 52, 5))
    for order in (0, 3, 5, 1):
        pfn = low.apply(ops.Alloc(order)).pfn
        assert high.apply(ops.Alloc(order)) == ops.Page(pfn + shift)
    assert high.apply(ops.Free(shift, 0)) == ops.DONE
    assert low.apply(ops.Free(0, 0)) == ops.DONE
    assert [(pfn + shift, number) for pfn, number in low.blocks()] == list(high.blocks())


@pytest.mark.parametrize("start", [0, 1])
def test_a_zone_is_limited_to_the_pages_that_an_index_can_name(start: int) -> None:
    """One largest block more than MAX_PAGES is refused, before any memory is taken."""
    with pytest.raises(InputError, match="the zone spans 67109888 pages"):
        arrays_of(ops.Config(start, MAX_PAGES + 1), "6.12")


def test_a_kernel_that_nobody_specified_is_refused() -> None:
    """The message names the kernels that are implemented."""
    with pytest.raises(InputError, match=r"'5\.10' is not implemented") as error:
        Buddy(ops.Config(0, 64), "5.10")
    assert error.value.hint == "one of 6.1, 6.12"


def test_a_request_that_is_none_is_refused() -> None:
    """What is not a record of ``ops`` is a TypeError that says what would be one."""
    with pytest.raises(TypeError, match=r"use the records of mmspec\.physical\.buddy\.ops"):
        Buddy(ops.Config(0, 64)).apply(("alloc", 0))


def test_both_forms_of_a_memory_have_the_same_fields() -> None:
    """The record for the interpreter and the tuple for Numba name the same things in the same order."""
    assert tuple(field.name for field in attrs.fields(Zone)) == Arrays._fields


def test_merging_stops_at_the_largest_order() -> None:
    """Buddies merge up to max_order, and only with their own buddies."""
    blocks = [(2, 1), (4, 0), (5, 0), (6, 1), (8, 2), (12, 2)]
    assert merged(iter(blocks), 2) == [(2, 1), (4, 2), (8, 2), (12, 2)]
    assert merged(iter(blocks), 3) == [(2, 1), (4, 2), (8, 3)]
