"""Unicorn's RISC-V processor: Sv39, Sv48 and Sv57."""

from __future__ import annotations

import importlib
import struct
from typing import Any

from mmprops.clients.unicorn.core import APART, CODE, PAGE, PRIVATE, Gap, Processor, Unicorn
from mmprops.machines.virtual.page_table_draw import mask_of
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import Config

INSTRUCTIONS = struct.pack("<III", 0x13, 0x00058503, 0x00A58023)
"""nop; lb a0,0(a1); sb a0,0(a1)."""

SATP_MODES = {39: 8, 48: 9, 57: 10}
CAUSES = {1: "access_fault", 5: "access_fault", 7: "access_fault", 12: "page_fault", 13: "page_fault", 15: "page_fault"}
_SV = 'RISC-V Privileged ISA, "Virtual Address Translation Process"'


class RiscV(Processor):
    """A RISC-V processor."""

    offsets = {"nop": 0, "read": 4, "write": 8}  # noqa: RUF012  # never changed
    accessed, dirty = 1 << 6, 1 << 7
    undefined = 2

    def __init__(self) -> None:
        unicorn: Any = importlib.import_module("unicorn")
        super().__init__(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        self.names: Any = importlib.import_module("unicorn.riscv_const")

    def boot(self, config: Config) -> None:
        levels = (config.va_bits - 12) // 9
        entries = {}
        for number, level in enumerate(range(levels - 1, -1, -1)):
            for page in (0, 1):
                index = (CODE + page * APART) >> (12 + 9 * level) & 511
                target = PRIVATE + (number + 1) * PAGE if level else PRIVATE + 8 * PAGE
                flags = (0xDF if page else 0xCF) if level == 0 else 1
                entries[PRIVATE + number * PAGE + 8 * index] = target >> 12 << 10 | flags
        self.own(entries, INSTRUCTIONS, (PRIVATE + 8 * PAGE,))
        self.mode = SATP_MODES[config.va_bits] << 60
        self.status = bool(config.controls.sum) << 18 | bool(config.controls.mxr) << 19

    def context(self, root: int | None, user: bool, half: int) -> Any:
        names, reg = self.names, self.uc.reg_write
        reg(names.UC_RISCV_REG_PRIV, 3)
        reg(names.UC_RISCV_REG_MSTATUS, self.status)
        reg(names.UC_RISCV_REG_SATP, self.mode | (PRIVATE if root is None else root) >> 12)
        reg(names.UC_RISCV_REG_PRIV, 0 if user else 1)
        return self.uc.context_save()

    def point_at(self, va: int) -> None:
        self.uc.reg_write(self.names.UC_RISCV_REG_A1, va)

    def fault(self) -> dict[str, Any]:
        number = self.faults[0]
        if number not in CAUSES:
            return {"unsupported": f"exception {number}"}
        return {"result": {"fault": {"kind": CAUSES[number], "code": number}}}


def chain(levels: int, leaf: int, last_pointer: int = 1) -> tuple[int, ...]:
    """Return sound entries from the root down to a leaf of level 0, each table 64 KiB behind the one above it."""
    pointers = [(0x10_0000 + (n + 1) * 0x10000) >> 12 << 10 | 1 for n in range(levels - 1)]
    pointers[-1] |= last_pointer
    return (*pointers, leaf)


class RiscVClient(Unicorn):
    """Unicorn on RISC-V: scause is known, the level is not."""

    phys_bits = 56
    promises = {"fault_level": False, "max_pa": "0xffffffffff", "controls": mask_of("sum", "mxr", "adue")}  # noqa: RUF012  # never changed

    def __init__(self, va_bits: int) -> None:
        self.mode, self.va_bits = f"sv{va_bits}", va_bits
        levels = (va_bits - 12) // 9
        read, plain = ("read", False), 0x80 << 10 | 0xCF
        bits = "bits 54 to 63 of an entry are not checked"
        self.gaps = (
            Gap(c.RISCV_RESERVED_BITS, bits, _SV, ({}, chain(levels, plain | 1 << 60), read)),
            Gap(c.RISCV_PBMT, bits, 'RISC-V Privileged ISA, "Svpbmt"', ({}, chain(levels, plain | 1 << 61), read)),
            Gap(c.RISCV_NAPOT, bits, 'RISC-V Privileged ISA, "Svnapot"', ({}, chain(levels, plain | 1 << 63), read)),
            Gap(c.RISCV_POINTER, "D, A and U of a pointer are not checked", _SV, ({}, chain(levels, plain, 1 << 4), read)),
        )
        super().__init__()

    def processor_for(self, config: Config) -> Processor:
        return RiscV()

    def refused(self, config: Config) -> str | None:
        bits = config.controls
        if not bits.adue:
            return "hardware always sets A and D"
        return "Svnapot and Svpbmt are not there" if bits.svnapot or bits.svpbmt else None

    def plain(self) -> dict[str, Any]:
        return {"arch": "riscv64", "mode": self.mode, "va_bits": self.va_bits, "phys_bits": 56, "controls": {"adue": True}}


def sv39() -> RiscVClient:
    """Return the client with three levels."""
    return RiscVClient(39)


def sv48() -> RiscVClient:
    """Return the client with four levels."""
    return RiscVClient(48)


def sv57() -> RiscVClient:
    """Return the client with five levels."""
    return RiscVClient(57)
