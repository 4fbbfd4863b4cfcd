"""The memory model: boot, frames and pages, adding and removing, marking, devices."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from tests.spec.memmap import CLASSIC, FLAT, PART, SECTION, X86, Model, broken

from mmspec.errors import InputError
from mmspec.physical.memory_model import MEMORY_MODEL
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import (
    bits_below,
    first_frame,
    frames_between,
    is_layout,
    map_fits,
    pages_per_section,
    section_of,
    subsection_mask,
)
from mmspec.physical.memory_model.ops import (
    DONE,
    EARLY,
    EEXIST,
    EINVAL,
    ENOENT,
    ENOMEM,
    HAS_MEM_MAP,
    MEMMAP,
    ONLINE,
    PRESENT,
    ROOT,
    TAINT,
    USAGE,
    Add,
    Config,
    Frame,
    MapDevice,
    Offline,
    Online,
    OnlinePage,
    PageAddress,
    Pageblock,
    PageblockBit,
    PageToPfn,
    PfnToPage,
    PfnValid,
    Remove,
    ShowSection,
    UnmapDevice,
    Valid,
)  # fmt: skip

BOOT = PRESENT | HAS_MEM_MAP | ONLINE | EARLY
HOT = PRESENT | HAS_MEM_MAP
SPARSE = [name for name, layout in ARCHITECTURES.items() if layout.model]
each = pytest.mark.parametrize("name", ARCHITECTURES)


def booted(**changes: Any) -> Model:
    """Return x86-64 with memory in the first section and in half of the second."""
    return Model(attrs.evolve(X86, **changes), (1, SECTION + SECTION // 2, 0))


# --- architectures -------------------------------------------------------------------------------------------------------


@each
def test_every_architecture_s_layout_passes_the_door(name: str) -> None:
    """Its widths fit together, and its map is no larger than half the address space."""
    layout = ARCHITECTURES[name]
    assert is_layout(layout)
    assert map_fits(layout)
    assert MEMORY_MODEL.initial(Config(layout, ((layout.first_pfn, layout.first_pfn + 1, 0),))).layout == layout


@each
def test_the_last_frame_has_a_page_and_comes_back(name: str) -> None:
    """At the top of the physical address space nothing overflows."""
    layout = ARCHITECTURES[name]
    last = (1 << (layout.max_physmem_bits - layout.page_shift)) - 1
    layout = attrs.evolve(layout, max_mapnr=last + 1 - layout.first_pfn) if layout.model == 0 else layout
    model = Model(layout, (last, last + 1, 0))
    page = model.ask(PfnToPage(last))
    assert not page.failed
    assert model.ask(PageToPfn(page.page)) == Frame(last)
    assert model.ask(PfnValid(last + 1)) == Valid(False)


@each
def test_frames_of_a_section_come_back(name: str) -> None:
    """Page by page; and the page behind the last, or between two, is of none."""
    layout = ARCHITECTURES[name]
    layout = attrs.evolve(layout, max_mapnr=64) if layout.model == 0 else layout
    first = layout.first_pfn
    model = Model(layout, (first, first + 8, 0))
    pages = [model.ask(PfnToPage(first + k)).page for k in range(8)]
    assert [model.ask(PageToPfn(page)) for page in pages] == [Frame(first + k) for k in range(8)]
    assert model.ask(PageToPfn(pages[0] + 1)) == EINVAL


def test_pages_lie_where_linux_puts_them() -> None:
    """VMEMMAP_START is the page of frame 0 on x86-64, and of the first frame of memory on arm64."""
    assert Model(X86, (0, 1, 0)).ask(PfnToPage(0)) == PageAddress(0xFFFFEA0000000000)
    assert Model(X86, (0, 1, 0)).ask(PfnToPage(0x7FFF)) == PageAddress(0xFFFFEA0000000000 + 0x7FFF * 64)
    arm = ARCHITECTURES["arm64 with 4K pages"]
    assert Model(arm, (0x40000, 0x40001, 0)).ask(PfnToPage(0x40000)) == PageAddress(0xFFFFFDFFC0000000)


def test_the_difference_of_pointers_is_signed() -> None:
    """A page before another is of a negative number of frames, modulo the width of a word."""
    assert frames_between(X86, X86.base, X86.base + 64) == (1 << 64) - 1
    assert frames_between(X86, X86.base + 128, X86.base) == 2


# --- flat ------------------------------------------------------------------------------------------------------------------


def test_a_flat_map_is_valid_from_end_to_end() -> None:
    """From ARCH_PFN_OFFSET on, holes too; nothing else; and what is valid is online where there is no hotplug."""
    model = Model(FLAT, (FLAT.first_pfn, FLAT.first_pfn + 4, 0))
    start, end = FLAT.first_pfn, FLAT.first_pfn + FLAT.max_mapnr
    answers = [model.ask(PfnValid(pfn)).valid for pfn in (start - 1, start, end - 1, end)]
    assert answers == [False, True, True, False]
    assert model.ask(OnlinePage(end - 1)) == model.ask(PfnToPage(end - 1))
    assert model.ask(OnlinePage(end)) == ENOENT
    assert model.ask(PfnToPage(start)) == PageAddress(FLAT.base)


def test_a_flat_map_has_no_sections() -> None:
    """Nothing is added to it, and there is nothing to show."""
    model = Model(FLAT)
    requests: list[Any] = [Add(0, SECTION), Remove(0, SECTION), Online(0), MapDevice(0, SECTION), ShowSection(0), Pageblock(0)]
    assert [model.ask(request) for request in requests] == [EINVAL] * 6


# --- boot ------------------------------------------------------------------------------------------------------------------


def test_memory_makes_whole_sections_valid_and_its_own_sub_sections_online() -> None:
    """Sections are early as a whole; a sub-section that memory touches is set whole."""
    model = booted()
    assert (model.flags(0), model.flags(1), model.flags(2)) == (BOOT, BOOT, 0)
    assert model.parts(1) == (1 << 32) - 1
    assert model.ask(PfnValid(2 * SECTION - 1)) == Valid(True)
    assert model.ask(OnlinePage(2 * SECTION - 1)) == ENOENT
    assert model.ask(OnlinePage(SECTION)) == model.ask(PfnToPage(SECTION))
    assert model.ask(PfnValid(2 * SECTION)) == Valid(False)


def test_a_frame_behind_all_sections_is_not_valid_whatever_its_lower_bits_say() -> None:
    """Where a section's number is cut off, bits above would be lost."""
    model = booted()
    for top in (1 << 34, 1 << 52, 1 << 63):
        assert model.ask(PfnValid(top + 1)) == Valid(False)
        assert model.ask(OnlinePage(top + 1)) == ENOENT


def test_maps_of_their_own_lie_one_behind_another() -> None:
    """Out of one buffer, in the order of the sections."""
    model = Model(CLASSIC, (0, 1, 0), (5 * SECTION, 6 * SECTION, 0))
    assert model.map_at(5) - model.map_at(0) == SECTION * 64
    assert model.ask(PfnToPage(5 * SECTION)).page == model.map_at(5)


def test_a_memory_map_that_cannot_be_had_ends_its_node_s_run() -> None:
    """The sections before it stay, those of another node too, and a later run of the same node."""
    ranges = [(number * SECTION, (number + 1) * SECTION, node) for number, node in enumerate((0, 0, 0, 1, 0))]
    model = Model(X86, *ranges, unbacked=1)
    assert [model.flags(section) for section in range(5)] == [BOOT, 0, 0, BOOT, BOOT]
    assert model.ask(PfnValid(SECTION)) == Valid(False)


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (((2, 2, 0),), "is empty"),
        (((4, 8, 0), (6, 9, 0)), "overlaps another"),
        (((0, 1 << 35, 0),), "beyond the last frame"),
        (((0, 1, 64),), "node 64 is none"),
        (((0, 1 << 33, 0),), "memory of more than 65536 sections"),
    ],
)
def test_what_is_no_memory_is_refused_at_the_door(memory: Any, message: str) -> None:
    """The message says what is wrong."""
    layout = attrs.evolve(X86, max_physmem_bits=46)
    with pytest.raises(InputError, match=message):
        MEMORY_MODEL.initial(Config(layout, memory))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"section_size_bits": 17}, "do not fit together"),
        ({"pageblock_order": 15, "section_size_bits": 24}, "do not fit together"),
        ({"base": 0xFFFFEA0000000001}, "do not fit together"),
        ({"struct_page": 256, "max_physmem_bits": 68}, "do not fit together"),
        ({"long_bits": 32, "base": 0xC0000000, "max_physmem_bits": 40}, "half the address space"),
        ({"model": 2}, "zone_device needs"),
        ({"model": 0, "zone_device": False}, "hotplug needs"),
        ({"model": 0, "zone_device": False, "hotplug": False, "max_mapnr": 1 << 40}, "max_mapnr reaches"),
        ({"nodes_shift": 10, "nr_pageflags": 60}, "no room"),
    ],
)
def test_what_is_no_layout_is_refused_at_the_door(changes: dict[str, Any], message: str) -> None:
    """The message says what does not fit."""
    with pytest.raises(InputError, match=message):
        MEMORY_MODEL.initial(Config(attrs.evolve(X86, **changes), ()))


# --- add -----------------------------------------------------------------------------------------------------------------


def test_what_is_added_is_valid_and_offline() -> None:
    """A sub-section of a section that was absent."""
    model = booted()
    assert model.ask(Add(2 * SECTION + PART, PART)) == DONE
    assert (model.flags(2), model.parts(2)) == (HOT, 2)
    answers = [model.ask(PfnValid(2 * SECTION + pfn)).valid for pfn in (PART - 1, PART, 2 * PART - 1, 2 * PART)]
    assert answers == [False, True, True, False]
    assert model.ask(OnlinePage(2 * SECTION + PART)) == ENOENT


def test_a_sub_section_is_not_added_twice() -> None:
    """Nor a part that overlaps one, nor one that memory had at boot."""
    model = booted()
    model.ask(Add(2 * SECTION, 2 * PART))
    assert model.ask(Add(2 * SECTION + PART, 2 * PART)) == EEXIST
    assert model.ask(Add(SECTION, PART)) == EEXIST
    assert model.ask(Add(2 * SECTION + 2 * PART, PART)) == DONE


def test_a_part_of_an_early_section_uses_its_map_again() -> None:
    """It needs no memory, and the section stays early and online."""
    model = booted()
    assert model.ask(Add(SECTION + SECTION // 2, PART, fails=MEMMAP)) == DONE
    assert model.flags(1) == BOOT
    assert not model.ask(OnlinePage(SECTION + SECTION // 2)).failed


@pytest.mark.parametrize("fails", [ROOT, USAGE, MEMMAP])
def test_what_finds_no_memory_fails(fails: int) -> None:
    """And is not there; a root that was had before stays."""
    model, far = booted(), 256 * SECTION
    assert model.ask(Add(far, PART, fails=fails)) == ENOMEM
    assert model.flags(256) == 0
    assert model.ask(Add(far, PART, fails=ROOT)) == (ENOMEM if fails == ROOT else DONE)


def test_what_needs_no_memory_does_not_fail_for_want_of_it() -> None:
    """The root of the first sections is there, and so is the usage of a section with a map."""
    model = booted()
    assert model.ask(Add(2 * SECTION, PART, fails=ROOT)) == DONE
    assert model.ask(Add(2 * SECTION + PART, PART, fails=USAGE)) == DONE
    assert model.ask(Add(2 * SECTION + 2 * PART, PART, fails=MEMMAP)) == ENOMEM
    assert model.parts(2) == 3


@pytest.mark.parametrize(
    ("pfn", "pages"),
    [(2 * SECTION, 0), (2 * SECTION + 1, PART), (2 * SECTION, PART + 1), (3 * SECTION - PART, 2 * PART), (1 << 34, PART)],
)
def test_what_is_no_part_of_a_section_is_refused(pfn: int, pages: int) -> None:
    """Empty, unaligned, across two sections, beyond the last."""
    model = booted()
    before = model.state
    assert [model.ask(Add(pfn, pages)), model.ask(Remove(pfn, pages)), model.ask(MapDevice(pfn, pages))] == [EINVAL] * 3
    assert model.state == before


def test_without_vmemmap_only_whole_sections_are_added() -> None:
    """Each with its own map, which no other overlaps."""
    model = Model(CLASSIC, (0, SECTION, 0))
    free = CLASSIC.base + (1 << 30)
    assert model.ask(Add(SECTION, PART, free)) == EINVAL
    assert [model.ask(Add(SECTION, SECTION, where)) for where in (0, free + 64, CLASSIC.base)] == [EINVAL] * 3
    assert model.ask(Add(SECTION, SECTION, free)) == DONE
    assert model.ask(Add(2 * SECTION, SECTION, free + SECTION * 64 - 4096)) == EINVAL
    assert model.ask(PfnToPage(SECTION + 1)) == PageAddress(free + 64)


def test_without_vmemmap_a_second_add_is_not_refused() -> None:
    """The new map counts, and the flags stay."""
    model = Model(CLASSIC, (0, SECTION, 0))
    again = CLASSIC.base + (1 << 30)
    assert model.ask(Add(0, SECTION, again)) == DONE
    assert (model.flags(0), model.map_at(0)) == (BOOT, again)


def test_without_vmemmap_a_second_add_that_finds_no_map_loses_the_section() -> None:
    """Undoing it takes what was there."""
    model = Model(CLASSIC, (0, SECTION, 0))
    assert model.ask(Add(0, SECTION, CLASSIC.base + (1 << 30), MEMMAP)) == ENOMEM
    assert model.flags(0) == 0
    assert model.ask(Add(0, SECTION, CLASSIC.base + (1 << 30), USAGE)) == DONE


# --- remove --------------------------------------------------------------------------------------------------------------


def test_what_was_added_is_removed() -> None:
    """Part by part; with the last the section is gone."""
    model = booted()
    model.ask(Add(2 * SECTION, 3 * PART))
    model.ask(Online(2 * SECTION))
    assert model.ask(Remove(2 * SECTION + PART, PART)) == DONE
    assert (model.flags(2), model.parts(2)) == (HOT | ONLINE, 5)
    assert model.ask(Remove(2 * SECTION, 3 * PART)) == EINVAL
    assert [model.ask(Remove(2 * SECTION + k * PART, PART)) for k in (0, 2)] == [DONE, DONE]
    assert (model.flags(2), model.parts(2)) == (0, 0)
    assert model.ask(Remove(2 * SECTION, PART)) == EINVAL


def test_an_early_section_that_was_removed_is_not_early_again() -> None:
    """Its usage stays, so that adding it needs no other."""
    model = booted()
    assert model.ask(Remove(SECTION, SECTION // 2)) == DONE
    assert model.flags(1) == 0
    assert model.ask(Add(SECTION, PART, fails=USAGE)) == DONE
    assert model.flags(1) == HOT
    assert model.ask(PfnValid(SECTION + PART)) == Valid(False)


# --- online, devices -----------------------------------------------------------------------------------------------------


def test_a_section_is_marked_as_a_whole() -> None:
    """Only one that has a map; its other flags stay."""
    model = booted()
    model.ask(Add(2 * SECTION, PART))
    assert [model.ask(Online(2 * SECTION + 17)), model.ask(Online(3 * SECTION)), model.ask(Offline(1 << 34))] == [
        DONE,
        EINVAL,
        EINVAL,
    ]
    assert model.flags(2) == HOT | ONLINE
    assert not model.ask(OnlinePage(2 * SECTION)).failed
    assert model.ask(OnlinePage(2 * SECTION + PART)) == ENOENT
    assert model.ask(Offline(0)) == DONE
    assert model.flags(0) == BOOT & ~ONLINE
    assert (model.ask(PfnValid(0)), model.ask(OnlinePage(0))) == (Valid(True), ENOENT)


def test_a_device_inside_a_section_taints_it() -> None:
    """Its frames are not online though their section is; those beside it are; the taint outlasts the device."""
    model = booted()
    where = SECTION + SECTION // 2
    model.ask(Add(where, PART))
    assert model.ask(MapDevice(where, PART)) == DONE
    assert model.flags(1) == BOOT | TAINT
    assert model.ask(OnlinePage(where)) == ENOENT
    assert not model.ask(OnlinePage(where - 1)).failed
    assert model.ask(UnmapDevice(where, PART)) == DONE
    assert not model.ask(OnlinePage(where)).failed
    assert model.flags(1) == BOOT | TAINT


def test_a_device_of_a_whole_section_taints_none() -> None:
    """Nobody asks whose it is: such a section is never online."""
    model = booted()
    model.ask(Add(2 * SECTION, SECTION))
    assert model.ask(MapDevice(2 * SECTION, SECTION)) == DONE
    assert model.flags(2) == HOT
    assert model.ask(Remove(2 * SECTION, SECTION)) == DONE
    assert model.ask(UnmapDevice(2 * SECTION, SECTION)) == DONE
    assert model.ask(MapDevice(2 * SECTION, SECTION)) == EINVAL


# --- bits ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPARSE)
def test_a_mask_has_the_bits_of_the_sub_sections_it_touches(name: str) -> None:
    """Each counted by itself."""
    layout = ARCHITECTURES[name]
    size = pages_per_section(layout)
    grain = (1 << 21) >> layout.page_shift
    for first, pages in ((0, 1), (0, size), (1, grain), (grain, grain), (size - 1, 1), (grain - 1, 2)):
        touched = {frame // grain for frame in {first, first + pages - 1, *range(first, first + pages, grain)}}
        assert subsection_mask(layout, 7 * size + first, pages) == sum(1 << index for index in touched)
    assert bits_below(layout, 3) == 7
    assert section_of(layout, first_frame(layout, 9) + size - 1) == 9


def test_pageblocks_count_from_their_section_s_first() -> None:
    """Four bits each."""
    model = booted()
    answers = [model.ask(Pageblock(pfn)).bit for pfn in (0, 511, 512, SECTION - 1, SECTION, SECTION + 1024)]
    assert answers == [0, 0, 4, 252, 0, 8]
    assert model.ask(Pageblock(0)) == PageblockBit(0)


def test_each_invariant_can_fail() -> None:
    """A state in which each clause is broken is found to break it."""
    good = Model(X86, (0, SECTION, 0)).state
    wrong = {
        "MEMORY-MODEL-3": attrs.evolve(good, sections=good.sections.set(7, ONLINE)),
        "MEMORY-MODEL-9": attrs.evolve(good, added=good.added.set(0, 0)),
        "MEMORY-MODEL-ROOTS": attrs.evolve(good, roots=good.roots.set(0, False)),
        "MEMORY-MODEL-MAPS": attrs.evolve(good, sections=good.sections.set(0, good.sections[0] + (1 << 20))),
        "MEMORY-MODEL-5": attrs.evolve(good, layout=attrs.evolve(X86, pageblock_order=16)),
        "MEMORY-MODEL-4": attrs.evolve(good, sections=good.sections.set(0, X86.base | PRESENT | ONLINE)),
    }
    for clause, state in wrong.items():
        assert clause in {found for found, _ in broken(state)}
    classic = Model(CLASSIC, (0, SECTION, 0)).state
    classic = attrs.evolve(classic, sections=classic.sections.set(1024, BOOT), layout=attrs.evolve(CLASSIC, long_bits=32))
    assert "MEMORY-MODEL-1" in {found for found, _ in broken(classic)}
