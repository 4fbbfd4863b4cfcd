"""What is proved of an operation's answer, and of the parts of a request's path, can fail: of wrong versions of the law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.proofs.breaking import not_proved, refuted

from mmproofs.obligations.physical.page_alloc.walks import WALKED
from mmproofs.obligations.physical.refills import TAKING
from mmspec.errors import Error
from mmspec.physical.buddy.refill import Mode
from mmspec.physical.buddy.state import FreeLists
from mmspec.physical.page_alloc import linux as page_alloc_linux
from mmspec.physical.page_alloc import slow, walk
from mmspec.physical.page_alloc.ops import COMPACT, DONE, NOWHERE, PAGE, Above, AllocFlags, Answer, Done, Taken, Walk, Zone
from mmspec.physical.page_alloc.state import Memory, Notes, Paths, Scan, Way
from mmspec.physical.page_alloc.steps import asking
from mmspec.physical.pages import linux as pages_linux
from mmspec.physical.pages import parts as of_parts
from mmspec.physical.pages.ops import Cpu as PageCpu
from mmspec.physical.pages.state import Parts
from mmspec.physical.pcp import linux as pcp_linux
from mmspec.physical.pcp.ops import DONE as HELD
from mmspec.physical.pcp.ops import Bulk, Cacheinfo, Disable, DrainAll, Enable, Expire, Frames, Plan, Refill
from mmspec.physical.pcp.ops import Done as HeldDone
from mmspec.physical.pcp.state import Pages, PcpLists
from mmspec.physical.vmstat import linux as vmstat
from mmspec.physical.vmstat.ops import Cpu
from mmspec.physical.vmstat.state import Cells
from mmspec.physical.vmstat.state import Zone as Totals
from mmspec.physical.watermarks import core as watermarks_core
from mmspec.physical.watermarks import linux as watermarks
from mmspec.physical.watermarks.ops import DONE as MARKED
from mmspec.physical.watermarks.ops import Done as MarksDone
from mmspec.physical.watermarks.ops import Fast, Held, Kind, Mark, Passed, SetScaleFactor, Truth, Unboost
from mmspec.physical.watermarks.ops import Zone as MarkedZone
from mmspec.physical.watermarks.state import Machine, Marks
from mmspec.words import Count, Flags, Migratetype, Order, Pfn


def any_factor(machine: Machine, marks: Marks, op: SetScaleFactor) -> tuple[MarksDone | Error, Marks]:
    """Any factor is taken."""
    return MARKED, attrs.evolve(marks, scale=op.factor)


def low_too(machine: Machine, marks: Marks, op: Unboost) -> tuple[MarksDone | Error, Marks]:
    """What takes a boost back lowers LOW as well."""
    done, after = watermarks.unboost_choose(machine, marks, op)
    return done, attrs.evolve(after, low=after.low.set(op.zone, 0))


def any_block(machine: Machine, zone: MarkedZone, order: Order, mark: Mark, reserve: Mark, flags: Flags, free: Held) -> bool:
    """A request passes above its mark, though there is no block of its order."""
    return watermarks_core.zone_ok(machine, zone, 0, mark, reserve, flags, free)


def short_for_all(machine: Machine, marks: Marks, op: Fast) -> tuple[Passed | Error, Marks]:
    """A block of any order is given as a single frame is."""
    return watermarks.fast_choose(machine, marks, attrs.evolve(op, order=0))


def fast_lowers(machine: Machine, marks: Marks, op: Fast) -> tuple[Passed | Error, Marks]:
    """What asks lowers HIGH."""
    answer, after = watermarks.fast_choose(machine, marks, op)
    return answer, attrs.evolve(after, high=after.high.set(op.zone, 0))


def more_than_held(pages: Pages, lists: PcpLists, op: Bulk) -> tuple[Frames | Error, PcpLists]:
    """A drain gives back what it is asked for, held or not."""
    answer, after = pcp_linux.bulk_choose(pages, lists, op)
    return (answer if answer.failed else Frames(op.count)), after


def all_but_one(pages: Pages, lists: PcpLists, op: DrainAll) -> tuple[Plan | Error, PcpLists]:
    """A drain of everything leaves a frame."""
    answer, after = pcp_linux.drain_all_choose(pages, lists, op)
    return (answer if answer.failed else Plan(max(0, answer.total - 1), answer.portion)), after


def wherever(pages: Pages, lists: PcpLists, op: Refill) -> tuple[HeldDone | Error, PcpLists]:
    """A refill takes any block."""
    return HELD, lists


def off_twice(pages: Pages, lists: PcpLists, op: Disable) -> tuple[HeldDone | Error, PcpLists]:
    """What is disabled may be disabled again."""
    return HELD, lists


def on_twice(pages: Pages, lists: PcpLists, op: Enable) -> tuple[HeldDone | Error, PcpLists]:
    """What is enabled may be enabled again."""
    return HELD, lists


def cached_anywhere(pages: Pages, lists: PcpLists, op: Cacheinfo) -> tuple[HeldDone | Error, PcpLists]:
    """A CPU that is not there has a cache."""
    return HELD, lists


def a_batch_at_least(pages: Pages, lists: PcpLists, op: Expire) -> tuple[Plan | Error, PcpLists]:
    """What is idle gives a batch back, held or not."""
    answer, after = pcp_linux.expire_choose(pages, lists, op)
    return (answer if answer.failed else Plan(lists.batch, lists.batch)), after


def above_anywhere(memory: Memory, notes: Notes, op: Above) -> tuple[Done | Error, Notes]:
    """News of a zone is taken that is not there."""
    return DONE, notes


def uncounted(way: Way) -> Way:
    """A round that is begun is not counted."""
    after = slow.round_of(way)
    return attrs.evolve(after, request=attrs.evolve(after.request, round=way.request.round))


def fails_at_last(way: Way) -> Way:
    """A request that may not fail does."""
    return asking(way, PAGE)


def compacts_late(way: Way) -> Way:
    """The path begins with a round, and then asks for the first compaction."""
    after = slow.restart(way)
    return asking(after, COMPACT)


def untested(memory: Memory, paths: Paths, scan: Scan, zone: Zone) -> tuple[Paths, Scan]:
    """A block is taken whatever the marks."""
    return paths, walk.give(memory, scan, zone)


def always_passes(machine: Machine, marks: Marks, zone: Zone, order: Order, highest: Kind, flags: Flags, atomic: Truth) -> bool:
    """A request passes the fast check whatever is free."""
    return True


def the_first(memory: Memory, paths: Paths, scan: Scan, zone: Zone) -> tuple[Paths, Scan]:
    """The first zone is taken, whichever is tried."""
    return paths, attrs.evolve(scan, taken=0)


def takes_the_first(memory: Memory, notes: Any, op: Walk) -> tuple[Any, ...]:
    """The first of all zones is taken."""
    answer, after = page_alloc_linux.walk_choose(memory, notes, op)
    return (answer if answer.failed else Taken(0, op.flags)), after


def still_held(cells: Cells, cpu: Cpu) -> Cells:
    """What is handed over is held as well."""
    return attrs.evolve(vmstat.hand_over(cells, cpu), held=cells.held)


def as_wide(zone: Totals, cells: Cells) -> Cells:
    """New thresholds do not widen what was the widest."""
    return attrs.evolve(vmstat.refreshed(zone, cells), widest=cells.widest)


def two_for_one(parts: Parts, lists: FreeLists, cpu: PageCpu, pfn: Pfn, order: Order, migratetype: Migratetype) -> Parts:
    """A block counts twice."""
    after = of_parts.to_held(parts, lists, cpu, pfn, order, migratetype)
    count = after.pages.count.set(cpu, parts.pages.count.get(cpu, 0) + (2 << order))
    return attrs.evolve(after, pages=attrs.evolve(after.pages, count=count))


def counts_on(way: Way, answer: Answer) -> Way:
    """A request that goes on is a round further, whether one was begun or not."""
    after = slow.resumed(way, answer)
    return attrs.evolve(after, request=attrs.evolve(after.request, round=way.request.round + 1))


def begins_with_a_block(way: Way, answer: Answer) -> Way:
    """A round is begun though the request has a block."""
    return slow.round_of(attrs.evolve(way, taken=0))


def stands_still(memory: Memory, paths: Paths, scan: Scan) -> int:
    """What is left of a walk does not tell whether a block was taken."""
    return walk.walk_left(memory, paths, scan) + (scan.taken < NOWHERE)


def never_enough(
    parts: Parts, cpu: PageCpu, order: Order, migratetype: Migratetype, flags: AllocFlags, mode: Mode, left: Count
) -> tuple[Any, ...]:  # fmt: skip
    """A refill takes blocks as long as there are any."""
    after = of_parts.refill_step(parts, cpu, order, migratetype, flags, mode, left)
    return (*after[:-1], left)


def from_any(memory: Memory, paths: Paths, scan: Scan, zone: Zone) -> tuple[Paths, Scan, bool]:
    """A block may be taken from a zone that failed its test."""
    noted, after, _ = pages_linux.tested(memory, paths, scan, zone)
    return noted, after, True


WRONG: list[tuple[str, Callable[..., Any]]] = [
    ("WATERMARKS-OP-SET-SCALE-FACTOR-LAWFUL", any_factor),
    ("WATERMARKS-OP-UNBOOST-ORDERED", low_too),
    ("WATERMARKS-ZONE-OK-SERVES", any_block),
    ("PCP-OP-BULK-LAWFUL", more_than_held),
    ("PCP-OP-BULK-OWED", more_than_held),
    ("PCP-OP-DRAIN-ALL-LAWFUL", all_but_one),
    ("PCP-OP-REFILL-LAWFUL", wherever),
    ("PCP-OP-REFILL-HELD", wherever),
    ("PCP-OP-DISABLE-LAWFUL", off_twice),
    ("PCP-OP-ENABLE-LAWFUL", on_twice),
    ("PCP-OP-CACHEINFO-LAWFUL", cached_anywhere),
    ("PCP-OP-EXPIRE-LAWFUL", a_batch_at_least),
    ("PAGE-ALLOC-OP-ABOVE-LAWFUL", above_anywhere),
    ("PAGE-ALLOC-ROUND-ONE", uncounted),
    ("PAGE-ALLOC-GIVE-UP-ENDS", fails_at_last),
    ("PAGE-ALLOC-FAST-LEAVES", always_passes),
    ("PAGE-ALLOC-TRY-THIS", the_first),
    ("VMSTAT-HAND-OVER-NONE", still_held),
]
"""An obligation, and a wrong version of its subject."""

HIDDEN: list[tuple[str, Any, str]] = [
    ("PAGE-ALLOC-RESTART-ONCE", compacts_late, "goal"),
    ("PAGE-ALLOC-RESUMED-DEFINED", begins_with_a_block, "round_of may be called"),
    ("PAGE-ALLOC-RESUMED-ONCE", counts_on, "goal"),
    ("PAGE-ALLOC-TRY-PASSED", untested, "goal"),
    ("PAGE-ALLOC-WALK-STEP", attrs.evolve(WALKED, loop=attrs.evolve(walk.WALK, measure=stands_still)), "the measure goes down"),
    ("PAGE-ALLOC-OP-WALK-WITHIN", takes_the_first, "goal"),
    ("PAGES-PASSED", from_any, "goal"),
    ("PAGES-REFILL-STEP", attrs.evolve(TAKING, loop=attrs.evolve(of_parts.REFILL, step=never_enough)), "the measure goes down"),
    ("PAGES-TO-HELD-ONE", two_for_one, "goal"),
    ("VMSTAT-REFRESHED-GROWN", as_wide, "goal"),
    ("WATERMARKS-OP-FAST-LAWFUL", short_for_all, "goal"),
    ("WATERMARKS-OP-FAST-ORDERED", fast_lowers, "goal"),
]
"""The same, where what a part answers is forgotten or told by its contract: the state of a counterexample is not a whole one."""


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_a_wrong_law_is_refuted(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation about the right function is REFUTED of the wrong one, and the real one fails on the counterexample."""
    refuted(name, subject=wrong)


@pytest.mark.parametrize(("name", "wrong", "says"), HIDDEN, ids=[name for name, _, _ in HIDDEN])
def test_a_wrong_part_is_not_proved(name: str, wrong: Any, says: str) -> None:
    """The obligation of the wrong part fails, at its goal or at what the part does unlawfully."""
    not_proved(name, says, subject=wrong)
