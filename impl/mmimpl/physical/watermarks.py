"""The watermarks of all zones over flat arrays, one row a zone in the order of the configuration's nodes and kinds.

What the law keeps in maps is here one list a number; what the law walks zone by zone is done in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any

from mmspec.physical.watermarks.ops import (
    ALLOC_CMA,
    ALLOC_HIGHATOMIC,
    ALLOC_MIN_RESERVE,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    ALLOC_RESERVES,
    ALLOC_WMARK_MASK,
    DONE,
    EINVAL,
    HIGHMEM,
    KINDS,
    LOWMEM_SHARE,
    MAX_MANAGED,
    MOVABLE,
    NODE_SHIFT,
    NORMAL,
    WMARK_HIGH,
    WMARK_LOW,
    WMARK_MIN,
    WMARK_PROMO,
    Balanced,
    Boost,
    Config,
    Done,
    Error,
    Fast,
    Frames,
    Kswapd,
    LimitPerCpu,
    Limits,
    LookReserves,
    LookTotal,
    LookWatermarks,
    Ok,
    Passed,
    Recommend,
    Refresh,
    Report,
    Reserves,
    SetBoostFactor,
    SetManaged,
    SetMinFree,
    SetReserveRatio,
    SetScaleFactor,
    SetTiering,
    Unboost,
    Wake,
    Watermarks,
    Woken,
)  # fmt: skip
from mmspec.words import MAX_ORDER_LIMIT

WIDTH = 1 << NODE_SHIFT
"""Rows of a node, of which the last two stand empty."""

NOTHING_FREE = (0, 0, 0, 0, 0, 0, 0, 0)
"""What is free in a zone before anybody said so: free, exact, highatomic, cma, drift_mark, and blocks of three sorts of lists."""

UNASKED = -1


class Marks:
    """The watermarks of a machine, computed as the kernel that it is told ("6.12" or "6.1") does."""

    def __init__(self, config: Config, kernel: str = "6.12") -> None:
        nodes = config.zones[-1][0] + 1
        rows = nodes * WIDTH
        self.nodes, self.old = nodes, kernel == "6.1"
        self.kb_shift, self.pageblock, self.page_shift = config.page_shift - 10, 1 << config.pageblock_order, config.page_shift
        self.kdump = config.kdump and not self.old
        self.kinds = [row % WIDTH for row in range(rows)]
        self.managed, self.present = [0] * rows, [False] * rows
        for node, kind, frames in config.zones:
            self.managed[node * WIDTH + kind], self.present[node * WIDTH + kind] = frames, True
        movable_is_low = self.old and not any(self.present[HIGHMEM::WIDTH])
        self.lowmem = [kind != HIGHMEM and (kind != MOVABLE or movable_is_low) for kind in self.kinds]
        self.user, self.scale, self.factor, self.tiering = -1, 10, 15000, 0
        self.ratio = [256, 256, 32, 0, 0, 0]
        self.marks = [[0] * 4 for _ in range(rows)]
        self.boosts = [0] * rows
        self.reserve = [[0] * KINDS for _ in range(rows)]
        self.totals = [0] * nodes
        self.free: list[tuple[int, ...]] = [NOTHING_FREE] * rows
        self.waiting, self.failures = [True] * nodes, [0] * nodes
        self.asked, self.asked_order = [UNASKED] * nodes, [0] * nodes
        self.min_free = 0
        self.refresh(Refresh())

    def apply(self, request: Any) -> Any:
        """Carry out one request and return its result."""
        return SERVES[type(request)](self, request)

    # --- what is computed ---------------------------------------------------------------------------------------------

    def has_zone(self, zone: int) -> bool:
        """Tell whether there is such a zone."""
        return zone < len(self.managed) and self.kinds[zone] < KINDS

    def frames_above_high(self) -> int:
        """Return the frames above HIGH of the zones up to NORMAL."""
        rows = zip(self.kinds, self.managed, self.marks, self.boosts, strict=True)
        return sum(max(0, managed - marks[WMARK_HIGH] - boost) for kind, managed, marks, boost in rows if kind <= NORMAL)

    def compute_min_free(self) -> None:
        """Set min_free_kbytes as at boot, unless the user's is not below it."""
        root = isqrt(16 * (self.frames_above_high() << self.kb_shift))
        if root > self.user:
            self.min_free = min(max(root, 128), 262144)

    def set_marks(self) -> None:
        """Set all marks and totals anew."""
        pages_min = self.min_free >> self.kb_shift
        lowmem = sum(frames for frames, low in zip(self.managed, self.lowmem, strict=True) if low)
        for row, managed in enumerate(self.managed):
            share = pages_min * managed // lowmem
            lowest = share if self.lowmem[row] else min(max(managed >> 10, 32), 128)
            step = max(share >> 2, managed * self.scale // 10000)
            self.boosts[row] = 0
            self.marks[row] = [lowest, lowest + step, lowest + 2 * step, lowest + 3 * step]
        self.total_up()

    def set_reserves(self) -> None:
        """Set all reserves and totals anew."""
        for row, kind in enumerate(self.kinds):
            if kind >= KINDS:
                continue
            above, reserve = 0, [0] * KINDS
            for k in range(kind + 1, KINDS):
                above += self.managed[row - kind + k]
                if self.ratio[kind] >= 1 and self.managed[row]:
                    reserve[k] = above // self.ratio[kind]
            self.reserve[row] = reserve
        self.total_up()

    def total_up(self) -> None:
        """Sum what each node keeps."""
        for node in range(self.nodes):
            kept = 0
            for row in range(node * WIDTH, node * WIDTH + KINDS):
                kept += min(self.managed[row], max(self.reserve[row]) + self.marks[row][WMARK_HIGH] + self.boosts[row])
            self.totals[node] = kept

    # --- checks -------------------------------------------------------------------------------------------------------

    def unusable(self, row: int, order: int, flags: int) -> int:
        """Return the free frames of a zone that a request cannot use."""
        _, _, highatomic, cma, _, _, _, _ = self.free[row]
        frames = (1 << order) - 1
        if not flags & ALLOC_RESERVES:
            frames += highatomic
        if not flags & ALLOC_CMA:
            frames += cma
        return frames

    def passes(self, row: int, order: int, mark: int, reserve: int, flags: int, free: int) -> bool:
        """Tell whether a request leaves a zone, in which so much is free, above a mark."""
        if flags & ALLOC_MIN_RESERVE:
            mark -= mark // 2
            if flags & ALLOC_NON_BLOCK:
                mark -= mark // 4
        if flags & ALLOC_OOM:
            mark -= mark // 2
        if free - self.unusable(row, order, flags) <= mark + reserve:
            return False
        return order == 0 or self.block(row, order, flags)

    def block(self, row: int, order: int, flags: int) -> bool:
        """Tell whether a list that may serve a request has a block that is large enough."""
        blocks, cma_blocks, highatomic_blocks = self.free[row][5:]
        if flags & ALLOC_CMA:
            blocks |= cma_blocks
        if flags & (ALLOC_HIGHATOMIC | ALLOC_OOM):
            blocks |= highatomic_blocks
        return blocks >> order != 0

    def balanced(self, node: int, order: int, highest: int) -> bool:
        """Tell whether a node needs no reclaim."""
        empty, which = True, WMARK_PROMO if self.tiering else WMARK_HIGH
        for row in range(node * WIDTH, node * WIDTH + highest + 1):
            if self.managed[row] == 0:
                continue
            empty = False
            free, exact, _, _, drift_mark, _, _, _ = self.free[row]
            seen = exact if free < drift_mark else free
            if self.passes(row, order, self.marks[row][which] + self.boosts[row], self.reserve[row][highest], 0, seen):
                return True
        return empty

    def useless(self, node: int, order: int, highest: int) -> bool:
        """Tell whether waking a node's kswapd would not help."""
        rows = range(node * WIDTH, node * WIDTH + highest + 1)
        boosted = any(self.boosts[row] and self.managed[row] for row in rows)
        return self.failures[node] >= 16 or (not boosted and self.balanced(node, order, highest))

    # --- requests -----------------------------------------------------------------------------------------------------

    def set_min_free(self, op: SetMinFree) -> Done | Error:
        """Take a user's min_free_kbytes."""
        self.min_free = self.user = op.kbytes
        self.set_marks()
        return DONE

    def set_scale_factor(self, op: SetScaleFactor) -> Done | Error:
        """Take a distance of the marks."""
        if not 1 <= op.factor <= 3000:
            return EINVAL
        self.scale = op.factor
        self.set_marks()
        return DONE

    def set_boost_factor(self, op: SetBoostFactor) -> Done | Error:
        """Take a limit of boosts."""
        self.factor = op.factor
        return DONE

    def set_reserve_ratio(self, op: SetReserveRatio) -> Done | Error:
        """Take one ratio of the reserves."""
        self.ratio[op.kind] = op.ratio
        self.set_reserves()
        return DONE

    def set_tiering(self, op: SetTiering) -> Done | Error:
        """Switch memory tiering."""
        self.tiering = op.on
        return DONE

    def set_managed(self, op: SetManaged) -> Done | Error:
        """Give frames to a zone, or take them; nothing follows."""
        if op.zone >= len(self.managed) or not self.present[op.zone]:
            return EINVAL
        total = sum(self.managed) - self.managed[op.zone] + op.managed
        low = sum(self.managed[row] for row, kind in enumerate(self.kinds) if kind not in (HIGHMEM, MOVABLE) and row != op.zone)
        low += op.managed if self.kinds[op.zone] not in (HIGHMEM, MOVABLE) else 0
        if not 0 < total <= min(MAX_MANAGED, low * LOWMEM_SHARE):
            return EINVAL
        self.managed[op.zone] = op.managed
        return DONE

    def refresh(self, op: Refresh) -> Done | Error:
        """Compute everything anew."""
        self.compute_min_free()
        self.set_marks()
        self.set_reserves()
        return DONE

    def recommend(self, op: Recommend) -> Done | Error:
        """Raise min_free_kbytes for huge pages, or compute it anew without them."""
        if op.huge:
            zones = sum(present and kind <= NORMAL for present, kind in zip(self.present, self.kinds, strict=True))
            pages = min(self.pageblock * zones * 11, self.frames_above_high() // 20)
            self.min_free = max(self.min_free, pages << self.kb_shift)
        else:
            self.compute_min_free()
        self.set_marks()
        return DONE

    def boost(self, op: Boost) -> Passed | Error:
        """Boost a zone."""
        if not self.has_zone(op.zone):
            return EINVAL
        most = self.marks[op.zone][WMARK_HIGH] * self.factor // 10000
        if self.kdump or self.managed[op.zone] < 4 * self.pageblock or not most:
            return Passed(0)
        self.boosts[op.zone] = min(self.boosts[op.zone] + self.pageblock, max(most, self.pageblock))
        return Passed(1)

    def unboost(self, op: Unboost) -> Done | Error:
        """Take a boost back."""
        if not self.has_zone(op.zone):
            return EINVAL
        self.boosts[op.zone] = max(0, self.boosts[op.zone] - op.pages)
        return DONE

    def report(self, op: Report) -> Done | Error:
        """Hear what is free in a zone."""
        if not self.has_zone(op.zone):
            return EINVAL
        self.free[op.zone] = (
            op.free, op.exact, op.highatomic, op.cma, op.drift_mark, op.blocks, op.cma_blocks, op.highatomic_blocks,
        )  # fmt: skip
        return DONE

    def kswapd(self, op: Kswapd) -> Done | Error:
        """Hear how a kswapd fares."""
        if op.node >= self.nodes:
            return EINVAL
        self.waiting[op.node], self.failures[op.node] = op.waiting != 0, op.failures
        self.asked[op.node], self.asked_order[op.node] = UNASKED, 0
        return DONE

    def watermarks(self, op: LookWatermarks) -> Watermarks | Error:
        """Return a zone's marks and boost."""
        if not self.has_zone(op.zone):
            return EINVAL
        lowest, low, high, promo = self.marks[op.zone]
        return Watermarks(lowest, low, high, promo, self.boosts[op.zone])

    def reserves(self, op: LookReserves) -> Reserves | Error:
        """Return a zone's reserves."""
        return Reserves(*self.reserve[op.zone]) if self.has_zone(op.zone) else EINVAL

    def total(self, op: LookTotal) -> Frames | Error:
        """Return what a node keeps."""
        return Frames(self.totals[op.node]) if op.node < self.nodes else EINVAL

    def ok(self, op: Ok) -> Passed | Error:
        """Hold a zone against a given mark."""
        if not self.has_zone(op.zone) or op.order > MAX_ORDER_LIMIT:
            return EINVAL
        return Passed(int(self.passes(op.zone, op.order, op.mark, op.reserve, op.flags, self.free[op.zone][0])))

    def fast(self, op: Fast) -> Passed | Error:
        """Hold a zone against its own mark."""
        row, flags = op.zone, op.flags
        if not self.has_zone(row) or op.order > MAX_ORDER_LIMIT:
            return EINVAL
        index, free, reserve = flags & ALLOC_WMARK_MASK, self.free[row][0], self.reserve[row][op.highest]
        mark = self.marks[row][index] + self.boosts[row]
        passed = op.order == 0 and free - min(free, self.unusable(row, 0, flags)) > mark + reserve
        passed = passed or self.passes(row, op.order, mark, reserve, flags, free)
        atomic = op.atomic if self.old else flags & ALLOC_MIN_RESERVE
        if not passed and op.order == 0 and atomic and self.boosts[row] and index == WMARK_MIN:
            passed = self.passes(row, 0, self.marks[row][WMARK_MIN], reserve, flags, free)
        return Passed(int(passed))

    def is_balanced(self, op: Balanced) -> Passed | Error:
        """Return whether a node needs no reclaim."""
        if op.node >= self.nodes or op.order > MAX_ORDER_LIMIT:
            return EINVAL
        return Passed(int(self.balanced(op.node, op.order, op.highest)))

    def wake(self, op: Wake) -> Woken | Error:
        """Wake a zone's kswapd if that helps."""
        if not self.has_zone(op.zone) or op.order > MAX_ORDER_LIMIT:
            return EINVAL
        node = op.zone // WIDTH
        if self.managed[op.zone] == 0 or not op.admitted:
            return self.woken(node, 0, 0)
        self.asked[node] = max(self.asked[node], op.highest)
        self.asked_order[node] = max(self.asked_order[node], op.order)
        if not self.waiting[node]:
            return self.woken(node, 0, 0)
        if self.useless(node, op.order, op.highest):
            return self.woken(node, 0, int(not op.direct))
        return self.woken(node, 1, 0)

    def woken(self, node: int, kswapd: int, kcompactd: int) -> Woken:
        """Return whom a request woke, and what the node's kswapd is asked for."""
        asked = self.asked[node]
        return Woken(kswapd, kcompactd, int(asked != UNASKED), self.asked_order[node], max(asked, 0))

    def limit_per_cpu(self, op: LimitPerCpu) -> Limits | Error:
        """Return the limits of a zone's per-CPU lists."""
        if not self.has_zone(op.zone) or not op.online >= 1 or op.local > op.online or 0 < op.fraction < 8:
            return EINVAL
        managed, cpus = self.managed[op.zone], op.local or op.online
        quarter = max(1, min(managed >> 10, (1 << 20) >> self.page_shift) // 4)
        batch = max(1, (1 << (quarter + quarter // 2).bit_length() - 1) - 1)
        low = self.marks[op.zone][WMARK_LOW] + self.boosts[op.zone]
        least, most = (
            max(((frames // cpus + (1 << 31)) % (1 << 32)) - (1 << 31), batch * 4)  # an int
            for frames in (managed // op.fraction if op.fraction else low, managed // 8)
        )
        most = least if self.old or op.fraction else most
        return Limits(batch, least, most)


SERVES: dict[type, Callable[[Marks, Any], Any]] = {
    SetMinFree: Marks.set_min_free,
    SetScaleFactor: Marks.set_scale_factor,
    SetBoostFactor: Marks.set_boost_factor,
    SetReserveRatio: Marks.set_reserve_ratio,
    SetTiering: Marks.set_tiering,
    SetManaged: Marks.set_managed,
    Refresh: Marks.refresh,
    Recommend: Marks.recommend,
    Boost: Marks.boost,
    Unboost: Marks.unboost,
    Report: Marks.report,
    Kswapd: Marks.kswapd,
    LookWatermarks: Marks.watermarks,
    LookReserves: Marks.reserves,
    LookTotal: Marks.total,
    Ok: Marks.ok,
    Fast: Marks.fast,
    Balanced: Marks.is_balanced,
    Wake: Marks.wake,
    LimitPerCpu: Marks.limit_per_cpu,
}
"""What serves each kind of request."""
