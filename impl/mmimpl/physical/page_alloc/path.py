"""One request on its way: a generator that yields what it asks and is sent the answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from mmspec.physical.page_alloc.ops import (
    ALL_NODES,
    ALLOC_CMA,
    ALLOC_CPUSET,
    ALLOC_HIGHATOMIC,
    ALLOC_KSWAPD,
    ALLOC_MIN_RESERVE,
    ALLOC_NO_WATERMARKS,
    ALLOC_NOFRAGMENT,
    ALLOC_NON_BLOCK,
    ALLOC_OOM,
    ALLOC_WMARK_HIGH,
    ALLOC_WMARK_LOW,
    ASYNC,
    COMPACT,
    COMPACT_AGAIN,
    COMPLETE,
    CONTENDED,
    COSTLY_ORDER,
    DEFERRED,
    DRAIN,
    GFP_ATOMIC,
    GFP_DIRECT_RECLAIM,
    GFP_FS,
    GFP_HARDWALL,
    GFP_HIGH,
    GFP_IO,
    GFP_KSWAPD_RECLAIM,
    GFP_MEMALLOC,
    GFP_MOVABLE,
    GFP_NOFAIL,
    GFP_NOMEMALLOC,
    GFP_NORETRY,
    GFP_RECLAIMABLE,
    GFP_RETRY_MAYFAIL,
    GFP_THISNODE,
    GFP_WRITE,
    KILL,
    NORMAL,
    NOWHERE,
    PAGE,
    PARTIAL_SKIPPED,
    RECLAIM,
    SKIPPED,
    SUCCESS,
    SYNC_FULL,
    SYNC_LIGHT,
    TASK_DUMPCORE,
    TASK_EXITING,
    TASK_INTERRUPT,
    TASK_KILLED,
    TASK_MEMALLOC,
    TASK_NOFS,
    TASK_NOIO,
    TASK_PIN,
    TASK_REALTIME,
    TASK_SOFTIRQ,
    TASK_VICTIM,
    WAIT,
    Answer,
    Enter,
)  # fmt: skip
from mmspec.physical.watermarks.ops import Wake

if TYPE_CHECKING:
    from mmimpl.physical.page_alloc import Pages

INTERRUPTED = TASK_INTERRUPT | TASK_SOFTIRQ
MOBILITY = GFP_MOVABLE | GFP_RECLAIMABLE

Asking = Generator[int, Answer, int | None]
"""A path: it yields what it asks, is sent answers, and returns the zone of a block, or None."""


def is_movable(gfp: int) -> bool:
    """Tell whether a request is MOVABLE."""
    return gfp & MOBILITY == GFP_MOVABLE


def flags_of(gfp: int, order: int, context: int) -> int:
    """Return what a request comes to in the slow path."""
    flags = ALLOC_CPUSET | gfp & (GFP_HIGH | GFP_KSWAPD_RECLAIM)
    if not gfp & GFP_DIRECT_RECLAIM:
        if not gfp & GFP_NOMEMALLOC:
            flags |= ALLOC_NON_BLOCK | (ALLOC_HIGHATOMIC if order and gfp & GFP_HIGH else 0)
        if gfp & GFP_HIGH:
            flags &= ~ALLOC_CPUSET
    elif context & TASK_REALTIME and not context & INTERRUPTED:
        flags |= ALLOC_MIN_RESERVE
    return flags | (ALLOC_CMA if is_movable(gfp) else 0)


def reserves_of(gfp: int, context: int) -> int:
    """Return which reserves a request may use beyond that."""
    if gfp & GFP_NOMEMALLOC:
        return 0
    if gfp & GFP_MEMALLOC or (context & TASK_MEMALLOC and (context & TASK_SOFTIRQ or not context & TASK_INTERRUPT)):
        return ALLOC_NO_WATERMARKS
    return ALLOC_OOM if context & TASK_VICTIM and not context & INTERRUPTED else 0


class Path:
    """One request on its way, and the outside as the last answer said it is."""

    def __init__(self, owner: Pages, op: Enter) -> None:
        self.owner, self.order, self.node, self.nodes = owner, op.order, op.node, op.nodes
        self.gfp = self.said = op.gfp
        if op.context & TASK_NOIO:
            self.gfp &= ~(GFP_IO | GFP_FS)
        elif op.context & TASK_NOFS:
            self.gfp &= ~GFP_FS
        if op.context & TASK_PIN:
            self.gfp &= ~GFP_MOVABLE
        self.highest = owner.highest(self.gfp)
        self.flags, self.priority, self.round = ALLOC_WMARK_LOW, SYNC_LIGHT, 0
        self.loops = self.retries = self.progress = 0
        self.compacted, self.changed, self.asked = SKIPPED, False, PAGE
        self.dirty = op.dirty if self.gfp & GFP_WRITE else 0
        self.heard(op)
        self.answer = Answer(op.task)
        self.running: Asking = self.whole()

    def heard(self, op: Enter | Answer) -> None:
        """Take over how the outside is."""
        self.context, self.cpusets, self.mems, self.wall = op.context, op.cpusets, op.mems, op.wall
        self.grown, self.empty, self.reclaimed = op.grown, op.empty, op.reclaimed

    def allowed(self, gfp: int) -> int:
        """Return the nodes that the cpuset allows."""
        if not self.cpusets or self.context & (INTERRUPTED | TASK_VICTIM):
            return ALL_NODES
        if gfp & GFP_HARDWALL:
            return self.mems
        return ALL_NODES if self.context & TASK_EXITING else self.mems | self.wall

    def zones(self, nodes: int) -> list[int]:
        """Return the zones that the request may use on some nodes, in the order of its list."""
        return self.owner.eligible(self.gfp, self.node, nodes, self.highest)

    def attempt(self, gfp: int, flags: int) -> int | None:
        """Try the lists."""
        zones = self.zones(self.nodes)
        reclaimed = 0 if self.context & TASK_MEMALLOC else self.reclaimed
        return self.owner.walk_zones(
            zones, gfp, self.order, flags, self.highest, self.allowed(gfp), self.dirty, self.grown, self.empty, reclaimed
        )

    def widened(self, flags: int) -> int | None:
        """Try the lists within the cpuset, then without."""
        found = self.attempt(self.gfp, flags | ALLOC_CPUSET)
        return self.attempt(self.gfp, flags) if found is None else found

    def wake(self) -> None:
        """Wake the kswapd of each node on the list once."""
        if not self.flags & ALLOC_KSWAPD:
            return
        last, allowed, direct = -1, self.allowed(self.gfp), int(self.gfp & GFP_DIRECT_RECLAIM != 0)
        for zone in self.zones(self.nodes):
            if zone // 8 != last:
                last = zone // 8
                self.owner.marks.apply(Wake(zone, self.order, self.highest, direct, allowed >> last & 1))

    # --- the whole path -----------------------------------------------------------------------------------------------

    def whole(self) -> Asking:
        """Go the fast path, then the slow one."""
        found = self.fast()
        if found is None:
            self.dirty = 0
            if self.owner.old and self.gfp & GFP_DIRECT_RECLAIM:
                self.gfp &= ~GFP_ATOMIC
            found = yield from self.slow()
        return found

    def fast(self) -> int | None:
        """Try once at LOW."""
        gfp, flags, mask = self.gfp, self.flags, self.nodes
        if self.cpusets:
            gfp |= GFP_HARDWALL
            if self.context & INTERRUPTED or mask != ALL_NODES:
                flags |= ALLOC_CPUSET
            else:
                self.nodes = self.mems
        if is_movable(gfp):
            flags |= ALLOC_CMA
        flags |= gfp & GFP_KSWAPD_RECLAIM
        first = next(iter(self.zones(self.nodes)), None)
        if first is not None and first % 8 == NORMAL and (self.owner.zones.nodes == 1 or self.owner.zones.present[first - 1]):
            flags |= ALLOC_NOFRAGMENT
        found = self.attempt(gfp, flags)
        self.nodes = mask
        return found

    def ask(self, what: int) -> Generator[int, Answer, None]:
        """Ask something, and take over what the outside is then like."""
        self.asked = what
        self.answer = yield what
        self.heard(self.answer)
        self.changed = bool(self.answer.changed)

    def restarts(self) -> bool:
        """Tell whether the path must begin again; forget a mask that is outside the cpuset."""
        outside = bool(self.cpusets) and self.nodes != ALL_NODES and not self.nodes & self.mems
        if outside:
            self.nodes = ALL_NODES
        if outside or self.changed:
            self.changed = False
            return True
        return False

    def slow(self) -> Asking:
        """Begin the path until it comes to an end that nothing has overtaken."""
        while True:
            self.flags = flags_of(self.gfp, self.order, self.context)
            self.loops = self.retries = self.round = 0
            self.compacted, self.priority, self.changed = SKIPPED, SYNC_LIGHT, False
            done, found = yield from self.once()
            if done:
                return found

    def once(self) -> Generator[int, Answer, tuple[bool, int | None]]:
        """Go the path from its beginning; False: it is to begin again."""
        walled = self.cpusets and self.gfp & GFP_HARDWALL
        rounds = True
        if not self.zones(self.nodes) or (walled and not self.zones(self.mems)):
            rounds = False
        else:
            self.wake()
            found = self.attempt(self.gfp, self.flags)
            if found is not None:
                return True, found
            if self.compacts_first():
                found = yield from self.compact(COMPACT)
                if found is not None:
                    return True, found
                if self.order > COSTLY_ORDER and self.gfp & GFP_NORETRY:
                    rounds = self.compacted not in (SKIPPED, DEFERRED) and not self.gfp & GFP_THISNODE
                    self.priority = ASYNC if rounds else self.priority
        while True:
            if rounds:
                going, found = yield from self.rounds()
                if going:
                    return False, None
                if found is not None:
                    return True, found
            if self.restarts():
                return False, None
            if not (self.gfp & GFP_NOFAIL and self.gfp & GFP_DIRECT_RECLAIM):
                return True, None
            found = self.widened(ALLOC_MIN_RESERVE)
            if found is not None:
                return True, found
            yield from self.ask(WAIT)
            rounds = True

    def compacts_first(self) -> bool:
        """Tell whether compaction comes before all else."""
        if not self.gfp & GFP_DIRECT_RECLAIM or not self.gfp & GFP_IO or reserves_of(self.gfp, self.context):
            return False
        return self.order > COSTLY_ORDER or (self.order > 0 and not is_movable(self.gfp))

    def rounds(self) -> Generator[int, Answer, tuple[bool, int | None]]:
        """Go through rounds until a block is found or none will be; True: the path is to begin again."""
        while True:
            if self.restarts():
                return True, None
            self.round += 1
            self.wake()
            reserves = reserves_of(self.gfp, self.context)
            if reserves:
                self.flags = reserves | self.flags & ALLOC_KSWAPD | (ALLOC_CMA if is_movable(self.gfp) else 0)
            if reserves or not self.flags & ALLOC_CPUSET:
                self.nodes = ALL_NODES
            found = self.attempt(self.gfp, self.flags)
            if found is not None or not self.gfp & GFP_DIRECT_RECLAIM or self.context & TASK_MEMALLOC:
                return False, found
            found = yield from self.reclaim_and_compact()
            if found is not None or not self.may_retry():
                return False, found
            if self.reclaims_again() or self.compacts_again():
                continue
            if self.restarts():
                return True, None
            found, going = yield from self.kill()
            if not going:
                return False, found

    def reclaim_and_compact(self) -> Asking:
        """Reclaim and try, drain and try, compact and try."""
        yield from self.ask(RECLAIM)
        self.progress = self.answer.progress
        if self.progress:
            found = self.attempt(self.gfp, self.flags)
            if found is None:
                yield from self.ask(DRAIN)
                found = self.attempt(self.gfp, self.flags)
            if found is not None:
                return found
        if self.order == 0:
            return None
        if self.gfp & GFP_IO:
            return (yield from self.compact(COMPACT_AGAIN))
        self.compacted = SKIPPED
        return None

    def compact(self, what: int) -> Asking:
        """Compact, and take what that captured, or try."""
        yield from self.ask(what)
        self.compacted = self.answer.compacted
        if self.compacted == SKIPPED:
            return None
        if self.answer.captured == NOWHERE:
            return self.attempt(self.gfp, self.flags)
        self.owner.under = self.flags
        return self.answer.captured

    def may_retry(self) -> bool:
        """Tell whether a request of its kind goes on after a round."""
        if self.gfp & GFP_NORETRY:
            return False
        return self.order <= COSTLY_ORDER or (self.gfp & GFP_IO != 0 and self.gfp & GFP_RETRY_MAYFAIL != 0)

    def reclaims_again(self) -> bool:
        """Tell whether reclaim may yet help."""
        if self.progress and self.order <= COSTLY_ORDER:
            self.loops = 0
        else:
            self.loops += 1
        if self.loops <= 16 and any(map(self.hopeful, self.zones(self.nodes))):
            return True
        return bool(self.answer.released)

    def hopeful(self, zone: int) -> bool:
        """Tell whether a zone would be above MIN with all that is reclaimable."""
        owner, marks = self.owner, self.owner.marks
        if not owner.old and self.flags & ALLOC_CPUSET and not self.allowed(self.gfp) >> zone // 8 & 1:
            return False
        mark, reserve = marks.marks[zone][0] + marks.boosts[zone], marks.reserve[zone][self.highest]
        return marks.passes(zone, self.order, mark, reserve, self.flags, owner.reclaimable[zone] + marks.free[zone][1])

    def compacts_again(self) -> bool:
        """Tell whether compaction may yet help."""
        if not self.progress or not self.gfp & GFP_IO or not self.order or self.context & TASK_KILLED:
            return False
        most, least = (4, SYNC_LIGHT) if self.order > COSTLY_ORDER else (16, SYNC_FULL)
        if self.compacted == SUCCESS:
            self.retries += 1
        if self.compacted == SKIPPED:
            return bool(self.answer.suitable)
        counts = self.compacted == SUCCESS
        if self.owner.old:
            counts = self.compacted not in (COMPLETE, DEFERRED, CONTENDED, PARTIAL_SKIPPED)
        if counts and self.retries <= most:
            return True
        if self.priority <= least:
            return False
        self.priority, self.retries = self.priority - 1, 0
        return True

    def kill(self) -> Generator[int, Answer, tuple[int | None, bool]]:
        """Try at HIGH, ask the OOM killer, and say whether there is another round."""
        progress = bool(self.answer.busy)
        if not progress:
            found = self.attempt((self.gfp | GFP_HARDWALL) & ~GFP_DIRECT_RECLAIM, ALLOC_WMARK_HIGH | ALLOC_CPUSET)
            if found is not None:
                return found, False
            spared = self.order > COSTLY_ORDER or self.gfp & (GFP_RETRY_MAYFAIL | GFP_THISNODE) or self.highest < NORMAL
            if not spared and not self.context & TASK_DUMPCORE:
                yield from self.ask(KILL)
                progress = bool(self.answer.killed)
                if self.gfp & GFP_NOFAIL:
                    progress = True
                    found = self.widened(ALLOC_NO_WATERMARKS)
                    if found is not None:
                        return found, False
        if self.context & TASK_VICTIM and (self.flags & ALLOC_OOM or self.gfp & GFP_NOMEMALLOC):
            return None, False
        if progress:
            self.loops = 0
        return None, progress
