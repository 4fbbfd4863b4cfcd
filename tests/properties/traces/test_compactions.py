"""Compaction as it is followed by both engines: what it keeps, and how its searches turn the lists."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mmprops.traces.archive import CaptureError
from mmprops.traces.compaction import CompactionBegin, CompactionFinished, Compactions, IsolateMigratepages
from mmprops.traces.formats import Event
from mmprops.traces.replay import Prediction, Replay
from mmprops.traces.zones import ZoneMap, ZoneSpan

ALLOC = "kmem/mm_page_alloc"
FREE = "kmem/mm_page_free"
LOCKED = "kmem/mm_page_alloc_zone_locked"
DRAIN = "kmem/mm_page_pcpu_drain"
ISOFREE = "kprobes/isofree"
ISORET = "kprobes/isoret"
TRY = "compaction/mm_compaction_try_to_compact_pages"
BEGIN = "compaction/mm_compaction_begin"
FINISHED = "compaction/mm_compaction_finished"
SOURCE = "compaction/mm_compaction_isolate_migratepages"
TARGET = "compaction/mm_compaction_fast_isolate_freepages"
END = "compaction/mm_compaction_end"

both = pytest.mark.parametrize("engine", ["spec", "impl"])


def prediction(found: Replay) -> Prediction:
    """The prediction of a replay that made one."""
    assert found.prediction is not None
    return found.prediction


# --- compaction ---------------------------------------------------------------------------------------------------------


def compacting(kit: Any, order: int, gfp: int = 8, version: str = "6.12.1") -> Any:
    """A direct compaction for an order, begun."""
    made = kit.scene(version).event(TRY, order, gfp, 2).event(BEGIN, 0, 0, 1536, 2048)
    return made.event(FINISHED, order, 4)


@both
@pytest.mark.parametrize(("gfp", "kept"), [(8, True), (0, False)])
def test_compaction_keeps_a_freed_block(kit: Any, engine: str, gfp: int, kept: bool) -> None:
    """The first freed block of the order and type that is wanted is kept for the request; a later one is listed."""
    made = compacting(kit, 4, gfp).event(FREE, 16, 4).event(FREE, 64, 4).event(END, 0)
    made.event(ALLOC, 16, 4, gfp, 1) if kept else made.event(LOCKED, 64, 4, 1, 0)
    found = made.play(engine, [(256, 5, 1)], [(64, 4, 1), (256, 5, 1)] if kept else [(16, 4, 1), (256, 5, 1)])
    assert (found.contradictions, found.lists_equal, prediction(found).captured) == (0, 55, int(kept))
    assert prediction(found).predicted == (0 if kept else 1)


@both
def test_whole_pageblock_is_kept_for_any_type(kit: Any, engine: str) -> None:
    """From the pageblock's order on a MOVABLE block is kept for a request of another type."""
    made = compacting(kit, 9, 0).event(DRAIN, 512, 9, 1).event(END, 0).event(ALLOC, 512, 9, 0, 0)
    found = made.play(engine, [], [])
    assert (found.contradictions, found.lists_equal, prediction(found).captured) == (0, 55, 1)


@both
def test_search_turns_the_lists(kit: Any, engine: str) -> None:
    """A search looks from the tail; the block that it takes was made first, and what was before it comes last."""
    made = compacting(kit, 4).event(SOURCE, 0, 32, 8)
    # The upper quarter of 32 to 1536 begins in pageblock 1024: the second block from the tail is in it.
    made.event(ISOFREE, kit.vmemmap + 64 * 1200, 3).event(ISORET, 8).event(TARGET, 512, 1536, 2 + 7, 8).event(END, 0)
    found = made.play(engine, [(8, 3, 1), (1200, 3, 1), (64, 3, 1)], [(64, 3, 1), (8, 3, 1)])
    assert (found.contradictions, found.lists_equal, prediction(found).unfollowed) == (0, 55, 0)


@both
@pytest.mark.parametrize("first", [1200, 64])
def test_search_of_6_1_is_told_by_the_block(kit: Any, engine: str, first: int) -> None:
    """In 6.1 the first block that is taken tells that it was searched for; one that no search finds turns nothing."""
    made = compacting(kit, 4, version="6.1.9").event(SOURCE, 0, 32, 8)
    made.event(ISOFREE, kit.vmemmap + 64 * first, 3).event(ISORET, 8).event(END, 0)
    left = [(64, 3, 1), (8, 3, 1)] if first == 1200 else [(8, 3, 1), (1200, 3, 1)]
    found = made.play(engine, [(8, 3, 1), (1200, 3, 1), (64, 3, 1)], left)
    assert (found.contradictions, found.lists_equal, prediction(found).unfollowed) == (0, 55, int(first != 1200))


@both
def test_search_that_is_not_followed_is_counted(kit: Any, engine: str) -> None:
    """Where the event says that another number of blocks was looked at, nothing is turned and that is told."""
    made = compacting(kit, 4).event(SOURCE, 0, 32, 8).event(TARGET, 512, 1536, 77, 0).event(END, 0)
    found = made.play(engine, [(8, 3, 1), (64, 3, 1)], [(8, 3, 1), (64, 3, 1)])
    assert (found.lists_equal, prediction(found).unfollowed) == (55, 1)


@both
@pytest.mark.parametrize(("ret", "turned"), [(3, True), (4, False)])
def test_search_for_a_pageblock_to_empty(kit: Any, engine: str, ret: int, turned: bool) -> None:
    """It comes after 3, that no block is free, which is only said where a pageblock begins; after 4 compaction goes on in one."""
    made = kit.scene().event(TRY, 4, 8, 2).event(BEGIN, 0, 512, 1536, 2048).event(FINISHED, 4, ret)
    made.event(SOURCE, 0, 32, 0).event(END, 0)
    blocks = [(8, 3, 1), (1200, 3, 1)]
    assert made.play(engine, blocks, blocks[::-1] if turned else blocks).verdict == "pass"


@both
def test_thread_keeps_nothing(kit: Any, engine: str) -> None:
    """A block that was kept and never used was not kept: a thread of the kernel compacts, and what it did is not known."""
    found = compacting(kit, 4).event(FREE, 16, 4).event(END, 0).play(engine, [(256, 5, 1)], [(16, 4, 1), (256, 5, 1)])
    assert (found.verdict, found.contradictions, found.lists_equal) == ("unknown", 0, 55)
    assert "keeps nothing" in prediction(found).blind


@both
def test_block_is_kept_before_compaction_first_asks(kit: Any, engine: str) -> None:
    """The order that is wanted is known from the request on."""
    made = kit.scene().event(TRY, 4, 8, 2).event(BEGIN, 0, 0, 1536, 2048).event(FREE, 16, 4).event(FINISHED, 4, 4)
    found = made.event(END, 0).event(ALLOC, 16, 4, 8, 1).play(engine, [(256, 5, 1)], [(256, 5, 1)])
    assert (found.verdict, prediction(found).captured) == ("pass", 1)


@both
def test_compaction_of_all_after_a_request_keeps_nothing(kit: Any, engine: str) -> None:
    """A process that compacts all memory does not keep what its request before would have."""
    made = compacting(kit, 4).event(END, 0).event(BEGIN, 0, 0, 1536, 2048).event(FINISHED, -1, 4).event(FREE, 16, 4).event(END, 0)
    assert made.play(engine, [(256, 5, 1)], [(16, 4, 1), (256, 5, 1)]).verdict == "pass"


@both
def test_unfollowed_search_is_unknown(kit: Any, engine: str) -> None:
    """Lists that a search turned in a way that nobody can tell prove nothing, whether they agree or not."""
    made = compacting(kit, 4).event(SOURCE, 0, 32, 8).event(TARGET, 512, 1536, 77, 0).event(END, 0)
    blocks = [(8, 3, 1), (64, 3, 1)]
    assert [made.play(engine, blocks, end).verdict for end in (blocks, blocks[::-1])] == ["unknown", "unknown"]


@both
def test_wrong_before_sight_was_lost_is_wrong(kit: Any, engine: str) -> None:
    """What was missed before the search is not excused by it."""
    made = kit.scene().event(LOCKED, 64, 3, 1, 1).event(TRY, 4, 8, 2).event(BEGIN, 0, 0, 1536, 2048).event(FINISHED, 4, 4)
    made.event(SOURCE, 0, 32, 8).event(TARGET, 512, 1536, 77, 0).event(END, 0)
    assert made.play(engine, [(8, 3, 1), (64, 3, 1)], [(8, 3, 1)]).verdict == "fail"


@both
def test_order_that_no_block_has_is_damage(kit: Any, engine: str) -> None:
    """A compaction for an order that is too large is refused."""
    with pytest.raises(CaptureError, match="names order 40, which no block has"):
        compacting(kit, 40).play(engine, [], [])


# --- searches beside a simulation of the kernel's ------------------------------------------------------------------------

PAGEBLOCK, START, AFTER = 512, 4096, 131072


class Machine:
    """The MOVABLE lists of a zone as the kernel turns them, and as they are followed."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        used: set[int] = set()
        self.lists: dict[int, list[int]] = {}
        for order in range(11):
            drawn = {chance.randrange(START, AFTER) >> order << order for _ in range(chance.choice((0, 1, 3, 10, 40)))}
            self.lists[order] = [pfn for pfn in drawn if pfn not in used]
            used |= drawn
        self.followed = {order: list(blocks) for order, blocks in self.lists.items()}
        self.skipped = {block for block in range(AFTER // PAGEBLOCK) if chance.random() < 0.3}
        self.order = chance.randint(4, 9)
        self.migrate, self.free, self.fails, self.start = START + PAGEBLOCK * chance.choice((0, 1, 20)), AFTER - PAGEBLOCK, 0, 0
        self.compactions = Compactions(ZoneMap([ZoneSpan(0, "Normal", START, AFTER)]), True, 9, 10)
        self.note(CompactionBegin(0, 0, 0, 1, START, self.migrate, self.free, AFTER))

    def note(self, event: Event) -> None:
        """Tell of an event, and carry out the turns that follow."""
        for turn in self.compactions.note(event, lambda zone, order, kind: tuple(self.followed[order])):
            for order, blocks in self.followed.items():
                if turn.pfn in blocks:
                    at = blocks.index(turn.pfn) + turn.to_tail
                    self.followed[order] = blocks[at:] + blocks[:at]

    def find(self) -> bool:
        """Do as `fast_find_migrateblock`: whether it found a pageblock, which is where the scanner then is."""
        if self.migrate % PAGEBLOCK:
            return False
        distance = (self.free - self.migrate) >> (1 if self.migrate == START else 3)
        below, limit, scanned = (self.migrate + distance) & -PAGEBLOCK, (32 >> self.fails) + 1, 0
        for order in range(self.order - 1, 2, -1):
            for at, pfn in enumerate(self.lists[order] if scanned < limit else ()):
                scanned += 1
                taken = pfn < below and pfn // PAGEBLOCK not in self.skipped
                if scanned > limit or taken:
                    self.lists[order] = self.lists[order][at + 1 :] + self.lists[order][: at + 1]
                if scanned > limit:
                    break
                if taken:
                    self.start = self.start if self.start < 0 else min(self.start or pfn, pfn)
                    self.fails, self.migrate = 0, pfn & -PAGEBLOCK
                    return True
        self.fails += 1
        if self.start > 0:
            self.migrate, self.start = self.start, -1
        return False

    def step(self) -> None:
        """Search, and take the pages of the pageblock that is suitable next."""
        self.note(CompactionFinished(0, 0, 0, 1, self.order, 4 if self.migrate % PAGEBLOCK else 3))
        found = self.find()
        while not found and self.migrate % PAGEBLOCK == 0 and self.migrate // PAGEBLOCK in self.skipped:
            self.migrate += PAGEBLOCK
        first = self.migrate
        self.migrate = min(first + self.chance.choice((32, PAGEBLOCK)), (first & -PAGEBLOCK) + PAGEBLOCK)
        self.note(IsolateMigratepages(0, 0, 0, 1, first, self.migrate, 1))


def test_searches_for_a_pageblock_are_followed() -> None:
    """Whatever is on the lists and wherever it stands, each search is followed, with skip hints that nobody knows."""
    chance = random.Random(3)
    for _ in range(150):
        machine = Machine(chance)
        for _ in range(8):
            machine.step()
            assert machine.followed == machine.lists
        assert machine.compactions.unfollowed == 0
