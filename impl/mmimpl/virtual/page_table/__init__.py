"""The page-table walk over flat arrays: one access, or a whole batch, at a time.

``memory`` holds physical memory and says what a walk is told and tells; ``x86_64``, ``aarch64`` and ``riscv64`` have one kernel
each, ``batch`` the ones that walk many times, ``single`` a short way of the interpreter's for one access.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from mmimpl.virtual.page_table import aarch64, batch, riscv64, single, x86_64
from mmimpl.virtual.page_table.memory import CELLS, COUNT, DIRTY, FAULT, FIRST, PA, SIZE, Store, signed
from mmspec.errors import InputError
from mmspec.virtual.page_table.ops import (
    AARCH64,
    ARCHITECTURES,
    DEFAULTS,
    DONE,
    EINVAL,
    MODES,
    NO_FAULT,
    X86_64,
    Access,
    Config,
    Done,
    Error,
    Fault,
    Flush,
    Reached,
    Read,
    Value,
    Write,
)  # fmt: skip

LAYOUTS = {"la48": 48, "la57": 57, "4k": 12, "16k": 14, "64k": 16, "sv39": 39, "sv48": 48, "sv57": 57}
"""What a mode fixes: the width of addresses, or on AArch64 the granule's."""


def regime_of(config: Config) -> tuple[list[int], int]:
    """Return the cells of a configuration's regime, and what a root is aligned to (InputError: there is no such regime)."""
    name, mode = ARCHITECTURES[config.arch], MODES[config.mode]
    controls: dict[str, Any] = DEFAULTS[config.arch] | {
        control: value for control, value in attrs.asdict(config.controls).items() if value is not None
    }
    layout = LAYOUTS[mode]
    family = "la" if config.arch == X86_64 else "sv"
    if config.arch != AARCH64:
        if not mode.startswith(family) or config.va_bits != layout:
            raise InputError(f"{name} has no {mode} with {config.va_bits}-bit addresses", hint="see mmspec describe page_table")
        make = x86_64.regime if config.arch == X86_64 else riscv64.regime
        return make(config.va_bits, config.phys_bits, controls), 4096
    if mode[-1] != "k" or not 25 <= config.va_bits <= 52:
        raise InputError(f"{name} has no {mode} with {config.va_bits}-bit addresses", hint="see mmspec describe page_table")
    if config.controls.ds is None:
        controls["ds"] = layout < 16 and (config.va_bits > 48 or config.phys_bits > 48)
    cells = aarch64.regime(layout, config.va_bits, config.phys_bits, controls)
    entries = config.va_bits - ((layout - 3) * (4 - cells[aarch64.START]) + 3)
    return cells, max(64, 8 << entries)


class PageTable:
    """Memory and the walker of one configuration; ``kernel`` decides nothing."""

    __slots__ = ("_cells", "_out", "_short", "_walk", "_ways", "arch", "phys_bits", "regime", "root_size", "store")

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        cells, self.root_size = regime_of(config)
        self.arch, self.phys_bits, self.store = config.arch, config.phys_bits, Store()
        self.regime: NDArray[np.int64] = np.array([int(cell) for cell in cells], np.int64)
        self._cells = self.regime.data
        self._out = np.zeros(CELLS, np.int64).data
        self._walk, self._short = batch.WALKS[config.arch], single.WALKS[config.arch]
        self._ways = single.ways(config.arch, self.regime.tolist())

    def apply(self, request: Any) -> Any:
        """Carry out one request of ``ops`` and return its result, a refusal included (TypeError: it is no request)."""
        if isinstance(request, Access):
            return self._answer_access(request)
        if isinstance(request, Write):
            return self._answer_write(request)
        if isinstance(request, Read):
            return Value(self.store.read(request.pa)) if self._is_word(request.pa) else EINVAL
        if isinstance(request, Flush):
            return DONE
        raise TypeError(f"{request!r} is not a request to page tables: use the records of mmspec.virtual.page_table.ops")

    def walk_all(self, requests: NDArray[np.int64]) -> NDArray[np.int64]:
        """Carry out a batch of accesses on the engine of this process (see ``batch``)."""
        return batch.walk_all(self.arch, self.store, self.regime, requests)

    def words(self) -> list[tuple[int, int]]:
        """Return every word that is not 0, with its address, ascending."""
        return self.store.items()

    def _is_word(self, pa: int) -> bool:
        return pa & 7 == 0 and pa >> self.phys_bits == 0

    def _answer_write(self, request: Write) -> Done | Error:
        if not self._is_word(request.pa):
            return EINVAL
        self.store.write(request.pa, request.value)
        return DONE

    def _answer_access(self, request: Access) -> Reached | Error:
        if request.root % self.root_size or request.root >> self.phys_bits:
            return EINVAL
        way = self._ways[2 * request.kind + request.user]
        if way is not None:
            reached = self._short(self.store.pages, way, request.root, request.va)
            if reached is not None:
                return reached
        out = self._out
        self._walk(self.store.memory, self._cells, request.root, signed(request.va), request.kind, int(request.user), out)
        if out[FAULT] & 255 != NO_FAULT:
            level = (out[FAULT] >> 8) & 255
            return Reached(fault=Fault(out[FAULT] & 255, level - (level >> 7 << 8), out[FAULT] >> 16))
        accessed = tuple(out[FIRST : FIRST + out[COUNT]])
        return Reached(out[PA], out[SIZE], accessed, (out[DIRTY],) if out[DIRTY] >= 0 else ())
