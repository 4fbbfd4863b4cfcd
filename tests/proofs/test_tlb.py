"""What is proved of translation caches can fail: of wrong flushes, generations and ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from mmproofs.obligation import Verdict
from mmproofs.obligations.virtual.tlb import WRITTEN
from mmproofs.prove_case import decide
from mmspec.virtual.tlb import linux
from mmspec.virtual.tlb.core import reaching
from mmspec.virtual.tlb.linux import Tags, cpu_asid
from mmspec.virtual.tlb.ops import NOTHING, WHOLE, Cpu, CpuEnd, Extent, Gen, Page, Pages, Scope, Space, Stamp
from mmspec.virtual.tlb.state import AT_PAGE, Tlb, small_slot, target_of


def small_alone(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """A flush of a page leaves the large page that it lies in."""
    return attrs.evolve(tlb, flushed=reaching(tlb.flushed, target_of(AT_PAGE, cpu, small_slot(space, page)), stamp))


def goes_back(tags: Tags, cpu: Cpu, space: Space, gen: Gen, page: bool, lazy: bool) -> tuple[Extent, Tags]:
    """A processor forgets a flush."""
    at = cpu_asid(cpu, tags.asid.get(cpu, 0))
    if tags.loaded.get(cpu, 0) != space or lazy:
        return NOTHING, tags
    return WHOLE, attrs.evolve(tags, local=tags.local.set(at, max(gen, 1) - 1))


def one_by_one(pages: Pages) -> Pages:
    """Ranges are of one scale."""
    return (pages >> 16) + (pages & 63)


WRONG: tuple[tuple[str, Callable[..., Any], dict[str, int]], ...] = (
    ("TLB-FLUSH-LARGE", small_alone, {"scope": 0}),
    ("TLB-HEARD-CAUGHT-UP", goes_back, {}),
    ("TLB-RANGES-FEW", one_by_one, {}),
)


@pytest.mark.parametrize(("name", "subject", "case"), WRONG, ids=[name for name, _, _ in WRONG])
def test_a_wrong_version_is_refuted(name: str, subject: Callable[..., Any], case: dict[str, int]) -> None:
    """The wrong function was run on the counterexample, and failed."""
    obligation = {one.id: one for one in WRITTEN}[name]
    assert decide(attrs.evolve(obligation, subject=subject), case).verdict is Verdict.REFUTED


def test_the_right_ranges_are_proved() -> None:
    """Which the same question answers."""
    obligation = {one.id: one for one in WRITTEN}["TLB-RANGES-FEW"]
    assert obligation.subject is linux.ranges_for
    assert decide(obligation, {}).verdict is Verdict.PROVED
