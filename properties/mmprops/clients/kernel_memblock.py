"""The client ``kernel-memblock``: the kernel's own ``mm/memblock.c`` (v6.12), compiled in user space.

As with ``gpu-buddy``, whose ways these are, the source is that of Debian's package linux-source-6.12.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from mmprops.clients import kernel_buddy
from mmprops.clients.base import ClientError, Limits
from mmprops.clients.process import ProcessClient

PAGE = "mm/memblock.c"
NEEDED = (PAGE, "include/linux/memblock.h")
"""What is taken from the kernel's source."""

EMPTY = (
    *(
        f"linux/{name}.h"
        for name in ("kernel", "slab", "init", "bitops", "poison", "pfn", "debugfs", "kmemleak", "seq_file", "io")
    ),
    "linux/mm.h",
    "asm/sections.h",
    "asm/dma.h",
    "internal.h",
)
"""Headers that memblock asks for; what it wants of them is in the adapter."""

ADAPTER = files("mmprops.examples") / "kernel" / "memblock.c"


def built(folder: Path) -> Path:
    """Return the adapter's program over the unpacked source (ClientError: what the compiler said)."""
    return kernel_buddy.compiled(folder, ADAPTER.read_text(encoding="utf-8"), PAGE, EMPTY)


def open_kernel_memblock(limits: Limits) -> ProcessClient:
    """Start the client, and build it the first time (ClientError: what is missing, or that it does not build)."""
    lacking, where = kernel_buddy.missing(), kernel_buddy.source()
    if lacking or where is None:
        raise ClientError(f"kernel-memblock needs {lacking}", hint=f"apt-get install {lacking}")
    return ProcessClient([str(built(kernel_buddy.unpacked(where, kernel_buddy.cache(), NEEDED)))], limits)
