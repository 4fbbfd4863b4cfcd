"""What each operation makes of the sections: the flags stay in order, and exactly the frames that were added are valid.

A section has at most 256 sub-sections, so that its bits are one word. Each proof is split by the model and the size of sections,
and says which: the smallest and the largest that there are (16 and 512 MiB) of adding and removing, 128 MiB of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmproofs.obligation import Obligation, Predicate, bound, function_of
from mmproofs.obligations.physical.memory_model.layouts import legal_map
from mmspec.clause import Clause
from mmspec.errors import DONE, EINVAL, ENOMEM, Done, Error
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model import core, lookup
from mmspec.physical.memory_model.invariants import flags_ordered, map_encoded, mapped_if_added, rooted
from mmspec.physical.memory_model.layout import has_bit, section_of, sections_of, subsection_index, subsection_mask
from mmspec.physical.memory_model.lookup import is_valid
from mmspec.physical.memory_model.ops import (
    EARLY,
    EEXIST,
    HAS_MEM_MAP,
    ONLINE,
    PRESENT,
    Add,
    AnyPfn,
    MapDevice,
    Offline,
    Online,
    Remove,
    Section,
    SubsectionIndex,
    UnmapDevice,
)
from mmspec.physical.memory_model.state import MemMap, section_flags, section_word

STATE: tuple[Predicate, ...] = (flags_ordered, mapped_if_added, rooted, map_encoded)
"""The truths about one section."""

SHAPES = {
    "memmap.layout.model": (1, 2, 3),
    "memmap.layout.section_size_bits": (24, 27, 28, 29),
    "memmap.layout.page_shift": (12,),
}
FEW_SHAPES = {**SHAPES, "memmap.layout.section_size_bits": (27,)}
VALID_SHAPES = {
    "memmap.layout.model": (1, 3), "memmap.layout.section_size_bits": (27,), "memmap.layout.page_shift": (12,),
}  # fmt: skip
"""Where frames are asked one by one."""
VMEMMAP_SHAPES = {**SHAPES, "memmap.layout.model": (3,)}
DEVICE_SHAPES = {**FEW_SHAPES, "memmap.layout.model": (3,)}
"""Under the other models no device is mapped: an answer is a refusal, which leaves the state as it is."""
FIXED = {
    "memmap.layout.long_bits": 64, "memmap.layout.struct_page": 64, "memmap.layout.mem_section": 16,
    "memmap.layout.max_physmem_bits": 52, "memmap.layout.hotplug": True,
}  # fmt: skip
BOUNDS = {"section_size_bits": "24, 29", "page_shift": "12", "max_physmem_bits": "52", "struct_page": "64"}
ERRORS = (EINVAL, EEXIST, ENOMEM)


# --- what is given -------------------------------------------------------------------------------------------------------


def device_layout(memmap: MemMap) -> bool:
    """The layout is legal; devices need VMEMMAP."""
    return legal_map(memmap) and ((memmap.layout.model == 3) | (memmap.layout.zone_device == False))  # noqa: E712


def add_lawful(memmap: MemMap, op: Add, result: Any) -> bool:
    """The add was of a part that is not there, and failed for want of memory only where it needed some; else nothing changed.

    Where a memory map of its own may lie is asked by nobody here.
    """
    if result.failed and result.name != "ENOMEM":
        return True
    part = core.is_part(memmap.layout, op.pfn, op.pages) and not core.is_there(memmap, op.pfn, op.pages)
    return part and (core.needs(memmap, op) == result.failed) and (memmap.layout.model == 3 or op.mem_map % 64 == 0)


def remove_lawful(memmap: MemMap, op: Remove, result: Any) -> bool:
    """The answer to the remove is allowed."""
    return core.remove_allowed(memmap, op, result) is None


def online_lawful(memmap: MemMap, op: Online, result: Any) -> bool:
    """The answer to the online is allowed."""
    return core.online_allowed(memmap, op, result) is None


def offline_lawful(memmap: MemMap, op: Offline, result: Any) -> bool:
    """The answer to the offline is allowed."""
    return core.offline_allowed(memmap, op, result) is None


def map_lawful(memmap: MemMap, op: MapDevice, result: Any) -> bool:
    """The answer to the mapping is allowed."""
    return core.map_device_allowed(memmap, op, result) is None


def unmap_lawful(memmap: MemMap, op: UnmapDevice, result: Any) -> bool:
    """The answer to the end of the mapping is allowed."""
    return core.unmap_device_allowed(memmap, op, result) is None


# --- goals -----------------------------------------------------------------------------------------------------------------


def in_part(memmap: MemMap, op: Any, frame: AnyPfn) -> bool:
    """Tell whether a frame is of the request's part."""
    inside: bool = (op.pfn <= frame) & (frame < op.pfn + op.pages)
    return inside


def added_valid(memmap: MemMap, op: Add, result: Any, after: MemMap, frame: AnyPfn) -> bool:
    """After an add exactly the frames that were valid, and those of the part, are valid."""
    if result.failed:
        return is_valid(after, frame) == is_valid(memmap, frame) or memmap.layout.model != 3
    return is_valid(after, frame) == (is_valid(memmap, frame) | in_part(memmap, op, frame))


def removed_valid(memmap: MemMap, op: Remove, result: Any, after: MemMap, frame: AnyPfn) -> bool:
    """After a remove exactly the frames that were valid are, less those of the part; an early section is valid to its last."""
    if result.failed:
        return is_valid(after, frame) == is_valid(memmap, frame)
    section = section_of(memmap.layout, op.pfn)
    if section_flags(after, section) & EARLY != 0:
        return is_valid(after, frame) == is_valid(memmap, frame)
    early = (section_flags(memmap, section) & EARLY != 0) & (section_of(memmap.layout, frame) == section)
    gone = in_part(memmap, op, frame) | early
    return is_valid(after, frame) == (is_valid(memmap, frame) & (gone == False))  # noqa: E712


def removed_again(memmap: MemMap, op: Add, result: Any, after: MemMap, section: Section) -> bool:
    """Removing what was just added is allowed, and leaves each section's bits, flags and map as they were."""
    if result.failed:
        return True
    back = Remove(op.pfn, op.pages)
    if core.remove_allowed(after, back, DONE) is not None:
        return False
    undone = core.remove_apply(after, back, DONE)
    same = undone.added.get(section, 0) == memmap.added.get(section, 0)
    return same & (section_word(undone, section) == section_word(memmap, section))


def bits_exact(memmap: MemMap, op: Add, result: Any, after: MemMap, index: SubsectionIndex) -> bool:
    """A sub-section's bit is set if it was, or if it is one of the part's."""
    if result.failed:
        return True
    section = section_of(memmap.layout, op.pfn)
    first = subsection_index(memmap.layout, op.pfn)
    last = subsection_index(memmap.layout, op.pfn + op.pages - 1)
    mine = (first <= index) & (index <= last)
    now = has_bit(after.added.get(section, 0), index)
    return now == (has_bit(memmap.added.get(section, 0), index) | mine)


def flags_added(memmap: MemMap, op: Add, result: Any, after: MemMap) -> bool:
    """What was added is present and mapped; it is online or early only if it was."""
    section = section_of(memmap.layout, op.pfn)
    was, now = section_flags(memmap, section), section_flags(after, section)
    return result.failed or now == was | PRESENT | HAS_MEM_MAP


def refused_twice(memmap: MemMap, op: Add, result: Any, after: MemMap) -> bool:
    """Under VMEMMAP no part of which a sub-section is there is added again: EEXIST is the one answer."""
    again = Add(op.pfn, op.pages)
    if result.failed or memmap.layout.model != 3:
        return True
    return core.add_allowed(after, again, EEXIST) is None and core.add_allowed(after, again, DONE) is not None


def marked(memmap: MemMap, op: Online, result: Any, after: MemMap) -> bool:
    """The section is online, and its other flags and its map are as they were."""
    section = section_of(memmap.layout, op.pfn)
    return result.failed or section_word(after, section) == section_word(memmap, section) | ONLINE


def unmarked(memmap: MemMap, op: Offline, result: Any, after: MemMap) -> bool:
    """The section is offline, and its other flags and its map are as they were."""
    section = section_of(memmap.layout, op.pfn)
    return result.failed or section_word(after, section) | ONLINE == section_word(memmap, section) | ONLINE


def others_untouched(memmap: MemMap, op: Any, result: Any, after: MemMap, section: Section) -> bool:
    """Every other section is as it was."""
    mine = section == section_of(memmap.layout, op.pfn)
    words = section_word(after, section) == section_word(memmap, section)
    return mine | (words & (after.added.get(section, 0) == memmap.added.get(section, 0)))


def device_bits(memmap: MemMap, op: MapDevice, result: Any, after: MemMap) -> bool:
    """The part is the device's, and only such parts are."""
    section = section_of(memmap.layout, op.pfn)
    mask = subsection_mask(memmap.layout, op.pfn, op.pages)
    return bool(result.failed) or after.devices.get(section, 0) == memmap.devices.get(section, 0) | mask


def online_is_valid(memmap: MemMap, pfn: AnyPfn, after: bool) -> bool:
    """A frame whose page is online is valid."""
    return not after or is_valid(memmap, pfn)


def valid_in_space(memmap: MemMap, pfn: AnyPfn, after: bool) -> bool:
    """A frame that is valid is of a section that exists, and is of the physical address space."""
    inside = section_of(memmap.layout, pfn) < sections_of(memmap.layout)
    return not after or (inside and pfn < 1 << (memmap.layout.max_physmem_bits - memmap.layout.page_shift))


# --- obligations -------------------------------------------------------------------------------------------------------------

Goal = tuple[str, Predicate, tuple[Clause, ...]]

KEPT: tuple[Goal, ...] = (
    ("FLAGS-ORDERED", bound(flags_ordered, memmap="after"), (c.MM_3,)),
    ("MAPPED-IF-ADDED", bound(mapped_if_added, memmap="after"), (c.MM_9,)),
    ("ROOTED", bound(rooted, memmap="after"), (c.ROOTS,)),
    ("MAP-ENCODED", bound(map_encoded, memmap="after"), (c.MAPS, c.ENCODE)),
)


BITWISE = (removed_again, bits_exact, refused_twice)
"""The goals that are about VMEMMAP alone."""


FRAMEWISE = (added_valid, removed_valid)
"""The goals that are about one arbitrary frame."""


def _family(
    name: str, subject: Callable[..., Any], lawful: Predicate, clause: Clause, *goals: Goal, errors: tuple[Error, ...] = ()
) -> tuple[Obligation, ...]:
    parts, device = subject in (core.add_apply, core.remove_apply), subject == core.map_device_apply
    shapes = SHAPES if parts else DEVICE_SHAPES if device else FEW_SHAPES
    bounds = {**BOUNDS, **({} if parts else {"section_size_bits": "27"}), **({"model": "VMEMMAP"} if device else {})}
    head = f"MEMORY-MODEL-{name.upper().replace('_', '-')}"
    base = Obligation(
        id=f"{head}-DEFINED",
        clauses=(clause,),
        statement=f"{name}: every word fits and every shift is one",
        subject=subject,
        given=(device_layout, lawful),
        invariants=STATE,
        choices={**FIXED, Error: errors or (EINVAL,), Done: (DONE,)},
        each=shapes,
        bounds=bounds,
        operation=name,
        invariant="defined",
        unaided=True,
    )
    found = [base]
    for column, goal, clauses in (*KEPT, ("OTHERS", others_untouched, (clause,)), *goals):
        found.append(
            attrs.evolve(
                base,
                id=f"{head}-{column}",
                clauses=clauses,
                statement=f"{name}: {(function_of(goal).__doc__ or '').strip()}",
                goal=goal,
                each=VMEMMAP_SHAPES if goal in BITWISE else VALID_SHAPES if goal in FRAMEWISE else shapes,
                bounds={**BOUNDS, "section_size_bits": "27"} if goal in FRAMEWISE else bounds,
                invariant=column.lower(),
                rests_on=(base.id,),
            )
        )
    return tuple(found)


def _look(name: str, subject: Callable[..., Any], goal: Predicate, *clauses: Clause) -> Obligation:
    return Obligation(
        id=f"MEMORY-MODEL-{name}",
        clauses=clauses,
        statement=(function_of(goal).__doc__ or "").strip(),
        subject=subject,
        goal=goal,
        given=(device_layout,),
        invariants=STATE,
        choices=FIXED,
        each=FEW_SHAPES,
        bounds={**BOUNDS, "section_size_bits": "27"},
        operation=subject.__name__,
        invariant="holds",
        unaided=True,
    )


OBLIGATIONS = (
    *_family(
        "add", core.add_apply, add_lawful, c.ADD_DONE,
        ("VALID", added_valid, (c.MM_9, c.VALID_BIT)), ("REMOVED-AGAIN", removed_again, (c.MM_9, c.REMOVE_DONE)),
        ("BITS", bits_exact, (c.ADD_BITS,)), ("FLAGS", flags_added, (c.ADD_FLAGS,)),
        ("TWICE", refused_twice, (c.ADD_TWICE, c.MM_9)),
        errors=ERRORS,
    ),
    *_family("remove", core.remove_apply, remove_lawful, c.REMOVE_DONE, ("VALID", removed_valid, (c.MM_9, c.REMOVE_LAST))),
    *_family("online", core.online_apply, online_lawful, c.MARK_ONLINE, ("MARKED", marked, (c.MARK_ONLINE,))),
    *_family("offline", core.offline_apply, offline_lawful, c.MARK_OFFLINE, ("MARKED", unmarked, (c.MARK_OFFLINE,))),
    *_family("map_device", core.map_device_apply, map_lawful, c.DEVICE_MAP, ("BITS", device_bits, (c.DEVICE_MAP,))),
    *_family("unmap_device", core.unmap_device_apply, unmap_lawful, c.DEVICE_UNMAP),
    _look("ONLINE-IS-VALID", lookup.is_online, online_is_valid, c.MM_4),
    _look("VALID-IN-SPACE", lookup.is_valid, valid_in_space, c.VALID_RANGE),
)  # fmt: skip
