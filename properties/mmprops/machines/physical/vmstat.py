"""The machine ``vmstat``: a zone of a few CPUs and counters, changed at and around the thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.physical.vmstat import Counters
from mmprops.machine import FEWER, Capability, Lockstep, Machine, Replies
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import Error
from mmspec.physical import vmstat as law
from mmspec.physical.vmstat.core import slack_of
from mmspec.physical.vmstat.ops import (
    DONE,
    MAX_CPUS,
    MAX_ITEMS,
    Config,
    Count,
    Dec,
    Fold,
    Inc,
    LookDriftMark,
    LookThreshold,
    Mod,
    Offline,
    Online,
    Pressure,
    Read,
    ReadSnapshot,
    RefreshThresholds,
    SetMarks,
)  # fmt: skip
from mmspec.physical.vmstat.state import Cells, Zone, cell_of, is_online

CAPABILITIES = {
    "max_cpus": Capability(MAX_CPUS, "the most processors it takes", least=1),
    "max_items": Capability(MAX_ITEMS, "the most counters it takes", least=1),
}

CPUS = (1, 2, 2, 3, 4, 8, 64)
SIZES = (0, 3840, 32767, 32768, 115169, 262144, 1 << 24, 1 << 42)
MARKS = ((0, 0, 0), (24, 30, 36), (190, 237, 284), (0, 1, 2), (5708, 7135, 8562), (100, 100, 100), (10, 400, 800))
SMALL, LARGE = (1, -1, 2, -2, 3, 31, -31), (124, 125, 126, -125, -126, 127, 128, -129, 512, -512, 4000, 1 << 40, -(1 << 40))
"""Additions: near a small threshold, and around the ends of an ``s8``."""

LEAN = 60
"""Requests for which a program leans one way: long enough to go beyond a threshold."""

Made = tuple[str, Any, Mapping[str, int]]


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a zone: few CPUs and counters, so that they meet."""
    cpus = min(CPUS[header[0] % len(CPUS)], capabilities["max_cpus"])
    items = min((1, 1, 2, MAX_ITEMS)[header[1] % 4], capabilities["max_items"]) - 1
    return Config(cpus, items, SIZES[header[2] % len(SIZES)], *MARKS[header[3] % len(MARKS)], (12, 12, 16)[header[4] % 3])


def simpler(config: Config) -> Iterator[Config]:
    """Yield zones with fewer CPUs and counters, of the usual size."""
    for cpus in (1, 2, 3):
        if cpus < config.cpus:
            yield attrs.evolve(config, cpus=cpus)
    if config.items:
        yield attrs.evolve(config, items=0)
    for size in (0, 3840):
        if size < config.managed:
            yield attrs.evolve(config, managed=size)
    plain = Config(config.cpus, config.items, config.managed)
    if config != plain:
        yield plain


class Generator:
    """Makes changes that tip CPUs over their thresholds, and looks at what came of them."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config = config
        self.actions: list[Callable[[bytes, Zone], Any]] = [
            *[self.mod] * 8, *[self.inc] * 8, *[self.dec] * 8, *[self.fold] * 3, *[self.read] * 6, *[self.snapshot] * 3,
            self.threshold, self.drift_mark,
        ]  # fmt: skip
        rare = [self.offline, self.online, self.set_marks, self.refresh, self.pressure]
        self.actions += [action for bit, action in enumerate(rare) if header[13] >> bit & 1 or header[14] % 3 == 0] * 2
        self.asked, self.lean = 0, header[12]

    def request(self, record: bytes, zone: Zone) -> Made | None:
        """Return the request that a record stands for in this state."""
        if not any(record):
            return None
        self.asked += 1
        request = self.actions[(record[0] | record[7] << 8) % len(self.actions)](record, zone)
        return NAMES[type(request)], request, {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Nothing to remember: the state tells all."""

    def cpu(self, r: bytes) -> int:
        """Return a CPU; now and then one that is not there."""
        return r[1] % MAX_CPUS if r[5] % 32 == 1 else r[1] % self.config.cpus

    def item(self, r: bytes) -> int:
        """Return a counter; now and then one that is not there."""
        return r[2] % MAX_ITEMS if r[5] % 32 == 2 else r[2] % (self.config.items + 1)

    # each of the following makes one request from a record

    def mod(self, r: bytes, zone: Zone) -> Any:
        """Add to a counter."""
        steps = LARGE if r[4] % 4 == 0 else SMALL
        return Mod(self.cpu(r), self.item(r), steps[r[3] % len(steps)])

    def inc(self, r: bytes, zone: Zone) -> Any:
        """Count one more while the program leans that way, mostly."""
        return self.step(r, r[3] % 8 != 0)

    def dec(self, r: bytes, zone: Zone) -> Any:
        """Count one more while the program leans that way, a little more often than one less."""
        return self.step(r, r[3] % 8 < 5)

    def step(self, r: bytes, along: bool) -> Any:
        """Count one more or less: along the way that the program leans, which changes now and then, or against it."""
        up = (self.asked // LEAN + self.lean) % 2 == 0
        return (Inc if up == along else Dec)(self.cpu(r), self.item(r), r[4] % 2)

    def fold(self, r: bytes, zone: Zone) -> Any:
        """Let a CPU hand over."""
        return Fold(self.cpu(r))

    def read(self, r: bytes, zone: Zone) -> Any:
        """Look at a counter."""
        return Read(self.item(r))

    def snapshot(self, r: bytes, zone: Zone) -> Any:
        """Look at a counter exactly."""
        return ReadSnapshot(self.item(r))

    def threshold(self, r: bytes, zone: Zone) -> Any:
        """Look at a threshold."""
        return LookThreshold(self.cpu(r))

    def drift_mark(self, r: bytes, zone: Zone) -> Any:
        """Look at the drift mark."""
        return LookDriftMark()

    def offline(self, r: bytes, zone: Zone) -> Any:
        """Take a CPU away, or bring it back."""
        cpu = self.cpu(r)
        return Offline(cpu) if is_online(zone, cpu) or r[6] % 8 == 0 else Online(cpu)

    def online(self, r: bytes, zone: Zone) -> Any:
        """Bring a CPU back, or take it away."""
        cpu = self.cpu(r)
        return Online(cpu) if not is_online(zone, cpu) or r[6] % 8 == 0 else Offline(cpu)

    def set_marks(self, r: bytes, zone: Zone) -> Any:
        """Change marks and size, now and then to marks that do not ascend."""
        lowest, low, high = MARKS[r[1] % len(MARKS)]
        return SetMarks(SIZES[r[2] % len(SIZES)], *((high, low, lowest) if r[3] % 8 == 0 else (lowest, low, high)))

    def refresh(self, r: bytes, zone: Zone) -> Any:
        """Set the thresholds anew."""
        return RefreshThresholds()

    def pressure(self, r: bytes, zone: Zone) -> Any:
        """Let kswapd run or sleep."""
        return Pressure(r[1] % 2)


NAMES = {operation.request: operation.name for operation in law.VMSTAT.operations}
ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.VMSTAT.operations}


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a zone, or None."""
    if config.cpus > capabilities["max_cpus"]:
        return f"more than {capabilities['max_cpus']} processors"
    return f"more than {capabilities['max_items']} counters" if config.items >= capabilities["max_items"] else None


# --- lock-step with our implementation -------------------------------------------------------------------------------------


def differs(zone: Zone, cells: Cells, body: Counters, keys: Iterable[Any]) -> str | None:
    """Nothing is compared between the steps: what CPUs hold back is, after the last."""
    return None


def recount(zone: Zone, cells: Cells, body: Counters) -> str | None:
    """Compare every counter, difference and threshold."""
    if body.drift_mark != cells.drift_mark:
        return f"the drift mark is {body.drift_mark}, in Linux {cells.drift_mark}"
    for item in range(zone.items + 1):
        if body.counter[item] != cells.counter.get(item, 0):
            return f"counter {item} is {body.counter[item]}, in Linux {cells.counter.get(item, 0)}"
        for cpu in range(zone.cpus):
            held = cells.held.get(cell_of(cpu, item), 0)
            if body.held[cpu][item] != held:
                return f"CPU {cpu} holds {body.held[cpu][item]} back of counter {item}, in Linux {held}"
    for cpu in range(zone.cpus):
        if body.threshold[cpu] != cells.threshold.get(cpu, 0):
            return f"CPU {cpu} has the threshold {body.threshold[cpu]}, in Linux {cells.threshold.get(cpu, 0)}"
    return None


def picture(zone: Zone, cells: Cells | None) -> Picture:
    """Draw which CPUs are online, and which hold something back."""
    online = tuple((cpu, 1) for cpu in range(zone.cpus) if is_online(zone, cpu))
    pending = tuple(
        (cpu, 1) for cpu in range(zone.cpus) if any(zone.pending.get(cell_of(cpu, i), False) for i in range(zone.items + 1))
    )
    lists = () if cells is None else tuple((f"counter {item}", parts(zone, cells, item)) for item in range(zone.items + 1))
    return Picture("CPU", "cpu", 0, zone.cpus, (Strip("online", online), Strip("changed", pending)), lists)


def parts(zone: Zone, cells: Cells, item: int) -> tuple[int, ...]:
    """Return a counter, and what each CPU holds back of it."""
    return (cells.counter.get(item, 0), *(cells.held.get(cell_of(cpu, item), 0) for cpu in range(zone.cpus)))


# --- vectors -----------------------------------------------------------------------------------------------------------------


def possible(zone: Zone, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with; of numbers that only Linux determines, two stand for all."""
    yield from ERRORS[type(request)]
    if isinstance(request, Read):
        exact, slack = zone.exact.get(request.item, 0), slack_of(zone, request.item)
        yield from (Count(count) for count in sorted({max(0, exact - slack), max(0, exact + slack)}))
    elif isinstance(request, ReadSnapshot):
        yield Count(max(0, zone.exact.get(request.item, 0)))
    elif isinstance(request, LookThreshold | LookDriftMark):
        yield from (Count(0), Count(1))
    else:
        yield DONE


VMSTAT = Machine(
    component=law.VMSTAT,
    implementation=Counters,
    capabilities=CAPABILITIES,
    requires={},
    draw=draw,
    generator=Generator,
    sent=lambda capabilities: {"reset": tuple(attrs.fields_dict(Config))},
    simpler=simpler,
    too_much=too_much,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda cells, journal: cells, differs, recount),
    small=lambda zone: zone.cpus * (zone.items + 1) <= 64,
    picture=picture,
    replies=Replies(
        possible, lambda request: None, ({"max_cpus": 1}, {"max_cpus": 2, "max_items": 2}, {"max_cpus": 4}), usual=FEWER
    ),
)
"""The machine."""
