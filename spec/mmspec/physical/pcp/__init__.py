"""The per-CPU page lists of one zone (mm/page_alloc.c, mm/vmstat.c, v6.12; 6.1 where it differs).

The state is which blocks each CPU holds (``state.Pages``) and, beside it, Linux's ordered lists and the numbers that it goes by
(``state.PcpLists``). Read ``core`` first: what any per-CPU cache of free blocks must do; then ``linux``: from which end of which
list; ``amounts``: how many blocks move; ``parameters``: what the limits are.

The lists know no other component. What a refill puts in is the free lists' answer, the type of a pageblock and the zone's flags
are arguments, and what goes back is answered block by block: between the free, or the ``bulk``, that says how many frames go back
and the last ``drain`` the CPU's lock is held. Not modelled: lock contention (who does not get the lock passes the lists by, and
calls nothing here), pages that turn out bad, the clearing of the zone's BELOW_HIGH after a drain (it is the watermarks'), CPUs
that come and go (a dead one is drained like any other).
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.physical.pcp import core, linux
from mmspec.physical.pcp.clauses import CHOICE, CLAUSES
from mmspec.physical.pcp.invariants import INVARIANTS
from mmspec.physical.pcp.ops import (
    Alloc,
    Block,
    Blocks,
    Bulk,
    Cacheinfo,
    Config,
    CountPages,
    Decay,
    Disable,
    Done,
    Drain,
    DrainAll,
    Enable,
    Expire,
    Frames,
    Free,
    HeldBlocks,
    Limits,
    Page,
    Plan,
    Refill,
    Tune,
    Want,
)  # fmt: skip
from mmspec.physical.pcp.state import Pages, PcpLists

ALLOC = Operation(
    "alloc", Alloc, Page, ("ENOENT", "EBUSY", "EINVAL"), core.alloc_allowed, core.alloc_apply, linux.alloc_choose, main="pfn"
)
WANT = Operation("want", Want, Frames, ("EBUSY", "EINVAL"), core.want_allowed, core.look_apply, linux.want_choose)
REFILL = Operation("refill", Refill, Done, ("EBUSY", "EINVAL"), core.refill_allowed, core.refill_apply, linux.refill_choose)
FREE = Operation("free", Free, Frames, ("EBUSY", "EINVAL"), core.free_allowed, core.free_apply, linux.free_choose)
BULK = Operation("bulk", Bulk, Frames, ("EBUSY", "EINVAL"), core.bulk_allowed, core.bulk_apply, linux.bulk_choose)
DRAIN = Operation(
    "drain", Drain, Block, ("ENOENT", "EINVAL"), core.drain_allowed, core.drain_apply, linux.drain_choose, main="pfn"
)
DRAIN_ALL = Operation(
    "drain_all", DrainAll, Plan, ("EBUSY", "EINVAL"), core.drain_all_allowed, core.look_apply, linux.drain_all_choose
)
DECAY = Operation("decay", Decay, Plan, ("EBUSY", "EINVAL"), core.plan_allowed, core.look_apply, linux.decay_choose)
EXPIRE = Operation("expire", Expire, Plan, ("EBUSY", "EINVAL"), core.plan_allowed, core.look_apply, linux.expire_choose)
TUNE = Operation("tune", Tune, Limits, ("EBUSY", "EINVAL"), core.tune_allowed, core.look_apply, linux.tune_choose)
DISABLE = Operation("disable", Disable, Done, ("EBUSY",), core.disable_allowed, core.disable_apply, linux.disable_choose)
ENABLE = Operation("enable", Enable, Done, ("EINVAL",), core.enable_allowed, core.enable_apply, linux.enable_choose)
CACHEINFO = Operation(
    "cacheinfo", Cacheinfo, Done, ("EBUSY", "EINVAL"), core.cacheinfo_allowed, core.look_apply, linux.cacheinfo_choose
)
COUNT = Operation(
    "count", CountPages, Frames, ("EINVAL",), core.count_allowed, core.look_apply, linux.count_choose, observes=True
)
BLOCKS = Operation(
    "blocks", HeldBlocks, Blocks, ("EINVAL",), core.blocks_allowed, core.look_apply, linux.blocks_choose, observes=True
)

PCP = Component(
    name="pcp",
    config=Config,
    state=Pages,
    policy=PcpLists,
    initial=linux.initial_pages,
    initial_policy=linux.initial_lists,
    operations=(
        ALLOC, WANT, REFILL, FREE, BULK, DRAIN, DRAIN_ALL, DECAY, EXPIRE, TUNE, DISABLE, ENABLE, CACHEINFO, COUNT, BLOCKS
    ),
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)  # fmt: skip
