"""Operations of the machine ``page_table``, made from bytes while looking at the law's memory.

A few tables lie at edges of the physical addresses; a few addresses select entries at the edges of tables. Where a walk ends for
want of an entry one is written, mostly a sound one; where it does not, one of those that it uses is changed in one bit. Tables
are shared, point to one another and to themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from mmprops.machines.virtual.page_table_entries import bits_of, leaf, pointer
from mmspec.virtual.page_table import aarch64, core
from mmspec.virtual.page_table.ops import (
    AARCH64,
    FETCH,
    NO_FAULT,
    READ,
    RISCV64,
    WRITE,
    X86_64,
    Access,
    Config,
    Flush,
    Level,
    Pa,
    Read,
    Va,
    Write,
)  # fmt: skip
from mmspec.virtual.page_table.state import Regime, Tables, initial, is_fresh
from mmspec.virtual.page_table.walk import Walk

Made = tuple[str, Any, Mapping[str, int]]
"""An operation's name, its request, and the steps that its fields refer to."""

TABLES = 6
ADDRESSES = 3
MASK = (1 << 64) - 1


class Watched:
    """Memory that a walk reads, and which of its words it read; what the walk marks is forgotten."""

    def __init__(self, memory: Any) -> None:
        self._memory, self.read = memory, []  # type: ignore[var-annotated]

    def get(self, key: Pa, default: Any) -> Any:
        """Read a word."""
        self.read.append(key)
        return self._memory.get(key, default)

    def set(self, key: Pa, value: int) -> Watched:
        """Forget what is written."""
        return self


class Generator:
    """Makes operations from records of eight bytes."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.capabilities = capabilities
        tables = initial(config)
        self.phys_bits = config.phys_bits
        self.end = min(1 << config.phys_bits, int(capabilities["max_pa"], 16) + 1)
        self.pool = self.table_pool(tables, header)
        self.frames = self.frame_pool(header)
        self.addresses = [self.address(tables, header[n] | header[n + 5] << 8, n + header[4]) for n in range(ADDRESSES)]
        usual = [self.access] * 12 + [self.extend] * 20 + [self.change] * (1 + header[11] % 4)
        rare = [self.read, self.flush, self.poke]
        if any(capabilities[f"checked_{name}"] for name in ("write", "read", "access")):
            rare.append(self.misuse)
        self.actions = [*usual, *rare]

    # --- where things lie ------------------------------------------------------------------------------------------------

    def table_pool(self, tables: Tables, header: bytes) -> list[Pa]:
        """Return where tables lie: the first is the root; at the beginning and the end of memory, and between."""
        regime = tables.regime
        bits = 12 if regime.arch != AARCH64 else regime.granule
        self.table_bits = bits
        last = (self.end - 1) >> bits << bits
        middle = (self.end >> 1) >> bits << bits
        near = [1 << 20, 0, last, (1 << 20) + (2 << bits), middle, (1 << 20) + (3 << bits)]
        pool = [min(start >> bits << bits, last) for start in near]
        turn = header[12] % 3
        return pool[turn:] + pool[:turn]

    def frame_pool(self, header: bytes) -> list[Pa]:
        """Return what pages map: memory, tables, the edges of what an address can say."""
        top = (1 << self.phys_bits) - 1
        return [0x7000_0000 & (self.end - 1), self.pool[header[13] % TABLES], 0, top, 1 << 30, self.end - 1, 3 << 21]

    def address(self, tables: Tables, seed: int, number: int) -> Va:
        """Return an address whose indices are at the edges of tables; every second is in the upper half."""
        regime, va = tables.regime, 0
        level = core.root_level(tables)
        for depth in range(5):
            here = level + depth if regime.arch == AARCH64 else level - depth
            if (regime.arch == AARCH64 and here > 3) or here < -1:
                break
            shift = core.span_bits(tables, here)
            if shift < self.table_bits:
                break
            last = (1 << (self.table_bits - 3)) - 1
            va |= (0, 1, last, last >> 1, 2, 0, 1, last - 1)[seed >> (3 * depth) & 7] << shift
        va &= (1 << regime.va_bits - (0 if regime.arch == AARCH64 else 1)) - 1
        if number & 1:
            va |= MASK & ~((1 << regime.va_bits) - 1)
            va |= 0 if regime.arch == AARCH64 else 1 << regime.va_bits - 1
        elif regime.arch == AARCH64 and regime.va_bits > 55:
            va &= (1 << 55) - 1
        return va | (0, 8, 0xABC, 0xFFF)[seed >> 14 & 3]

    def chosen(self, record: bytes) -> Va:
        """Return one of the addresses, or one near it."""
        va = self.addresses[record[1] % ADDRESSES]
        if record[2] >= 232:
            va ^= 1 << record[3] % 64
        elif record[2] >= 208:
            va += (-4096, 4096, 1, -1, 1 << 21, 1 << 16)[record[3] % 6]
        return va & MASK

    def root(self, record: bytes) -> Pa:
        """Return the root, mostly the same one."""
        return self.pool[record[7] % TABLES if record[7] >= 240 else 0]

    # --- operations --------------------------------------------------------------------------------------------------------

    def request(self, record: bytes, tables: Tables) -> Made | None:
        """Return the operation that a record stands for in this state."""
        if not any(record):
            return None
        return self.actions[record[0] % len(self.actions)](record, tables)

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Nothing needs to be remembered: the law's memory shows all."""

    def access(self, record: bytes, tables: Tables) -> Made:
        """Use an address; flush first what a cache may hold otherwise."""
        va = self.chosen(record)
        if not self.capabilities["uncached"] and not is_fresh(tables, va):
            return ("flush", Flush(), {})
        kind = (READ, WRITE, FETCH)[record[4] % 3]
        return "access", Access(self.root(record), va, kind, bool(record[5] & 1)), {}

    def descend(self, record: bytes, tables: Tables) -> tuple[Walk, list[Pa]]:
        """Walk, and return what it came to and the entries that it read."""
        memory: Any = Watched(tables.memory)
        regime = tables.regime
        if regime.arch == AARCH64:  # a half that is closed has tables all the same
            regime = attrs.evolve(regime, epd=False)
        seen = attrs.evolve(tables, memory=memory, regime=regime)
        return core.walk_of(seen, Access(self.root(record), self.chosen(record), READ, False)), memory.read

    def extend(self, record: bytes, tables: Tables) -> Made:
        """Write an entry where a walk ends for want of one; else change one that it uses."""
        walk, read = self.descend(record, tables)
        if not read:
            return self.poke(record, tables)
        at = read[min(len(read) - 1, len(walk.used))]
        regime = tables.regime
        if walk.fault == NO_FAULT or at in walk.used:
            return self.access(record, tables) if record[4] & 12 else self.change(record, tables)
        if tables.memory.get(at, 0) & 1 and record[4] & 12 == 0:
            return self.change(record, tables)
        if at >= self.end:
            return self.poke(record, tables)
        last = 3 if regime.arch == AARCH64 else 0 if regime.arch == RISCV64 else 1
        large = record[4] % 3 == 0 if self.has_leaves(regime, walk.level) else record[4] == 1
        if walk.level != last and not large:
            return self.write(at, pointer(regime, self.pool[record[6] % TABLES], record[5], record[3]))
        return self.write(at, leaf(regime, walk.level, self.frame(record, walk.level, tables), record[5], record[3]))

    def has_leaves(self, regime: Regime, level: Level) -> bool:
        """Tell whether a level has pages."""
        if regime.arch == AARCH64:
            return level == 3 or aarch64.has_blocks(regime, level)
        return level <= 3 if regime.arch == X86_64 else True

    def frame(self, record: bytes, level: Level, tables: Tables) -> Pa:
        """Return what a leaf maps."""
        return self.frames[record[6] % len(self.frames)] + (record[6] << 12) & (1 << self.phys_bits) - 1

    def change(self, record: bytes, tables: Tables) -> Made:
        """Flip one bit of one of the entries that a walk reads."""
        _, read = self.descend(record, tables)
        if not read:
            return self.poke(record, tables)
        at = read[record[4] % len(read)]
        bits = bits_of(tables.regime)
        bit = record[6] % 64 if record[5] >= 224 else bits[record[6] % len(bits)]
        if at >= self.end:
            return self.poke(record, tables)
        return self.write(at, tables.memory.get(at, 0) ^ 1 << bit)

    def poke(self, record: bytes, tables: Tables) -> Made:
        """Write a whole entry anywhere in a table, sound or not: a pointer, a leaf, or nothing."""
        index = int.from_bytes(record[4:6], "little") % (1 << (self.table_bits - 3))
        at = self.pool[record[2] % TABLES] + 8 * index
        value = int.from_bytes(record, "little") if record[3] & 1 else 0
        return self.write(min(at, self.end - 8) & ~7, value)

    def write(self, at: Pa, value: int) -> Made:
        """Write a word."""
        return "write", Write(at, value & MASK), {}

    def read(self, record: bytes, tables: Tables) -> Made:
        """Read an entry that a walk has used, or one beside it."""
        _, read = self.descend(record, tables)
        at = read[record[4] % len(read)] if read else self.pool[0]
        at = at ^ 8 if record[5] >= 192 else at
        return "read", Read(min(at, self.end - 8) & ~7), {}

    def flush(self, record: bytes, tables: Tables) -> Made:
        """Flush everything, or an address."""
        return "flush", Flush(self.chosen(record) if record[4] & 1 else None), {}

    def misuse(self, record: bytes, tables: Tables) -> Made:
        """Ask for what is no word of memory, or for a root that is none."""
        wrong = (self.pool[0] + 1 + record[2] % 7, 1 << self.phys_bits, (1 << self.phys_bits) + 8)[record[3] % 3]
        wrong &= (1 << 56) - 1
        names = [name for name in ("write", "read", "access") if self.capabilities[f"checked_{name}"]]
        name = names[record[4] % len(names)]
        if name == "access":
            bits = aarch64.root_bits(tables.regime) if tables.regime.arch == AARCH64 else 12
            root = self.pool[0] + (1 << bits - 1) if record[3] & 1 else wrong
            return name, Access(root, self.chosen(record), READ, False), {}
        return (name, Write(wrong, 1), {}) if name == "write" else (name, Read(wrong), {})
