"""A capture as named members and raw trace pages.

A capture is one of (`INTERFACES.md` section 3):

- a prefix `P` for `P-state.tar.zst` and `P-trace-raw.tar.zst` (a page-table capture: `P.tar.zst` alone);
- a directory that holds the unpacked members, with the raw pages in `raw/` below it or in `NAME-raw/` beside it;
- a directory that holds `NAME/` and `NAME-raw/`, or exactly one pair of archives.

Archives are read as streams: nothing is unpacked to disk, small members are kept, large ones are read again when asked
for, and a trace is handed out a few pages at a time. Files may come from anywhere, so nothing in them is believed:
every size is bounded, every checksum of zstd and tar is verified, and whatever is wrong is a `CaptureError`.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

import attrs
import zstandard

from mmspec.errors import FileError, InputError

WINDOW = 2**27
"""Largest zstd window that is accepted, in bytes: the archives are packed with `--long=27`."""

MEMBER_LIMIT = 2**29
"""Largest member that `Capture.read` returns, in bytes: `kpageflags` of 256 GiB."""

_KEPT_MEMBER = 2**18
_KEPT_TOTAL = 2**24
_MEMBERS_LIMIT = 2**16
_HEADER_LIMIT = 2**20
# A zstd block takes at least four bytes and gives at most 128 KiB, so this input gives at most 16 MiB.
_ZSTD_INPUT = 512
_BLOCK = 512
_RAW_CPU = re.compile(r"cpu(\d{1,5})")


class CaptureError(FileError):
    """What was read is not a sound capture: the file, the member or offset, what is wrong and what to do.

    `str()` is one line with all three. `where` is the file, with the member or offset where known; `hint` the way out.
    """

    def __init__(self, where: object, problem: str, hint: str = "copy the capture again") -> None:
        super().__init__(problem, where=" ".join(str(where).split()), hint=hint)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}; {self.hint}"


class _Inflate:
    """The bytes of one zstd file, forward only. A frame that does not end, or whose checksum differs, is an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise CaptureError(path, f"cannot be opened ({error.strerror})", "name an existing capture") from None
        self._frame = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()
        self._ready = bytearray()
        self._taken = 0
        self._consumed = 0

    def _more(self) -> bool:
        """Decompress some more; False at the end of the file."""
        data = self._frame.unused_data if self._frame.eof else b""
        if not data:
            data = self._file.read(_ZSTD_INPUT)
            self._consumed += len(data)
        if not data:
            if not self._frame.eof:
                raise CaptureError(self._path, f"ends after {self._consumed} bytes, inside a zstd frame")
            return False
        if self._frame.eof:
            self._frame = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()
        try:
            self._ready += self._frame.decompress(data)
        except zstandard.ZstdError as error:
            reason = str(error).removeprefix("zstd decompressor error: ")
            raise CaptureError(self._path, f"not sound zstd data near byte {self._consumed} ({reason})") from None
        return True

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end."""
        while len(self._ready) - self._taken < count and self._more():
            if self._taken > 2**20:
                del self._ready[: self._taken]
                self._taken = 0
        piece = bytes(self._ready[self._taken : self._taken + count])
        self._taken += len(piece)
        return piece

    def skip(self, count: int) -> int:
        """Pass over `count` bytes and return how many there were."""
        passed = 0
        while passed < count:
            piece = len(self.read(min(count - passed, 2**16)))
            if not piece:
                break
            passed += piece
        return passed

    def close(self) -> None:
        self._file.close()


class _Tar:
    """The regular files of one `.tar.zst`, forward only.

    `tarfile` checks each header, but reads extended headers of any announced size into memory; here they are bounded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream = _Inflate(path)
        self.member = ""
        self.size = 0
        self._left = 0
        self._padding = 0

    def next(self) -> bool:
        """Go to the next regular file; False once the archive has properly ended."""
        while True:
            self._pass(self._left + self._padding)
            self._left = self._padding = 0
            block = self.stream.read(_BLOCK)
            try:
                info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.TarError as error:
                if len(block) == _BLOCK and not any(block):
                    self._finish()
                    return False
                raise CaptureError(self.path, f"no tar header after {self.member or 'the start'} ({error})") from None
            except ValueError as error:
                raise CaptureError(self.path, f"bad tar header after {self.member or 'the start'} ({error})") from None
            if info.size < 0:
                raise CaptureError(self.path, f"member {info.name!r} has a negative size")
            if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE) and info.size > _HEADER_LIMIT:
                raise CaptureError(self.path, f"extended header of {info.size} bytes after {self.member!r}")
            self.size = self._left = 0 if info.isdir() else info.size
            self._padding = -self._left % _BLOCK
            if info.isreg() and not info.issparse():
                self.member = _below_root(info.name)
                return True

    def read(self, count: int) -> bytes:
        """Return the next bytes of the current file, `count` of them unless it ends first."""
        wanted = min(count, self._left)
        piece = self.stream.read(wanted)
        if len(piece) < wanted:
            raise CaptureError(self.path, f"ends inside member {self.member!r}")
        self._left -= wanted
        return piece

    def _pass(self, count: int) -> None:
        if self.stream.skip(count) < count:
            raise CaptureError(self.path, f"ends inside member {self.member!r}")

    def _finish(self) -> None:
        while True:
            rest = self.stream.read(2**16)
            if not rest:
                return
            if any(rest):
                raise CaptureError(self.path, f"has data after the end of the archive, behind {self.member!r}")


def _below_root(name: str) -> str:
    """Return a member's name without the archive's top folder, which repeats the capture's name."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "/".join(parts[1:] if len(parts) > 1 else parts)


@attrs.frozen
class RawPages:
    """The raw trace of one CPU."""

    cpu: int
    where: str
    """File and member, for messages."""
    _path: Path
    _member: str | None
    """Name inside the archive `_path`; None where `_path` is the file itself."""

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the pages in pieces of `size` bytes; the last is shorter. The archive is verified to its end."""
        if self._member is None:
            yield from _file_chunks(self._path, size)
            return
        tar = _Tar(self._path)
        try:
            while tar.next():
                if tar.member == self._member:
                    while piece := tar.read(size):
                        yield piece
        finally:
            tar.stream.close()


def _file_chunks(path: Path, size: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(size):
                yield piece
    except OSError as error:
        raise CaptureError(path, f"cannot be read ({error.strerror})") from None


class _ArchiveMembers:
    """Members of a `.tar.zst`: indexed in one pass, small ones kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sizes: dict[str, int] = {}
        self._kept: dict[str, bytes] = {}
        kept = 0
        tar = _Tar(path)
        try:
            while tar.next():
                if tar.member in self.sizes:
                    raise CaptureError(path, f"holds {tar.member!r} twice")
                self.sizes[tar.member] = tar.size
                if len(self.sizes) > _MEMBERS_LIMIT:
                    raise CaptureError(path, f"holds more than {_MEMBERS_LIMIT} members", "name a capture")
                if tar.size <= _KEPT_MEMBER and kept + tar.size <= _KEPT_TOTAL:
                    kept += tar.size
                    self._kept[tar.member] = tar.read(tar.size)
        finally:
            tar.stream.close()

    def read(self, member: str) -> bytes:
        if member in self._kept:
            return self._kept[member]
        tar = _Tar(self.path)
        try:
            while tar.next():
                if tar.member == member:
                    return tar.read(tar.size)
        finally:
            tar.stream.close()
        raise CaptureError(self.path, f"lost member {member!r} while it was read")


class _FolderMembers:
    """Members of an unpacked capture."""

    def __init__(self, path: Path) -> None:
        self.path = path
        files = sorted(file for file in path.rglob("*") if file.is_file())
        if len(files) > _MEMBERS_LIMIT:
            raise CaptureError(path, f"holds more than {_MEMBERS_LIMIT} files", "name a capture")
        self.sizes = {file.relative_to(path).as_posix(): file.stat().st_size for file in files}

    def read(self, member: str) -> bytes:
        try:
            return (self.path / member).read_bytes()
        except OSError as error:
            raise CaptureError(self.path / member, f"cannot be read ({error.strerror})") from None


class Capture:
    """A capture, opened: its members by name (`start/buddyinfo.0`, `format/kmem/mm_page_free`), its raw trace by CPU."""

    def __init__(self, name: str, members: _ArchiveMembers | _FolderMembers, raw: tuple[RawPages, ...]) -> None:
        self.name = name
        """The capture's own name, the last part of its path."""
        self._members = members
        self._raw = raw

    @property
    def path(self) -> Path:
        """The file or folder that holds the members."""
        return self._members.path

    def members(self) -> list[str]:
        """Return the names of all members but the raw trace, sorted."""
        return sorted(self._members.sizes)

    def has(self, member: str) -> bool:
        """Say whether there is such a member."""
        return member in self._members.sizes

    def read(self, member: str) -> bytes:
        """Return a member's bytes; a `CaptureError` where there is none, or it is larger than `MEMBER_LIMIT`."""
        size = self._members.sizes.get(member)
        if size is None:
            raise CaptureError(self.path, f"has no member {member!r}", "name a complete capture")
        if size > MEMBER_LIMIT:
            raise CaptureError(self.path, f"member {member!r} has {size} bytes, more than {MEMBER_LIMIT}")
        return self._members.read(member)

    def text(self, member: str) -> str:
        """Return a member's text (ASCII)."""
        try:
            return self.read(member).decode("ascii")
        except UnicodeDecodeError as error:
            raise CaptureError(f"{self.path} {member}", f"is not text at byte {error.start}") from None

    def cpu_buffers(self) -> tuple[RawPages, ...]:
        """Return the raw trace of each CPU, in the order of their numbers; a `CaptureError` where there is none."""
        if not self._raw:
            raise CaptureError(self.path, "has no raw trace", "name a capture with P-trace-raw.tar.zst")
        return self._raw


def open_capture(path: str | Path) -> Capture:
    """Open a capture given as a directory or a prefix; see the module's docstring.

    The members are read once to the end, so that a damaged state archive is found here. Raises `CaptureError`.
    """
    path = Path(path)
    if path.is_dir():
        return _open_folder(path)
    state, raw, single = (_suffixed(path, end) for end in ("-state.tar.zst", "-trace-raw.tar.zst", ".tar.zst"))
    if state.is_file():
        if not raw.is_file():
            raise CaptureError(raw, "is missing beside the state archive", "copy both archives of the capture")
        members = _ArchiveMembers(state)
        return Capture(path.name, members, _raw_of_archive(raw))
    if single.is_file():
        return Capture(path.name, _ArchiveMembers(single), ())
    if path.is_file():
        raise CaptureError(path, "is a file", "name a capture by its directory, or by P for P-state.tar.zst")
    hint = "name a directory, or P for P-state.tar.zst and P-trace-raw.tar.zst"
    raise InputError(f"no such capture: {path}", hint=hint)


def packaged_capture() -> Path:
    """Return the prefix of the capture that ships with this package: Linux 6.12, START to MID."""
    return Path(str(files("mmprops").joinpath("data", "linux-6.12-512M")))


def _suffixed(path: Path, end: str) -> Path:
    return path.parent / (path.name + end)


def _raw_of_archive(path: Path) -> tuple[RawPages, ...]:
    tar = _Tar(path)
    names = []
    try:
        while tar.next():
            names.append(tar.member)
    finally:
        tar.stream.close()
    found = [RawPages(int(match[1]), f"{path} {name}", path, name) for name in names if (match := _RAW_CPU.fullmatch(name))]
    return _checked(path, found)


def _raw_of_folder(path: Path) -> tuple[RawPages, ...]:
    files = sorted(path.iterdir())
    found = [RawPages(int(match[1]), str(file), file, None) for file in files if (match := _RAW_CPU.fullmatch(file.name))]
    return _checked(path, found)


def _checked(path: Path, found: list[RawPages]) -> tuple[RawPages, ...]:
    ordered = tuple(sorted(found, key=lambda pages: pages.cpu))
    if not ordered:
        raise CaptureError(path, "holds no cpuN with raw pages", "name a capture with a trace")
    if len({pages.cpu for pages in ordered}) < len(ordered):
        raise CaptureError(path, "holds the trace of one CPU twice")
    return ordered


def _open_folder(path: Path) -> Capture:
    archives = sorted(path.glob("*-state.tar.zst"))
    if archives:
        if len(archives) > 1:
            raise CaptureError(path, f"holds {len(archives)} captures", "name one by its prefix")
        return open_capture(path / archives[0].name.removesuffix("-state.tar.zst"))
    nested = [raw.parent / raw.name.removesuffix("-raw") for raw in sorted(path.glob("*-raw")) if raw.is_dir()]
    if not (path / "header_page").exists() and len(nested) == 1 and nested[0].is_dir():
        return _open_folder(nested[0])
    members = _FolderMembers(path)
    if not members.sizes:
        raise CaptureError(path, "is an empty directory", "name a capture")
    if not any(name in members.sizes for name in ("header_page", "meta.json")):
        raise CaptureError(path, "holds neither header_page nor meta.json", "name a capture's own directory")
    for raw in (path / "raw", _suffixed(path, "-raw")):
        if raw.is_dir():
            return Capture(path.name, members, _raw_of_folder(raw))
    return Capture(path.name, members, ())
