"""The machine ``tlb``: a few processors and spaces, entries that come and go, and flushes that overtake one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.virtual.tlb import Tlb as Caches
from mmprops.machine import Capability, Lockstep, Machine
from mmprops.machines.virtual.tlb_generate import Generator
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.errors import EINVAL
from mmspec.virtual import tlb as law
from mmspec.virtual.tlb.linux import ASIDS, Tags, cpu_asid
from mmspec.virtual.tlb.ops import (
    AARCH64,
    ARCHITECTURES,
    MAX_CPUS,
    MAX_SPACES,
    RISCV64,
    X86_64,
    Config,
    Link,
    Set,
)  # fmt: skip
from mmspec.virtual.tlb.state import POINTER, Tlb, is_leaf, is_space, large_slot, leaf_of, slot_of
from mmspec.virtual.tlb.usable import broken_before

CAPABILITIES = {
    "max_cpus": Capability(MAX_CPUS, "the most processors it takes", least=1),
    "max_spaces": Capability(MAX_SPACES - 1, "the most address spaces it takes beside the kernel's", least=1),
    "arch": Capability("all", "the one architecture that it serves", choices=("all", *ARCHITECTURES)),
    "checked": Capability(False, "an unlawful request gets EINVAL", opens=True),
    "breaks": Capability(False, "an entry that breaks AArch64's break-before-make gets EBUSY", opens=True),
    "settled": Capability(False, "tells whether a place is settled", opens=True),
    "generations": Capability(False, "tells generations, and by how many instructions it flushes", opens=True),
}

CPUS = (1, 2, 2, 3, 4)
SPACES = (1, 1, 2, 3, 8, 8)
ARCHS = (X86_64, X86_64, AARCH64, RISCV64)


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return processors and spaces: few, so that they meet, or more spaces than there are tags."""
    arch = ARCHS[header[0] % len(ARCHS)]
    if capabilities["arch"] != "all":
        arch = ARCHITECTURES.index(capabilities["arch"])
    cpus = min(CPUS[header[1] % len(CPUS)], capabilities["max_cpus"])
    spaces = min(SPACES[header[2] % len(SPACES)], capabilities["max_spaces"])
    rare = 1 if header[3] % 4 == 0 else 0
    return Config(
        arch,
        cpus,
        spaces,
        1 - rare if arch == X86_64 else 1,
        rare if arch == RISCV64 else 0,
        header[3] % 2 if arch == AARCH64 else 0,
    )


def simpler(config: Config) -> Iterator[Config]:
    """Yield configurations of fewer processors and spaces, with nothing unusual."""
    for cpus in (1, 2, 3):
        if cpus < config.cpus:
            yield attrs.evolve(config, cpus=cpus)
    for spaces in (1, 2, 7):
        if spaces < config.spaces:
            yield attrs.evolve(config, spaces=spaces)
    plain = Config(config.arch, config.cpus, config.spaces)
    if config != plain:
        yield plain
    if config.arch != X86_64:
        yield Config(X86_64, config.cpus, config.spaces)


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take of a configuration, or None."""
    if config.cpus > capabilities["max_cpus"]:
        return f"more than {capabilities['max_cpus']} processors"
    if config.spaces > capabilities["max_spaces"]:
        return f"more than {capabilities['max_spaces']} spaces"
    name = ARCHITECTURES[config.arch]
    return None if capabilities["arch"] in ("all", name) else f"architecture {name}"


OPERATIONS = {operation.request: operation for operation in law.TLB.operations}


def unpromised(tlb: Tlb, request: Any, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not promise of a request in this state, or None."""
    if isinstance(request, Set | Link) and not capabilities["breaks"] and is_space(tlb, request.space):
        slot = (
            slot_of(request.space, request.size, request.page)
            if isinstance(request, Set)
            else large_slot(request.space, request.page)
        )
        entry = leaf_of(request.frame, request.write) if isinstance(request, Set) else POINTER
        if not broken_before(tlb, request.space, request.page, slot, entry):
            return "an entry that is put where another may be cached"
    if not capabilities["checked"] and OPERATIONS[type(request)].allowed(tlb, request, EINVAL) is None:
        return "an unlawful request"
    return None


# --- lock-step with our implementation ---------------------------------------------------------------------------------------


def differs(tlb: Tlb, tags: Tags, body: Caches, keys: Iterable[Any]) -> str | None:
    """Nothing is compared between the steps: tags and generations are, after the last."""
    return None


def recount(tlb: Tlb, tags: Tags, body: Caches) -> str | None:
    """Compare every entry, tag and generation."""
    placed = {
        slot_of(space, size, page): TABLE if at[0] < 0 else leaf_of(*at) for (space, size, page), at in body.entries.items()
    }
    theirs = {slot: entry for slot, entry in tlb.entries.items() if entry}
    if placed != theirs:
        return f"its entries are {placed}, the law's {theirs}"
    if tlb.arch != X86_64:
        return None
    for space in range(tlb.spaces + 1):
        if body.gen[space] != tags.gen.get(space, 0):
            return f"space {space} has generation {body.gen[space]}, in Linux {tags.gen.get(space, 0)}"
    for number, cpu in enumerate(body.cpus):
        for asid in range(ASIDS):
            at = cpu_asid(number, asid)
            owner = 0 if cpu.owner[asid] is None else cpu.owner[asid] + 1  # type: ignore[operator]
            if (owner, cpu.local[asid]) != (tags.owner.get(at, 0), tags.local.get(at, 0)):
                return f"CPU {number} has tag {asid} for {owner}, {cpu.local[asid]}, in Linux {tags.owner.get(at, 0)}"
    return None


TABLE = POINTER


def picture(tlb: Tlb, tags: Tags | None) -> Picture:
    """Draw which blocks have tables, and which pages are mapped, in the first space."""
    entries = sorted((slot, entry) for slot, entry in tlb.entries.items() if entry and slot >> 37 == 1)
    pages = {slot >> 1 & (1 << 36) - 1: entry for slot, entry in entries if slot & 1 == 0 or is_leaf(entry)}
    tables = {slot >> 1 & (1 << 36) - 1 for slot, entry in entries if entry == POINTER}
    first = min((*pages, *tables), default=0)
    last = max((*pages, *tables), default=0)
    strips = (
        Strip("table", tuple((page, 1) for page in sorted(tables))),
        Strip("mapped", tuple((page, 1) for page in sorted(pages))),
    )
    return Picture("page", "page", first, last + 1, strips, ())


TLB = Machine(
    component=law.TLB,
    implementation=Caches,
    capabilities=CAPABILITIES,
    requires={"settled": "settled", "generation": "generations", "local": "generations", "plan": "generations"},
    draw=draw,
    generator=Generator,
    sent=lambda capabilities: {},
    simpler=simpler,
    too_much=too_much,
    unpromised=unpromised,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda tags, journal: tags, differs, recount),
    small=lambda tlb: len(tlb.entries) + len(tlb.flushed) <= 256,
    picture=picture,
)
"""The machine."""
