"""Many walks in one call, on the engine of this process.

A request is three cells: the root, the address, and ``kind | user << 8``. A result is four: the kind of fault (or ``NO_FAULT``)
with the level's low byte from bit 8 on and the code from bit 16 on; the byte's address; the page's size; and how many entries it
marked with, from bit 8 on, whether it made the leaf dirty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmimpl import engine
from mmimpl.engine import Cells, helper, kernel
from mmimpl.virtual.page_table import aarch64, riscv64, x86_64
from mmimpl.virtual.page_table.memory import CELLS, COUNT, DIRTY, FAULT, PA, SIZE, Memory, Store
from mmspec.virtual.page_table.ops import AARCH64, RISCV64, X86_64


@helper
def note(results: Cells, i: int, out: Cells) -> None:
    """Write down one result."""
    results[4 * i] = out[FAULT]
    results[4 * i + 1] = out[PA]
    results[4 * i + 2] = out[SIZE]
    results[4 * i + 3] = out[COUNT] | (256 if out[DIRTY] >= 0 else 0)


@kernel
def x86_64_batch(memory: Memory, regime: Cells, requests: Cells, out: Cells, results: Cells, length: int) -> None:
    """Walk many times on x86-64."""
    for i in range(length):
        what = requests[3 * i + 2]
        x86_64_walk(memory, regime, requests[3 * i], requests[3 * i + 1], what & 255, what >> 8, out)
        note(results, i, out)


@kernel
def aarch64_batch(memory: Memory, regime: Cells, requests: Cells, out: Cells, results: Cells, length: int) -> None:
    """Walk many times on AArch64."""
    for i in range(length):
        what = requests[3 * i + 2]
        aarch64_walk(memory, regime, requests[3 * i], requests[3 * i + 1], what & 255, what >> 8, out)
        note(results, i, out)


@kernel
def riscv64_batch(memory: Memory, regime: Cells, requests: Cells, out: Cells, results: Cells, length: int) -> None:
    """Walk many times on RISC-V."""
    for i in range(length):
        what = requests[3 * i + 2]
        riscv64_walk(memory, regime, requests[3 * i], requests[3 * i + 1], what & 255, what >> 8, out)
        note(results, i, out)


x86_64_walk, aarch64_walk, riscv64_walk = x86_64.walk, aarch64.walk, riscv64.walk

WALKS: dict[int, Callable[..., None]] = {X86_64: x86_64.walk, AARCH64: aarch64.walk, RISCV64: riscv64.walk}
BATCHES: dict[int, Callable[..., None]] = {X86_64: x86_64_batch, AARCH64: aarch64_batch, RISCV64: riscv64_batch}


def walk_all(arch: int, store: Store, regime: NDArray[np.int64], requests: NDArray[np.int64]) -> NDArray[np.int64]:
    """Carry out requests of shape (n, 3) in order and return their results, of shape (n, 4)."""
    flat = np.ascontiguousarray(requests, np.int64).reshape(-1)
    results, out = np.zeros(flat.size // 3 * 4, np.int64), np.zeros(CELLS, np.int64)
    run: Any = BATCHES[arch]
    if engine.uses_numba():
        engine.compiled(run)(store.arrays, regime, flat, out, results, flat.size // 3)
    else:
        run(store.memory, regime.data, flat.data, out.data, results.data, flat.size // 3)
    return results.reshape(-1, 4)
