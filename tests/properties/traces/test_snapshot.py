"""Texts of /proc, lists out of RAM, zones, and the canonical form of free frames."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmprops.traces import snapshot
from mmprops.traces.archive import CaptureError, open_capture
from mmprops.traces.btf import struct_page_size, struct_size
from mmprops.traces.zones import ZoneMap, ZoneSpan

PAGETYPEINFO = """\
Page block order: 4
Pages per block:  16

Free pages count per migrate type at order       0      1
Node    0, zone   Normal, type    Unmovable      1 >100000
Node    0, zone   Normal, type          CMA      2      0
Node    3, zone  Movable, type    Unmovable      0      0
Node    3, zone  Movable, type          CMA      0      5

Number of blocks type    Unmovable          CMA
Node 0, zone   Normal            7            1
Node 3, zone  Movable            0            2
"""

ZONEINFO = """\
Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 0
      nr_dirty     7
  pages free     3808
        min      190
        spanned  4095
        present  3998
        managed  3840
        cma      0
        protection: (0, 449, 449)
      nr_free_pages 3810
  pagesets
    cpu: 0
              count: 12
              high:  8
              batch: 1
  vm stats threshold: 2
    cpu: 1
              count: 0
  vm stats threshold: 3
  node_unreclaimable:  0
  start_pfn:           1
Node 0, zone   Device
  pages free     0
        spanned  0
        present  0
        managed  0
"""


def test_buddyinfo_with_other_orders() -> None:
    """The number of orders is that of the columns, the same in every zone."""
    text = "Node 0, zone      DMA      1      0      2 \nNode 1, zone   Normal     10     20     30 \n"
    assert snapshot.parse_buddyinfo(text) == {(0, "DMA"): (1, 0, 2), (1, "Normal"): (10, 20, 30)}


@pytest.mark.parametrize("text", ["", "rubbish", "Node 0, zone DMA 1 2\nNode 0, zone Normal 1\n"])
def test_bad_buddyinfo(text: str) -> None:
    """A text of another form is refused."""
    with pytest.raises(CaptureError):
        snapshot.parse_buddyinfo(text)


def test_pagetypeinfo_names_the_types() -> None:
    """The types are those of the header, in its order, and a capped count is known as such."""
    types = snapshot.parse_pagetypeinfo(PAGETYPEINFO)
    assert (types.pageblock_order, types.types) == (4, ("Unmovable", "CMA"))
    assert types.free[0, "Normal", "Unmovable"] == (1, 100000)
    assert types.capped == {(0, "Normal", "Unmovable")}
    assert types.blocks == {(0, "Normal"): (7, 1), (3, "Movable"): (0, 2)}


def test_pagetypeinfo_stops_before_mixed_blocks() -> None:
    """With page_owner a second table of the same form follows; it is not taken for the first."""
    mixed = "\nNumber of mixed blocks    Unmovable          CMA\nNode 0, zone   Normal  9 9\nNode 3, zone  Movable 9 9\n"
    assert snapshot.parse_pagetypeinfo(PAGETYPEINFO + mixed).blocks[0, "Normal"] == (7, 1)


def test_line_that_nearly_fits_is_refused_at_once() -> None:
    """A line of many numbers and many blanks with rubbish at its end is not tried in every possible way."""
    line = "Node    0, zone   Normal, type    Unmovable" + " " * 9 + (" " * 9).join("1" * 40) + " x\n"
    with pytest.raises(CaptureError):
        snapshot.parse_pagetypeinfo("Page block order: 4\n" + line + "Number of blocks type CMA\n")


@pytest.mark.parametrize("cut", ["Page block", "Number of", "CMA", "Node 3, zone  Movable            0"])
def test_bad_pagetypeinfo(cut: str) -> None:
    """A text without order or header, or whose parts disagree on the types, is refused."""
    with pytest.raises(CaptureError):
        snapshot.parse_pagetypeinfo(PAGETYPEINFO.replace(cut, "x", 1))


def test_zoneinfo() -> None:
    """Counters, thresholds of all CPUs and the span are read; an empty zone is not populated."""
    zones = snapshot.parse_zoneinfo(ZONEINFO)
    dma = zones[0, "DMA"]
    assert dma.counters["nr_free_pages"] == 3810
    assert dma.counters["pages_free"] == 3808
    assert dma.thresholds == (2, 3)
    assert dma.span == ZoneSpan(0, "DMA", 1, 4096)
    assert (dma.populated, zones[0, "Device"].populated) == (True, False)


ZONES = [{"node": 0, "zone": "Normal", "start_pfn": 5, "spanned": 100, "blocks": [(8, 3, 1), (6, 1, 0)]}]


def test_lists_of_ram(kit: Any) -> None:
    """Lists are read with their zone's bounds, blocks by order and type."""
    lists = snapshot.read_lists(open_capture(kit.write({0: b""}, kit.state({"MID": kit.lists("MID", ZONES, 4)}))), "MID")
    assert lists.zones[0].max_order == 4
    assert list(lists.zones[0].blocks()) == [(6, 1, 0), (8, 3, 1)]
    assert lists.zones[0].span == ZoneSpan(0, "Normal", 5, 105)


def broken(text: bytes, **changes: Any) -> bytes:
    """Change keys of the first zone."""
    lists = json.loads(text)
    lists["zones"][0].update(changes)
    return json.dumps(lists).encode()


@pytest.mark.parametrize(
    "changes",
    [{"start_pfn": 7}, {"spanned": 3}, {"free": []}, {"free": [[[6, 6]]]}, {"free": "x"}, {"pcp": None}],
)
def test_bad_lists(kit: Any, changes: dict[str, Any]) -> None:
    """Blocks outside their zone, twice the same block, and other shapes are refused."""
    text = broken(kit.lists("MID", ZONES, 4), **changes)
    with pytest.raises(CaptureError, match=r"lists\.MID\.json"):
        snapshot.read_lists(open_capture(kit.write({0: b""}, kit.state({"MID": text}))), "MID")


def test_truncated_lists(kit: Any) -> None:
    """Lists cut off anywhere are refused."""
    text = kit.lists("MID", ZONES, 4)
    for cut in range(0, len(text), 50):
        capture = open_capture(kit.write({0: b""}, kit.state({"MID": text[:cut]})))
        with pytest.raises(CaptureError):
            snapshot.read_lists(capture, "MID")


@given(st.integers(0, 7), st.sets(st.integers(0, 400)))
def test_decomposition_is_canonical(max_order: int, frames: set[int]) -> None:
    """The blocks hold exactly the frames, are aligned, and no two are buddies that could be merged."""
    flags = np.zeros(512, np.uint64)
    flags[sorted(frames)] = 1 << snapshot.KPF_BUDDY
    blocks = snapshot.decompose(snapshot.flagged_runs(flags, snapshot.KPF_BUDDY, [(0, 512)]), max_order)
    assert sorted(frame for pfn, order in blocks.items() for frame in range(pfn, pfn + (1 << order))) == sorted(frames)
    assert all(pfn % (1 << order) == 0 and order <= max_order for pfn, order in blocks.items())
    assert not any(order < max_order and blocks.get(pfn ^ (1 << order)) == order for pfn, order in blocks.items())


def test_runs_end_at_the_edge_of_a_zone() -> None:
    """Free frames on both sides of a zone's edge are two runs, whatever their flags."""
    flags = np.full(64, 1 << snapshot.KPF_BUDDY, np.uint64)
    assert snapshot.flagged_runs(flags, snapshot.KPF_BUDDY, [(0, 20), (24, 64)]) == [(0, 20), (24, 64)]
    assert snapshot.runs_of([(0, 4), (16, 2), (20, 2)], [(0, 20), (20, 64)]) == [(0, 20), (20, 24)]


def test_frames_to_zones() -> None:
    """A frame belongs to the zone that spans it, and to none between zones."""
    zones = ZoneMap([ZoneSpan(0, "DMA", 1, 10), ZoneSpan(1, "Normal", 20, 30), ZoneSpan(0, "Normal", 10, 17)])
    assert [zones.find(pfn) for pfn in (0, 1, 9, 10, 16, 17, 20, 29, 30, 2**51)] == [None, 0, 0, 2, 2, None, 1, 1, None, None]
    assert zones.runs(2) == [(10, 17)]


def test_interleaved_nodes_are_told_by_the_boot_log() -> None:
    """Where spans overlap, the ranges of the nodes decide; where these do not, the frame is in no zone."""
    spans = [ZoneSpan(0, "Normal", 0, 40), ZoneSpan(1, "Normal", 10, 30)]
    zones = ZoneMap(spans, [(0, 0, 10), (1, 10, 20), (0, 20, 25), (1, 25, 30), (0, 30, 40)])
    assert [zones.find(pfn) for pfn in (5, 15, 22, 27, 35)] == [0, 1, 0, 1, 0]
    assert zones.runs(0) == [(0, 10), (20, 25), (30, 40)]
    assert ZoneMap(spans).find(15) is None


def test_ranges_that_touch_are_one_run() -> None:
    """Two ranges of one node side by side do not keep their frames apart."""
    spans = [ZoneSpan(0, "Normal", 0, 40), ZoneSpan(1, "Normal", 10, 30)]
    assert ZoneMap(spans, [(0, 0, 10), (0, 10, 20), (1, 20, 30), (0, 30, 40)]).runs(0) == [(0, 20), (30, 40)]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 4), (0, 2**29), (2**52, 2**52 + 1)])
def test_impossible_zone(start: int, end: int) -> None:
    """A zone that no machine has is refused before memory is taken for it."""
    with pytest.raises(CaptureError, match="which no machine has"):
        ZoneMap([ZoneSpan(0, "Normal", start, end)])


def btf(name: bytes, size: int) -> bytes:
    """Type information with an integer and a structure of one member before the structure asked for."""
    text = b"\0int\0other\0" + name + b"\0"
    types = struct.pack("<IIII", 1, 1 << 24, 4, 32)
    types += struct.pack("<III", 5, 4 << 24 | 1, 4) + struct.pack("<III", 1, 1, 0)
    types += struct.pack("<III", 11, 4 << 24, size)
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(text)) + types + text


def test_size_of_a_structure() -> None:
    """The size is found behind types of other kinds."""
    assert struct_size(btf(b"page", 64), "page") == 64


@pytest.mark.parametrize("content", [b"", b"\0" * 24, btf(b"pages", 64), btf(b"page", 64)[:40]])
def test_bad_type_information(content: bytes) -> None:
    """Type information that is none, is cut off, or lacks the structure is refused."""
    with pytest.raises(CaptureError):
        struct_size(content, "page")


@pytest.mark.parametrize("text", [b"0", b"x", b"99999999", b"-64"])
def test_impossible_size_of_struct_page(kit: Any, text: bytes) -> None:
    """A size that no kernel has is refused."""
    with pytest.raises(CaptureError, match="which no kernel has"):
        struct_page_size(open_capture(kit.write({0: b""}, kit.state({}) | {"struct_page_size": text})))
