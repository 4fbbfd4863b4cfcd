"""What an architecture's entries look like, as numbers: flags of each kind of page, and where the address lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mmspec.errors import InputError
from mmspec.virtual.page_map.ops import Config
from mmspec.virtual.page_table.ops import AARCH64, ARCHITECTURES, MODES, X86_64

LAYOUTS = {"la48": 48, "la57": 57, "4k": 12, "16k": 14, "64k": 16, "sv39": 39, "sv48": 48, "sv57": 57}
"""What a mode fixes: the width of addresses, or on AArch64 the granule's."""

KERNEL_READ, KERNEL_WRITE, KERNEL_EXECUTE, USER_READ, USER_WRITE, USER_EXECUTE = (1 << bit for bit in range(6))


class Format(NamedTuple):
    """The entries of one half; ``leaves`` and ``granted`` are by what a page grants beside reading."""

    bits: int  # the binary logarithm of a table's size
    top: int  # the height of the root's entries
    half: int  # the binary logarithm of the half's size
    inside: int  # the bits of an address that select entries
    sizes: tuple[int, ...]  # the heights that have leaves
    leaves: tuple[int, int, int, int]
    granted: tuple[int, int, int, int]
    small: int  # what a leaf of height 1 has beside
    large: int  # what a leaf above has beside
    table: int  # the flags of an entry that points to a table
    kind: int  # the bits by which such an entry is told above height 1
    points: int  # and their value then
    field: int  # all bits that hold an address
    pack: Callable[[int], int]
    unpack: Callable[[int], int]


def same(address: int) -> int:
    """Return an address that lies in an entry as it is."""
    return address


def x86_64(config: Config) -> Format:
    """Return the format of x86-64: P 0, R/W 1, U/S 2, A 5, D 6, PS 7, G 8, XD 63."""
    base = 0x21 | (0x100 if config.upper else 0x4)
    xd = 1 << 63 if config.nxe else 0
    leaves = (base | xd, base | 0x42 | xd, base, base | 0x42)
    execute = 0 if config.nxe else KERNEL_EXECUTE
    granted = (1 | execute, 3 | execute, 5, 7)
    sizes = (1, 2, 3) if config.gbpages else (1, 2)
    return Format(
        bits=12,
        top=(config.va_bits - 12) // 9,
        half=config.va_bits - 1,
        inside=(1 << config.va_bits) - 1,
        sizes=sizes,
        leaves=leaves,
        granted=granted if config.upper else of_user(granted),
        small=0,
        large=0x80,
        table=0x63 | (0 if config.upper else 0x4),
        kind=0x81,
        points=0x1,
        field=((1 << 52) - 1) & ~0xFFF,
        pack=same,
        unpack=same,
    )


def of_user(granted: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return permissions that hold for users as well."""
    none, write, execute, both = (each | each << 3 for each in granted)
    return none, write, execute, both


def riscv64(config: Config) -> Format:
    """Return the format of RISC-V: V 0, R 1, W 2, X 3, U 4, G 5, A 6, D 7, the page number from bit 10 on."""
    base = 0x43 | (0x20 if config.upper else 0x10)
    top = (config.va_bits - 12) // 9
    return Format(
        bits=12,
        top=top,
        half=config.va_bits - 1,
        inside=(1 << config.va_bits) - 1,
        sizes=tuple(range(1, top + 1)),
        leaves=(base, base | 0x84, base | 0x8, base | 0x8C),
        granted=(1, 3, 5, 7) if config.upper else of_user((1, 3, 5, 7)),
        small=0,
        large=0,
        table=0x1,
        kind=0xF,
        points=0x1,
        field=((1 << 44) - 1) << 10,
        pack=lambda address: address >> 2,
        unpack=lambda field: field << 2,
    )


def aarch64(config: Config) -> Format:
    """Return the format of AArch64: AP[1] 6, AP[2] 7, AF 10, nG 11, DBM 51, PXN 53, UXN 54; dirty, Linux's own, 55."""
    bits = LAYOUTS[MODES[config.mode]]
    ds = bits < 16 and (config.va_bits > 48 or config.phys_bits > 48)
    wide = bits == 16 and config.phys_bits == 52
    base = 1 | 1 << 10 | (0 if ds else 3 << 8)
    base |= 1 << 54 if config.upper else 1 << 6 | 1 << 11 | 1 << 53
    never, write = 1 << (53 if config.upper else 54), 1 << 51 | 1 << 55
    blocks = {12: (2, 3, 4) if ds else (2, 3), 14: (2, 3) if ds else (2,), 16: (2, 3) if wide else (2,)}[bits]
    top = (config.va_bits - bits - 1) // (bits - 3) + 1
    low, high, at = (50, 3, 8) if ds else (48, 15, 12) if wide else (48, 0, 0)
    plain = (1 << low) - 1 & ~((1 << bits) - 1)
    return Format(
        bits=bits,
        top=top,
        half=config.va_bits,
        inside=(1 << config.va_bits) - 1,
        sizes=(1, *(height for height in blocks if height <= top)),
        leaves=(base | 0x80 | never, base | write | never, base | 0x80, base | write),
        granted=(1, 3, 5, 7) if config.upper else (9, 27, 41, 59),
        small=2,
        large=0,
        table=3 | 1 << (60 if config.upper else 59),
        kind=3,
        points=3,
        field=plain | high << at,
        pack=lambda address: address & plain | (address >> low & high) << at,
        unpack=lambda field: field & plain | (field >> at & high) << low,
    )


def format_of(config: Config) -> Format:
    """Return the format of a configuration (InputError: there is none)."""
    name, mode = ARCHITECTURES[config.arch], MODES[config.mode]
    if config.arch == AARCH64:
        if mode[-1] != "k" or not 25 <= config.va_bits <= 52:
            raise InputError(f"{name} has no {mode} with {config.va_bits}-bit addresses", hint="see mmspec describe page_map")
        made = aarch64(config)
    else:
        family = "la" if config.arch == X86_64 else "sv"
        if not mode.startswith(family) or config.va_bits != LAYOUTS[mode]:
            raise InputError(f"{name} has no {mode} with {config.va_bits}-bit addresses", hint="see mmspec describe page_map")
        made = x86_64(config) if config.arch == X86_64 else riscv64(config)
    if config.base % (1 << made.bits) or config.base + ((config.pool + 1) << made.bits) > 1 << config.phys_bits:
        raise InputError(f"no tables can lie at {config.base:#x}", hint=f"a multiple of {1 << made.bits:#x} in memory")
    return made
