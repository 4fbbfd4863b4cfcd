"""The client ``kernel-pcp``: the kernel's own functions for per-CPU lists (mm/page_alloc.c, v6.12), compiled in user space.

Nothing of the kernel is in this project: the functions are taken, by name, from the source of Debian's package linux-source-6.12,
and put beside the program that ``examples/kernel/percpu.c`` makes of them, in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from importlib.resources import files
from pathlib import Path

from mmprops.clients.base import ClientError, Limits
from mmprops.clients.kernel_buddy import cache, missing, source
from mmprops.clients.process import ProcessClient

PAGE = "mm/page_alloc.c"
PART_1 = ("order_to_pindex", "pindex_to_order", "free_pcppages_bulk")
PART_2 = (
    "decay_pcp_high", "drain_pages_zone", "nr_pcp_free", "nr_pcp_high", "free_unref_page_commit", "nr_pcp_alloc",
    "zone_batchsize", "zone_highsize", "pageset_update", "__zone_set_pageset_high_and_batch", "zone_set_pageset_high_and_batch",
    "zone_pcp_update_cacheinfo",
)  # fmt: skip
"""The functions, in an order in which each is defined before it is called."""

ADAPTER = files("mmprops.examples") / "kernel" / "percpu.c"


def open_kernel_pcp(limits: Limits) -> ProcessClient:
    """Start the client, and build it the first time (ClientError: what is missing, or that it does not build)."""
    lacking, where = missing(), source()
    if lacking or where is None:
        raise ClientError(f"kernel-pcp needs {lacking}", hint=f"apt-get install {lacking}")
    return ProcessClient([str(built(kept_page(where, cache()), cache()))], limits)


def kept_page(where: Path, cache: Path) -> str:
    """Return mm/page_alloc.c, from the cache if it is there: it takes half a minute to find in an archive."""
    found = where.stat()
    digest = hashlib.sha256(f"{where.resolve()} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:16]
    kept = cache / f"page_alloc-{digest}.c"
    if not kept.exists():
        page = page_of(where)
        cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(page, encoding="utf-8")
        partial.replace(kept)
    return kept.read_text(encoding="utf-8")


def page_of(where: Path) -> str:
    """Return mm/page_alloc.c out of a kernel's source, a folder or an archive (ClientError: it is not there)."""
    if where.is_dir():
        if (where / PAGE).is_file():
            return (where / PAGE).read_text(encoding="utf-8")
        raise ClientError(f"{where} has no {PAGE}", hint="take the source of Debian's package linux-source-6.12")
    command = ["tar", "-xOf", str(where), "--wildcards", f"*/{PAGE}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise ClientError(f"cannot unpack {where}: {said[0]}", hint=f"an archive that holds {PAGE}")
    return done.stdout


def function(page: str, name: str) -> str:
    """Return the definition of a function (ClientError: the page has none of that name)."""
    found = re.search(rf"^(?!\s)[^\n;{{}}#/]*\b{name}\([^;{{]*?\)\s*\n\{{.*?\n\}}\n", page, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ClientError(f"{PAGE} has no function {name}", hint="take the source of Debian's package linux-source-6.12")
    return found[0]


def built(page: str, cache: Path) -> Path:
    """Return the adapter's program over the functions of a page (ClientError: what the compiler said)."""
    parts = ["\n".join(function(page, name) for name in names) for names in (PART_1, PART_2)]
    adapter = ADAPTER.read_text(encoding="utf-8")
    digest = hashlib.sha256("".join([adapter, *parts]).encode()).hexdigest()[:16]
    folder = cache / f"percpu-{digest}"
    program = folder / "percpu"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts, 1):
        (folder / f"part_{number}.c").write_text(part, encoding="utf-8")
    partial = program.with_suffix(f".{os.getpid()}")
    defines = [f'-DPART_{number}="part_{number}.c"' for number in (1, 2)]
    command = ["gcc", "-std=gnu11", "-O2", "-w", "-I.", *defines, "-o", str(partial), "-xc", "-"]
    done = subprocess.run(command, cwd=folder, input=adapter, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise ClientError(f"{PAGE} does not build: {said[0]}", hint="take the source of Debian's package linux-source-6.12")
    partial.replace(program)
    return program
