"""The machine ``pcp``: what may be promised, and how our implementation is held against the law.

``pcp_draw`` draws its configurations, ``pcp_generate`` its operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.physical.pcp import PerCpuPages
from mmprops.machine import Capability, Lockstep, Machine, Replies
from mmprops.machines.few import FEW
from mmprops.machines.physical.pcp_draw import draw, simpler
from mmprops.machines.physical.pcp_generate import Generator
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import DONE, Error
from mmspec.linked import HEADS, Links, members
from mmspec.physical import pcp as law
from mmspec.physical.pcp.amounts import pcp_of
from mmspec.physical.pcp.core import blocks_held, is_cpu, takes
from mmspec.physical.pcp.invariants import known_cpus, list_numbers
from mmspec.physical.pcp.ops import (
    LOW_LISTS,
    MOVABLE,
    Alloc,
    Block,
    Blocks,
    Bulk,
    Config,
    CountPages,
    Cpu,
    Decay,
    Drain,
    DrainAll,
    Enable,
    Expire,
    Frames,
    Free,
    HeldBlocks,
    Limits,
    Page,
    PcpList,
    Plan,
    Refill,
    Tune,
    Want,
)  # fmt: skip
from mmspec.physical.pcp.parameters import fraction_served
from mmspec.physical.pcp.state import NOT_HELD, Pages, PcpLists, keeps_order, list_of_holding, order_held
from mmspec.pmap import Journaled
from mmspec.words import MIGRATETYPES, size_of

CAPABILITIES = {
    "observe": Capability(False, "serves count and blocks", opens=True),
    "batch": Capability(False, "serves several operations in one request", opens=True, ours=False),
    "migratetypes": Capability(False, "alloc, refill and free take a migratetype", opens=True),
    "huge": Capability(False, "keeps blocks of huge_order too", opens=True),
    "checked": Capability(False, "an unlawful request gets EINVAL and changes nothing", opens=True),
    "tuned": Capability(
        False,
        "serves want, drain_all, decay, expire, tune, disable, enable, cacheinfo, and flags; else it sets its own limits",
        opens=True,
    ),
    "max_cpus": Capability(4095, "most CPUs", least=1),
    "max_pages": Capability(65536, "the largest zone it takes, in frames", least=1),
    "max_pfn": Capability("0xfffffffffffff", "the largest frame number it takes"),
}

REQUIRES = {
    "count": "observe", "blocks": "observe", "want": "tuned", "drain_all": "tuned", "decay": "tuned", "expire": "tuned",
    "tune": "tuned", "disable": "tuned", "enable": "tuned", "cacheinfo": "tuned",
}  # fmt: skip


def sent(capabilities: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the fields of a configuration and of requests that a client of these capabilities is sent."""
    types = ("migratetype",) if capabilities["migratetypes"] else ()
    flags = ("flags",) if capabilities["tuned"] else ()
    return {
        "reset": ("start_pfn", "end_pfn", "cpus", "huge_order", *(("scale_max",) if capabilities["tuned"] else ())),
        "alloc": ("cpu", "order", *types, *flags),
        "refill": ("cpu", "pfn", "order", *types),
        "free": ("cpu", "pfn", "order", *types, *flags),
    }


# --- what capabilities allow ------------------------------------------------------------------------------------------------


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take about a configuration, or None."""
    reasons = {
        f"more than {capabilities['max_pages']} frames": config.end_pfn - config.start_pfn > capabilities["max_pages"],
        f"frames above {capabilities['max_pfn']}": config.end_pfn - 1 > int(capabilities["max_pfn"], 16),
        f"more than {capabilities['max_cpus']} CPUs": config.cpus > capabilities["max_cpus"],
        "a huge_order": config.huge_order != 0 and not capabilities["huge"],
        "a scale_max": config.scale_max != Config(0, 1).scale_max and not capabilities["tuned"],
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def unpromised(pages: Pages, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    reasons = {
        "a migratetype": getattr(request, "migratetype", MOVABLE) != MOVABLE and not capabilities["migratetypes"],
        "flags": getattr(request, "flags", 0) != 0 and not capabilities["tuned"],
        "an unlawful request": not capabilities["checked"] and not lawful(pages, request),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def lawful(pages: Pages, request: Any) -> bool:
    """Tell whether a request is one that need not be refused with EINVAL."""
    if isinstance(request, Refill | Free) and not takes(pages, request.cpu, request.pfn, request.order):
        return False
    if isinstance(request, Alloc | Refill) and (not keeps_order(pages.span, request.order) or request.migratetype > MOVABLE + 1):
        return False
    if isinstance(request, Tune):
        return fraction_served(request.fraction) and request.local + request.coming + request.online > 0
    if isinstance(request, Enable):
        return pages.disabled != 0
    return is_cpu(pages, getattr(request, "cpu", 0))


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def watched(lists: PcpLists, journal: list[Any]) -> PcpLists:
    """Return lists that write down where blocks come and go, and whose limit is set."""
    links = Links(Journaled(lists.links.next, journal), lists.links.prev)
    return attrs.evolve(lists, links=links, high=Journaled(lists.high, journal))


def differs(pages: Pages, lists: PcpLists, body: PerCpuPages, keys: Iterable[int]) -> str | None:
    """Compare the places where something changed, and the numbers of the CPUs that it changed for."""
    cpus = set()
    for key in keys:
        cpus.add(key - HEADS >> 4 if key >= HEADS else key)  # a small frame number may pass for a CPU: no harm
        number = list_of_holding(pages.held.get(key, NOT_HELD))
        if key < HEADS and body.list_at(key) != number:
            return f"frame {key:#x} is on list {named(body.list_at(key))}, in Linux on {named(number)}"
        near = lists.links.next.get(key, key), lists.links.prev.get(key, key)
        if near != (body.after(key), body.before(key)):
            return f"the neighbours at {key:#x} are others than in Linux"
    return numbers_differ(pages, lists, body, cpus)


def numbers_differ(pages: Pages, lists: PcpLists, body: PerCpuPages, cpus: Iterable[Cpu]) -> str | None:
    """Compare the numbers of CPUs, as far as there are such."""
    for cpu in cpus:
        if not is_cpu(pages, cpu):
            continue
        pcp = pcp_of(pages, lists, cpu)
        theirs = (
            pcp.count, pages.owed.get(cpu, 0), pcp.high, pcp.free_count, pcp.alloc_factor, pcp.free_factor, pcp.flags,
            lists.expire.get(cpu, 0),
        )  # fmt: skip
        if body.numbers(cpu) != theirs:
            return f"CPU {cpu} has {NUMBERS} {body.numbers(cpu)}, in Linux {theirs}"
    return None


NUMBERS = "count, owed, high, free_count, alloc_factor, free_factor, flags, expire"
"""The numbers of a CPU, in their order."""


def recount(pages: Pages, lists: PcpLists, body: PerCpuPages) -> str | None:
    """Compare everything: blocks, lists in order, numbers, limits."""
    if {pfn: list_of_holding(holding) for pfn, holding in pages.held.items()} != dict(body.blocks()):
        return "the held blocks differ"
    for number in list_numbers(pages, lists):
        if list(members(lists.links, number)) != body.members(number):
            return f"list {named(number)} is in another order than in Linux"
    limits = (
        lists.batch, lists.high_min, lists.high_max, lists.zone_batch, lists.zone_high_min, lists.zone_high_max, pages.disabled
    )  # fmt: skip
    if body.limits() != limits:
        return f"the zone's limits are {body.limits()}, in Linux {limits}"
    cpus = {*known_cpus(pages, lists), *(cpu for cpu, _ in lists.high.items()), *(cpu for cpu, _ in lists.expire.items())}
    return numbers_differ(pages, lists, body, cpus)


def named(number: PcpList) -> str:
    """Return a list's name."""
    if number == law.state.UNLISTED:
        return "none"
    cpu, index = number >> 4, number & 15
    if index >= LOW_LISTS:
        return f"CPU {cpu} huge {'MOVABLE' if index > LOW_LISTS else 'other'}"
    return f"CPU {cpu} order {index // 3} {MIGRATETYPES[index % 3]}"


def small(pages: Pages) -> bool:
    """Tell whether few enough blocks are held that asking every invariant costs no more than the program did."""
    return len(pages.held) <= 64


def picture(pages: Pages, lists: PcpLists | None) -> Picture:
    """Return a picture: a strip of held blocks for each CPU, and its lists."""
    cpus: list[Cpu] = sorted(cpu for cpu, count in pages.count.items() if count)
    strips = [Strip(f"CPU {cpu}", tuple((pfn, size_of(order)) for pfn, order in blocks_held(pages, cpu))) for cpu in cpus]
    ordered = (
        [] if lists is None else [(named(number), tuple(members(lists.links, number))) for number in list_numbers(pages, lists)]
    )
    listed = tuple((name, blocks) for name, blocks in ordered if blocks)
    return Picture("frame", "pfn", pages.span.start_pfn, pages.span.end_pfn, tuple(strips), listed)


# --- vectors -----------------------------------------------------------------------------------------------------------------

LIMITS = ({"max_pages": 16, "max_cpus": 1}, {"max_pages": 64, "max_cpus": 2})
"""The zones of vectors."""

ERRORS = {operation.request: tuple(map(Error, operation.errors)) for operation in law.PCP.operations}


def possible(pages: Pages, request: Any) -> Iterator[Any]:
    """Yield what a request may be answered with; of numbers and plans that only Linux determines, two stand for all."""
    yield from ERRORS[type(request)]
    if isinstance(request, Alloc):
        yield from (Page(pfn) for pfn, _ in pages.held.items())
    elif isinstance(request, Drain):
        yield from (Block(pfn, order_held(holding)) for pfn, holding in pages.held.items())
    elif isinstance(request, Want):
        yield from (Frames(1), Frames(2))
    elif isinstance(request, Free):
        yield from (Frames(0), Frames(1))
    elif isinstance(request, Bulk):
        yield Frames(min(request.count, pages.count.get(request.cpu, 0)))
    elif isinstance(request, CountPages):
        yield Frames(pages.count.get(request.cpu, 0))
    elif isinstance(request, DrainAll | Decay | Expire):
        total = pages.count.get(request.cpu, 0) if isinstance(request, DrainAll) else 0
        yield from (Plan(total, portion) for portion in (1, 2))
    elif isinstance(request, Tune):
        yield from (Limits(batch, 1, 1) for batch in (1, 2))
    elif isinstance(request, HeldBlocks):
        blocks = tuple(blocks_held(pages, request.cpu))
        yield from sorted({Blocks(blocks), Blocks(blocks[::-1])}, key=repr)
    else:
        yield DONE


PCP = Machine(
    component=law.PCP,
    implementation=PerCpuPages,
    capabilities=CAPABILITIES,
    requires=REQUIRES,
    draw=draw,
    generator=Generator,
    sent=sent,
    simpler=simpler,
    too_much=too_much,
    unpromised=unpromised,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(watched, differs, recount),
    small=small,
    picture=picture,
    replies=Replies(possible, lambda request: None, LIMITS, usual=FEW),
)
"""The machine."""
