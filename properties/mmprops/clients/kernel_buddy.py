"""The client ``gpu-buddy``: the kernel's own ``drivers/gpu/buddy.c`` (v6.12), compiled in user space.

Nothing of the kernel is in this project: the source is that of Debian's package linux-source-6.12. The few files that are
needed are unpacked into the user's cache, beside the program that ``examples/kernel/gpu_buddy.c`` makes of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from mmprops.clients.base import ClientError, Limits
from mmprops.clients.process import ProcessClient

DEFAULT_SOURCES = (Path("/usr/src/linux-source-6.12"), Path("/usr/src/linux-source-6.12.tar.xz"))
NEEDED = ("drivers/gpu/buddy.c", "include/linux/gpu_buddy.h", "tools/lib/rbtree.c", "tools/include")
"""What is taken from the kernel's source: the allocator, its header, and the kernel's own user-space headers."""

EMPTY = (
    "linux/module.h",
    "linux/export.h",
    "linux/slab.h",
    "linux/sched.h",
    "linux/kmemleak.h",
    "kunit/test-bug.h",
    "drm/drm_print.h",
)
"""Headers that the allocator asks for and that have nothing to say here."""

ADAPTER = files("mmprops.examples") / "kernel" / "gpu_buddy.c"


def source() -> Path | None:
    """Return the kernel's source, a folder or an archive, or None: MMSPEC_KERNEL_SOURCE, or below /usr/src."""
    named = os.environ.get("MMSPEC_KERNEL_SOURCE")
    candidates = (Path(named),) if named else DEFAULT_SOURCES
    return next((path for path in candidates if path.exists()), None)


def missing() -> str | None:
    """Return the Debian packages that this client lacks here, or None."""
    lacking = [] if source() else ["linux-source-6.12"]
    if shutil.which("gcc") is None:
        lacking += ["gcc"]
    return " ".join(lacking) or None


def open_gpu_buddy(limits: Limits, *arguments: str) -> ProcessClient:
    """Start the client, and build it the first time (ClientError: what is missing, or that it does not build)."""
    lacking = missing()
    where = source()
    if lacking or where is None:
        raise ClientError(f"gpu-buddy needs {lacking}", hint=f"apt-get install {lacking}")
    return ProcessClient([str(built(unpacked(where, cache()))), *arguments], limits)


def cache() -> Path:
    """Return this project's part of the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mmspec"


def unpacked(where: Path, cache: Path, needed: Sequence[str] = NEEDED) -> Path:
    """Return the folder of what is needed of a kernel's source; it takes half a minute the first time."""
    found = where.stat()
    folder = cache / f"linux-{_digest(f'{where.resolve()} {found.st_size} {found.st_mtime_ns} {needed}')}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # A rename puts the folder there whole or not at all; another process may be quicker.
        with tempfile.TemporaryDirectory(dir=cache, prefix="unpacking-") as working:
            unpack(where, Path(working) / "linux", needed)
            with contextlib.suppress(OSError):
                (Path(working) / "linux").rename(folder)
    return folder


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def unpack(where: Path, folder: Path, needed: Sequence[str] = NEEDED) -> None:
    """Copy what is needed of a kernel's source, a folder or an archive, into ``folder``."""
    folder.mkdir(parents=True)
    if where.is_dir():
        for name in needed:
            copy = shutil.copytree if (where / name).is_dir() else shutil.copy
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(where / name, folder / name)
        return
    patterns = [f"*/{name}" for name in needed]
    options = ["-C", str(folder), "--strip-components=1", "--wildcards", "--no-wildcards-match-slash"]
    done = subprocess.run(["tar", "-xf", str(where), *options, *patterns], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise ClientError(f"cannot unpack {where}: {said[0]}", hint=f"an archive that holds {', '.join(needed)}")


def built(folder: Path, behind: str = "") -> Path:
    """Return the adapter's program over the unpacked source (ClientError: what the compiler said).

    With C text ``behind`` the adapter's: the two as a shared library.
    """
    adapter = ADAPTER.read_text(encoding="utf-8") + behind
    return compiled(folder, adapter, "drivers/gpu/buddy.c", EMPTY, ("-Itools/include", *(["-shared", "-fPIC"] if behind else [])))


def compiled(folder: Path, adapter: str, page: str, empty: Sequence[str], options: Sequence[str] = ()) -> Path:
    """Return the program that an adapter makes of a page of the kernel's source (ClientError: what the compiler said).

    Headers in ``empty`` have nothing to say.
    """
    program = folder / f"{Path(page).parent.name}_{Path(page).stem}-{_digest(adapter)}"
    if program.exists():
        return program
    for name in empty:
        header = folder / "empty" / name
        header.parent.mkdir(parents=True, exist_ok=True)
        header.touch()
    partial = program.with_suffix(f".{os.getpid()}")
    command = ["gcc", "-std=gnu11", "-O2", "-w", "-Iempty", "-Iinclude", "-I.", *options, "-o", str(partial), "-xc", "-"]
    done = subprocess.run(command, cwd=folder, input=adapter, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        hint = "take the source of Debian's package linux-source-6.12"
        raise ClientError(f"{page} does not build: {said[0]}", hint=hint)
    partial.replace(program)
    return program
