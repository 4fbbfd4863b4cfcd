"""The page allocator on real frames, by hand: where blocks go and come from was worked out from the kernel's source."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmspec.errors import InputError
from mmspec.physical.buddy.ops import CMA, ISOLATE, MOVABLE, UNMOVABLE
from mmspec.physical.buddy.state import type_at
from mmspec.physical.page_alloc.ops import (
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NO_WATERMARKS,
    ALLOC_NON_BLOCK,
    GFP_DMA32,
    GFP_HIGHMEM,
    GFP_MOVABLE,
    GFP_THISNODE,
    NodeConfig,
    ZoneConfig,
)  # fmt: skip
from mmspec.physical.pages import PAGES
from mmspec.physical.pages import clauses as c
from mmspec.physical.pages.ops import (
    BAD,
    DONE,
    EBUSY,
    EINVAL,
    ENOMEM,
    NOWHERE,
    POISONED,
    Alloc,
    Answer,
    BulkTake,
    BulkZone,
    Config,
    Contig,
    DrainAll,
    DrainZone,
    Free,
    IsolateRange,
    Page,
    Refresh,
    Served,
    Split,
    UndoRange,
    Unreserve,
)
from mmspec.physical.watermarks.ops import DMA32, NORMAL
from mmspec.physical.watermarks.ops import MOVABLE as MOVABLE_ZONE

OPERATIONS = {operation.request: operation for operation in PAGES.operations}
KERNEL = 0xCC0
USER = KERNEL | GFP_HIGHMEM | GFP_MOVABLE
RESERVE = ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK
TWO_NODES = Config(
    (
        NodeConfig((ZoneConfig(DMA32, 0x400, 0x800), ZoneConfig(NORMAL, 0x800, 0x1000))),
        NodeConfig((ZoneConfig(NORMAL, 0x1000, 0x1800),)),
    ),
    ((10, 20), (20, 10)),
    max_order=6,
    pageblock_order=3,
    huge_order=4,
)
FIRST, SECOND, THIRD = DMA32, NORMAL, 8 | NORMAL


class Run:
    """The law's own choices, one after another, each held against the law."""

    def __init__(self, config: Config = TWO_NODES, kernel: str = "6.12") -> None:
        self.memory, self.linux = PAGES.initial(config), PAGES.initial_policy(config, kernel)

    def __call__(self, request: Any) -> Any:
        """Carry out a request as Linux does."""
        operation = OPERATIONS[type(request)]
        result, self.linux = operation.choose(self.memory, self.linux, request)
        assert operation.allowed(self.memory, request, result) is None
        self.memory = operation.apply(self.memory, request, result)
        for invariant in PAGES.invariants:
            assert all(invariant.holds(self.memory, self.linux, key) for key in invariant.keys(self.memory, self.linux))
        return result

    def held(self, zone: int, cpu: int = 0) -> int:
        """Return how many frames of a zone a CPU holds."""
        return self.linux.parts[zone].pages.count.get(cpu, 0)

    def broken(self, request: Any, result: Any) -> Any:
        """Return the clause that an answer breaks."""
        return OPERATIONS[type(request)].allowed(self.memory, request, result)


def test_a_request_is_served_by_its_node_from_the_highest_zone_down() -> None:
    """GFP_KERNEL on node 0 is of its NORMAL zone, on node 1 of that node's; DMA32 goes lower."""
    run = Run()
    for cpu, gfp, node, zone in ((0, KERNEL, 0, SECOND), (1, KERNEL, 1, THIRD), (0, KERNEL | GFP_DMA32, 0, FIRST)):
        page = run(Alloc(cpu, gfp, 0, node))
        assert run.memory.zone[page.pfn >> 6] == zone


def test_small_orders_pass_through_the_cpu() -> None:
    """The first request refills the CPU's list, a free goes back to it, and a drain to the free lists."""
    run = Run()
    page = run(Alloc(0, KERNEL, 0, 0))
    before = run.held(SECOND)
    run(Free(0, page.pfn, 0))
    assert run.held(SECOND) == before + 1
    assert run(Alloc(0, KERNEL, 0, 0)) == page
    run(Free(0, page.pfn, 0))
    run(DrainAll(1))
    assert run.held(SECOND) == 0


def test_large_orders_do_not() -> None:
    """An order that CPUs do not keep comes from the free lists and goes back there."""
    run = Run()
    page = run(Alloc(0, KERNEL, 6, 0))
    run(Free(0, page.pfn, 6))
    assert run.held(SECOND) == 0
    assert run(Alloc(0, KERNEL, 6, 0)) == page


def test_a_drain_of_a_zone_leaves_others() -> None:
    """Node 1's zone is drained, node 0's is not."""
    run = Run()
    for node in (0, 1):
        page = run(Alloc(0, KERNEL, 0, node))
        run(Free(0, page.pfn, 0))
    run(DrainZone(0, THIRD))
    assert run.held(SECOND) > 0
    assert run.held(THIRD) == 0


def test_this_node_fails_where_others_would_serve() -> None:
    """A request that must stay on its node ends with ENOMEM once that is at its marks."""
    run = Run()
    while not (page := run(Alloc(1, KERNEL | GFP_THISNODE, 6, 1))).failed:
        assert page.pfn >= 0x1000
    assert page == ENOMEM
    assert run(Alloc(1, KERNEL, 6, 1)).pfn < 0x1000


def test_without_watermarks_all_is_handed_out() -> None:
    """NO_WATERMARKS takes the last frame, and what CPUs hold though the counter says that nothing is free."""
    run = Run()
    page = run(Alloc(0, KERNEL, 0, 0))
    run(Free(0, page.pfn, 0))
    for order in (6, 5, 4, 3, 2, 1, 0):
        while not run(Alloc(0, KERNEL, order, 0, ALLOC_NO_WATERMARKS)).failed:
            pass
    assert sum(frames for _, frames in run.memory.taken.items()) == 0x400 + 0x800 + 0x800


def test_a_broken_frame_never_comes_back() -> None:
    """Nor what is bad where blocks are checked; elsewhere that is taken for good."""
    for checks, state, back in ((0, POISONED, False), (0, BAD, True), (1, BAD, False)):
        run = Run(attrs.evolve(TWO_NODES, checks=checks))
        page = run(Alloc(0, KERNEL, 0, 0))
        run(Free(0, page.pfn, 0, state))
        assert (run(Alloc(0, KERNEL, 0, 0)) == page) == back


def test_split_frames_are_freed_singly() -> None:
    """The block as a whole is refused then."""
    run = Run()
    page = run(Alloc(0, USER, 2, 0))
    run(Split(page.pfn, 2))
    assert run(Free(0, page.pfn, 2)) == EINVAL
    for frame in range(4):
        run(Free(0, page.pfn + frame, 0))


def test_a_highatomic_success_reserves_up_to_a_hundredth() -> None:
    """0x800 frames: 20 of them, in pageblocks of 8, are 24; the second pageblocks are the last but one."""
    run = Run()
    for _ in range(40):
        run(Alloc(0, 0x820, 1, 0, RESERVE))
    assert run.linux.parts[SECOND].reserved == 24


def test_the_last_pageblock_of_a_reserve_stays() -> None:
    """Without force; with it it goes, where a frame of it is free."""
    run = Run()
    run(Alloc(0, 0x820, 1, 0, RESERVE))
    assert run.linux.parts[SECOND].reserved == 8
    assert run(Unreserve(0, KERNEL, 0)) == Answer(0)
    run(DrainAll(0))
    assert run(Unreserve(0, KERNEL, 0, force=1)) == Answer(1)
    assert run.linux.parts[SECOND].reserved == 0


def test_a_bulk_request_is_of_one_near_zone() -> None:
    """It is measured by all its frames; what no zone of the node has room for is left to single requests."""
    run = Run()
    assert run(BulkZone(0, KERNEL, 0, 8)) == Served(SECOND)
    assert run(BulkZone(0, KERNEL, 0, 1)) == Served(NOWHERE)
    assert run(BulkZone(0, KERNEL, 0, 0x700)) == Served(SECOND)
    assert run(BulkZone(0, KERNEL, 1, 0x800)) == Served(NOWHERE)
    frames = {run(BulkTake(0, KERNEL, SECOND)).pfn for _ in range(8)}
    assert len(frames) == 8


def test_a_refresh_hands_over_what_was_counted() -> None:
    """Until then the counter that marks are held against lags by what the CPU holds back."""
    run = Run()
    run(Alloc(0, KERNEL, 0, 0))
    parts = run.linux.parts[SECOND]
    assert parts.cells.counter[0] == 0x800
    run(Refresh(0))
    assert run.linux.memory.machine.free[SECOND] == 0x800 - 1 - run.held(SECOND)


# --- ranges --------------------------------------------------------------------------------------------------------------

ONE_ZONE = Config((NodeConfig((ZoneConfig(NORMAL, 0x400, 0x800),)),), ((10,),), max_order=6, pageblock_order=3, huge_order=0)
KERNELS = pytest.mark.parametrize("kernel", ["6.12", "6.1"])


def type_of(run: Run, pfn: int, zone: int = NORMAL) -> int:
    """Return the type of a frame's pageblock."""
    parts = run.linux.parts[zone]
    return type_at(parts.zone.span, parts.lists, pfn)


def listed(run: Run, zone: int = NORMAL) -> dict[int, int]:
    """Return the blocks on the free lists: the first frame and the order of each."""
    return {pfn: number & 15 for pfn, number in run.linux.parts[zone].lists.block.items()}


@KERNELS
def test_a_range_is_isolated_drained_taken_and_undone(kernel: str) -> None:
    """As alloc_contig_range does it; the rest of the blocks over its ends is free again, frame by frame merged."""
    run = Run(ONE_ZONE, kernel)
    assert run(IsolateRange(0, 0x453, 0x46A, MOVABLE)) == DONE
    assert [type_of(run, pfn) for pfn in (0x448, 0x450, 0x468, 0x470)] == [MOVABLE, ISOLATE, ISOLATE, MOVABLE]
    assert run.linux.memory.machine.free[NORMAL] == 0x400 - 0x20
    assert run(DrainZone(0, NORMAL)) == DONE
    assert run(Contig(0, 0x453, 0x46A)) == DONE
    assert {pfn: order for pfn, order in listed(run).items() if 0x450 <= pfn < 0x470} == {0x450: 1, 0x452: 0, 0x46A: 1, 0x46C: 2}
    assert run(UndoRange(0, 0x453, 0x46A, MOVABLE)) == DONE
    assert type_of(run, 0x450) == type_of(run, 0x468) == MOVABLE
    assert run.linux.memory.machine.free[NORMAL] == 0x400 - 0x17
    assert [run(Free(0, pfn, 0)) for pfn in range(0x453, 0x46A)] == [DONE] * 0x17


def test_isolated_frames_of_a_cpu_are_handed_out_until_a_drain() -> None:
    """What the CPU holds serves on; what is freed into the pageblock does not, and after a drain nothing does."""
    run = Run(ONE_ZONE)
    pages = [run(Alloc(0, USER, 0, 0)).pfn for _ in range(4)]
    start = pages[0] & -8
    assert all(run(Free(0, pfn, 0)) == DONE and pfn & -8 == start for pfn in pages)
    assert run(IsolateRange(0, start, start + 8, MOVABLE)) == DONE
    again = run(Alloc(0, USER, 0, 0))
    assert again.pfn & -8 == start
    assert run(Contig(0, again.pfn, again.pfn + 1)) == EBUSY
    run(Free(0, again.pfn, 0))
    assert run(Alloc(0, USER, 0, 0)) != again
    assert run.broken(Alloc(0, USER, 0, 0), again) is None
    run(DrainAll(0))
    assert run.broken(Alloc(0, USER, 0, 0), again) == c.ISOLATED
    assert run.broken(Alloc(0, USER, 6, 0), Page(again.pfn & -64)) == c.FREE
    assert run(Alloc(0, USER, 0, 0)).pfn & -8 != start


def test_a_pageblock_is_isolated_once_and_undone_as_often() -> None:
    """Two ranges that share one: the second is busy, and what it had isolated before is given back."""
    run = Run(ONE_ZONE)
    assert run(IsolateRange(0, 0x450, 0x458, MOVABLE)) == DONE
    assert run(IsolateRange(0, 0x440, 0x460, MOVABLE)) == EBUSY
    assert [type_of(run, pfn) for pfn in range(0x440, 0x468, 8)] == [MOVABLE, MOVABLE, ISOLATE, MOVABLE, MOVABLE]
    assert run(UndoRange(0, 0x440, 0x460, MOVABLE)) == DONE
    assert run(IsolateRange(0, 0x440, 0x460, MOVABLE)) == DONE


def test_what_cannot_be_moved_keeps_its_pageblock() -> None:
    """Where it begins: the frames of a block behind its first have no reference of their own (has_unmovable_pages)."""
    run = Run(ONE_ZONE)
    page = run(Alloc(0, KERNEL, 4, 0))
    assert run(IsolateRange(0, page.pfn, page.pfn + 1, MOVABLE)) == EBUSY
    assert run(IsolateRange(0, page.pfn + 8, page.pfn + 9, MOVABLE)) == DONE
    assert run(Contig(0, page.pfn + 8, page.pfn + 9)) == EBUSY


def test_a_compound_page_is_not_cut() -> None:
    """A movable block of several pageblocks is isolated whole or not at all."""
    run = Run(ONE_ZONE)
    page = run(Alloc(0, USER, 5, 0))
    assert run(IsolateRange(0, page.pfn, page.pfn + 8, MOVABLE)) == EBUSY
    assert run(IsolateRange(0, page.pfn + 8, page.pfn + 32, MOVABLE)) == EBUSY
    assert run(IsolateRange(0, page.pfn, page.pfn + 24, MOVABLE)) == EBUSY
    assert not run.linux.parts[NORMAL].zone.frames.get(ISOLATE, 0)
    assert run(IsolateRange(0, page.pfn, page.pfn + 32, MOVABLE)) == DONE


def test_failing_leaves_the_type_that_was_asked_for() -> None:
    """A pageblock that was UNMOVABLE is MOVABLE after it was isolated in vain."""
    run = Run(ONE_ZONE)
    page = run(Alloc(0, KERNEL, 6, 0))
    assert type_of(run, page.pfn) == UNMOVABLE
    assert run(IsolateRange(0, page.pfn + 8, page.pfn + 16, MOVABLE)) == DONE
    assert run(IsolateRange(0, page.pfn + 16, page.pfn + 65, MOVABLE)) == DONE
    assert run(UndoRange(0, page.pfn + 24, page.pfn + 32, MOVABLE)) == DONE
    assert run(IsolateRange(0, page.pfn + 24, page.pfn + 40, MOVABLE)) == EBUSY
    assert [type_of(run, page.pfn + at) for at in (0, 16, 24, 32)] == [UNMOVABLE, ISOLATE, MOVABLE, ISOLATE]


def test_cma_is_isolated_for_cma_whatever_it_has() -> None:
    """And for nobody else."""
    run = Run(attrs.evolve(ONE_ZONE, cma=(0x440,)))
    assert run(IsolateRange(0, 0x440, 0x448, MOVABLE)) == EBUSY
    assert run(IsolateRange(0, 0x440, 0x450, CMA)) == EINVAL
    for answer in (DONE, EBUSY):
        assert run(IsolateRange(0, 0x440, 0x448, CMA)) == DONE
        assert run(Contig(0, 0x444, 0x446)) == answer
        assert run(UndoRange(0, 0x440, 0x448, MOVABLE)) == EINVAL
        assert run(UndoRange(0, 0x440, 0x448, CMA)) == DONE
        assert type_of(run, 0x440) == CMA


def test_in_zone_movable_all_is_movable() -> None:
    """What was taken there as a range does not keep its pageblock from being isolated."""
    zones = (ZoneConfig(NORMAL, 0x400, 0x800), ZoneConfig(MOVABLE_ZONE, 0x800, 0xC00))
    run = Run(attrs.evolve(ONE_ZONE, nodes=(NodeConfig(zones),)))
    for start, again in ((0x440, EBUSY), (0x840, DONE)):
        assert run(IsolateRange(0, start, start + 8, MOVABLE)) == run(Contig(0, start, start + 8)) == DONE
        run(UndoRange(0, start, start + 8, MOVABLE))
        assert run(IsolateRange(0, start, start + 8, MOVABLE)) == again


def test_a_pageblock_that_the_zone_has_not_whole_stays() -> None:
    """At the end of the zone."""
    zones = (ZoneConfig(NORMAL, 0x400, 0x7F4),)
    assert Run(attrs.evolve(ONE_ZONE, nodes=(NodeConfig(zones),)))(IsolateRange(0, 0x7E8, 0x7F4, MOVABLE)) == EBUSY


RANGE, BEHIND = (0, 0x440, 0x450), (0, 0x450, 0x460)


@pytest.mark.parametrize(
    ("request_", "result", "clause"),
    [
        (IsolateRange(*BEHIND, MOVABLE), EBUSY, c.RANGE_ISOLATED),
        (IsolateRange(*BEHIND, MOVABLE), EINVAL, c.RANGE_ISOLATED),
        (IsolateRange(*BEHIND, UNMOVABLE), DONE, c.RANGE_ARGS),
        (IsolateRange(*BEHIND, CMA), DONE, c.RANGE_ARGS),
        (IsolateRange(0, 0x450, 0x450, MOVABLE), DONE, c.RANGE_ARGS),
        (IsolateRange(0, 0x7F0, 0x801, MOVABLE), DONE, c.RANGE_ARGS),
        (IsolateRange(1, 0x450, 0x460, MOVABLE), DONE, c.RANGE_ARGS),
        (IsolateRange(*RANGE, MOVABLE), DONE, c.RANGE_TWICE),
        (IsolateRange(0, 0x480, 0x481, MOVABLE), DONE, c.RANGE_CMA),
        (UndoRange(*RANGE, MOVABLE), EBUSY, c.RANGE_UNDONE),
        (UndoRange(*RANGE, CMA), DONE, c.RANGE_ARGS),
        (Contig(*RANGE), EBUSY, c.CONTIG),
        (Contig(0, 0x440, 0x451), DONE, c.CONTIG_OPEN),
        (Contig(0, 0x7F0, 0x801), EBUSY, c.RANGE_ARGS),
        (Contig(0, 0x460, 0x462), DONE, c.CONTIG_FREE),
        (Alloc(0, USER, 0, 0), Page(0x440), c.ISOLATED),
        (Alloc(0, USER, 5, 0), Page(0x440), c.ISOLATED),
    ],
)
def test_wrong_answers_about_ranges_are_named(request_: Any, result: Any, clause: Any) -> None:
    """With one range isolated and drained, another in part had, and a CMA pageblock."""
    run = Run(attrs.evolve(ONE_ZONE, cma=(0x480,)))
    run(IsolateRange(*RANGE, MOVABLE))
    run(IsolateRange(0, 0x460, 0x468, MOVABLE))
    run(DrainZone(0, NORMAL))
    run(Contig(0, 0x461, 0x462))
    assert run.broken(request_, result) == clause


def test_where_cpus_keep_more_than_a_pageblock_there_are_no_ranges() -> None:
    """As in no kernel."""
    assert Run()(IsolateRange(0, 0x800, 0x808, MOVABLE)) == EINVAL


# --- answers and machines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "result", "clause"),
    [
        (Alloc(0, KERNEL, 1, 0), Page(0x801), c.ALIGNED),
        (Alloc(0, KERNEL | GFP_DMA32, 0, 0), Page(0x900), c.ZONE),
        (Alloc(0, KERNEL | GFP_THISNODE, 0, 0), Page(0x1000), c.ZONE),
        (Alloc(0, KERNEL, 0, 0), Page(0x3000), c.FREE),
        (Alloc(0, KERNEL, 0, 0), ENOMEM, c.ENOMEM),
        (Alloc(0, KERNEL, 7, 0), Page(0x800), c.ORDER),
        (Alloc(2, KERNEL, 0, 0), Page(0x800), c.ARGS),
        (Free(0, 0x800, 0), DONE, c.FREE_REFUSED),
        (DrainAll(0), EINVAL, c.ACCEPTED),
        (BulkTake(0, KERNEL, SECOND), Page(0x1000), c.ZONE),
    ],
)
def test_wrong_answers_are_named(request_: Any, result: Any, clause: Any) -> None:
    """By the clause that they break."""
    assert Run().broken(request_, result) == clause


def test_cma_serves_movable_requests_only() -> None:
    """A frame of such a pageblock is not handed out to any other."""
    run = Run(attrs.evolve(TWO_NODES, cma=(0x800,)))
    assert run.broken(Alloc(0, KERNEL, 0, 0), Page(0x800)) == c.CMA_ONLY
    assert run.broken(Alloc(0, USER, 0, 0), Page(0x800)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"max_order": 13},
        {"cpus": 9},
        {"cpus": 0},
        {"cma": (0x801,)},
        {"cma": (0x2000,)},
        {"cma": (0x800, 0x800)},
    ],
)
def test_a_machine_that_is_none_is_refused(change: dict[str, Any]) -> None:
    """At the door, with what is wrong."""
    with pytest.raises(InputError):
        PAGES.initial(attrs.evolve(TWO_NODES, **change))
