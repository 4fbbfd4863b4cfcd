"""The machine ``watermarks``: machines of a few zones, settings, what is free, and the checks that follow.

Every answer is a number or a truth that the formulae determine: a client has nothing to choose, so that all it may promise
is how large a machine it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.physical.watermarks import Marks as Body
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import Error
from mmspec.physical import watermarks as law
from mmspec.physical.watermarks.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    DMA,
    DMA32,
    DONE,
    HIGHMEM,
    KINDS,
    LOWMEM_SHARE,
    MOVABLE,
    NODE_SHIFT,
    NORMAL,
    ZONE_KINDS,
    Balanced,
    Boost,
    Config,
    Fast,
    Frames,
    Kswapd,
    LimitPerCpu,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Ok,
    Passed,
    Recommend,
    Refresh,
    Report,
    SetBoostFactor,
    SetManaged,
    SetMinFree,
    SetReserveRatio,
    SetScaleFactor,
    SetTiering,
    Unboost,
    Wake,
)  # fmt: skip
from mmspec.physical.watermarks.state import Machine as State
from mmspec.physical.watermarks.state import Marks, cell_of, kind_of, node_of

CAPABILITIES = {"max_nodes": Capability(4, "the most nodes it takes", least=1)}

SIZES = (0, 1, 900, 2047, 2048, 3840, 16384, 115169, 262144, 500000, 772915, 1 << 22, 1 << 29)
"""Managed frames of a zone: none, below and above four pageblocks, a DMA zone, sizes of real machines, a huge one."""

KBYTES = (0, 1, 127, 128, 2048, 11324, 23596, 67584, 262144, 300000, (1 << 31) - 1)
FACTORS = (0, 1, 10, 100, 3000, 3001, 9999, 15000, 1 << 30)
RATIOS = (256, 32, 1, 0, -1, 7)
FLAGS = (
    0, ALLOC_MIN_RESERVE, ALLOC_NON_BLOCK, ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, ALLOC_OOM, ALLOC_CMA, ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE | ALLOC_OOM, ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK | ALLOC_OOM, ALLOC_HIGHATOMIC | ALLOC_CMA,
)  # fmt: skip
CPUS = (1, 2, 3, 8, 64, 8192)
LAYOUTS = (
    (DMA, DMA32), (DMA, DMA32, NORMAL), (NORMAL,), (DMA, NORMAL, HIGHMEM), (DMA32, NORMAL, MOVABLE),
    (DMA, NORMAL, HIGHMEM, MOVABLE), tuple(range(KINDS)),
)  # fmt: skip
"""Which zones a node has: x86 of 64 and of 32 bits, arm64, and every kind at once."""

Made = tuple[str, Any, Mapping[str, int]]


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a machine of one to four nodes, some of whose zones have no frames."""
    nodes = 1 + header[0] % min(4, capabilities["max_nodes"])
    zones = []
    for node in range(nodes):
        for kind in LAYOUTS[(header[1] + node * header[2]) % len(LAYOUTS)]:
            size = SIZES[(header[3 + kind] + node * header[9]) % len(SIZES)]
            zones.append((node, kind, size))
    if lowmem(zones) == 0:
        at = next((i for i, (_, kind, _) in enumerate(zones) if kind not in (HIGHMEM, MOVABLE)), 0)
        zones[at] = (*zones[at][:2], 65536)
    most = lowmem(zones) * (LOWMEM_SHARE - 1) // len(zones)
    zones = [(node, kind, min(size, most) if kind in (HIGHMEM, MOVABLE) else size) for node, kind, size in zones]
    page_shift = (12, 12, 12, 14, 16)[header[10] % 5]
    return Config(tuple(zones), page_shift, (9, 9, 10, 3)[header[11] % 4], int(header[12] % 8 == 1))


def lowmem(zones: Iterable[tuple[int, int, int]]) -> int:
    """Return the frames of zones that are neither HIGHMEM nor MOVABLE."""
    return sum(size for _, kind, size in zones if kind not in (HIGHMEM, MOVABLE))


def is_machine(zones: Iterable[tuple[int, int, int]]) -> bool:
    """Tell whether enough of some zones is lowmem."""
    rows = tuple(zones)
    return 0 < sum(size for _, _, size in rows) <= lowmem(rows) * LOWMEM_SHARE


def simpler(config: Config) -> Iterator[Config]:
    """Yield machines with a zone less, with plainer sizes, or of the usual pages."""
    for at in range(len(config.zones)):
        fewer = config.zones[:at] + config.zones[at + 1 :]
        if is_machine(fewer):
            yield attrs.evolve(config, zones=fewer)
    for at, (node, kind, size) in enumerate(config.zones):
        for less in (65536, 0):
            changed = (*config.zones[:at], (node, kind, less), *config.zones[at + 1 :])
            if less < size and is_machine(changed):
                yield attrs.evolve(config, zones=changed)
    plain = Config(config.zones)
    if config != plain:
        yield plain


class Generator:
    """Makes requests that lie at and around the marks that they are held to."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config = config
        self.kbytes = 1 << config.page_shift - 10
        self.seen: dict[int, Any] = {}  # the marks that a zone was last said to have
        self.reserves: dict[int, Any] = {}
        self.kept: dict[int, int] = {}  # a zone's reserve that was last asked about
        weights: list[Callable[[bytes, Any], Any]] = [
            *[self.report] * 6, *[self.fast] * 6, *[self.ok] * 6, *[self.watermarks] * 5, *[self.reserves_of] * 2,
            *[self.balanced] * 4, *[self.wake] * 4, *[self.boost] * 3,
            self.unboost, self.kswapd, self.total, self.limit_per_cpu, self.limit_per_cpu,
        ]  # fmt: skip
        settings = [
            self.set_min_free, self.set_scale_factor, self.set_boost_factor, self.set_reserve_ratio, self.set_tiering,
            self.set_managed, self.refresh, self.recommend,
        ]  # fmt: skip
        self.actions = weights + [action for bit, action in enumerate(settings) if header[13] >> bit & 1 or header[14] % 4 == 0]

    def request(self, record: bytes, state: Any) -> Made | None:
        """Return the request that a record stands for in this state."""
        if not any(record):
            return None
        request = self.actions[(record[0] | record[7] << 8) % len(self.actions)](record, state)
        return NAMES[type(request)], request, {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Remember the marks and reserves that a zone was said to have: what is free is then told to lie near them."""
        if name == "watermarks" and not result.failed:
            self.seen[request.zone] = result
        if name == "reserves" and not result.failed:
            self.reserves[request.zone] = attrs.astuple(result)

    def zone(self, r: bytes) -> int:
        """Return a zone of the machine; now and then one without memory, or one that is not there."""
        if r[1] % 16 == 1:
            return r[2] % (len(self.config.zones) * 8 + 16)
        node, kind, _ = self.config.zones[r[1] % len(self.config.zones)]
        return node << NODE_SHIFT | kind

    def near(self, r: bytes, zone: int) -> int:
        """Return a number of frames at a mark of the zone, as a check may see it, or one beside it."""
        marks = self.seen.get(zone)
        if marks is None:
            return int.from_bytes(r[2:5], "little") % 40000
        mark: int = attrs.astuple(marks)[r[2] % 4]
        mark += (0, marks.boost)[r[3] % 2] + self.reserves.get(zone, [0] * KINDS)[r[3] // 2 % KINDS]
        mark -= (0, 0, 0, mark // 2, mark // 2 + (mark - mark // 2) // 4)[r[4] % 5]
        return max(0, mark + r[5] % 5 - 2 + (0, 0, 7, 100)[r[5] // 5 % 4])

    # each of the following makes one request from a record

    def report(self, r: bytes, state: Any) -> Any:
        """Say what is free in a zone: as much as some mark, or a little more or less."""
        zone = self.zone(r)
        free = self.near(r, zone)
        exact = free if r[6] & 1 else self.near(bytes((*r[:2], r[6], *r[3:])), zone)
        atomic, cma = (0, 100, 7)[r[6] // 2 % 3], (0, 0, 600, 7)[r[6] // 8 % 4]
        drift = (0, 0, free, free + 1, free + 50)[r[7] % 5]
        lists = (0, 1, 1 << 3, 1 << 5, 1 << 9 | 1, 1 << 10)
        kinds = [lists[(r[5] + r[7] * k) % len(lists)] for k in (1, 3, 5)]
        return Report(zone, free, exact, atomic, cma, drift, *kinds)

    def ok(self, r: bytes, state: Any) -> Any:
        """Hold what is free against a mark that lies near it."""
        zone = self.zone(r)
        flags, order = FLAGS[r[3] % len(FLAGS)], (0, 0, 0, 3, 1, 9, 10, 14)[r[4] % 8]
        free, base = state.free.get(zone, 0), (1 << order) - 1
        times = ((1, 1), (2, 1), (8, 3), (16, 3), (4, 1))[r[5] % 5]
        unusable = base + (0, state.highatomic.get(zone, 0))[r[6] & 1] + (0, state.cma.get(zone, 0))[r[6] >> 1 & 1]
        reserve = (0, 0, 5, 1000)[r[6] >> 2 & 3]
        mark = max(0, (free - unusable - reserve) * times[0] // times[1] + r[2] % 5 - 2)
        return Ok(zone, order, mark, reserve, flags)

    def fast(self, r: bytes, state: Any) -> Any:
        """Hold what is free against a zone's own mark."""
        order = (0, 0, 0, 0, 2, 9, 14)[r[3] % 7]
        return Fast(self.zone(r), order, r[2] % KINDS, FLAGS[r[4] % len(FLAGS)] | r[5] % 4, r[6] % 2)

    def watermarks(self, r: bytes, state: Any) -> Any:
        """Look at a zone's marks."""
        return LookWatermarks(self.zone(r))

    def reserves_of(self, r: bytes, state: Any) -> Any:
        """Look at a zone's reserves."""
        return LookReserves(self.zone(r))

    def total(self, r: bytes, state: Any) -> Any:
        """Look at what a node keeps."""
        return LookTotal(node_of(self.zone(r)))

    def balanced(self, r: bytes, state: Any) -> Any:
        """Ask about a node."""
        return Balanced(node_of(self.zone(r)), (0, 0, 0, 3, 14)[r[3] % 5], r[2] % KINDS)

    def wake(self, r: bytes, state: Any) -> Any:
        """Wake a kswapd."""
        return Wake(self.zone(r), (0, 0, 3, 1, 14)[r[3] % 5], r[2] % KINDS, r[4] % 2, int(r[5] % 8 != 0))

    def boost(self, r: bytes, state: Any) -> Any:
        """Boost a zone."""
        return Boost(self.zone(r))

    def unboost(self, r: bytes, state: Any) -> Any:
        """Take a boost back, or more than that."""
        return Unboost(self.zone(r), (1, 100, 512, 1024, 100000)[r[2] % 5])

    def kswapd(self, r: bytes, state: Any) -> Any:
        """Let a kswapd run, wait, or have failed."""
        return Kswapd(node_of(self.zone(r)), int(r[2] % 4 != 0), (0, 0, 0, 15, 16, 17)[r[3] % 6])

    def limit_per_cpu(self, r: bytes, state: Any) -> Any:
        """Ask for the limits of per-CPU lists."""
        online = CPUS[r[2] % len(CPUS)]
        local = (0, 1, online, online // 2, min(online + 1, CPUS[-1]))[r[3] % 5]
        return LimitPerCpu(self.zone(r), local, online if r[5] % 16 else 0, (0, 0, 0, 8, 7, 100)[r[4] % 6])

    def set_min_free(self, r: bytes, state: Any) -> Any:
        """Write min_free_kbytes."""
        return SetMinFree(KBYTES[r[2] % len(KBYTES)])

    def set_scale_factor(self, r: bytes, state: Any) -> Any:
        """Write watermark_scale_factor."""
        return SetScaleFactor(FACTORS[r[2] % len(FACTORS)])

    def set_boost_factor(self, r: bytes, state: Any) -> Any:
        """Write watermark_boost_factor."""
        return SetBoostFactor(FACTORS[r[2] % len(FACTORS)])

    def set_reserve_ratio(self, r: bytes, state: Any) -> Any:
        """Write a number of lowmem_reserve_ratio."""
        return SetReserveRatio(r[2] % KINDS, RATIOS[r[3] % len(RATIOS)])

    def set_tiering(self, r: bytes, state: Any) -> Any:
        """Switch memory tiering."""
        return SetTiering(r[2] % 2)

    def set_managed(self, r: bytes, state: Any) -> Any:
        """Let a zone grow or shrink."""
        return SetManaged(self.zone(r), SIZES[r[2] % len(SIZES)])

    def refresh(self, r: bytes, state: Any) -> Any:
        """Compute everything anew."""
        return Refresh()

    def recommend(self, r: bytes, state: Any) -> Any:
        """Start or stop khugepaged."""
        return Recommend(r[2] % 2)


NAMES = {operation.request: operation.name for operation in law.WATERMARKS.operations}
ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.WATERMARKS.operations}


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a machine, or None."""
    nodes = config.zones[-1][0] + 1 if config.zones else 0
    return f"more than {capabilities['max_nodes']} nodes" if nodes > capabilities["max_nodes"] else None


# --- lock-step with our implementation -------------------------------------------------------------------------------------


def differs(state: State, marks: Marks, body: Body, keys: Iterable[Any]) -> str | None:
    """Nothing is compared between the steps: every answer is."""
    return None


def recount(state: State, marks: Marks, body: Body) -> str | None:
    """Compare every number that was computed, of every zone, and what each kswapd was asked for."""
    if (body.min_free, body.user) != (marks.min_free, marks.user_min_free):
        return f"min_free_kbytes is {body.min_free}, in Linux {marks.min_free}; the user's {body.user}, {marks.user_min_free}"
    for zone in range(state.end):
        if kind_of(zone) >= KINDS:
            continue
        theirs = [marks.min.get(zone, 0), marks.low.get(zone, 0), marks.high.get(zone, 0), marks.promo.get(zone, 0)]
        if (body.marks[zone], body.boosts[zone]) != (theirs, marks.boost.get(zone, 0)):
            return f"zone {named(zone)} has marks {body.marks[zone]}, in Linux {theirs}; boost {body.boosts[zone]}"
        kept = [marks.reserve.get(cell_of(zone, k), 0) for k in range(KINDS)]
        if body.reserve[zone] != kept:
            return f"zone {named(zone)} keeps {body.reserve[zone]}, in Linux {kept}"
    return None


def named(zone: int) -> str:
    """Return a zone's name."""
    return f"{node_of(zone)}:{ZONE_KINDS[kind_of(zone)]}"


def picture(state: State, marks: Marks | None) -> Picture:
    """Draw the zones that have frames, by number, and those in which something is free."""
    managed = tuple((zone, 1) for zone, frames in sorted(state.managed.items()) if frames)
    free = tuple((zone, 1) for zone, frames in sorted(state.free.items()) if frames)
    lists = () if marks is None else tuple((named(zone), four(marks, zone)) for zone, _ in sorted(state.managed.items()))
    return Picture("zone", "zone", 0, state.end, (Strip("has frames", managed), Strip("some free", free)), lists)


def four(marks: Marks, zone: int) -> tuple[int, ...]:
    """Return a zone's marks and its boost."""
    return tuple(each.get(zone, 0) for each in (marks.min, marks.low, marks.high, marks.promo, marks.boost))


# --- vectors -----------------------------------------------------------------------------------------------------------------


def possible(state: State, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with: of numbers that only Linux determines, two stand for all."""
    yield from ERRORS[type(request)]
    if isinstance(request, Boost | Ok | Fast | Balanced):
        yield from (Passed(0), Passed(1))
    elif isinstance(request, LookTotal):
        yield from (Frames(0), Frames(1))
    elif isinstance(request, LookWatermarks):
        yield from (law.ops.Watermarks(0, 0, 0, 0, 0), law.ops.Watermarks(1, 2, 3, 4, 0))
    elif isinstance(request, LookReserves):
        yield from (law.ops.Reserves(0, 0, 0, 0, 0, kept) for kept in (0, 1))
    elif isinstance(request, Wake):
        yield from (law.ops.Woken(kswapd, 0, 0, 0, 0) for kswapd in (0, 1))
    elif isinstance(request, LimitPerCpu):
        yield from (law.ops.Limits(1, high, high) for high in (4, 5))
    else:
        yield DONE


WATERMARKS = Machine(
    component=law.WATERMARKS,
    implementation=Body,
    capabilities=CAPABILITIES,
    requires={},
    draw=draw,
    generator=Generator,
    sent=lambda capabilities: {"reset": tuple(attrs.fields_dict(Config))},
    simpler=simpler,
    too_much=too_much,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda marks, journal: marks, differs, recount),
    small=lambda state: True,
    picture=picture,
    replies=Replies(possible, lambda request: None, ({"max_nodes": 1}, {"max_nodes": 2})),
)
"""The machine."""
