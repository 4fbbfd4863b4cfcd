"""The requests and results of changes to page tables, and the configuration that says whose tables they are.

Shared by the law, every implementation and every client; nothing here decides anything.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import attrs

from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM, Error
from mmspec.virtual.page_table.ops import Arch, Entry, Mode, Pa, PhysBits, Size, Va, VaBits
from mmspec.words import Word

__all__ = [
    "EBUSY",
    "EINVAL",
    "ENOENT",
    "ENOMEM",
    "Bytes",
    "Changed",
    "Collapse",
    "Config",
    "Error",
    "Found",
    "FreeTables",
    "Look",
    "Map",
    "Protect",
    "Seen",
    "Split",
    "TableBytes",
    "Translate",
    "Unmap",
]  # fmt: skip

MAX_TABLES = 64
"""The most tables that a space may have below its root: enough for every shape, few enough to draw."""

FLUSHES = ("none", "page", "range", "all")
NONE, PAGE, RANGE, ALL = range(4)

WRITE: Final = 1
EXECUTE: Final = 2

Height = Annotated[int, Word("height", bits=8, lo=1, hi=5)]
"""Linux's level of an entry: 1 PTE, 2 PMD, 3 PUD, 4 P4D, 5 PGD, whatever the architecture's number."""

Prot = Annotated[int, Word("prot", bits=8, lo=0, hi=3)]
"""What a page grants beside reading: the sum of ``WRITE`` and ``EXECUTE``."""

FlushKind = Annotated[int, Word("flush", bits=8, lo=0, hi=3, names=FLUSHES)]
"""How much a flush drops: nothing, one page of any size, each smallest page of a range, or all of an address space."""

Tables = Annotated[int, Word("tables", bits=8, lo=0, hi=MAX_TABLES)]
"""A number of tables."""

Granted = Annotated[int, Word("permissions", bits=8, lo=0, hi=63)]
"""What a translation grants, as ``page_table`` has it."""


@attrs.frozen
class Config:
    """Whose tables these are: one half of an address space, the kernel's (``upper``) or a process's.

    The root lies at ``base``, the ``pool`` tables that may be taken follow it, each as large as the smallest page. ``nxe`` and
    ``gbpages`` are of x86-64; other control bits are as ``page_table`` has them when nothing is said.
    """

    arch: Arch
    mode: Mode
    va_bits: VaBits
    phys_bits: PhysBits
    base: Pa
    pool: Tables
    upper: bool = False
    nxe: bool = True
    gbpages: bool = True


@attrs.frozen
class Map:
    """Map the page of a height at ``va`` to the frame at ``pa``, where nothing is mapped."""

    va: Va
    pa: Pa
    height: Height
    prot: Prot


@attrs.frozen
class Unmap:
    """Clear the leaf of a height that maps the page at ``va``. Tables stay: ``FreeTables`` gives them back."""

    va: Va
    height: Height


@attrs.frozen
class Protect:
    """Change what the page of a height at ``va`` grants."""

    va: Va
    height: Height
    prot: Prot


@attrs.frozen
class Split:
    """Replace the huge leaf of a height at ``va`` by a table of leaves one height below."""

    va: Va
    height: Height


@attrs.frozen
class Collapse:
    """Replace the table of leaves below ``va`` at a height by one leaf, where they map one aligned frame alike."""

    va: Va
    height: Height


@attrs.frozen
class FreeTables:
    """Give back the tables on the way to ``va`` that hold nothing, from the lowest up."""

    va: Va


@attrs.frozen
class Changed:
    """The tables were changed.

    ``flush`` is of the page, or of all that the changed entry spans. ``structure``: what was cached on the way goes as well.
    ``invalid_first``: the entry was cleared and that flush made before the new form was stored. ``tables`` are those that were
    taken, from the root down, or given back, from the lowest up.
    """

    failed: ClassVar[Literal[False]] = False
    flush: FlushKind
    structure: bool = False
    invalid_first: bool = False
    tables: tuple[Pa, ...] = ()


@attrs.frozen
class Translate:
    """Walk to an address, as the half's owner."""

    va: Va


@attrs.frozen
class Found:
    """The byte that an address means, the size of its page and what it grants."""

    failed: ClassVar[Literal[False]] = False
    pa: Pa
    size: Size
    permissions: Granted


@attrs.frozen
class Look:
    """Look at the entry of one of Linux's five levels for an address; a folded level has the root's."""

    va: Va
    height: Height


@attrs.frozen
class Seen:
    """Where an entry lies and what it is."""

    failed: ClassVar[Literal[False]] = False
    at: Pa
    value: Entry


@attrs.frozen
class TableBytes:
    """Ask how many bytes of tables the space is charged with."""


@attrs.frozen
class Bytes:
    """A number of bytes."""

    failed: ClassVar[Literal[False]] = False
    count: Size
