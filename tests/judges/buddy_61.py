"""The free lists of one zone of Linux 6.1, simulated function by function from the source.

A judge, not a specification: written from mm/page_alloc.c, mm/page_isolation.c, mm/internal.h and
include/linux/mmzone.h of v6.1 (Debian linux-source-6.1, 6.1.192) without sight of the project's own text.
Each method names the function it follows. Mutable, slow, plain: a free list is a Python list of head PFNs,
head first.

MAX_ORDER of 6.1 is exclusive (11); `max_order` here is inclusive (10). Assumed and left out: as in
`buddy_612`.

What 6.1 does otherwise than 6.12, and where it surprises:

 1. The list primitives know nothing of types and count nothing. Counters move in rmqueue_buddy, rmqueue_bulk,
    __free_one_page, __isolate_free_page, split_free_page and the two isolation functions, each from a
    migratetype it was told. There is no zone->nr_free_highatomic: `nr_free_highatomic` is None. HIGHATOMIC
    pages count in NR_FREE_PAGES.
 2. A block need not lie on the list of its pageblock's type. __rmqueue_fallback moves ONE block
    (steal_suitable_fallback, single_page), or ALL free blocks of the pageblock, to the tails of the lists of
    the requested type, and only when free + alike pages reach half of the pageblock does the pageblock
    follow. 6.12 either claims the whole pageblock or leaves every remainder on its own list.
 3. So the remainders of a split fallback block lie on the lists of the REQUESTED type (6.12: of the old
    type), and after a fallback __rmqueue starts over with __rmqueue_smallest on them.
 4. __rmqueue_fallback takes the largest fallback block, except for MOVABLE when that block is not stealable
    and larger than asked: then the smallest (find_smallest). A stealable block is never given up: in 6.1 an
    unmovable request always gets the largest block, where 6.12 tries to claim downwards and then steals the
    smallest.
 5. ALLOC_NOFRAGMENT only raises the smallest order looked at to pageblock_order. In 6.12 it forbids stealing
    at any order, but from pageblock_order up every block is claimable, so the sets of successes agree.
 6. With the whole pageblock moved, the count of free pages is what was MOVED, which includes blocks already
    on the requested list. Nothing moved (the pageblock's end is outside the zone) means single_page.
 7. move_freepages_block: a pageblock that begins below the zone is walked from the PAGE GIVEN, not from the
    zone's start; one that ends beyond the zone moves nothing and returns 0. 6.12 refuses both. Callers set
    the type whatever it returns: reserving, unreserving and isolating a straddling pageblock changes its type
    in 6.1 and leaves its free blocks behind on the old list, all of them or those below the page given.
 8. free_one_page does not split: a block above pageblock_order goes back whole, under the type of its FIRST
    pageblock. A block merged from pageblocks of two mergeable types leaves both types as they were.
 9. free_one_page re-reads the pageblock's type only if the zone has an isolated pageblock or the type given
    is ISOLATE. Otherwise it believes the type given, which the per-CPU lists recorded when the page was freed
    (`mt` of `free`).
10. The merge at pageblock_order and above compares the type passed in with the buddy's pageblock type, not
    with the list of the buddy.
11. set_migratetype_isolate never fails on zone boundaries, and does not split a larger free block. The first
    pageblock of a larger free block takes the whole block to the ISOLATE list (and out of NR_FREE_PAGES)
    while the others keep their type; a later pageblock moves nothing and its pages stay allocatable, though
    its type is ISOLATE. Repair is the business of isolate_single_pageblock, through split_free_page
    (`split_free` here). Without it counters go wrong: a page freed to ISOLATE merges below pageblock_order
    with a buddy that NR_FREE_PAGES still counts.
12. unset_migratetype_isolate counts what it moved; in the merging branch it sets the type first and lets
    __free_one_page count. As in 6.12, a block above pageblock_order there gets only its first pageblock
    retyped.
13. reserve_highatomic_pageblock makes ONE pageblock HIGHATOMIC, whatever the order of the page, and adds
    pageblock_nr_pages. A later free of an order above pageblock_order puts the whole block on the HIGHATOMIC
    list.
14. unreserve_highatomic_pageblock retypes and moves ONE pageblock; when nothing moved (zone boundary) it goes
    on to the next order, with the type already changed and nr_reserved_highatomic already reduced. Of two
    merged HIGHATOMIC pageblocks the whole block moves, but only the first is unreserved and retyped.
15. __isolate_free_page only sets the types: free blocks in the other half of the pageblock stay on their
    lists (6.12 moves them, to the tails). It counts by the pageblock's type, not by the list.
16. rmqueue_bulk lowers NR_FREE_CMA_PAGES page by page but NR_FREE_PAGES once, at the end: the CMA balance
    test inside a batch compares a fresh number with a stale one. There is no rmqueue_mode.
17. rmqueue sends MOVABLE requests without ALLOC_CMA past the per-CPU lists; 6.12 does not. Above the scope of
    this file, but it decides whether a request comes as `alloc` or as `alloc_bulk`.
18. The fallback table has rows of zeros for HIGHATOMIC, CMA and ISOLATE, without the end mark: asking for
    those would run off the row. `alloc` refuses them.
19. split_free_page frees pieces no larger than the natural alignment of their PFN and the highest bit of what
    is left of the part, each with the type of its own pageblock and FPI_NONE. Pieces of mergeable types merge
    back at once: then, as its comment says, it achieves nothing but a move within the list.
20. isolation removes from NR_FREE_PAGES what it moved, under the pageblock's old type, even blocks that came
    off other lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
PCPTYPES = 3
MIGRATE_TYPES = 6

# mm/internal.h, v6.1
ALLOC_NO_WATERMARKS = 0x04
ALLOC_OOM = 0x08
ALLOC_NON_BLOCK = 0x10
ALLOC_MIN_RESERVE = 0x20
ALLOC_CPUSET = 0x40
ALLOC_CMA = 0x80
ALLOC_NOFRAGMENT = 0x100
ALLOC_HIGHATOMIC = 0x200
ALLOC_KSWAPD = 0x800

FALLBACKS = {
    UNMOVABLE: (RECLAIMABLE, MOVABLE),
    MOVABLE: (RECLAIMABLE, UNMOVABLE),
    RECLAIMABLE: (UNMOVABLE, MOVABLE),
}

Movable = Callable[[int], bool]


def nothing_movable(pfn: int) -> bool:
    """Say of every allocated page that it is not movable."""
    return False


def mergeable(mt: int) -> bool:
    """migratetype_is_mergeable (include/linux/mmzone.h)."""
    return mt < PCPTYPES


class Zone:
    """The buddy lists of the zone that spans PFNs [start_pfn, end_pfn).

    `max_order` is inclusive (MAX_ORDER - 1). `holes` lists PFNs without memory, each an int or a half-open
    (low, high) pair; their struct pages exist and belong to the zone (init_unavailable_range), never free.
    """

    #: 6.1 keeps no such counter (point 1).
    nr_free_highatomic = None

    def __init__(
        self,
        start_pfn: int,
        end_pfn: int,
        max_order: int = 10,
        pageblock_order: int = 9,
        holes: Iterable[int | tuple[int, int]] = (),
    ) -> None:
        if not 0 <= start_pfn < end_pfn:
            raise ValueError(f"Zone: [{start_pfn}, {end_pfn}) is empty; give 0 <= start_pfn < end_pfn")
        if not 1 <= pageblock_order <= max_order:
            raise ValueError(f"Zone: pageblock_order {pageblock_order} must lie in 1..{max_order} (max_order)")
        self.start_pfn = start_pfn
        self.end_pfn = end_pfn
        self.max_order = max_order
        self.pageblock_order = pageblock_order
        self.pageblock_nr_pages = 1 << pageblock_order
        self.holes: set[int] = set()
        for hole in holes:
            self.holes.update([hole] if isinstance(hole, int) else range(*hole))

        self.lists: dict[tuple[int, int], list[int]] = {
            (order, mt): [] for order in range(max_order + 1) for mt in range(MIGRATE_TYPES)
        }
        #: PageBuddy and page_private: the order of the free block that starts at this PFN.
        self.buddy_order: dict[int, int] = {}
        first, last = start_pfn >> pageblock_order, (end_pfn - 1) >> pageblock_order
        self.pageblock: dict[int, int] = dict.fromkeys(range(first, last + 1), MOVABLE)

        self.nr_free_pages = 0
        self.nr_free_cma = 0
        self.nr_reserved_highatomic = 0
        self.nr_isolate_pageblock = 0
        self._free_initial_memory()

    def _free_initial_memory(self) -> None:
        """__free_pages_core (FPI_TO_TAIL) for each maximal aligned block, upwards."""
        pfn = self.start_pfn
        while pfn < self.end_pfn:
            if pfn in self.holes:
                pfn += 1
                continue
            order = 0
            while order < self.max_order and self._is_memory(pfn, order + 1):
                order += 1
            self._free_one(pfn, order, MOVABLE, to_tail=True)
            pfn += 1 << order

    def _is_memory(self, pfn: int, order: int) -> bool:
        """Whether an aligned block of this order starts here, inside the zone and without holes."""
        end = pfn + (1 << order)
        if pfn % (1 << order) or pfn < self.start_pfn or end > self.end_pfn:
            return False
        return not any(frame in self.holes for frame in range(pfn, end))

    # ---- what the struct page and the pageblock bitmap would say

    def _spans(self, pfn: int) -> bool:
        """zone_spans_pfn; holes in the span carry this zone's id, so this is page_zone_id equality too."""
        return self.start_pfn <= pfn < self.end_pfn

    def _type(self, pfn: int) -> int:
        """get_pageblock_migratetype."""
        return self.pageblock[pfn >> self.pageblock_order]

    def _set_type(self, pfn: int, mt: int) -> None:
        """set_pageblock_migratetype."""
        self.pageblock[pfn >> self.pageblock_order] = mt

    def _change_pageblock_range(self, pfn: int, order: int, mt: int) -> None:
        """change_pageblock_range: retype the pageblocks of a block of at least pageblock_order."""
        for n in range(1 << (order - self.pageblock_order)):
            self._set_type(pfn + n * self.pageblock_nr_pages, mt)

    def _is_free(self, pfn: int) -> bool:
        """Whether this frame lies in a free block, as head or as tail."""
        return any(self.buddy_order.get(pfn >> order << order, -1) >= order for order in range(self.max_order + 1))

    def _find_buddy(self, pfn: int, order: int) -> int | None:
        """find_buddy_page_pfn, page_is_buddy: the free buddy of exactly this order in the zone of `pfn`."""
        buddy = pfn ^ (1 << order)
        if self._spans(pfn) and self.buddy_order.get(buddy) == order:
            return buddy
        return None

    def _count(self, nr_pages: int, mt: int) -> None:
        """__mod_zone_freepage_state: the callers keep ISOLATE away."""
        self.nr_free_pages += nr_pages
        if mt == CMA:
            self.nr_free_cma += nr_pages

    # ---- list primitives: none of them counts

    def _unlink(self, pfn: int, order: int) -> None:
        """list_del: from whatever list the page is on."""
        for mt in range(MIGRATE_TYPES):
            if pfn in self.lists[order, mt]:
                self.lists[order, mt].remove(pfn)
                return
        raise AssertionError(f"free block {pfn} of order {order} is on no list")

    def _add(self, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        """add_to_free_list or add_to_free_list_tail, with set_buddy_order."""
        if to_tail:
            self.lists[order, mt].append(pfn)
        else:
            self.lists[order, mt].insert(0, pfn)
        self.buddy_order[pfn] = order

    def _del(self, pfn: int, order: int) -> None:
        """del_page_from_free_list."""
        self._unlink(pfn, order)
        del self.buddy_order[pfn]

    def _move(self, pfn: int, order: int, mt: int) -> None:
        """move_to_free_list: to the tail, always, even of the same list."""
        self._unlink(pfn, order)
        self.lists[order, mt].append(pfn)

    def _first(self, order: int, mt: int) -> int | None:
        """get_page_from_free_area."""
        free_list = self.lists[order, mt]
        return free_list[0] if free_list else None

    # ---- freeing

    def free(self, pfn: int, order: int, tail: bool = False, mt: int | None = None) -> None:
        """free_one_page; `tail` is FPI_TO_TAIL, `mt` the type given, by default the first pageblock's."""
        self._must_be_allocated("free", pfn, order)
        if mt is None:
            mt = self._type(pfn)
        if self.nr_isolate_pageblock > 0 or mt == ISOLATE:
            mt = self._type(pfn)
        self._free_one(pfn, order, mt, tail)

    def _must_be_memory(self, act: str, pfn: int, order: int) -> None:
        if not 0 <= order <= self.max_order or not self._is_memory(pfn, order):
            raise ValueError(f"{act}: {pfn} order {order} is no aligned block of memory in this zone")

    def _must_be_allocated(self, act: str, pfn: int, order: int) -> None:
        self._must_be_memory(act, pfn, order)
        for frame in range(pfn, pfn + (1 << order)):
            if self._is_free(frame):
                raise ValueError(f"{act}: frame {frame} is already free; give back allocated blocks only")

    def _free_one(self, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        """__free_one_page: pageblock types stay as they are, whatever merges."""
        if mt != ISOLATE:
            self._count(1 << order, mt)
        while order < self.max_order:
            buddy = self._find_buddy(pfn, order)
            if buddy is None:
                break
            if order >= self.pageblock_order:
                buddy_mt = self._type(buddy)
                if buddy_mt != mt and not (mergeable(mt) and mergeable(buddy_mt)):
                    break
            self._del(buddy, order)
            pfn &= buddy
            order += 1
        self._add(pfn, order, mt, to_tail or self._merge_likely(pfn, order))

    def _merge_likely(self, pfn: int, order: int) -> bool:
        """buddy_merge_likely."""
        if order >= self.max_order - 1:
            return False
        parent = pfn & ~(1 << order)
        return self._find_buddy(parent, order + 1) is not None

    # ---- allocating

    def alloc(self, order: int, mt: int, flags: int = 0, movable: Movable = nothing_movable) -> int | None:
        """rmqueue_buddy. `movable(pfn)`: PageLRU or __PageMovable of an allocated page."""
        self._must_be_request("alloc", order, mt)
        found = None
        if flags & ALLOC_HIGHATOMIC:
            found = self._rmqueue_smallest(order, HIGHATOMIC)
        if found is None:
            found = self._rmqueue(order, mt, flags, movable)
            if found is None and flags & (ALLOC_OOM | ALLOC_NON_BLOCK):
                found = self._rmqueue_smallest(order, HIGHATOMIC)
            if found is None:
                return None
        page, list_mt = found
        self._count(-(1 << order), list_mt)
        return page

    def alloc_bulk(self, order: int, mt: int, count: int, flags: int = 0, movable: Movable = nothing_movable) -> list[int]:
        """rmqueue_bulk: NR_FREE_PAGES falls at the end, NR_FREE_CMA_PAGES page by page."""
        self._must_be_request("alloc_bulk", order, mt)
        pages: list[int] = []
        for _ in range(count):
            found = self._rmqueue(order, mt, flags, movable)
            if found is None:
                break
            page, list_mt = found
            pages.append(page)
            if list_mt == CMA:
                self.nr_free_cma -= 1 << order
        self.nr_free_pages -= len(pages) << order
        return pages

    def _must_be_request(self, act: str, order: int, mt: int) -> None:
        if order < 0:
            raise ValueError(f"{act}: order {order} is negative")
        if mt not in FALLBACKS:
            raise ValueError(f"{act}: no request has migratetype {mt}; give UNMOVABLE, MOVABLE or RECLAIMABLE")

    def _rmqueue(self, order: int, mt: int, flags: int, movable: Movable) -> tuple[int, int] | None:
        """__rmqueue: the page and the list it came from (get_pcppage_migratetype)."""
        if flags & ALLOC_CMA and max(self.nr_free_cma, 0) > max(self.nr_free_pages, 0) // 2:
            found = self._rmqueue_smallest(order, CMA)
            if found is not None:
                return found
        while True:
            found = self._rmqueue_smallest(order, mt)
            if found is None and flags & ALLOC_CMA:
                found = self._rmqueue_smallest(order, CMA)
            if found is not None or not self._rmqueue_fallback(order, mt, flags, movable):
                return found

    def _rmqueue_smallest(self, order: int, mt: int) -> tuple[int, int] | None:
        """__rmqueue_smallest."""
        for current_order in range(order, self.max_order + 1):
            page = self._first(current_order, mt)
            if page is not None:
                self._del(page, current_order)
                self._expand(page, order, current_order, mt)
                return page, mt
        return None

    def _expand(self, pfn: int, low: int, high: int, mt: int) -> None:
        """expand: put the upper halves back, largest first, each at the head."""
        for order in range(high - 1, low - 1, -1):
            self._add(pfn + (1 << order), order, mt, to_tail=False)

    def _can_steal_fallback(self, order: int, start_mt: int) -> bool:
        """can_steal_fallback."""
        return order >= self.pageblock_order // 2 or start_mt in (RECLAIMABLE, UNMOVABLE)

    def _find_suitable_fallback(self, order: int, mt: int) -> int | None:
        """find_suitable_fallback with only_stealable false, as the allocator has it."""
        for fallback_mt in FALLBACKS[mt]:
            if self.lists[order, fallback_mt]:
                return fallback_mt
        return None

    def _rmqueue_fallback(self, order: int, start_mt: int, flags: int, movable: Movable) -> bool:
        """__rmqueue_fallback: put something on the lists of start_mt; whether there was something to put."""
        min_order = order
        if order < self.pageblock_order and flags & ALLOC_NOFRAGMENT:
            min_order = self.pageblock_order
        choice = self._fallback_choice(range(self.max_order, min_order - 1, -1), start_mt)
        if choice is None:
            return False
        current_order, fallback_mt = choice
        can_steal = self._can_steal_fallback(current_order, start_mt)
        if not can_steal and start_mt == MOVABLE and current_order > order:
            choice = self._fallback_choice(range(order, self.max_order + 1), start_mt)
            assert choice is not None, "a fallback block was just seen"
            current_order, fallback_mt = choice
            can_steal = self._can_steal_fallback(current_order, start_mt)
        block = self.lists[current_order, fallback_mt][0]
        self._steal_suitable_fallback(block, start_mt, can_steal, movable)
        return True

    def _fallback_choice(self, orders: Iterable[int], start_mt: int) -> tuple[int, int] | None:
        """The first of these orders that has a fallback block, and the list it is on."""
        for current_order in orders:
            fallback_mt = self._find_suitable_fallback(current_order, start_mt)
            if fallback_mt is not None:
                return current_order, fallback_mt
        return None

    def _steal_suitable_fallback(self, pfn: int, start_mt: int, whole_block: bool, movable: Movable) -> None:
        """steal_suitable_fallback."""
        current_order = self.buddy_order[pfn]
        old_block_mt = self._type(pfn)
        if old_block_mt == HIGHATOMIC:
            self._move(pfn, current_order, start_mt)
            return
        if current_order >= self.pageblock_order:
            self._change_pageblock_range(pfn, current_order, start_mt)
            self._move(pfn, current_order, start_mt)
            return
        if not whole_block:
            self._move(pfn, current_order, start_mt)
            return
        free_pages, movable_pages = self._move_freepages_block(pfn, start_mt, movable)
        if start_mt == MOVABLE:
            alike_pages = movable_pages
        elif old_block_mt == MOVABLE:
            alike_pages = self.pageblock_nr_pages - (free_pages + movable_pages)
        else:
            alike_pages = 0
        if free_pages == 0:
            self._move(pfn, current_order, start_mt)
        elif free_pages + alike_pages >= 1 << (self.pageblock_order - 1):
            self._set_type(pfn, start_mt)

    # ---- moving pageblocks between types

    def _move_freepages_block(self, pfn: int, mt: int, movable: Movable = nothing_movable) -> tuple[int, int]:
        """move_freepages_block and move_freepages: (frames moved, movable pages seen); no type is set."""
        start = pfn >> self.pageblock_order << self.pageblock_order
        end = start + self.pageblock_nr_pages
        if not self._spans(start):
            start = pfn
        if not self._spans(end - 1):
            return 0, 0
        pages_moved = movable_pages = 0
        while start < end:
            order = self.buddy_order.get(start)
            if order is None:
                if start not in self.holes and not self._is_free(start) and movable(start):
                    movable_pages += 1
                start += 1
                continue
            self._move(start, order, mt)
            start += 1 << order
            pages_moved += 1 << order
        return pages_moved, movable_pages

    def retype(self, pfn: int, mt: int) -> bool:
        """Set the pageblock's type, then move_freepages_block, as reserve_highatomic_pageblock does.

        False when the pageblock ends beyond the zone: nothing moved, yet the type is set (point 7). No
        counter changes: 6.1 counts in the callers, and none of them takes free pages to or from CMA. To make
        a CMA pageblock, retype it while allocated and free it then, as init_cma_reserved_pageblock does.
        """
        self._must_be_page("retype", pfn)
        self._set_type(pfn, mt)
        self._move_freepages_block(pfn, mt)
        return self._spans(pfn | (self.pageblock_nr_pages - 1))

    def _must_be_page(self, act: str, pfn: int) -> None:
        if not self._spans(pfn):
            raise ValueError(f"{act}: {pfn} is outside the zone [{self.start_pfn}, {self.end_pfn})")

    # ---- isolation

    def isolate(self, pfn: int) -> bool:
        """set_migratetype_isolate without has_unmovable_pages; False is -EBUSY (isolated already)."""
        self._must_be_page("isolate", pfn)
        mt = self._type(pfn)
        if mt == ISOLATE:
            return False
        self._set_type(pfn, ISOLATE)
        self.nr_isolate_pageblock += 1
        nr_pages, _ = self._move_freepages_block(pfn, ISOLATE)
        self._count(-nr_pages, mt)
        return True

    def unisolate(self, pfn: int, mt: int) -> None:
        """unset_migratetype_isolate; nothing happens to a pageblock that is not isolated."""
        self._must_be_page("unisolate", pfn)
        if self._type(pfn) != ISOLATE:
            return
        order = self.buddy_order.get(pfn, -1)
        taken = False
        if self.pageblock_order <= order < self.max_order:
            buddy = self._find_buddy(pfn, order)
            if buddy is not None and self._type(buddy) != ISOLATE:
                self.take(pfn, order)
                taken = True
        if not taken:
            nr_pages, _ = self._move_freepages_block(pfn, mt)
            self._count(nr_pages, mt)
        self._set_type(pfn, mt)
        if taken:
            self._free_one(pfn, order, mt, to_tail=True)
        self.nr_isolate_pageblock -= 1

    def split_free(self, pfn: int, order: int, split_pfn_offset: int) -> bool:
        """split_free_page: what isolate_single_pageblock does to a free block across its boundary.

        False is -ENOENT: no free block of this order starts here. An offset of 0 succeeds and does nothing.
        """
        if split_pfn_offset == 0:
            return True
        if not 0 < split_pfn_offset < 1 << order:
            raise ValueError(f"split_free: offset {split_pfn_offset} is not inside a block of order {order}")
        if self.buddy_order.get(pfn) != order:
            return False
        mt = self._type(pfn)
        if mt != ISOLATE:
            self._count(-(1 << order), mt)
        self._del(pfn, order)
        end = pfn + (1 << order)
        left = split_pfn_offset
        while pfn < end:
            alignment = (pfn & -pfn).bit_length() - 1 if pfn else order
            piece_order = min(alignment, left.bit_length() - 1)
            self._free_one(pfn, piece_order, self._type(pfn), to_tail=False)
            pfn += 1 << piece_order
            left -= 1 << piece_order
            if left == 0:
                left = end - pfn
        return True

    # ---- high-order atomic reserves

    def reserve_highatomic(self, pfn: int, order: int) -> bool:
        """reserve_highatomic_pageblock without the 1% limit: one pageblock, whatever the order."""
        self._must_be_page("reserve_highatomic", pfn)
        if not mergeable(self._type(pfn)):
            return False
        self.nr_reserved_highatomic += self.pageblock_nr_pages
        self._set_type(pfn, HIGHATOMIC)
        self._move_freepages_block(pfn, HIGHATOMIC)
        return True

    def unreserve_highatomic(self, mt: int) -> int | None:
        """unreserve_highatomic_pageblock, this zone, force; the free block found, whose type became `mt`."""
        for order in range(self.max_order + 1):
            page = self._first(order, HIGHATOMIC)
            if page is None:
                continue
            if self._type(page) == HIGHATOMIC:
                self.nr_reserved_highatomic -= min(self.pageblock_nr_pages, self.nr_reserved_highatomic)
            self._set_type(page, mt)
            moved, _ = self._move_freepages_block(page, mt)
            if moved:
                return page
        return None

    # ---- pulling free blocks off the lists

    def take(self, pfn: int, order: int) -> int:
        """__isolate_free_page without the watermark check; gives the number of frames taken."""
        if self.buddy_order.get(pfn) != order:
            raise ValueError(f"take: no free block of order {order} starts at {pfn}")
        mt = self._type(pfn)
        if mt != ISOLATE:
            self._count(-(1 << order), mt)
        self._del(pfn, order)
        if order >= self.pageblock_order - 1:
            for page in range(pfn, pfn + (1 << order) - 1, self.pageblock_nr_pages):
                if mergeable(self._type(page)):
                    self._set_type(page, MOVABLE)
        return 1 << order

    def putback(self, pfn: int, order: int) -> None:
        """__putback_isolated_page under the type of the first pageblock, as page_reporting_drain has it."""
        self._must_be_allocated("putback", pfn, order)
        self._free_one(pfn, order, self._type(pfn), to_tail=True)
