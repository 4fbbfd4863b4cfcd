"""The fields of ``page->flags``."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from tests.spec.memmap import CLASSIC, SECTION, X86, Model

from mmspec.physical.memory_model import page_flags as f
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.ops import Layout, PageLinks, PageParts, Parts

FIELDS: tuple[tuple[Callable[[Layout], int], Callable[[Layout], int]], ...] = (
    (f.sections_place, f.sections_width), (f.nodes_place, f.nodes_width), (f.zones_place, f.zones_width),
    (f.last_cpupid_place, f.last_cpupid_width), (f.kasan_tag_place, f.kasan_tag_width),
    (f.lru_gen_place, f.lru_gen_width), (f.lru_refs_place, f.lru_refs_width),
)  # fmt: skip
each = pytest.mark.parametrize("layout", ARCHITECTURES.values(), ids=list(ARCHITECTURES))


@each
def test_fields_do_not_overlap(layout: Layout) -> None:
    """Nor do they reach into the page's own flags."""
    used = f.every_flag(layout)
    for place, width in FIELDS:
        mask = f.field_mask(place(layout), width(layout))
        assert used & mask == 0
        used |= mask
    assert used < 1 << layout.long_bits


@pytest.mark.parametrize(("zones", "width"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3)])
def test_zones_have_the_bits_they_need(zones: int, width: int) -> None:
    """None for one, three for eight."""
    assert f.zones_width(attrs.evolve(X86, zones=zones)) == width


def test_x86_64_lays_its_flags_out_as_linux_does() -> None:
    """Ten bits of node and three of zone at the top, 21 of CPU and process, then the generations."""
    layout = attrs.evolve(X86, nodes_shift=10, cpupid_shift=21)
    assert (f.nodes_place(layout), f.zones_place(layout), f.last_cpupid_place(layout)) == (54, 51, 30)
    assert (f.lru_gen_place(layout), f.lru_refs_place(layout), f.lru_refs_width(layout)) == (27, 25, 2)


def test_what_has_no_room_is_kept_elsewhere() -> None:
    """CPU and process beside the flags; the references get what is left."""
    layout = attrs.evolve(X86, nodes_shift=10, cpupid_shift=25)
    assert f.last_cpupid_width(layout) == 0
    layout = attrs.evolve(X86, nodes_shift=10, nr_pageflags=47)
    assert f.lru_refs_width(layout) == 1


def test_a_page_s_links_are_read_as_they_were_written() -> None:
    """Its own flags stay."""
    model = Model(CLASSIC, (0, SECTION, 0))
    flags = model.ask(PageLinks(0xABCDEF, 3, 5, 0x1234)).flags
    assert flags & f.every_flag(CLASSIC) == 0xABCDEF
    parts = model.ask(PageParts(flags))
    assert (parts.zone, parts.node, parts.section) == (3, 5, 0x1234)
    again = model.ask(PageLinks(flags, 0, 0, 0)).flags
    assert again == 0xABCDEF


def test_of_a_value_that_is_too_large_the_lowest_bits_are_written() -> None:
    """And no other field."""
    model = Model(X86, (0, SECTION, 0))
    flags = model.ask(PageLinks(0, 7, 64 + 3, 9)).flags
    assert model.ask(PageParts(flags)) == Parts(7, 3, 0, 3 << 3 | 7)


def test_where_the_flags_have_no_node_the_section_s_is_read() -> None:
    """The last range of memory in a section gives it; zone ids are of section and zone."""
    layout = attrs.evolve(ARCHITECTURES["x86_32 with NUMA"], nr_pageflags=24)
    assert f.nodes_width(layout) == 0
    size = 1 << 14
    model = Model(layout, (0, size, 1), (size, size + 5, 1), (size + 8, 2 * size, 2))
    flags = model.ask(PageLinks(0, 2, 0, 1)).flags
    assert model.ask(PageParts(flags)) == Parts(2, 2, 1, 1 << 2 | 2)
