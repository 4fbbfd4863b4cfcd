"""The machine words of the law, and the bit arithmetic that its components share.

A word type is ``Annotated[int, Word(...)]``: to the interpreter and to mypy it is an ``int``; the lifter reads the declared
width and range from it, the protocol reads whether it is written in hexadecimal, generators read its limits. Nothing here
checks a value: input from outside is checked once, at the door.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_type_hints

import attrs

PFN_BITS = 52
"""Width of a page frame number: 64-bit physical addresses with 4 KiB pages."""

MAX_ORDER_LIMIT = 13
"""Largest ``max_order`` of any supported kernel configuration (arm64 with 64 KiB pages; include/linux/mmzone.h, v6.12)."""

ABSENT = 15
"""The order that no block has: what a map of orders answers at a frame that heads no block."""

MIGRATETYPES = ("UNMOVABLE", "MOVABLE", "RECLAIMABLE", "HIGHATOMIC", "CMA", "ISOLATE")
"""Pageblock types by number (include/linux/mmzone.h:enum migratetype, v6.12, with CONFIG_CMA)."""


@attrs.frozen
class Word:
    """A declared integer type: its name, width in bits, inclusive range, and how the protocol writes it.

    With ``names`` the protocol writes ``names[value]``.
    """

    name: str
    bits: int
    lo: int
    hi: int
    hexadecimal: bool = False
    signed: bool = False
    names: tuple[str, ...] = ()


Pfn = Annotated[int, Word("pfn", bits=64, lo=0, hi=(1 << PFN_BITS) - 1, hexadecimal=True)]
"""A page frame number; as the exclusive end of a range it may be ``2**52``."""

PfnEnd = Annotated[int, Word("pfn_end", bits=64, lo=0, hi=1 << PFN_BITS, hexadecimal=True)]
"""The exclusive end of a range of frames."""

Order = Annotated[int, Word("order", bits=8, lo=0, hi=ABSENT)]
"""The binary logarithm of a block's size in frames; ``ABSENT`` where there is no block."""

Migratetype = Annotated[int, Word("migratetype", bits=8, lo=0, hi=5, names=MIGRATETYPES)]
"""A pageblock type (include/linux/mmzone.h:enum migratetype, v6.12, with CONFIG_CMA)."""

Pageblock = Annotated[int, Word("pageblock", bits=64, lo=0, hi=(1 << PFN_BITS) - 1)]
"""The index of a pageblock: ``pfn >> pageblock_order``."""

PageblockEnd = Annotated[int, Word("pageblock_end", bits=64, lo=0, hi=1 << PFN_BITS)]
"""The exclusive end of a range of pageblocks, by index."""

Count = Annotated[int, Word("count", bits=64, lo=0, hi=(1 << 62) - 1)]
"""A number of frames or blocks."""

Sign = Annotated[int, Word("sign", bits=8, lo=-1, hi=1, signed=True)]
"""Whether frames are counted in (1) or out (-1)."""

Flags = Annotated[int, Word("flags", bits=32, lo=0, hi=(1 << 32) - 1)]
"""A set of flag bits."""

Kernel = Annotated[int, Word("kernel", bits=16, lo=601, hi=612)]
"""A kernel version as 100 * major + minor."""

ListNumber = Annotated[int, Word("list_number", bits=8, lo=0, hi=0xFF)]
"""The number of an ordered list; 0xFF where there is none."""

Link = Annotated[int, Word("link", bits=64, lo=0, hi=(1 << 56) + 0xFFFF)]
"""A place in an ordered list: an element's key, or a list's own head (see ``linked``)."""


def word_of(annotation: Any) -> Word | None:
    """Return the ``Word`` that an annotation declares, or None where it declares none."""
    return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Word)), None)


_words_of: dict[type, dict[str, Word]] = {}


def words_of(record: type) -> dict[str, Word]:
    """Return the word of each field of a record that is one."""
    if record not in _words_of:
        hints = get_type_hints(record, include_extras=True)
        _words_of[record] = {name: word for name, annotation in hints.items() if (word := word_of(annotation)) is not None}
    return _words_of[record]


def size_of(order: Order) -> Count:
    """Return the number of frames in a block of ``order``."""
    return 1 << order


def head_of(frame: Pfn, order: Order) -> Pfn:
    """Return the first frame of the aligned block of ``order`` that holds ``frame``."""
    return (frame >> order) << order


def is_aligned(pfn: Pfn, order: Order) -> bool:
    """Tell whether ``pfn`` may head a block of ``order``: alignment counts from frame 0."""
    return (pfn & ((1 << order) - 1)) == 0
