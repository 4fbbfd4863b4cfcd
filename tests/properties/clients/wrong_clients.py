"""Buddy allocators that are subtly wrong: each a small delta from a correct one, which the harness must catch.

A docstring names the mistake and, where somebody made it in earnest, its entry in the catalogue of real bugs (``BUD-...``).
``clauses`` are those that may be named for it; which one depends on what is asked first.
"""

from __future__ import annotations

from typing import Any, ClassVar

from mmprops.examples.python.mybuddy import Highest, Lowest

from .careful_clients import Holed

INSIDE, FREE, ALIGNED, ENOMEM, ARGS = (f"BUDDY-ALLOC-{what}" for what in ("INSIDE", "FREE", "ALIGNED", "ENOMEM", "ARGS"))
ACCEPTED, REFUSED = "BUDDY-FREE-ACCEPTED", "BUDDY-FREE-REFUSED"
COUNT, BLOCKS = "BUDDY-FREE-COUNT", "BUDDY-FREE-BLOCKS"

# --- wrong about the zone's bounds -----------------------------------------------------------------------------------------


class IgnoresZoneEnd(Highest):
    """Rounds the end of the zone up to a multiple of 8 frames."""

    clauses: ClassVar = {INSIDE, COUNT, BLOCKS}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, (end + 7) & ~7, max_order)


class TakesFrameAfterZone(Highest):
    """BUD-12: the bound check accepts the address one past the end, so the zone has one frame too many."""

    clauses: ClassVar = {INSIDE, COUNT, BLOCKS}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end + 1, max_order)


class LosesLastFrame(Lowest):
    """Takes the exclusive end for the last frame."""

    clauses: ClassVar = {ENOMEM, COUNT, BLOCKS}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end - 1, max_order)


class LosesLargeRange(Lowest):
    """BUD-04: a naturally aligned run larger than the largest block is added as one block of the largest order."""

    clauses: ClassVar = {ENOMEM, COUNT, BLOCKS}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        tops = self.free[max_order]
        self.free[max_order] = [pfn for pfn in tops if not pfn >> max_order & 1 or pfn - (1 << max_order) not in tops]


class MergesBelowZone(Lowest):
    """BUD-07: the frame below an odd start belongs to another zone, but looks free, and is joined."""

    clauses: ClassVar = {INSIDE, COUNT, BLOCKS}

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        if done and self.start & 1 and self.is_free(self.start, 0):
            self.remove(self.start, 0)
            self.insert(self.start - 1, 1)
        return done


class AlignsToZoneStart(Lowest):
    """BUD-15: counts alignment from the start of the zone, and does not say so."""

    clauses: ClassVar = {ALIGNED, BLOCKS}
    base = 0

    def begin(self, start: int, end: int, max_order: int) -> None:
        self.base = start
        super().begin(0, end - start, max_order)

    def alloc(self, order: int) -> int | None:
        pfn = super().alloc(order)
        return None if pfn is None else pfn + self.base

    def release(self, pfn: int, order: int) -> bool:
        return super().release(pfn - self.base, order)

    def blocks(self) -> list[tuple[int, int]]:
        return [(pfn + self.base, order) for pfn, order in super().blocks()]


class PromisesZoneStart(Lowest):
    """Says that alignment counts from the start of the zone, and counts from frame 0."""

    clauses: ClassVar = {ALIGNED, ENOMEM, BLOCKS}

    def hello(self) -> dict[str, Any]:
        hello = super().hello()
        hello["capabilities"]["align"] = "zone"
        return hello


class MergesFromFrameZero(AlignsToZoneStart):
    """Says that alignment counts from the start of the zone, and finds a block's buddy as if it counted from frame 0."""

    clauses: ClassVar = {ALIGNED, ENOMEM, BLOCKS, FREE, COUNT}

    def hello(self) -> dict[str, Any]:
        hello = super().hello()
        hello["capabilities"]["align"] = "zone"
        return hello

    def give(self, pfn: int, order: int) -> None:
        while order < self.max_order and self.is_free(buddy := ((pfn + self.base) ^ (1 << order)) - self.base, order):
            self.remove(buddy, order)
            pfn, order = min(pfn, buddy), order + 1
        self.insert(pfn, order)


class TruncatesFrames(Lowest):
    """Answers the low 32 bits of a frame number."""

    clauses: ClassVar = {INSIDE}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        reply = super().apply(op, args)
        if op == "alloc" and "result" in reply:
            reply["result"]["pfn"] = hex(int(reply["result"]["pfn"], 16) & 0xFFFFFFFF)
        return reply


# --- wrong about merging and splitting ---------------------------------------------------------------------------------------


class NeverMergesOrderOne(Lowest):
    """One level of the merge is missing."""

    clauses: ClassVar = {ENOMEM, BLOCKS}

    def give(self, pfn: int, order: int) -> None:
        if order == 1 or (order == 0 and self.max_order > 0 and self.is_free(pfn ^ 1, 0)):
            if order == 0:
                self.remove(pfn ^ 1, 0)
            self.insert(pfn & ~1, 1)
        else:
            super().give(pfn, order)


class MergesBeyondTop(Lowest):
    """BUD-02: joins two blocks of the largest order into one of an order that does not exist."""

    clauses: ClassVar = {ENOMEM, BLOCKS}

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        tops, size = self.free[self.max_order], 1 << self.max_order
        pair = next((head for head in tops if not head & size and head + size in tops), None)
        if done and pair is not None and len(self.free) == self.max_order + 1:
            self.free.append([pair])
            tops.remove(pair)
            tops.remove(pair + size)
        return done

    def choose(self, order: int) -> tuple[int, int, int] | None:
        beyond = self.free[self.max_order + 1 :]
        del self.free[self.max_order + 1 :]
        found = super().choose(order)
        self.free += beyond
        return found


class KeepsBlockOnList(Lowest):
    """BUD-01: a freed block goes on its list before it is joined with its buddy, and stays there: it has two owners later."""

    clauses: ClassVar = {FREE, COUNT, BLOCKS}

    def release(self, pfn: int, order: int) -> bool:
        joins = order < self.max_order and self.is_free(pfn ^ (1 << order), order)
        done = super().release(pfn, order)
        if done and joins:
            self.insert(pfn, order)
        return done


class LosesMergedTop(Lowest):
    """Forgets a block that a merge made of the largest order."""

    clauses: ClassVar = {ENOMEM, COUNT, BLOCKS}

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        top = pfn >> self.max_order << self.max_order
        if done and order < self.max_order and self.is_free(top, self.max_order):
            self.remove(top, self.max_order)
        return done


class LosesSplitHalf(Lowest):
    """Splitting over three orders or more forgets the largest of the halves."""

    clauses: ClassVar = {ENOMEM, COUNT, BLOCKS}

    def split(self, block: int, have: int, pfn: int, order: int) -> None:
        super().split(block, have, pfn, order)
        if have >= order + 3:
            self.remove(block ^ (1 << (have - 1)) if pfn < block + (1 << (have - 1)) else block, have - 1)


class ReportsUnmerged(Lowest):
    """Reports a free block of order 3 as its two halves."""

    clauses: ClassVar = {BLOCKS}

    def blocks(self) -> list[tuple[int, int]]:
        halves = [(pfn + 4 * i, 2) for pfn, order in super().blocks() if order == 3 for i in (0, 1)]
        return [block for block in super().blocks() if block[1] != 3] + halves


# --- wrong at one place only -------------------------------------------------------------------------------------------------


class LeavesSomeApart(Lowest):
    """Joins blocks that are given back, except for some buddies."""

    clauses: ClassVar = {ENOMEM, BLOCKS}

    def apart(self, pfn: int, order: int) -> bool:
        """Tell whether the block of an order at ``pfn`` and its buddy stay two blocks."""
        raise AssertionError("the mistake decides")

    def release(self, pfn: int, order: int) -> bool:
        top = self.max_order
        joined = (have for have in range(order, top) if not self.is_free(pfn >> have << have ^ 1 << have, have))
        stop = next((have for have in range(order, next(joined, top)) if self.apart(pfn >> have << have, have)), top)
        self.max_order = stop  # ``give`` joins no further than that
        done = super().release(pfn, order)
        self.max_order = top
        return done


class NeverMergesLastBlock(LeavesSomeApart):
    """The block at the zone's end is never joined from order 3 on: who takes the lowest address seldom gets there."""

    def apart(self, pfn: int, order: int) -> bool:
        return order >= 3 and (pfn | 1 << order) + (1 << order) == self.end


class NeverMergesOnePair(LeavesSomeApart):
    """Two blocks of order 1 in the middle of the zone are never joined."""

    def apart(self, pfn: int, order: int) -> bool:
        return order == 1 and pfn >> 2 == (self.start + self.end) >> 3


class LosesFirstFrame(Highest):
    """The zone's first frame is lost where it was handed out alone and is joined with its buddy again."""

    clauses: ClassVar = {ENOMEM, COUNT, BLOCKS}

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        if done and (pfn, order) == (self.start, 0) and not self.is_free(pfn, 0):
            merged = next(have for have in range(1, self.max_order + 1) if self.is_free(pfn >> have << have, have))
            block = pfn >> merged << merged
            self.remove(block, merged)
            self.split(block, merged, pfn, 0)
        return done


class MergesOverTheEnd(Lowest):
    """Joins the zone's last block, from order 2 on, with the one behind the end, which looks free."""

    clauses: ClassVar = {INSIDE, COUNT, BLOCKS}

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        for have in range(2, self.max_order):
            last = self.end - (1 << have)
            if done and last % (2 << have) == 0 and self.is_free(last, have):
                self.remove(last, have)
                self.insert(last, have + 1)
                break
        return done


class MergesOverAHole(Holed):
    """Joins a block with its buddy from order 1 on where the buddy lies in a hole as a whole, which looks free."""

    capabilities: ClassVar = {"holes": True}
    clauses: ClassVar = {INSIDE, FREE}

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        for have in range(1, self.max_order):
            for head in self.free[have]:
                buddy = head ^ 1 << have
                if done and any(first <= buddy and buddy + (1 << have) <= last for first, last in self.holes):
                    self.remove(head, have)
                    self.insert(head & buddy, have + 1)
                    return True
        return done


# --- wrong about who owns what -----------------------------------------------------------------------------------------------


class ReusesWithoutUnlinking(Lowest):
    """A request right after a free of its order gets that block at once, but the block stays on the free list as well."""

    clauses: ClassVar = {FREE, COUNT, BLOCKS}
    last: tuple[int, int] | None = None

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.last = None

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        self.last = (pfn, order) if done else None
        return done

    def alloc(self, order: int) -> int | None:
        last, self.last = self.last, None
        if last is None or last[1] != order:
            return super().alloc(order)
        self.live[last[0]] = order
        return last[0]


class TrustsTheOrder(Lowest):
    """BUD-16: takes the caller's word for the size of a block, and gives back another one than it handed out."""

    clauses: ClassVar = {REFUSED}

    def release(self, pfn: int, order: int) -> bool:
        if pfn not in self.live or order > self.max_order:
            return False
        del self.live[pfn]
        self.give(pfn, order)
        return True


class FreesTooFew(Lowest):
    """BUD-16: the end of a block of order 2 or more is taken too low, and its second half is never given back."""

    clauses: ClassVar = {ENOMEM, COUNT, BLOCKS}

    def release(self, pfn: int, order: int) -> bool:
        if order < 2 or self.live.get(pfn) != order:
            return super().release(pfn, order)
        del self.live[pfn]
        self.give(pfn, order - 1)
        return True


class AcceptsDoubleFree(Lowest):
    """Says yes to a block that was given back before, and does nothing."""

    clauses: ClassVar = {REFUSED}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.freed: set[tuple[int, int]] = set()

    def release(self, pfn: int, order: int) -> bool:
        if (pfn, order) in self.freed and pfn not in self.live:
            return True
        done = super().release(pfn, order)
        if done:
            self.freed.add((pfn, order))
        return done


class AcceptsMiddle(Lowest):
    """Rounds the frame down to the order before it looks for the block, so a frame in its middle will do."""

    clauses: ClassVar = {REFUSED}

    def release(self, pfn: int, order: int) -> bool:
        return super().release(pfn >> order << order, order)


class RefusesTopFree(Lowest):
    """Takes the largest order for one too many when a block comes back."""

    clauses: ClassVar = {ACCEPTED}

    def release(self, pfn: int, order: int) -> bool:
        return order < self.max_order and super().release(pfn, order)


class CorruptsWithThirdFree(Lowest):
    """With every third free the first entry of a free list gets lost."""

    clauses: ClassVar = {ENOMEM, COUNT, BLOCKS}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.frees = 0

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        self.frees += done
        if done and self.frees % 3 == 0:
            del next(blocks for blocks in self.free if blocks)[0]
        return done


# --- wrong about failing -----------------------------------------------------------------------------------------------------


class GivesUpEarly(Lowest):
    """Keeps a quarter of the zone for single pages, unasked."""

    clauses: ClassVar = {ENOMEM}

    def alloc(self, order: int) -> int | None:
        if order > 0 and self.count() * 4 < self.end - self.start:
            return None
        return super().alloc(order)


class LooksTwoOrdersUp(Lowest):
    """Looks for a block no more than two orders above the one that is wanted."""

    clauses: ClassVar = {ENOMEM}

    def choose(self, order: int) -> tuple[int, int, int] | None:
        above = self.free[order + 3 :]
        del self.free[order + 3 :]
        found = super().choose(order)
        self.free += above
        return found


class RemembersFailure(Lowest):
    """Remembers that an order ran out until a block of that order or more comes back: smaller ones may merge into it unseen."""

    clauses: ClassVar = {ENOMEM}
    empty = 99

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.empty = 99

    def alloc(self, order: int) -> int | None:
        pfn = None if order >= self.empty else super().alloc(order)
        if pfn is None:
            self.empty = min(self.empty, order)
        return pfn

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        if done and order >= self.empty:
            self.empty = 99
        return done


class KeepsSinglesAside(Lowest):
    """Keeps up to four freed single pages for the next requests, and does not give them up when a larger block is missing."""

    clauses: ClassVar = {ENOMEM}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.aside: list[int] = []

    def release(self, pfn: int, order: int) -> bool:
        if order > 0 or self.live.get(pfn) != order or len(self.aside) == 4:
            return super().release(pfn, order)
        del self.live[pfn]
        self.aside.append(pfn)
        return True

    def alloc(self, order: int) -> int | None:
        if order > 0 or not self.aside:
            return super().alloc(order)
        pfn = self.aside.pop()
        self.live[pfn] = 0
        return pfn

    def count(self) -> int:
        return super().count() + len(self.aside)

    def blocks(self) -> list[tuple[int, int]]:
        whole = Lowest()
        whole.begin(self.start, self.start, self.max_order)
        for pfn, order in [*super().blocks(), *((pfn, 0) for pfn in self.aside)]:
            whole.give(pfn, order)
        return whole.blocks()


class CountsFailedRequests(Lowest):
    """Takes the frames off the counter before it looks for a block, and does not put them back when there is none."""

    clauses: ClassVar = {COUNT}

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.lost = 0

    def alloc(self, order: int) -> int | None:
        pfn = super().alloc(order)
        if pfn is None:
            self.lost += 1 << order
        return pfn

    def count(self) -> int:
        return max(0, super().count() - self.lost)


class ConfusesErrors(Lowest):
    """Has no check of the order: one that is too large is simply not found."""

    clauses: ClassVar = {ARGS}

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        reply = super().apply(op, args)
        return {"error": "ENOMEM"} if op == "alloc" and reply == {"error": "EINVAL"} else reply


# --- wrong about beginning again -----------------------------------------------------------------------------------------------


class KeepsOldSingles(Lowest):
    """A reset forgets to empty the list of single pages."""

    clauses: ClassVar = {INSIDE, FREE, COUNT, BLOCKS}
    old: tuple[int, ...] = ()

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        for pfn in self.old:
            if not self.is_free(pfn, 0):
                self.insert(pfn, 0)
        self.old = ()

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        self.old = tuple(self.free[0])
        return done


class KeepsOldCounter(Lowest):
    """A reset adds the new zone's frames to the counter instead of setting it."""

    clauses: ClassVar = {COUNT}
    counter = 0

    def begin(self, start: int, end: int, max_order: int) -> None:
        super().begin(start, end, max_order)
        self.counter += end - start

    def alloc(self, order: int) -> int | None:
        pfn = super().alloc(order)
        self.counter -= 0 if pfn is None else 1 << order
        return pfn

    def release(self, pfn: int, order: int) -> bool:
        done = super().release(pfn, order)
        self.counter += done << order
        return done

    def count(self) -> int:
        return self.counter


WRONG: tuple[type[Lowest] | type[Highest], ...] = (
    IgnoresZoneEnd, TakesFrameAfterZone, LosesLastFrame, LosesLargeRange, MergesBelowZone, AlignsToZoneStart,
    PromisesZoneStart, MergesFromFrameZero, TruncatesFrames,
    NeverMergesOrderOne, MergesBeyondTop, KeepsBlockOnList, LosesMergedTop, LosesSplitHalf, ReportsUnmerged,
    NeverMergesLastBlock, NeverMergesOnePair, LosesFirstFrame, MergesOverTheEnd, MergesOverAHole,
    ReusesWithoutUnlinking, TrustsTheOrder, FreesTooFew, AcceptsDoubleFree, AcceptsMiddle, RefusesTopFree, CorruptsWithThirdFree,
    GivesUpEarly, LooksTwoOrdersUp, RemembersFailure, KeepsSinglesAside, CountsFailedRequests, ConfusesErrors,
    KeepsOldSingles, KeepsOldCounter,
)  # fmt: skip
"""All of them."""
