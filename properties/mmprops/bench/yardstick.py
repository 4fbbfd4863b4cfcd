"""The yardstick in C, and what it is measured by itself: the kernel's ``drivers/gpu/buddy.c`` where its source is installed.

``library`` compiles those of the other subjects, too.

``yardstick.c`` has the arrays, cell types and rules of ``mmimpl.physical.buddy``, so that the same memory can be compared bit for
bit. A yardstick that is slow for no reason would flatter us: it must keep up with an allocator that other people wrote.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import numpy as np

from mmimpl.physical.buddy import Buddy
from mmimpl.physical.buddy.memory import Arrays
from mmprops.bench.programs import MAX_ORDER, Numbers, Program, after_filling, program
from mmprops.bench.row import Effort, Finding, Left, Row
from mmprops.clients import kernel_buddy
from mmspec.errors import MmspecError
from mmspec.physical.buddy.ops import Config

SOURCE = files("mmprops.bench") / "yardstick.c"
KERNEL_REPLAY = files("mmprops.bench") / "kernel_replay.c"

ANCHOR = "C -O2"
KERNEL = "drivers/gpu/buddy.c"
LARGEST = 20
"""Log2 of the pages for which the yardstick's own targets are set."""

BESIDE_KERNEL, NANOSECONDS = 1.25, 60.0

Replay = Callable[[Arrays, Numbers, Numbers], None]
"""Carries out a flat program (see ``mmimpl.physical.buddy.batch``) on a zone at PFN 0 and writes down its results."""


def missing() -> str | None:
    """Return what the yardstick lacks here."""
    return None if shutil.which("gcc") else "gcc"


# --- building ----------------------------------------------------------------------------------------------------------


class CZone(ctypes.Structure):
    """The yardstick's ``struct zone``."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in Arrays._fields[:5]),
        *((name, ctypes.c_int64) for name in Arrays._fields[5:10]),
    )


@contextmanager
def library(text: str) -> Iterator[ctypes.CDLL]:
    """Compile a yardstick's source for the time of a block (MmspecError: gcc refuses it)."""
    with tempfile.TemporaryDirectory(prefix="mmspec-") as folder:
        made = Path(folder) / "yardstick.so"
        options = ["-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        command = ["gcc", *options, "-o", str(made), "-xc", "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it says nothing"]
            raise MmspecError(f"gcc refuses the yardstick: {next((line for line in said if 'error' in line), said[0])}")
        yield ctypes.CDLL(str(made))


@contextmanager
def yardstick(source: str | None = None) -> Iterator[Replay]:
    """Compile the yardstick of the buddy allocator, or another source, for the time of a block (MmspecError: gcc refuses it)."""
    with library(SOURCE.read_text(encoding="utf-8") if source is None else source) as compiled:
        function = compiled.replay
        function.argtypes = [ctypes.POINTER(CZone), ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        function.restype = None

        def replay(zone: Arrays, rows: Numbers, results: Numbers) -> None:
            view = CZone(*(array.ctypes.data for array in zone[:5]), *zone[5:10])
            function(ctypes.byref(view), 0, rows.ctypes.data, results.ctypes.data, results.size)

        yield replay


def kernel_library() -> ctypes.CDLL:
    """Return the kernel's allocator as a library, built where its client is (ClientError: it does not build)."""
    where = kernel_buddy.source()
    assert where is not None
    folder = kernel_buddy.unpacked(where, kernel_buddy.cache())
    library = ctypes.CDLL(str(kernel_buddy.built(folder, KERNEL_REPLAY.read_text(encoding="utf-8"))))
    library.begin.argtypes = [ctypes.c_int64, ctypes.c_int64]
    library.carry_out.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    library.carry_out.restype = library.end.restype = ctypes.c_int64
    return library


# --- measuring ---------------------------------------------------------------------------------------------------------


def measure(effort: Effort) -> Iterator[Finding]:
    """Time the yardstick on its own memory, beside the kernel's allocator if that can be built."""
    size = min(LARGEST, effort.largest)
    what = program(1 << size, "random", effort.operations)
    lacking = kernel_buddy.missing()
    took: dict[str, list[float]] = {ANCHOR: [], KERNEL: []}
    kernel = kernel_library() if lacking is None else None
    with yardstick() as replay:
        for _ in range(effort.turns):
            seconds, free = time_yardstick(replay, 1 << size, what)
            took[ANCHOR].append(seconds)
            if kernel is not None:
                seconds, theirs = time_kernel(kernel, 1 << size, what)
                took[KERNEL].append(seconds)
                if free != theirs:
                    raise MmspecError(f"nothing to compare: {free} pages are free by the yardstick, and {theirs} by {KERNEL}")
    ours, *beside = (min(seconds) / effort.operations * 1e9 for seconds in took.values() if seconds)
    name, unit = f"yardstick 2^{size} random", "ns/operation"
    if beside:
        yield Row(name, unit, ours, {KERNEL: beside[0]}, BESIDE_KERNEL)
    else:
        yield Left(f"yardstick beside {KERNEL}", f"{lacking}: measured by {NANOSECONDS:g} ns at 2^{LARGEST} pages instead")
        yield Row(name, unit, ours, {"required": NANOSECONDS}, 1.0, decided=size == LARGEST)


def time_yardstick(replay: Replay, pages: int, what: Program) -> tuple[float, int]:
    """Return the seconds of CPU time of a program's traffic, and how many pages it leaves free (MmspecError: a refusal)."""
    zone = Buddy(Config(0, pages, MAX_ORDER)).arrays
    blocks = np.full(len(what.filling), -1)
    replay(zone, np.ascontiguousarray(what.filling).reshape(-1), blocks)
    rows = np.ascontiguousarray(after_filling(what, blocks)).reshape(-1)
    results = np.full(len(what.traffic), -1)  # np.zeros would leave the page faults to the time that is measured
    began = time.process_time()
    replay(zone, rows, results)
    seconds = time.process_time() - began
    demand_none_refused("the yardstick", int((blocks < 0).sum() + (results < 0).sum()))
    return seconds, int(zone.frames.sum())


def time_kernel(library: ctypes.CDLL, pages: int, what: Program) -> tuple[float, int]:
    """Return the same of the kernel's allocator (MmspecError: a refusal, or no memory)."""
    filling, traffic = (np.ascontiguousarray(rows) for rows in what)
    if library.begin(pages, len(filling) + len(traffic)):
        raise MmspecError(f"{KERNEL} has no memory for {pages} pages")
    refused = library.carry_out(filling.ctypes.data, len(filling))
    began = time.process_time()
    refused += library.carry_out(traffic.ctypes.data, len(traffic))
    seconds = time.process_time() - began
    free = library.end()
    demand_none_refused(KERNEL, refused)
    return seconds, free


def demand_none_refused(side: str, refused: int) -> None:
    """Raise MmspecError where a program was not carried out as a whole: the two would not have done the same."""
    if refused:
        raise MmspecError(f"nothing to compare: {side} refused {refused} operations")
