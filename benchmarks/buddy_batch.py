"""Times mmimpl's batch replay of the buddy allocator beside the same rules in C at -O2.

    python benchmarks/buddy_batch.py [--largest 24] [--json]

Both take turns on one memory in one run, after which results and memory must be equal bit for bit: two programs that do not do
the same are not compared. See benchmarks/README.md for what a row says.
"""

from __future__ import annotations

import ctypes
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmimpl import engine
from mmimpl.physical.buddy import Buddy, batch
from mmimpl.physical.buddy.memory import Arrays, zone_of
from mmspec.errors import InputError
from mmspec.physical.buddy.ops import RECLAIMABLE, Config

YARDSTICK = Path(__file__).with_name("buddy_yardstick.c")
ANCHOR = "C -O2"
OURS = "mmimpl"
UNIT = "ns/operation"
TARGET = 1.3
"""The ratio to C that Numba is to keep. The interpreter has none."""

PATTERNS = ("random", "LIFO")
"""Which live block is freed next: any, or the newest."""

MAX_ORDER = 10
MEAN_ORDER = 0.8
"""Orders are drawn from an exponential distribution, cut off at MAX_ORDER: most blocks are single pages."""

Numbers = NDArray[np.int64]
Memory = list[NDArray[Any]]
Replay = Callable[[Arrays, Numbers, Numbers], None]
"""Carries out a flat program (see ``mmimpl.physical.buddy.batch``) on a zone at PFN 0 and writes down its results."""


class Row(TypedDict):
    """One measurement: ``ours`` and ``anchors`` in ``unit``, their ``ratio``, and ``met``, which is None without Numba."""

    name: str
    unit: str
    ours: float
    anchors: dict[str, float]
    ratio: float
    target: float
    met: bool | None


class Outcome(NamedTuple):
    """What a run took, in seconds of CPU time, and what it left."""

    seconds: float
    results: Numbers
    memory: Memory


# --- the two that are compared ---------------------------------------------------------------------------------------


def memory_of(zone: Arrays) -> Memory:
    """Return the arrays of a zone, all that changes about it."""
    return [zone.page, zone.after, zone.before, zone.types, zone.frames]


class CZone(ctypes.Structure):
    """The yardstick's ``struct zone``."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in Arrays._fields[:5]),
        *((name, ctypes.c_int64) for name in Arrays._fields[5:10]),
    )


def yardstick(source: Path, folder: Path) -> Replay:
    """Compile the yardstick into a folder and return it (ClickException: there is no gcc, or it refuses)."""
    if shutil.which("gcc") is None:
        raise click.ClickException("the yardstick cannot be built: install gcc")
    library = folder / "yardstick.so"
    command = ["gcc", "-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"gcc refuses the yardstick {source.name}:\n{done.stderr}")
    function = ctypes.CDLL(str(library)).replay
    function.argtypes = [ctypes.POINTER(CZone), ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    function.restype = None

    def replay(zone: Arrays, program: Numbers, results: Numbers) -> None:
        view = CZone(*(array.ctypes.data for array in memory_of(zone)), *zone[5:10])
        function(ctypes.byref(view), 0, program.ctypes.data, results.ctypes.data, results.size)

    return replay


def implementation() -> Replay:
    """Return what ``Buddy.replay`` runs on this process's engine once it has checked the program."""
    if engine.uses_numba():
        compiled = engine.compiled(batch.replay)
        return lambda zone, program, results: compiled(zone, 0, program, results, results.size)
    return lambda zone, program, results: batch.replay(zone_of(zone), 0, program.data, results.data, results.size)


# --- programs --------------------------------------------------------------------------------------------------------


def allocations(rng: np.random.Generator, count: int) -> Numbers:
    """Return rows of allocations of random orders and mergeable types."""
    orders = np.minimum(MAX_ORDER, rng.exponential(MEAN_ORDER, count).astype(np.int64))
    types = rng.integers(RECLAIMABLE + 1, size=count)
    return np.stack([np.full(count, batch.ALLOC), orders | types << 8, np.zeros(count, np.int64)], axis=1)


def orders_of(rows: Numbers) -> Numbers:
    """Return the orders of a program's rows."""
    return rows[:, 1] & 255


def filling(rng: np.random.Generator, pages: int) -> Numbers:
    """Return the allocations that fill half of an empty zone."""
    rows = allocations(rng, pages // 2)
    needed = np.searchsorted(np.cumsum(1 << orders_of(rows)), pages // 2) + 1
    return rows[:needed]


def traffic(rng: np.random.Generator, pages: int, fill: Numbers, blocks: Numbers, count: int, pattern: str) -> Numbers:
    """Return allocations and frees that keep a zone about half full.

    ``blocks`` are the results of ``fill``: these blocks are freed by their PFNs, those of the program itself by reference. What
    frees a block that was refused is refused as well.
    """
    rows = allocations(rng, count)
    orders = np.concatenate([orders_of(fill), orders_of(rows)]).tolist()
    live = list(range(len(fill)))
    freed = np.full(count, -1)
    used = sum(1 << order for order in orders[: len(fill)])
    for i, (coin, pick) in enumerate(rng.random((count, 2)).tolist()):
        if not live or coin < (0.6 if used <= pages // 2 else 0.4):
            live.append(len(fill) + i)
            used += 1 << orders[live[-1]]
        else:
            if pattern == "random":
                at = int(pick * len(live))
                live[at], live[-1] = live[-1], live[at]
            freed[i] = live.pop()
            used -= 1 << orders[freed[i]]
    mine, old = freed >= len(fill), (freed >= 0) & (freed < len(fill))
    rows[mine, 0], rows[mine, 2] = batch.FREE | batch.REFERENCE, freed[mine] - len(fill)
    rows[old, 0], rows[old, 2] = batch.FREE, blocks[freed[old]]
    rows[freed >= 0, 1] = np.array(orders)[freed[freed >= 0]]
    return rows


# --- the contest -----------------------------------------------------------------------------------------------------


def run(replay: Replay, zone: Arrays, start: Memory, rows: Numbers) -> Outcome:
    """Carry out a program on a zone whose memory is set to ``start`` before."""
    for array, cells in zip(memory_of(zone), start, strict=True):
        np.copyto(array, cells)
    program = np.ascontiguousarray(rows).reshape(-1)
    results = np.full(len(rows), -1)  # np.zeros would leave the page faults to the time that is measured
    begin = time.process_time()
    replay(zone, program, results)
    return Outcome(time.process_time() - begin, results, [array.copy() for array in memory_of(zone)])


def demand_equal(ours: Outcome, theirs: Outcome) -> None:
    """Compare what two runs of one program left (ClickException: where it differs first)."""
    names = ("results", *Arrays._fields[:5])
    for name, left, right in zip(names, (ours.results, *ours.memory), (theirs.results, *theirs.memory), strict=True):
        if not np.array_equal(left, right):
            at = np.flatnonzero(left != right)[0]
            raise click.ClickException(
                f"nothing to compare: {name}[{at}] is {left[at]} by {OURS} and {right[at]} by the yardstick"
            )


def both(replays: Mapping[str, Replay], zone: Arrays, start: Memory, rows: Numbers, turn: int = 0) -> dict[str, Outcome]:
    """Run a program on each, every other turn in reverse, and compare what they leave."""
    names = sorted(replays, reverse=turn % 2 == 1)  # whoever runs second finds the program in the cache
    outcomes = {name: run(replays[name], zone, start, rows) for name in names}
    demand_equal(outcomes[OURS], outcomes[ANCHOR])
    return outcomes


def measure(replays: Mapping[str, Replay], pages: int, pattern: str, operations: int, repeats: int) -> Row:
    """Measure one size and pattern: medians over ``repeats`` turns of each."""
    rng = np.random.default_rng(pages)
    zone = Buddy(Config(0, pages, MAX_ORDER)).arrays
    empty = [array.copy() for array in memory_of(zone)]
    fill = filling(rng, pages)
    full = both(replays, zone, empty, fill)[OURS]  # also translates our kernel, outside of what is timed
    rows = traffic(rng, pages, fill, full.results, operations, pattern)
    turns = [both(replays, zone, full.memory, rows, turn) for turn in range(repeats)]
    took = {name: statistics.median(turn[name].seconds for turn in turns) / operations * 1e9 for name in replays}
    ratio = round(took[OURS] / took[ANCHOR], 3)
    fast = engine.uses_numba()
    return Row(
        name=f"buddy replay 2^{pages.bit_length() - 1} {pattern}{'' if fast else ', without Numba'}",
        unit=UNIT,
        ours=round(took[OURS], 2),
        anchors={ANCHOR: round(took[ANCHOR], 2)},
        ratio=ratio,
        target=TARGET,
        met=ratio <= TARGET if fast else None,
    )


# --- the command -----------------------------------------------------------------------------------------------------


def table(rows: list[Row]) -> Table:
    """Return the rows for people."""
    said = {True: "[green]yes", False: "[red]no", None: "[dim]no Numba"}
    sheet = Table("pages, frees", OURS, ANCHOR, "ratio", "target", "met", title=f"medians, {UNIT}")
    for row in rows:
        numbers = (f"{row['ours']:.1f}", f"{row['anchors'][ANCHOR]:.1f}", f"{row['ratio']:.2f}", f"{row['target']:.1f}")
        sheet.add_row(row["name"], *numbers, said[row["met"]])
    return sheet


@click.command()
@click.option("--smallest", type=click.IntRange(10, 26), default=10, show_default=True, help="Log2 of the fewest pages.")
@click.option("--largest", type=click.IntRange(10, 26), default=20, show_default=True, help="Log2 of the most pages.")
@click.option("--operations", type=click.IntRange(1), help="Operations a run [default: 1000000; 20000 without Numba].")
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Runs of each, of which the median counts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def main(smallest: int, largest: int, operations: int | None, repeats: int, as_json: bool) -> None:
    """Time mmimpl's batch replay beside C."""
    if smallest > largest:
        raise click.UsageError(f"--smallest {smallest} is above --largest {largest}: swap them")
    try:
        usual = 1_000_000 if engine.uses_numba() else 20_000
    except InputError as error:
        raise click.UsageError(f"{error.message}: {error.hint}") from error
    cases = [(size, pattern) for size in sorted({*range(smallest, largest, 2), largest}) for pattern in PATTERNS]
    with tempfile.TemporaryDirectory() as folder:
        replays = {ANCHOR: yardstick(YARDSTICK, Path(folder)), OURS: implementation()}
        watched = track(cases, "measuring", console=Console(stderr=True))
        rows = [measure(replays, 1 << size, pattern, operations or usual, repeats) for size, pattern in watched]
    if as_json:
        print(json.dumps({"rows": rows}))
    else:
        Console(highlight=False).print(table(rows))


if __name__ == "__main__":
    main()
