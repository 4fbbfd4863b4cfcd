"""Dumps of page tables, walked by the specification and held against what the machine itself answered.

The formats are those of ``reference/kernel-captures.md``: ``meta.json`` names the registers and the tables, ``tables.bin`` holds
the tables one behind another; ``qemu_info_tlb.csv`` lists leaves with their flags, ``truth*.csv`` what addresses translate to. A
dump may come from anywhere: what is missing or contradicts itself is a ``CaptureError``.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import attrs

from mmprops.traces.archive import Capture, CaptureError
from mmprops.traces.registers import Half, arm_half, riscv_halves, x86_halves
from mmspec.pmap import PMap, pmap
from mmspec.virtual.page_table import core
from mmspec.virtual.page_table.ops import (
    AARCH64,
    ARCHITECTURES,
    MODES,
    NO_FAULT,
    READ,
    WRITE,
    X86_64,
    Access,
    Entry,
    Kind,
    Pa,
    Va,
)  # fmt: skip
from mmspec.virtual.page_table.state import Tables, initial
from mmspec.virtual.page_table.walk import Walk

TABLES_LIMIT = 2**29
"""Most bytes of tables that are read."""

SHOWN = 8
"""How many differences are told."""


class Dumped(Mapping[Pa, Entry]):
    """The memory that a dump holds: reading where it has no table is an error of the dump, never a 0.

    What a walk marks is kept beside it.
    """

    def __init__(self, where: str, words: Mapping[Pa, Entry], marked: PMap[Pa, Entry] | None = None) -> None:
        self.where, self.words = where, words
        self.marked: PMap[Pa, Entry] = pmap() if marked is None else marked

    def __getitem__(self, key: Pa) -> Entry:
        if key in self.marked:
            return self.marked[key]
        try:
            return self.words[key]
        except KeyError:
            problem = f"the tables point to one at {key & ~0xFFF:#x}, which is not in the dump"
            raise CaptureError(self.where, problem, "dump every table that is reachable from the root") from None

    def get(self, key: Pa, default: Any = None, /) -> Any:
        return self[key]

    def set(self, key: Pa, value: Entry, /) -> Dumped:
        return Dumped(self.where, self.words, self.marked.set(key, value))

    def delete(self, key: Pa, /) -> Dumped:
        raise NotImplementedError("a walk deletes nothing")

    def __iter__(self) -> Iterator[Pa]:
        return iter(self.words)

    def __len__(self) -> int:
        return len(self.words)


@attrs.frozen
class Dump:
    """The tables of one address space: the lower and the upper half's root, and what is in memory."""

    arch: int
    halves: tuple[Half, Half]
    memory: Dumped
    meta: Mapping[str, Any]

    @property
    def names(self) -> dict[str, str]:
        """The architecture and the mode, as the protocol writes them."""
        return {"arch": ARCHITECTURES[self.arch], "mode": MODES[self.halves[0].config.mode]}

    def half(self, va: Va) -> int:
        """Return which half an address selects."""
        return va >> 55 & 1 if self.arch == AARCH64 else va >> 63

    def tables(self, half: int, **changes: Any) -> Tables:
        """Return the law's state for a half, some control bits changed."""
        tables = initial(self.halves[half].config)
        regime = attrs.evolve(tables.regime, **changes)
        return attrs.evolve(tables, memory=self.memory, regime=regime)


# --- reading ---------------------------------------------------------------------------------------------------------------


def read_dump(capture: Capture) -> Dump:
    """Return the tables of a capture (CaptureError: what is missing, damaged or contradicts itself)."""
    where = f"{capture.path} meta.json"
    try:
        meta = json.loads(capture.text("meta.json"))
    except (ValueError, RecursionError) as error:
        raise CaptureError(where, f"is not JSON ({error})") from None
    if not isinstance(meta, dict):
        raise CaptureError(where, "is no JSON object")
    name = meta.get("arch", "x86_64" if "cr3" in meta else None)
    if name not in ARCHITECTURES:
        raise CaptureError(where, f"arch is {name!r}", f"one of {', '.join(ARCHITECTURES)}")
    arch = ARCHITECTURES.index(name)
    if arch == X86_64:
        halves = x86_halves(capture, meta)
    elif arch == AARCH64:
        halves = arm_half(capture, meta, 0), arm_half(capture, meta, 1)
    else:
        halves = riscv_halves(capture, meta)
    return Dump(arch, halves, Dumped(str(capture.path), read_words(capture, meta)), meta)


def read_words(capture: Capture, meta: Mapping[str, Any]) -> dict[Pa, Entry]:
    """Return each word of each table by its address."""
    where = f"{capture.path} meta.json"
    addresses = meta.get("table_pa")
    if not isinstance(addresses, list) or not addresses:
        raise CaptureError(where, "table_pa lists no tables", 'write it as ["0x...", ...]')
    try:
        starts = [int(address, 16) for address in addresses]
    except (TypeError, ValueError):
        raise CaptureError(where, "table_pa holds what is no address", 'write it as ["0x...", ...]') from None
    sizes = meta.get("table_bytes", [4096] * len(starts))
    if not isinstance(sizes, list) or len(sizes) != len(starts) or not all(type(size) is int and size > 0 for size in sizes):
        raise CaptureError(where, f"table_bytes does not give the size of each of {len(starts)} tables", "one number a table")
    if any(place % 8 for place in [*starts, *sizes]) or sum(sizes) > TABLES_LIMIT:
        raise CaptureError(where, "a table's address or size is no multiple of 8, or there are too many", "dump whole tables")
    for (start, size), (after, _) in pairwise(sorted(zip(starts, sizes, strict=True))):
        if start + size > after:
            raise CaptureError(where, f"the table at {after:#x} is listed twice, or overlaps another", "list each table once")
    data = capture.read("tables.bin")
    if len(data) != sum(sizes):
        raise CaptureError(
            f"{capture.path} tables.bin", f"has {len(data)} bytes, the tables of meta.json {sum(sizes)}", "dump the tables again"
        )
    words = array("Q", data)
    if words.itemsize != 8 or array("H", b"\1\0")[0] != 1:
        words = array("Q", (int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)))
    found: dict[Pa, Entry] = {}
    at = 0
    for start, size in zip(starts, sizes, strict=True):
        found.update(zip(range(start, start + size, 8), words[at // 8 : (at + size) // 8], strict=True))
        at += size
    return found


# --- what the machine answered -----------------------------------------------------------------------------------------------


@attrs.frozen
class Query:
    """One question that the machine answered: an address, who asks, and the answer; ``as_asked`` are control bits then."""

    where: str
    va: Va
    kind: Kind
    user: bool
    as_asked: Mapping[str, bool]
    pa: Pa | None  # None: it faulted
    code: int | None = None  # the status code of the fault, where it is known
    page: bool = False  # whether the answer is the page's address alone


MONITOR = {
    X86_64: {"smap": False, "pke": False},
    AARCH64: {"ha": True, "pan": False},
}
"""QEMU's monitor asks no protection of supervisor pages on x86-64, and never the access flag."""

SUPERVISOR_OF_RISCV = {"sum": True, "adue": True}
USER_OF_RISCV = {"adue": True}

AT = {"par_s1e1r": (READ, False), "par_s1e1w": (WRITE, False), "par_s1e0r": (READ, True), "par_s1e0w": (WRITE, True)}
"""The columns of truth_at.csv: what ``AT`` was asked for."""


def rows_of(capture: Capture, member: str, header: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table, each with its line (CaptureError: it has other columns)."""
    lines = capture.text(member).splitlines()
    if not lines or tuple(lines[0].split(",")[: len(header)]) != header:
        raise CaptureError(f"{capture.path} {member}", f"does not begin with {','.join(header)}", "dump it again")
    columns = lines[0].count(",")
    for line, text in enumerate(lines[1:], start=2):
        if text.count(",") != columns:
            raise CaptureError(f"{capture.path} {member}:{line}", f"is no row of {columns + 1} columns")
        yield line, text.split(",")


def hexadecimal(capture: Capture, member: str, line: int, text: str) -> int:
    """Return a number of a table (CaptureError: it is none)."""
    try:
        value = int(text, 16)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 64:
        raise CaptureError(f"{capture.path} {member}:{line}", f"{text[:40]!r} is no 64-bit number", "write it as 0x...")
    return value


def queries(capture: Capture, dump: Dump) -> Iterator[Query]:
    """Yield everything that the machine was asked."""
    for member, user in (("truth.csv", False), ("truth_user.csv", True)):
        if not capture.has(member):
            continue
        changes = MONITOR.get(dump.arch, USER_OF_RISCV if user else SUPERVISOR_OF_RISCV)
        for line, (asked, pa, *_) in rows_of(capture, member, ("va", "pa")):
            address = hexadecimal(capture, member, line, asked)
            answer = hexadecimal(capture, member, line, pa) if pa else None
            yield Query(f"{member}:{line}", address, READ, user, changes, answer)
    if capture.has("truth_at.csv"):
        for line, cells in rows_of(capture, "truth_at.csv", ("va", *AT)):
            va, *answers = (hexadecimal(capture, "truth_at.csv", line, cell) for cell in cells[: len(AT) + 1])
            for par, (kind, user) in zip(answers, AT.values(), strict=True):
                failed = par & 1
                code, frame = (par >> 1 & 63, None) if failed else (None, par & ((1 << 52) - 1) & ~0xFFF)
                yield Query(f"truth_at.csv:{line}", va, kind, user, {"pan": False}, frame, code, page=True)


# --- comparing ---------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Comparison:
    """What came of a dump: how much was listed and asked, how much the specification gives alike, and the first differences."""

    leaves: int
    leaves_equal: int
    counted: int  # leaves that the specification reaches
    expected: int | None  # how many the dump says there are
    queries: int
    queries_equal: int
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


PERMISSIVE: dict[int, dict[str, Any]] = {
    X86_64: {"smap": False, "pke": False},
    AARCH64: {"ha": True, "pan": False, "epd": False},
    2: {"sum": True, "mxr": True, "adue": True},
}
"""Control bits under which a supervisor's load reaches every leaf."""


def leaves(dump: Dump) -> Iterator[tuple[Va, Walk]]:
    """Yield every leaf that the tables reach, by ascending address.

    Where the walk ends, at a leaf or in vain, the whole of that entry's span is passed over.
    """
    for half in (0, 1):
        tables = dump.tables(half, **PERMISSIVE[dump.arch])
        bits = dump.halves[half].config.va_bits - (0 if dump.arch == AARCH64 else 1)
        va = (1 << 64) - (1 << bits) if half else 0
        end = va + (1 << bits)
        while va < end:
            walk = core.walk_of(tables, Access(dump.halves[half].root, va, READ, False))
            if walk.fault == NO_FAULT:
                yield va, walk
            va += 1 << core.span_bits(tables, walk.level)


FLAGS = (("X", 63), ("G", 8), ("P", 7), ("D", 6), ("A", 5), ("C", 4), ("T", 3), ("U", 2), ("W", 1))
"""The flags of QEMU's ``info tlb``, each with its bit of the leaf."""


def flags_of(entry: Entry) -> str:
    """Return a leaf's flags as QEMU prints them."""
    return "".join(letter if entry >> bit & 1 else "-" for letter, bit in FLAGS)


def compare(capture: Capture, dump: Dump) -> Comparison:
    """Walk a dump and hold the specification's answers against the machine's."""
    differences: list[str] = []
    found = dict(leaves(dump))
    listed = listed_equal = 0
    if capture.has("qemu_info_tlb.csv"):
        extra = dict.fromkeys(found)
        for line, (va, pa, flags, *_) in rows_of(capture, "qemu_info_tlb.csv", ("va", "pa", "flags")):
            listed += 1
            address = hexadecimal(capture, "qemu_info_tlb.csv", line, va)
            theirs = hexadecimal(capture, "qemu_info_tlb.csv", line, pa), flags
            extra.pop(address, None)
            ours = (found[address].pa, flags_of(found[address].entry)) if address in found else None
            listed_equal += ours == theirs
            if ours != theirs:
                differences.append(f"leaf {address:#x}: QEMU has {theirs[0]:#x} {flags}, the specification {shown(ours)}")
        differences += [f"leaf {va:#x}: the specification has {found[va].pa:#x}, QEMU none" for va in extra]
    expected = dump.meta.get("leaves") if isinstance(dump.meta.get("leaves"), int) else None
    if expected is not None and expected != len(found):
        differences.append(f"the dump says that there are {expected} leaves, the specification reaches {len(found)}")
    asked = equal = 0
    states: dict[tuple[int, tuple[tuple[str, bool], ...]], Tables] = {}
    for query in queries(capture, dump):
        asked += 1
        half = dump.half(query.va)
        key = half, tuple(query.as_asked.items())
        if key not in states:
            states[key] = dump.tables(half, **query.as_asked)
        walk = core.walk_of(states[key], Access(dump.halves[half].root, query.va, query.kind, query.user))
        if answers(query, walk):
            equal += 1
        else:
            differences.append(f"{query.where}: {query.va:#x}: {answer_of(query)}, the specification {told(walk)}")
    return Comparison(listed, listed_equal, len(found), expected, asked, equal, tuple(differences))


def answers(query: Query, walk: Walk) -> bool:
    """Tell whether a walk gives what the machine answered."""
    if walk.fault != NO_FAULT:
        return query.pa is None and query.code in (None, walk.code)
    return query.pa == (walk.pa & ~0xFFF if query.page else walk.pa)


def shown(leaf: tuple[Pa, str] | None) -> str:
    """Return a leaf as text."""
    return "none" if leaf is None else f"{leaf[0]:#x} {leaf[1]}"


def answer_of(query: Query) -> str:
    """Return what the machine answered as text."""
    if query.pa is not None:
        return f"the machine has {query.pa:#x}"
    return "the machine faults" if query.code is None else f"the machine faults with status {query.code:#x}"


def told(walk: Walk) -> str:
    """Return what a walk comes to as text."""
    if walk.fault == NO_FAULT:
        return f"has {walk.pa:#x}"
    return f"faults at level {walk.level} with code {walk.code:#x} ({walk.why.id}: {walk.why.sentence})"


# --- one address ---------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Step:
    """One entry that a walk reads; the last, without an address, is what it comes to."""

    level: int
    pa: Pa
    entry: Entry
    text: str = ""


class Watched(Dumped):
    """The same memory, which writes down what is read of it."""

    def __init__(self, dump: Dumped) -> None:
        super().__init__(dump.where, dump.words)
        self.read: list[Pa] = []

    def get(self, key: Pa, default: Any = None, /) -> Any:
        self.read.append(key)
        return self[key]


def steps(dump: Dump, va: Va, kind: Kind, user: bool) -> list[Step]:
    """Return the entries that an address's walk reads, from the root on, and what it comes to."""
    half, memory = dump.half(va), Watched(dump.memory)
    tables = attrs.evolve(dump.tables(half), memory=memory)
    found = core.walk_of(tables, Access(dump.halves[half].root, va, kind, user))
    down = 1 if dump.arch == AARCH64 else -1
    first = core.root_level(tables)
    read = memory.read if found.fault != NO_FAULT else memory.read[: len(found.used)]  # marking reads the entries again
    taken = [Step(first + down * i, at, dump.memory.words[at]) for i, at in enumerate(read)]
    return [*taken, Step(found.level, 0, 0, told(found))]
