"""Unicorn's x86-64 processor, with four and five levels of tables."""

from __future__ import annotations

import importlib
from typing import Any

from mmprops.clients.unicorn.core import APART, CODE, PAGE, PRIVATE, Gap, Processor, Unicorn
from mmprops.machines.virtual.page_table_draw import mask_of
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import Config

INSTRUCTIONS = b"\x90\x8a\x03\x88\x03\x48\x0f\x07"
"""nop; mov al,[rbx]; mov [rbx],al; sysretq."""

SYSRET = 5
MSR_EFER, MSR_STAR = 0xC000_0080, 0xC000_0081
EXCEPTIONS = {13: "general_protection", 14: "page_fault"}


class X86(Processor):
    """An x86-64 processor."""

    offsets = {"nop": 0, "read": 1, "write": 3}  # noqa: RUF012  # never changed
    accessed, dirty = 1 << 5, 1 << 6

    def __init__(self) -> None:
        unicorn: Any = importlib.import_module("unicorn")
        super().__init__(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        self.names: Any = importlib.import_module("unicorn.x86_const")

    def boot(self, config: Config) -> None:
        five = config.va_bits == 57
        entries = {}
        for number, level in enumerate(range(5 if five else 4, 0, -1)):
            for page in (0, 1):
                index = (CODE + page * APART) >> (9 * level + 3) & 511
                target = PRIVATE + (number + 1) * PAGE if level > 1 else PRIVATE + (8 + page) * PAGE
                entries[PRIVATE + number * PAGE + 8 * index] = target | 3 | (4 if page or level > 1 else 0)
        self.own(entries, INSTRUCTIONS, (PRIVATE + 8 * PAGE, PRIVATE + 9 * PAGE))
        bits, names, reg = config.controls, self.names, self.uc.reg_write
        reg(names.UC_X86_REG_CR4, 0x20 | five << 12 | bool(bits.smep) << 20)
        reg(names.UC_X86_REG_MSR, (MSR_EFER, 0x501 | (bits.nxe is not False) << 11))
        reg(names.UC_X86_REG_MSR, (MSR_STAR, 0x0013_0008 << 32))
        reg(names.UC_X86_REG_CR3, PRIVATE)
        reg(names.UC_X86_REG_CR0, 0x8000_0033 | (bits.wp is not False) << 16)
        supervisor = self.uc.context_save()
        reg(names.UC_X86_REG_RCX, CODE + APART)
        reg(names.UC_X86_REG_R11, 2)
        self.execute(CODE + SYSRET)
        self.modes = supervisor, self.uc.context_save()

    def context(self, root: int | None, user: bool, half: int) -> Any:
        self.uc.context_restore(self.modes[user])
        self.uc.reg_write(self.names.UC_X86_REG_CR3, PRIVATE if root is None else root)
        return self.uc.context_save()

    def point_at(self, va: int) -> None:
        self.uc.reg_write(self.names.UC_X86_REG_RBX, va)

    def fault(self) -> dict[str, Any]:
        number = self.faults[0]
        if number not in EXCEPTIONS:
            return {"unsupported": f"exception {number}"}
        return {"result": {"fault": {"kind": EXCEPTIONS[number]}}}


class X86Client(Unicorn):
    """Unicorn on x86-64: CR2 can be read, the error code cannot."""

    phys_bits = 40
    promises = {"fault_code": False, "fault_level": False, "controls": mask_of("wp", "smep", "nxe")}  # noqa: RUF012  # never changed

    def __init__(self, mode: str) -> None:
        self.mode = mode
        pointers = tuple(0x10_0000 + (n + 1) * 0x10000 | 7 for n in range(2 if mode == "la57" else 1))
        self.gaps = (
            Gap(
                c.X86_RESERVED_LARGE,
                "a 1-GiB leaf is marked as accessed before its reserved bits are looked at",
                'Intel SDM 3A, "Accessed and Dirty Flags"',
                ({}, (*pointers, 1 << 20 | 0x87), ("read", False)),
                lambda walk: walk.why is c.X86_RESERVED_LARGE and walk.level == 3,
            ),
        )
        super().__init__()

    def processor_for(self, config: Config) -> Processor:
        return X86()

    def refused(self, config: Config) -> str | None:
        bits = config.controls
        if bits.smap:
            return 'SMAP is not enforced (Intel SDM 3A, "Access rights")'
        if bits.pke:
            return 'protection keys are not there (Intel SDM 3A, "Protection Keys")'
        return "its processor has 1-GiB pages" if bits.gbpages is False else None

    def plain(self) -> dict[str, Any]:
        return {
            "arch": "x86_64",
            "mode": self.mode,
            "va_bits": 57 if self.mode == "la57" else 48,
            "phys_bits": 40,
            "controls": {},
        }


def la48() -> X86Client:
    """Return the client with four levels."""
    return X86Client("la48")


def la57() -> X86Client:
    """Return the client with five levels."""
    return X86Client("la57")
