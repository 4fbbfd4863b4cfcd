"""The page allocator, by hand: requests whose way was worked out from the kernel's source, question by question."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmspec.errors import InputError
from mmspec.physical.page_alloc import PAGE_ALLOC
from mmspec.physical.page_alloc import clauses as c
from mmspec.physical.page_alloc.ops import (
    COMPACT,
    COMPACT_AGAIN,
    DEFERRED,
    DRAIN,
    EINVAL,
    ENOMEM,
    GFP_DIRECT_RECLAIM,
    GFP_FS,
    GFP_HIGH,
    GFP_IO,
    GFP_KSWAPD_RECLAIM,
    GFP_NOFAIL,
    GFP_NORETRY,
    GFP_RETRY_MAYFAIL,
    GFP_THISNODE,
    KILL,
    NOWHERE,
    PAGE,
    RECLAIM,
    SUCCESS,
    WAIT,
    Answer,
    Config,
    Enter,
    FlagsOf,
    NodeConfig,
    Reclaimable,
    Report,
    Turn,
    Walk,
    ZoneConfig,
)  # fmt: skip
from mmspec.physical.watermarks.ops import DMA32, NORMAL

OPERATIONS = {operation.request: operation for operation in PAGE_ALLOC.operations}
KERNEL = GFP_DIRECT_RECLAIM | GFP_KSWAPD_RECLAIM | GFP_IO | GFP_FS
ATOMIC = GFP_HIGH | GFP_KSWAPD_RECLAIM
TWO_NODES = Config(
    (
        NodeConfig((ZoneConfig(DMA32, 0x1000, 0x9000), ZoneConfig(NORMAL, 0x10000, 0x30000))),
        NodeConfig((ZoneConfig(NORMAL, 0x40000, 0x60000),)),
    ),
    ((10, 20), (20, 10)),
)
FIRST, SECOND, THIRD = DMA32, NORMAL, 8 | NORMAL


class Run:
    """Linux's answers, one after another."""

    def __init__(self, config: Config = TWO_NODES, kernel: str = "6.12") -> None:
        self.memory, self.notes = PAGE_ALLOC.initial(config), PAGE_ALLOC.initial_policy(config, kernel)

    def ask(self, request: Any) -> Any:
        """Return Linux's answer, which the law must allow."""
        operation = OPERATIONS[type(request)]
        answer, self.notes = operation.choose(self.memory, self.notes, request)
        assert operation.allowed(self.memory, request, answer) is None
        self.memory = operation.apply(self.memory, request, answer)
        return answer

    def asked(self, request: Any) -> Any:
        """Return what is asked, or the zone of the block, or the error."""
        answer = self.ask(request)
        return answer.name if answer.failed else (answer.ask, answer.zone) if answer.ask == PAGE else answer.ask

    def empty(self, *zones: int) -> Run:
        """Leave nothing free in some zones."""
        for zone in zones:
            self.ask(Report(zone, 0, 0))
        return self


def nothing_free(kernel: str = "6.12") -> Run:
    """Return a machine of two nodes on which nothing is free."""
    return Run(kernel=kernel).empty(FIRST, SECOND, THIRD)


def test_a_request_is_served_from_its_node() -> None:
    """From the highest zone of the node that it begins on; below its marks from the next."""
    run = Run()
    assert run.asked(Enter(0, KERNEL, 0, 0)) == (PAGE, SECOND)
    assert run.asked(Enter(0, KERNEL, 0, 1)) == (PAGE, THIRD)
    assert run.empty(SECOND).asked(Enter(0, KERNEL, 0, 0)) == (PAGE, FIRST)
    assert run.empty(FIRST).asked(Enter(0, KERNEL, 0, 0)) == (PAGE, THIRD)


def test_a_small_request_is_too_small_to_fail() -> None:
    """With nothing free and nothing reclaimable it reclaims, compacts, and has somebody killed, for ever."""
    run = nothing_free()
    assert run.asked(Enter(0, KERNEL, 1, 0)) == COMPACT
    assert run.asked(Answer(0, compacted=DEFERRED)) == RECLAIM
    for _ in range(5):
        assert run.asked(Answer(0)) == COMPACT_AGAIN
        assert run.asked(Answer(0, compacted=DEFERRED)) == KILL
        assert run.asked(Answer(0, killed=1)) == RECLAIM
    assert run.asked(Answer(0)) == COMPACT_AGAIN
    assert run.asked(Answer(0, compacted=DEFERRED)) == KILL
    assert run.asked(Answer(0)) == "ENOMEM"


def test_sixteen_reclaims_in_vain_are_enough() -> None:
    """As long as much is reclaimable there are rounds, then the killer is asked."""
    run = nothing_free()
    run.ask(Reclaimable(SECOND, 1 << 20))
    run.ask(Report(SECOND, 0, 0, blocks=0x7FF))
    assert run.asked(Enter(0, KERNEL, 0, 0)) == RECLAIM
    rounds = 0
    while run.asked(Answer(0)) == RECLAIM:
        rounds += 1
    assert rounds == 16


def test_noretry_makes_one_round() -> None:
    """NORETRY ends after one reclaim and one compaction."""
    run = nothing_free()
    assert run.asked(Enter(0, KERNEL | GFP_NORETRY, 2, 0)) == COMPACT
    assert run.asked(Answer(0, compacted=SUCCESS)) == RECLAIM
    assert run.asked(Answer(0, progress=1)) == DRAIN
    assert run.asked(Answer(0, progress=1)) == COMPACT_AGAIN
    assert run.asked(Answer(0, compacted=SUCCESS)) == "ENOMEM"


def test_a_costly_request_fails_unless_it_may_retry() -> None:
    """RETRY_MAYFAIL goes on with progress of compaction, four times, and then tries harder; nobody is killed."""
    run = nothing_free()
    run.asked(Enter(0, KERNEL, 4, 0))
    run.asked(Answer(0, compacted=SUCCESS))
    assert run.asked(Answer(0)) == COMPACT_AGAIN
    assert run.asked(Answer(0, compacted=SUCCESS)) == "ENOMEM"
    run.asked(Enter(0, KERNEL | GFP_RETRY_MAYFAIL, 4, 0))
    run.asked(Answer(0, compacted=SUCCESS))
    rounds = 0
    while True:
        assert run.asked(Answer(0, progress=1)) == DRAIN
        assert run.asked(Answer(0, progress=1)) == COMPACT_AGAIN
        if run.asked(Answer(0, compacted=SUCCESS)) != RECLAIM:
            break
        rounds += 1
    assert rounds == 4


def test_nofail_waits() -> None:
    """NOFAIL with NORETRY ends its rounds, gets a reserve, and begins again."""
    run = nothing_free()
    run.asked(Enter(0, KERNEL | GFP_NOFAIL | GFP_NORETRY, 0, 0))
    assert run.asked(Answer(0)) == WAIT
    assert run.asked(Answer(0)) == RECLAIM
    run.ask(Report(THIRD, 100000, 100000))
    assert run.asked(Answer(0, progress=1)) == (PAGE, THIRD)


def test_an_atomic_request_asks_for_nothing() -> None:
    """It goes down to a part of MIN and fails."""
    run = nothing_free()
    assert run.asked(Enter(0, ATOMIC, 0, 0)) == "ENOMEM"
    least = run.notes.paths.marks.min[SECOND]
    run.ask(Report(SECOND, least, least))
    assert run.asked(Enter(0, GFP_KSWAPD_RECLAIM | GFP_THISNODE, 0, 0)) == "ENOMEM"
    assert run.asked(Enter(0, ATOMIC, 0, 0)) == (PAGE, SECOND)


def test_a_change_begins_the_path_again() -> None:
    """Before a round and before the end; the mask is forgotten where it is outside the cpuset."""
    run = nothing_free()
    run.asked(Enter(0, KERNEL | GFP_NORETRY, 0, 0))
    assert run.asked(Answer(0, changed=1)) == RECLAIM
    assert run.asked(Answer(0)) == "ENOMEM"
    run.asked(Enter(0, KERNEL | GFP_NORETRY, 0, 0, nodes=2))
    assert run.asked(Answer(0, cpusets=1, mems=1)) == RECLAIM
    assert run.notes.waiting[0].nodes == 0xFF


def test_a_zone_below_high_is_noted_until_a_free() -> None:
    """So that HIGH is not asked again."""
    run = Run()
    high = run.notes.paths.marks.high[SECOND]
    run.ask(Report(SECOND, high - 1, high - 1))
    run.ask(Walk(KERNEL, 0, 1, 0))
    assert run.notes.paths.below.get(SECOND, False)
    assert not Run(kernel="6.1").notes.paths.below.get(SECOND, False)


def test_what_compaction_captured_was_never_free() -> None:
    """A zone's counter stays."""
    run = nothing_free()
    run.asked(Enter(0, KERNEL, 1, 0))
    run.ask(Report(THIRD, 7, 7))
    assert run.asked(Answer(0, compacted=SUCCESS, captured=THIRD)) == (PAGE, THIRD)
    assert run.memory.machine.free[THIRD] == 7


def test_what_is_no_request_is_refused() -> None:
    """Two zones at once, a task that waits already, one that does not, a node behind the last."""
    run = nothing_free()
    assert run.ask(FlagsOf(5, 0)) == EINVAL
    assert run.ask(Walk(KERNEL, 0, 0, 2)) == EINVAL
    assert run.ask(Answer(0)) == EINVAL
    run.ask(Enter(0, KERNEL, 0, 0))
    assert run.ask(Enter(0, KERNEL, 0, 0)) == EINVAL
    assert run.ask(Enter(1, KERNEL, 11, 0)) == ENOMEM


@pytest.mark.parametrize(
    ("gfp", "order", "ask", "clause"),
    [
        (ATOMIC, 0, RECLAIM, c.SLEEPS),
        (KERNEL & ~GFP_IO, 1, COMPACT, c.IO),
        (KERNEL, 0, COMPACT, c.IO),
        (KERNEL, 4, KILL, c.KILLS),
        (KERNEL | GFP_THISNODE, 0, KILL, c.KILLS),
        (KERNEL, 0, WAIT, c.ONE_WAITS),
    ],
)
def test_what_may_not_be_asked_is_named(gfp: int, order: int, ask: int, clause: Any) -> None:
    """Whoever the allocator is."""
    run = nothing_free()
    assert OPERATIONS[Enter].allowed(run.memory, Enter(0, gfp, order, 0), Turn(ask)) is clause


def test_a_block_that_may_not_be_given_is_named() -> None:
    """From another node with THISNODE, from where nothing is free, or nothing for NOFAIL."""
    run = Run()
    allowed = OPERATIONS[Enter].allowed
    assert allowed(run.memory, Enter(0, KERNEL | GFP_THISNODE, 0, 0), Turn(PAGE, THIRD)) is c.ZONE
    assert allowed(run.memory, Enter(0, KERNEL, 0, 0), Turn(PAGE, NOWHERE)) is c.ZONE
    assert allowed(run.empty(THIRD).memory, Enter(0, KERNEL, 0, 0), Turn(PAGE, THIRD)) is c.FREE
    assert allowed(run.memory, Enter(0, KERNEL | GFP_NOFAIL, 0, 0), ENOMEM) is c.NOFAIL
    assert allowed(run.memory, Enter(0, KERNEL, 11, 0), Turn(PAGE, SECOND)) is c.ORDER


@pytest.mark.parametrize(
    "changed",
    [
        {"nodes": ()},
        {"max_order": 14},
        {"nodes": (NodeConfig((ZoneConfig(NORMAL, 5, 5),)), NodeConfig(()))},
        {"nodes": (NodeConfig((ZoneConfig(NORMAL, 0, 9000),)), NodeConfig((ZoneConfig(NORMAL, 8000, 10000),)))},
        {"nodes": (NodeConfig((ZoneConfig(NORMAL, 0, 9000), ZoneConfig(DMA32, 9000, 10000))), NodeConfig(()))},
    ],
)
def test_what_is_no_machine_is_refused(changed: dict[str, Any]) -> None:
    """At the door, naming what is wrong."""
    with pytest.raises(InputError):
        PAGE_ALLOC.initial(attrs.evolve(TWO_NODES, **changed))
