"""The law of the memory model held against the judge written from mm/sparse.c: each answer is the judge's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mmspec.errors import DONE, InputError
from mmspec.physical.memory_model import MEMORY_MODEL, page_flags
from mmspec.physical.memory_model import ops as mm
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import check_layout

from . import memory_model_612 as judge
from .beside import BesideLaw

SHAPES = [(12, 27), (12, 26), (12, 29), (12, 24), (14, 27), (16, 29), (16, 24)]
"""Sizes of pages and sections of architectures."""


def drawn_layout(rng: random.Random) -> mm.Layout:
    """Some kernel's configuration, tight or not, that the law's door takes but for the fields of page->flags."""
    model = rng.choice([0, 1, 2, 2, 3, 3, 3])
    bits = 64 if model >= mm.SPARSEMEM_EXTREME or rng.random() < 0.4 else 32
    shift, section = rng.choice(SHAPES) if bits == 64 else rng.choice(SHAPES[:4])
    struct_page, base = (rng.choice([56, 64, 80]), 0xFFFFEA0000000000) if bits == 64 else (32, 0x40000000)
    first = rng.choice([0, 0, 1 << section - shift, 5 << section - shift]) if model in (mm.FLATMEM, mm.SPARSEMEM_VMEMMAP) else 0
    hotplug = bits == 64 and model != mm.FLATMEM and rng.random() < 0.9
    return mm.Layout(
        model, bits, shift, section, max(section + 1, rng.choice([36, 46, 52, 56] if bits == 64 else [30, 32, 36])), struct_page,
        base, first, rng.randrange(1, 1 << 14) if model == mm.FLATMEM else 0, pageblock_order=rng.choice([2, 5, 7]),
        hotplug=hotplug, zone_device=hotplug and model == mm.SPARSEMEM_VMEMMAP and rng.random() < 0.8,
        zones=rng.randrange(1, 9), nodes_shift=rng.choice([0, 1, 2, 6, 10]), nr_pageflags=rng.randrange(20, 26),
        lru_gen=rng.random() < 0.5, kasan_tags=rng.random() < 0.3, cpupid_shift=rng.choice([0, 9, 16, 21]),
    )  # fmt: skip


def kconfig(layout: mm.Layout) -> judge.Kconfig:
    """The judge's words for a layout."""
    return judge.Kconfig(
        layout.model, layout.long_bits, layout.page_shift, layout.section_size_bits, layout.max_physmem_bits, layout.struct_page,
        layout.pageblock_order, layout.hotplug, layout.zone_device, layout.zones, layout.nodes_shift, layout.nr_pageflags,
        layout.lru_gen, layout.kasan_tags, layout.cpupid_shift, layout.mem_section,
    )  # fmt: skip


def builds(layout: mm.Layout) -> bool:
    """Whether the kernel's headers take it; the law's door must say the same."""
    try:
        check_layout(layout)
    except InputError:
        return False
    try:
        judge.Flags(kconfig(layout))
    except judge.CannotBuildError:
        assert not page_flags.is_flags_layout(layout), layout
        return False
    assert page_flags.is_flags_layout(layout), layout
    return True


class Beside(BesideLaw):
    """The law and the judge, asked the same."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.layout = layout = next(filter(builds, iter(lambda: drawn_layout(rng), None)))
        self.whole = 1 << layout.section_size_bits - layout.page_shift
        self.grain = max(1, 1 << 21 - layout.page_shift)
        self.far = min(1 << layout.max_physmem_bits - layout.section_size_bits, rng.choice([12, 600]))
        memory = self.memory()
        unbacked = rng.choice(memory)[0] // self.whole if memory and layout.model != mm.FLATMEM and rng.random() < 0.2 else None
        super().__init__(MEMORY_MODEL, mm.Config(layout, tuple(memory), unbacked))
        self.judge = judge.Machine(kconfig(layout), memory, layout.base, layout.first_pfn, layout.max_mapnr, unbacked)
        self.maps = layout.base + (64 << 30 if layout.long_bits == 64 else 64 << 20)

    def memory(self) -> list[tuple[int, int, int]]:
        """Ranges of memory, some within a section, some over several, some with a neighbour of another node."""
        rng, at, found = self.rng, 0, []
        last = min(1 << self.layout.max_physmem_bits - self.layout.page_shift, 9 * self.whole)
        for _ in range(rng.randrange(1, 7)):
            start = at + rng.choice([0, 1, self.grain, self.whole - at % self.whole, rng.randrange(2 * self.whole)])
            end = start + rng.choice([1, self.grain, self.whole, rng.randrange(1, 3 * self.whole)])
            if end > last:
                break
            found.append((start, end, rng.randrange(min(4, 1 << self.layout.nodes_shift))))
            at = end
        return found

    def refused(self, operation: str, request: Any) -> None:
        """What Linux warns of, or would read astray, the law must refuse, and nothing changes."""
        chosen, _ = self.law.operations[operation].choose(self.law.state, self.law.policy, request)
        assert chosen.failed, f"the law says {chosen} of {request}\n{self.config}"
        self.told.append((request, chosen))

    # --- where -----------------------------------------------------------------------------------------------------------

    def pfn(self) -> int:
        """A frame: of a section's beginning or end, of its midst, now and then of none."""
        rng = self.rng
        if rng.random() < 0.1:
            return rng.choice(
                [rng.getrandbits(self.layout.long_bits), (1 << self.layout.max_physmem_bits - self.layout.page_shift)]
            )
        at = rng.randrange(min(self.far, 12)) if rng.random() < 0.9 else rng.randrange(self.far)
        return at * self.whole + rng.choice([0, self.whole - 1, self.grain % self.whole, rng.randrange(self.whole)])

    def part(self) -> tuple[int, int]:
        """A part of one section, mostly in the grain of hotplug."""
        rng, first = self.rng, self.pfn() // self.whole % self.far * self.whole
        if self.layout.model != mm.SPARSEMEM_VMEMMAP or rng.random() < 0.3:
            return first, self.whole
        start = rng.randrange(self.whole // self.grain) * self.grain
        pages = rng.randrange(1, (self.whole - start) // self.grain + 1) * self.grain
        return first + start + rng.choice([0] * 15 + [1]), pages

    # --- changes ---------------------------------------------------------------------------------------------------------

    def add(self) -> None:
        (pfn, pages), fails = self.part(), self.rng.choice([0, 0, 0, 0, 1, 2, 3])
        if pfn % self.grain:
            return self.hold("add", mm.Add(pfn, pages), mm.EINVAL)
        self.maps += -(-self.whole * self.layout.struct_page >> 16) + 1 << 16
        error = self.judge.add(pfn, pages, self.maps, fails)
        self.hold("add", mm.Add(pfn, pages, self.maps, fails), mm.Error(error) if error else DONE)

    def either(self, operation: str, request: Any, act: Any) -> None:
        """Both do it, or neither."""
        try:
            act()
        except judge.UndefinedError:
            return self.refused(operation, request)
        self.hold(operation, request, DONE)

    def remove(self) -> None:
        pfn, pages = self.part()
        self.either("remove", mm.Remove(pfn, pages), lambda: self.judge.remove(pfn, pages))

    def mark(self) -> None:
        pfn, yes = self.part()[0], self.rng.random() < 0.6
        request = mm.Online(pfn) if yes else mm.Offline(pfn)
        self.either("online" if yes else "offline", request, lambda: self.judge.online(pfn, yes))

    def device(self) -> None:
        pfn, pages = self.part()
        if pfn % self.grain or any(start < pfn + pages and pfn < end for start, end in self.judge.pgmaps):
            return
        self.either("map_device", mm.MapDevice(pfn, pages), lambda: self.judge.map_device(pfn, pages))

    def no_device(self) -> None:
        if self.judge.pgmaps:
            start, end = self.rng.choice(self.judge.pgmaps)
            self.judge.unmap_device(start, end - start)
            self.hold("unmap_device", mm.UnmapDevice(start, end - start), DONE)

    # --- looks -----------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """At frames and their pages."""
        for _ in range(6):
            pfn = self.pfn()
            valid = self.judge.pfn_valid(pfn)
            self.hold("pfn_valid", mm.PfnValid(pfn), mm.Valid(valid))
            online = self.judge.pfn_to_online_page(pfn)
            self.hold("online_page", mm.OnlinePage(pfn), mm.ENOENT if online is None else mm.PageAddress(online))
            if valid:
                page = self.judge.pfn_to_page(pfn)
                assert self.judge.page_to_pfn(page) == pfn
                self.hold("pfn_to_page", mm.PfnToPage(pfn), mm.PageAddress(page))
                self.hold("page_to_pfn", mm.PageToPfn(page), mm.Frame(pfn))
        if self.judge.sparse:
            number = self.pfn() // self.whole % self.far
            section = self.judge.nr_to_section(number) or judge.Section()
            flags = section.map & (1 << self.judge.last_bit) - 1
            shown = mm.SectionIs(flags, self.judge.mem_map(number), section.usage or 0)
            self.hold("section", mm.ShowSection(number), shown)
            pfn = number * self.whole + self.rng.randrange(self.whole)
            self.hold("pageblock", mm.Pageblock(pfn), mm.PageblockBit(self.judge.pfn_to_bitidx(pfn)))

    def links(self) -> None:
        """At page->flags, written and read."""
        rng, flags = self.rng, self.judge.flags
        word = rng.choice([0, (1 << self.layout.long_bits) - 1, rng.getrandbits(self.layout.long_bits)])
        zone, node = rng.randrange(self.layout.zones), rng.randrange(1 << self.layout.nodes_shift)
        section = rng.choice([rng.randrange(12), rng.randrange(1 << 20)])
        linked = flags.set_page_links(word, zone, node, section)
        self.hold("page_links", mm.PageLinks(word, zone, node, section), mm.PageFlags(linked))
        word = rng.choice([word, linked])
        named = flags.page_to_section(word) if flags.in_flags else 0
        parts = mm.Parts(flags.page_zonenum(word), self.judge.page_to_nid(word), named, flags.page_zone_id(word))
        self.hold("page_parts", mm.PageParts(word), parts)

    def step(self) -> None:
        """Mostly a change, then looks."""
        if self.layout.hotplug:
            devices = [self.device, self.no_device] if self.layout.zone_device else []
            self.rng.choice([self.add, self.add, self.add, self.remove, self.remove, self.mark, *devices])()
        self.look()
        self.links()


def run(seeds: range, steps: int) -> None:
    """A machine of each seed."""
    for seed in seeds:
        beside = Beside(seed)
        for _ in range(steps):
            beside.step()


def test_the_law_answers_as_the_judge() -> None:
    """On some machines."""
    run(range(60), 20)


@pytest.mark.nightly
def test_the_law_answers_as_the_judge_for_long() -> None:
    """On more, and for longer."""
    run(range(1000, 2500), 60)


def test_the_fields_have_the_judge_s_widths() -> None:
    """Of layouts of every model, those that the headers refuse too: then the door refuses them."""
    rng = random.Random(1)
    for layout in (drawn_layout(rng) for _ in range(4000)):
        if builds(layout):
            flags = judge.Flags(kconfig(layout))
            assert page_flags.sections_width(layout) == flags.sections_width
            assert page_flags.nodes_width(layout) == flags.nodes_width
            assert page_flags.zones_width(layout) == flags.zones_width
            assert page_flags.last_cpupid_width(layout) == flags.cpupid_width
            assert page_flags.last_cpupid_place(layout) == flags.cpupid_pgoff
            assert page_flags.lru_refs_width(layout) == flags.lru_refs_width
            assert page_flags.lru_refs_place(layout) == flags.lru_refs_pgoff


@pytest.mark.parametrize("name", judge.ARCHITECTURES)
def test_the_architectures_are_the_headers(name: str) -> None:
    """Words, pages, sections and physical addresses; and where vmemmap begins, where that is a constant."""
    layout = ARCHITECTURES[name]
    widths = (layout.long_bits, layout.page_shift, layout.section_size_bits, layout.max_physmem_bits)
    assert widths == judge.ARCHITECTURES[name]
    starts = {
        "x86_64": judge.X86_64_VMEMMAP_START[4],
        "x86_64 with five levels": judge.X86_64_VMEMMAP_START[5],
        "arm64 with 4K pages": judge.arm64_vmemmap_start(48, 12, 64),
        "arm64 with 64K pages": judge.arm64_vmemmap_start(52, 16, 64),
        "riscv64": judge.riscv_vmemmap_start(48, 64, 0xFFFFAF8000000000),
        "riscv64 with Sv57": judge.riscv_vmemmap_start(57, 64, 0xFF60000000000000),
    }
    assert layout.base == starts.get(name, layout.base)
