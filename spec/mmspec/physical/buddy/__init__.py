"""The buddy allocator of one zone (mm/page_alloc.c, mm/page_isolation.c, v6.12; 6.1 where it differs).

The state is who owns each frame (``state.Zone``) and, beside it, Linux's ordered free lists (``state.FreeLists``). Read
``core`` first: what any buddy allocator must do; then ``linux``, ``lists`` and ``fallback``: which of the lawful answers Linux
gives. Not modelled: guard pages, page reporting, unaccepted memory, list shuffling, mobility grouping switched off
(``docs/clauses.toml`` says why for each row of the dossier). What the outside decides (watermarks, how much is reserved,
whether a pageblock's pages can be moved) belongs to the page allocator.
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.buddy import core, kinds, linux
from mmspec.physical.buddy.clauses import CHOICE, CLAUSES
from mmspec.physical.buddy.initial import initial_lists, initial_zone
from mmspec.physical.buddy.invariants import INVARIANTS
from mmspec.physical.buddy.ops import (
    Alloc,
    Block,
    Blocks,
    Config,
    Done,
    Frames,
    Free,
    FreeBlocks,
    FreeCount,
    Isolate,
    Page,
    Putback,
    Reserve,
    Retype,
    Take,
    Unisolate,
    Unreserve,
)  # fmt: skip
from mmspec.physical.buddy.state import FreeLists, Zone

ALLOC = Operation(
    "alloc", Alloc, Page, ("ENOMEM", "EINVAL"), core.alloc_allowed, core.alloc_apply, linux.alloc_choose, main="pfn"
)
FREE = Operation("free", Free, Done, ("EINVAL",), core.free_allowed, core.free_apply, linux.free_choose)
TAKE = Operation("take", Take, Done, ("EINVAL",), core.take_allowed, core.take_apply, linux.take_choose)
PUTBACK = Operation("putback", Putback, Done, ("EINVAL",), core.free_allowed, core.free_apply, linux.putback_choose)
ISOLATE = Operation(
    "isolate", Isolate, Done, ("EBUSY", "EINVAL"), kinds.isolate_allowed, kinds.isolate_apply, linux.isolate_choose
)
UNISOLATE = Operation(
    "unisolate", Unisolate, Done, ("EINVAL",), kinds.unisolate_allowed, kinds.unisolate_apply, linux.unisolate_choose
)
RETYPE = Operation("retype", Retype, Done, ("EBUSY", "EINVAL"), kinds.retype_allowed, kinds.retype_apply, linux.retype_choose)
RESERVE = Operation(
    "reserve", Reserve, Done, ("EBUSY", "EINVAL"), kinds.reserve_allowed, kinds.reserve_apply, linux.reserve_choose
)
UNRESERVE = Operation(
    "unreserve", Unreserve, Block, ("ENOENT", "EINVAL"), kinds.unreserve_allowed, kinds.unreserve_apply, linux.unreserve_choose
)
FREE_COUNT = Operation(
    "free_count", FreeCount, Frames, (), core.free_count_allowed, core.look_apply, linux.free_count_choose, observes=True
)
FREE_BLOCKS = Operation(
    "free_blocks", FreeBlocks, Blocks, (), core.free_blocks_allowed, core.look_apply, linux.free_blocks_choose, observes=True
)

BUDDY = Component(
    name="buddy",
    config=Config,
    state=Zone,
    policy=FreeLists,
    initial=initial_zone,
    initial_policy=initial_lists,
    operations=(ALLOC, FREE, TAKE, PUTBACK, ISOLATE, UNISOLATE, RETYPE, RESERVE, UNRESERVE, FREE_COUNT, FREE_BLOCKS),
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
