"""A writer of small captures: ring-buffer pages, formats, lists, archives."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import zstandard

from mmprops.machines.physical.buddy_exact import follow_exactly
from mmprops.traces.archive import open_capture

HEADER_PAGE = """\
\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;
"""
HEADER_EVENT = """\
# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   27 bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == 30
\ttime_stamp : type == 31
\tdata max type_len  == 28
"""
COMMON = """\
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;
"""
VMEMMAP = 0xFFFFEA0000000000
PAGE_BYTES = 4096


def longs(*names: str) -> list[tuple[str, str, int, int, int]]:
    """The fields of an event that holds words of 64 bits, one behind the other."""
    return [("unsigned long", name, 8 + 8 * place, 8, 0) for place, name in enumerate(names)]


# Name in tracefs: (ID, [(C type, field, offset, size, signed)], struct of what follows the common header).
EVENTS: dict[str, tuple[int, list[tuple[str, str, int, int, int]], str]] = {
    "ftrace/print": (5, [("unsigned long", "ip", 8, 8, 0), ("char", "buf[]", 16, 0, 0)], ""),
    "kmem/mm_page_alloc": (
        11,
        [
            ("unsigned long", "pfn", 8, 8, 0),
            ("unsigned int", "order", 16, 4, 0),
            ("unsigned long", "gfp_flags", 24, 8, 0),
            ("int", "migratetype", 32, 4, 1),
        ],
        "<QI4xQi",
    ),
    "kmem/mm_page_free": (12, [("unsigned long", "pfn", 8, 8, 0), ("unsigned int", "order", 16, 4, 0)], "<QI"),
    "kmem/mm_page_alloc_zone_locked": (
        13,
        [
            ("unsigned long", "pfn", 8, 8, 0),
            ("unsigned int", "order", 16, 4, 0),
            ("int", "migratetype", 20, 4, 1),
            ("int", "percpu_refill", 24, 4, 1),
        ],
        "<QIii",
    ),
    "kmem/mm_page_pcpu_drain": (
        14,
        [("unsigned long", "pfn", 8, 8, 0), ("unsigned int", "order", 16, 4, 0), ("int", "migratetype", 20, 4, 1)],
        "<QIi",
    ),
    "kmem/mm_page_alloc_extfrag": (
        15,
        [("unsigned long", "pfn", 8, 8, 0)]
        + [
            ("int", name, 16 + 4 * place, 4, 1)
            for place, name in enumerate(
                ("alloc_order", "fallback_order", "alloc_migratetype", "fallback_migratetype", "change_ownership")
            )
        ],
        "<Qiiiii",
    ),
    "kprobes/isofree": (16, [("u64", "page", 16, 8, 0), ("u32", "order", 24, 4, 0)], "<8xQI"),
    "kprobes/isoret": (17, [("s32", "ret", 24, 4, 1)], "<16xi"),
    "compaction/mm_compaction_try_to_compact_pages": (
        18,
        [("int", "order", 8, 4, 1), ("unsigned long", "gfp_mask", 16, 8, 0), ("int", "prio", 24, 4, 1)],
        "<i4xQi",
    ),
    "compaction/mm_compaction_begin": (
        19,
        longs("zone_start", "migrate_pfn", "free_pfn", "zone_end"),
        "<QQQQ",
    ),
    "compaction/mm_compaction_end": (20, longs("zone_start"), "<Q"),
    "compaction/mm_compaction_finished": (21, [("int", "order", 8, 4, 1), ("int", "ret", 12, 4, 1)], "<ii"),
    "compaction/mm_compaction_isolate_migratepages": (
        22,
        longs("start_pfn", "end_pfn", "nr_taken"),
        "<QQQ",
    ),
    "compaction/mm_compaction_migratepages": (25, longs("nr_migrated", "nr_failed"), "<QQ"),
    "compaction/mm_compaction_isolate_freepages": (
        24,
        longs("start_pfn", "end_pfn", "nr_scanned", "nr_taken"),
        "<QQQQ",
    ),
    "compaction/mm_compaction_fast_isolate_freepages": (
        23,
        longs("start_pfn", "end_pfn", "nr_scanned", "nr_taken"),
        "<QQQQ",
    ),
}


def format_text(path: str) -> str:
    """The format of an event as tracefs prints it."""
    number, fields, _ = EVENTS[path]
    lines = [f"\tfield:{kind} {name};\toffset:{at};\tsize:{size};\tsigned:{sign};" for kind, name, at, size, sign in fields]
    return f"name: {path.split('/')[1]}\nID: {number}\nformat:\n{COMMON}\n" + "\n".join(lines) + "\n\nprint fmt: none\n"


@attrs.frozen
class Raw:
    """An event to be written."""

    time: int
    path: str
    values: tuple[Any, ...]
    pid: int = 1

    def payload(self) -> bytes:
        number, _, layout = EVENTS[self.path]
        head = struct.pack("<HBBi", number, 0, 0, self.pid)
        if self.path == "ftrace/print":
            return head + bytes(8) + self.values[0].encode() + b"\n\0"
        return head + struct.pack(layout, *self.values)


def event_bytes(delta: int, payload: bytes) -> bytes:
    """A data event with its header; short payloads carry their length in the type, longer ones in a word of their own."""
    padded = payload + bytes(-len(payload) % 4)
    extend = b""
    if delta >= 1 << 27:
        extend, delta = struct.pack("<II", 30 | (delta & (1 << 27) - 1) << 5, delta >> 27), 0
    if len(padded) <= 112:
        return extend + struct.pack("<I", len(padded) // 4 | delta << 5) + padded
    return extend + struct.pack("<II", delta << 5, len(payload) + 4) + padded


def page(start: int, data: bytes, flags: int = 0) -> bytes:
    """A page with the given committed data."""
    assert len(data) <= PAGE_BYTES - 16
    return struct.pack("<QQ", start, len(data) | flags) + data + bytes(PAGE_BYTES - 16 - len(data))


def pages(events: Iterable[Raw]) -> bytes:
    """The pages of one CPU that hold the events, in order."""
    done, data, start, now = b"", b"", 0, 0
    for event in events:
        if not data:
            start = now = event.time
        piece = event_bytes(event.time - now, event.payload())
        if len(data) + len(piece) > PAGE_BYTES - 16:
            done += page(start, data)
            data, start = b"", event.time
            piece = event_bytes(0, event.payload())
        data += piece
        now = event.time
    return done + page(start, data)


def archive(root: str, members: Mapping[str, bytes]) -> bytes:
    """A `.tar.zst` with a top folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{root}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return zstandard.ZstdCompressor(write_checksum=True).compress(packed.getvalue())


def lists_text(tag: str, zones: Iterable[Mapping[str, Any]], max_order: int = 10, types: Iterable[int] = (0,) * 64) -> bytes:
    """`lists.TAG.json` with zones given by node, zone, start_pfn, spanned and free blocks (pfn, order, type)."""
    made = []
    for zone in zones:
        free: list[list[list[int]]] = [[[], [], [], [], []] for _ in range(max_order + 1)]
        for pfn, order, kind in zone["blocks"]:
            free[order][kind].append(pfn)
        lists: list[list[int]] = [[] for _ in range(14)]
        pcp = [{"count": 0, "high": 0, "batch": 1, "lists": lists}]
        made.append({**{k: v for k, v in zone.items() if k != "blocks"}, "managed": zone["spanned"], "free": free, "pcp": pcp})
    return json.dumps({"tag": tag, "vmemmap_base": VMEMMAP, "zones": made, "pageblock_mt": list(types)}).encode()


def state_members(lists: Mapping[str, bytes], version: str = "6.12.1") -> dict[str, bytes]:
    """The state of a capture with these lists, by tag."""
    members = {"header_page": HEADER_PAGE.encode(), "header_event": HEADER_EVENT.encode(), "struct_page_size": b"64\n"}
    members["version"] = f"Linux version {version} (somebody)".encode()
    members |= {f"format/{path}": format_text(path).encode() for path in EVENTS}
    if version.startswith("6.1."):
        del members["format/compaction/mm_compaction_fast_isolate_freepages"]
    return members | {f"lists.{tag}.json": text for tag, text in lists.items()}


@attrs.frozen
class Writer:
    """Writes captures below a folder."""

    folder: Path

    def __call__(self, cpus: Mapping[int, bytes], state: Mapping[str, bytes], name: str = "P") -> Path:
        (self.folder / f"{name}-state.tar.zst").write_bytes(archive(name, state))
        raw = archive(f"{name}-raw", {f"cpu{cpu}": content for cpu, content in cpus.items()})
        (self.folder / f"{name}-trace-raw.tar.zst").write_bytes(raw)
        return self.folder / name


@attrs.frozen
class Kit:
    """The functions of this file, for tests: modules of tests do not import one another."""

    write: Writer
    raw: type[Raw] = Raw
    pages: Callable[[Iterable[Raw]], bytes] = pages
    page: Callable[..., bytes] = page
    event_bytes: Callable[[int, bytes], bytes] = event_bytes
    archive: Callable[[str, Mapping[str, bytes]], bytes] = archive
    lists: Callable[..., bytes] = lists_text
    state: Callable[..., dict[str, bytes]] = state_members
    format: Callable[[str], str] = format_text
    header_page: str = HEADER_PAGE
    header_event: str = HEADER_EVENT
    vmemmap: int = VMEMMAP

    def scene(self, *arguments: Any, **named: Any) -> Scene:
        """A machine and its events, to be foretold."""
        return Scene(self, *arguments, **named)


@attrs.define
class Scene:
    """A machine of one zone (or several), some events, and what its lists and pageblock types are at the end."""

    kit: Any
    version: str = "6.12.1"
    types: tuple[int, ...] = (1,) * 8
    nodes: int = 1
    events: list[tuple[int, str, tuple[Any, ...]]] = attrs.field(factory=list)
    before_start: list[tuple[int, str, tuple[Any, ...]]] = attrs.field(factory=list)
    at_start: list[tuple[int, str, tuple[Any, ...]]] = attrs.field(factory=list)
    """Events between the marker of START and the next."""
    after_pause: list[tuple[int, str, tuple[Any, ...]]] = attrs.field(factory=list)
    """Events between the marker of the pause and the next."""

    def zones(self, blocks: Sequence[tuple[int, int, int]]) -> list[dict[str, Any]]:
        """Zones of two largest blocks each."""
        made = []
        for node in range(self.nodes):
            start = 2048 * node
            inside = [block for block in blocks if start <= block[0] < start + 2048]
            made.append({"node": node, "zone": "Normal", "start_pfn": start, "spanned": 2048, "blocks": inside})
        return made

    def event(self, path: str, *values: Any, cpu: int = 0) -> Scene:
        """Add an event."""
        self.events.append((cpu, path, values))
        return self

    def play(
        self,
        engine: str,
        start: Sequence[tuple[int, int, int]],
        end: Sequence[tuple[int, int, int]],
        types: Sequence[int] = (),
        flags: bytes | None = None,
    ) -> Any:
        """Write the capture, and foretell it."""
        return self.play_zones(engine, self.zones(start), self.zones(end), types, flags)

    def play_zones(
        self, engine: str, start: Sequence[Any], end: Sequence[Any], types: Sequence[int] = (), flags: bytes | None = None
    ) -> Any:
        """The same for zones of any form."""
        return follow_exactly(open_capture(self.write(start, end, types, flags)), engine)

    def write(self, start: Sequence[Any], end: Sequence[Any], types: Sequence[int] = (), flags: bytes | None = None) -> Path:
        """Write the capture."""
        texts = {"START": self.kit.lists("START", start, types=self.types)}
        texts["END"] = self.kit.lists("END", end, types=types or self.types)
        state = self.kit.state(texts, self.version)
        if flags is not None:
            state["start/kpageflags"] = flags
        cpus: dict[int, list[Any]] = {0: []}
        marks = [
            *self.before_start,
            (0, "ftrace/print", ("SPIN START",)),
            *self.at_start,
            (0, "ftrace/print", ("go",)),
            *self.events,
            (0, "ftrace/print", ("SPIN END",)),
        ]
        marks += [*self.after_pause, (0, "ftrace/print", ("done",))]
        for time, (cpu, path, values) in enumerate(marks):
            cpus.setdefault(cpu, []).append(self.kit.raw(time + 1, path, values))
        path: Path = self.kit.write({cpu: self.kit.pages(raw) for cpu, raw in cpus.items()}, state)
        return path


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """What it takes to write a capture of one's own."""
    return Kit(Writer(tmp_path))
