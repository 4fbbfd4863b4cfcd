"""The free lists of one zone of Linux 6.12, simulated function by function from the source.

A judge, not a specification: written from mm/page_alloc.c, mm/page_isolation.c, mm/internal.h and
include/linux/mmzone.h of v6.12 (Debian linux-source-6.12, 6.12.117) without sight of the project's own text.
Each method names the function it follows. Mutable, slow, plain: a free list is a Python list of head PFNs,
head first.

The split into __rmqueue_claim and __rmqueue_steal with an rmqueue_mode belongs to the 6.12 stable series, not
to 6.12.0; a trace of an early 6.12 kernel may follow another fallback.

Assumed: CONFIG_CMA, CONFIG_MEMORY_ISOLATION, CONFIG_ZONE_DMA32 (else ALLOC_NOFRAGMENT is 0), CONFIG_MMU (else
ALLOC_OOM is 0x04). Left out: guard pages, shuffling, compaction capture, page reporting, unaccepted memory,
watermarks and their boost, per-CPU lists, page_group_by_mobility_disabled. Counters are exact: the kernel's
zone_page_state() lags by the per-CPU deltas, so a real CMA balance decision may differ near its threshold.

Subtle points, in the order of the source:

 1. __free_one_page below pageblock_order merges whatever buddy is free and looks at no type: buddy and page
    share a pageblock, so they share a type. At and above pageblock_order it compares pageblock types: unequal
    ones merge only when both are below MIGRATE_PCPTYPES, and then the buddy's pageblocks are RETYPED to the
    type of the page being freed (change_pageblock_range). The last page freed wins. In 6.1 the types stay and
    the block is mixed.
 2. buddy_merge_likely gives up at order >= MAX_PAGE_ORDER - 1 and otherwise asks for a free block of exactly
    order + 1 beside the parent. Nothing compares migratetypes there, so an ISOLATE or CMA neighbour that
    could never merge still sends the block to the tail. page_is_buddy compares the zone of the PARENT's first
    page with that neighbour: when the parent begins below the zone the answer is no, although the neighbour
    itself is in the zone. (Pages below the first zone of all are given that zone's id by
    init_unavailable_range, as is page 0 on x86: `Zone(0, ..., holes=[0])` says that; `Zone(1, ...)` says that
    page 0 belongs to somebody else.)
 3. free_one_page always goes through split_large_buddy: a block above pageblock_order is freed pageblock by
    pageblock, ascending, each with its own type. The pieces then merge back where point 1 lets them. The
    head/tail choice of the last piece that merges decides where the whole block lies. __putback_isolated_page
    does NOT split.
 4. account_freepages: ISOLATE counts nowhere; CMA counts in NR_FREE_PAGES and NR_FREE_CMA_PAGES; HIGHATOMIC
    in NR_FREE_PAGES and zone->nr_free_highatomic. Accounting believes the migratetype passed in, never the
    list.
 5. __add_to_free_list, move_to_free_list and __del_page_from_free_list only WARN when the type of the head's
    pageblock is not the one passed; later pageblocks of a large block are never looked at. list_del takes the
    page from whatever list it is on. The warnings are kept in `Zone.warnings`.
 6. __rmqueue_claim tries, per order from the largest down, ONE block: the head of the first non-empty
    fallback list. When it cannot be claimed it goes down an order; it never tries the second block of a list
    nor the second type. `!can_steal` ends the loop: for MOVABLE that is any order below pageblock_order / 2
    (integer: 4 for 9).
 7. After claiming a pageblock try_to_steal_block hands out __rmqueue_smallest(start_type), the best fit
    anywhere in the zone, which need not be the block that was found. From pageblock_order up it splits the
    found block itself.
 8. The claim threshold is free + alike >= half a pageblock. For UNMOVABLE or RECLAIMABLE claiming a MOVABLE
    pageblock `alike` is everything neither free nor movable, so memory holes and reserved pages count as
    compatible.
 9. In 6.12 nothing is moved unless the pageblock is claimed; a pageblock straddling the zone is never claimed
    (prep_move_freepages_block), only stolen from. In 6.1 moving and claiming are separate.
10. __rmqueue_steal takes the SMALLEST fitting fallback block and leaves the remains on the lists of the old
    type. ALLOC_NOFRAGMENT forbids it; for orders below pageblock_order it also keeps claims to whole
    pageblocks.
11. The CMA balance check runs first, in every mode, and does not change the mode. It is NR_FREE_CMA_PAGES >
    NR_FREE_PAGES / 2, in integers, and NR_FREE_PAGES includes the CMA pages.
12. In mode RMQUEUE_CMA the lists of the requested type are not tried any more; RMQUEUE_CLAIM is never stored
    (a claim stores NORMAL); a failure leaves the mode alone. Without ALLOC_CMA the mode RMQUEUE_CMA goes
    straight to claiming.
13. ALLOC_HIGHATOMIC, ALLOC_OOM and ALLOC_NON_BLOCK are read in rmqueue_buddy only: the bulk path
    (`alloc_mode`, `alloc_bulk`) has no access to HIGHATOMIC lists.
14. __move_freepages_block walks the pageblock upwards and moves each free block to the TAIL: they end in
    ascending order. Moving to the same type is not a no-op: it reorders the list. __isolate_free_page of half
    a MOVABLE pageblock does just that to the free blocks of the other half.
15. move_freepages_block is not meant for a pageblock inside a larger free block: at the first pageblock it
    moves the whole block and retypes one pageblock; at a later one it finds no head and only changes the
    type. move_freepages_block_isolate is the careful one. It tests PageBuddy(page) of the page GIVEN when
    looking for a larger block that starts here, so it must be given the first page of the pageblock.
16. Isolating one pageblock of a larger free block frees the pieces again through __free_one_page, FPI_NONE:
    they go to the head of their lists unless buddy_merge_likely; isolating a plain pageblock moves to the
    tail.
17. unset_migratetype_isolate with a free block of order > pageblock_order and < MAX_PAGE_ORDER whose buddy is
    free and not isolated: the whole block is put back under the new type, but only ITS FIRST pageblock is
    retyped. Needs MAX_PAGE_ORDER >= pageblock_order + 2. When such a block is MAX_PAGE_ORDER, or its buddy is
    not free, it is split and only the first pageblock leaves isolation.
18. move_freepages_block never merges. A pageblock unreserved from HIGHATOMIC stays beside its free buddy of
    the same type, both at pageblock_order, until something frees into one of them. Free buddies of one type
    therefore may coexist at and above pageblock_order (never below).
19. reserve_highatomic_pageblock looks at the type of the first pageblock only; for orders >= pageblock_order
    all pageblocks of the page become HIGHATOMIC, even one isolated meanwhile (nr_isolate_pageblock then stays
    too high for ever, since unset_migratetype_isolate returns early).
20. unreserve_highatomic_pageblock, per order upwards, considers only the head of the list; from
    pageblock_order up it converts all pageblocks of the free block at once. nr_reserved_highatomic is reduced
    by max(pageblock, block).
21. __isolate_free_page retypes to MOVABLE from order >= pageblock_order - 1, and only types below
    MIGRATE_PCPTYPES. Its loop ends at page + 2^order - 1 exclusive, so with pageblock_order 1 an order-0 page
    retypes nothing.
22. Between __isolate_free_page and __putback_isolated_page page reporting drops the lock; a later pageblock
    of a block above pageblock_order may change type meanwhile and the block then goes back whole, under the
    type of the first.
23. find_suitable_fallback has rows for UNMOVABLE, MOVABLE and RECLAIMABLE alone: asking for any other type
    would read past the table, so `alloc` refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC, CMA, ISOLATE = range(6)
PCPTYPES = 3
MIGRATE_TYPES = 6

# mm/internal.h, v6.12
ALLOC_NO_WATERMARKS = 0x04
ALLOC_OOM = 0x08
ALLOC_NON_BLOCK = 0x10
ALLOC_MIN_RESERVE = 0x20
ALLOC_CPUSET = 0x40
ALLOC_CMA = 0x80
ALLOC_NOFRAGMENT = 0x100
ALLOC_HIGHATOMIC = 0x200
ALLOC_KSWAPD = 0x800

# enum rmqueue_mode, mm/page_alloc.c, v6.12
RMQUEUE_NORMAL, RMQUEUE_CMA, RMQUEUE_CLAIM, RMQUEUE_STEAL = range(4)

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

    `max_order` is inclusive (MAX_PAGE_ORDER). `holes` lists PFNs without memory, each an int or a half-open
    (low, high) pair; their struct pages exist and belong to the zone (init_unavailable_range), never free.
    """

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
        self.nr_free_highatomic = 0
        self.nr_reserved_highatomic = 0
        self.nr_isolate_pageblock = 0
        #: What VM_WARN_ONCE and WARN_ON_ONCE would have said, every time.
        self.warnings: list[str] = []
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
            self._split_large_buddy(pfn, order, to_tail=True)
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
        """get_pfnblock_migratetype."""
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

    def _warn(self, where: str, pfn: int, order: int, mt: int) -> None:
        if self._type(pfn) != mt:
            self.warnings.append(f"{where}: page {pfn} order {order} type is {self._type(pfn)}, passed {mt}")

    # ---- list primitives

    def _account(self, nr_pages: int, mt: int) -> None:
        """account_freepages."""
        if mt == ISOLATE:
            return
        self.nr_free_pages += nr_pages
        if mt == CMA:
            self.nr_free_cma += nr_pages
        elif mt == HIGHATOMIC:
            self.nr_free_highatomic += nr_pages

    def _unlink(self, pfn: int, order: int) -> None:
        """list_del: from whatever list the page is on."""
        for mt in range(MIGRATE_TYPES):
            if pfn in self.lists[order, mt]:
                self.lists[order, mt].remove(pfn)
                return
        raise AssertionError(f"free block {pfn} of order {order} is on no list")

    def _add(self, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        """__add_to_free_list (and set_buddy_order, which always goes with it); no accounting."""
        self._warn("__add_to_free_list", pfn, order, mt)
        if to_tail:
            self.lists[order, mt].append(pfn)
        else:
            self.lists[order, mt].insert(0, pfn)
        self.buddy_order[pfn] = order

    def _del(self, pfn: int, order: int, mt: int) -> None:
        """__del_page_from_free_list; no accounting."""
        self._warn("__del_page_from_free_list", pfn, order, mt)
        self._unlink(pfn, order)
        del self.buddy_order[pfn]

    def _del_accounted(self, pfn: int, order: int, mt: int) -> None:
        """del_page_from_free_list."""
        self._del(pfn, order, mt)
        self._account(-(1 << order), mt)

    def _move(self, pfn: int, order: int, old_mt: int, new_mt: int) -> None:
        """move_to_free_list: to the tail, always, even of the same list."""
        self._warn("move_to_free_list", pfn, order, old_mt)
        self._unlink(pfn, order)
        self.lists[order, new_mt].append(pfn)
        self._account(-(1 << order), old_mt)
        self._account(1 << order, new_mt)

    def _first(self, order: int, mt: int) -> int | None:
        """get_page_from_free_area."""
        free_list = self.lists[order, mt]
        return free_list[0] if free_list else None

    # ---- freeing

    def free(self, pfn: int, order: int, tail: bool = False, mt: int | None = None) -> None:
        """free_one_page; `tail` is FPI_TO_TAIL.

        6.12 reads the type of each pageblock itself: `mt` may only repeat what the first pageblock says.
        """
        self._must_be_allocated("free", pfn, order)
        if mt is not None and mt != self._type(pfn):
            raise ValueError(f"free: 6.12 takes no migratetype; {pfn} is in a {self._type(pfn)} pageblock")
        self._split_large_buddy(pfn, order, tail)

    def _must_be_memory(self, act: str, pfn: int, order: int) -> None:
        if not 0 <= order <= self.max_order or not self._is_memory(pfn, order):
            raise ValueError(f"{act}: {pfn} order {order} is no aligned block of memory in this zone")

    def _must_be_allocated(self, act: str, pfn: int, order: int) -> None:
        self._must_be_memory(act, pfn, order)
        for frame in range(pfn, pfn + (1 << order)):
            if self._is_free(frame):
                raise ValueError(f"{act}: frame {frame} is already free; give back allocated blocks only")

    def _split_large_buddy(self, pfn: int, order: int, to_tail: bool) -> None:
        """split_large_buddy: free by pageblocks, each under its own type."""
        end = pfn + (1 << order)
        order = min(order, self.pageblock_order)
        while pfn < end:
            self._free_one(pfn, order, self._type(pfn), to_tail)
            pfn += 1 << order

    def _free_one(self, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        """__free_one_page."""
        self._account(1 << order, mt)
        while order < self.max_order:
            buddy = self._find_buddy(pfn, order)
            if buddy is None:
                break
            buddy_mt = mt
            if order >= self.pageblock_order:
                buddy_mt = self._type(buddy)
                if buddy_mt != mt and not (mergeable(mt) and mergeable(buddy_mt)):
                    break
            self._del(buddy, order, buddy_mt)
            if buddy_mt != mt:
                self._change_pageblock_range(buddy, order, mt)
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
        page = None
        if flags & ALLOC_HIGHATOMIC:
            page = self._rmqueue_smallest(order, HIGHATOMIC)
        if page is None:
            page, _ = self._rmqueue(order, mt, flags, RMQUEUE_NORMAL, movable)
            if page is None and flags & (ALLOC_OOM | ALLOC_NON_BLOCK):
                page = self._rmqueue_smallest(order, HIGHATOMIC)
        return page

    def alloc_mode(
        self, order: int, mt: int, flags: int, mode: int, movable: Movable = nothing_movable
    ) -> tuple[int | None, int]:
        """One bare __rmqueue of rmqueue_bulk: the page, and the mode for the next call."""
        self._must_be_request("alloc_mode", order, mt)
        if mode not in (RMQUEUE_NORMAL, RMQUEUE_CMA, RMQUEUE_CLAIM, RMQUEUE_STEAL):
            raise ValueError(f"alloc_mode: mode {mode} is no rmqueue_mode; give 0..3")
        return self._rmqueue(order, mt, flags, mode, movable)

    def alloc_bulk(self, order: int, mt: int, count: int, flags: int = 0, movable: Movable = nothing_movable) -> list[int]:
        """rmqueue_bulk: up to `count` pages with one cached mode."""
        self._must_be_request("alloc_bulk", order, mt)
        pages: list[int] = []
        mode = RMQUEUE_NORMAL
        for _ in range(count):
            page, mode = self._rmqueue(order, mt, flags, mode, movable)
            if page is None:
                break
            pages.append(page)
        return pages

    def _must_be_request(self, act: str, order: int, mt: int) -> None:
        if order < 0:
            raise ValueError(f"{act}: order {order} is negative")
        if mt not in FALLBACKS:
            raise ValueError(f"{act}: no request has migratetype {mt}; give UNMOVABLE, MOVABLE or RECLAIMABLE")

    def _rmqueue(self, order: int, mt: int, flags: int, mode: int, movable: Movable) -> tuple[int | None, int]:
        """__rmqueue: the switch on *mode falls through from its case to the end."""
        if flags & ALLOC_CMA and max(self.nr_free_cma, 0) > max(self.nr_free_pages, 0) // 2:
            page = self._rmqueue_smallest(order, CMA)
            if page is not None:
                return page, mode
        if mode <= RMQUEUE_NORMAL:
            page = self._rmqueue_smallest(order, mt)
            if page is not None:
                return page, mode
        if mode <= RMQUEUE_CMA and flags & ALLOC_CMA:
            page = self._rmqueue_smallest(order, CMA)
            if page is not None:
                return page, RMQUEUE_CMA
        if mode <= RMQUEUE_CLAIM:
            page = self._rmqueue_claim(order, mt, flags, movable)
            if page is not None:
                return page, RMQUEUE_NORMAL
        if not flags & ALLOC_NOFRAGMENT:
            page = self._rmqueue_steal(order, mt)
            if page is not None:
                return page, RMQUEUE_STEAL
        return None, mode

    def _rmqueue_smallest(self, order: int, mt: int) -> int | None:
        """__rmqueue_smallest."""
        for current_order in range(order, self.max_order + 1):
            page = self._first(current_order, mt)
            if page is not None:
                self._del_and_expand(page, order, current_order, mt)
                return page
        return None

    def _del_and_expand(self, pfn: int, low: int, high: int, mt: int) -> None:
        """page_del_and_expand."""
        self._del(pfn, high, mt)
        nr_added = self._expand(pfn, low, high, mt)
        self._account(nr_added - (1 << high), mt)

    def _expand(self, pfn: int, low: int, high: int, mt: int) -> int:
        """expand: put the upper halves back, largest first, each at the head; gives the frames put back."""
        nr_added = 0
        for order in range(high - 1, low - 1, -1):
            self._add(pfn + (1 << order), order, mt, to_tail=False)
            nr_added += 1 << order
        return nr_added

    def _can_steal_fallback(self, order: int, start_mt: int) -> bool:
        """can_steal_fallback."""
        return order >= self.pageblock_order // 2 or start_mt in (RECLAIMABLE, UNMOVABLE)

    def _find_suitable_fallback(self, order: int, mt: int) -> int | None:
        """find_suitable_fallback with only_stealable false, as both callers here have it."""
        for fallback_mt in FALLBACKS[mt]:
            if self.lists[order, fallback_mt]:
                return fallback_mt
        return None

    def _rmqueue_claim(self, order: int, start_mt: int, flags: int, movable: Movable) -> int | None:
        """__rmqueue_claim."""
        min_order = order
        if order < self.pageblock_order and flags & ALLOC_NOFRAGMENT:
            min_order = self.pageblock_order
        for current_order in range(self.max_order, min_order - 1, -1):
            fallback_mt = self._find_suitable_fallback(current_order, start_mt)
            if fallback_mt is None:
                continue
            if not self._can_steal_fallback(current_order, start_mt):
                break
            block = self.lists[current_order, fallback_mt][0]
            page = self._try_to_steal_block(block, current_order, order, start_mt, movable)
            if page is not None:
                return page
        return None

    def _rmqueue_steal(self, order: int, start_mt: int) -> int | None:
        """__rmqueue_steal."""
        for current_order in range(order, self.max_order + 1):
            fallback_mt = self._find_suitable_fallback(current_order, start_mt)
            if fallback_mt is not None:
                page = self.lists[current_order, fallback_mt][0]
                self._del_and_expand(page, order, current_order, fallback_mt)
                return page
        return None

    def _try_to_steal_block(self, pfn: int, current_order: int, order: int, start_mt: int, movable: Movable) -> int | None:
        """try_to_steal_block."""
        block_mt = self._type(pfn)
        if block_mt == HIGHATOMIC:
            return None
        if current_order >= self.pageblock_order:
            self._del_accounted(pfn, current_order, block_mt)
            self._change_pageblock_range(pfn, current_order, start_mt)
            nr_added = self._expand(pfn, order, current_order, start_mt)
            self._account(nr_added, start_mt)
            return pfn
        start_pfn = self._prep_move(pfn)
        if start_pfn is None:
            return None
        free_pages, movable_pages = self._count_pageblock(start_pfn, movable)
        if start_mt == MOVABLE:
            alike_pages = movable_pages
        elif block_mt == MOVABLE:
            alike_pages = self.pageblock_nr_pages - (free_pages + movable_pages)
        else:
            alike_pages = 0
        if free_pages + alike_pages >= 1 << (self.pageblock_order - 1):
            self._move_pageblock(start_pfn, block_mt, start_mt)
            return self._rmqueue_smallest(order, start_mt)
        return None

    # ---- moving pageblocks between types

    def _prep_move(self, pfn: int) -> int | None:
        """prep_move_freepages_block: the first PFN of the pageblock, or None when it straddles the zone."""
        start_pfn = pfn >> self.pageblock_order << self.pageblock_order
        if not self._spans(start_pfn) or not self._spans(start_pfn + self.pageblock_nr_pages - 1):
            return None
        return start_pfn

    def _count_pageblock(self, start_pfn: int, movable: Movable) -> tuple[int, int]:
        """The counting half of prep_move_freepages_block: (free, movable) pages of the pageblock."""
        free_pages = movable_pages = 0
        pfn = start_pfn
        while pfn < start_pfn + self.pageblock_nr_pages:
            if pfn in self.buddy_order:
                free_pages += 1 << self.buddy_order[pfn]
                pfn += 1 << self.buddy_order[pfn]
                continue
            if pfn not in self.holes and not self._is_free(pfn) and movable(pfn):
                movable_pages += 1
            pfn += 1
        return free_pages, movable_pages

    def _move_pageblock(self, start_pfn: int, old_mt: int, new_mt: int) -> int:
        """__move_freepages_block: the type is set last, after all free blocks have moved."""
        pages_moved = 0
        pfn = start_pfn
        while pfn < start_pfn + self.pageblock_nr_pages:
            order = self.buddy_order.get(pfn)
            if order is None:
                pfn += 1
                continue
            self._move(pfn, order, old_mt, new_mt)
            pfn += 1 << order
            pages_moved += 1 << order
        self._set_type(start_pfn, new_mt)
        return pages_moved

    def _move_freepages_block(self, pfn: int, old_mt: int, new_mt: int) -> int:
        """move_freepages_block: the frames moved, or -1 when the pageblock straddles the zone."""
        start_pfn = self._prep_move(pfn)
        if start_pfn is None:
            return -1
        return self._move_pageblock(start_pfn, old_mt, new_mt)

    def retype(self, pfn: int, mt: int) -> bool:
        """move_freepages_block from the pageblock's type to `mt`; False when the pageblock straddles.

        No count of reserved or isolated pageblocks changes. Point 15: not for part of a larger free block.
        """
        self._must_be_page("retype", pfn)
        return self._move_freepages_block(pfn, self._type(pfn), mt) != -1

    def _must_be_page(self, act: str, pfn: int) -> None:
        if not self._spans(pfn):
            raise ValueError(f"{act}: {pfn} is outside the zone [{self.start_pfn}, {self.end_pfn})")

    # ---- isolation

    def isolate(self, pfn: int) -> bool:
        """set_migratetype_isolate without has_unmovable_pages; False is -EBUSY (isolated, or straddling)."""
        self._must_be_page("isolate", pfn)
        if self._type(pfn) == ISOLATE:
            return False
        if not self._move_freepages_block_isolate(pfn, ISOLATE):
            return False
        self.nr_isolate_pageblock += 1
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
        if taken:
            self._set_type(pfn, mt)
            self._free_one(pfn, order, mt, to_tail=True)
        elif not self._move_freepages_block_isolate(pfn, mt):
            self.warnings.append(f"unset_migratetype_isolate: {pfn} is in a straddling pageblock")
        self.nr_isolate_pageblock -= 1

    def _find_large_buddy(self, start_pfn: int) -> int:
        """find_large_buddy: the head of the free block that covers start_pfn from below, else start_pfn."""
        order = 0
        pfn = start_pfn
        while pfn not in self.buddy_order:
            order += 1
            if order > self.max_order:
                return start_pfn
            pfn = pfn >> order << order
        if pfn + (1 << self.buddy_order[pfn]) > start_pfn:
            return pfn
        return start_pfn

    def _move_freepages_block_isolate(self, pfn: int, mt: int) -> bool:
        """move_freepages_block_isolate; `pfn` is the page, which the callers align to the pageblock."""
        start_pfn = self._prep_move(pfn)
        if start_pfn is None:
            return False
        if self.pageblock_order < self.max_order:
            head = self._find_large_buddy(start_pfn)
            if head != start_pfn:
                self._split_around(head, pfn, mt)
                return True
            if self.buddy_order.get(pfn, -1) > self.pageblock_order:
                self._split_around(pfn, pfn, mt)
                return True
        self._move_pageblock(start_pfn, self._type(start_pfn), mt)
        return True

    def _split_around(self, head: int, pfn: int, mt: int) -> None:
        """Take a large free block off its list, retype one pageblock, free the pieces (FPI_NONE)."""
        order = self.buddy_order[head]
        self._del_accounted(head, order, self._type(head))
        self._set_type(pfn, mt)
        self._split_large_buddy(head, order, to_tail=False)

    # ---- high-order atomic reserves

    def reserve_highatomic(self, pfn: int, order: int) -> bool:
        """reserve_highatomic_pageblock without the 1% limit; whether the pageblock(s) became HIGHATOMIC."""
        self._must_be_page("reserve_highatomic", pfn)
        mt = self._type(pfn)
        if not mergeable(mt):
            return False
        if order < self.pageblock_order:
            if self._move_freepages_block(pfn, mt, HIGHATOMIC) == -1:
                return False
            self.nr_reserved_highatomic += self.pageblock_nr_pages
        else:
            self._must_be_memory("reserve_highatomic", pfn, order)
            self._change_pageblock_range(pfn, order, HIGHATOMIC)
            self.nr_reserved_highatomic += 1 << order
        return True

    def unreserve_highatomic(self, mt: int) -> int | None:
        """unreserve_highatomic_pageblock, this zone, force; the free block found, whose type became `mt`."""
        for order in range(self.max_order + 1):
            page = self._first(order, HIGHATOMIC)
            if page is None:
                continue
            old_mt = self._type(page)
            if old_mt == HIGHATOMIC:
                size = max(self.pageblock_nr_pages, 1 << order)
                self.nr_reserved_highatomic -= min(size, self.nr_reserved_highatomic)
            if order < self.pageblock_order:
                moved = self._move_freepages_block(page, old_mt, mt)
                if moved == -1:
                    self.warnings.append(f"unreserve_highatomic_pageblock: {page} is in a straddling pageblock")
            else:
                self._move(page, order, old_mt, mt)
                self._change_pageblock_range(page, order, mt)
                moved = 1
            if moved > 0:
                return page
        return None

    # ---- pulling free blocks off the lists

    def take(self, pfn: int, order: int) -> int:
        """__isolate_free_page without the watermark check; gives the number of frames taken."""
        if self.buddy_order.get(pfn) != order:
            raise ValueError(f"take: no free block of order {order} starts at {pfn}")
        self._del_accounted(pfn, order, self._type(pfn))
        if order >= self.pageblock_order - 1:
            for page in range(pfn, pfn + (1 << order) - 1, self.pageblock_nr_pages):
                mt = self._type(page)
                if mergeable(mt):
                    self._move_freepages_block(page, mt, MOVABLE)
        return 1 << order

    def putback(self, pfn: int, order: int) -> None:
        """__putback_isolated_page under the type of the first pageblock, as page_reporting_drain has it."""
        self._must_be_allocated("putback", pfn, order)
        self._free_one(pfn, order, self._type(pfn), to_tail=True)
