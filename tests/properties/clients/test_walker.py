"""The example of a page walker in C conforms, and one line changed is caught by the rule that it breaks."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from mmprops.conform import ConformanceError, conform

from .building import Builder

pytestmark = pytest.mark.needs_gcc

VECTORS = Path(__file__).resolve().parents[3] / "vectors" / "page_table" / "any.jsonl"
RUNNER = files("mmprops.examples") / "vectors" / "vectors.js"

RIGHTS, DIRTY = "PAGE-TABLE-X86-RIGHTS", "PAGE-TABLE-X86-DIRTY"


@pytest.fixture(scope="session")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Build the walker, its source changed or not, and return its name on the command line."""
    builder = Builder(tmp_path_factory)
    return lambda before="", after="": builder.client("c", before, after, "page_table")


def test_the_walker_conforms(walker: Callable[..., str], seed: int) -> None:
    """To all that four levels of x86-64 can be asked, hostile tables included; nothing that may be promised is left untested."""
    run = conform("page_table", walker(), ops=5_000, seed=seed)
    assert (run.verdict, run.violation, tuple(run.not_tested)) == ("pass", None, ())


SLIPS = [
    ("rights = (rights & entry & (RW | US))", "rights = (entry & (RW | US))"),
    ("!(rights & RW) && (user || wp)", "!(rights & RW) && (user || !wp)"),
    ("smap && !ac)", "smap)"),
    ("- (1 << 13);", "- (1 << 12);"),
    ("table = entry & ADDRESS;", "table = entry & ADDRESS & UINT32_MAX;"),
    ("if (kind == WRITE && !(entry & D)) {", "if (kind == WRITE && !(entry & D) && level == 1) {"),
    ("for (int i = 0; i <= 4 - level; i++) {", "for (int i = 4 - level; i <= 4 - level; i++) {"),
]
"""Rights of the leaf alone, WP the wrong way round, SMAP without AC, PAT taken for reserved, tables below 4 GiB, large pages that
are never dirty, tables that are never used."""


@pytest.mark.parametrize(("before", "after"), SLIPS, ids=[after for _, after in SLIPS])
def test_a_slip_in_the_walker_is_caught(walker: Callable[..., str], before: str, after: str, seed: int) -> None:
    """By a rule of the walk."""
    with pytest.raises(ConformanceError) as caught:
        conform("page_table", walker(before, after), seed=seed)
    assert caught.value.clause.startswith("PAGE-TABLE-")


@pytest.mark.needs_node
def test_the_walker_is_asked_the_vectors_of_its_mode(walker: Callable[..., str]) -> None:
    """It names the mode, and those of others are skipped; one that is wrong misses some."""

    def replayed(client: str) -> list[str]:
        node, command = shutil.which("node"), shlex.split(client.removeprefix("exec:"))
        assert node is not None
        words = [node, str(RUNNER), str(VECTORS), "--", *command]
        return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False).stdout.splitlines()

    verdict, *skipped = replayed(walker())
    assert verdict == "pass 3 of 3 vectors met"
    assert skipped == ["  22 skipped: the client names another mode"]
    assert replayed(walker(*SLIPS[0]))[-2] == "fail 0 of 3 vectors met"
