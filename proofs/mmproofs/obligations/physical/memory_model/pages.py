"""Frames to pages and back: with every architecture's constants, wherever the map lies and whatever it begins with.

The scope is the frames of the physical address space, whose map is at most half of the virtual one; beyond that the difference of
two pointers, which is signed, is no frame's number (``tests/proofs/test_memory_model.py`` has the counterexample).
"""

from __future__ import annotations

from typing import Annotated, Any

import attrs

from mmproofs.obligation import Obligation, Predicate, function_of
from mmproofs.obligations.physical.memory_model.layouts import (
    NAMES,
    SIZES,
    SPARSE,
    constants,
    from_first,
    legal,
    legal_map,
    physical,
    physical_section,
)
from mmspec.clause import Clause
from mmspec.physical.memory_model import clauses as c
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import (
    address_mask,
    decoded_node,
    encoded,
    encoded_node,
    flags_of,
    in_section,
    is_classic,
    mem_map_of,
    page_after,
    pageblock_bit,
    section_of,
)
from mmspec.physical.memory_model.layout import bitmap_bits as bits_in_all
from mmspec.physical.memory_model.lookup import page_of, pfn_of
from mmspec.physical.memory_model.ops import (
    FLATMEM,
    ONLINE,
    PRESENT,
    SPARSEMEM_VMEMMAP,
    Address,
    AnyPfn,
    BitIndex,
    Encoded,
    Layout,
    Node,
    Section,
    SectionFlags,
)
from mmspec.physical.memory_model.state import MemMap
from mmspec.words import Word

MODELS = {FLATMEM: c.FLAT, SPARSEMEM_VMEMMAP: c.VMEMMAP}


# --- goals -----------------------------------------------------------------------------------------------------------------


def there_and_back(memmap: MemMap, pfn: AnyPfn, after: Address) -> bool:
    """The frame of the page of a frame is that frame, and the page lies in the address space."""
    return (pfn_of(memmap, after, section_of(memmap.layout, pfn)) == pfn) & (after <= address_mask(memmap.layout))


def injective(memmap: MemMap, pfn: AnyPfn, after: Address, other: AnyPfn) -> bool:
    """No other frame has the page: of no section at all, or, where each section has a map of its own, of the same."""
    comparable = physical(memmap, other) & from_first(memmap, other)
    if is_classic(memmap.layout):
        comparable &= section_of(memmap.layout, other) == section_of(memmap.layout, pfn)
    return (not comparable) or (other == pfn) or (page_of(memmap, other) != after)


def next_page(memmap: MemMap, pfn: AnyPfn, after: Address) -> bool:
    """The page of the next frame of the section is the next page."""
    layout = memmap.layout
    last = section_of(layout, pfn + 1) != section_of(layout, pfn)
    return last or page_of(memmap, pfn + 1) == page_after(layout, after, 1)


def decodes(layout: Layout, mem_map: Address, section: Section, after: Encoded, flags: SectionFlags) -> bool:
    """With any flags added the memory map and the flags come back, and none of the flags' bits was set before."""
    flags = flags & (31 if layout.zone_device else 15)
    clear = flags_of(layout, after) == 0
    return clear & (mem_map_of(layout, after | flags, section) == mem_map) & (flags_of(layout, after | flags) == flags)


def node_comes_back(layout: Layout, node: Node, after: Encoded) -> bool:
    """The node comes back from beside the flags that a section has before it has a map."""
    return (decoded_node(layout, after | ONLINE | PRESENT) == node) & (flags_of(layout, after) == 0)


def bits_apart(layout: Layout, pfn: AnyPfn, after: BitIndex, other: AnyPfn) -> bool:
    """Its four bits lie in the bitmap, and those of another pageblock of the section apart from them."""
    theirs = pageblock_bit(layout, other)
    one = pfn >> layout.pageblock_order == other >> layout.pageblock_order
    apart = (theirs + 4 <= after) | (after + 4 <= theirs)
    same_section = section_of(layout, pfn) == section_of(layout, other)
    placed = (not same_section) or (one and theirs == after) or (not one and apart)
    return placed & (after + 4 <= bits_in_all(layout))


def one_section(layout: Layout, pfn: AnyPfn, after: Section, other: AnyPfn) -> bool:
    """All frames of a pageblock, and of a block as large as a section allows, are of one section."""
    one = pfn >> layout.pageblock_order == other >> layout.pageblock_order
    return not one or section_of(layout, other) == after


# --- given -----------------------------------------------------------------------------------------------------------------


def page_aligned(layout: Layout, mem_map: Address, section: Section) -> bool:
    """The memory map lies on a page boundary, in the address space."""
    return (mem_map & ((1 << layout.page_shift) - 1) == 0) & (mem_map <= address_mask(layout))


def placed(layout: Layout, pfn: AnyPfn) -> bool:
    """The layout is legal."""
    return legal(layout) & (in_section(layout, pfn) >= 0)


# --- obligations -------------------------------------------------------------------------------------------------------------


def frames_of(layout: Layout) -> Any:
    """Return the word of the frames of a physical address space."""
    width = layout.max_physmem_bits - layout.page_shift
    return Annotated[int, Word("any_pfn", bits=64, lo=0, hi=(1 << width) - 1)]


def _of(name: str, column: str, goal: Predicate, *clauses: Clause) -> Obligation:
    layout = ARCHITECTURES[name]
    sizes = (32,) if layout.model == FLATMEM else SIZES[layout.long_bits]
    return Obligation(
        id=f"MEMORY-MODEL-{column}-{NAMES[name]}",
        clauses=(*clauses, MODELS.get(layout.model, c.CLASSIC)),
        statement=f"{name}: {(function_of(goal).__doc__ or '').strip()}",
        subject=page_of,
        goal=goal,
        given=(legal_map, physical, from_first),
        choices=constants(layout, "memmap.layout"),
        types={"pfn": frames_of(layout)},
        each={"memmap.layout.struct_page": sizes},
        bounds={"struct_page": " ".join(map(str, sizes)), "pfn": "of the physical address space"},
        operation=f"page_of {name}",
        invariant=column.lower(),
        straight=True,
    )


def _encoding(name: str) -> tuple[Obligation, ...]:
    layout = SPARSE[name]
    base = Obligation(
        id=f"MEMORY-MODEL-ENCODED-{NAMES[name]}",
        clauses=(c.ENCODE, c.MAPS),
        statement=f"{name}: {(decodes.__doc__ or '').strip()}",
        subject=encoded,
        goal=decodes,
        given=(legal, page_aligned, physical_section),
        choices=constants(layout, "layout"),
        each={"layout.struct_page": SIZES[layout.long_bits]},
        bounds={"struct_page": " ".join(map(str, SIZES[layout.long_bits]))},
        operation=f"encoded {name}",
        invariant="decoded",
        straight=True,
    )
    return (base,)


def _on_ground(goal: Obligation) -> tuple[Obligation, Obligation]:
    """Return what is claimed on the way to a goal, and the goal."""
    base = attrs.evolve(
        goal, id=f"{goal.id}-DEFINED", goal=None, invariant=f"{goal.invariant}: defined",
        statement=f"{goal.operation}: every word fits, every call is lawful",
    )  # fmt: skip
    return base, attrs.evolve(goal, rests_on=(base.id,))


OBLIGATIONS = (
    *(_of(name, "THERE-AND-BACK", there_and_back, c.MM_1) for name in ARCHITECTURES),
    *(_of(name, "INJECTIVE", injective, c.MM_1) for name in ARCHITECTURES),
    *(_of(name, "CONTIGUOUS", next_page, c.MM_2) for name in ARCHITECTURES),
    *(obligation for name in SPARSE for obligation in _encoding(name)),
    Obligation(
        id="MEMORY-MODEL-EARLY-NODE",
        clauses=(c.BOOT_NODE,),
        statement=(node_comes_back.__doc__ or "").strip(),
        subject=encoded_node,
        goal=node_comes_back,
        types={"node": Node},
        operation="encoded_node",
        invariant="decoded",
    ),
    *_on_ground(
        Obligation(
            id="MEMORY-MODEL-PAGEBLOCK-BITS",
            clauses=(c.PAGEBLOCK, c.MM_5),
            statement=(bits_apart.__doc__ or "").strip(),
            subject=pageblock_bit,
            goal=bits_apart,
            given=(legal,),
            operation="pageblock_bit",
            invariant="apart",
            each={"layout.struct_page": (64,)},
            straight=True,
        )
    ),
    *_on_ground(
        Obligation(
            id="MEMORY-MODEL-PAGEBLOCK-SECTION",
            clauses=(c.MM_5,),
            statement=(one_section.__doc__ or "").strip(),
            subject=section_of,
            goal=one_section,
            given=(legal,),
            operation="section_of",
            invariant="pageblock",
            each={"layout.struct_page": (64,)},
            straight=True,
        )
    ),
)
