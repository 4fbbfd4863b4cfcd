"""Whether the numbers that a captured kernel works with are those that the specification's formulae give.

The law's own functions compute them, from what the capture says of sizes and settings. A kernel computes such a number once and
keeps it, while sizes and settings go on changing: where the number is not what they give now, but one that they can have given at
some time, the check says `unknown` and what is missing. It fails where no sizes or settings give the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import attrs

from mmspec.errors import InputError
from mmspec.physical.vmstat.linux import normal_threshold, pressure_threshold
from mmspec.physical.watermarks.invariants import marks_ordered, reserves_rise
from mmspec.physical.watermarks.linux import (
    initial_marks,
    set_min_free_choose,
    set_reserve_ratio_choose,
    set_scale_factor_choose,
)
from mmspec.physical.watermarks.ops import (
    KINDS,
    MAX_NODES,
    ZONE_KINDS,
    Config,
    LimitPerCpu,
    SetMinFree,
    SetReserveRatio,
    SetScaleFactor,
)
from mmspec.physical.watermarks.sizes import batch_of, limits_of
from mmspec.physical.watermarks.state import Machine, Marks, cell_of, machine_of, zone_at
from mmspec.pmap import pmap

from .archive import Capture
from .snapshot import Moment, RamLists, ZoneCounters, ZoneKey

Verdict = Literal["pass", "fail", "unknown"]
Answer = tuple[Verdict, str]

PAGE_SHIFT = 12
SETTINGS = ("tunables", "tunables2")
"""The members that hold the settings, as they were at two times which a capture does not name."""

MARKS = ("min", "low", "high", "promo")


def answer(wrong: Sequence[str], unsure: Sequence[str], good: str) -> Answer:
    """Return the verdict of what is wrong, and of what only may be."""
    if wrong or unsure:
        return ("fail" if wrong else "unknown"), "; ".join([*wrong, *unsure][:4])
    return "pass", good


# --- what a capture says ---------------------------------------------------------------------------------------------------


@attrs.frozen
class Settings:
    """The settings of one time: the numbers of each, by the name below /proc/sys/vm."""

    name: str
    values: Mapping[str, tuple[int, ...]]

    def first(self, name: str, default: int) -> int:
        """Return a setting of one number."""
        return self.values.get(name, (default,))[0]


def settings_of(capture: Capture) -> list[Settings]:
    """Return the settings at each time that the capture recorded."""
    found = []
    for member in SETTINGS:
        if capture.has(member):
            rows = re.findall(r"^/proc/sys/vm/(\w+): ((?:-?\d{1,18}\s+)+)$", capture.text(member) + "\n", re.MULTILINE)
            found.append(Settings(member, {name: tuple(map(int, row.split())) for name, row in rows}))
    return found


def kernel_of(capture: Capture) -> str:
    """Return the specified kernel that is nearest to the captured one; no number that differs from its formulae is a failure."""
    match = re.search(r"Linux version (\d{1,3})\.(\d{1,4})", capture.text("version"))
    return "6.12" if match is None or (int(match[1]), int(match[2])) >= (6, 6) else "6.1"


def kind_named(name: str) -> int | None:
    """Return the number of a kind of zone by the kernel's name for it."""
    return ZONE_KINDS.index(name.upper()) if name.upper() in ZONE_KINDS else None


def number_of(key: ZoneKey) -> int | None:
    """Return the number by which the law knows a zone."""
    kind = kind_named(key[1])
    return None if kind is None or key[0] >= MAX_NODES else zone_at(key[0], kind)


def machine_at(moment: Moment) -> Machine | str:
    """Return the law's machine of the sizes that a moment shows, or what is missing."""
    zones = []
    for key, zone in moment.zones.items():
        number = number_of(key)
        if number is None or (zone.populated and "managed" not in zone.counters):
            return f"zone {key[0]}:{key[1]} is of a kind or size that is not known"
        if zone.populated:
            zones.append((number >> 3, number & 7, zone.counters["managed"]))
    try:
        return machine_of(Config(tuple(sorted(zones)), PAGE_SHIFT, min(13, max(1, moment.pagetypes.pageblock_order))))
    except InputError as error:
        return error.message


def marks_at(machine: Machine, kernel: str, settings: Settings) -> Marks:
    """Return the marks that the law gives for the sizes and settings of one time."""
    zones = tuple((zone >> 3, zone & 7, frames) for zone, frames in sorted(machine.managed.items()))
    marks = initial_marks(Config(zones, machine.page_shift, machine.pageblock_order), kernel)
    _, marks = set_scale_factor_choose(machine, marks, SetScaleFactor(settings.first("watermark_scale_factor", 10)))
    _, marks = set_min_free_choose(machine, marks, SetMinFree(settings.first("min_free_kbytes", 0)))
    return marks


def shown_marks(zone: ZoneCounters) -> tuple[int, ...] | None:
    """Return a zone's marks without its boost, as many as the kernel prints; None where it prints none."""
    if not {"min", "low", "high"} <= zone.counters.keys():
        return None
    boost = zone.counters.get("boost", 0)
    return tuple(zone.counters[name] - boost for name in MARKS if name in zone.counters)


def four(shown: tuple[int, ...]) -> tuple[int, ...]:
    """Return four marks: where PROMO is not printed, what it must be."""
    return shown if len(shown) == 4 else (*shown, 2 * shown[2] - shown[1])


def held(zone: int, shown: tuple[int, ...]) -> Marks:
    """Return the law's marks with those that one zone shows."""
    empty: Marks = initial_marks(Config(((0, 2, 1024),)), "6.12")
    low, high, promo = (pmap({zone: mark}) for mark in shown[1:])
    return attrs.evolve(empty, min=pmap({zone: shown[0]}), low=low, high=high, promo=promo)


# --- the checks ------------------------------------------------------------------------------------------------------------


def watermarks(moment: Moment, lists: RamLists, capture: Capture) -> Answer:
    """WATERMARKS-1: marks are at equal distances; they are those of a recorded setting, and those in RAM."""
    machine, times = machine_at(moment), settings_of(capture)
    shown = {key: marks for key, zone in moment.zones.items() if (marks := shown_marks(zone)) is not None}
    if isinstance(machine, str) or not shown:
        return "unknown", machine if isinstance(machine, str) else "zoneinfo shows no marks"
    wrong = []
    for key, marks in shown.items():
        number = number_of(key)
        assert number is not None
        if not marks_ordered(machine, held(number, four(marks)), number):
            wrong.append(f"zone {key[0]}:{key[1]}: marks {marks} are not at equal distances")
    in_ram = {(zone.node, zone.zone): zone.watermark for zone in lists.zones if zone.watermark}
    unlike = [key for key, marks in in_ram.items() if key in shown and four(shown[key]) != tuple(marks)]
    unsure = [f"zone {key[0]}:{key[1]}: marks {shown[key]} in zoneinfo, {in_ram[key]} in RAM later" for key in unlike]
    tried = []
    for time in times:
        if "min_free_kbytes" in time.values:
            differs = differing(machine, marks_at(machine, kernel_of(capture), time), shown)
            if differs is None:
                return answer(wrong, unsure, f"{len(shown)} zones, min_free_kbytes {time.first('min_free_kbytes', 0)}")
            tried.append(f"{differs} for min_free_kbytes {time.first('min_free_kbytes', 0)}")
    missing = "set up with other sizes or settings than recorded" if tried else "no min_free_kbytes is recorded"
    return answer(wrong, [*unsure, f"{missing}: {tried[-1] if tried else 'the marks cannot be computed'}"], "")


def differing(machine: Machine, marks: Marks, shown: Mapping[ZoneKey, tuple[int, ...]]) -> str | None:
    """Return the first zone whose marks are not the law's, or None."""
    for key, have in shown.items():
        zone = number_of(key)
        assert zone is not None
        if zone < machine.end:
            want = tuple(each.get(zone, 0) for each in (marks.min, marks.low, marks.high, marks.promo))[: len(have)]
            if have != want:
                return f"zone {key[0]}:{key[1]} has marks {have}, the law gives {want}"
    return None


def columns_of(moment: Moment, node: int) -> list[int | None]:
    """Return the kinds that a node's rows of protection have columns for: those that the kernel is built with."""
    return [kind_named(name) for at, name in moment.zones if at == node]


def protection(moment: Moment, lists: RamLists, capture: Capture) -> Answer:
    """WATERMARKS-RESERVE-KEPT: reserves rise, and are those of the recorded ratios and of the sizes; RAM's are the same."""
    machine, wrong, unsure = machine_at(moment), [], []
    if isinstance(machine, str):
        return "unknown", machine
    in_ram = {(zone.node, zone.zone): zone.lowmem_reserve for zone in lists.zones if zone.lowmem_reserve}
    ratios = [time.values["lowmem_reserve_ratio"] for time in settings_of(capture) if "lowmem_reserve_ratio" in time.values]
    rows = 0
    for key, zone in moment.zones.items():
        number, kinds = number_of(key), columns_of(moment, key[0])
        if not zone.protection or number is None or len(kinds) != len(zone.protection) or None in kinds:
            continue
        rows += 1
        label = f"zone {key[0]}:{key[1]}: protection {zone.protection}"
        if not reserves_rise(machine, reserving(number, kinds, zone.protection), number):
            wrong.append(f"{label} does not rise from its own column on")
        if key in in_ram and tuple(in_ram[key]) != zone.protection:
            unsure.append(f"{label}, in RAM later {in_ram[key]}")
        given = [row_of(machine, kernel_of(capture), number, kinds, ratio) for ratio in ratios]
        if zone.protection not in given:
            unsure.append(
                f"{label}, the recorded ratios give {given[-1] if given else 'nothing'}: set up with other sizes or ratios"
            )
    return answer(wrong, unsure, f"{rows} zones") if rows else ("unknown", "zoneinfo shows no protection")


def reserving(zone: int, kinds: Sequence[int | None], row: Sequence[int]) -> Marks:
    """Return the law's marks with the reserves that one zone shows; a kind without a column has the one's before it."""
    reserve, before = {}, 0
    for kind in range(KINDS):
        before = row[kinds.index(kind)] if kind in kinds else before
        reserve[cell_of(zone, kind)] = before
    return attrs.evolve(held(zone, (0, 0, 0, 0)), reserve=pmap(reserve))


def row_of(machine: Machine, kernel: str, zone: int, kinds: Sequence[int | None], ratio: Sequence[int]) -> tuple[int, ...]:
    """Return the row of reserves that the law gives a zone, in the columns that there are."""
    zones = tuple((at >> 3, at & 7, frames) for at, frames in sorted(machine.managed.items()))
    marks = initial_marks(Config(zones, machine.page_shift, machine.pageblock_order), kernel)
    for kind, number in zip(kinds, ratio, strict=False):
        if kind is not None:
            _, marks = set_reserve_ratio_choose(machine, marks, SetReserveRatio(kind, number))
    return tuple(marks.reserve.get(cell_of(zone, kind), 0) for kind in kinds if kind is not None)


def populated(moment: Moment) -> Iterator[tuple[ZoneKey, ZoneCounters, int]]:
    """Yield the zones with memory, with their managed frames."""
    for key, zone in moment.zones.items():
        if zone.populated and number_of(key) is not None and "managed" in zone.counters:
            yield key, zone, zone.counters["managed"]


def pcp_limits(moment: Moment, lists: RamLists, capture: Capture) -> Answer:
    """WATERMARKS-PCP-ORDERED: a batch is one of some size; batch and limits are those of the zone's size and marks now."""
    machine, wrong, unsure = machine_at(moment), [], []
    if isinstance(machine, str):
        return "unknown", machine
    in_ram = {(zone.node, zone.zone): zone.pcp for zone in lists.zones}
    times = settings_of(capture) or [Settings("", {})]
    cpus = 0
    for key, zone, managed in populated(moment):
        label = f"zone {key[0]}:{key[1]}"
        cpus += len(zone.pagesets)
        batches = {pageset.get("batch", 0) for pageset in zone.pagesets}
        batches |= {pcp.batch for pcp in in_ram.get(key, ()) if pcp.batch is not None}
        known = {batch_of(size, PAGE_SHIFT) for size in sizes_to(zone.counters.get("present", 0))}
        for batch in sorted(batches):
            if batch not in known:
                wrong.append(f"{label}: batch {batch} is of no size up to the zone's")
            elif batch != batch_of(managed, PAGE_SHIFT):
                unsure.append(
                    f"{label}: batch {batch}, {batch_of(managed, PAGE_SHIFT)} for {managed} frames: set up with another size"
                )
        want = wanted_limits(machine, kernel_of(capture), key, zone, times)
        have = {(pcp.high_min, pcp.high_max) for pcp in in_ram.get(key, ()) if pcp.high_min is not None}
        have |= {(pcp.high, pcp.high) for pcp in in_ram.get(key, ()) if pcp.high_min is None and pcp.high is not None}
        if len(have) > 1:
            unsure.append(f"{label}: CPUs with limits {sorted(map(str, have))}")
        elif have and not have <= want:
            unsure.append(
                f"{label}: limits {have.pop()}, the law gives {min(want, default='none')}: set up with other marks, sizes or CPUs"
            )
    return answer(wrong, unsure, f"{cpus} CPUs' lists") if cpus else ("unknown", "zoneinfo shows no CPU's lists")


def sizes_to(present: int) -> list[int]:
    """Return a size of each kind that a batch or a threshold tells apart, up to a zone's present frames."""
    edges = {1 << bit for bit in range(43)} | {3 << bit for bit in range(42)}
    return sorted({0, present, *(edge + off for edge in edges for off in (-1, 0) if 0 <= edge + off <= present)})


def wanted_limits(
    machine: Machine, kernel: str, key: ZoneKey, zone: ZoneCounters, times: Sequence[Settings]
) -> set[tuple[int, int]]:
    """Return the limits that the law gives a zone: for each number of CPUs that its node may have, and each recorded fraction."""
    number, shown, online = number_of(key), shown_marks(zone), len(zone.pagesets)
    if number is None or shown is None or not online:
        return set()
    marks = attrs.evolve(held(number, four(shown)), kernel=612 if kernel == "6.12" else 601)
    nodes = {at >> 3 for at, _ in machine.present.items()}
    locals_ = range(online + 1) if len(nodes) > 1 else (online,)
    found = set()
    for time in times:
        for local in locals_:
            op = LimitPerCpu(number, local, online, time.first("percpu_pagelist_high_fraction", 0))
            limits = limits_of(machine, marks, op.zone, op.local, op.online, op.fraction)
            found.add((limits.high_min, limits.high_max))
    return found


def thresholds(moment: Moment, lists: RamLists, capture: Capture) -> Answer:
    """VMSTAT-NORMAL: all CPUs have one threshold, that of the zone's size and of the CPUs, or that of pressure."""
    wrong, unsure, zones = [], [], 0
    for key, zone, managed in populated(moment):
        label, online = f"zone {key[0]}:{key[1]}", len(zone.thresholds)
        if not online:
            continue
        zones += 1
        now, shown = normal_threshold(managed, PAGE_SHIFT, online), shown_marks(zone)
        pressed = pressure_threshold(shown[0], shown[1], online) if shown is not None else now
        possible = {
            normal_threshold(size, PAGE_SHIFT, cpus)
            for size in sizes_to(zone.counters.get("present", 0))
            for cpus in range(1, online + 1)
        }
        for threshold in set(zone.thresholds):
            if threshold not in possible | {pressed}:
                wrong.append(
                    f"{label}: threshold {threshold} is of no size up to the zone's, and not that of pressure, {pressed}"
                )
            elif threshold not in (now, pressed):
                unsure.append(
                    f"{label}: threshold {threshold}, {now} for {managed} frames and {online} CPUs: set with another size"
                )
    return answer(wrong, unsure, f"{zones} zones") if zones else ("unknown", "zoneinfo shows no thresholds")


def zone_counters(moment: Moment, lists: RamLists, capture: Capture) -> Answer:
    """ZONES-2, ZONES-6: managed frames are at most the present, these at most the spanned; placement was counted twice alike."""
    wrong: list[str] = []
    unsure: list[str] = []
    missed, foreign = 0, 0
    for key, zone in moment.zones.items():
        label, number = f"zone {key[0]}:{key[1]}", zone.counters
        if not number.get("managed", 0) <= number.get("present", 0) <= number.get("spanned", 0):
            wrong.append(
                f"{label}: managed {number.get('managed')}, present {number.get('present')}, spanned {number.get('spanned')}"
            )
        if {"numa_hit", "numa_miss", "numa_foreign", "numa_local", "numa_other"} <= number.keys():
            served, placed = number["numa_hit"] + number["numa_miss"], number["numa_local"] + number["numa_other"]
            missed, foreign = missed + number["numa_miss"], foreign + number["numa_foreign"]
            if served != placed:
                one_cpu = moment.quiet and len(zone.pagesets) == 1
                (wrong if one_cpu else unsure).append(f"{label}: {served} hits and misses, {placed} local and other: counted on")
    if missed != foreign:
        unsure.append(f"{missed} misses, {foreign} foreign: counted on")
    return answer(wrong, unsure, f"{len(moment.zones)} zones")


def node_statistics(moment: Moment, lists: RamLists, capture: Capture) -> Answer:
    """A node's free frames, read a little later, are the sum of its zones', but for what each CPU may hold back."""
    wrong, read = [], 0
    for node in sorted({key[0] for key in moment.zones}):
        member = f"{moment.name}/node{node}.vmstat"
        found = re.search(r"^nr_free_pages (\d{1,18})$", capture.text(member), re.MULTILINE) if capture.has(member) else None
        if found is None:
            continue
        read += 1
        zones = [zone for key, zone in moment.zones.items() if key[0] == node]
        total = sum(zone.counters.get("nr_free_pages", 0) for zone in zones)
        allowed = sum(sum(zone.thresholds) for zone in zones)
        if abs(total - int(found[1])) > allowed:
            wrong.append(f"node {node}: {found[1]} free frames, its zones {total}, allowed drift {allowed}")
    if not read:
        return "unknown", "no node's vmstat is recorded"
    return (
        answer(wrong, [], f"{read} nodes")
        if moment.quiet
        else answer([], [f"not quiet: {text}" for text in wrong], f"{read} nodes")
    )


def fallback_order(moment: Moment, lists: RamLists, capture: Capture) -> Answer:
    """ZONES-4: the boot's order of nodes for each node has every node with memory once, its own first."""
    text = capture.read("dmesg.boot").decode("ascii", "replace") if capture.has("dmesg.boot") else ""
    orders = {
        int(node): [int(one) for one in row.split()]
        for node, row in re.findall(r"Fallback order for Node (\d{1,4}): ((?:\d{1,4} ?)*)", text)
    }
    if not orders:
        return "unknown", "the boot log names no order"
    with_memory = {key[0] for key, zone in moment.zones.items() if zone.populated}
    wrong = []
    for node, order in orders.items():
        own_first = node not in with_memory or order[:1] == [node]
        others = [one for one in order if one in with_memory]
        if not own_first or len(set(order)) != len(order) or set(others) != with_memory:
            wrong.append(f"node {node} falls back to {order}, memory is on nodes {sorted(with_memory)}")
    return answer(wrong, [], f"{len(orders)} nodes")
