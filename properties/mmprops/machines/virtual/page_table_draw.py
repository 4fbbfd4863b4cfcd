"""Configurations of the machine ``page_table``: architecture and mode, widths of addresses, control bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from mmspec.virtual.page_table.ops import (
    AARCH64,
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
    Controls,
    Mode,
)  # fmt: skip

ARCH_OF: dict[Mode, int] = {
    LA48: X86_64, LA57: X86_64, GRANULE_4K: AARCH64, GRANULE_16K: AARCH64, GRANULE_64K: AARCH64, SV39: RISCV64, SV48: RISCV64,
    SV57: RISCV64,
}  # fmt: skip

VA_BITS: dict[Mode, tuple[Bits, ...]] = {
    LA48: (48,), LA57: (57,), GRANULE_4K: (48, 39, 52, 47, 36, 42, 31), GRANULE_16K: (47, 48, 36, 52, 37),
    GRANULE_64K: (48, 42, 52, 43, 30), SV39: (39,), SV48: (48,), SV57: (57,),
}  # fmt: skip

PHYS_BITS: dict[int, tuple[Bits, ...]] = {
    X86_64: (40, 52, 46, 36, 39), AARCH64: (48, 40, 52, 36, 44, 32, 42), RISCV64: (56, 40, 34)
}  # fmt: skip


CONTROLS = tuple(field.name for field in attrs.fields(Controls))


def mask_of(*names: str) -> str:
    """Return the capability ``controls`` of a client that takes these control bits, a bit for each field of ``Controls``."""
    return hex(sum(1 << CONTROLS.index(name) for name in names))


def taken(capabilities: Mapping[str, Any], name: str) -> bool:
    """Tell whether a client takes a control bit that is not as usual."""
    return int(capabilities["controls"], 16) >> CONTROLS.index(name) & 1 == 1


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a configuration, as far as the capabilities allow."""
    modes = range(len(MODES)) if capabilities["mode"] == "all" else (MODES.index(capabilities["mode"]),)
    mode = modes[header[0] % len(modes)]
    arch = ARCH_OF[mode]
    va_bits = VA_BITS[mode][header[1] % len(VA_BITS[mode])]
    phys_bits = capabilities["phys_bits"] or PHYS_BITS[arch][header[2] % len(PHYS_BITS[arch])]
    names = list(DEFAULTS[arch])
    chosen: dict[str, Any] = {}
    for place, name in enumerate(names):
        byte = header[3 + place % 6] >> (place // 6) & 1
        if name not in ("pkru", "ds") and byte and taken(capabilities, name):
            chosen[name] = not DEFAULTS[arch][name] if name in ("wp", "nxe", "gbpages") and header[9] & 3 else True
    if arch == X86_64 and chosen.get("pke"):
        chosen["pkru"] = int.from_bytes(header[10:14], "little")
    if arch == AARCH64:
        if mode != GRANULE_64K and va_bits <= 48 and phys_bits > 48 and header[14] & 1:
            phys_bits = 48
        for turn, name in enumerate(("epd", "e0pd")):  # a configuration in which nothing succeeds says little
            chosen.pop(name, None)
            if header[15] & 3 == turn and taken(capabilities, name):
                chosen[name] = True
        if mode != GRANULE_64K and header[14] & 12 == 4 and taken(capabilities, "ds"):
            chosen["ds"] = True
    return Config(arch, mode, va_bits, phys_bits, explicit(arch, mode, max(va_bits, phys_bits), chosen))


def explicit(arch: int, mode: Mode, widest: Bits, chosen: Mapping[str, Any]) -> Controls:
    """Return control bits of which each is said, so that a client needs no defaults."""
    needed = {"ds": True} if mode in (GRANULE_4K, GRANULE_16K) and widest > 48 else {}
    return Controls(**(DEFAULTS[arch] | needed | dict(chosen)))


def usual(config: Config) -> Controls:
    """Return the control bits of a configuration that says nothing of them."""
    return explicit(config.arch, config.mode, max(config.va_bits, config.phys_bits), {})


def simpler(config: Config) -> Iterator[Config]:
    """Yield configurations that are simpler: no control bits, fewer of them, the first widths."""
    plain = usual(config)
    if config.controls != plain:
        yield attrs.evolve(config, controls=plain)
    for name, value in attrs.asdict(plain).items():
        if getattr(config.controls, name) != value:
            yield attrs.evolve(config, controls=attrs.evolve(config.controls, **{name: value}))
    for smaller in ({"phys_bits": PHYS_BITS[config.arch][0]}, {"va_bits": VA_BITS[config.mode][0]}):
        other = attrs.evolve(config, **smaller)  # type: ignore[arg-type]
        if other != config:
            yield attrs.evolve(other, controls=attrs.evolve(config.controls, ds=usual(other).ds))
