"""What proofs about kernels go from is true of real arrays, the lifted kernels are the real ones, and no value is too wide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.impl.lockstep import ZONES, worn
from tests.proofs.lifting import agree, lifted_case

from mmimpl.physical.buddy import fallback, lists, operations
from mmimpl.physical.buddy.memory import LISTS, arrays_of, base_of, zone_of
from mmproofs.lift import words
from mmproofs.obligations.physical import answers, memory, refined
from mmproofs.obligations.physical.memory import legal_memory
from mmspec.physical.buddy.ops import KERNELS, Config
from mmspec.words import MAX_ORDER_LIMIT


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """A configuration of a small zone anywhere in memory."""
    max_order = draw(st.integers(0, MAX_ORDER_LIMIT))
    start, length = draw(st.integers(0, (1 << 52) - 5000)), draw(st.integers(1, 4000))
    pageblock_order = draw(st.one_of(st.none(), st.integers(min(1, max_order), max_order)))
    return Config(start, start + length, max_order, pageblock_order=pageblock_order)


@given(configs(), st.sampled_from(sorted(KERNELS)))
def test_new_arrays_are_legal_memory(config: Config, kernel: str) -> None:
    """Whatever configuration is accepted, its arrays are what the proofs are about, and as long as their record says."""
    arrays = arrays_of(config, kernel)
    zone = zone_of(arrays)
    assert legal_memory(zone)
    lengths = [len(array) for array in arrays[:5]]
    assert lengths == [zone.heads, zone.heads + LISTS, zone.heads + LISTS, zone.heads >> zone.pageblock_order, 6]


@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("name", ["uneven", "holed", "single frames", "huge base"])
def test_real_arrays_keep_and_stand_for_what_is_assumed(name: str, kernel: str) -> None:
    """After random requests every invariant holds at every place, and the arrays stand for the law's state everywhere."""
    pair = worn(name, kernel)
    zone, base, core, policy = pair.impl.zone, base_of(ZONES[name]), pair.state, pair.policy
    assert memory.same_span(zone, base, core)
    assert memory.same_kernel(zone, policy)
    for place in range(zone.heads + LISTS + 2):
        assert memory.linked(zone, place)
        assert memory.legal_cell(zone, place)
        assert memory.same_block(zone, base, policy, place)
        assert memory.same_neighbours(zone, base, policy, place)
        assert memory.same_held(zone, base, core, policy, place)
    assert all(memory.same_type(zone, base, core, policy, index) for index in range((zone.heads >> zone.pageblock_order) + 1))
    assert all(memory.same_count(zone, core, kind) for kind in range(6))


STRAIGHT: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (lists.enlist_first, ()), (lists.enlist_last, ()), (lists.delist, ()), (lists.relist, ()), (lists.list_upper_half, ()),
    (lists.absorb, (refined.few_pageblocks,)), (lists.set_types, (refined.few_pageblocks,)),
    (lists.count_block, (refined.few_pageblocks,)), (lists.count_moved, ()), (operations.hand_out, (refined.few_pageblocks,)),
    (operations.take_back, (refined.few_pageblocks,)), (lists.merges, ()), (lists.merge_likely, ()), (lists.frames_at, ()),
    (lists.one_type, (refined.few_pageblocks,)), (fallback.can_claim, ()), (fallback.cma_first, ()), (operations.is_live, ()),
    (operations.in_zone, ()), (lists.pageblock_inside, ()), (lists.kind_of, ()), (fallback.find_fallback, ()),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "bounds"), STRAIGHT, ids=lambda value: getattr(value, "__name__", ""))
def test_lifted_kernel_and_real_one_agree(kernel: Callable[..., Any], bounds: tuple[Any, ...]) -> None:
    """On random memory of every path the kernel answers what its formula foretells, and leaves the cells that it foretells."""
    legal = (legal_memory,) if "zone" in kernel.__annotations__ else ()
    assert agree(kernel, rounds=2, given=(*legal, *bounds)) > 0


@pytest.mark.parametrize(("kernel", "bounds"), STRAIGHT, ids=lambda value: getattr(value, "__name__", ""))
def test_every_value_in_a_kernel_fits_a_signed_register(
    kernel: Callable[..., Any], bounds: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a kernel computes on the way fits 63 bits: Numba's integers, which wrap at 64, are then the interpreter's."""
    widest = [0]
    real = words._made

    def measured(term: Any, lo: int, hi: int) -> Any:
        widest.append(max(abs(lo), abs(hi)).bit_length())
        return real(term, lo, hi)

    monkeypatch.setattr(words, "_made", measured)
    legal = (legal_memory,) if "zone" in kernel.__annotations__ else ()
    lifted_case(kernel, given=(*legal, *bounds)).paths()
    assert len(widest) > 1 or kernel is lists.kind_of
    assert max(widest) <= 63


def test_the_operations_whose_refusals_are_proved_forget_only_kernels() -> None:
    """What is forgotten in an operation is a function of the implementation, and none of the law that it is held against."""
    assert all(function.__module__.startswith("mmimpl.") for function in answers.BUSY)
