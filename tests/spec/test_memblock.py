"""What memblock's law says of ranges, places and arrays, each fact by its own example."""

from __future__ import annotations

from typing import Any

import pytest

from mmspec.errors import InputError
from mmspec.physical.memblock import MEMBLOCK
from mmspec.physical.memblock.looking import listed
from mmspec.physical.memblock.ops import (
    ENOMEM,
    HOTPLUG,
    MEMORY,
    MIRROR,
    NO_NODE,
    NOMAP,
    PAGE_SIZE,
    PANIC,
    RESERVED,
    TOP,
    Add,
    Address,
    Alloc,
    Blocks,
    Cap,
    Changed,
    Config,
    Direction,
    Enforce,
    Free,
    FreeAll,
    Mark,
    Query,
    RegionList,
    Regions,
    Remove,
    Reserve,
    SetLimit,
    Trim,
)  # fmt: skip

OPERATIONS = {operation.request: operation for operation in MEMBLOCK.operations}
PAGE = PAGE_SIZE


class Machine:
    """A machine that answers as Linux does; every truth is asked after every step."""

    def __init__(self, **config: Any) -> None:
        self.state = MEMBLOCK.initial(Config(**config))
        self.policy = MEMBLOCK.initial_policy(Config(**config), "6.12")

    def do(self, *requests: Any) -> Any:
        """Carry requests out; return the last one's result."""
        result = None
        for request in requests:
            operation = OPERATIONS[type(request)]
            result, self.policy = operation.choose(self.state, self.policy, request)
            assert operation.allowed(self.state, request, result) is None
            self.state = operation.apply(self.state, request, result)
            for truth in MEMBLOCK.invariants:
                assert all(truth.holds(self.state, self.policy, key) for key in truth.keys(self.state, self.policy)), truth
        return result

    @property
    def memory(self) -> list[tuple[int, int, int, int]]:
        """The regions of memory as they are kept."""
        return listed(self.state.memory)

    @property
    def reserved(self) -> list[tuple[int, int]]:
        """What is reserved."""
        return [(base, size) for base, size, _, _ in listed(self.state.reserved)]


# --- ranges ------------------------------------------------------------------------------------------------------------


def test_the_first_writer_wins() -> None:
    """An overlapping addition fills the gaps on both sides; the node in the middle stays."""
    machine = Machine(nodes=2)
    machine.do(Add(0x2000, 0x1000, 1), Add(0x1000, 0x3000, 0))
    assert machine.memory == [(0x1000, 0x1000, 0, 0), (0x2000, 0x1000, 1, 0), (0x3000, 0x1000, 0, 0)]


def test_neighbours_that_are_alike_become_one() -> None:
    """Whichever comes first."""
    machine = Machine()
    machine.do(Add(0x1000, 0x1000), Add(0x3000, 0x1000), Add(0x2000, 0x1000))
    assert machine.memory == [(0x1000, 0x3000, NO_NODE, 0)]


@pytest.mark.parametrize("size", [TOP, TOP - 0x1000 + 1])
def test_no_region_holds_the_last_byte(size: int) -> None:
    """A range that reaches it is cut off."""
    machine = Machine()
    machine.do(Add(0x1000, size))
    assert machine.memory == [(0x1000, TOP - 0x1000, NO_NODE, 0)]


def test_a_removal_splits() -> None:
    """What lies on both sides stays."""
    machine = Machine()
    machine.do(Add(0, 0x4000, 0, HOTPLUG), Remove(0x1000, 0x1000))
    assert machine.memory == [(0, 0x1000, 0, HOTPLUG), (0x2000, 0x2000, 0, HOTPLUG)]


def test_what_is_reserved_may_lie_anywhere_and_is_freed_by_anybody() -> None:
    """Outside memory, twice, and in parts."""
    machine = Machine()
    machine.do(Reserve(0x10, 0x10), Reserve(0x18, 0x18), Free(0x14, 0x8), Free(0x100, 0x10))
    assert machine.reserved == [(0x10, 4), (0x1C, 0x14)]


def test_a_cap_leaves_nomap_regions_apart_that_are_alike() -> None:
    """The dossier's MB-3: the only regions that touch and agree."""
    machine = Machine()
    machine.do(Add(0, 0x4000), Mark(MEMORY, 0, 0x4000, NOMAP), Cap(0x2000, 0x1000))
    assert [region[:2] for region in machine.memory] == [(0, 0x2000), (0x2000, 0x1000), (0x3000, 0x1000)]
    assert machine.do(Query(0x1000, 0x1800)).region_memory is False
    assert machine.do(Regions(MEMORY)) == RegionList(((0, 0x4000, NO_NODE, NOMAP),))


def test_trimming_keeps_the_total() -> None:
    """As Linux counts it: a cap is not of nothing afterwards although no memory is left."""
    machine = Machine()
    machine.do(Add(0x1800, 0x2000), Trim(0x1000))
    assert (machine.memory, machine.state.memory.total) == ([(0x2000, 0x1000, NO_NODE, 0)], 0x2000)


def test_a_limit_counts_memory_and_not_addresses() -> None:
    """A hole is passed over, and what is reserved beyond goes too."""
    machine = Machine()
    machine.do(Add(0, 0x1000), Add(0x8000, 0x4000), Reserve(0x9000, 0x2000), Enforce(0x3000))
    assert (machine.memory[-1][:2], machine.reserved) == ((0x8000, 0x2000), [(0x9000, 0x1000)])


# --- places ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bottom_up", "addr"), [(False, 0x8FC0), (True, 0x1000)])
def test_linux_takes_the_highest_place_or_bottom_up_the_lowest(bottom_up: bool, addr: int) -> None:
    """Page 0 is never taken."""
    machine = Machine()
    assert machine.do(Add(0, 0x9000), Direction(bottom_up), Alloc(0x40, 0x40)) == Address(addr)


def test_the_current_limit_binds_where_no_end_is_given() -> None:
    """And not where one is."""
    machine = Machine()
    machine.do(Add(0, 0x9000), SetLimit(0x4000))
    assert machine.do(Alloc(PAGE, PAGE)) == Address(0x3000)
    assert machine.do(Alloc(PAGE, PAGE, 0, TOP)) == Address(0x8000)


def test_mirrors_outrank_the_node() -> None:
    """Mirrored memory of another node before the node's own."""
    machine = Machine(nodes=2, mirrored=True)
    machine.do(Add(0x1000, 0x1000, 0), Add(0x8000, 0x1000, 1), Mark(MEMORY, 0x1000, 0x1000, MIRROR))
    assert machine.do(Alloc(0x100, 0x100, nid=1)) == Address(0x1F00)
    assert machine.do(Alloc(0x100, 0x100, nid=1, exact=True)) == Address(0x8F00)


def test_a_soft_bound_is_a_wish() -> None:
    """A hard one is not."""
    machine = Machine()
    machine.do(Add(0x1000, 0x1000))
    assert machine.do(Alloc(0x100, 0x100, start=0x4000)) == ENOMEM
    assert machine.do(Alloc(0x100, 0x100, start=0x4000, soft=True)) == Address(0x1F00)


def test_no_place_lies_across_two_regions() -> None:
    """Of different nodes, although they touch."""
    machine = Machine(nodes=2)
    machine.do(Add(0x1000, 0x1000, 0), Add(0x2000, 0x1000, 1))
    assert machine.do(Alloc(0x1800, 8)) == ENOMEM


# --- arrays ------------------------------------------------------------------------------------------------------------


def test_a_full_array_moves_into_the_memory_it_describes() -> None:
    """Apart from what is about to be reserved, and gives its last place back when it moves on."""
    machine = Machine(reserved_max=2, memory_max=2, resize=True)
    machine.do(Add(0, 0x100000), Reserve(0x100, 1), Reserve(0x200, 1))
    assert machine.do(Reserve(0xFFFFF, 1)) == Changed(True, ((RESERVED, 0xFE000, PAGE),))
    assert machine.do(Reserve(0x400, 1)) == Changed(True, ((3, 0xFE000, PAGE), (RESERVED, 0xFF000 - 2 * PAGE, PAGE)))


def test_a_full_array_stops_the_kernel_before_resizing_is_allowed() -> None:
    """And it stays so."""
    machine = Machine(reserved_max=2, memory_max=2)
    machine.do(Reserve(1, 1), Reserve(3, 1))
    assert machine.do(Reserve(5, 1)) == PANIC
    assert machine.do(Regions(RESERVED)) == PANIC


def test_removing_wants_room_for_two_more() -> None:
    """Also where it needs none."""
    machine = Machine(reserved_max=2, memory_max=2, resize=True)
    assert machine.do(Remove(0, 0x800)) == Changed()
    assert machine.do(Add(0, 0x800), Remove(0, 0x800)) == ENOMEM


def test_two_arrays_may_share_one_place() -> None:
    """As in Linux (docs/questions.md, Q18)."""
    machine = Machine(memory_max=2, reserved_max=4, resize=True)
    machine.do(Add(0, 0x100000), Add(0x200000, 0x1000, 0), Add(0x300000, 0x1000, 0), Reserve(0x100, 1), Reserve(0x200, 1))
    result = machine.do(Add(0x400000, 0x1000, 0), Add(0x500000, 0x1000, 0))
    places = [at for what, at, _ in result.moved if what in (MEMORY, RESERVED)]
    assert len(places) == 2
    assert len(set(places)) == 1


# --- hand-over ---------------------------------------------------------------------------------------------------------


def test_free_pages_are_handed_over_in_the_largest_aligned_blocks() -> None:
    """Free ranges round inward: a page that is reserved in part stays."""
    machine = Machine(movable_node=True)
    machine.do(Add(0x800, 0x7800, 0, HOTPLUG), Reserve(0x4FFF, 2))
    assert machine.do(FreeAll(1 << 40)) == Blocks(((1, 0), (2, 1), (6, 1)))


def test_page_0_is_handed_over() -> None:
    """Although it is never allocated."""
    machine = Machine()
    assert machine.do(Add(0, 0x400000), FreeAll(0x300)) == Blocks(((0, 9), (0x200, 8)))


def test_a_region_is_passed_over_for_whose_node_no_room_can_be_made() -> None:
    """The only place for the doubled array lies in the first region: there is none while that is in hand."""
    machine = Machine(nodes=2, memory_max=128, reserved_max=2, resize=True)
    machine.do(Add(0x5000, 0x4000, 1), Add(0x10000, 0x4000, 0), Reserve(0x6000, 0x100000))
    assert machine.do(FreeAll(1 << 40)) == Blocks((), ((RESERVED, 0x5000, 0x1000),))
    assert listed(machine.state.reserved) == [
        (0x5000, 0xB000, NO_NODE, 0), (0x10000, 0x4000, 0, 0), (0x14000, 0xF2000, NO_NODE, 0),
    ]  # fmt: skip


# --- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{"nodes": 0}, {"nodes": 65}, {"memory_max": 1}, {"reserved_max": 0}])
def test_a_configuration_that_describes_no_machine_is_refused(config: dict[str, int]) -> None:
    """At the door."""
    with pytest.raises(InputError):
        MEMBLOCK.initial(Config(**config))


WRONG = {
    "MEMBLOCK-ALLOC-ALIGNED": Address(0x2001),
    "MEMBLOCK-ALLOC-INSIDE": Address(0x9000),
    "MEMBLOCK-ALLOC-PAGE-0": Address(0),
    "MEMBLOCK-ALLOC-FREE": Address(0x3000),
    "MEMBLOCK-ALLOC-MEMORY": Address(0x7000),
    "MEMBLOCK-ALLOC-NODE": Address(0x5000),
    "MEMBLOCK-ALLOC-ENOMEM": ENOMEM,
    "MEMBLOCK-MOVE-RESIZE": Address(0x2000, ((RESERVED, 0x4000, PAGE),)),
}


@pytest.mark.parametrize("clause", WRONG)
def test_a_wrong_place_is_named(clause: str) -> None:
    """By the clause that it breaks."""
    machine = Machine(nodes=2)
    machine.do(Add(0, 0x5000, 0), Add(0x5000, 0x2000, 1), Reserve(0x3800, 0x100))
    request = Alloc(PAGE, PAGE, 0, 0x8000, 0, exact=True)
    broken = OPERATIONS[Alloc].allowed(machine.state, request, WRONG[clause])
    assert broken is not None
    assert broken.id == clause
