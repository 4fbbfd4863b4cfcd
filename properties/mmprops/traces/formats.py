"""The capture's own event formats, and typed records of the events that some part of this project reads.

tracefs describes each event in a text (`events/SYSTEM/NAME/format`): its number and the offset, size and sign of each
field. Nothing about records is assumed here beyond these texts.

A record class per event names the event (`path`) and, as its attributes, the fields it wants.
Another component adds a class of its own, as frozen `attrs` with slots below `Event`, and hands it to `events`: the decoder
does not change. Metadata of an attribute (`named(...)`, `SIGNED`) rename a field, or read an unsigned one as signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from .archive import Capture, CaptureError
from .ringbuffer import Batch, Ints, batches

_NAME = re.compile(r"^name:\s*(\S+)\s*$", re.MULTILINE)
_ID = re.compile(r"^ID:\s*(\d{1,6})\s*$", re.MULTILINE)
_FIELD = re.compile(
    r"\s*field:[^;]*?\b(?P<name>\w+)(?:\[[^\]]*\])?;\s*offset:(?P<offset>\d{1,6});"
    r"\s*size:(?P<size>\d{1,6});\s*signed:(?P<signed>[01]);"
)
_FIELD_LINE = 512
_FIELD_END = 2**16


@attrs.frozen
class Field:
    """One field of a raw record: offset and size in bytes; size 0 is text up to the record's end."""

    name: str
    offset: int
    size: int
    signed: bool


@attrs.frozen
class Format:
    """One event's raw record."""

    name: str
    id: int
    fields: Mapping[str, Field]

    def field(self, name: str) -> Field:
        """Return a field; raises `CaptureError` where this kernel's event has none of that name."""
        if name not in self.fields:
            raise CaptureError(f"format of {self.name}", f"has no field {name!r}", "this kernel's events are not supported")
        return self.fields[name]


def parse_format(text: str, where: object = "format") -> Format:
    """Read one format text; raises `CaptureError`."""
    name, number = _NAME.search(text), _ID.search(text)
    if name is None or number is None or int(number[1]) >= 2**16:
        raise CaptureError(where, "has no name or no ID", "name a capture with event formats")
    fields = {}
    for line in text.splitlines():
        match = _FIELD.match(line) if len(line) <= _FIELD_LINE else None
        if match is None:
            continue
        field = Field(match["name"], int(match["offset"]), int(match["size"]), match["signed"] == "1")
        if field.offset + field.size > _FIELD_END:
            raise CaptureError(where, f"puts field {field.name!r} outside any record")
        fields[field.name] = field
    return Format(name[1], int(number[1]), fields)


def read_format(capture: Capture, path: str) -> Format:
    """Read the format of an event named as in tracefs, `kmem/mm_page_free`."""
    member = f"format/{path}"
    return parse_format(capture.text(member), f"{capture.path} {member}")


def column(batch: Batch, rows: Ints, field: Field, where: object = "trace") -> npt.NDArray[Any]:
    """Return one field of the batch's events at `rows`; raises `CaptureError` where a record ends before it."""
    if field.size not in (1, 2, 4, 8):
        raise CaptureError(where, f"field {field.name!r} has {field.size} bytes", "this kernel's events are not supported")
    short = batch.length[rows] < field.offset + field.size
    if short.any():
        raise CaptureError(where, f"an event ends before its field {field.name!r}: the page is damaged")
    index = batch.at[rows, None] + np.arange(field.offset, field.offset + field.size)
    kind = f"<{'i' if field.signed else 'u'}{field.size}"
    return np.ascontiguousarray(batch.data[index]).view(kind).reshape(len(rows))


def texts(batch: Batch, rows: Ints, field: Field) -> list[str]:
    """Return a field of open length: the text up to the first NUL."""
    found = []
    for at, length in zip(batch.at[rows].tolist(), batch.length[rows].tolist(), strict=True):
        raw = batch.data[at + field.offset : at + length].tobytes()
        found.append(raw.partition(b"\0")[0].decode("utf-8", "replace"))
    return found


def named(name: str) -> dict[str, Any]:
    """Metadata of a record's attribute whose field has another name."""
    return {"name": name}


SIGNED: dict[str, Any] = {"signed": True}
"""Metadata of a record's attribute that is signed although its format says not: a PFN of -1."""


@attrs.frozen
class Event:
    """What every event has."""

    path: ClassVar[str]
    """The event's name in tracefs."""
    seq: int
    """Place among all events of the capture, from 0."""
    time: int
    """Trace clock: nanoseconds, or a count where the clock is `counter`."""
    cpu: int
    pid: int = attrs.field(metadata=named("common_pid"))


@attrs.frozen
class Alloc(Event):
    """The page allocator answered a request; `pfn` is -1 where it failed (`trace_mm_page_alloc`)."""

    path: ClassVar[str] = "kmem/mm_page_alloc"
    pfn: int = attrs.field(metadata=SIGNED)
    order: int
    gfp_flags: int
    migratetype: int


@attrs.frozen
class Free(Event):
    """A block was given back; emitted before it goes to a per-CPU list or the buddy (`free_pages_prepare`)."""

    path: ClassVar[str] = "kmem/mm_page_free"
    pfn: int
    order: int


@attrs.frozen
class FreeBatched(Event):
    """A page of a batch, already announced by `Free`, goes to a per-CPU list (`free_unref_folios`)."""

    path: ClassVar[str] = "kmem/mm_page_free_batched"
    pfn: int


@attrs.frozen
class ZoneLocked(Event):
    """A block was removed from the free list of its own type, under the zone's lock (`__rmqueue_smallest`)."""

    path: ClassVar[str] = "kmem/mm_page_alloc_zone_locked"
    pfn: int = attrs.field(metadata=SIGNED)
    order: int
    migratetype: int
    percpu_refill: int


@attrs.frozen
class PcpuDrain(Event):
    """A block went from a per-CPU list to the buddy, under the zone's lock (`free_pcppages_bulk`)."""

    path: ClassVar[str] = "kmem/mm_page_pcpu_drain"
    pfn: int
    order: int
    migratetype: int


@attrs.frozen
class ExtFrag(Event):
    """A request was served from another type's list, by claiming a pageblock or by stealing a block."""

    path: ClassVar[str] = "kmem/mm_page_alloc_extfrag"
    pfn: int
    alloc_order: int
    fallback_order: int
    alloc_migratetype: int
    fallback_migratetype: int
    change_ownership: int


@attrs.frozen
class IsoFree(Event):
    """`__isolate_free_page` was entered (kprobe); `page` is the address of a struct page."""

    path: ClassVar[str] = "kprobes/isofree"
    page: int
    order: int


@attrs.frozen
class IsoRet(Event):
    """`__isolate_free_page` returned (kretprobe): the number of frames taken, 0 where the watermark forbade it."""

    path: ClassVar[str] = "kprobes/isoret"
    ret: int


@attrs.frozen
class Marker(Event):
    """A line that the workload wrote to `trace_marker`."""

    path: ClassVar[str] = "ftrace/print"
    buf: str

    @property
    def line(self) -> str:
        """The line without its end."""
        return self.buf.rstrip("\n")


BUDDY_EVENTS: tuple[type[Event], ...] = (ZoneLocked, Alloc, Free, PcpuDrain, ExtFrag, IsoFree, IsoRet, Marker)
"""What moves frames between the buddy and the outside, with what is needed to read it."""


@attrs.frozen
class _Reader:
    """How one record class is made from columns."""

    kind: type[Event]
    format: Format
    fields: tuple[Field, ...]

    def column(self, batch: Batch, rows: Ints, attribute: str) -> npt.NDArray[Any]:
        place = [one.name for one in attrs.fields(self.kind)[3:]].index(attribute)
        return column(batch, rows, self.fields[place], f"event {self.kind.path}")

    def records(self, batch: Batch, rows: Ints, seq: int) -> list[Event]:
        columns: list[list[Any]] = [(rows + seq).tolist(), batch.time[rows].tolist(), batch.cpu[rows].tolist()]
        for wanted in self.fields:
            if wanted.size:
                columns.append(column(batch, rows, wanted, f"event {self.kind.path}").tolist())
            else:
                columns.append(list(texts(batch, rows, wanted)))
        return list(map(self.kind, *columns))


def _reader(capture: Capture, kind: type[Event]) -> _Reader:
    layout = read_format(capture, kind.path)
    fields = []
    for attribute in attrs.fields(kind)[3:]:
        wanted = layout.field(attribute.metadata.get("name") or attribute.name)
        signed = attribute.metadata.get("signed")
        fields.append(wanted if signed is None else attrs.evolve(wanted, signed=signed))
    return _Reader(kind, layout, tuple(fields))


@attrs.frozen(eq=False)
class Table:
    """A batch of events, of whose wanted ones records are made where they are asked for."""

    batch: Batch
    seq: int
    """Place of the first event among all of the capture."""
    readers: Mapping[type[Event], _Reader]

    def rows(self, kind: type[Event]) -> Ints:
        """Return the rows of the events of a kind; none where the capture has no format of it."""
        reader = self.readers.get(kind)
        return np.flatnonzero(self.batch.ids == (-1 if reader is None else reader.format.id))

    def column(self, kind: type[Event], attribute: str, rows: Ints) -> npt.NDArray[Any]:
        """Return an attribute of the events of a kind at `rows`; raises `CaptureError` where a record ends before it."""
        reader = self.readers.get(kind)
        return np.zeros(0, np.int64) if reader is None else reader.column(self.batch, rows, attribute)

    def records(self, which: npt.NDArray[np.bool_]) -> tuple[Ints, list[Any]]:
        """Return the rows of all wanted events, and for each its record, or None where `which` does not ask for it."""
        out = np.empty(len(self.batch), object)
        wanted = np.zeros(len(self.batch), bool)
        for kind, reader in self.readers.items():
            rows = self.rows(kind)
            wanted[rows] = True
            rows = rows[which[rows]]
            out[rows] = reader.records(self.batch, rows, self.seq)
        rows = np.flatnonzero(wanted)
        return rows, out[rows].tolist()

    def record(self, row: int) -> Event:
        """Return the record of one wanted event."""
        reader = next(reader for reader in self.readers.values() if reader.format.id == self.batch.ids[row])
        return reader.records(self.batch, np.array([row]), self.seq)[0]


@attrs.define
class Tally:
    """Counts of a reading, complete once the events have been read to the end."""

    events: int = 0
    lost: int = 0
    """Places where events were lost, or events that the buffers' own statistics say were lost."""


def events(capture: Capture, kinds: tuple[type[Event], ...], tally: Tally | None = None) -> Iterator[Event]:
    """Yield the typed records of the wanted events, in the order of the trace; raises `CaptureError`.

    Kinds that the capture has no format of are not in it and are passed over; what must be there is the caller's to check
    with `capture.has`. `tally` counts all events, wanted or not.
    """
    for table in tables(capture, kinds, tally if tally is not None else Tally()):
        yield from table.records(np.ones(len(table.batch), bool))[1]


def tables(capture: Capture, kinds: tuple[type[Event], ...], tally: Tally) -> Iterator[Table]:
    """Yield the events of a capture batch by batch, as `events` does one by one; raises `CaptureError`."""
    readers = {kind: _reader(capture, kind) for kind in kinds if capture.has(f"format/{kind.path}")}
    tally.lost += lost_by_statistics(capture)
    for batch in batches(capture):
        tally.lost += batch.lost
        table = Table(batch, tally.events, readers)
        tally.events += len(batch)
        yield table


def lost_by_statistics(capture: Capture) -> int:
    """Return how many events the buffers' statistics (`stats/cpuN`) say were overwritten or dropped."""
    lost = 0
    for member in capture.members():
        if member.startswith("stats/"):
            counts = re.findall(r"^(overrun|commit overrun|dropped events):\s*(\d{1,20})\s*$", capture.text(member), re.MULTILINE)
            lost += sum(int(count) for _, count in counts)
    return lost
