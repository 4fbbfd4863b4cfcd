"""What counterexamples about Linux's lists are made of is legal, keeps what was legal, and so do the two of a loop's step."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.impl.lockstep import worn

from mmproofs.obligations.physical.lists import state
from mmproofs.obligations.physical.lists.completing import completed, completed_around, relinked
from mmproofs.replay import unfit
from mmspec import linked
from mmspec.linked import HEADS, Links
from mmspec.physical.buddy import invariants
from mmspec.physical.buddy.ops import KERNELS
from mmspec.physical.buddy.state import UNLISTED, FreeLists, Span, Zone, list_number, order_of_list
from mmspec.pmap import pmap
from mmspec.words import ABSENT, size_of

FRAMES = 40
"""Junk lies in the first frames: close enough for blocks to overlap, and for links to lead to blocks."""

frames, orders, types = st.integers(0, FRAMES - 1), st.integers(0, 5), st.integers(0, 5)
numbers = st.one_of(st.builds(list_number, orders, types), st.integers(0, 0xFF), st.just(UNLISTED))
places = st.one_of(frames, numbers.map(linked.list_head))
rings = st.dictionaries(places, places, max_size=8).map(pmap)


@st.composite
def junk(draw: st.DrawFn) -> dict[str, Any]:
    """Lists and allocations that contradict each other and themselves, as where a model names only some of their places."""
    max_order = draw(orders)
    start = draw(frames)
    span = Span(start, start + draw(st.integers(1, FRAMES)), max_order, draw(st.integers(0, max_order)), pmap())
    lists = FreeLists(
        draw(st.sampled_from(sorted(KERNELS.values()))),
        draw(st.dictionaries(frames, numbers, max_size=8).map(pmap)),
        Links(draw(rings), draw(rings)),
        draw(st.dictionaries(frames, types).map(pmap)),
        pmap(),
    )
    allocated = draw(st.dictionaries(frames, st.integers(0, 15), max_size=4).map(pmap))
    return {"zone": Zone(span, pmap(), allocated, pmap(), pmap()), "lists": lists}


def illegal(zone: Zone, lists: FreeLists) -> list[tuple[str, int]]:
    """Return which of the law's invariants, and of what proofs about lists go from, is false and where."""
    beyond = max([FRAMES, zone.span.end_pfn, *(pfn + size_of(order_of_list(n)) for pfn, n in lists.block.items())]) + 1
    first = min([zone.span.start_pfn, *(pfn for pfn, _ in lists.block.items())])
    everywhere = range(max(0, min(first, beyond - 1) - 1), beyond)
    by_frame = {
        "allocated_placed": lambda at: invariants.allocated_placed(zone, lists, at),
        "listed_aligned": lambda at: invariants.listed_aligned(zone, lists, at),
        "listed_by_type": lambda at: invariants.listed_by_type(zone, lists, at),
        "linked_both_ways": lambda at: invariants.linked_both_ways(zone, lists, at),
        "apart": lambda at: state.apart(zone, lists, at),
    }
    wrong = [(name, at) for name, holds in by_frame.items() for at in everywhere if not holds(at)]
    wrong += [("linked_both_ways", at) for at in range(HEADS, HEADS + 0x100) if not invariants.linked_both_ways(zone, lists, at)]
    wrong += [("ringed", number) for number in range(0x100) if not invariants.ringed(zone, lists, number)]
    wrong += [("no order", pfn) for pfn, order in zone.allocated.items() if order == ABSENT]
    return wrong + [(word, 0) for word in (unfit(zone, Zone, "zone"), unfit(lists, FreeLists, "lists")) if word]


@given(junk())
def test_junk_becomes_legal(arguments: dict[str, Any]) -> None:
    """Whatever a model names, the law's invariants of blocks, types and rings hold of what it becomes, at every place."""
    found = completed(arguments)
    assert illegal(found["zone"], found["lists"]) == []


@given(junk(), st.data())
def test_junk_around_a_block_in_hand_becomes_legal(arguments: dict[str, Any], data: st.DataObject) -> None:
    """Beside a lawful block in hand the lists are legal, hold none of its frames, and its pageblocks may lie in its block."""
    span = arguments["zone"].span
    order, migratetype = data.draw(st.integers(0, span.max_order)), data.draw(types)
    pfn = data.draw(frames) >> order << order
    found = completed_around({"span": span, "lists": arguments["lists"], "pfn": pfn, "order": order, "migratetype": migratetype})
    assert illegal(attrs.evolve(arguments["zone"], allocated=pmap()), found["lists"]) == []
    for frame in range(pfn, pfn + size_of(order)):
        assert state.out(found["lists"], pfn, order, frame)
        assert state.hand_fits(span, found["lists"], pfn, order, migratetype, frame)


@given(junk())
def test_relinked_rings_close_and_hold_the_same_blocks(arguments: dict[str, Any]) -> None:
    """Every block stays listed by its number, overlapping or not, and every list meets exactly its blocks."""
    before, found = arguments["lists"], relinked(arguments)["lists"]
    assert found.block == pmap({pfn: number for pfn, number in before.block.items() if number != UNLISTED})
    assert all(invariants.ringed(arguments["zone"], found, number) for number in range(0x100))
    assert all(state.linked(found, at) for at in (*range(FRAMES), *range(HEADS, HEADS + 0x100)))


@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("name", ["uneven", "holed", "single frames", "huge base"])
def test_a_real_state_keeps_what_it_is(name: str, kernel: str) -> None:
    """Blocks, types, allocations, and the first and last of each list, are those that the law has after random requests."""
    pair = worn(name, kernel)
    found = completed({"zone": pair.state, "lists": pair.policy})
    assert found["zone"] == pair.state
    assert attrs.evolve(found["lists"], links=pair.policy.links) == pair.policy
    for number in {on for _, on in pair.policy.block.items()}:
        head = linked.list_head(number)
        ends = [links.next[head] for links in (pair.policy.links, found["lists"].links)]
        ends += [links.prev[head] for links in (pair.policy.links, found["lists"].links)]
        assert ends[0] == ends[1]
        assert ends[2] == ends[3]


def test_a_loop_begins_where_it_is() -> None:
    """Of a step's two states the one at the loop's entry becomes the one at its head, so that neither contradicts the other."""
    nothing = FreeLists(612, pmap(), Links(), pmap(), pmap())
    listed = attrs.evolve(nothing, block=pmap({4: list_number(2, 1)}))
    found = completed({"was_lists": nothing, "was_pfn": 4, "was_end": 9, "lists": listed, "pfn": 8, "end": 9})
    assert found["was_lists"] == found["lists"]
    assert found["lists"].block == listed.block
    assert found["was_pfn"] == 8
