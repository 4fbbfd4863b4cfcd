"""What a zone takes: bytes a page, as the allocators of NumPy and Python count, whatever the implementation says of itself."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from mmimpl.physical.buddy import Buddy
from mmprops.bench.row import Effort, Finding, Row
from mmspec.physical.buddy.ops import Config

PAGES = 1 << 20
ALLOWED = 10.0


def measure(_: Effort) -> Iterator[Finding]:
    """Make a zone and count what it keeps."""
    yield Row("memory 2^20", "bytes/page", kept(PAGES) / PAGES, {"allowed": ALLOWED}, 1.0)


def kept(pages: int) -> int:
    """Return how many bytes an implementation of a zone keeps allocated."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        zone = Buddy(Config(0, pages))
        after, _ = tracemalloc.get_traced_memory()
        del zone
    finally:
        tracemalloc.stop()
    return after - before
