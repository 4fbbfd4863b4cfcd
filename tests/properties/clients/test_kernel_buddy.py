"""The kernel's own buddy allocator for graphics memory conforms, and a slip in its source is caught."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mmprops.clients import kernel_buddy
from mmprops.clients.base import ClientError, Limits
from mmprops.clients.kernel_buddy import built, open_gpu_buddy, unpacked
from mmprops.clients.registry import open_client
from mmprops.conform import ConformanceError, conform


@pytest.fixture(scope="module")
def program(kernel_source: Path) -> Path:
    """The client built from the kernel's source, in the cache that users have."""
    return built(unpacked(kernel_source, kernel_buddy.cache()))


@pytest.mark.needs_gcc
@pytest.mark.needs_kernel_source
@pytest.mark.parametrize("argument", ["", "clear"])
def test_the_kernels_allocator_conforms(program: Path, argument: str, seed: int) -> None:
    """Also where cleared and dirty blocks have to be joined by force."""
    run = conform("buddy", f"exec:'{program}' {argument}", ops=20_000, seed=seed)
    assert run.verdict == "pass"
    assert not {"observe", "checked_free", "checked_alloc"} & set(run.not_tested)


SLIPS = {
    "joins a buddy that is not free": ("if (!gpu_buddy_block_is_free(buddy))\n\t\t\tbreak;", "if (0)\n\t\t\tbreak;"),
    "joins one level only": ("\t\tblock = parent;\n\t}\n\n\torder =", "\t\tblock = parent;\n\t\tbreak;\n\t}\n\n\torder ="),
    "counts nothing free": ("allocated(block));\n\tmm->avail +=", "allocated(block));\n\t(void)"),
    "keeps the wrong half": ("offset + (mm->chunk_size << block_order));", "offset);"),
}


@pytest.mark.needs_gcc
@pytest.mark.needs_kernel_source
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_the_kernels_source_is_caught(program: Path, tmp_path: Path, slip: str, seed: int) -> None:
    """One line of a copy changed is enough."""
    folder = tmp_path / "kernel"
    shutil.copytree(program.parent, folder)
    page = folder / "drivers/gpu/buddy.c"
    before, after = SLIPS[slip]
    text = page.read_text()
    assert text.count(before) == 1
    page.write_text(text.replace(before, after))
    (folder / program.name).unlink()
    with pytest.raises(ConformanceError):
        conform("buddy", f"exec:'{built(folder)}'", seed=seed)


@pytest.mark.needs_gcc
@pytest.mark.needs_kernel_source
@pytest.mark.usefixtures("program")
def test_it_has_a_name() -> None:
    """``gpu-buddy`` on the command line."""
    client = open_client("gpu-buddy")
    assert client.hello().name == "drivers/gpu/buddy.c"
    client.close()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the package that brings it."""
    monkeypatch.setenv("MMSPEC_KERNEL_SOURCE", str(tmp_path / "nothing"))
    assert kernel_buddy.missing() is not None
    with pytest.raises(ClientError, match=r"gpu-buddy needs linux-source-6\.12"):
        open_gpu_buddy(Limits())


@pytest.mark.needs_gcc
def test_another_source_does_not_build(tmp_path: Path) -> None:
    """The compiler's first line says why, and no program is left behind."""
    with pytest.raises(ClientError, match=r"does not build: .*error"):
        built(tmp_path)
    assert [page.name for page in tmp_path.iterdir()] == ["empty"]


def test_a_folder_is_unpacked_as_an_archive_is(tmp_path: Path) -> None:
    """What is needed, wherever it lies, and no more; an archive of something else is no kernel's."""
    for name in ("drivers/gpu/buddy.c", "include/linux/gpu_buddy.h", "tools/lib/rbtree.c", "tools/include/a/b.h", "mm/slub.c"):
        page = tmp_path / "linux" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(name)
    archive = Path(shutil.make_archive(str(tmp_path / "linux-6"), "xztar", tmp_path, "linux"))
    contents = []
    for where in (tmp_path / "linux", archive):
        folder = tmp_path / f"from-{where.name}"
        kernel_buddy.unpack(where, folder)
        contents.append({str(page.relative_to(folder)): page.read_text() for page in folder.rglob("*") if page.is_file()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 4
    (tmp_path / "none.tar.xz").write_text("no archive")
    with pytest.raises(ClientError, match=r"cannot unpack .*none\.tar\.xz"):
        unpacked(tmp_path / "none.tar.xz", tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
