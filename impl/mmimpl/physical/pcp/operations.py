"""One kernel for each operation. Where a request is refused they answer minus an error's number, or ``heads`` and that number."""

from __future__ import annotations

import errno

from mmimpl.engine import helper, kernel
from mmimpl.physical.pcp.amounts import decayed, freed, set_limits, wanted
from mmimpl.physical.pcp.memory import (
    BATCH,
    DISABLED,
    NONE,
    ZONE_BATCH,
    ZONE_HIGH_MAX,
    ZONE_HIGH_MIN,
    Frame,
    Lists,
    order_of,
)  # fmt: skip
from mmspec.physical.pcp.ops import (
    AGAIN,
    CHANGED,
    COSTLY_ORDER,
    EXPIRE_TICKS,
    FREE_HIGH_BATCH,
    ISOLATE,
    LISTS,
    LOW_LISTS,
    MOVABLE,
    PREV_FREE_HIGH_ORDER,
    RECLAIMABLE,
    REMOTE,
    Cpu,
    Index,
    PcpList,
)  # fmt: skip
from mmspec.words import MAX_ORDER_LIMIT, Count, Flags, Migratetype, Order

# --- lists -----------------------------------------------------------------------------------------------------------


@helper
def index_of(order: Order, migratetype: Migratetype) -> Index:
    """Return which of a CPU's lists a block is on (mm/page_alloc.c:order_to_pindex, v6.12)."""
    if order > COSTLY_ORDER:
        return LOW_LISTS + 1 if migratetype == MOVABLE else LOW_LISTS
    return 3 * order + migratetype


@helper
def enlist_first(lists: Lists, pfn: Frame, number: PcpList) -> None:
    """Put a block first on a list."""
    head = lists.heads + number
    first = lists.after[head]
    lists.page[pfn] = number
    lists.after[pfn] = first
    lists.before[pfn] = head
    lists.after[head] = pfn
    lists.before[first] = pfn


@helper
def enlist_last(lists: Lists, pfn: Frame, number: PcpList) -> None:
    """Put a block last on a list."""
    head = lists.heads + number
    last = lists.before[head]
    lists.page[pfn] = number
    lists.after[pfn] = head
    lists.before[pfn] = last
    lists.before[head] = pfn
    lists.after[last] = pfn


@helper
def delist(lists: Lists, pfn: Frame) -> None:
    """Take a block off its list."""
    last = lists.before[pfn]
    first = lists.after[pfn]
    lists.page[pfn] = NONE
    lists.after[last] = first
    lists.before[first] = last


# --- what is served --------------------------------------------------------------------------------------------------


@helper
def keeps_order(lists: Lists, order: Order) -> bool:
    """Tell whether blocks of an order are kept (mm/page_alloc.c:pcp_allowed_order, v6.12)."""
    return (order <= COSTLY_ORDER) | (order == lists.huge_order)


@helper
def takes(lists: Lists, cpu: Cpu, pfn: Frame, order: Order) -> bool:
    """Tell whether a block can come in: aligned, inside the zone, and not held already."""
    if cpu >= lists.cpus or order > MAX_ORDER_LIMIT or pfn & ((1 << order) - 1):
        return False
    return lists.start <= pfn and pfn + (1 << order) <= lists.end and lists.page[pfn] == NONE


# --- alloc, want, refill ---------------------------------------------------------------------------------------------


@kernel
def alloc(lists: Lists, cpu: Cpu, order: Order, migratetype: Migratetype, flags: Flags) -> Frame:
    """Hand out the head of the request's list (mm/page_alloc.c:rmqueue_pcplist, v6.12)."""
    if cpu >= lists.cpus or not keeps_order(lists, order) or migratetype > RECLAIMABLE:
        return lists.heads + errno.EINVAL
    if lists.owed[cpu] > 0:
        return lists.heads + errno.EBUSY
    if not flags & AGAIN:
        lists.free_count[cpu] = lists.free_count[cpu] >> 1
        lists.free_factor[cpu] = lists.free_factor[cpu] >> 1
    pfn = lists.after[lists.heads + ((cpu << 4) | index_of(order, migratetype))]
    if pfn >= lists.heads:
        return lists.heads + errno.ENOENT
    delist(lists, pfn)
    lists.held[cpu] = lists.held[cpu] - (1 << order)
    return pfn


@kernel
def want(lists: Lists, cpu: Cpu, order: Order, flags: Flags) -> Count:
    """Return how many blocks a refill asks for."""
    if cpu >= lists.cpus or not keeps_order(lists, order):
        return -errno.EINVAL
    if lists.owed[cpu] > 0:
        return -errno.EBUSY
    return wanted(lists, cpu, order, flags)


@kernel
def refill(lists: Lists, cpu: Cpu, pfn: Frame, order: Order, migratetype: Migratetype) -> int:
    """Put one block at the tail of a request's list (mm/page_alloc.c:rmqueue_bulk, v6.12)."""
    if not takes(lists, cpu, pfn, order) or not keeps_order(lists, order) or migratetype > RECLAIMABLE:
        return errno.EINVAL
    if lists.owed[cpu] > 0:
        return errno.EBUSY
    enlist_last(lists, pfn, (cpu << 4) | index_of(order, migratetype))
    lists.held[cpu] = lists.held[cpu] + (1 << order)
    return 0


# --- free, bulk, drain -----------------------------------------------------------------------------------------------


@kernel
def free(lists: Lists, cpu: Cpu, pfn: Frame, order: Order, migratetype: Migratetype, flags: Flags) -> Count:
    """Put a block at the head of its list; return how many frames then go back (mm/page_alloc.c:free_unref_page, v6.12)."""
    if not takes(lists, cpu, pfn, order):
        return -errno.EINVAL
    if lists.owed[cpu] > 0 or not keeps_order(lists, order) or migratetype == ISOLATE:
        return -errno.EBUSY
    index = index_of(order, migratetype if migratetype <= RECLAIMABLE else MOVABLE)
    enlist_first(lists, pfn, (cpu << 4) | index)
    lists.held[cpu] = lists.held[cpu] + (1 << order)
    owed = freed(lists, cpu, order, flags)
    lists.owed[cpu] = owed
    if owed > 0:
        lists.cursor[cpu] = index
    return owed


@kernel
def bulk(lists: Lists, cpu: Cpu, count: Count) -> Count:
    """Begin to give frames back, from the first list on; return how many."""
    if cpu >= lists.cpus:
        return -errno.EINVAL
    if lists.owed[cpu] > 0:
        return -errno.EBUSY
    lists.owed[cpu] = min(count, lists.held[cpu])
    lists.cursor[cpu] = 0
    return lists.owed[cpu]


@kernel
def drain(lists: Lists, cpu: Cpu) -> Frame:
    """Give back the tail of the list that the drain stands at (mm/page_alloc.c:free_pcppages_bulk, v6.12)."""
    if cpu >= lists.cpus:
        return lists.heads + errno.EINVAL
    if lists.owed[cpu] == 0:
        return lists.heads + errno.ENOENT
    for k in range(LISTS):
        index = (lists.cursor[cpu] + k) % LISTS
        number = (cpu << 4) | index
        pfn = lists.before[lists.heads + number]
        if pfn < lists.heads:
            size = 1 << order_of(lists, number)
            lists.cursor[cpu] = index
            delist(lists, pfn)
            lists.held[cpu] = lists.held[cpu] - size
            lists.owed[cpu] = max(0, lists.owed[cpu] - size)
            return pfn
    return lists.heads + errno.ENOENT


# --- drain_all, decay, expire ----------------------------------------------------------------------------------------


@helper
def refused(lists: Lists, cpu: Cpu) -> int:
    """Return why a CPU is not asked what goes back; 0: it is."""
    if cpu >= lists.cpus:
        return -errno.EINVAL
    return -errno.EBUSY if lists.owed[cpu] > 0 else 0


@kernel
def drain_all(lists: Lists, cpu: Cpu) -> Count:
    """Return how many frames a drain of a CPU gives back (mm/page_alloc.c:drain_pages_zone, v6.12)."""
    refusal = refused(lists, cpu)
    return refusal if refusal else lists.held[cpu]


@kernel
def decay(lists: Lists, cpu: Cpu) -> Count:
    """Lower a CPU's limit and return how many frames are above it."""
    refusal = refused(lists, cpu)
    return refusal if refusal else decayed(lists, cpu)


@kernel
def refresh(lists: Lists, cpu: Cpu, flags: Flags) -> Count:
    """Count a refresh down; return how many frames an idle remote CPU gives back (mm/vmstat.c:refresh_cpu_vm_stats, v6.12)."""
    refusal = refused(lists, cpu)
    if refusal:
        return refusal
    if flags & CHANGED:
        lists.expire[cpu] = EXPIRE_TICKS
    if lists.expire[cpu] == 0 or lists.held[cpu] == 0:
        return 0
    if not flags & REMOTE:
        lists.expire[cpu] = 0
        return 0
    lists.expire[cpu] = lists.expire[cpu] - 1
    return 0 if lists.expire[cpu] else min(lists.held[cpu], lists.zone[BATCH])


# --- disable, enable, cacheinfo --------------------------------------------------------------------------------------


@kernel
def disable(lists: Lists) -> int:
    """Let no CPU keep blocks (mm/page_alloc.c:zone_pcp_disable, v6.12)."""
    if lists.zone[DISABLED]:
        return errno.EBUSY
    lists.zone[DISABLED] = 1
    set_limits(lists, 1, 0, 0)
    return 0


@kernel
def enable(lists: Lists) -> int:
    """Put the zone's own limits back (mm/page_alloc.c:zone_pcp_enable, v6.12)."""
    if not lists.zone[DISABLED]:
        return errno.EINVAL
    lists.zone[DISABLED] = 0
    set_limits(lists, lists.zone[ZONE_BATCH], lists.zone[ZONE_HIGH_MIN], lists.zone[ZONE_HIGH_MAX])
    return 0


@kernel
def cacheinfo(lists: Lists, cpu: Cpu, frames: Count) -> int:
    """Tell a CPU of its slice of the data cache (mm/page_alloc.c:zone_pcp_update_cacheinfo, v6.12)."""
    refusal = refused(lists, cpu)
    if refusal:
        return -refusal
    if lists.kernel >= 612:
        large = FREE_HIGH_BATCH if frames > 3 * lists.zone[BATCH] else 0
        lists.flags[cpu] = (lists.flags[cpu] & PREV_FREE_HIGH_ORDER) | large
    return 0
