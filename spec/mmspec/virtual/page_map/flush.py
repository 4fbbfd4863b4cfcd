"""Which flush a change needs, and which Linux makes.

What is needed follows from what may be cached: x86-64 caches no entry that is not present, AArch64 none that gives a translation
fault, RISC-V any. A right that is given may be cached as missing: that costs one fault that was for nothing, and no flush.
"""

from __future__ import annotations

from typing import Any

from mmspec.clause import Clause, rule
from mmspec.virtual.page_map import clauses as c
from mmspec.virtual.page_map.ops import ALL, NONE, PAGE, Changed, FlushKind, Prot
from mmspec.virtual.page_map.state import Space
from mmspec.virtual.page_table.ops import AARCH64, RISCV64, X86_64


def for_map(space: Space) -> FlushKind:
    """Return what a new page needs, which Linux makes."""
    rule(c.FLUSH_MAP)
    return PAGE if space.regime.arch == RISCV64 else NONE


def for_protect(space: Space, old: Prot, new: Prot) -> FlushKind:
    """Return what a change of protection needs: a flush where a right goes."""
    rule(c.FLUSH_PROTECT)
    return PAGE if (old & ~new) != 0 else NONE


def for_free(space: Space, count: int) -> FlushKind:
    """Return what giving back tables needs: SFENCE.VMA of one address leaves what points to tables."""
    rule(c.FLUSH_FREE)
    if count == 0:
        return NONE
    return ALL if space.regime.arch == RISCV64 else PAGE


def linux_protect(space: Space, old: Prot, new: Prot) -> FlushKind:
    """Return what Linux flushes: x86-64 where R/W or XD changes, the others always (``pte_needs_flush``)."""
    return NONE if space.regime.arch == X86_64 and old == new else PAGE


def linux_split(space: Space) -> FlushKind:
    """Return what Linux flushes: x86-64 counts small pages, more than 33, and the kernel's own splits flush everything."""
    if space.regime.arch == X86_64 or (space.upper and space.regime.arch == RISCV64):
        return ALL
    return PAGE


def linux_invalid_first(space: Space) -> bool:
    """Tell whether Linux clears a huge leaf before it splits it: a process's always, the kernel's where it must."""
    return not space.upper or space.regime.arch == AARCH64


def breaks(space: Space, result: Any) -> bool:
    """Tell whether a block and a table are exchanged without an entry between that is not valid, where it must be."""
    rule(c.INVALID_FIRST)
    return space.regime.arch == AARCH64 and not result.invalid_first


def lacks(result: Changed, needed: FlushKind, structure: bool, why: Clause) -> Clause | None:
    """Name the clause that a flush breaks that drops less than is needed."""
    rule(why)
    if result.flush < needed:
        return why
    return why if structure and not result.structure else None
