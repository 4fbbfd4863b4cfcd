"""x86-64's generations never fall behind: a processor that runs a space has made up for all flushes of it that it heard of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.virtual.tlb.clock import ROOM
from mmspec.clause import Clause
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb import linux
from mmspec.virtual.tlb.linux import CpuAsid, Tags, cpu_asid, owner_at
from mmspec.virtual.tlb.ops import KERNEL, LEFT, Asid, Cpu, Extent, Gen, Space, Switched


def roomy_tags(tags: Tags, space: Space) -> bool:
    """Another flush of the space can be counted."""
    return tags.gen.get(space, 0) < ROOM


def not_ahead(tags: Tags, any_tag: CpuAsid) -> bool:
    """A tag has made up for no more flushes of its space than were begun."""
    owner = tags.owner.get(any_tag, 0)
    return owner == 0 or tags.local.get(any_tag, 0) <= tags.gen.get(owner - 1, 0)


def in_use(tags: Tags, any_cpu: Cpu) -> bool:
    """The tag in use is the loaded space's."""
    return owner_at(tags, any_cpu, tags.asid.get(any_cpu, 0)) == tags.loaded.get(any_cpu, 0) + 1


def begun(tags: Tags, space: Space, gen: Gen) -> bool:
    """The flush was begun."""
    return gen <= tags.gen.get(space, 0)


def whole_gen(tags: Tags, space: Space, gen: Gen) -> bool:
    """The generation is the space's."""
    return gen == tags.gen.get(space, 0)


def still_not_ahead(after: tuple[Any, Tags], any_tag: CpuAsid) -> bool:
    """No tag has made up for a flush that was not begun."""
    return not_ahead(after[1], any_tag)


def still_in_use(after: tuple[Any, Tags], any_cpu: Cpu) -> bool:
    """The tag in use is the loaded space's."""
    return in_use(after[1], any_cpu)


def never_back(tags: Tags, after: tuple[Any, Tags], any_tag: CpuAsid) -> bool:
    """A tag that stays its space's never forgets a flush that it made up for."""
    same = tags.owner.get(any_tag, 0) == after[1].owner.get(any_tag, 0)
    return (not same) | (after[1].local.get(any_tag, 0) >= tags.local.get(any_tag, 0))


def caught_up(tags: Tags, cpu: Cpu, space: Space, gen: Gen, lazy: bool, after: tuple[Extent, Tags]) -> bool:
    """A processor that runs the space has then made up for the flush, or has left the space."""
    if after[0] == LEFT:
        return lazy
    local = after[1].local.get(cpu_asid(cpu, after[1].asid.get(cpu, 0)), 0)
    return (tags.loaded.get(cpu, KERNEL) != space) | (local >= gen)


def ready(tags: Tags, cpu: Cpu, space: Space, after: tuple[Switched, Tags]) -> bool:
    """A processor that comes to a space has made up for all flushes of it that were begun."""
    left = after[1]
    local = left.local.get(cpu_asid(cpu, left.asid.get(cpu, 0)), 0)
    return (left.loaded.get(cpu, 0) == space) & (local == tags.gen.get(space, 0))


def ready_if_came(tags: Tags, cpu: Cpu, space: Space, lazy: bool, after: tuple[Switched, Tags]) -> bool:
    """A processor that comes to a space, or back from being lazy, has made up for all flushes of it that were begun."""
    came = lazy | (tags.loaded.get(cpu, KERNEL) != space)
    return (not came) | ready(tags, cpu, space, after)


def flushes_what_it_takes(tags: Tags, cpu: Cpu, space: Space, after: tuple[Switched, Tags], one: Asid) -> bool:
    """A tag that becomes a space's, or makes up for flushes, is flushed: nothing is used under it that is older."""
    at = cpu_asid(cpu, one)
    moved = (after[1].owner.get(at, 0) != tags.owner.get(at, 0)) | (after[1].local.get(at, 0) != tags.local.get(at, 0))
    return (not moved) | ((after[0].flushed == 1) & (after[0].asid == one))


def _tags(
    operation: str, subject: Callable[..., Any], clause: Clause, given: tuple[Predicate, ...],
    *goals: tuple[str, Predicate, Clause],
) -> tuple[Obligation, ...]:  # fmt: skip
    name = operation.upper()
    base = Obligation(
        f"TLB-{name}-DEFINED", (clause,), "Every word fits.", subject, given=given, invariants=(not_ahead, in_use),
        operation=operation, invariant="defined", bounds={"generations": "< 2**61"}, unaided=True,
    )  # fmt: skip
    return base, *(
        attrs.evolve(
            base, id=f"TLB-{name}-{column}", clauses=(about, clause), statement=(function_of(goal).__doc__ or "").strip(),
            goal=goal, rests_on=(base.id,), invariant=column.lower(), unaided=column in ("CAUGHT-UP", "FLUSHES"),
        )
        for column, goal, about in goals
    )  # fmt: skip


_KEPT = (("AHEAD", still_not_ahead, c.GEN_ORDER), ("USED", still_in_use, c.ASID_ONE), ("BACK", never_back, c.GEN_WHOLE))

WRITTEN: tuple[Obligation, ...] = (
    *_tags("heard", linux.heard, c.GEN_WHOLE, (begun, roomy_tags), ("CAUGHT-UP", caught_up, c.GEN_OLD), *_KEPT),
    *_tags(
        "given", linux.given, c.ASID_KEPT, (whole_gen, roomy_tags), ("READY", ready, c.ASID_KEPT),
        ("FLUSHES", flushes_what_it_takes, c.ASID_NEW), *_KEPT,
    ),
    *_tags(
        "switched", linux.switched, c.UNLAZY, (roomy_tags,), ("READY", ready_if_came, c.UNLAZY),
        ("FLUSHES", flushes_what_it_takes, c.ASID_NEW), *_KEPT,
    ),
)  # fmt: skip
