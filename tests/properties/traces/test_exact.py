"""What is foretold of a trace by both engines: the order of the lists, fallbacks, whole captures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mmprops.machines.physical.buddy_exact import follow_exactly
from mmprops.traces.archive import CaptureError, open_capture, packaged_capture
from mmprops.traces.cma import CmaShare
from mmprops.traces.foretell import UNSEEN
from mmprops.traces.opening import exact_stream
from mmprops.traces.replay import Prediction, Replay

ALLOC = "kmem/mm_page_alloc"
FREE = "kmem/mm_page_free"
MARK = "ftrace/print"
LOCKED = "kmem/mm_page_alloc_zone_locked"
DRAIN = "kmem/mm_page_pcpu_drain"
EXTFRAG = "kmem/mm_page_alloc_extfrag"
ISOFREE = "kprobes/isofree"
ISORET = "kprobes/isoret"
END = "compaction/mm_compaction_end"

Blocks = Sequence[tuple[int, int, int]]

both = pytest.mark.parametrize("engine", ["spec", "impl"])


def prediction(found: Replay) -> Prediction:
    """The prediction of a replay that made one."""
    assert found.prediction is not None
    return found.prediction


# --- the order of the lists -------------------------------------------------------------------------------------------


@both
def test_head_of_the_list_is_foretold(kit: Any, engine: str) -> None:
    """Of two blocks the first on the list is handed out, and freed to the head it is first again."""
    made = kit.scene().event(LOCKED, 8, 3, 1, 1).event(DRAIN, 8, 3, 1).event(LOCKED, 8, 3, 1, 1)
    found = made.play(engine, [(8, 3, 1), (32, 3, 1)], [(32, 3, 1)])
    assert (found.verdict, prediction(found).predicted, found.lists_equal) == ("pass", 2, 55)


@both
def test_wrong_block_is_a_miss(kit: Any, engine: str) -> None:
    """Where the second block is handed out the replay fails, corrects the model once, and goes on."""
    made = kit.scene().event(LOCKED, 32, 3, 1, 1).event(LOCKED, 8, 3, 1, 1)
    found = made.play(engine, [(8, 3, 1), (32, 3, 1), (64, 3, 1)], [(64, 3, 1)])
    foretold = prediction(found)
    assert (found.verdict, foretold.predicted, foretold.mispredicted, foretold.resyncs) == ("fail", 1, 1, 1)
    assert foretold.first_miss == f"event 2 ({LOCKED}): block 8 was foretold, block 32 was handed out"
    assert found.lists_equal == len(found.comparisons) == 55


@both
def test_order_of_a_list_is_compared(kit: Any, engine: str) -> None:
    """The same blocks in another order are another list."""
    found = kit.scene().play(engine, [(8, 3, 1), (32, 3, 1)], [(32, 3, 1), (8, 3, 1)])
    assert (found.verdict, found.lists_equal) == ("fail", 54)
    assert found.first_miss == "END, zone 0:Normal, order 3: the free lists differ from RAM's"


@both
def test_pageblock_types_are_compared(kit: Any, engine: str) -> None:
    """A pageblock that has another type in RAM is a difference."""
    found = kit.scene().play(engine, [(8, 3, 1)], [(8, 3, 1)], (1, 1, 0, 1, 1, 1, 1, 1))
    assert (found.verdict, found.first_miss) == ("fail", "END: pageblock 1024 has another type")
    assert (prediction(found).pageblocks, prediction(found).pageblocks_equal) == (4, 3)


@both
def test_pause_lies_where_the_order_fits(kit: Any, engine: str) -> None:
    """Where the same frames are free at several steps before the next marker, the lists' order tells where the pause was."""
    made = kit.scene()
    made.after_pause = [(0, LOCKED, (8, 3, 1, 1)), (0, DRAIN, (8, 3, 1)), (0, LOCKED, (8, 3, 1, 1)), (0, LOCKED, (32, 3, 1, 1))]
    made.after_pause += [(0, DRAIN, (8, 3, 1)), (0, DRAIN, (32, 3, 1)), (0, LOCKED, (32, 3, 1, 1))]
    found = made.play(engine, [(8, 3, 1), (32, 3, 1)], [(32, 3, 1), (8, 3, 1)])
    assert (found.verdict, prediction(found).predicted, found.lists_equal) == ("pass", 4, 55)


@both
def test_tail_rule(kit: Any, engine: str) -> None:
    """A block whose parent would merge further, were its buddy freed, goes to the tail."""
    made = kit.scene().event(DRAIN, 0, 0, 1).event(LOCKED, 32, 0, 1, 1)
    found = made.play(engine, [(2, 1, 1), (32, 0, 1)], [(0, 0, 1), (2, 1, 1)])
    assert (found.verdict, prediction(found).predicted) == ("pass", 1)


@both
def test_zone_is_read_once_a_refill(kit: Any, engine: str) -> None:
    """Of two nodes the frame tells the zone where a refill begins, and is counted."""
    made = kit.scene(nodes=2, types=(1,) * 8).event(LOCKED, 2056, 0, 1, 1).event(LOCKED, 2057, 0, 1, 1)
    made.event(ALLOC, 2056, 0, 8, 1).event(LOCKED, 8, 0, 1, 1)
    found = made.play(engine, [(8, 0, 1), (2056, 1, 1)], [])
    assert (found.verdict, prediction(found).predicted, prediction(found).zone_from_pfn) == ("pass", 3, 2)


@both
def test_unseen_free_is_found_after_the_prediction(kit: Any, engine: str) -> None:
    """A frame that went to the buddy unseen is not foretold, but known once it is handed out."""
    made = kit.scene().event(FREE, 3, 0).event(LOCKED, 3, 0, 1, 1).event(LOCKED, 8, 3, 1, 1)
    found = made.play(engine, [(8, 3, 1)], [])
    assert (prediction(found).mispredicted, prediction(found).predicted, found.lists_equal, found.bypassed) == (1, 1, 55, 1)
    assert prediction(found).first_miss == f"event 3 ({LOCKED}): block 8 was foretold, block 3 was handed out"


@both
@pytest.mark.parametrize("migratetype", [-1, 5])
def test_unknown_type_is_damage(kit: Any, engine: str, migratetype: int) -> None:
    """An event that names a type that the kernel has not is refused, not misread."""
    with pytest.raises(CaptureError, match=f"names migratetype {migratetype}, which this kernel has not"):
        kit.scene().event(LOCKED, 8, 0, migratetype, 1).play(engine, [(8, 0, 1)], [])


@both
def test_kernel_without_a_profile_is_named(kit: Any, engine: str) -> None:
    """Choices that are not specified are not foretold."""
    with pytest.raises(
        CaptureError, match=r"is of Linux 6\.6; what is specified are the choices of 6\.1 and 6\.12; --level blocks"
    ):
        kit.scene("6.6.1").play(engine, [], [])


@both
def test_double_free_is_a_contradiction(kit: Any, engine: str) -> None:
    """A block of which a frame is free already, or that lies in a free one, does not come back."""
    made = kit.scene().event(DRAIN, 8, 1, 1).event(DRAIN, 16, 0, 1)
    found = made.play(engine, [(9, 0, 1), (16, 3, 1)], [(9, 0, 1), (16, 3, 1)])
    assert (found.verdict, found.contradictions, found.lists_equal) == ("fail", 2, 55)


@both
def test_unseen_free_is_taken_by_compaction(kit: Any, engine: str) -> None:
    """A frame that went to the buddy unseen and leaves to compaction was free before."""
    made = kit.scene().event(FREE, 9, 0).event(ISOFREE, kit.vmemmap + 64 * 8, 1).event(ISORET, 2)
    found = made.play(engine, [(8, 0, 1)], [])
    assert (found.contradictions, found.lists_equal, found.bypassed) == (0, 55, 1)


# --- fallbacks ----------------------------------------------------------------------------------------------------------

LRU = (1 << 5).to_bytes(8, "little")


def lru(*ranges: tuple[int, int]) -> bytes:
    """The flags of 4096 frames, some ranges of which hold pages on LRU lists."""
    flags = bytearray(8 * 4096)
    for start, end in ranges:
        flags[8 * start : 8 * end] = LRU * (end - start)
    return bytes(flags)


@both
def test_claim(kit: Any, engine: str) -> None:
    """A claimed pageblock's free blocks go to the tail of the new type's lists, in PFN order, and its type changes."""
    made = kit.scene().event(LOCKED, 0, 0, 0, 1).event(EXTFRAG, 0, 0, 5, 0, 1, 1)
    end = [(1, 0, 0), (2, 1, 0), (64, 5, 0)]
    found = made.play(engine, [(64, 5, 1), (0, 0, 1), (1, 0, 1), (2, 1, 1)], end, (0, 1, 1, 1, 1, 1, 1, 1))
    assert (found.verdict, prediction(found).predicted, prediction(found).resyncs) == ("pass", 1, 0)


@both
def test_no_claim_among_movable_pages(kit: Any, engine: str) -> None:
    """Where most of a pageblock is movable pages it is not claimed: the smallest block is stolen, the type stays."""
    made = kit.scene().event(EXTFRAG, 0, 0, 0, 0, 1, 0)
    found = made.play(engine, [(64, 5, 1), (0, 0, 1)], [(64, 5, 1)], flags=lru((96, 512)))
    assert (found.verdict, prediction(found).predicted, prediction(found).resyncs) == ("pass", 1, 0)


@both
@pytest.mark.parametrize("claimed", [True, False])
def test_pages_in_doubt_are_the_cause(kit: Any, engine: str, claimed: bool) -> None:
    """Where pages that may not be on an LRU list yet decide a claim, that is said in advance, and either is followed."""
    made = kit.scene().event(ALLOC, 500, 0, 8, 1)
    made.event(LOCKED, 1, 0, 0, 1).event(EXTFRAG, 1, 0, 5, 0, 1, 1) if claimed else made.event(EXTFRAG, 513, 0, 0, 0, 1, 0)
    start = [(64, 5, 1), (513, 0, 1), (1, 0, 1)]
    end = [(64, 5, 0), (513, 0, 1)] if claimed else [(64, 5, 1), (1, 0, 1)]
    found = made.play(engine, start, end, (0 if claimed else 1, *(1,) * 7), lru((100, 356)))
    assert prediction(found).unpredictable == {"movable-pages": 1}
    assert (found.lists_equal, prediction(found).pageblocks_equal) == (55, 4)


@both
def test_refill_goes_on_stealing(kit: Any, engine: str) -> None:
    """A refill that stole once does not look for a pageblock to claim again; the next refill does."""
    made = kit.scene(types=(0,) * 8).event(EXTFRAG, 0, 0, 1, 1, 0, 0).event(EXTFRAG, 1, 0, 0, 1, 0, 0)
    made.event(ALLOC, 0, 0, 8, 1).event(EXTFRAG, 64, 0, 3, 1, 0, 0)
    found = made.play(engine, [(0, 1, 0), (64, 3, 0)], [(65, 0, 0), (66, 1, 0), (68, 2, 0)])
    assert (found.verdict, prediction(found).predicted) == ("pass", 3)


@both
def test_drain_of_6_1_goes_by_the_cached_type(kit: Any, engine: str) -> None:
    """6.1 frees a drained page to the list of the type that the event names, whatever its pageblock's type is."""
    found = kit.scene("6.1.9").event(DRAIN, 9, 0, 0).play(engine, [], [(9, 0, 0)])
    assert (found.verdict, prediction(found).resyncs) == ("pass", 0)


@both
def test_drain_of_6_12_tells_the_type(kit: Any, engine: str) -> None:
    """6.12 drains by the pageblock's type: where the model has another, it is corrected, and that is counted."""
    found = kit.scene().event(DRAIN, 9, 0, 0).play(engine, [(8, 0, 1)], [(8, 1, 0)], (0, 1, 1, 1, 1, 1, 1, 1))
    assert (found.lists_equal, prediction(found).pageblocks_equal, prediction(found).resyncs) == (55, 4, 1)


@both
@pytest.mark.parametrize("cpu", [0, 1])
def test_free_waits_for_the_lock(kit: Any, engine: str, cpu: int) -> None:
    """A large block that is freed while another CPU refills is on the lists when the refill is over."""
    made = kit.scene().event(LOCKED, 8, 0, 1, 1, cpu=1).event(FREE, 16, 4, cpu=cpu).event(LOCKED, 32, 0, 1, 1, cpu=1)
    end = [(33, 0, 1), (34, 1, 1), (36, 2, 1), (40, 3, 1), (48, 4, 1), (16, 4, 1)]
    found = made.play(engine, [(8, 0, 1), (32, 5, 1)], end)
    assert (prediction(found).predicted, prediction(found).mispredicted) == ((2, 0) if cpu == 0 else (1, 1))


@both
def test_pageblock_of_two_zones_has_one_type(kit: Any, engine: str) -> None:
    """What one zone makes of a pageblock that it shares with another, the other sees."""
    halves = [
        {"node": 0, "zone": "DMA32", "start_pfn": 0, "spanned": 256, "blocks": [(0, 8, 0)]},
        {"node": 0, "zone": "Normal", "start_pfn": 256, "spanned": 1792, "blocks": []},
    ]
    made = kit.scene("6.1.9", types=(0, 1, 1, 1, 1, 1, 1, 1)).event(ISOFREE, kit.vmemmap, 8).event(ISORET, 256)
    made.event(FREE, 256, 4)
    end = [{**halves[0], "blocks": []}, {**halves[1], "blocks": [(256, 4, 1)]}]
    found = made.play_zones(engine, halves, end, (1,) * 8)
    assert (found.verdict, found.lists_equal, prediction(found).pageblocks) == ("pass", 110, 5)


# --- whole captures -----------------------------------------------------------------------------------------------------


@both
def test_packaged_capture_is_foretold(engine: str) -> None:
    """From START to MID every allocation of the packaged capture is foretold, and every list equals RAM's in its order."""
    found = follow_exactly(open_capture(packaged_capture()), engine)
    foretold = prediction(found)
    assert (found.verdict, found.allocations, foretold.predicted, found.contradictions) == ("pass", 19_590, 19_590, 0)
    assert (found.lists_equal, len(found.comparisons), foretold.pageblocks_equal, foretold.pageblocks) == (110, 110, 256, 256)
    assert (foretold.mispredicted, dict(foretold.unpredictable), foretold.resyncs) == (0, {}, 0)


def no_tail(buddy: Any, pfn: int, order: int) -> bool:
    """A tail rule that is left out."""
    return False


def test_rule_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tail rule the packaged capture is not foretold."""
    monkeypatch.setattr("mmimpl.physical.buddy.lists.merge_likely", no_tail)
    found = follow_exactly(open_capture(packaged_capture()), "impl")
    assert (found.verdict, prediction(found).mispredicted > 100) == ("fail", True)


@pytest.mark.by_turns(2)
@pytest.mark.needs_captures
@pytest.mark.parametrize("engine", ["impl", pytest.param("spec", marks=pytest.mark.nightly)])
@pytest.mark.parametrize(("name", "allocations"), [("A-6.12", 213_915), ("C-6.1", 275_590)])
def test_captures_are_foretold(captures: Path, name: str, allocations: int, engine: str) -> None:
    """From START to MID and END every allocation is foretold, and every list and pageblock type equals RAM's."""
    found = follow_exactly(open_capture(captures / f"{name}-512M-1n1c"), engine)
    foretold = prediction(found)
    assert (found.verdict, found.allocations, foretold.predicted) == ("pass", allocations, allocations)
    assert (found.lists_equal, len(found.comparisons), foretold.pageblocks_equal, foretold.pageblocks) == (220, 220, 512, 512)


@pytest.mark.needs_captures
@pytest.mark.nightly
def test_moves_of_isolation_are_needed(captures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the other free blocks of an isolated block's pageblock not moved, ten allocations of capture A would be missed."""
    monkeypatch.setattr("mmspec.physical.buddy.linux.pageblock_inside", lambda span, pfn: False)
    found = prediction(follow_exactly(open_capture(captures / "A-6.12-512M-1n1c"), "spec"))
    assert (found.predicted, found.mispredicted) == (213_905, 10)


# --- what may be told, and what not ---------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("version", ["6.12.1", "6.1.9"])
def test_wrong_owner_is_a_miss(kit: Any, engine: str, version: str) -> None:
    """A block that was foretold is missed all the same where its pageblock does not change its type as foretold."""
    made = kit.scene(version).event(EXTFRAG, 0, 0, 9, 0, 1, 0)
    if version == "6.1.9":
        made.event(LOCKED, 0, 0, 0, 1)
    found = prediction(made.play(engine, [(0, 9, 1)], []))
    assert (found.predicted, found.mispredicted, found.resyncs) == (0, 1, 1)
    assert "block 0 was foretold, but of its type" in str(found.first_miss)


@both
def test_refill_ends_with_another_act(kit: Any, engine: str) -> None:
    """A refill that stole is over where another CPU drains into its zone: the next block is searched for from the start."""
    made = kit.scene(types=(0, 0, 1, 1, 1, 1, 1, 1)).event(EXTFRAG, 0, 0, 1, 1, 0, 0).event(DRAIN, 1030, 0, 1, cpu=1)
    found = made.event(LOCKED, 1030, 0, 1, 1).play(engine, [(0, 1, 0), (64, 3, 0)], [(1, 0, 0), (64, 3, 0)])
    assert (found.verdict, prediction(found).predicted) == ("pass", 2)


@both
def test_zone_is_read_of_a_fallback_of_6_1(kit: Any, engine: str) -> None:
    """In 6.1 the fallback that is announced before a block is no earlier block of its refill."""
    made = kit.scene("6.1.9", nodes=2).event(LOCKED, 8, 0, 1, 1).event(ALLOC, 8, 0, 8, 1)
    made.event(EXTFRAG, 16, 0, 0, 1, 2, 0).event(LOCKED, 16, 0, 1, 1)
    assert prediction(made.play(engine, [(8, 0, 1), (16, 0, 2)], [])).zone_from_pfn == 2


@both
def test_start_lies_where_the_order_fits(kit: Any, engine: str) -> None:
    """Events that leave the frames of START as they are came before its pause if the lists then fit; they are counted."""
    made = kit.scene()
    made.at_start = [(0, LOCKED, (32, 3, 1, 1)), (0, LOCKED, (8, 3, 1, 1)), (0, DRAIN, (32, 3, 1)), (0, DRAIN, (8, 3, 1))]
    found = made.event(LOCKED, 8, 3, 1, 1).play(engine, [(8, 3, 1), (32, 3, 1)], [(32, 3, 1)])
    assert (found.verdict, prediction(found).predicted, prediction(found).dropped) == ("pass", 1, 4)


@both
def test_start_that_fits_nowhere_is_wrong(kit: Any, engine: str) -> None:
    """A miss at START is not forgotten because of a contradiction after it."""
    made = kit.scene()
    made.at_start = [(0, LOCKED, (32, 3, 1, 1)), (0, DRAIN, (9, 0, 1))]
    found = made.play(engine, [(8, 3, 1), (32, 3, 1)], [(8, 3, 1), (32, 3, 1)])
    assert (found.verdict, found.contradictions > 0) == ("fail", True)


@both
def test_unseen_free_of_several_cpus_is_unknown(kit: Any, engine: str) -> None:
    """Where another CPU may hold the lock of the per-CPU lists, an unseen free is nobody's fault; it proves nothing either."""
    made = kit.scene().event(FREE, 3, 0).event(LOCKED, 3, 0, 1, 1).event(DRAIN, 600, 0, 1, cpu=1)
    found = made.play(engine, [(8, 3, 1)], [(600, 0, 1), (8, 3, 1)])
    assert (found.verdict, prediction(found).blind) == ("unknown", UNSEEN)


@both
def test_reserve_serves_what_names_it(kit: Any, engine: str) -> None:
    """A request that names HIGHATOMIC is served from the reserve's list; where that is empty, nobody can tell."""
    made = kit.scene(types=(3, *(1,) * 7)).event(LOCKED, 8, 3, 3, 0).event(LOCKED, 600, 3, 3, 0)
    found = prediction(made.play(engine, [(8, 3, 3), (600, 3, 1)], [], (3, 3, *(1,) * 6)))
    assert (found.predicted, found.unpredictable) == (1, {"highatomic": 1})


@both
def test_empty_zone_is_passed_over(kit: Any, engine: str) -> None:
    """A zone without frames has lists, which are empty."""
    made = kit.scene().event(LOCKED, 8, 3, 1, 1)
    empty = {"node": 0, "zone": "Movable", "start_pfn": 0, "spanned": 0, "blocks": []}
    found = made.play_zones(engine, [*made.zones([(8, 3, 1)]), empty], [*made.zones([]), empty])
    assert (found.verdict, found.lists_equal) == ("pass", 110)


@both
@pytest.mark.parametrize("number", [9, -7])
def test_unknown_type_of_a_pageblock_is_damage(kit: Any, engine: str, number: int) -> None:
    """A pageblock of a type that the kernel has not is refused, not misread."""
    with pytest.raises(CaptureError, match=f"names migratetype {number}, which this kernel has not"):
        kit.scene(types=(number,) * 8).play(engine, [], [])


@pytest.mark.parametrize(
    ("blocks", "flags", "message"),
    [
        ([(8, 3, 1), (9, 0, 1)], None, "two free blocks of zone 0:Normal hold frame 9"),
        ([(9, 3, 1)], None, "begins at no multiple of its size"),
        ([], b"12345", "has 5 bytes, not a multiple of 8"),
    ],
)
def test_damaged_state_is_named(kit: Any, blocks: Blocks, flags: bytes | None, message: str) -> None:
    """Blocks that overlap or lie askew, and half a word of flags, are damage."""
    with pytest.raises(CaptureError, match=message):
        kit.scene().play("impl", blocks, [], flags=flags)


def test_isolation_without_an_end_proves_nothing(kit: Any) -> None:
    """A block of which it is not told whether it was taken leaves the verdict open."""
    blocks = [(0, 8, 1)]
    assert kit.scene().event(ISOFREE, kit.vmemmap, 8).play("impl", blocks, blocks).verdict == "unknown"


def test_pages_since_the_flags_were_read_are_known(kit: Any) -> None:
    """What was handed out and given back between the flags and the pause of START is movable, or not."""
    made = kit.scene()
    made.before_start = [(0, MARK, ("SNAP start begin",)), (0, FREE, (100, 0)), (0, ALLOC, (200, 0, 8, 1))]
    path = made.write(made.zones([]), made.zones([]), flags=lru((100, 102)))
    stream = exact_stream(open_capture(path))
    for _ in stream.steps():
        pass
    assert stream.movable_in(0, 0, 512) == ([101, 200], {200})


def test_frames_that_compaction_took_are_in_doubt_until_it_ends(kit: Any) -> None:
    """They may be free, or hold pages that were moved there; those that do not come back do."""
    made = kit.scene().event(ISOFREE, kit.vmemmap + 64 * 4, 2).event(ISORET, 4)
    stream = exact_stream(open_capture(made.write(made.zones([(4, 2, 1)]), made.zones([]))))
    for _ in stream.steps():
        pass
    assert stream.movable_in(0, 0, 512) == ([4, 5, 6, 7], {4, 5, 6, 7})
    stream.compacted(1)
    assert stream.movable_in(0, 0, 512) == ([4, 5, 6, 7], set())


def test_share_of_cma_is_told_beyond_what_cpus_keep_back(kit: Any) -> None:
    """Whether most free frames are CMA's is known only where the counters cannot say otherwise."""
    made = kit.scene(types=(4,) * 8)
    stream = exact_stream(open_capture(made.write(made.zones([(0, 10, 4)]), made.zones([]))))
    share = CmaShare(stream, (0, 1, 2, 3, 4), 1)
    assert share.mostly(0) == (True,)
    share.add(0, 900, False)
    assert share.mostly(0) == (True, False)
    share.add(0, 1000, False)
    assert share.mostly(0) == (False,)
