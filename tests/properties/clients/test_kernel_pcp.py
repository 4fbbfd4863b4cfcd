"""The kernel's own functions for per-CPU lists conform, frame by frame, and a slip in their source is caught."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mmprops.clients import kernel_buddy, kernel_pcp
from mmprops.clients.base import ClientError, Limits
from mmprops.clients.kernel_pcp import PART_1, PART_2, built, function, kept_page, open_kernel_pcp, page_of
from mmprops.clients.registry import BUILT_IN
from mmprops.conform import ConformanceError, conform


@pytest.fixture(scope="module")
def page(kernel_source: Path) -> str:
    """The kernel's page, kept in the cache that users have."""
    return kept_page(kernel_source, kernel_buddy.cache())


@pytest.mark.needs_gcc
@pytest.mark.needs_kernel_source
@pytest.mark.parametrize("profile", ["linux", "any"])
def test_the_kernels_functions_conform(page: str, profile: str, seed: int) -> None:
    """What they hand out and give back is what the law says that Linux would."""
    program = built(page, kernel_buddy.cache())
    run = conform("pcp", f"exec:'{program}'", profile=profile, ops=10_000, seed=seed)
    assert run.verdict == "pass"
    assert run.not_tested == ("batch",)


SLIPS = {
    "keeps what is freed at the tail": ("list_add(&page->pcp_list, ", "list_add_tail(&page->pcp_list, "),
    "keeps two batches while it reclaims": ("return min(batch << 2, pcp->high);", "return min(batch << 1, pcp->high);"),
    "does not scale refills": ("batch = (base_batch << pcp->alloc_factor);", "batch = base_batch;"),
    "makes batches twice as large": ("batch /= 4;", "batch /= 2;"),
    "shares with no CPU that comes": ("zone_to_nid(zone))) + cpu_online;", "zone_to_nid(zone)));"),
}


@pytest.mark.needs_gcc
@pytest.mark.needs_kernel_source
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_the_kernels_source_is_caught(page: str, tmp_path: Path, slip: str, seed: int) -> None:
    """One line changed is enough."""
    before, after = SLIPS[slip]
    assert sum(function(page, name).count(before) for name in (*PART_1, *PART_2)) == 1
    with pytest.raises(ConformanceError):
        conform("pcp", f"exec:'{built(page.replace(before, after), tmp_path)}'", profile="linux", seed=seed)


# --- without the kernel's source ------------------------------------------------------------------------------------------

PAGE = """
static int one(struct zone *zone,
		int count)
{
	return two(zone) + count;
}

int two(struct zone *zone);

struct page *two(struct zone *zone)
{
	if (zone) {
		return 0;
	}
	return 1;
}
"""


def test_a_function_is_taken_whole() -> None:
    """From its first line to its last, whether a call or a declaration comes before."""
    assert function(PAGE, "one").startswith("static int one(struct zone *zone,\n")
    assert function(PAGE, "one").count("}") == 1
    assert function(PAGE, "two").splitlines()[0] == "struct page *two(struct zone *zone)"
    assert function(PAGE, "two").endswith("\treturn 1;\n}\n")


def test_a_function_that_is_not_there() -> None:
    """Is named."""
    with pytest.raises(ClientError, match="has no function three"):
        function(PAGE, "three")


def test_a_source_without_the_page(tmp_path: Path) -> None:
    """A folder or an archive of something else is refused with what is wanted."""
    with pytest.raises(ClientError, match="has no mm/page_alloc"):
        page_of(tmp_path)
    (tmp_path / "x").write_text("x")
    subprocess.run(["tar", "-cf", "a.tar", "x"], cwd=tmp_path, check=True)
    with pytest.raises(ClientError, match="cannot unpack"):
        page_of(tmp_path / "a.tar")


def test_a_page_out_of_an_archive(tmp_path: Path) -> None:
    """Is read as it is."""
    (tmp_path / "linux" / "mm").mkdir(parents=True)
    (tmp_path / "linux" / "mm" / "page_alloc.c").write_text(PAGE)
    subprocess.run(["tar", "-cf", "a.tar", "linux"], cwd=tmp_path, check=True)
    assert page_of(tmp_path / "a.tar") == page_of(tmp_path / "linux") == PAGE


def test_the_page_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And then kept."""
    (tmp_path / "linux" / "mm").mkdir(parents=True)
    (tmp_path / "linux" / "mm" / "page_alloc.c").write_text(PAGE)
    assert kept_page(tmp_path / "linux", tmp_path / "cache") == PAGE
    monkeypatch.setattr(kernel_pcp, "page_of", lambda where: "another")
    assert kept_page(tmp_path / "linux", tmp_path / "cache") == PAGE


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the packages that bring it."""
    monkeypatch.setattr(kernel_pcp, "missing", lambda: "linux-source-6.12")
    with pytest.raises(ClientError, match="kernel-pcp needs linux-source"):
        open_kernel_pcp(Limits())
    assert BUILT_IN["kernel-pcp"].machine == "pcp"
