"""Events to steps, and steps against the lists of a pause, on captures written for the purpose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mmprops.traces.archive import CaptureError, open_capture
from mmprops.traces.blocks import BlockStream, Pause, Resume, Step
from mmprops.traces.replay import FreeBlocks, Replay, replay

Zone = dict[str, Any]
ALLOC, FREE, LOCKED = "kmem/mm_page_alloc", "kmem/mm_page_free", "kmem/mm_page_alloc_zone_locked"
DRAIN, EXTFRAG, ISOFREE, ISORET = "kmem/mm_page_pcpu_drain", "kmem/mm_page_alloc_extfrag", "kprobes/isofree", "kprobes/isoret"
MARK = "ftrace/print"


def zone(*blocks: tuple[int, int, int], name: str = "Normal", start: int = 0, spanned: int = 2048, node: int = 0) -> Zone:
    """A zone whose free blocks are given as (pfn, order, type)."""
    return {"node": node, "zone": name, "start_pfn": start, "spanned": spanned, "blocks": blocks}


class Scene:
    """A capture with one CPU or several: START, some events, END."""

    def __init__(self, kit: Any, start: Sequence[Zone], end: Sequence[Zone], version: str = "6.12.1") -> None:
        self.kit = kit
        self.state = kit.state({"START": kit.lists("START", start), "END": kit.lists("END", end)}, version)
        self.cpus: dict[int, list[Any]] = {0: []}
        self.time = 0

    def event(self, path: str, *values: Any, cpu: int = 0) -> Scene:
        """Add an event at the next tick."""
        self.time += 1
        self.cpus.setdefault(cpu, []).append(self.kit.raw(self.time, path, values))
        return self

    def mark(self, line: str) -> Scene:
        """Add a marker."""
        return self.event(MARK, line)

    def open(self) -> BlockStream:
        """Write the capture and open it."""
        path: Path = self.kit.write({cpu: self.kit.pages(raw) for cpu, raw in self.cpus.items()}, self.state)
        return BlockStream(open_capture(path))

    def play(self) -> Replay:
        """Replay with the plain model."""
        stream = self.open()
        return replay(stream, FreeBlocks(stream))

    def steps(self) -> list[tuple[str, int, int, str]]:
        """The steps alone: kind, pfn, order, reason."""
        return [(s.kind, s.pfn, s.order, s.reason) for s in self.open().steps() if isinstance(s, Step)]


def scene(
    kit: Any, start: Sequence[Zone], end: Sequence[Zone], events: Sequence[tuple[Any, ...]], version: str = "6.12.1"
) -> Scene:
    """START, the events, END, each pause closed by a marker."""
    made = Scene(kit, start, end, version).mark("SPIN START").mark("go")
    for path, *values in events:
        made.event(path, *values)
    return made.mark("SPIN END").mark("done")


def test_allocation_from_the_free_list(kit: Any) -> None:
    """A zone_locked event removes its block and leaves the rest of the larger one."""
    made = scene(kit, [zone((0, 3, 0))], [zone((1, 0, 0), (2, 1, 0), (4, 2, 0))], [(LOCKED, 0, 0, 0, 1)])
    assert made.steps() == [("alloc", 0, 0, LOCKED)]
    assert made.play().verdict == "pass"


def test_wrong_lists_fail(kit: Any) -> None:
    """The same events against other lists fail, and the comparison says which blocks differ."""
    played = scene(kit, [zone((0, 3, 0))], [zone((0, 0, 0), (2, 1, 0), (4, 2, 0))], [(LOCKED, 0, 0, 0, 1)]).play()
    unequal = [one for one in played.comparisons if not one.equal]
    assert played.verdict == "fail"
    assert [(one.zone, one.order, one.only_model, one.only_ram) for one in unequal] == [("0:Normal", 0, (1,), (0,))]


def test_every_order_of_every_zone_is_compared(kit: Any) -> None:
    """A comparison is made for each order of each zone at each pause."""
    both = [zone((0, 3, 0)), zone(name="Movable", start=4096)]
    played = scene(kit, both, both, []).play()
    assert (len(played.comparisons), played.lists_equal) == (22, 22)


def test_drain_gives_back(kit: Any) -> None:
    """A page freed to a per-CPU list is free when it is drained, and merges with its buddies."""
    events = [(FREE, 1, 0), (DRAIN, 1, 0, 0)]
    made = scene(kit, [zone((0, 0, 0), (2, 1, 0))], [zone((0, 2, 0))], events)
    assert made.steps() == [("free", 1, 0, DRAIN)]
    assert made.play().verdict == "pass"


@pytest.mark.parametrize(("order", "direct"), [(0, False), (3, False), (4, True), (8, True), (9, False), (10, True)])
def test_orders_without_percpu_lists_are_freed_at_once(kit: Any, order: int, direct: bool) -> None:
    """Orders 0 to 3 and the huge page's go to a per-CPU list, the others to the buddy."""
    made = scene(kit, [zone()], [zone()], [(FREE, 1024, order)])
    assert made.steps() == ([("free", 1024, order, FREE)] if direct else [])


@pytest.mark.parametrize(
    ("version", "events", "steps"),
    [
        ("6.12.1", [(EXTFRAG, 0, 9, 9, 1, 0, 1)], [("alloc", 0, 9, EXTFRAG)]),
        ("6.12.1", [(LOCKED, 0, 0, 1, 1), (EXTFRAG, 0, 0, 5, 1, 0, 1)], [("alloc", 0, 0, LOCKED)]),
        ("6.12.1", [(LOCKED, 1, 0, 1, 1), (EXTFRAG, 0, 0, 5, 1, 0, 1)], [("alloc", 1, 0, LOCKED), ("alloc", 0, 0, EXTFRAG)]),
        ("6.1.9", [(EXTFRAG, 0, 9, 9, 1, 0, 1), (LOCKED, 0, 9, 1, 1)], [("alloc", 0, 9, LOCKED)]),
    ],
)
def test_fallback(kit: Any, version: str, events: Sequence[tuple[Any, ...]], steps: Sequence[tuple[Any, ...]]) -> None:
    """Since 6.10 extfrag removes its block unless a zone_locked just did; before, it removes nothing."""
    assert scene(kit, [zone((0, 10, 0))], [zone((0, 10, 0))], events, version).steps() == steps


def test_fallback_label_is_looked_for_on_its_own_cpu(kit: Any) -> None:
    """Another CPU's event between zone_locked and its extfrag does not part them."""
    made = Scene(kit, [zone((0, 10, 0))], [zone()]).mark("SPIN START").mark("go")
    made.event(LOCKED, 0, 0, 1, 1).event(LOCKED, 8, 0, 1, 1, cpu=1).event(EXTFRAG, 0, 0, 5, 1, 0, 1)
    assert made.steps() == [("alloc", 0, 0, LOCKED), ("alloc", 8, 0, LOCKED)]


def test_isolation_takes_and_refusal_does_not(kit: Any) -> None:
    """`__isolate_free_page` takes the block if it returns its size, and nothing if it returns 0."""
    page = kit.vmemmap + 64 * 8
    made = scene(kit, [zone((8, 2, 0))], [zone()], [(ISOFREE, page, 2), (ISORET, 0), (ISOFREE, page, 2), (ISORET, 4)])
    assert made.steps() == [("take", 8, 2, ISORET)]
    assert made.play().verdict == "pass"


def test_captured_block_is_taken_when_answered(kit: Any) -> None:
    """An allocation of frames that are still free was captured by compaction."""
    events = [(FREE, 16, 4), (ALLOC, 16, 4, 0, 1)]
    made = scene(kit, [zone()], [zone()], events)
    assert made.steps() == [("free", 16, 4, FREE), ("alloc", 16, 4, "captured")]
    assert made.play().verdict == "pass"


def test_unseen_free_is_found_at_the_next_allocation(kit: Any) -> None:
    """A page seen going to a per-CPU list and then allocated from the free list was freed past the per-CPU lists."""
    made = scene(kit, [zone()], [zone()], [(FREE, 5, 0), (LOCKED, 5, 0, 0, 1)])
    assert made.steps() == [("free", 5, 0, "bypassed"), ("alloc", 5, 0, LOCKED)]
    assert (made.play().bypassed, made.play().verdict) == (1, "unknown")


def test_unseen_free_is_found_at_a_pause(kit: Any) -> None:
    """Such a page that lies on a list in RAM is adopted and counted; one that was never freed is a difference."""
    played = scene(kit, [zone()], [zone((5, 0, 0))], [(FREE, 5, 0)]).play()
    assert (played.adopted, played.lists_equal, played.verdict) == (1, 11, "unknown")
    assert scene(kit, [zone()], [zone((5, 0, 0))], [(FREE, 4, 0)]).play().verdict == "fail"


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        ([(LOCKED, 8, 0, 0, 1)], "not all of it is free"),
        ([(DRAIN, 1, 0, 0)], "free already"),
        ([(FREE, 0, 4)], "free already"),
        ([(FREE, 1, 0)], "a frame of it is free"),
        ([(ALLOC, 0, 3, 0, 0)], "not all of it is free"),
    ],
)
def test_contradictions(kit: Any, events: Sequence[tuple[Any, ...]], wrong: str) -> None:
    """Frames allocated while not free, or freed while free, are contradictions that fail the replay."""
    played = scene(kit, [zone((0, 2, 0))], [zone((0, 2, 0))], events).play()
    assert played.contradictions == 1
    assert wrong in str(played.first_contradiction)
    assert played.verdict == "fail"


def test_zones_are_told_by_frame_and_do_not_merge(kit: Any) -> None:
    """Frames on both sides of a zone's edge inside a pageblock stay apart, and each step names its zone."""
    start = [zone(start=0, spanned=100), zone(start=100, spanned=400, node=1)]
    end = [zone((99, 0, 0), start=0, spanned=100), zone((100, 2, 0), start=100, spanned=400, node=1)]
    made = scene(kit, start, end, [(DRAIN, pfn, 0, 0) for pfn in (99, 100, 101, 102, 103)])
    assert [step.zone for step in made.open().steps() if isinstance(step, Step)] == [0, 1, 1, 1, 1]
    assert made.play().verdict == "pass"


def test_max_order_follows_the_lists(kit: Any) -> None:
    """Blocks merge up to the largest order that the lists have."""
    made = scene(kit, [zone()], [zone()], [(DRAIN, 0, 4, 0), (DRAIN, 16, 4, 0)])
    for tag, blocks in (("START", []), ("END", [(0, 4, 0), (16, 4, 0)])):
        made.state[f"lists.{tag}.json"] = kit.lists(tag, [zone(*blocks)], 4)
    assert made.play().verdict == "pass"


def test_events_of_the_start_before_the_pause(kit: Any) -> None:
    """Events after `SPIN START` that the lists already contain came before the pause and are left out."""
    made = Scene(kit, [zone((1, 0, 0), (8, 0, 0))], [zone((1, 0, 0))]).mark("SPIN START")
    made.event(LOCKED, 0, 0, 0, 1, cpu=1).event(DRAIN, 8, 0, 0, cpu=1).event(LOCKED, 8, 0, 0, 1, cpu=1).mark("go")
    assert made.mark("SPIN END").mark("done").steps() == [("alloc", 8, 0, LOCKED)]
    assert made.play().verdict == "pass"
    assert made.play().allocations == 1


@pytest.mark.parametrize("done", range(4))
def test_lists_hold_anywhere_inside_the_pause(kit: Any, done: int) -> None:
    """The machine was paused at some step between the marker and the next one; that step is found."""
    frames = (0, 4, 8)
    made = Scene(kit, [zone()], [zone(*((pfn, 0, 0) for pfn in frames[:done]))]).mark("SPIN START").mark("go").mark("SPIN END")
    for pfn in frames:
        made.event(DRAIN, pfn, 0, 0, cpu=1)
    played = made.mark("done").play()
    assert (played.verdict, played.steps) == ("pass", 3)


def test_step_of_the_pause_needs_as_little_excuse_as_possible(kit: Any) -> None:
    """Lists that a later step of the pause explains wholly are not explained by an unseen free before it."""
    made = Scene(kit, [zone()], [zone((5, 0, 0))]).mark("SPIN START").mark("go").event(FREE, 5, 0).mark("SPIN END")
    made.event(DRAIN, 5, 0, 0).event(LOCKED, 5, 0, 0, 1).event(FREE, 5, 0)
    played = made.mark("done").play()
    assert (played.verdict, played.adopted, played.contradictions) == ("pass", 0, 0)


def test_pause_at_the_end_of_the_trace(kit: Any) -> None:
    """A trace may end inside a pause."""
    made = Scene(kit, [zone((0, 0, 0))], [zone((0, 0, 0))]).mark("SPIN START").mark("go").mark("SPIN END")
    found = [(type(item), item.tag) for item in made.open().steps() if isinstance(item, Pause | Resume)]
    assert found == [(Pause, "END"), (Resume, "END")]
    assert made.play().verdict == "pass"


def test_no_start(kit: Any) -> None:
    """A trace without START has no initial state."""
    with pytest.raises(CaptureError, match="no marker 'SPIN START'"):
        Scene(kit, [zone()], [zone()]).mark("SPIN END").play()


def test_nothing_compared_is_unknown(kit: Any) -> None:
    """A replay that met no pause says nothing."""
    assert Scene(kit, [zone()], [zone()]).mark("SPIN START").mark("go").play().verdict == "unknown"


def test_missing_events_are_unknown(kit: Any) -> None:
    """Without the probe on isolation a replay says nothing, whatever the lists."""
    made = scene(kit, [zone()], [zone((0, 0, 0))], [])
    del made.state[f"format/{ISOFREE}"]
    assert made.play().missing_events == (ISOFREE,)
    assert made.play().verdict == "unknown"


def test_isolation_without_its_return_counts_as_lost(kit: Any) -> None:
    """An entry without a return, or a return without an entry, leaves open what was taken."""
    page = kit.vmemmap + 64 * 8
    made = scene(kit, [zone((8, 2, 0))], [zone()], [(ISOFREE, page, 2), (ISOFREE, page, 2), (ISORET, 4), (ISORET, 4)])
    assert (made.play().lost, made.play().verdict) == (2, "unknown")


@pytest.mark.parametrize(
    "events",
    [
        [(LOCKED, 5000, 0, 0, 1)],
        [(LOCKED, 1, 1, 0, 1)],
        [(FREE, 0, 11)],
        [(FREE, 0, 0xFFFFFFFF)],
        [(DRAIN, 2**63, 0, 0)],
        [(ISOFREE, 7, 2), (ISORET, 4)],
        [(ISOFREE, 0xFFFFEA0000000001, 2), (ISORET, 4)],
        [(ISOFREE, 0xFFFFEA0000000000, 2), (ISORET, 8)],
    ],
)
def test_impossible_blocks(kit: Any, events: Sequence[tuple[Any, ...]]) -> None:
    """A block that no zone can have is an error that names the event."""
    with pytest.raises(CaptureError, match=r"event [23]"):
        scene(kit, [zone((0, 10, 0))], [zone()], events).play()


def test_other_zones_at_the_end(kit: Any) -> None:
    """Lists whose zones are not those of START belong to another machine."""
    with pytest.raises(CaptureError, match="other zones"):
        scene(kit, [zone()], [zone(start=4096)], []).play()
