"""Saying in advance which block the kernel hands out: what may be known before, what is told, and by what a model does it.

What may be known when (`INTERFACES.md` section 3) is kept by construction: of an allocation the model is handed a `Request`, and
the driver (`foretell`) learns the block from `Sealed` only after it has handed in what the model told. Frames that come back,
leave to compaction or are drained are read when their event is reached. Of an allocation's own event are read in advance:
process, CPU, order and type of the request, and that it goes on with a refill. The zone is read from the frame, and counted
where the capture has several and a refill begins.

An answer that depends on what no trace tells is told as its cause (`CAUSES`), before the block is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Protocol

import attrs

from mmspec.physical.buddy.ops import CMA, HIGHATOMIC, ISOLATE, MOVABLE, RECLAIMABLE, UNMOVABLE

from .archive import Capture, CaptureError
from .blocks import Blocks
from .snapshot import parse_pagetypeinfo

CAUSES: Mapping[str, str] = {
    "movable-pages": "whether half of a pageblock is free or like the request, with pages in it that may be off the LRU lists:"
    " not put on one yet (mm/swap.c:folio_batch_add_and_move), or taken off to be reclaimed or moved"
    " (mm/vmscan.c:isolate_lru_folios, mm/compaction.c:isolate_migratepages_block);"
    " mm/page_alloc.c:{prep_move_freepages_block, try_to_steal_block} asks, v6.12",
    "highatomic": "whether a pageblock was reserved for atomic requests, or given back: no event tells"
    " (mm/page_alloc.c:{reserve_highatomic_pageblock, unreserve_highatomic_pageblock}, v6.12)",
    "counters": "whether most free frames are CMA's: the counters that the kernel asks lag behind its lists, by as much as each"
    " CPU keeps back (mm/page_alloc.c:__rmqueue, mm/vmstat.c:calculate_normal_threshold, v6.12)",
}
"""Why a block cannot be told in advance: a closed list."""

TYPE_NAMES = {
    "Unmovable": UNMOVABLE,
    "Movable": MOVABLE,
    "Reclaimable": RECLAIMABLE,
    "HighAtomic": HIGHATOMIC,
    "CMA": CMA,
    "Isolate": ISOLATE,
}
"""The law's number of each type that a kernel names in /proc/pagetypeinfo (`mm/page_alloc.c:migratetype_names`, v6.12)."""


@attrs.frozen
class Request:
    """All that is known of an allocation before the block is."""

    zone: int
    order: int
    migratetype: int
    """UNMOVABLE, MOVABLE or RECLAIMABLE; HIGHATOMIC for what only the reserve's lists may serve."""
    cma: bool
    """Whether the request may use CMA pageblocks (`mm/page_alloc.c:gfp_to_alloc_flags_cma`)."""
    mostly_cma: tuple[bool, ...]
    """Whether most free frames are CMA's; both where nobody can tell."""
    bulk: bool
    """Whether it goes on with the refill that the request before it in its zone belongs to."""
    held: Callable[[int], tuple[Sequence[int], Set[int]]] = attrs.field(eq=False, repr=False)
    """Tells of a pageblock, by its first frame, which frames movable pages hold, and of which of these nobody is sure."""


@attrs.frozen
class Told:
    """What a model says in advance: the block's first frame (None: there is none), or why nobody can tell."""

    pfn: int | None
    cause: str | None = None
    owner: int | None = None
    """The type that the block's pageblock then has; None where the request's own lists serve it."""


class Predictor(Protocol):
    """A model that tells which block is next. Migratetypes are the law's numbers."""

    def predict(self, request: Request) -> Told:
        """Tell the block that is handed out next."""

    def settle(self, zone: int, pfn: int, order: int) -> str | None:
        """Let the block leave that was handed out, foretold or not; return what is wrong if it cannot."""

    def free(self, zone: int, pfn: int, order: int, migratetype: int | None, keep: tuple[int, int] | None) -> int | str | None:
        """Free a block by its cached type (None: by its pageblock's), unless a request for `keep` (order, type) keeps it.

        Return the block that is kept, what is wrong, or None.
        """

    def take(self, zone: int, pfn: int, order: int) -> str | None:
        """Let one listed block leave."""

    def turn(self, zone: int, pfn: int, to_tail: bool) -> None:
        """Turn the list of a listed block until the block is first, or last."""

    def behind(self, zone: int, pfn: int) -> int | None:
        """Return the block behind a listed block on its list, if there is one."""

    def type_at(self, zone: int, pfn: int) -> int:
        """Return the type of a frame's pageblock."""

    def retype(self, zone: int, pfn: int, migratetype: int) -> None:
        """Give a frame's pageblock and its free blocks a type."""

    def label(self, zone: int, pfn: int, migratetype: int) -> None:
        """Give a frame's pageblock a type, and move nothing."""

    def listed(self, zone: int, order: int, migratetype: int) -> tuple[int, ...]:
        """Return a list, head first."""

    def free_blocks(self, zone: int) -> Blocks:
        """Return the free blocks of a zone, in the canonical form."""


class Sealed:
    """The answer to one request. It is given out only when a prediction has been handed in."""

    __slots__ = ("_pfn", "_told")

    def __init__(self, pfn: int) -> None:
        self._pfn = pfn
        self._told: Told | None = None

    def hand_in(self, told: Told) -> None:
        """Hand in the one prediction (RuntimeError: there is one)."""
        if self._told is not None:
            raise RuntimeError("a prediction cannot be changed")
        self._told = told

    def open(self) -> int:
        """Return the block that was handed out (RuntimeError: nothing was predicted)."""
        if self._told is None:
            raise RuntimeError("an allocation's frame may not be read before it is predicted")
        return self._pfn


def type_numbers(capture: Capture, count: int) -> tuple[int, ...]:
    """Return the law's number of each of the capture's `count` types; raises `CaptureError` for a type that is unknown."""
    member = "start/pagetypeinfo.1"
    if not capture.has(member):
        return tuple(TYPE_NAMES.values()) if count > ISOLATE else (UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, ISOLATE)[:count]
    names = parse_pagetypeinfo(capture.text(member), f"{capture.path} {member}").types
    if len(names) != count or not set(names) <= TYPE_NAMES.keys():
        raise CaptureError(f"{capture.path} {member}", f"names types {' '.join(names)}", "these types are not specified")
    return tuple(TYPE_NAMES[name] for name in names)


def named_type(types: Sequence[int], number: int, where: object) -> int:
    """Return the law's number of a type that a capture names; raises `CaptureError` where the kernel has none such."""
    if not 0 <= number < len(types):
        raise CaptureError(where, f"names migratetype {number}, which this kernel has not: it is damaged")
    return types[number]
