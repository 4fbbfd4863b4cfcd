"""The yardstick is held to a target itself: beside the kernel's allocator, or by the clock where that is not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmprops.bench import yardstick as bench
from mmprops.bench.programs import program
from mmprops.bench.row import Effort, Left, Row
from mmprops.clients import kernel_buddy
from mmspec.errors import MmspecError

SMALL = Effort(largest=16, operations=1000, turns=1)

pytestmark = pytest.mark.needs_gcc


@pytest.mark.parametrize(("largest", "decided"), [(16, False), (24, True)])
def test_without_the_kernels_source_nanoseconds_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, largest: int, decided: bool
) -> None:
    """At 2^20 pages, for which they are set; the row says so, and what is missing is said too."""
    monkeypatch.setenv("MMSPEC_KERNEL_SOURCE", str(tmp_path / "nothing"))
    left, row = bench.measure(Effort(largest=largest, operations=1000, turns=1))
    assert isinstance(left, Left)
    assert "linux-source-6.12" in left.needs
    assert isinstance(row, Row)
    assert (row.name, row.anchors, row.target) == (f"yardstick 2^{min(largest, 20)} random", {"required": 60.0}, 1.0)
    assert row.met is ((row.ours <= 60.0) if decided else None)


@pytest.mark.needs_kernel_source
def test_beside_the_kernels_allocator() -> None:
    """Both carry the program out as a whole, and leave as many pages free."""
    (row,) = bench.measure(SMALL)
    assert isinstance(row, Row)
    assert (list(row.anchors), row.target) == (["drivers/gpu/buddy.c"], 1.25)
    assert min(row.ours, *row.anchors.values()) > 0


def test_allocators_that_end_elsewhere_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them did something else."""
    monkeypatch.setattr(kernel_buddy, "missing", lambda: None)
    monkeypatch.setattr(bench, "kernel_library", object)
    monkeypatch.setattr(bench, "time_kernel", lambda *_: (1.0, 7))
    with pytest.raises(MmspecError, match=r"nothing to compare: .* pages are free by the yardstick, and 7 by"):
        list(bench.measure(SMALL))


def test_a_program_that_is_refused_in_part_is_not_timed() -> None:
    """It would not be the same work on both."""
    what = program(1 << 16, "random", 1000)
    rows = what.filling.copy()
    rows[0, 1] = 11
    with bench.yardstick() as c, pytest.raises(MmspecError, match="the yardstick refused"):
        bench.time_yardstick(c, 1 << 16, what._replace(filling=rows))


@pytest.mark.needs_kernel_source
def test_the_kernels_allocator_refuses_aloud() -> None:
    """What it was asked for and did not do is counted."""
    what = program(1 << 16, "random", 1000)
    rows = what.filling.copy()
    rows[0, 1] = 17
    with pytest.raises(MmspecError, match=r"drivers/gpu/buddy\.c refused"):
        bench.time_kernel(bench.kernel_library(), 1 << 16, what._replace(filling=rows))
