"""What holds of every state: nothing lies in the future, and no processor is ahead of its space."""

from __future__ import annotations

from collections.abc import Iterator

from mmspec.component import Invariant
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.linux import ASIDS, Tags, cpu_asid, owner_at
from mmspec.virtual.tlb.ops import Asid, Cpu
from mmspec.virtual.tlb.state import Past, Slot, Target, Tlb

CpuAsids = Iterator[tuple[Cpu, Asid]]


def flushed_before(tlb: Tlb, tags: Tags, target: Target) -> bool:
    """No flush reaches further than now."""
    return tlb.flushed.get(target, 0) <= tlb.now


def gone_before(tlb: Tlb, tags: Tags, past: Past) -> bool:
    """No entry went later than now."""
    return tlb.gone.get(past, 0) <= tlb.now


def taken_before(tlb: Tlb, tags: Tags, slot: Slot) -> bool:
    """No page was taken from a place later than now."""
    return (tlb.pages.get(slot, 0) <= tlb.now) & (tlb.denied.get(slot, 0) <= tlb.now)


def not_ahead(tlb: Tlb, tags: Tags, at: int) -> bool:
    """A processor has made up for no more flushes of the space that a tag is of than were begun."""
    owner = tags.owner.get(at, 0)
    return owner == 0 or tags.local.get(at, 0) <= tags.gen.get(owner - 1, 0)


def one_tag(tlb: Tlb, tags: Tags, cpu: Cpu) -> bool:
    """The space that runs on a processor has the tag in use, and no space has two."""
    if tags.tagged == 0:
        return True
    right = owner_at(tags, cpu, tags.asid.get(cpu, 0)) == tags.loaded.get(cpu, 0) + 1
    for asid in range(ASIDS):
        for other in range(asid):
            right &= (owner_at(tags, cpu, asid) == 0) | (owner_at(tags, cpu, asid) != owner_at(tags, cpu, other))
    return right


INVARIANTS = (
    Invariant(c.CLOCK, flushed_before, lambda tlb, tags: (key for key, _ in tlb.flushed.items())),
    Invariant(c.CLOCK, gone_before, lambda tlb, tags: (key for key, _ in tlb.gone.items())),
    Invariant(c.CLOCK, taken_before, lambda tlb, tags: (key for key, _ in tlb.pages.items())),
    Invariant(
        c.GEN_ORDER, not_ahead, lambda tlb, tags: (cpu_asid(cpu, asid) for cpu in range(tlb.cpus) for asid in range(ASIDS))
    ),
    Invariant(c.ASID_ONE, one_tag, lambda tlb, tags: range(tlb.cpus), recount=True),
)
