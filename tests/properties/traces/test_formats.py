"""Event formats and typed records."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import pytest

from mmprops.traces.archive import CaptureError, open_capture
from mmprops.traces.formats import (
    BUDDY_EVENTS,
    Alloc,
    Event,
    ExtFrag,
    Field,
    Free,
    IsoFree,
    IsoRet,
    Marker,
    PcpuDrain,
    Tally,
    ZoneLocked,
    events,
    named,
    parse_format,
)


def test_format_of_an_event(kit: Any) -> None:
    """Name, number and fields are read, arrays among them."""
    read = parse_format(kit.format("ftrace/print"))
    assert (read.name, read.id) == ("print", 5)
    assert read.field("common_pid") == Field("common_pid", 4, 4, True)
    assert read.field("buf") == Field("buf", 16, 0, False)


@pytest.mark.parametrize(
    ("old", "new"), [("ID: 12", "ID: x"), ("name:", "nom:"), ("ID: 12", "ID: 65536"), ("size:8", "size:99999")]
)
def test_bad_format(kit: Any, old: str, new: str) -> None:
    """A format without name or number, or with a field outside any record, is refused."""
    with pytest.raises(CaptureError):
        parse_format(kit.format("kmem/mm_page_free").replace(old, new))


def test_every_record_is_read(kit: Any) -> None:
    """Each kind of event comes out with the values that were written, and those of its header."""
    wrote = [
        kit.raw(10, "kmem/mm_page_alloc", (512, 3, 0xDC0, 1), 77),
        kit.raw(11, "kmem/mm_page_free", (513, 0)),
        kit.raw(12, "kmem/mm_page_alloc_zone_locked", (514, 1, 2, 1)),
        kit.raw(13, "kmem/mm_page_pcpu_drain", (516, 2, 0)),
        kit.raw(14, "kmem/mm_page_alloc_extfrag", (520, 0, 3, 1, 2, 1)),
        kit.raw(15, "kprobes/isofree", (kit.vmemmap + 64 * 5, 0)),
        kit.raw(16, "kprobes/isoret", (-1,)),
        kit.raw(17, "ftrace/print", ("SPIN START",)),
        kit.raw(18, "kmem/mm_page_alloc", (2**64 - 1, 9, 0, 0)),
    ]
    tally = Tally()
    capture = open_capture(kit.write({4: kit.pages(wrote)}, kit.state({})))
    assert list(events(capture, BUDDY_EVENTS, tally)) == [
        Alloc(0, 10, 4, 77, 512, 3, 0xDC0, 1),
        Free(1, 11, 4, 1, 513, 0),
        ZoneLocked(2, 12, 4, 1, 514, 1, 2, 1),
        PcpuDrain(3, 13, 4, 1, 516, 2, 0),
        ExtFrag(4, 14, 4, 1, 520, 0, 3, 1, 2, 1),
        IsoFree(5, 15, 4, 1, kit.vmemmap + 320, 0),
        IsoRet(6, 16, 4, 1, -1),
        Marker(7, 17, 4, 1, "SPIN START\n"),
        Alloc(8, 18, 4, 1, -1, 9, 0, 0),
    ]
    assert tally == Tally(events=9, lost=0)


def test_unwanted_events_are_counted_but_not_made(kit: Any) -> None:
    """`seq` is the place among all events, wanted or not."""
    wrote = [kit.raw(time, "kmem/mm_page_free", (time, 0)) for time in range(5)] + [kit.raw(9, "ftrace/print", ("x",))]
    capture = open_capture(kit.write({0: kit.pages(wrote)}, kit.state({})))
    assert list(events(capture, (Marker,))) == [Marker(5, 9, 0, 1, "x\n")]


def test_a_new_kind_needs_no_change_of_the_decoder(kit: Any) -> None:
    """A record class of somebody else's is read by its path and field names."""

    @attrs.frozen
    class Order(Event):
        path: ClassVar[str] = "kmem/mm_page_free"
        size: int = attrs.field(metadata=named("order"))

    capture = open_capture(kit.write({0: kit.pages([kit.raw(1, "kmem/mm_page_free", (8, 3))])}, kit.state({})))
    assert [event.size for event in events(capture, (Order,)) if isinstance(event, Order)] == [3]


def test_field_that_the_kernel_has_not(kit: Any) -> None:
    """A kernel whose event lacks a wanted field is refused with the field's name."""
    state = kit.state({})
    state["format/kmem/mm_page_free"] = state["format/kmem/mm_page_free"].replace(b" order;", b" rank;")
    capture = open_capture(kit.write({0: kit.pages([])}, state))
    with pytest.raises(CaptureError, match="no field 'order'"):
        list(events(capture, (Free,)))


def test_record_shorter_than_its_format(kit: Any) -> None:
    """A record that ends before one of its fields is refused."""
    payload = kit.raw(1, "kmem/mm_page_free", (8, 3)).payload()[:16]
    capture = open_capture(kit.write({0: kit.page(0, kit.event_bytes(1, payload))}, kit.state({})))
    with pytest.raises(CaptureError, match="ends before its field 'order'"):
        list(events(capture, (Free,)))


def test_statistics_of_lost_events(kit: Any) -> None:
    """Events that a buffer dropped without a mark are in its statistics."""
    state = kit.state({}) | {"stats/cpu0": b"entries: 5\noverrun: 3\ncommit overrun: 0\ndropped events: 4\n"}
    tally = Tally()
    list(events(open_capture(kit.write({0: kit.pages([])}, state)), (Free,), tally))
    assert tally.lost == 7
