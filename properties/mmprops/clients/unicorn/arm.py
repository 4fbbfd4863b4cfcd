"""Unicorn's AArch64 processor: granules of 4, 16 and 64 KiB, both halves.

A fault's status code is not in ESR_EL1, since no exception is taken; it lies in the processor's state, as part of the syndrome
that would be. Where, differs between versions: two faults whose codes are known show it.
"""

from __future__ import annotations

import ctypes
import importlib
import struct
from typing import Any

import attrs

from mmprops.clients.unicorn.core import APART, CODE, PAGE, PRIVATE, Gap, Processor, Unicorn
from mmprops.machines.virtual.page_table_draw import mask_of
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.aarch64 import AP_EL0, AP_READ_ONLY, UXN
from mmspec.virtual.page_table.ops import AARCH64, GRANULE_4K, GRANULE_16K, GRANULE_64K, NO_FAULT, Config

INSTRUCTIONS = struct.pack("<III", 0xD503201F, 0x39400020, 0x39000020)
"""nop; ldrb w0,[x1]; strb w0,[x1]."""

SCR_EL3, HCR_EL2, TCR, TTBR0, TTBR1, SCTLR, MAIR = (
    (1, 1, 3, 6, 0), (1, 1, 3, 4, 0), (2, 0, 3, 0, 2), (2, 0, 3, 0, 0), (2, 0, 3, 0, 1), (1, 0, 3, 0, 0), (10, 2, 3, 0, 0)
)  # fmt: skip
"""System registers: CRn, CRm, op0, op1, op2."""

GRANULES = {12: ("4k", 0, 2), 14: ("16k", 2, 1), 16: ("64k", 1, 3)}
"""Each granule's mode, and how TCR.TG0 and TG1 name it."""

ARM_MODES = {12: GRANULE_4K, 14: GRANULE_16K, 16: GRANULE_64K}
PHYS_BITS, IPS = 44, 4
KINDS = {0: "address_size", 1: "translation", 2: "access_flag", 3: "permission"}
ABORTS = (0x20, 0x21, 0x24, 0x25)
"""The exception classes of instruction and data aborts."""


class Arm(Processor):
    """An AArch64 processor."""

    offsets = {"nop": 0, "read": 4, "write": 8}  # noqa: RUF012  # never changed
    accessed, dirty = 0, 0

    def __init__(self, granule: int, place: int) -> None:
        unicorn: Any = importlib.import_module("unicorn")
        super().__init__(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        self.names: Any = importlib.import_module("unicorn.arm64_const")
        self.granule, self.place = granule, place

    def system(self, register: tuple[int, ...], value: int) -> None:
        """Write a system register."""
        self.uc.reg_write(self.names.UC_ARM64_REG_CP_REG, (*register, value))

    def boot(self, config: Config) -> None:
        bits, granule = config.controls, self.granule
        stride, levels = granule - 3, -(-(48 - granule) // (granule - 3))
        entries = {}
        start = PRIVATE >> 20 << 20  # aligned for every granule
        tables = [start + 0x10_0000 + n * 0x10000 for n in range(levels)]
        for number, level in enumerate(range(4 - levels, 4)):
            shift = stride * (4 - level) + 3
            for user in (0, 1):
                index = (CODE + user * APART) >> shift & (1 << stride) - 1
                leaf = start | 0x20_0703 | AP_READ_ONLY | (AP_EL0 if user else UXN)
                entries[tables[number] + 8 * index] = tables[number + 1] | 3 if level < 3 else leaf
        self.uc.mem_map(start + 0x10_0000, 0x20_0000)
        for at, value in entries.items():
            self.uc.mem_write(at, struct.pack("<Q", value))
        for page in range(16):
            self.uc.mem_write(start + 0x20_0000 + page * PAGE, INSTRUCTIONS)
        self.root = tables[0]
        _, tg0, tg1 = GRANULES[granule]
        size = 64 - config.va_bits
        fixed = IPS << 32 | tg0 << 14 | tg1 << 30
        self.own_tcr = fixed | 16 | 16 << 16
        self.tcr = fixed | size | size << 16 | bool(bits.epd) << 7 | bool(bits.epd) << 23 | bool(bits.tbi) * (3 << 37)
        self.sctlr = 0x30D0_0801 | bool(bits.wxn) << 19
        self.system(SCR_EL3, 0x431)
        self.system(HCR_EL2, 1 << 31)

    def context(self, root: int | None, user: bool, half: int) -> Any:
        pstate = self.names.UC_ARM64_REG_PSTATE
        self.uc.reg_write(pstate, 0x3C5)
        self.system(TCR, self.own_tcr if root is None else self.tcr)
        self.system(TTBR0, self.root if root is None else root)
        self.system(TTBR1, self.root if root is None else root)
        self.system(SCTLR, 0x30D0_0801 if root is None else self.sctlr)
        self.uc.reg_write(pstate, 0x3C0 if user else 0x3C5)
        self.system(MAIR, 0xFF)  # any write to a system register makes the new level hold
        return self.uc.context_save()

    def point_at(self, va: int) -> None:
        self.uc.reg_write(self.names.UC_ARM64_REG_X1, va)

    def faults_of(self, root: int) -> None:
        """Raise the fault of a load of address 0."""
        own, under_test = self.context(None, False, 0), self.context(root, False, 0)
        self.uc.context_restore(own)
        self.execute(CODE)
        self.uc.context_restore(under_test)
        self.point_at(0)
        self.execute(CODE + self.offsets["read"])

    def state(self) -> bytes:
        """Return the processor's state."""
        saved = self.uc.context_save()
        return ctypes.string_at(saved.context, saved.size)

    def fault(self) -> dict[str, Any]:
        code = struct.unpack_from("<I", self.state(), self.place)[0] & 63
        level = code & 3
        return {"result": {"fault": {"kind": KINDS[code >> 2], "level": level, "code": code}}}


def calibrated(granule: int) -> int:
    """Return where a syndrome lies in the state (RuntimeError: two known faults do not show it)."""
    mode = ARM_MODES[granule]
    arm = Arm(granule, 0)
    arm.boot(Config(AARCH64, mode, 48, PHYS_BITS))
    first = 4 - -(-(48 - granule) // (granule - 3))
    root, table = 0x10_0000, 0x20_0000
    places = None
    for level in (first, first + 1):
        arm.write(root, table | 3 if level > first else 0)
        arm.write(table, 0)
        arm.faults_of(root)
        state = arm.state()
        words = struct.unpack(f"<{len(state) // 4}I", state[: len(state) // 4 * 4])
        found = {4 * i for i, word in enumerate(words) if word & 63 == 4 + level and word >> 26 in ABORTS}
        places = found if places is None else places & found
    if not places:
        raise RuntimeError("no word of the state holds the syndromes of two known faults: another version of Unicorn?")
    return min(places)


class ArmClient(Unicorn):
    """Unicorn on AArch64: it updates no flags in hardware, and has neither PAN nor 52-bit addresses."""

    phys_bits = PHYS_BITS
    promises = {"controls": mask_of("wxn", "tbi", "epd")}  # noqa: RUF012  # never changed

    def __init__(self, granule: int) -> None:
        self.granule, self.mode = granule, GRANULES[granule][0]
        levels = -(-(48 - granule) // (granule - 3))
        tables = tuple((0x10_0000 + (n + 1) * 0x10000) | 3 for n in range(levels - 1))
        manual = 'Arm ARM DDI 0487, "Translation table descriptor formats"'
        read = ("read", False)
        self.gaps = (
            Gap(
                c.ARM_BLOCK,
                "a block is taken at every level but the last",
                manual,
                ({}, (0x701,), read),
                lambda walk: walk.why is c.ARM_BLOCK and walk.level < 3,
            ),
            Gap(c.ARM_SIZE, "addresses above the output size are used", manual, ({}, (*tables, 1 << PHYS_BITS | 0x703), read)),
            Gap(
                c.FRAME,
                "address bits below a block's size are used",
                manual,
                ({}, (*tables[:-1], 0x4000_0701 | 1 << granule), read),
                lambda walk: walk.fault == NO_FAULT and (walk.entry & (walk.size - 1)) >> granule != 0,
            ),
        )
        self.place = calibrated(granule)
        super().__init__()

    def processor_for(self, config: Config) -> Processor:
        return Arm(self.granule, self.place)

    def refused(self, config: Config) -> str | None:
        bits = attrs.asdict(config.controls)
        lacking = [name.upper() for name in ("ha", "hd", "pan", "epan", "tbid", "e0pd", "hpd", "ds") if bits[name]]
        if lacking:
            return f"its processor has no {lacking[0]}"
        return "its processor has no LVA" if config.va_bits > 48 else None

    def plain(self) -> dict[str, Any]:
        return {"arch": "aarch64", "mode": self.mode, "va_bits": 48, "phys_bits": PHYS_BITS, "controls": {}}


def granule_4k() -> ArmClient:
    """Return the client with pages of 4 KiB."""
    return ArmClient(12)


def granule_16k() -> ArmClient:
    """Return the client with pages of 16 KiB."""
    return ArmClient(14)


def granule_64k() -> ArmClient:
    """Return the client with pages of 64 KiB."""
    return ArmClient(16)
