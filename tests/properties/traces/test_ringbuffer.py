"""Ring-buffer pages: every kind of event header, damage, and the merging of CPUs."""

from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np
import pytest

from mmprops.traces import ringbuffer
from mmprops.traces.archive import CaptureError, open_capture
from mmprops.traces.ringbuffer import Batch, Layout, batches, decode, parse_layout

DATA = struct.pack("<HHi", 7, 0, 1)


@pytest.fixture
def layout(kit: Any) -> Layout:
    """The layout of Linux on x86-64."""
    return parse_layout(kit.header_page, kit.header_event)


def header(kind: int, delta: int = 0) -> bytes:
    """An event header."""
    return struct.pack("<I", kind | delta << 5)


def times(batch: Batch) -> list[int]:
    """The times of a batch."""
    return [int(time) for time in batch.time]


def test_layout_of_x86(layout: Layout) -> None:
    """The texts that Linux 6.12 prints give the page and the type numbers."""
    assert layout == Layout(4096, 8, 16, 29, 30, 31, 28)


@pytest.mark.parametrize(
    ("old", "new"),
    [("timestamp", "other"), ("size:4080", "size:4081"), ("offset:8;", "offset:4;"), ("local_t commit", "local_t x")],
)
def test_unknown_page_header(kit: Any, old: str, new: str) -> None:
    """A page header that is not understood is refused."""
    with pytest.raises(CaptureError, match="header_page"):
        parse_layout(kit.header_page.replace(old, new), kit.header_event)


@pytest.mark.parametrize(("old", "new"), [("type == 30", "type = 30"), ("max type_len", "max"), ("27 bits", "26 bits")])
def test_unknown_event_header(kit: Any, old: str, new: str) -> None:
    """An event header that is not understood is refused."""
    with pytest.raises(CaptureError, match="header_event"):
        parse_layout(kit.header_page, kit.header_event.replace(old, new))


def test_short_and_long_events(kit: Any, layout: Layout) -> None:
    """The length is in the type for at most 112 bytes, and else in a word before the data."""
    payloads = [DATA, DATA + bytes(104), DATA + bytes(105), DATA + b"x" * 300]
    page = kit.page(1000, b"".join(kit.event_bytes(5, payload) for payload in payloads))
    batch = decode(page, layout, 2, "t")
    assert [batch.data[at : at + len(p)].tobytes() for at, p in zip(batch.at, payloads, strict=True)] == payloads
    assert times(batch) == [1005, 1010, 1015, 1020]
    assert batch.ids.tolist() == [7] * 4
    assert batch.cpu.tolist() == [2] * 4


def test_time_extend_adds_a_wide_delta(kit: Any, layout: Layout) -> None:
    """A time extension adds 59 bits to the time."""
    delta = (1 << 40) + 3
    extend = header(30, delta & (1 << 27) - 1) + struct.pack("<I", delta >> 27)
    page = kit.page(10, extend + kit.event_bytes(1, DATA))
    assert times(decode(page, layout, 0, "t")) == [10 + delta + 1]


def test_time_stamp_is_absolute(kit: Any, layout: Layout) -> None:
    """A time stamp sets the lower 59 bits and keeps the upper five."""
    start, stamp = (1 << 60) + 5, (1 << 50) + 77
    words = header(31, stamp & (1 << 27) - 1) + struct.pack("<I", stamp >> 27)
    page = kit.page(start, words + kit.event_bytes(2, DATA))
    assert times(decode(page, layout, 0, "t")) == [(1 << 60) + stamp + 2]


def test_padding_is_passed_over(kit: Any, layout: Layout) -> None:
    """A discarded event is skipped without its time; padding without a delta ends the page."""
    discarded = header(29, 9) + struct.pack("<I", 12) + bytes(8)
    rest = header(29) + DATA
    page = kit.page(0, kit.event_bytes(1, DATA) + discarded + kit.event_bytes(1, DATA) + rest)
    assert times(decode(page, layout, 0, "t")) == [1, 2]


def test_empty_page(kit: Any, layout: Layout) -> None:
    """A page without data holds no event."""
    assert len(decode(kit.page(5, b""), layout, 0, "t")) == 0


@pytest.mark.parametrize("flags", [1 << 31, 3 << 30])
def test_lost_events_are_counted(kit: Any, layout: Layout, flags: int) -> None:
    """A page before which events were lost says so, whether or not it says how many."""
    page = kit.page(0, kit.event_bytes(1, DATA), flags)
    assert decode(page + kit.page(5, b""), layout, 0, "t").lost == 1


def test_order_within_and_between_pages(kit: Any, layout: Layout) -> None:
    """Events come in the order of the pages, though pages are walked abreast."""
    first = kit.page(100, b"".join(kit.event_bytes(1, DATA) for _ in range(5)))
    second = kit.page(50, b"".join(kit.event_bytes(1, DATA) for _ in range(9)))
    assert times(decode(first + second, layout, 0, "t")) == [*range(101, 106), *range(51, 60)]


def test_half_a_page(kit: Any, layout: Layout) -> None:
    """A trace that ends inside a page names the place."""
    with pytest.raises(CaptureError, match="t offset 12288: ends 4000 bytes short of a page"):
        decode(kit.page(0, b"") + bytes(96), layout, 0, "t", 8192)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (header(28), 16),  # data beyond the commit
        (header(0) + struct.pack("<I", 4096), 16),
        (header(0) + struct.pack("<I", 3), 16),
        (header(0) + struct.pack("<I", 0xFFFFFFFF), 16),
        (header(30), 16),
        (header(29, 1) + struct.pack("<I", 0), 16),
        (header(2) + DATA + header(31), 28),
    ],
)
def test_event_that_does_not_fit(kit: Any, layout: Layout, data: bytes, offset: int) -> None:
    """An event that reaches beyond the data names the byte of the file where it begins."""
    with pytest.raises(CaptureError, match=f"t offset {4096 + offset}: no event can be here"):
        decode(kit.page(0, b"") + kit.page(0, data), layout, 0, "t")


@pytest.mark.parametrize("commit", [4081, 4084, 2**30 - 1, 6])
def test_commit_beyond_the_page(layout: Layout, commit: int) -> None:
    """A commit word that no page can have names the page."""
    with pytest.raises(CaptureError, match="t offset 0: page claims"):
        decode(struct.pack("<QQ", 0, commit) + bytes(4080), layout, 0, "t")


def test_random_bytes_never_give_a_traceback(layout: Layout, seed: int) -> None:
    """Any page is decoded or refused."""
    rng = random.Random(seed)
    refused = 0
    for _ in range(300):
        page = struct.pack("<QQ", 0, rng.randrange(0, 4084, 4)) + rng.randbytes(4080)
        try:
            batch = decode(page, layout, 0, "t")
        except CaptureError:
            refused += 1
        else:
            assert bool(np.all(batch.at + batch.length <= 4096))
    assert refused > 200


def marks(kit: Any, cpus: dict[int, list[tuple[int, str]]]) -> list[tuple[int, int, bytes]]:
    """Write markers, read them back: (cpu, time, first byte of the text)."""
    content = {cpu: kit.pages([kit.raw(time, "ftrace/print", (text,)) for time, text in lines]) for cpu, lines in cpus.items()}
    capture = open_capture(kit.write(content, kit.state({})))
    return [
        (int(batch.cpu[row]), int(batch.time[row]), batch.data[batch.at[row] + 16 :][:1].tobytes())
        for batch in batches(capture)
        for row in range(len(batch))
    ]


def test_cpus_are_merged_by_time(kit: Any) -> None:
    """Events of several CPUs come in the order of the clock; at equal times the lower CPU is first."""
    found = marks(kit, {0: [(1, "a"), (5, "b"), (9, "c")], 1: [(2, "d"), (5, "e")], 7: [(0, "f"), (20, "g")]})
    assert b"".join(text for _, _, text in found) == b"fadbecg"


def test_merging_many_events_keeps_each_cpu_in_order(kit: Any, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over many pieces the merged times ascend and each CPU's events keep their order."""
    monkeypatch.setattr(ringbuffer, "_CHUNK_PAGES", 1)
    rng = random.Random(seed)
    cpus: dict[int, list[tuple[int, str]]] = {}
    for cpu in range(3):
        time = 0
        cpus[cpu] = []
        for number in range(rng.randrange(500, 3000)):
            time += rng.randrange(0, 5)
            cpus[cpu].append((time, chr(33 + number % 90)))
    found = marks(kit, cpus)
    assert [time for _, time, _ in found] == sorted(time for lines in cpus.values() for time, _ in lines)
    for cpu, lines in cpus.items():
        assert [(time, text.decode()) for owner, time, text in found if owner == cpu] == lines


def test_a_cpu_without_events(kit: Any) -> None:
    """A CPU whose buffer is empty does not hold up the others."""
    assert [time for _, time, _ in marks(kit, {0: [(1, "a")], 1: [], 2: [(3, "b")]})] == [1, 3]


def test_time_never_runs_backwards_within_a_cpu(kit: Any) -> None:
    """The order of a CPU's buffer is the order of its events, whatever a page's stamp says."""
    raw = [kit.pages([kit.raw(time, "ftrace/print", (text,))]) for time, text in ((9, "a"), (4, "b"))]
    capture = open_capture(kit.write({0: b"".join(raw)}, kit.state({})))
    assert [times(batch) for batch in batches(capture)] == [[9, 9]]
