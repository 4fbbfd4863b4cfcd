"""The kernel's own memblock agrees with the law in every answer, and a slip in its source is caught."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mmprops.clients import kernel_buddy
from mmprops.clients.base import ClientError, Limits
from mmprops.clients.kernel_memblock import NEEDED, PAGE, built, open_kernel_memblock
from mmprops.conform import ConformanceError, conform

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_kernel_source]


@pytest.fixture(scope="module")
def program(kernel_source: Path) -> Path:
    """The client built from the kernel's source, in the cache that users have."""
    return built(kernel_buddy.unpacked(kernel_source, kernel_buddy.cache(), NEEDED))


@pytest.mark.parametrize("profile", ["linux", "any"])
def test_the_kernels_memblock_conforms(program: Path, profile: str, seed: int) -> None:
    """Address for address, array for array, also while its arrays move."""
    run = conform("memblock", f"exec:'{program}'", profile=profile, ops=5_000, seed=seed)
    assert (run.verdict, run.not_tested) == ("pass", ("batch",))


@pytest.mark.nightly
def test_fifty_thousand_operations_without_a_difference(program: Path, seed: int) -> None:
    """The kernel's text and the law answer alike."""
    assert conform("memblock", f"exec:'{program}'", profile="linux", ops=50_000, seed=seed).verdict == "pass"


SLIPS = {
    "merges no further than to the last one inserted": (
        "end_rgn = min(end_rgn, type->cnt - 1);",
        "end_rgn = min(end_rgn - 1, type->cnt - 1);",
    ),
    "takes the first page": ("start = max_t(phys_addr_t, start, PAGE_SIZE);", ""),
    "prefers the node to mirrors": (
        "if (numa_valid_node(nid) && !exact_nid) {",
        "if (numa_valid_node(nid) && !exact_nid && !(flags & MEMBLOCK_MIRROR)) {",
    ),
    "keeps its old array": ("memblock_free(old_array, old_alloc_size);", ";"),
    "hands over blocks that are not aligned": ("__ffs(start)", "10"),
    "caps NOMAP memory too": (
        "for (i = start_rgn - 1; i >= 0; i--)\n\t\tif (!memblock_is_nomap(",
        "for (i = start_rgn - 1; i >= 0; i--)\n\t\tif (1 || (",
    ),
}


@pytest.mark.by_turns(3)
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_the_kernels_source_is_caught(program: Path, tmp_path: Path, slip: str, seed: int) -> None:
    """One line of a copy changed is enough."""
    folder = tmp_path / "kernel"
    shutil.copytree(program.parent, folder)
    page = folder / PAGE
    before, after = SLIPS[slip]
    text = page.read_text()
    assert text.count(before) == 1
    page.write_text(text.replace(before, after))
    (folder / program.name).unlink()
    with pytest.raises(ConformanceError):
        conform("memblock", f"exec:'{built(folder)}'", profile="linux", ops=40_000, seed=seed)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the package that brings it."""
    monkeypatch.setenv("MMSPEC_KERNEL_SOURCE", str(tmp_path / "nothing"))
    with pytest.raises(ClientError, match=r"kernel-memblock needs linux-source-6\.12"):
        open_kernel_memblock(Limits())
