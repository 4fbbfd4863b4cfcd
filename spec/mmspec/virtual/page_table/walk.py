"""What a walk comes to, whatever the encoding of the tables: the one abstract result of the three architectures."""

from __future__ import annotations

from typing import Annotated

import attrs

from mmspec.clause import Clause
from mmspec.pmap import PMap
from mmspec.virtual.page_table import clauses as c
from mmspec.virtual.page_table.ops import NO_FAULT, Code, Entry, Level, Pa, Size
from mmspec.words import Word

Memory = PMap[Pa, Entry]
"""Physical memory: the 64-bit word at each multiple of 8; what is absent reads 0."""

KERNEL_READ, KERNEL_WRITE, KERNEL_EXECUTE, USER_READ, USER_WRITE, USER_EXECUTE = (1 << bit for bit in range(6))

Permissions = Annotated[int, Word("permissions", bits=8, lo=0, hi=63)]
"""What the entries of all levels grant together, before control bits add or take away: a set of the six above."""

WalkFault = Annotated[int, Word("walk_fault", bits=8, lo=0, hi=NO_FAULT)]
"""The kind of a fault, or ``NO_FAULT``."""

MemoryType = Annotated[int, Word("memory_type", bits=8, lo=0, hi=7)]
"""What the leaf says of caching: x86-64 the index into the PAT, AArch64 AttrIndx, RISC-V PBMT."""


@attrs.frozen
class Walk:
    """A translation or a fault.

    ``used`` are the entries that were read, from the root on; of a fault those that were sound. ``memory`` is the memory after
    it. Of a fault, ``touched`` are the entries in which hardware may have set the bits ``may_set`` nonetheless.
    """

    fault: WalkFault
    level: Level  # of the leaf, or of the entry at which the walk ended
    code: Code  # 0 without a fault
    why: Clause  # the rule that decided
    memory: Memory
    used: tuple[Pa, ...] = ()
    pa: Pa = 0
    size: Size = 0
    permissions: Permissions = 0
    memory_type: MemoryType = 0
    is_global: bool = False
    entry: Entry = 0  # the leaf, as the walk found it
    accessed: tuple[Pa, ...] = ()
    dirty: tuple[Pa, ...] = ()
    touched: tuple[Pa, ...] = ()
    may_set: Entry = 0


NOTHING_USED: tuple[Pa, ...] = ()
"""The entries that a walk has read before the first."""


def set_bits(memory: Memory, entries: tuple[Pa, ...], bits: Entry) -> tuple[Memory, tuple[Pa, ...]]:
    """Set a bit in each of some entries; return the memory, and the entries in which it was clear."""
    changed: tuple[Pa, ...] = ()
    for at in entries:
        entry = memory.get(at, 0)
        if entry & bits == 0:
            memory = memory.set(at, entry | bits)
            changed = (*changed, at)
    return memory, changed


def rights(user: bool, read: bool, write: bool, execute: bool) -> Permissions:
    """Return the permissions of a page that says once what may be done, and whether a user may."""
    granted = (read * KERNEL_READ) | (write * KERNEL_WRITE) | (execute * KERNEL_EXECUTE)
    return granted | (user * (granted << 3))


TRANSLATED = c.TRANSLATED
"""The rule that decides where nothing forbids an access."""
