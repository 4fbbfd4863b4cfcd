"""Captures of real kernels: the packaged one always, the large ones where they are."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from mmprops.traces import blocks
from mmprops.traces.archive import open_capture, packaged_capture
from mmprops.traces.blocks import BlockStream, Step
from mmprops.traces.checks import CHECKS, snapshot_checks
from mmprops.traces.formats import ExtFrag, events
from mmprops.traces.replay import FreeBlocks, Replay, replay


def played(path: Path) -> Replay:
    """Replay a capture with the plain model."""
    stream = BlockStream(open_capture(path))
    return replay(stream, FreeBlocks(stream))


def test_packaged_capture_replays() -> None:
    """From START to MID all 19,590 allocations and every list of the packaged capture agree."""
    found = played(packaged_capture())
    assert (found.verdict, found.contradictions, found.first_contradiction) == ("pass", 0, None)
    assert (found.allocations, len(found.comparisons), found.lists_equal) == (19_590, 22, 22)
    assert (found.lost, found.bypassed, found.adopted, found.missing_events) == (0, 0, 0, ())


def test_packaged_snapshots_agree() -> None:
    """Every check of both packaged snapshots passes."""
    rows = snapshot_checks(open_capture(packaged_capture()))
    assert [row for row in rows if row.verdict != "pass"] == []
    assert [(row.tag, row.check) for row in rows] == [(tag, check) for tag in ("START", "MID") for check in CHECKS]


class Forgetful(FreeBlocks):
    """A model that leaves out one step."""

    def __init__(self, stream: BlockStream, forget: int) -> None:
        super().__init__(stream)
        self.left = forget

    def apply(self, step: Step) -> str | None:
        self.left -= 1
        return None if self.left == 0 else super().apply(step)


@pytest.mark.parametrize("forget", [1, 10_000])
def test_one_step_left_out_is_seen(forget: int) -> None:
    """A model that misses a single one of 29,591 steps does not pass."""
    stream = BlockStream(open_capture(packaged_capture()))
    assert replay(stream, Forgetful(stream, forget)).verdict == "fail"


@pytest.mark.by_turns(2)
@pytest.mark.needs_captures
@pytest.mark.parametrize(("name", "count", "allocations"), [("A-6.12", 1_885_732, 213_915), ("C-6.1", 1_890_971, 275_590)])
def test_captures_replay(captures: Path, name: str, count: int, allocations: int) -> None:
    """From START to MID and END every event is decoded and every list agrees, with nothing unseen."""
    found = played(captures / f"{name}-512M-1n1c")
    assert (found.verdict, found.contradictions, found.first_contradiction) == ("pass", 0, None)
    assert (found.events, found.lost, found.allocations) == (count, 0, allocations)
    assert (len(found.comparisons), found.lists_equal, found.bypassed, found.adopted) == (44, 44, 0, 0)


@pytest.mark.by_turns(2)
@pytest.mark.needs_captures
@pytest.mark.parametrize("name", ["A-6.12", "C-6.1"])
def test_captures_snapshots_agree(captures: Path, name: str) -> None:
    """Every check of the three snapshots passes."""
    rows = snapshot_checks(open_capture(captures / f"{name}-512M-1n1c"))
    assert [row for row in rows if row.verdict != "pass"] == []
    assert len(rows) == 3 * len(CHECKS)


@pytest.mark.needs_captures
@pytest.mark.nightly
def test_every_rule_is_needed(captures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by the rule of the other kernel, the fallbacks of both captures contradict their lists."""
    monkeypatch.setattr(blocks, "_REMOVES_SINCE", (7, 0))
    assert played(captures / "A-6.12-512M-1n1c").verdict == "fail"
    monkeypatch.setattr(blocks, "_REMOVES_SINCE", (6, 0))
    assert played(captures / "C-6.1-512M-1n1c").verdict == "fail"


@pytest.mark.needs_captures
def test_type_information_gives_the_size_of_struct_page(captures: Path) -> None:
    """The size that the packaged capture carries is that of the kernel's own type information."""
    found = [blocks.struct_page_size(open_capture(path)) for path in (captures / "A-6.12-512M-1n1c", packaged_capture())]
    assert found == [64, 64]


@pytest.mark.needs_captures
def test_fallbacks_of_capture_a(captures: Path) -> None:
    """The fallbacks of capture A are read by its own format file."""
    found = [event for event in events(open_capture(captures / "A-6.12-512M-1n1c"), (ExtFrag,)) if isinstance(event, ExtFrag)]
    assert len(found) == 7
    assert attrs.astuple(found[-1])[4:] == (62976, 9, 9, 1, 0, 1)
