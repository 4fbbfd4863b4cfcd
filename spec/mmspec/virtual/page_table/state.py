"""The state of the page-table walk: physical memory, what accesses may have left in it, and what a cache may still hold."""

from __future__ import annotations

from typing import Annotated, Any

import attrs

from mmspec.errors import InputError
from mmspec.pmap import PMap, pmap
from mmspec.virtual.page_table import aarch64, riscv64, x86_64
from mmspec.virtual.page_table.ops import (
    AARCH64,
    ARCHITECTURES,
    DEFAULTS,
    GRANULE_4K,
    GRANULE_16K,
    GRANULE_64K,
    LA48,
    LA57,
    MODES,
    RISCV64,
    SV39,
    SV48,
    SV57,
    X86_64,
    Bits,
    Config,
    Entry,
    Mode,
    Pa,
    Va,
)  # fmt: skip
from mmspec.words import Word

Page = Annotated[int, Word("page", bits=64, lo=0, hi=(1 << 52) - 1, hexadecimal=True)]
"""A virtual address without its last twelve bits."""

Regime = x86_64.Regime | aarch64.Regime | riscv64.Regime
"""What the control registers say, in the terms of one architecture."""


@attrs.frozen
class Tables:
    """Memory, and the tables in it: whoever names a root says what is a table."""

    regime: Regime
    memory: PMap[Pa, Entry]  # the word at each multiple of 8; absent: 0
    may_be_set: PMap[Pa, Entry]  # clear bits of words in which accesses that faulted may have set them; absent: none
    stale: bool  # whether memory was written since the last flush of all addresses
    fresh: PMap[Page, bool]  # pages that were flushed since the last write


PAGE_SHIFT = 12
"""A flush of an address is one of the 4-KiB page that holds it, whatever the granule: the least that any cache may keep."""

WIDTHS: dict[Mode, tuple[Bits, Bits]] = {
    LA48: (48, 48), LA57: (57, 57), GRANULE_4K: (25, 52), GRANULE_16K: (25, 52), GRANULE_64K: (25, 52), SV39: (39, 39),
    SV48: (48, 48), SV57: (57, 57),
}  # fmt: skip
"""The least and the greatest ``va_bits`` of each mode."""

GRANULES: dict[Mode, Bits] = {GRANULE_4K: 12, GRANULE_16K: 14, GRANULE_64K: 16}

PHYS_BITS = {X86_64: range(32, 53), AARCH64: (32, 36, 40, 42, 44, 48, 52), RISCV64: range(32, 57)}
"""The widths of physical addresses that an architecture has."""


def modes_of(arch: int) -> tuple[Mode, ...]:
    """Return the modes of an architecture."""
    return {X86_64: (LA48, LA57), AARCH64: (GRANULE_4K, GRANULE_16K, GRANULE_64K), RISCV64: (SV39, SV48, SV57)}[arch]


def regime_of(config: Config) -> Regime:
    """Check a configuration at the door and return its regime (InputError: which field is wrong, and how it must be)."""
    if not (0 <= config.arch < len(ARCHITECTURES) and 0 <= config.mode < len(MODES)):
        raise InputError(f"there is no architecture {config.arch} with mode {config.mode}", hint="see mmspec describe page_table")
    if config.mode not in modes_of(config.arch):
        hint = ", ".join(MODES[mode] for mode in modes_of(config.arch))
        raise InputError(f"{ARCHITECTURES[config.arch]} has no mode {MODES[config.mode]}", hint=hint)
    least, most = WIDTHS[config.mode]
    if not least <= config.va_bits <= most:
        raise InputError(f"va_bits {config.va_bits} does not fit {MODES[config.mode]}", hint=f"{least} to {most}")
    if config.phys_bits not in PHYS_BITS[config.arch]:
        hint = " ".join(map(str, PHYS_BITS[config.arch]))
        raise InputError(f"{ARCHITECTURES[config.arch]} has no {config.phys_bits}-bit physical addresses", hint=hint)
    named = {name: value for name, value in attrs.asdict(config.controls).items() if value is not None}
    foreign = sorted(set(named) - set(DEFAULTS[config.arch]))
    if foreign:
        raise InputError(
            f"{ARCHITECTURES[config.arch]} has no control {foreign[0]}", hint=f"one of {', '.join(DEFAULTS[config.arch])}"
        )
    controls: dict[str, Any] = DEFAULTS[config.arch] | named
    if config.arch == X86_64:
        return x86_64.Regime(config.va_bits, config.phys_bits, **controls)
    if config.arch == RISCV64:
        return riscv64.Regime(config.va_bits, config.phys_bits, **controls)
    granule = GRANULES[config.mode]
    if "ds" not in named:
        controls["ds"] = granule < 16 and max(config.va_bits, config.phys_bits) > 48
    _check_wide(config, granule, bool(controls["ds"]))
    return aarch64.Regime(config.va_bits, config.phys_bits, granule, **controls)


def _check_wide(config: Config, granule: Bits, ds: bool) -> None:
    if ds and granule == 16:
        raise InputError("DS is of granules of 4 and 16 KiB", hint="with 64 KiB, 52-bit addresses need no DS")
    if granule < 16 and not ds and max(config.va_bits, config.phys_bits) > 48:
        raise InputError(f"{MODES[config.mode]} has addresses of more than 48 bits under DS only", hint='"ds": true')


def initial(config: Config) -> Tables:
    """Return the state after a reset (InputError: the configuration describes none)."""
    return Tables(regime_of(config), pmap(), pmap(), False, pmap())


def is_word(tables: Tables, pa: Pa) -> bool:
    """Tell whether an address is that of a word of memory."""
    return (pa & 7 == 0) & (pa >> tables.regime.phys_bits == 0)


def page_of(va: Va) -> Page:
    """Return the page of an address."""
    return va >> PAGE_SHIFT


def is_fresh(tables: Tables, va: Va) -> bool:
    """Tell whether no cache can hold anything about an address that is not so in memory any more."""
    return not tables.stale or tables.fresh.get(page_of(va), False)
