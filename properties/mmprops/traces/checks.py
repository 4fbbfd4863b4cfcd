"""Whether the views within a capture's snapshots agree: `mmspec replay --snapshots`.

Each check compares two things that the kernel, or its RAM, says of one moment. Files of a moment were read one after the
other, so a difference speaks against the kernel only where nothing moved meanwhile: three equal readings of `buddyinfo`
make a moment quiet, and in others a difference is `unknown`, never `fail`. Ids in the texts are those of the clauses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import attrs
import numpy as np

from . import numbers
from .archive import Capture
from .blocks import HUGE_PAGE_ORDER, BlockStream
from .formats import BUDDY_EVENTS, Event, Marker, Tally, tables
from .replay import FreeBlocks, replay
from .snapshot import (
    KPF_BUDDY,
    MOMENTS,
    NOT_PRESENT,
    Moment,
    RamLists,
    ZoneKey,
    ZoneLists,
    decompose,
    flagged_runs,
    pcp_order,
    read_lists,
    read_moment,
)
from .zones import ZoneMap, node_ranges

Verdict = Literal["pass", "fail", "unknown"]

_BLOCK_FRAMES = 512
_BARRIER_TYPES = ("HighAtomic", "CMA", "Isolate")
"""Types whose pageblocks do not merge with others (`mm/page_alloc.c:migratetype_is_mergeable`), as they are printed."""


@attrs.frozen
class Row:
    """The outcome of one check of one moment."""

    tag: str
    check: str
    verdict: Verdict
    detail: str


@attrs.frozen(eq=False)
class _View:
    """One moment with the lists of the pause after it, and which frame is whose."""

    tag: str
    moment: Moment
    lists: RamLists
    zones: ZoneMap
    window: Sequence[Event] | None
    """The buddy's events from the moment to the end of the pause; None where the trace lacks it."""
    capture: Capture

    def names(self) -> list[ZoneKey]:
        """The zones, in the order of `zones.spans`."""
        return [(span.node, span.name) for span in self.zones.spans]


def _verdict(problems: Sequence[str], quiet: bool, good: str) -> tuple[Verdict, str]:
    if not problems:
        return "pass", good
    text = "; ".join(problems[:4]) + ("; ..." if len(problems) > 4 else "")
    return ("fail", text) if quiet else ("unknown", f"not quiet: {text}")


def _quiet(view: _View) -> tuple[Verdict, str]:
    if view.moment.quiet:
        return "pass", "three equal readings of buddyinfo"
    return "unknown", "buddyinfo changed while the moment was read"


def _decomposition(view: _View) -> tuple[Verdict, str]:
    """BUDDY-3: frames flagged as free, cut greedily into the largest aligned blocks, are what buddyinfo counts."""
    counts = view.moment.buddyinfo[0]
    problems = [f"zone {key[0]}:{key[1]} is not in RAM's lists" for key in counts if any(counts[key]) and key not in view.names()]
    explained = not problems
    for zone, key in enumerate(view.names()):
        runs = flagged_runs(view.moment.kpageflags, KPF_BUDDY, view.zones.runs(zone))
        want = counts.get(key, ())
        orders = Counter(decompose(runs, len(want) - 1).values()) if want else Counter()
        have = tuple(orders[order] for order in range(len(want)))
        if have == want:
            continue
        problems.append(f"zone {view.zones.spans[zone].label}: flags give {have}, buddyinfo {want}")
        explained = explained and _unmerged_explain(view, zone, have, want)
    if problems and explained:
        return "unknown", f"pageblocks that are not merged: {problems[0]}"
    return _verdict(problems, view.moment.quiet, f"{len(view.names())} zones")


def _unmerged_explain(view: _View, zone: int, have: tuple[int, ...], want: tuple[int, ...]) -> bool:
    """Say whether only orders from the pageblock's up differ, in a zone where the kernel leaves such buddies unmerged."""
    types = view.moment.pagetypes
    border = types.pageblock_order
    row = types.blocks.get(view.names()[zone], ())
    barred = any(count for name, count in zip(types.types, row, strict=False) if name in _BARRIER_TYPES)
    apart = any(order >= border for _, order in _pairs_apart(view.lists.zones[zone]))
    return (barred or apart) and have[:border] == want[:border] and _frames(have) == _frames(want)


def _frames(counts: Sequence[int]) -> int:
    return sum(count << order for order, count in enumerate(counts))


def _type_sums(view: _View) -> tuple[Verdict, str]:
    """BUDDY-5: over all types, the lists hold the blocks that buddyinfo counts."""
    types = view.moment.pagetypes
    problems = []
    for key, want in view.moment.buddyinfo[1].items():
        names = [(*key, name) for name in types.types]
        if any(name in types.capped for name in names):
            return "unknown", f"the kernel stopped counting the lists of zone {key[0]}:{key[1]}"
        rows = [types.free.get(name, ()) for name in names]
        have = tuple(map(sum, zip(*rows, strict=False)))
        if have != want:
            problems.append(f"zone {key[0]}:{key[1]}: types sum to {have}, buddyinfo {want}")
    return _verdict(problems, view.moment.quiet, f"{len(view.moment.buddyinfo[1])} zones, {len(types.types)} types")


def _counter(view: _View) -> tuple[Verdict, str]:
    """BUDDY-6: NR_FREE_PAGES is what buddyinfo sums to, less the free frames of isolated pageblocks.

    Each CPU may hold back a difference up to its threshold (`mm/vmstat.c:__mod_zone_page_state`); frames on per-CPU lists
    are in neither figure; memory not yet accepted is only in the counter.
    """
    problems, drift = [], 0
    types = view.moment.pagetypes
    for key, counts in view.moment.buddyinfo[1].items():
        zone = view.moment.zones.get(key)
        if zone is None or "nr_free_pages" not in zone.counters:
            problems.append(f"zone {key[0]}:{key[1]}: not in zoneinfo")
            continue
        isolated = _frames(types.free.get((*key, "Isolate"), ()))
        want = _frames(counts) - isolated + zone.counters.get("nr_unaccepted", 0)
        have, allowed = zone.counters["nr_free_pages"], sum(zone.thresholds)
        drift = max(drift, abs(have - want))
        if abs(have - want) > allowed:
            problems.append(f"zone {key[0]}:{key[1]}: counter {have}, blocks {want}, allowed drift {allowed}")
    return _verdict(problems, view.moment.quiet, f"largest drift {drift} frames")


def _lists_follow(view: _View) -> tuple[Verdict, str]:
    """The flagged frames, carried over the events up to the pause, are the free lists in RAM."""
    if view.window is None:
        return "unknown", "the trace does not hold the time from this moment to the pause"
    frames = view.moment.kpageflags
    top = view.lists.zones[0].max_order
    initial = [decompose(flagged_runs(frames, KPF_BUDDY, view.zones.runs(zone)), top) for zone in range(len(view.zones.spans))]
    stream = BlockStream(view.capture, initial, view.window)
    outcome = replay(stream, FreeBlocks(stream))
    here = [comparison for comparison in outcome.comparisons if comparison.tag == view.tag]
    if outcome.missing_events or not here:
        return "unknown", f"the capture lacks {', '.join(outcome.missing_events) or 'the pause'}"
    problems = [] if outcome.first_contradiction is None else [outcome.first_contradiction]
    problems += [f"zone {one.zone} order {one.order}: {len(one.only_ram)} only in RAM" for one in here if not one.equal]
    return _verdict(problems, view.moment.quiet, f"{outcome.steps} steps to the pause, {len(here)} counts")


def _pageblock_types(view: _View) -> tuple[Verdict, str]:
    """pagetypeinfo counts the pageblocks as their types lie in RAM, walking each zone in steps from its first frame."""
    types = view.moment.pagetypes
    if 1 << types.pageblock_order != _BLOCK_FRAMES:
        return "unknown", f"RAM's types are of blocks of {_BLOCK_FRAMES} frames, the kernel's of order {types.pageblock_order}"
    problems = []
    for zone, key in enumerate(view.names()):
        span = view.zones.spans[zone]
        count = [0] * len(types.types)
        for pfn in range(span.start_pfn, span.end_pfn, _BLOCK_FRAMES):
            place = pfn // _BLOCK_FRAMES
            kind = view.lists.pageblock_mt[place] if place < len(view.lists.pageblock_mt) else NOT_PRESENT
            if view.zones.find(pfn) == zone and 0 <= kind < len(count):
                count[kind] += 1
        if tuple(count) != types.blocks.get(key, ()):
            problems.append(f"zone {span.label}: RAM {tuple(count)}, pagetypeinfo {types.blocks.get(key, ())}")
    moved = view.window is None or any(not isinstance(event, Marker) for event in view.window)
    if problems and moved:
        return "unknown", f"blocks moved before the pause: {problems[0]}"
    return _verdict(problems, view.moment.quiet, f"{len(view.lists.pageblock_mt)} pageblocks")


def _list_blocks(view: _View) -> tuple[Verdict, str]:
    """BUDDY-1, BUDDY-2: blocks on lists are aligned, in their zone, and no frame is on two lists, per-CPU ones included."""
    problems = []
    for zone, lay in enumerate(view.lists.zones):
        blocks = [(pfn, order) for pfn, order, _ in lay.blocks()]
        cached = [
            (pfn, pcp_order(index, HUGE_PAGE_ORDER)) for pcp in lay.pcp for index, heads in enumerate(pcp.lists) for pfn in heads
        ]
        end = -1
        for pfn, order in sorted(blocks + cached):
            if pfn % (1 << order):
                problems.append(f"zone {lay.span.label}: block {pfn} of order {order} is not aligned")
            if view.zones.find(pfn) != zone or view.zones.find(pfn + (1 << order) - 1) != zone:
                problems.append(f"zone {lay.span.label}: block {pfn} of order {order} is not in the zone")
            if pfn < end:
                problems.append(f"zone {lay.span.label}: frame {pfn} is on two lists")
            end = max(end, pfn + (1 << order))
    return _verdict(problems, True, f"{len(view.lists.zones)} zones")


def _pairs_apart(lay: ZoneLists) -> list[tuple[int, int]]:
    """Return (first frame, order) of every pair of free buddies that could be one block."""
    blocks = {(pfn, order) for pfn, order, _ in lay.blocks()}
    return sorted(
        (pfn, order)
        for pfn, order in blocks
        if order < lay.max_order and not pfn & (1 << order) and (pfn | (1 << order), order) in blocks
    )


def _buddies(view: _View) -> tuple[Verdict, str]:
    """BUDDY-3: no two free buddies of one order below the pageblock's are apart; larger ones may be, by type or history."""
    problems, large = [], 0
    for lay in view.lists.zones:
        for pfn, order in _pairs_apart(lay):
            large += order >= view.moment.pagetypes.pageblock_order
            if order < view.moment.pagetypes.pageblock_order:
                problems.append(f"zone {lay.span.label}: free buddies {pfn} and {pfn | (1 << order)} of order {order}")
    return _verdict(problems, True, f"{large} pairs of at least a pageblock are apart")


def _list_types(view: _View) -> tuple[Verdict, str]:
    """BUDDY-4: a free block is on the list of its pageblock's type (of its first, if it spans several)."""
    if 1 << view.moment.pagetypes.pageblock_order != _BLOCK_FRAMES:
        return "unknown", f"RAM's types are of blocks of {_BLOCK_FRAMES} frames"
    problems = []
    types = view.lists.pageblock_mt
    for lay in view.lists.zones:
        for pfn, order, migratetype in lay.blocks():
            place = pfn // _BLOCK_FRAMES
            kind = types[place] if place < len(types) else NOT_PRESENT
            if kind != migratetype:
                problems.append(f"zone {lay.span.label}: block {pfn} of order {order} on list {migratetype}, type {kind}")
    return _verdict(problems, True, f"{len(view.lists.zones)} zones")


def _pcp_count(view: _View) -> tuple[Verdict, str]:
    """PCP-COUNT: a per-CPU count is the number of frames on that CPU's lists."""
    problems = []
    for lay in view.lists.zones:
        for cpu, pcp in enumerate(lay.pcp):
            frames = sum(len(heads) << pcp_order(index, HUGE_PAGE_ORDER) for index, heads in enumerate(pcp.lists))
            if frames != pcp.count:
                problems.append(f"zone {lay.span.label} CPU {cpu}: count {pcp.count}, lists {frames}")
    return _verdict(problems, True, f"{sum(len(lay.pcp) for lay in view.lists.zones)} CPUs' lists")


def _of_numbers(check: Callable[[Moment, RamLists, Capture], tuple[Verdict, str]]) -> Callable[[_View], tuple[Verdict, str]]:
    def checked(view: _View) -> tuple[Verdict, str]:
        return check(view.moment, view.lists, view.capture)

    checked.__doc__ = check.__doc__
    return checked


CHECKS: Mapping[str, Callable[[_View], tuple[Verdict, str]]] = {
    "quiet": _quiet,
    "flags-buddyinfo": _decomposition,
    "pagetypeinfo-buddyinfo": _type_sums,
    "nr-free-pages": _counter,
    "flags-lists": _lists_follow,
    "pageblock-types": _pageblock_types,
    "list-blocks": _list_blocks,
    "list-buddies": _buddies,
    "list-types": _list_types,
    "pcp-count": _pcp_count,
    "watermarks": _of_numbers(numbers.watermarks),
    "protection": _of_numbers(numbers.protection),
    "pcp-limits": _of_numbers(numbers.pcp_limits),
    "thresholds": _of_numbers(numbers.thresholds),
    "zone-counters": _of_numbers(numbers.zone_counters),
    "node-statistics": _of_numbers(numbers.node_statistics),
    "fallback-order": _of_numbers(numbers.fallback_order),
}
"""The checks by name."""

CLAUSES: Mapping[str, tuple[str, ...]] = {
    "flags-buddyinfo": ("BUDDY-3",),
    "pagetypeinfo-buddyinfo": ("BUDDY-5",),
    "nr-free-pages": ("BUDDY-6",),
    "list-blocks": ("BUDDY-1", "BUDDY-2"),
    "list-buddies": ("BUDDY-3",),
    "list-types": ("BUDDY-4",),
    "pcp-count": ("PCP-COUNT",),
    "watermarks": ("WATERMARKS-1",),
    "protection": ("WATERMARKS-RESERVE-KEPT",),
    "pcp-limits": ("WATERMARKS-PCP-ORDERED",),
    "thresholds": ("VMSTAT-NORMAL",),
    "zone-counters": ("ZONES-2", "ZONES-6"),
    "fallback-order": ("ZONES-4",),
}
"""The clauses that a check holds a kernel's own state to; the others compare views of it."""


def snapshot_checks(capture: Capture) -> list[Row]:
    """Run every check on every moment that the capture holds; raises `CaptureError` where a file is damaged."""
    moments = [name for name in MOMENTS if capture.has(f"{name}/buddyinfo.0")]
    windows = dict(_windows(capture, moments)) if moments else {}
    return [row for name in moments for row in _moment_rows(capture, name, windows.get(name))]


def _moment_rows(capture: Capture, name: str, window: Sequence[Event] | None) -> Iterator[Row]:
    lists = read_lists(capture, name.upper())
    zones = ZoneMap([zone.span for zone in lists.zones], node_ranges(capture))
    view = _View(lists.tag, read_moment(capture, name), lists, zones, window, capture)
    for check, function in CHECKS.items():
        verdict, detail = function(view)
        yield Row(view.tag, check, verdict, detail)


def _windows(capture: Capture, moments: Sequence[str]) -> Iterator[tuple[str, list[Event]]]:
    """Yield for each moment the buddy's events from the end of its reading to the end of the pause that follows."""
    opening = {f"SNAP {name} end": name for name in moments}
    name, paused = None, False
    window: list[Event] = []
    for table in tables(capture, BUDDY_EVENTS, Tally()):
        if name is None and not table.rows(Marker).size:
            continue  # no window is open, and none opens here
        for event in table.records(np.ones(len(table.batch), bool))[1]:
            line = event.line if isinstance(event, Marker) else None
            if name is not None and paused and line is not None:
                yield name, [*window, event]
                name = None
            if line in opening:
                name, paused, window = opening[line], False, []
            elif name is not None:
                window.append(event)
                paused = paused or line == f"SPIN {name.upper()}"
    if name is not None and paused:
        yield name, window
