"""Captures as files: the forms in which one is given, and damage of every kind."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from mmprops.traces.archive import CaptureError, open_capture, packaged_capture
from mmspec.errors import InputError

STATE = {"header_page": b"page", "start/buddyinfo.0": b"text" * 1000, "big": bytes(range(256)) * 2000}


def read_all(path: Path) -> dict[str, bytes]:
    """Read every member and every CPU's pages."""
    capture = open_capture(path)
    found = {name: capture.read(name) for name in capture.members()}
    for pages in capture.cpu_buffers():
        found[f"cpu{pages.cpu}"] = b"".join(pages.chunks(1000))
    return found


def test_prefix_reads_both_archives(kit: Any) -> None:
    """A prefix stands for the state and the trace, and members lose the top folder's name."""
    path = kit.write({0: b"zero" * 999, 1: b"one"}, STATE)
    assert read_all(path) == STATE | {"cpu0": b"zero" * 999, "cpu1": b"one"}


@pytest.mark.parametrize("raw", ["raw", "../P-raw"])
def test_directory_reads_the_same(tmp_path: Path, raw: str) -> None:
    """An unpacked capture is read from its directory, its pages below it or beside it."""
    root = tmp_path / "P"
    for name, content in (STATE | {f"{raw}/cpu3": b"three"}).items():
        file = root / name
        root.mkdir(exist_ok=True)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    capture = open_capture(root)
    assert {name: capture.read(name) for name in STATE} == STATE
    assert [(pages.cpu, b"".join(pages.chunks(2))) for pages in capture.cpu_buffers()] == [(3, b"three")]


def test_directory_with_one_pair_of_archives(kit: Any, tmp_path: Path) -> None:
    """A directory that holds the archives of one capture stands for it."""
    kit.write({0: b"x"}, STATE)
    assert read_all(tmp_path) == STATE | {"cpu0": b"x"}


def test_directory_above_an_unpacked_capture(tmp_path: Path) -> None:
    """A directory in which both archives were unpacked stands for the capture."""
    (tmp_path / "P").mkdir()
    (tmp_path / "P-raw").mkdir()
    (tmp_path / "P" / "header_page").write_bytes(b"page")
    (tmp_path / "P-raw" / "cpu0").write_bytes(b"x")
    assert read_all(tmp_path) == {"header_page": b"page", "cpu0": b"x"}


def test_single_archive_has_no_trace(tmp_path: Path, kit: Any) -> None:
    """A page-table capture is one archive; asking for its trace is an error that says what to name."""
    (tmp_path / "T.tar.zst").write_bytes(kit.archive("T", {"meta.json": b"{}"}))
    capture = open_capture(tmp_path / "T")
    assert capture.read("meta.json") == b"{}"
    with pytest.raises(CaptureError, match="has no raw trace"):
        capture.cpu_buffers()


def test_two_captures_in_a_directory(kit: Any, tmp_path: Path) -> None:
    """A directory with two captures does not stand for one of them."""
    kit.write({0: b"x"}, STATE, "P")
    kit.write({0: b"x"}, STATE, "Q")
    with pytest.raises(CaptureError, match="name one by its prefix"):
        open_capture(tmp_path)


def test_missing_trace_archive(kit: Any, tmp_path: Path) -> None:
    """A state without its trace names the file that is missing."""
    path = kit.write({0: b"x"}, STATE)
    (tmp_path / "P-trace-raw.tar.zst").unlink()
    with pytest.raises(CaptureError, match=r"P-trace-raw\.tar\.zst: is missing"):
        open_capture(path)


@pytest.mark.parametrize("name", ["absent", "a file", "an empty folder", "another folder"])
def test_not_a_capture(tmp_path: Path, name: str) -> None:
    """What is no capture is refused in one line that names it."""
    (tmp_path / "a file").write_text("x")
    (tmp_path / "an empty folder").mkdir()
    (tmp_path / "another folder").mkdir()
    (tmp_path / "another folder" / "readme").write_text("x")
    with pytest.raises(InputError) as caught:
        open_capture(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_member(kit: Any) -> None:
    """A member that is not there is named."""
    with pytest.raises(CaptureError, match="no member 'mid/zoneinfo'"):
        open_capture(kit.write({0: b"x"}, STATE)).read("mid/zoneinfo")


@pytest.mark.parametrize("which", ["state", "trace-raw"])
def test_truncation_anywhere_is_an_error(kit: Any, tmp_path: Path, which: str) -> None:
    """However much is cut off an archive, even one byte of the last checksum, it is a CaptureError."""
    path = kit.write({0: bytes(range(251)) * 100}, STATE)
    file = tmp_path / f"P-{which}.tar.zst"
    whole = file.read_bytes()
    for cut in range(len(whole)):
        file.write_bytes(whole[:cut])
        with pytest.raises(CaptureError):
            read_all(path)
    file.write_bytes(whole)
    read_all(path)


@pytest.mark.parametrize("which", ["state", "trace-raw"])
def test_any_changed_byte_is_an_error_or_harmless(kit: Any, tmp_path: Path, which: str) -> None:
    """A changed byte never gives other contents: the checksums of zstd see it."""
    path = kit.write({0: bytes(range(251)) * 100}, STATE)
    want = read_all(path)
    file = tmp_path / f"P-{which}.tar.zst"
    whole = file.read_bytes()
    caught = 0
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        try:
            assert read_all(path) == want
        except CaptureError:
            caught += 1
    assert caught > 0.99 * len(whole)


def test_truncated_tar_in_sound_zstd(tmp_path: Path, kit: Any) -> None:
    """A tar that ends inside a member or before its end mark is an error although the compression is sound."""
    whole = zstandard.ZstdDecompressor().decompressobj().decompress(kit.archive("P", STATE))
    end = len(whole.rstrip(b"\0"))
    for cut in [*range(0, end, 997), 512, 1024, end - 1]:
        (tmp_path / "P.tar.zst").write_bytes(zstandard.ZstdCompressor().compress(whole[:cut]))
        with pytest.raises(CaptureError):
            open_capture(tmp_path / "P")


def test_data_behind_the_end_of_the_archive(tmp_path: Path, kit: Any) -> None:
    """An archive that goes on after its end mark is not what was packed."""
    whole = zstandard.ZstdDecompressor().decompressobj().decompress(kit.archive("P", STATE))
    (tmp_path / "P.tar.zst").write_bytes(zstandard.ZstdCompressor().compress(whole + b"more"))
    with pytest.raises(CaptureError, match="data after the end"):
        open_capture(tmp_path / "P")


def test_damaged_tar_header(tmp_path: Path, kit: Any) -> None:
    """A changed byte of a tar header is seen by the header's own checksum."""
    whole = bytearray(zstandard.ZstdDecompressor().decompressobj().decompress(kit.archive("P", STATE)))
    for place in (0, 124, 130, 150, 156):
        changed = bytes(whole[:place]) + bytes([whole[place] ^ 1]) + bytes(whole[place + 1 :])
        (tmp_path / "P.tar.zst").write_bytes(zstandard.ZstdCompressor().compress(changed))
        with pytest.raises(CaptureError, match="tar header"):
            open_capture(tmp_path / "P")


def test_window_beyond_the_limit(tmp_path: Path) -> None:
    """An archive that asks for a larger window than 2**27 bytes is refused."""
    options = zstandard.ZstdCompressionParameters.from_level(3, window_log=28, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=options).compressobj()
    (tmp_path / "P.tar.zst").write_bytes(packer.compress(bytes(10_000)) + packer.flush())
    with pytest.raises(CaptureError, match="not sound zstd data"):
        open_capture(tmp_path / "P")


def test_huge_extended_header_is_refused(tmp_path: Path) -> None:
    """A tar that announces a header of a gigabyte is refused before any of it is read."""
    info = tarfile.TarInfo("P/x")
    info.type, info.size = tarfile.XHDTYPE, 2**30
    (tmp_path / "P.tar.zst").write_bytes(zstandard.ZstdCompressor().compress(info.tobuf() + bytes(1024)))
    with pytest.raises(CaptureError, match="extended header of 1073741824 bytes"):
        open_capture(tmp_path / "P")


def test_member_twice(tmp_path: Path) -> None:
    """Two members of one name leave no choice between them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for _ in range(2):
            tar.addfile(tarfile.TarInfo("P/x"), io.BytesIO())
    (tmp_path / "P.tar.zst").write_bytes(zstandard.ZstdCompressor().compress(packed.getvalue()))
    with pytest.raises(CaptureError, match="twice"):
        open_capture(tmp_path / "P")


def test_packaged_capture_is_small_and_bare() -> None:
    """The packaged capture has at most 4 MiB and neither type information nor symbols."""
    prefix = packaged_capture()
    files = [prefix.parent / f"{prefix.name}-{part}.tar.zst" for part in ("state", "trace-raw")]
    assert sum(file.stat().st_size for file in files) <= 4 * 2**20
    assert not {"btf", "kallsyms", "lists.END.json"} & set(open_capture(prefix).members())
