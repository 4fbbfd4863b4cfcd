"""A zone's counters over flat arrays: a row of small differences a CPU, and one row of numbers that they sum to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmspec.physical.vmstat.ops import (
    DONE,
    EINVAL,
    MAX_THRESHOLD,
    Config,
    Count,
    Dec,
    Done,
    Error,
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


class Counters:
    """The counters of one zone, kept as both kernels keep them."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        self.shift = 27 - config.page_shift
        self.size = config.managed, config.min, config.low, config.high
        self.online = [True] * config.cpus
        self.held = [[0] * (config.items + 1) for _ in range(config.cpus)]
        self.counter = [0] * (config.items + 1)
        self.threshold = [0] * config.cpus
        self.drift_mark = 0
        self.refresh()

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    def refresh(self) -> None:
        """Set thresholds and drift mark anew."""
        _, lowest, low, high = self.size
        threshold = self.normal()
        self.limit(threshold)
        if sum(self.online) * threshold > low - lowest:
            self.drift_mark = high + sum(self.online) * threshold

    def normal(self) -> int:
        """Return how much a CPU may hold back."""
        return min(MAX_THRESHOLD, 2 * sum(self.online).bit_length() * (1 + (self.size[0] >> self.shift).bit_length()))

    def limit(self, threshold: int) -> None:
        """Tell every CPU that is online its threshold."""
        for cpu, online in enumerate(self.online):
            if online:
                self.threshold[cpu] = threshold

    def counts(self, op: Any) -> bool:
        """Tell whether a request's CPU can change its counter."""
        return self.is_online(op.cpu) and op.item < len(self.counter)

    def is_online(self, cpu: int) -> bool:
        """Tell whether a CPU is there and online."""
        return cpu < len(self.online) and self.online[cpu]

    def add(self, cpu: int, item: int, delta: int, over: int, both: bool) -> None:
        """Add to a counter on a CPU; ``over`` is the sign in which it then owes half its threshold.

        ``both`` tells whether what it holds back is held against the other end of the threshold too.
        """
        row, threshold = self.held[cpu], self.threshold[cpu]
        held = row[item] + delta
        beyond = held > threshold or held < -threshold if both else held * delta > threshold
        if beyond:
            owed = over * (threshold >> 1)
            self.counter[item] += held + owed
            held = -owed
        row[item] = held

    def hand_over(self, cpu: int) -> None:
        """Let a CPU hand over all that it holds back."""
        for item, held in enumerate(self.held[cpu]):
            self.counter[item] += held
            self.held[cpu][item] = 0

    # --- requests -----------------------------------------------------------------------------------------------------

    def mod(self, op: Mod) -> Done | Error:
        """Add to a counter."""
        if not self.counts(op):
            return EINVAL
        self.add(op.cpu, op.item, op.delta, 0, True)
        return DONE

    def inc(self, op: Inc) -> Done | Error:
        """Count one more."""
        if not self.counts(op):
            return EINVAL
        self.add(op.cpu, op.item, 1, 1, op.atomic != 0)
        return DONE

    def dec(self, op: Dec) -> Done | Error:
        """Count one less."""
        if not self.counts(op):
            return EINVAL
        self.add(op.cpu, op.item, -1, -1, op.atomic != 0)
        return DONE

    def fold(self, op: Fold) -> Done | Error:
        """Hand over."""
        if not self.is_online(op.cpu):
            return EINVAL
        self.hand_over(op.cpu)
        return DONE

    def leave(self, op: Offline) -> Done | Error:
        """Take a CPU away, unless it is the last."""
        if not self.is_online(op.cpu) or sum(self.online) == 1:
            return EINVAL
        self.hand_over(op.cpu)
        self.online[op.cpu] = False
        self.refresh()
        return DONE

    def come(self, op: Online) -> Done | Error:
        """Bring a CPU back."""
        if op.cpu >= len(self.online) or self.online[op.cpu]:
            return EINVAL
        self.online[op.cpu] = True
        self.refresh()
        return DONE

    def set_marks(self, op: SetMarks) -> Done | Error:
        """Take new marks and a new size; no threshold follows."""
        if not op.min <= op.low <= op.high:
            return EINVAL
        self.size = op.managed, op.min, op.low, op.high
        return DONE

    def refresh_thresholds(self, op: RefreshThresholds) -> Done | Error:
        """Set thresholds anew."""
        self.refresh()
        return DONE

    def pressure(self, op: Pressure) -> Done | Error:
        """Set the thresholds for a kswapd that runs, or sleeps again."""
        _, lowest, low, _ = self.size
        if self.drift_mark:
            part = (low - lowest) % (1 << 32) // sum(self.online)
            self.limit((1 if part >> 31 else min(MAX_THRESHOLD, max(1, part))) if op.on else self.normal())
        return DONE

    def read(self, op: Read) -> Count | Error:
        """Return a counter."""
        return Count(max(0, self.counter[op.item])) if op.item < len(self.counter) else EINVAL

    def read_snapshot(self, op: ReadSnapshot) -> Count | Error:
        """Return a counter, exactly."""
        if op.item >= len(self.counter):
            return EINVAL
        held = sum(row[op.item] for row, online in zip(self.held, self.online, strict=True) if online)
        return Count(max(0, self.counter[op.item] + held))

    def look_threshold(self, op: LookThreshold) -> Count | Error:
        """Return a CPU's threshold."""
        return Count(self.threshold[op.cpu]) if self.is_online(op.cpu) else EINVAL

    def look_drift_mark(self, op: LookDriftMark) -> Count | Error:
        """Return the drift mark."""
        return Count(self.drift_mark)


SERVES: dict[type, Callable[[Counters, Any], Any]] = {
    Mod: Counters.mod,
    Inc: Counters.inc,
    Dec: Counters.dec,
    Fold: Counters.fold,
    Offline: Counters.leave,
    Online: Counters.come,
    SetMarks: Counters.set_marks,
    RefreshThresholds: Counters.refresh_thresholds,
    Pressure: Counters.pressure,
    Read: Counters.read,
    ReadSnapshot: Counters.read_snapshot,
    LookThreshold: Counters.look_threshold,
    LookDriftMark: Counters.look_drift_mark,
}
"""What serves each kind of request."""
