"""The page allocator on real frames: a request is served from a zone, through a CPU's lists and the free lists (v6.12).

A composite: what Linux keeps of a zone are the states of ``buddy``, ``pcp`` and ``vmstat``, each as it is there, and the walk
over zones is that of ``page_alloc``; every step is a list of steps of these. Beside it stands what everybody knows: which frames
requests have. Read ``core`` and ``ranges`` first: what every page allocator must keep; then ``parts``: one zone; ``linux``: all
zones; ``contig``: ranges of frames. What a request comes to (its flags), reclaim and compaction belong to ``page_alloc``;
migration is the client's. Not modelled: contended locks, boosts that a claim brings, and in how many steps a claim, or a change
of a pageblock's type, is counted (here: one).
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.pages import bulk, contig, core, linux, ranges
from mmspec.physical.pages.clauses import CHOICE, CLAUSES
from mmspec.physical.pages.initial import initial_linux
from mmspec.physical.pages.invariants import INVARIANTS
from mmspec.physical.pages.ops import (
    Alloc,
    Answer,
    BulkTake,
    BulkZone,
    Config,
    Contig,
    Done,
    Drain,
    DrainAll,
    DrainZone,
    Free,
    IsolateRange,
    Page,
    Refresh,
    Served,
    Split,
    UndoRange,
    Unreserve,
)
from mmspec.physical.pages.state import Linux, Memory, initial_memory

_E = ("EINVAL",)
_B = ("EINVAL", "EBUSY")
_same = core.same_apply

OPERATIONS = (
    Operation("alloc", Alloc, Page, ("ENOMEM", "EINVAL"), core.alloc_allowed, core.alloc_apply, linux.alloc_choose, main="pfn"),
    Operation("free", Free, Done, _E, core.free_allowed, core.free_apply, linux.free_choose),
    Operation(
        "bulk_zone",
        BulkZone,
        Served,
        _E,
        core.bulk_zone_allowed,
        _same,
        bulk.bulk_zone_choose,
    ),
    Operation(
        "bulk_take",
        BulkTake,
        Page,
        ("ENOMEM", "EINVAL"),
        core.bulk_take_allowed,
        core.bulk_take_apply,
        bulk.bulk_take_choose,
        main="pfn",
    ),
    Operation("split", Split, Done, _E, core.split_allowed, core.split_apply, linux.split_choose),
    Operation("drain", Drain, Done, _E, core.drain_allowed, _same, linux.drain_choose),
    Operation("drain_zone", DrainZone, Done, _E, core.drain_zone_allowed, ranges.drain_zone_apply, linux.drain_zone_choose),
    Operation("drain_all", DrainAll, Done, _E, core.drain_allowed, ranges.drain_all_apply, linux.drain_all_choose),
    Operation("refresh", Refresh, Done, _E, core.drain_allowed, _same, linux.refresh_choose),
    Operation("unreserve", Unreserve, Answer, _E, core.unreserve_allowed, _same, linux.unreserve_choose),
    Operation(
        "isolate_range",
        IsolateRange,
        Done,
        _B,
        ranges.isolate_range_allowed,
        ranges.isolate_range_apply,
        contig.isolate_range_choose,
    ),
    Operation("contig", Contig, Done, _B, ranges.contig_allowed, ranges.contig_apply, contig.contig_choose),
    Operation("undo_range", UndoRange, Done, _E, ranges.undo_range_allowed, ranges.undo_range_apply, contig.undo_range_choose),
)

PAGES = Component(
    name="pages",
    config=Config,
    state=Memory,
    policy=Linux,
    initial=initial_memory,
    initial_policy=initial_linux,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
