"""What a capture holds of the machine's state: the texts of /proc, the arrays of page flags, the lists out of RAM.

`start`, `mid` and `end` are three moments. The files of one moment were read one after the other, so they need not
agree; `buddyinfo` was read three times, and three equal readings say that the moment was quiet. A little later the machine
was paused and its RAM dumped: `lists.{START,MID,END}.json`.

Nothing is taken for granted about the number of nodes, zones, CPUs, orders or migratetypes, nor about the numbers of the
types: the header of `pagetypeinfo` gives their names in the order of their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from .archive import Capture, CaptureError
from .zones import ZoneSpan

MOMENTS = ("start", "mid", "end")
"""The names of the moments; the lists of moment `mid` are tagged `MID`."""

KPF_BUDDY = 10
"""Bit of /proc/kpageflags that every frame of a free block has (`include/uapi/linux/kernel-page-flags.h`)."""

NOT_PRESENT = -1
"""`pageblock_mt` of a pageblock in an absent section."""

TYPED_ORDER = 9
"""`pageblock_mt` tells a type for each 2**9 frames, whatever the pageblocks' order is."""

ZoneKey = tuple[int, str]
"""(node, zone name)."""

_ZONE_LINE = re.compile(r"^Node\s+(\d{1,5}), zone\s+(\S+?)((?:\s+\d{1,20})*)\s*$")
_TYPE_LINE = re.compile(r"^Node\s+(\d{1,5}), zone\s+(\S+), type\s+(\S+)((?:\s+(?:>\s*)?\d{1,20})*)\s*$")
_PROTECTION = re.compile(r"^\s+protection: \((\d{1,20}(?:, \d{1,20})*)\)$")
_PAGESET = re.compile(r"^\s+(count|high|batch|high_min|high_max):\s+(\d{1,9})$")
_COUNTER = re.compile(r"^\s+(\w+)\s+(\d{1,20})$")


def parse_buddyinfo(text: str, where: object = "buddyinfo") -> dict[ZoneKey, tuple[int, ...]]:
    """Return the number of free blocks of each order, by zone."""
    found = {}
    for line in text.splitlines():
        match = _ZONE_LINE.match(line)
        if match is None:
            raise CaptureError(where, f"unknown line {line[:60]!r}")
        found[int(match[1]), match[2]] = tuple(map(int, match[3].split()))
    if not found or len({len(counts) for counts in found.values()}) != 1:
        raise CaptureError(where, "has no zones, or zones with different numbers of orders")
    return found


@attrs.frozen
class PageTypes:
    """/proc/pagetypeinfo."""

    pageblock_order: int
    types: tuple[str, ...]
    """Names of the migratetypes as the kernel prints them, in the order of their numbers."""
    free: Mapping[tuple[int, str, str], tuple[int, ...]]
    """Blocks of each order on the lists of (node, zone, type). The kernel stops counting at 100000 and says so."""
    capped: frozenset[tuple[int, str, str]]
    """Where it stopped counting."""
    blocks: Mapping[ZoneKey, tuple[int, ...]]
    """Pageblocks of each type, by zone."""


def parse_pagetypeinfo(text: str, where: object = "pagetypeinfo") -> PageTypes:
    """Read /proc/pagetypeinfo up to its counts of pageblocks."""
    order = re.search(r"^Page block order: (\d{1,2})$", text, re.MULTILINE)
    head = re.search(r"^Number of blocks type\s+(.+)$", text, re.MULTILINE)
    if order is None or head is None:
        raise CaptureError(where, "has no pageblock order, or no header of types")
    types = tuple(head[1].split())
    free, capped, blocks = {}, set(), {}
    for line in text[: head.start()].splitlines():
        if (match := _TYPE_LINE.match(line)) is not None:
            key = int(match[1]), match[2], match[3]
            free[key] = tuple(map(int, match[4].replace(">", " ").split()))
            if ">" in match[4]:
                capped.add(key)
    # With page_owner a second table of the same form follows.
    for line in text[head.end() :].partition("\nNumber of mixed blocks")[0].split("\n"):
        if (zone := _ZONE_LINE.match(line)) is not None:
            blocks[int(zone[1]), zone[2]] = tuple(map(int, zone[3].split()))
    same_types = {key[2] for key in free} == set(types) and {len(row) for row in blocks.values()} == {len(types)}
    if not same_types or {key[:2] for key in free} != blocks.keys():
        raise CaptureError(where, "its two tables do not name the same zones and types")
    return PageTypes(int(order[1]), types, free, frozenset(capped), blocks)


@attrs.frozen
class ZoneCounters:
    """One zone of /proc/zoneinfo."""

    node: int
    name: str
    populated: bool
    counters: Mapping[str, int]
    """Every line `name number` of the zone: `spanned present managed nr_free_pages start_pfn ...`; of the node's own
    statistics, those that no line of the zone repeats."""
    thresholds: tuple[int, ...]
    """Largest unfolded difference of a counter, for each CPU (`mm/vmstat.c:calculate_normal_threshold`)."""
    protection: tuple[int, ...] = ()
    """`lowmem_reserve`: frames kept from requests, by the highest zone that they may use."""
    pagesets: tuple[Mapping[str, int], ...] = ()
    """`count high batch ...` of each CPU's lists."""

    @property
    def span(self) -> ZoneSpan:
        """The zone's place."""
        start = self.counters.get("start_pfn", 0)
        return ZoneSpan(self.node, self.name, start, start + self.counters.get("spanned", 0))


def parse_zoneinfo(text: str, where: object = "zoneinfo") -> dict[ZoneKey, ZoneCounters]:
    """Return the zones of /proc/zoneinfo."""
    found = {}
    for part in re.split(r"^(?=Node )", text, flags=re.MULTILINE):
        if not part.strip():
            continue
        head, *lines = part.splitlines()
        match = _ZONE_LINE.match(head)
        if match is None:
            raise CaptureError(where, f"unknown line {head[:60]!r}")
        counters: dict[str, int] = {}
        thresholds: list[int] = []
        protection: tuple[int, ...] = ()
        pagesets: list[dict[str, int]] = []
        for line in lines:
            if (threshold := re.match(r"\s*vm stats threshold: (\d{1,9})$", line)) is not None:
                thresholds.append(int(threshold[1]))
            elif (row := _PROTECTION.match(line)) is not None:
                protection = tuple(map(int, row[1].split(", ")))
            elif re.match(r"\s+cpu: \d{1,5}$", line) is not None:
                pagesets.append({})
            elif pagesets and (limit := _PAGESET.match(line)) is not None:
                pagesets[-1][limit[1]] = int(limit[2])
            elif (counter := _COUNTER.match(line.replace(":", " ").replace("pages free", "pages_free"))) is not None:
                counters[counter[1]] = int(counter[2])
        key = int(match[1]), match[2]
        found[key] = ZoneCounters(*key, counters.get("present", 0) > 0, counters, tuple(thresholds), protection, tuple(pagesets))
    if not found:
        raise CaptureError(where, "has no zones")
    return found


@attrs.frozen
class Pcp:
    """One CPU's cached blocks of a zone, as they lay in RAM."""

    count: int
    lists: tuple[tuple[int, ...], ...]
    """First frames of the blocks: list migratetype + 3 * order for orders 0 to 3, then those of the huge-page order."""
    batch: int | None = None
    high: int | None = None
    """6.1's one limit; 6.12 keeps it between the next two."""
    high_min: int | None = None
    high_max: int | None = None


@attrs.frozen
class ZoneLists:
    """One zone as it lay in RAM."""

    node: int
    zone: str
    start_pfn: int
    spanned: int
    managed: int
    free: tuple[tuple[tuple[int, ...], ...], ...]
    """`free[order][migratetype]`: first frames of the free blocks, head first; types are the capture's own numbers."""
    pcp: tuple[Pcp, ...]
    watermark: tuple[int, ...] = ()
    lowmem_reserve: tuple[int, ...] = ()

    @property
    def span(self) -> ZoneSpan:
        """The zone's place."""
        return ZoneSpan(self.node, self.zone, self.start_pfn, self.start_pfn + self.spanned)

    @property
    def max_order(self) -> int:
        """The largest order of a free block."""
        return len(self.free) - 1

    def blocks(self) -> Iterable[tuple[int, int, int]]:
        """Yield (first frame, order, type) of every free block, head first within a list."""
        for order, lists in enumerate(self.free):
            for migratetype, heads in enumerate(lists):
                for pfn in heads:
                    yield pfn, order, migratetype


@attrs.frozen
class RamLists:
    """`lists.TAG.json`: free lists, per-CPU lists and pageblock types out of the RAM of the paused machine."""

    tag: str
    vmemmap_base: int
    zones: tuple[ZoneLists, ...]
    pageblock_mt: tuple[int, ...]
    """Type of each 512 frames from frame 0 on; `NOT_PRESENT` in absent sections."""

    def type_of(self, pfn: int) -> int:
        """Return the type of a frame's pageblock."""
        at = pfn >> TYPED_ORDER
        return self.pageblock_mt[at] if at < len(self.pageblock_mt) else NOT_PRESENT


def read_lists(capture: Capture, tag: str) -> RamLists:
    """Read `lists.TAG.json` and see that its zones have sound shapes and its blocks lie in them; raises `CaptureError`."""
    member = f"lists.{tag}.json"
    where = f"{capture.path} {member}"
    try:
        lists = msgspec.json.decode(capture.read(member), type=RamLists)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CaptureError(where, f"not the lists of a capture ({error})") from None
    if not lists.zones or len({len(zone.free) for zone in lists.zones}) != 1 or not 1 <= len(lists.zones[0].free) <= 32:
        raise CaptureError(where, "has no zones, or zones without a common number of orders")
    if len({len(kinds) for zone in lists.zones for kinds in zone.free}) != 1:
        raise CaptureError(where, "has orders without a common number of types")
    for zone in lists.zones:
        taken: set[int] = set()
        for pfn, order, _ in zone.blocks():
            if pfn < zone.start_pfn or pfn + (1 << order) > zone.start_pfn + zone.spanned:
                raise CaptureError(where, f"free block {pfn} of order {order} is outside zone {zone.span.label}")
            if pfn in taken:
                raise CaptureError(where, f"two free blocks of zone {zone.span.label} begin at {pfn}")
            taken.add(pfn)
    return lists


def read_followed_lists(capture: Capture, tag: str) -> RamLists:
    """Read `lists.TAG.json` to follow a trace from it; raises `CaptureError` where blocks overlap or are not aligned, too.

    In a snapshot by itself these are what its checks are there to tell.
    """
    lists = read_lists(capture, tag)
    where = f"{capture.path} lists.{tag}.json"
    for zone in lists.zones:
        after = zone.start_pfn
        for pfn, order, _ in sorted(zone.blocks()):
            if pfn % (1 << order):
                raise CaptureError(where, f"free block {pfn} of order {order} begins at no multiple of its size")
            if pfn < after:
                raise CaptureError(where, f"two free blocks of zone {zone.span.label} hold frame {pfn}")
            after = pfn + (1 << order)
    return lists


def pageblock_order(capture: Capture, max_order: int) -> int:
    """Return the order of a pageblock (`/proc/pagetypeinfo` names it; else min(9, max_order)); raises `CaptureError`."""
    member = "start/pagetypeinfo.1"
    if not capture.has(member):
        return min(TYPED_ORDER, max_order)
    order = parse_pagetypeinfo(capture.text(member), f"{capture.path} {member}").pageblock_order
    if order > max_order:
        raise CaptureError(f"{capture.path} {member}", f"pageblocks of order {order}, but no block is larger than {max_order}")
    return order


def pcp_order(index: int, huge_order: int) -> int:
    """Return the order of the blocks on per-CPU list `index` (`mm/page_alloc.c:pindex_to_order`, v6.12)."""
    return index // 3 if index < 12 else huge_order


def decompose(runs: Iterable[tuple[int, int]], max_order: int) -> dict[int, int]:
    """Cut runs of frames (first, after the last) greedily into the largest aligned blocks: first frame -> order.

    For maximal runs of free frames this is the canonical form: every pair of free buddies merged up to `max_order`.
    """
    found = {}
    for first, end in runs:
        pfn = first
        while pfn < end:
            order = min(max_order, (end - pfn).bit_length() - 1)
            if pfn:
                order = min(order, (pfn & -pfn).bit_length() - 1)
            found[pfn] = order
            pfn += 1 << order
    return found


def runs_of(blocks: Iterable[tuple[int, int]], parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join blocks (first frame, order) into maximal runs, but never across the edges of a zone's `parts`."""
    edges = {edge for part in parts for edge in part}
    runs: list[tuple[int, int]] = []
    for pfn, order in sorted(blocks):
        if runs and runs[-1][1] == pfn and pfn not in edges:
            runs[-1] = runs[-1][0], pfn + (1 << order)
        else:
            runs.append((pfn, pfn + (1 << order)))
    return runs


def flagged_runs(flags: npt.NDArray[np.uint64], bit: int, parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the maximal runs of frames with a bit of kpageflags set, within each of a zone's `parts`."""
    runs = []
    for first, after in parts:
        inside = (flags[first:after] >> np.uint64(bit)) & np.uint64(1)
        steps = np.flatnonzero(np.diff(np.concatenate(([0], inside.astype(np.int8), [0])))) + first
        runs += list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))
    return runs


@attrs.frozen(eq=False)
class Moment:
    """One of the three moments: the texts, parsed."""

    name: str
    buddyinfo: tuple[dict[ZoneKey, tuple[int, ...]], ...]
    """The three readings."""
    pagetypes: PageTypes
    zones: dict[ZoneKey, ZoneCounters]
    kpageflags: npt.NDArray[np.uint64]
    """Flags of each frame from frame 0 on."""

    @property
    def quiet(self) -> bool:
        """Whether no reading of buddyinfo differs from another."""
        return all(reading == self.buddyinfo[0] for reading in self.buddyinfo)


def read_moment(capture: Capture, name: str) -> Moment:
    """Read one moment's texts; raises `CaptureError` where one is missing or has an unknown form."""
    readings = [f"{name}/buddyinfo.{number}" for number in range(3)]
    flags = capture.read(f"{name}/kpageflags")
    if len(flags) % 8:
        raise CaptureError(f"{capture.path} {name}/kpageflags", f"has {len(flags)} bytes, not a multiple of 8")
    return Moment(
        name,
        tuple(parse_buddyinfo(capture.text(member), f"{capture.path} {member}") for member in readings),
        parse_pagetypeinfo(capture.text(f"{name}/pagetypeinfo.1"), f"{capture.path} {name}/pagetypeinfo.1"),
        parse_zoneinfo(capture.text(f"{name}/zoneinfo"), f"{capture.path} {name}/zoneinfo"),
        np.frombuffer(flags, "<u8"),
    )
