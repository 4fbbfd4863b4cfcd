"""Translation caches of several processors: what each may still use after entries have changed, and what a flush takes back.

The state is what is mapped, and the moments at which entries went and flushes were made (``state.Tlb``). Read ``usable``
first: what a processor may use, when a place is settled, and AArch64's break-before-make; then ``flush``, ``core``, whose
requests ask these, and ``linux``: x86-64's generations and tags. A space has two levels here, blocks of 512 pages and pages;
its translations are tagged by the space itself, and those of the kernel's, space 0, are global. Not modelled: accessed and
dirty bits, memory types, fetches; caches of higher levels' entries; an error that the law allows: an entry that came and went
between two times that a processor ran its space counts as one that it may have cached.
"""

from __future__ import annotations

from mmspec.component import Component, Operation
from mmspec.virtual.tlb import core, linux
from mmspec.virtual.tlb.clauses import CHOICE, CLAUSES
from mmspec.virtual.tlb.invariants import INVARIANTS
from mmspec.virtual.tlb.linux import Tags, initial_tags
from mmspec.virtual.tlb.ops import (
    Begin,
    Clear,
    Config,
    Count,
    Deliver,
    Delivered,
    Done,
    End,
    Invalidate,
    Lazy,
    Link,
    LookGeneration,
    LookLocal,
    Plan,
    Protect,
    Set,
    Settled,
    Switch,
    Switched,
    Use,
    Used,
)  # fmt: skip
from mmspec.virtual.tlb.state import Tlb, initial

_E, _PUT = ("EINVAL",), ("EINVAL", "EBUSY")
_same = core.same_apply

OPERATIONS = (
    Operation("set", Set, Done, _PUT, core.set_allowed, core.set_apply, linux.set_choose),
    Operation("link", Link, Done, _PUT, core.link_allowed, core.link_apply, linux.link_choose),
    Operation("clear", Clear, Done, _E, core.clear_allowed, core.clear_apply, linux.clear_choose),
    Operation("protect", Protect, Done, _E, core.protect_allowed, core.protect_apply, linux.protect_choose),
    Operation("use", Use, Used, _E, core.use_allowed, core.use_apply, linux.use_choose, observes=True),
    Operation("invalidate", Invalidate, Done, _E, core.invalidate_allowed, core.invalidate_apply, linux.invalidate_choose),
    Operation("begin", Begin, Done, _E, core.begin_allowed, core.begin_apply, linux.begin_choose),
    Operation("deliver", Deliver, Delivered, _E, core.deliver_allowed, _same, linux.deliver_choose),
    Operation("end", End, Done, _E, core.end_allowed, core.end_apply, linux.end_choose),
    Operation("switch", Switch, Switched, _E, core.switch_allowed, core.switch_apply, linux.switch_choose),
    Operation("lazy", Lazy, Done, _E, core.lazy_allowed, core.lazy_apply, linux.lazy_choose),
    Operation("settled", Settled, Count, _E, core.settled_allowed, _same, linux.settled_choose),
    Operation("generation", LookGeneration, Count, _E, core.look_generation_allowed, _same, linux.look_generation_choose),
    Operation("local", LookLocal, Count, _E, core.look_local_allowed, _same, linux.look_local_choose),
    Operation("plan", Plan, Count, _E, core.plan_allowed, _same, linux.plan_choose),
)

TLB = Component(
    name="tlb",
    config=Config,
    state=Tlb,
    policy=Tags,
    initial=initial,
    initial_policy=initial_tags,
    operations=OPERATIONS,
    invariants=INVARIANTS,
    clauses=CLAUSES,
    choice=CHOICE,
)
