"""What Linux chooses: tags and generations on x86-64, and how much it flushes (arch/x86/mm/tlb.c, v6.12).

Each flush of a space makes its generation one larger. A processor keeps, for each of its six tags, the space and the generation
up to which it has flushed what is cached under the tag. It makes up for what it missed when it next runs the space.
"""

from __future__ import annotations

from typing import Annotated

import attrs

from mmspec.clause import rule
from mmspec.pmap import PMap, pmap
from mmspec.virtual.tlb import clauses as c
from mmspec.virtual.tlb.core import can_clear, can_link, can_protect, can_set, is_begun, runs
from mmspec.virtual.tlb.flush import scope_asked, space_asked, tables_asked
from mmspec.virtual.tlb.ops import (
    AARCH64,
    DONE,
    EBUSY,
    EINVAL,
    KERNEL,
    LEFT,
    MAX_CPUS,
    NOTHING,
    PAGE,
    RISCV64,
    SOME,
    SPACE,
    WHOLE,
    X86_64,
    Asid,
    Begin,
    Clear,
    Config,
    Count,
    Cpu,
    Deliver,
    Delivered,
    Done,
    End,
    Error,
    Extent,
    Gen,
    Invalidate,
    Lazy,
    Link,
    LookGeneration,
    LookLocal,
    Pages,
    Plan,
    Protect,
    Set,
    Settled,
    Space,
    Switch,
    Switched,
    Ticket,
    Truth,
    Use,
    Used,
)  # fmt: skip
from mmspec.virtual.tlb.state import (
    FRAME_SHIFT,
    POINTER,
    WRITABLE,
    Tlb,
    cpu_space,
    entry_at,
    first_of,
    is_leaf,
    is_space,
    large_slot,
    leaf_of,
    slot_of,
    small_slot,
)
from mmspec.virtual.tlb.usable import broken_before, is_settled
from mmspec.words import Word

ASIDS = 6
CEILING_X86, CEILING_RISCV, CEILING_ARM, RANGE_BITS = 33, 64, 512, 21

CpuAsid = Annotated[int, Word("cpu_asid", bits=8, lo=0, hi=MAX_CPUS * 8 - 1)]
"""A processor's tag: ``cpu * 8 + asid``."""

Owner = Annotated[int, Word("owner", bits=8, lo=0, hi=16)]
"""One more than the space that a tag is of; 0: it is nobody's."""

Next = Annotated[int, Word("next_asid", bits=8, lo=0, hi=6)]
"""The tag that is given next; 6 stands for the first."""


@attrs.frozen
class Tags:
    """x86-64's generations and tags (struct tlb_state, v6.12)."""

    tagged: Truth  # whether processors have tags
    ranges: Truth  # whether AArch64 flushes many pages in one instruction
    gen: PMap[Space, Gen]
    began: PMap[Ticket, Gen]  # the generation of a flush under way
    owner: PMap[CpuAsid, Owner]
    local: PMap[CpuAsid, Gen]
    asid: PMap[Cpu, Asid]  # in use
    next: PMap[Cpu, Next]
    loaded: PMap[Cpu, Space]


def cpu_asid(cpu: Cpu, asid: Asid) -> CpuAsid:
    """Return the key of a processor's tag."""
    return (cpu << 3) | asid


def initial_tags(config: Config, kernel: str) -> Tags:
    """Return the tags after a reset: each processor's first is the kernel's, and the second is given next."""
    cpus = range(MAX_CPUS)
    owner, after = {cpu_asid(cpu, 0): 1 for cpu in cpus}, dict.fromkeys(cpus, 1)
    tagged = 1 if config.arch == X86_64 and config.pcid != 0 else 0
    return Tags(tagged, config.ranges, pmap(), pmap(), pmap(owner), pmap(), pmap(), pmap(after), pmap())


def owner_at(tags: Tags, cpu: Cpu, asid: Asid) -> Owner:
    """Return whose a tag is."""
    return tags.owner.get(cpu_asid(cpu, asid), 0)


def found(tags: Tags, cpu: Cpu, space: Space) -> Next:
    """Return the tag that a space has on a processor; 6: it has none."""
    at = ASIDS
    for asid in range(ASIDS):
        at = asid if owner_at(tags, cpu, asid) == space + 1 else at
    return at


def taken(tags: Tags, cpu: Cpu, space: Space, asid: Asid, local: Gen) -> Tags:
    """Return the tags where a processor runs a space under a tag, up to a generation."""
    at = cpu_asid(cpu, asid)
    return attrs.evolve(
        tags, owner=tags.owner.set(at, space + 1), local=tags.local.set(at, local), asid=tags.asid.set(cpu, asid),
        loaded=tags.loaded.set(cpu, space),
    )  # fmt: skip


def given(tags: Tags, cpu: Cpu, space: Space, gen: Gen) -> tuple[Switched, Tags]:
    """Return what comes of running a space that is not loaded (arch/x86/mm/tlb.c:choose_new_asid, v6.12)."""
    if tags.tagged == 0:
        rule(c.ASID_NONE)
        return Switched(0, 1), taken(tags, cpu, space, 0, gen)
    own = found(tags, cpu, space)
    if own < ASIDS:
        rule(c.ASID_KEPT)
        behind = tags.local.get(cpu_asid(cpu, own), 0) < gen
        local = gen if behind else tags.local.get(cpu_asid(cpu, own), 0)
        return Switched(own, 1 if behind else 0), taken(tags, cpu, space, own, local)
    rule(c.ASID_NEW)
    turn = tags.next.get(cpu, 0)
    asid = turn if turn < ASIDS else 0
    after = taken(tags, cpu, space, asid, gen)
    return Switched(asid, 1), attrs.evolve(after, next=tags.next.set(cpu, asid + 1))


def switched(tags: Tags, cpu: Cpu, space: Space, lazy: bool) -> tuple[Switched, Tags]:
    """Return what comes of running a space (arch/x86/mm/tlb.c:switch_mm_irqs_off, v6.12)."""
    gen = tags.gen.get(space, 0)
    if tags.loaded.get(cpu, KERNEL) != space:
        return given(tags, cpu, space, gen)
    asid = tags.asid.get(cpu, 0)
    if lazy:
        rule(c.UNLAZY)
        if tags.local.get(cpu_asid(cpu, asid), 0) != gen:
            return Switched(asid, 1), taken(tags, cpu, space, asid, gen)
    return Switched(asid, 0), tags


def heard(tags: Tags, cpu: Cpu, space: Space, gen: Gen, page: bool, lazy: bool) -> tuple[Extent, Tags]:
    """Return what a processor does about a flush of a generation (arch/x86/mm/tlb.c:flush_tlb_func, v6.12)."""
    if tags.loaded.get(cpu, KERNEL) != space:
        rule(c.FOREIGN)
        return NOTHING, tags
    if lazy:
        rule(c.LAZY_LEAVES)
        _, left = given(tags, cpu, KERNEL, tags.gen.get(KERNEL, 0))
        return LEFT, left
    at, now = cpu_asid(cpu, tags.asid.get(cpu, 0)), tags.gen.get(space, 0)
    local = tags.local.get(at, 0)
    if gen <= local:
        rule(c.GEN_OLD)
        return NOTHING, tags
    after = attrs.evolve(tags, local=tags.local.set(at, now))
    if page and gen == local + 1 and gen == now:
        rule(c.GEN_PARTIAL)
        return SOME, after
    rule(c.GEN_WHOLE)
    return WHOLE, after


def delivered(tlb: Tlb, tags: Tags, cpu: Cpu, ticket: Ticket) -> tuple[Extent, Tags]:
    """Return what a processor does about a flush under way, if it is one that hears of it."""
    asked = tlb.asked.get(ticket, 0)
    scope, space = scope_asked(asked), space_asked(asked)
    extent = SOME if scope == PAGE and not tables_asked(asked) else WHOLE
    if tlb.arch == AARCH64:
        rule(c.BROADCAST)
        return NOTHING, tags
    if tlb.arch == RISCV64:
        rule(c.MASK)
        return (extent if space == KERNEL or tlb.known.get(cpu_space(cpu, space), False) else NOTHING), tags
    if space == KERNEL:
        return (SOME if scope == PAGE else WHOLE), tags
    lazy = tlb.lazy.get(cpu, False) and tags.loaded.get(cpu, KERNEL) == space
    if lazy and not tables_asked(asked):
        rule(c.LAZY)
        return NOTHING, tags
    return heard(tags, cpu, space, tags.began.get(ticket, 0), scope == PAGE, lazy)


# --- requests --------------------------------------------------------------------------------------------------------------


def set_choose(tlb: Tlb, tags: Tags, op: Set) -> tuple[Done | Error, Tags]:
    """Return the answer to mapping a page."""
    if not can_set(tlb, op):
        return EINVAL, tags
    slot, entry = slot_of(op.space, op.size, op.page), leaf_of(op.frame, op.write)
    return (DONE if broken_before(tlb, op.space, op.page, slot, entry) else EBUSY), tags


def link_choose(tlb: Tlb, tags: Tags, op: Link) -> tuple[Done | Error, Tags]:
    """Return the answer to giving a block its table."""
    if not can_link(tlb, op):
        return EINVAL, tags
    return (DONE if broken_before(tlb, op.space, op.page, large_slot(op.space, op.page), POINTER) else EBUSY), tags


def clear_choose(tlb: Tlb, tags: Tags, op: Clear) -> tuple[Done | Error, Tags]:
    """Return the answer to taking away an entry."""
    return (DONE if can_clear(tlb, op) else EINVAL), tags


def protect_choose(tlb: Tlb, tags: Tags, op: Protect) -> tuple[Done | Error, Tags]:
    """Return the answer to giving a page other rights."""
    return (DONE if can_protect(tlb, op) else EINVAL), tags


def use_choose(tlb: Tlb, tags: Tags, op: Use) -> tuple[Used | Error, Tags]:
    """Return what comes of an access where nothing is cached: one of the lawful answers."""
    if not runs(tlb, op.cpu, op.space):
        return EINVAL, tags
    large, small = entry_at(tlb, large_slot(op.space, op.page)), entry_at(tlb, small_slot(op.space, op.page))
    entry = small if large == POINTER else large
    if not is_leaf(entry) or (op.write != 0 and entry & WRITABLE == 0):
        return Used(1), tags
    offset = 0 if large == POINTER else op.page - first_of(op.page)
    return Used(0, (entry >> FRAME_SHIFT) + offset), tags


def invalidate_choose(tlb: Tlb, tags: Tags, op: Invalidate) -> tuple[Done | Error, Tags]:
    """Return the answer to a processor's flush."""
    return (DONE if op.cpu < tlb.cpus and is_space(tlb, op.space) else EINVAL), tags


def begin_choose(tlb: Tlb, tags: Tags, op: Begin) -> tuple[Done | Error, Tags]:
    """Return the answer to the beginning of a flush, and the tags with the space's generation one larger."""
    if not is_space(tlb, op.space) or op.scope > SPACE or is_begun(tlb, op.ticket):
        return EINVAL, tags
    if op.space == KERNEL or tlb.arch != X86_64:
        return DONE, tags
    rule(c.GEN_BEGIN)
    gen = tags.gen.get(op.space, 0) + 1
    return DONE, attrs.evolve(tags, gen=tags.gen.set(op.space, gen), began=tags.began.set(op.ticket, gen))


def deliver_choose(tlb: Tlb, tags: Tags, op: Deliver) -> tuple[Delivered | Error, Tags]:
    """Return what a processor does about a flush under way."""
    if op.cpu >= tlb.cpus or not is_begun(tlb, op.ticket):
        return EINVAL, tags
    extent, after = delivered(tlb, tags, op.cpu, op.ticket)
    return Delivered(extent), after


def end_choose(tlb: Tlb, tags: Tags, op: End) -> tuple[Done | Error, Tags]:
    """Return the answer to the end of a flush, and the tags after all processors that must have heard of it."""
    if not is_begun(tlb, op.ticket):
        return EINVAL, tags
    after = tags
    for cpu in range(MAX_CPUS):
        if cpu < tlb.cpus:
            _, after = delivered(tlb, after, cpu, op.ticket)
    return DONE, after


def switch_choose(tlb: Tlb, tags: Tags, op: Switch) -> tuple[Switched | Error, Tags]:
    """Return the tag that a space takes on a processor, and whether it is flushed."""
    if op.cpu >= tlb.cpus or not is_space(tlb, op.space):
        return EINVAL, tags
    if tlb.arch != X86_64:
        return Switched(0, 0), tags
    return switched(tags, op.cpu, op.space, tlb.lazy.get(op.cpu, False))


def lazy_choose(tlb: Tlb, tags: Tags, op: Lazy) -> tuple[Done | Error, Tags]:
    """Return the answer to a processor's becoming lazy."""
    return (DONE if op.cpu < tlb.cpus and tlb.running.get(op.cpu, KERNEL) != KERNEL else EINVAL), tags


def settled_choose(tlb: Tlb, tags: Tags, op: Settled) -> tuple[Count | Error, Tags]:
    """Return whether a place is settled."""
    if not is_space(tlb, op.space):
        return EINVAL, tags
    return Count(1 if is_settled(tlb, op) else 0), tags


def look_generation_choose(tlb: Tlb, tags: Tags, op: LookGeneration) -> tuple[Count | Error, Tags]:
    """Return a space's generation."""
    return (Count(tags.gen.get(op.space, 0)) if is_space(tlb, op.space) else EINVAL), tags


def look_local_choose(tlb: Tlb, tags: Tags, op: LookLocal) -> tuple[Count | Error, Tags]:
    """Return the generation that a processor has made up for under the tag in use."""
    if op.cpu >= tlb.cpus:
        return EINVAL, tags
    return Count(tags.local.get(cpu_asid(op.cpu, tags.asid.get(op.cpu, 0)), 0)), tags


def ranges_for(pages: Pages) -> Pages:
    """Return by how many instructions AArch64 flushes up to 2**21 pages: a scale covers 1 to 32 times ``2**(5 scale + 1)``."""
    left, count = pages, 0
    for scale in (3, 2, 1, 0):
        units = left >> (5 * scale + 1)
        count += 1 if units > 0 else 0
        left -= units << (5 * scale + 1)
    return count + left


def planned(tlb: Tlb, ranges: Truth, pages: Pages) -> Pages:
    """Return by how many instructions a range is flushed, or 0."""
    if tlb.arch == X86_64:
        rule(c.PLAN_X86)
        return pages if pages <= CEILING_X86 else 0
    if tlb.arch == RISCV64:
        rule(c.PLAN_RISCV)
        return pages if pages <= CEILING_RISCV else 0
    if ranges != 0:
        rule(c.PLAN_RANGE)
        return ranges_for(pages) if pages <= 1 << RANGE_BITS else 0
    rule(c.PLAN_ARM)
    return pages if pages < CEILING_ARM else 0


def plan_choose(tlb: Tlb, tags: Tags, op: Plan) -> tuple[Count | Error, Tags]:
    """Return by how many instructions a range is flushed."""
    return (Count(planned(tlb, tags.ranges, op.pages)) if op.pages > 0 else EINVAL), tags
