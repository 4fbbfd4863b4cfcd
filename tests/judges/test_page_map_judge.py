"""The law of page tables held against the judge written from the kernel's headers: each answer is the judge's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mmspec.virtual.page_map import PAGE_MAP, ops

from . import page_map_612 as judge
from .beside import BesideLaw

MODES = ("la48", "la57", "4k", "16k", "64k", "sv39", "sv48", "sv57")
ARCH = (0, 0, 1, 1, 1, 2, 2, 2)
VA_BITS = (48, 57, 48, 47, 48, 39, 48, 57)
PHYS_BITS = (46, 48, 56)


class Beside(BesideLaw):
    """The law and the judge, asked the same."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        mode = seed % len(MODES)
        arch, va_bits, phys_bits, pool = ARCH[mode], VA_BITS[mode], PHYS_BITS[ARCH[mode]], rng.choice([0, 1, 3, 8, 16])
        nxe, gbpages = rng.random() < 0.8 or arch != 0, rng.random() < 0.8 or arch != 0
        config = ops.Config(arch, mode, va_bits, phys_bits, 1 << 20, pool, rng.random() < 0.5, nxe, gbpages)
        super().__init__(PAGE_MAP, config)
        self.mmu = judge.Mmu(arch, MODES[mode], va_bits, phys_bits, 1 << 20, pool, config.upper, nxe, gbpages)
        self.high = (1 << 64) - (1 << self.mmu.bits) if config.upper else 0
        self.spots = [self.spot() for _ in range(3)]
        self.cut: list[tuple[int, int]] = []

    def spot(self) -> int:
        va = sum(self.rng.choice([0, 1, (1 << self.mmu.step) - 1]) * self.mmu.size(h) for h in range(1, self.mmu.levels + 1))
        return self.high | va & (1 << self.mmu.bits) - 1

    def place(self, height: int) -> int:
        rng = self.rng
        va = rng.choice(self.spots) // self.mmu.size(height) * self.mmu.size(height)
        return va ^ rng.choice([0] * 12 + [self.mmu.size(1) >> 1, 1 << 63, self.mmu.size(height)])

    def changed(self, least: int, structure: bool = False, invalid_first: bool = False, tables: tuple[int, ...] = ()) -> Any:
        return ops.Changed(least, structure, invalid_first, tables)

    def ask(self, operation: str, request: Any, act: Any) -> None:
        try:
            result = act()
        except judge.Refused as error:
            result = getattr(ops, str(error))
        self.hold(operation, request, result)

    def step(self) -> None:
        rng, mmu = self.rng, self.mmu
        riscv = mmu.arch == judge.RISCV
        first = mmu.arch == judge.ARM64 or not mmu.upper  # pmdp_invalidate, pmdp_collapse_flush
        whole = mmu.arch == judge.X86 or (mmu.upper and riscv)  # 512 pages there, and flush_tlb_all in set_memory.c, pageattr.c
        split = ops.ALL if whole else ops.PAGE
        height, prot = rng.choice([1, 1, 2, 2, 2, 3] + [4] * (not riscv)), rng.randrange(4)
        va = self.place(height)
        match rng.choice(
            ["map", "map", "map", "unmap", "protect", "split", "split", "free_tables"] + ["collapse"] * (1 + 3 * len(self.cut))
        ):
            case "map":
                pa = rng.choice([1, 2, 5]) * mmu.size(height) << 6 | rng.choice([0] * 9 + [1])
                pa = rng.choice([pa] * 9 + [1 << 20, 1 << mmu.phys_bits])
                flush = ops.PAGE if riscv else ops.NONE
                self.ask("map", ops.Map(va, pa % (1 << 56), height, prot),
                         lambda: self.changed(flush, tables=mmu.map(va, pa % (1 << 56), height, prot)))  # fmt: skip
            case "unmap":
                self.ask("unmap", ops.Unmap(va, height), lambda: (mmu.unmap(va, height), self.changed(ops.PAGE))[1])
            case "protect":
                self.ask("protect", ops.Protect(va, height, prot),
                         lambda: self.changed(ops.PAGE if mmu.protect(va, height, prot) else ops.NONE))  # fmt: skip
            case "split":
                self.ask("split", ops.Split(va, height), lambda: self.changed(split, False, first, mmu.split(va, height)))
                self.cut += [(va, height)] * isinstance(self.told[-1][1], ops.Changed)
            case "collapse":
                va, height = self.cut.pop() if self.cut else (va, height)
                self.ask("collapse", ops.Collapse(va, height),
                         lambda: self.changed(ops.ALL, True, True, mmu.collapse(va, height)))  # fmt: skip
            case "free_tables":
                self.ask("free_tables", ops.FreeTables(va), lambda: self.freed(mmu.free_tables(va)))
        self.look()

    def freed(self, tables: tuple[int, ...]) -> Any:
        flush = ops.ALL if self.mmu.arch == judge.RISCV else ops.PAGE
        return self.changed(flush, True, tables=tables) if tables else self.changed(ops.NONE)

    def says(self, operation: str, request: Any) -> Any:
        return self.law.operations[operation].choose(self.law.state, self.law.policy, request)[0]

    def look(self) -> None:
        va = self.rng.choice(self.spots)
        found, said = self.mmu.translate(va + 5), self.says("translate", ops.Translate(va + 5))
        assert ((said.pa, said.size) if isinstance(said, ops.Found) else None) == found, (self.config, hex(va), self.told[-8:])
        for height in range(1, 6):
            seen, said = self.mmu.look(va, height), self.says("look", ops.Look(va, height))
            told = (said.at, said.value & self.mmu.mask()) if isinstance(said, ops.Seen) else None
            assert told == (seen and (seen[0], seen[1] & self.mmu.mask())), (
                self.config,
                hex(va),
                height,
                told,
                seen,
                self.told[-8:],
            )
        self.hold("table_bytes", ops.TableBytes(), ops.Bytes(self.mmu.table_bytes()))


@pytest.mark.parametrize("mode", range(len(MODES)))
def test_the_law_answers_as_the_judge(mode: int) -> None:
    """On some halves of each mode; each kind of change is carried out there."""
    done: set[type] = set()
    for seed in range(mode, 8 * 9, 8):
        beside = Beside(seed)
        for _ in range(60):
            beside.step()
        done |= {type(request) for request, answer in beside.told if isinstance(answer, ops.Changed)}
    assert done == {ops.Map, ops.Unmap, ops.Protect, ops.Split, ops.Collapse, ops.FreeTables}
