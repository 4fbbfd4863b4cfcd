"""What the control registers in a dump of page tables say, in the terms of the specification.

A register that is not there, or that contradicts another, is a ``CaptureError``: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from mmprops.traces.archive import Capture, CaptureError
from mmspec.errors import InputError
from mmspec.virtual.page_table import aarch64
from mmspec.virtual.page_table.ops import (
    AARCH64,
    GRANULE_4K,
    GRANULE_16K,
    GRANULE_64K,
    LA48,
    LA57,
    RISCV64,
    SV39,
    SV48,
    SV57,
    X86_64,
    Config,
    Controls,
    Pa,
)  # fmt: skip
from mmspec.virtual.page_table.state import regime_of

WIDEST = {X86_64: 52, RISCV64: 56}
"""The width of physical addresses where a dump names none (``phys_bits`` in meta.json): the architecture's widest."""


@attrs.frozen
class Half:
    """One root, and the configuration under which its tables are walked."""

    root: Pa
    config: Config


def number(capture: Capture, meta: Mapping[str, Any], name: str) -> int:
    """Return a number of meta.json, as JSON's own or as text such as ``0x5478000`` (CaptureError: it is none)."""
    value = meta.get(name)
    if isinstance(value, bool):
        raise CaptureError(f"{capture.path} meta.json", f"{name} is {value}, no number", "write it as 0x...")
    if isinstance(value, int) and 0 <= value < 1 << 64:
        return value
    if isinstance(value, str) and re.fullmatch("0[xX][0-9a-fA-F]{1,16}", value):
        return int(value, 16)
    said = "is missing" if value is None else f"is {str(value)[:40]!r}, no 64-bit number"
    raise CaptureError(f"{capture.path} meta.json", f"{name} {said}", 'write registers as "0x..."')


def printed(capture: Capture, meta: Mapping[str, Any], name: str) -> int:
    """Return a register of meta.json, else of QEMU's ``info registers`` in registers.txt."""
    if name.lower() in meta:
        return number(capture, meta, name.lower())
    found = (
        re.search(rf"\b{name} *=([0-9a-fA-F]{{1,16}})\b", capture.text("registers.txt")) if capture.has("registers.txt") else None
    )
    if found is None:
        raise CaptureError(capture.path, f"does not say what {name} is", f'add "{name.lower()}" to meta.json')
    return int(found[1], 16)


def config_of(capture: Capture, arch: int, mode: int, va_bits: int, phys_bits: int, controls: Mapping[str, Any]) -> Config:
    """Return a configuration (CaptureError: the specification has no such mode)."""
    config = Config(arch, mode, va_bits, phys_bits, Controls(**controls))
    try:
        regime_of(config)
    except InputError as error:
        raise CaptureError(f"{capture.path} meta.json", error.message, error.hint) from None
    return config


def phys_bits_of(capture: Capture, meta: Mapping[str, Any], arch: int) -> int:
    """Return the width of physical addresses on x86-64 and RISC-V."""
    return number(capture, meta, "phys_bits") if "phys_bits" in meta else WIDEST[arch]


def x86_halves(capture: Capture, meta: Mapping[str, Any]) -> tuple[Half, Half]:
    """Return the two halves of x86-64, which share CR3."""
    cr0, cr3, cr4, efer = (printed(capture, meta, name) for name in ("CR0", "CR3", "CR4", "EFER"))
    if not (cr0 >> 31 & 1 and cr4 >> 5 & 1 and efer >> 10 & 1):
        raise CaptureError(capture.path, "has no 64-bit paging: CR0.PG, CR4.PAE and EFER.LMA must be 1", "dump a 64-bit system")
    five = bool(cr4 >> 12 & 1)
    if meta.get("la57", five) != five:
        raise CaptureError(f"{capture.path} meta.json", f"la57 is {meta['la57']}, but CR4.LA57 is {int(five)}", "say it once")
    controls = {
        "wp": bool(cr0 >> 16 & 1),
        "smep": bool(cr4 >> 20 & 1),
        "smap": bool(cr4 >> 21 & 1),
        "pke": bool(cr4 >> 22 & 1),
        "nxe": bool(efer >> 11 & 1),
    }
    phys_bits = phys_bits_of(capture, meta, X86_64)
    config = config_of(capture, X86_64, LA57 if five else LA48, 57 if five else 48, phys_bits, controls)
    half = Half(cr3 & ((1 << 52) - 1) & ~0xFFF, config)
    return half, half


def riscv_halves(capture: Capture, meta: Mapping[str, Any]) -> tuple[Half, Half]:
    """Return the two halves of RISC-V, which share satp."""
    satp = number(capture, meta, "satp")
    modes = {8: (SV39, 39), 9: (SV48, 48), 10: (SV57, 57)}
    if satp >> 60 not in modes:
        raise CaptureError(f"{capture.path} meta.json", f"satp.MODE is {satp >> 60}", "8 (Sv39), 9 (Sv48) or 10 (Sv57)")
    mode, va_bits = modes[satp >> 60]
    levels = (va_bits - 12) // 9
    if meta.get("levels", levels) != levels:
        raise CaptureError(f"{capture.path} meta.json", f"levels is {meta['levels']}, but satp says {levels}", "say it once")
    config = config_of(capture, RISCV64, mode, va_bits, phys_bits_of(capture, meta, RISCV64), {})
    half = Half((satp & ((1 << 44) - 1)) << 12, config)
    return half, half


IPS = (32, 36, 40, 42, 44, 48, 52)
"""The output sizes that TCR.IPS and ID_AA64MMFR0.PARange number."""

TG0 = {0: (GRANULE_4K, 12), 1: (GRANULE_64K, 16), 2: (GRANULE_16K, 14)}
TG1 = {1: (GRANULE_16K, 14), 2: (GRANULE_4K, 12), 3: (GRANULE_64K, 16)}


def arm_half(capture: Capture, meta: Mapping[str, Any], half: int) -> Half:
    """Return one half of AArch64's EL1&0 regime: TTBR0's or TTBR1's."""
    tcr, sctlr = number(capture, meta, "tcr_el1"), number(capture, meta, "sctlr")
    ttbr = number(capture, meta, f"ttbr{half}_el1")
    mmfr0, mmfr1, mmfr2 = (number(capture, meta, f"id_aa64mmfr{n}_el1") for n in range(3))
    where = f"{capture.path} meta.json"
    if not sctlr & 1:
        raise CaptureError(where, "SCTLR.M is 0: nothing is translated", "dump a system with its MMU on")
    granules, field = (TG1, tcr >> 30 & 3) if half else (TG0, tcr >> 14 & 3)
    if field not in granules:
        raise CaptureError(where, f"TCR.TG{half} is {field}, which is reserved", "dump tcr_el1 again")
    mode, granule = granules[field]
    ds = bool(tcr >> 59 & 1) and granule < 16
    sizes = min(tcr >> 32 & 7, mmfr0 & 15)
    if sizes >= len(IPS):
        raise CaptureError(where, f"TCR.IPS is {tcr >> 32 & 7}, which is reserved", "dump tcr_el1 again")
    phys_bits = IPS[sizes] if ds or granule == 16 else min(IPS[sizes], 48)
    hardware = mmfr1 & 15  # HAFDBS
    controls = {
        "wxn": bool(sctlr >> 19 & 1),
        "epan": bool(sctlr >> 57 & 1),
        "ha": bool(tcr >> 39 & 1) and hardware >= 1,
        "hd": bool(tcr >> 40 & 1) and hardware >= 2,
        "tbi": bool(tcr >> (37 + half) & 1),
        "tbid": bool(tcr >> (51 + half) & 1),
        "epd": bool(tcr >> (23 if half else 7) & 1),
        "e0pd": bool(tcr >> (55 + half) & 1) and bool(mmfr2 >> 60),
        "hpd": bool(tcr >> (41 + half) & 1) and bool(mmfr1 >> 12 & 15),
        "ds": ds,
    }
    va_bits = 64 - (tcr >> (16 if half else 0) & 63)
    config = config_of(capture, AARCH64, mode, va_bits, phys_bits, controls)
    said = meta.get("walk", {}).get(str(half), {}) if isinstance(meta.get("walk"), dict) else {}
    if said.get("va_bits", va_bits) != va_bits or said.get("granule", 1 << granule) != 1 << granule:
        raise CaptureError(where, f"walk says otherwise than TCR of half {half}", "say it once")
    regime = regime_of(config)
    assert isinstance(regime, aarch64.Regime)
    low = aarch64.root_bits(regime)
    root = (ttbr & ((1 << 48) - 1)) >> low << low
    if phys_bits == 52:
        root |= (ttbr >> 2 & 15) << 48
    return Half(root, config)
