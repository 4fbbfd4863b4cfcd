"""What each architecture fixes about its memory map, each with where it was read.

A base is where the kernel puts the map without randomising: the law, and what is proved of it, takes any.
"""

from __future__ import annotations

import attrs

from mmspec.physical.memory_model.ops import FLATMEM, SPARSEMEM, SPARSEMEM_EXTREME, SPARSEMEM_VMEMMAP, Layout

_RAM_ARM, _RAM_RISCV = 0x40000000, 0x80000000
"""Where memory begins on QEMU's machines of these architectures: the map's bias."""

X86_64 = Layout(SPARSEMEM_VMEMMAP, 64, 12, 27, 46, 64, 0xFFFFEA0000000000)
"""Four levels (arch/x86/include/asm/sparsemem.h, pgtable_64_types.h:__VMEMMAP_BASE_L4, v6.12)."""

X86_64_CLASSIC = attrs.evolve(
    X86_64, model=SPARSEMEM_EXTREME, zone_device=False, nodes_shift=6, lru_gen=True, base=0xFFFF888100000000
)
"""The same kernel without SPARSEMEM_VMEMMAP (mm/Kconfig, v6.12)."""

ARM64_4K = Layout(SPARSEMEM_VMEMMAP, 64, 12, 27, 48, 64, (-(1 << 30) - (1 << 41)) % (1 << 64), _RAM_ARM >> 12, nodes_shift=4)
"""4 KiB pages, 48 bits (arch/arm64/include/asm/sparsemem.h, memory.h:VMEMMAP_START, pgtable.h:vmemmap, v6.12)."""

ARM64_64K = attrs.evolve(
    ARM64_4K, page_shift=16, section_size_bits=29, max_physmem_bits=52, first_pfn=_RAM_ARM >> 29 << 13, pageblock_order=13,
    base=(-(1 << 30) - (((1 << 52) - (1 << 47)) >> 10)) % (1 << 64),
)  # fmt: skip
"""64 KiB pages, 52 bits (the same files)."""

ARM64_16K = attrs.evolve(ARM64_4K, page_shift=14, first_pfn=_RAM_ARM >> 14, pageblock_order=11)

RISCV64 = Layout(SPARSEMEM_VMEMMAP, 64, 12, 27, 56, 64, 0xFFFF8D8000000000, _RAM_RISCV >> 12, nodes_shift=2)
"""Sv48 (arch/riscv/include/asm/sparsemem.h, pgtable.h:VMEMMAP_START, mm/init.c:vmemmap_start_pfn, v6.12)."""

_BITS_32 = {"hotplug": False, "zone_device": False, "lru_gen": False, "zones": 4, "nr_pageflags": 21}

X86_32 = Layout(FLATMEM, 32, 12, 26, 32, 32, 0xC1000000, max_mapnr=1 << 20, pageblock_order=10, nodes_shift=0, **_BITS_32)  # type: ignore[arg-type]
"""One node, 32-bit physical addresses (arch/x86/Kconfig:ARCH_FLATMEM_ENABLE, v6.12)."""

X86_32_NUMA = attrs.evolve(X86_32, model=SPARSEMEM, max_mapnr=0, nodes_shift=3)
"""Several nodes; sections in a static array (arch/x86/include/asm/sparsemem.h, Kconfig:SPARSEMEM_STATIC, v6.12)."""

X86_32_PAE = attrs.evolve(X86_32_NUMA, section_size_bits=29, max_physmem_bits=36, pageblock_order=9)

ARM_32 = attrs.evolve(X86_32, first_pfn=0x60000, max_mapnr=1 << 18)
"""A flat map that begins where memory does (arch/arm/include/asm/memory.h:PHYS_PFN_OFFSET, v6.12)."""

POWERPC64 = Layout(SPARSEMEM_VMEMMAP, 64, 16, 24, 51, 64, 0xC00C000000000000, pageblock_order=5, nodes_shift=8)
"""64 KiB pages, radix (arch/powerpc/include/asm/sparsemem.h, v6.12)."""

POWERPC64_4K = attrs.evolve(POWERPC64, page_shift=12, max_physmem_bits=47, pageblock_order=12)

S390 = Layout(SPARSEMEM_VMEMMAP, 64, 12, 28, 46, 64, 0x37200000000, pageblock_order=8, nodes_shift=1, zone_device=False)
"""CONFIG_MAX_PHYSMEM_BITS=46 (arch/s390/include/asm/sparsemem.h, v6.12)."""

LOONGARCH = Layout(SPARSEMEM_VMEMMAP, 64, 14, 29, 48, 64, 0xFFFF800000000000, pageblock_order=11, nodes_shift=6)
"""16 KiB pages (arch/loongarch/include/asm/sparsemem.h, v6.12)."""

ARCHITECTURES: dict[str, Layout] = {
    "x86_64": X86_64,
    "x86_64 with five levels": attrs.evolve(X86_64, max_physmem_bits=52, base=0xFFD4000000000000),
    "x86_64 without VMEMMAP": X86_64_CLASSIC,
    "x86_32": X86_32,
    "x86_32 with NUMA": X86_32_NUMA,
    "x86_32 with PAE and NUMA": X86_32_PAE,
    "arm64 with 4K pages": ARM64_4K,
    "arm64 with 4K pages and 52 bits": attrs.evolve(ARM64_4K, max_physmem_bits=52),
    "arm64 with 16K pages": ARM64_16K,
    "arm64 with 64K pages": ARM64_64K,
    "arm": ARM_32,
    "riscv64": RISCV64,
    "riscv64 with Sv57": attrs.evolve(RISCV64, base=0xFF1C000000000000),
    "powerpc64 with 64K pages": POWERPC64,
    "powerpc64 with 4K pages": POWERPC64_4K,
    "s390": S390,
    "loongarch with 16K pages": LOONGARCH,
}
"""The layouts of the architectures that Linux 6.12 runs on, by name."""
