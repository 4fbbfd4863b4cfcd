"""Frames to pages and back, a whole array in one call, beside the same in C.

Both write the same array in turns in one run, and must write the same. What counts is CPU time, of the quickest turn of each, as
for ``replay``.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmimpl import engine
from mmimpl.physical.memory_model import MemoryModel, batch
from mmprops.bench.programs import Numbers
from mmprops.bench.replay import OURS, suffix
from mmprops.bench.row import Effort, Finding, Row
from mmprops.bench.yardstick import ANCHOR, library
from mmspec.errors import MmspecError
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import pages_per_section
from mmspec.physical.memory_model.ops import FLATMEM, Config

SOURCE = files("mmprops.bench") / "frames.c"

TARGET = 1.3
"""The ratio to C that Numba is to keep. The interpreter has none."""

LAYOUTS = ("x86_64", "x86_64 without VMEMMAP", "x86_32")
"""One map of all frames; a map for each section; one array of 32-bit words."""

SECTIONS = 512
"""64 GiB in sections of 128 MiB."""

MOST, INTERPRETED = 1 << 19, 20_000
"""Frames at most: what a call itself costs does not show, and the arrays stay in an outer cache. The interpreter gets fewer."""


class Work(NamedTuple):
    """One of the kernels of ``batch`` and its arguments: the arrays, the number of that which is written, and the numbers."""

    kernel: Callable[..., None]
    arrays: list[NDArray[Any]]
    out: int
    numbers: tuple[int, ...]


Side = Callable[[Work], None]
"""Carries out such work."""


def measure(effort: Effort) -> Iterator[Finding]:
    """Time both directions on each layout."""
    fast = engine.uses_numba()
    count = min(4 * effort.operations, MOST if fast else INTERPRETED)
    with yardstick() as c:
        for name in LAYOUTS:
            for what, work in zip(("frames to pages", "pages to frames"), works(name, count), strict=True):
                cost = compared({ANCHOR: c, OURS: implementation}, work, effort.turns)
                yield Row(f"{what} {name}{suffix()}", "ns/frame", cost[OURS], {ANCHOR: cost[ANCHOR]}, TARGET, decided=fast)


# --- what is worked out ----------------------------------------------------------------------------------------------


class Watched(MemoryModel):
    """A memory map that tells what it ran."""

    def run(self, kernel: Callable[..., None], arrays: list[NDArray[Any]], *numbers: int) -> None:
        """Run it, and keep it."""
        super().run(kernel, arrays, *numbers)
        self.ran = Work(kernel, arrays, 2 if kernel is batch.frames_by_section else 1, numbers)


def works(name: str, count: int) -> tuple[Work, Work]:
    """Return what turns so many frames of a layout into pages, any frames in any order, and what turns these back."""
    layout = ARCHITECTURES[name]
    frames = layout.max_mapnr if layout.model == FLATMEM else SECTIONS * pages_per_section(layout)
    memmap = Watched(Config(layout, ((layout.first_pfn, layout.first_pfn + frames, 0),)))
    pfns = layout.first_pfn + np.random.default_rng(count).integers(frames, size=count)
    pages = memmap.pages(pfns)
    there = memmap.ran
    memmap.frames(pages, pfns >> memmap.numbers.section_shift if memmap.numbers.classic else None)
    return there, memmap.ran


# --- the contest -----------------------------------------------------------------------------------------------------


@contextmanager
def yardstick(source: str | None = None) -> Iterator[Side]:
    """Compile the yardstick, or another source, for the time of a block (MmspecError: gcc refuses it)."""
    with library(SOURCE.read_text(encoding="utf-8") if source is None else source) as compiled:

        def side(work: Work) -> None:
            pointers = [ctypes.c_void_p(array.ctypes.data) for array in work.arrays]
            words = [ctypes.c_int64(number) for number in (work.arrays[0].size, *work.numbers)]
            compiled[work.kernel.__name__](*pointers, *words)

        yield side


def implementation(work: Work) -> None:
    """Do what ``MemoryModel.run`` does on this process's engine."""
    length = work.arrays[0].size
    if engine.uses_numba():
        engine.compiled(work.kernel)(*work.arrays, length, *work.numbers)
    else:
        work.kernel(*(array.data for array in work.arrays), length, *work.numbers)


def run(side: Side, work: Work) -> tuple[float, Numbers]:
    """Return the seconds of CPU time that work takes, and what it writes."""
    work.arrays[work.out].fill(-1)
    began = time.process_time()
    side(work)
    return time.process_time() - began, work.arrays[work.out].copy()


def both(sides: Mapping[str, Side], work: Work, turn: int = 0) -> dict[str, float]:
    """Return the seconds of each, every other turn in reverse (MmspecError: where what they write differs first)."""
    outcomes = {name: run(sides[name], work) for name in sorted(sides, reverse=turn % 2 == 1)}
    left, right = outcomes[OURS][1], outcomes[ANCHOR][1]
    if not np.array_equal(left, right):
        at = np.flatnonzero(left != right)[0]
        raise MmspecError(f"nothing to compare: cell {at} is {left[at]} by {OURS} and {right[at]} by the yardstick")
    return {name: seconds for name, (seconds, _) in outcomes.items()}


def compared(sides: Mapping[str, Side], work: Work, turns: int) -> dict[str, float]:
    """Return the nanoseconds of a frame on each side: of the quickest turn."""
    both(sides, work)  # translates our kernel, outside of what is timed
    took: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns):
        for name, seconds in both(sides, work, turn).items():
            took[name].append(seconds)
    return {name: min(seconds) / work.arrays[0].size * 1e9 for name, seconds in took.items()}
