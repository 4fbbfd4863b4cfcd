"""Changes to page tables, made on the words in memory alone: nothing but the tables says what is mapped.

Which tables are taken is a bit each, how many entries of one are in use a number each; the rest is read from the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmimpl.virtual.page_map.formats import format_of
from mmimpl.virtual.page_table.memory import Store
from mmspec.virtual.page_map.ops import (
    ALL,
    EBUSY,
    EINVAL,
    ENOENT,
    ENOMEM,
    NONE,
    PAGE,
    Bytes,
    Changed,
    Collapse,
    Config,
    Error,
    Found,
    FreeTables,
    Look,
    Map,
    Protect,
    Seen,
    Split,
    TableBytes,
    Translate,
    Unmap,
)  # fmt: skip
from mmspec.virtual.page_table.ops import AARCH64, RISCV64, X86_64


class PageMap:
    """One half of an address space; ``kernel`` decides nothing."""

    __slots__ = ("charged", "config", "format", "live", "store", "taken", "turn")

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.config, self.format, self.store = config, format_of(config), Store()
        self.live = [0] * (config.pool + 1)  # by table, the root first
        self.taken = [True] + [False] * config.pool
        self.charged = 0
        self.turn: dict[type, Callable[[Any], Any]] = {
            Map: self.map, Unmap: self.unmap, Protect: self.protect, Split: self.split, Collapse: self.collapse,
            FreeTables: self.free_tables, Translate: self.translate, Look: self.look, TableBytes: self.table_bytes,
        }  # fmt: skip

    def apply(self, request: Any) -> Any:
        """Carry out one request of ``ops`` and return its result, a refusal included (KeyError: it is no request)."""
        return self.turn[type(request)](request)

    # --- finding -----------------------------------------------------------------------------------------------------------

    def _shift(self, height: int) -> int:
        return (self.format.bits - 3) * height + 3

    def _place(self, table: int, va: int, height: int) -> int:
        index = (va & self.format.inside) >> self._shift(height)
        return table + 8 * (index & (1 << (self.format.bits - 3)) - 1)

    def _points(self, height: int, entry: int) -> bool:
        return height > 1 and entry & self.format.kind == self.format.points

    def _find(self, va: int, height: int) -> tuple[int, int, int]:
        """Return the entry of a height, or the one above at which the tables end: its height, its place, its value."""
        here, at = self.format.top, self._place(self.config.base, va, self.format.top)
        entry = self.store.read(at)
        while here > height and self._points(here, entry):
            here -= 1
            at = self._place(self._address(entry), va, here)
            entry = self.store.read(at)
        return here, at, entry

    def _address(self, entry: int) -> int:
        return self.format.unpack(entry & self.format.field)

    def _inside(self, va: int) -> bool:
        return va >> self.format.half == ((1 << 64 - self.format.half) - 1 if self.config.upper else 0)

    def _is_page(self, va: int, height: int) -> bool:
        return self._inside(va) and height in self.format.sizes and va % (1 << self._shift(height)) == 0

    def _number(self, at: int) -> int:
        return at - self.config.base >> self.format.bits

    def _table(self, number: int) -> int:
        return self.config.base + (number << self.format.bits)

    # --- storing -----------------------------------------------------------------------------------------------------------

    def _put(self, at: int, entry: int) -> None:
        self.live[self._number(at)] += (entry != 0) - (self.store.read(at) != 0)
        self.store.write(at, entry)

    def _leaf(self, height: int, pa: int, prot: int) -> int:
        return self.format.leaves[prot] | (self.format.small if height == 1 else self.format.large) | self.format.pack(pa)

    def _prot(self, height: int, entry: int) -> int:
        beside = self.format.small if height == 1 else self.format.large
        flags = entry & ~self.format.field & ~beside if beside & self.format.field == 0 else entry & ~self.format.field
        return 3 - self.format.leaves[::-1].index(flags)

    def _take(self, at: int, height: int) -> int:
        number = self.taken.index(False)
        self.taken[number] = True
        self.charged += height <= 3
        self._put(at, self.format.table | self.format.pack(self._table(number)))
        return self._table(number)

    def _give_back(self, number: int, height: int) -> None:
        self.taken[number] = False
        self.charged -= height <= 3

    # --- the operations ------------------------------------------------------------------------------------------------------

    def map(self, request: Map) -> Changed | Error:
        """Map a page."""
        size = 1 << self._shift(request.height)
        frame, end = request.pa, self._table(self.config.pool + 1)
        if not self._is_page(request.va, request.height) or frame % size or frame + size > 1 << self.config.phys_bits:
            return EINVAL
        if frame < end and self.config.base < frame + size:
            return EINVAL
        height, at, entry = self._find(request.va, request.height)
        if entry:
            return EBUSY
        if height - request.height > self.taken.count(False):
            return ENOMEM
        tables = []
        while height > request.height:
            height -= 1
            tables.append(self._take(at, height))
            at = self._place(tables[-1], request.va, height)
        self._put(at, self._leaf(height, frame, request.prot))
        return Changed(PAGE if self.config.arch == RISCV64 else NONE, tables=tuple(tables))

    def _refusal(self, va: int, height: int) -> Error | None:
        if not self._is_page(va, height):
            return EINVAL
        here, _, entry = self._find(va, height)
        return ENOENT if here != height or entry == 0 or self._points(here, entry) else None

    def unmap(self, request: Unmap) -> Changed | Error:
        """Clear a leaf."""
        refusal = self._refusal(request.va, request.height)
        if refusal:
            return refusal
        self._put(self._find(request.va, request.height)[1], 0)
        return Changed(PAGE)

    def protect(self, request: Protect) -> Changed | Error:
        """Change the rights of a leaf, and nothing else of it."""
        refusal = self._refusal(request.va, request.height)
        if refusal:
            return refusal
        height, at, entry = self._find(request.va, request.height)
        changed = self._leaf(height, self._frame(height, entry), request.prot)
        self._put(at, changed)
        return Changed(NONE if self.config.arch == X86_64 and changed == entry else PAGE)

    def _frame(self, height: int, entry: int) -> int:
        return self._address(entry) >> self._shift(height) << self._shift(height)

    def split(self, request: Split) -> Changed | Error:
        """Replace a huge leaf by a table."""
        if request.height == 1:
            return EINVAL
        refusal = self._refusal(request.va, request.height)
        if refusal:
            return refusal
        if False not in self.taken:
            return ENOMEM
        height, at, entry = self._find(request.va, request.height)
        frame, prot, step = self._frame(height, entry), self._prot(height, entry), 1 << self._shift(height - 1)
        table = self._take(at, height - 1)
        for number in range(1 << (self.format.bits - 3)):
            self._put(table + 8 * number, self._leaf(height - 1, frame + number * step, prot))
        upper, arch = self.config.upper, self.config.arch
        everything = arch == X86_64 or (upper and arch == RISCV64)
        return Changed(ALL if everything else PAGE, False, not upper or arch == AARCH64, (table,))

    def collapse(self, request: Collapse) -> Changed | Error:
        """Replace a table of leaves that map one frame by a huge leaf."""
        height, at, entry = self._find(request.va, request.height)
        if request.height == 1 or not self._is_page(request.va, request.height) or not self._points(height, entry):
            return EINVAL
        table, first = self._address(entry), self.store.read(self._address(entry))
        below, step = height - 1, 1 << self._shift(height - 1)
        if first == 0 or self._points(below, first):
            return EINVAL
        frame, prot = self._frame(below, first), self._prot(below, first)
        if frame % (1 << self._shift(height)):
            return EINVAL
        places = range(1 << (self.format.bits - 3))
        if any(self.store.read(table + 8 * n) != self._leaf(below, frame + n * step, prot) for n in places):
            return EINVAL
        for number in places:
            self._put(table + 8 * number, 0)
        self._give_back(self._number(table), below)
        self._put(at, self._leaf(height, frame, prot))
        return Changed(ALL, True, True, (table,))

    def free_tables(self, request: FreeTables) -> Changed | Error:
        """Give back the empty tables on the way to an address."""
        if not self._inside(request.va):
            return EINVAL
        freed: list[int] = []
        height, at, _ = self._find(request.va, 1)
        while height < self.format.top and self.live[self._number(at)] == 0:
            table = self._table(self._number(at))
            at = self._find(request.va, height + 1)[1]
            self._put(at, 0)
            self._give_back(self._number(table), height)
            freed.append(table)
            height += 1
        if not freed:
            return Changed(NONE)
        return Changed(ALL if self.config.arch == RISCV64 else PAGE, True, tables=tuple(freed))

    def translate(self, request: Translate) -> Found | Error:
        """Walk to an address."""
        height, _, entry = self._find(request.va, 1)
        if not self._inside(request.va) or entry == 0:
            return ENOENT
        size = 1 << self._shift(height)
        granted = self.format.granted[self._prot(height, entry)]
        return Found(self._frame(height, entry) | request.va % size, size, granted)

    def look(self, request: Look) -> Seen | Error:
        """Look at an entry; folded levels have the root's."""
        height, at, entry = self._find(request.va, min(request.height, self.format.top))
        return ENOENT if not self._inside(request.va) or height > request.height else Seen(at, entry)

    def table_bytes(self, request: TableBytes) -> Bytes:
        """Return how many bytes of tables are charged."""
        return Bytes(self.charged << self.format.bits)

    def words(self) -> list[tuple[int, int]]:
        """Return every word that is not 0, with its address, ascending."""
        return self.store.items()
