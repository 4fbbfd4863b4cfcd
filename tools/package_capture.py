"""Make the packaged capture: the part of a one-CPU capture from START to MID, small enough for the wheel.

    python tools/package_capture.py CAPTURE OUT

reads CAPTURE (a directory or prefix) and writes OUT-state.tar.zst and OUT-trace-raw.tar.zst. Ring-buffer pages are kept
whole and as they are, from the one with the first `SNAP start` marker to the one with the marker after `SPIN MID`. Of the
members all are kept but those of END, the type information (the size of struct page takes its place), the symbols, and
what tells of the machine on which the capture was made. The same input gives the same output.
"""

from __future__ import annotations

import argparse
import io
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import zstandard

from mmprops.traces.archive import Capture, CaptureError, RawPages, open_capture
from mmprops.traces.btf import SIZE_MEMBER, struct_page_size
from mmprops.traces.formats import Marker, read_format, texts
from mmprops.traces.ringbuffer import decode, parse_layout

LIMIT = 4 * 2**20
"""Most bytes that the packaged capture may have, both archives together."""

_FIRST = "SNAP start"
_LAST = "SPIN MID"
_LEFT_OUT = ("btf", "kallsyms", "lists.END.json", "end/", "regs.", "argv.json", "serial", "dmesg.end", "oom_scores", "debugfs_ls")
_LEVEL = 22
_WINDOW_LOG = 27


def state_members(capture: Capture) -> dict[str, bytes]:
    """Return the members that are kept, and the size of struct page."""
    kept = {name: capture.read(name) for name in capture.members() if not name.startswith(_LEFT_OUT)}
    kept[SIZE_MEMBER] = b"%d\n" % struct_page_size(capture)
    return kept


def marked_pages(capture: Capture, pages: RawPages) -> bytes:
    """Return the pages from the first marker to the one after the last; raises `CaptureError` where they are not there."""
    layout = parse_layout(capture.text("header_page"), capture.text("header_event"), capture.path)
    marker = read_format(capture, Marker.path)
    kept, offset, lines = bytearray(), 0, list[str]()
    for page in pages.chunks(layout.page_size):
        batch = decode(page, layout, pages.cpu, pages.where, offset)
        offset += len(page)
        lines += [line.rstrip("\n") for line in texts(batch, np.flatnonzero(batch.ids == marker.id), marker.field("buf"))]
        if any(line.startswith(_FIRST) for line in lines):
            kept += page
        if _LAST in lines[:-1]:
            return bytes(kept)
    raise CaptureError(pages.where, f"lacks {_FIRST!r} or a marker after {_LAST!r}", "name a capture of one CPU")


def write_archive(path: Path, root: str, members: Mapping[str, bytes]) -> int:
    """Write a `.tar.zst` with nothing in it that depends on when or by whom, and return its size."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(members.items()):
            info = tarfile.TarInfo(f"{root}/{name}")
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    options = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=_WINDOW_LOG, enable_ldm=True, write_checksum=True)
    path.write_bytes(zstandard.ZstdCompressor(compression_params=options).compress(packed.getvalue()))
    return path.stat().st_size


def main() -> int:
    """Run the command; the exit code is 0 where the capture was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    try:
        capture = open_capture(arguments.capture)
        raw = {f"cpu{pages.cpu}": marked_pages(capture, pages) for pages in capture.cpu_buffers()}
        state = state_members(capture)
    except CaptureError as error:
        print(error, file=sys.stderr)
        return 4
    name = arguments.out.name
    size = write_archive(arguments.out.parent / f"{name}-trace-raw.tar.zst", f"{name}-raw", raw)
    size += write_archive(arguments.out.parent / f"{name}-state.tar.zst", name, state)
    print(f"{size} bytes")
    return 0 if size <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
