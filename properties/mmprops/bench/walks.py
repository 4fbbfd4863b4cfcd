"""The batch of page-table walks beside the same walk in C, on each architecture, over few and many pages.

Both take turns on one memory in one run, after which results and memory must be equal bit for bit. What counts is CPU time, of
the quickest turn of each, as for ``replay``.
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
from mmimpl.virtual.page_table import PageTable, batch
from mmimpl.virtual.page_table.memory import CELLS, Arrays, Memory
from mmprops.bench.programs import Numbers
from mmprops.bench.replay import OURS, suffix
from mmprops.bench.row import Effort, Finding, Row
from mmprops.bench.yardstick import ANCHOR, library
from mmspec.errors import MmspecError
from mmspec.virtual.page_table.ops import (
    AARCH64,
    ARCHITECTURES,
    FETCH,
    GRANULE_4K,
    LA48,
    READ,
    RISCV64,
    SV48,
    WRITE,
    X86_64,
    Config,
    Controls,
)  # fmt: skip

SOURCE = files("mmprops.bench") / "walk.c"

TARGET = 1.15
"""The ratio to C that Numba is to keep. The interpreter has none."""

FEWEST, MOST = 12, 20
"""Log2 of the pages: tables that fit an inner cache, and 8 MiB of them."""

INTERPRETED_OPERATIONS, INTERPRETED_MOST = 20_000, 14
"""The interpreter is a hundred times slower, and gets less to do."""

CONFIGS = {
    X86_64: Config(X86_64, LA48, 48, 46),
    AARCH64: Config(AARCH64, GRANULE_4K, 48, 48, Controls(ha=True, hd=True)),
    RISCV64: Config(RISCV64, SV48, 48, 56, Controls(adue=True)),
}
"""Four levels of 512 entries each; the processor marks what it uses."""

LEVELS, BASE = 4, 1 << 32
"""Levels of tables, and where the pages that are mapped begin."""

TABLES, FRAMES = 1 << 32, 1 << 40
"""Physical addresses: where tables lie, in any order, and what is mapped."""

Walks = Callable[[Arrays, Numbers, Numbers, Numbers], None]
"""Carries out a batch: memory, a regime, the requests and the results, all flat (see ``mmimpl.virtual.page_table.batch``)."""


class Space(NamedTuple):
    """Tables in memory, and what is asked of them."""

    tables: PageTable
    requests: Numbers


class Outcome(NamedTuple):
    """What a run took, in seconds of CPU time, and what it left."""

    seconds: float
    results: Numbers
    words: Numbers


def measure(effort: Effort) -> Iterator[Finding]:
    """Time both on each architecture, over few pages and over many."""
    fast = engine.uses_numba()
    most = min(effort.largest, MOST if fast else INTERPRETED_MOST)
    operations = effort.operations if fast else min(effort.operations, INTERPRETED_OPERATIONS)
    with yardstick() as c:
        for arch, name in enumerate(ARCHITECTURES):
            sides = {ANCHOR: c[arch], OURS: implementation(arch)}
            for size in sorted({min(FEWEST, most), most}):
                cost = compared(sides, space(arch, 1 << size, operations), effort.turns)
                title = f"page-table walks {name} 2^{size}{suffix()}"
                yield Row(title, "ns/operation", cost[OURS], {ANCHOR: cost[ANCHOR]}, TARGET, decided=fast)


# --- what is walked --------------------------------------------------------------------------------------------------


def space(arch: int, pages: int, operations: int) -> Space:
    """Return tables that map so many pages in a row, and accesses to any of them. Both are drawn from the size.

    Every eighth lowest table is a large page instead; of the other leaves one in sixteen is not there, one in four may not be
    written and one in two not be executed, one in eight was not accessed yet and one in four not written.
    """
    rng = np.random.default_rng(pages)
    tables = PageTable(CONFIGS[arch])
    count = pages >> 9
    places = TABLES + (rng.permutation(count + 3 + (count >> 9)) << 12)
    root, upper, lowest = int(places[0]), places[1 : 3 + (count >> 9)], places[3 + (count >> 9) :]
    entries = leaves(arch, rng, FRAMES + (np.arange(count << 9) << 12), large=False).reshape(-1, 512)
    pointers = np.array([pointer(arch, int(at)) for at in lowest])
    large = leaves(arch, rng, FRAMES + (np.arange(count) << 21), large=True)
    pointers[::8] = large[::8]
    for at, cells in zip(lowest.tolist(), entries, strict=True):
        put(tables, at, 0, cells)
    put(tables, root, 0, [pointer(arch, int(upper[0]))])
    for i, at in enumerate(upper[1:].tolist()):
        put(tables, int(upper[0]), (BASE >> 30) + i, [pointer(arch, at)])
        put(tables, at, 0, pointers[i << 9 : (i + 1) << 9])
    kinds = rng.choice([READ, WRITE, FETCH], operations, p=[0.625, 0.25, 0.125])
    addresses = BASE + rng.integers(pages << 12, size=operations)
    return Space(tables, np.stack([np.full(operations, root), addresses, kinds | 1 << 8], axis=1).reshape(-1))


def put(tables: PageTable, at: int, index: int, entries: Any) -> None:
    """Write entries of a table, from one on."""
    tables.store.write(at, 0)  # the chunk is there from now on
    np.asarray(tables.store.pages[at])[index : index + len(entries)] = entries


def pointer(arch: int, at: int) -> int:
    """Return the entry that leads to a table."""
    return {X86_64: at | 0x27, AARCH64: at | 3, RISCV64: at >> 2 | 1}[arch]


def leaves(arch: int, rng: np.random.Generator, frames: Numbers, *, large: bool) -> Numbers:
    """Return the leaves of frames, which users may read."""
    draws = {"present": 15 / 16, "write": 3 / 4, "execute": 1 / 2, "accessed": 7 / 8, "dirty": 3 / 4}
    there, write, execute, accessed, dirty = (rng.random(frames.size) < share for share in draws.values())
    if arch == X86_64:
        bits = there | write << 1 | 4 | accessed << 5 | dirty << 6 | large << 7 | ~execute * np.int64(-1 << 63)
    elif arch == AARCH64:  # DBM where it may be written; read-only until it is
        bits = there | (not large) << 1 | 1 << 6 | ~(write & dirty) << 7 | accessed << 10 | write << 51 | ~execute << 54
    else:
        return frames >> 2 | there | 2 | write << 2 | execute << 3 | 16 | accessed << 6 | dirty << 7
    return frames | bits


# --- the contest -----------------------------------------------------------------------------------------------------


class CMemory(ctypes.Structure):
    """The yardstick's ``struct memory``."""

    _fields_ = (*((name, ctypes.c_void_p) for name in Arrays._fields[:3]), ("slots", ctypes.c_int64))


@contextmanager
def yardstick(source: str | None = None) -> Iterator[Mapping[int, Walks]]:
    """Compile the yardstick, or another source, for the time of a block, by architecture (MmspecError: gcc refuses it)."""
    with library(SOURCE.read_text(encoding="utf-8") if source is None else source) as compiled:
        yield {arch: _in_c(compiled[name]) for arch, name in enumerate(ARCHITECTURES)}


def _in_c(function: Any) -> Walks:
    function.argtypes = [ctypes.POINTER(CMemory), *[ctypes.c_void_p] * 3, ctypes.c_int64]
    function.restype = None

    def walks(memory: Arrays, regime: Numbers, requests: Numbers, results: Numbers) -> None:
        view = CMemory(*(array.ctypes.data for array in memory[:3]), memory.slots)
        function(ctypes.byref(view), regime.ctypes.data, requests.ctypes.data, results.ctypes.data, requests.size // 3)

    return walks


def implementation(arch: int) -> Walks:
    """Return what ``PageTable.walk_all`` runs on this process's engine."""
    kernel: Any = batch.BATCHES[arch]
    out = np.zeros(CELLS, np.int64)
    if engine.uses_numba():
        run = engine.compiled(kernel)
        return lambda memory, regime, requests, results: run(memory, regime, requests, out, results, requests.size // 3)

    def interpreted(memory: Arrays, regime: Numbers, requests: Numbers, results: Numbers) -> None:
        views = Memory(memory.keys.data, memory.places.data, memory.words.data, memory.slots, memory.chunks)
        kernel(views, regime.data, requests.data, out.data, results.data, requests.size // 3)

    return interpreted


def run(walks: Walks, what: Space, start: Numbers) -> Outcome:
    """Carry out the accesses on memory whose words are set to ``start`` before."""
    memory = what.tables.store.arrays
    np.copyto(memory.words, start)
    results = np.full(what.requests.size // 3 * 4, -1)  # np.zeros would leave the page faults to the time that is measured
    began = time.process_time()
    walks(memory, what.tables.regime, what.requests, results)
    return Outcome(time.process_time() - began, results, memory.words.copy())


def both(sides: Mapping[str, Walks], what: Space, start: Numbers, turn: int = 0) -> dict[str, Outcome]:
    """Run on each side, every other turn in reverse, and compare what they leave (MmspecError: where it differs first)."""
    names = sorted(sides, reverse=turn % 2 == 1)  # whoever runs second finds the requests in the cache
    outcomes = {name: run(sides[name], what, start) for name in names}
    for part in ("results", "words"):
        left, right = (getattr(outcomes[name], part) for name in (OURS, ANCHOR))
        if not np.array_equal(left, right):
            at = np.flatnonzero(left != right)[0]
            raise MmspecError(f"nothing to compare: {part}[{at}] is {left[at]} by {OURS} and {right[at]} by the yardstick")
    return outcomes


def compared(sides: Mapping[str, Walks], what: Space, turns: int) -> dict[str, float]:
    """Return the nanoseconds of a walk on each side: of the quickest turn."""
    start: NDArray[np.int64] = what.tables.store.arrays.words.copy()
    both(sides, what, start)  # translates our kernel, outside of what is timed
    took: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns):
        for name, outcome in both(sides, what, start, turn).items():
            took[name].append(outcome.seconds)
    return {name: min(seconds) / (what.requests.size // 3) * 1e9 for name, seconds in took.items()}
