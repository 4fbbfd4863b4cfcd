"""What is proved of translation caches can fail: of wrong flushes, generations and ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.proofs.breaking import asked, refuted

from mmproofs.obligation import Verdict
from mmproofs.obligations import by_id
from mmspec.virtual.tlb import linux, usable
from mmspec.virtual.tlb.flush import reaching
from mmspec.virtual.tlb.linux import Tags, cpu_asid
from mmspec.virtual.tlb.ops import (
    EVERY_CPU,
    LEFT,
    NOTHING,
    WHOLE,
    Cpu,
    CpuEnd,
    Extent,
    Gen,
    Page,
    Pages,
    Scope,
    Space,
    Stamp,
    Switched,
)
from mmspec.virtual.tlb.state import (
    AT_ALL,
    AT_LARGE,
    AT_PAGE,
    Entry,
    Slot,
    Tlb,
    entry_at,
    has_run,
    large_slot,
    outlives_large,
    outlives_small,
    past_of,
    small_slot,
    target_of,
)


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


def reaching_back(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """A flush that began earlier takes back what a later one reached."""
    return attrs.evolve(tlb, flushed=tlb.flushed.set(target_of(AT_LARGE, cpu, large_slot(space, page)), stamp))


def clearing(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """A flush clears the entry, too."""
    return attrs.evolve(tlb, entries=tlb.entries.set(large_slot(space, page), 0))


def of_all_spaces(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """A flush of a page is one of everything, the kernel's translations with it."""
    return attrs.evolve(tlb, flushed=reaching(tlb.flushed, target_of(AT_ALL, cpu, 0), stamp))


def on_all_cpus(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """A processor's flush of a page is taken for all processors'."""
    return attrs.evolve(tlb, flushed=reaching(tlb.flushed, target_of(AT_PAGE, EVERY_CPU, small_slot(space, page)), stamp))


def not_noted(tlb: Tlb, slot: Slot, entry: Entry) -> Tlb:
    """Nobody notes when the old entry went."""
    return attrs.evolve(tlb, entries=tlb.entries.set(slot, entry), now=tlb.now + 1)


def of_another(tlb: Tlb, slot: Slot, entry: Entry) -> Tlb:
    """What is noted is that an entry went which never stood there."""
    now = tlb.now + 1
    return attrs.evolve(
        tlb, entries=tlb.entries.set(slot, entry), gone=tlb.gone.set(past_of(slot, entry_at(tlb, slot) ^ 8), now), now=now
    )


def clock_stands(tlb: Tlb, slot: Slot, entry: Entry) -> Tlb:
    """The clock stands while an entry goes."""
    return attrs.evolve(tlb, entries=tlb.entries.set(slot, entry), gone=tlb.gone.set(past_of(slot, 0), tlb.now + 1))


def goes_ahead(tags: Tags, cpu: Cpu, space: Space, gen: Gen, page: bool, lazy: bool) -> tuple[Extent, Tags]:
    """A processor makes up for a flush that nobody began."""
    return WHOLE, attrs.evolve(tags, local=tags.local.set(cpu_asid(cpu, tags.asid.get(cpu, 0)), tags.gen.get(space, 0) + 1))


def leaves_tag(tags: Tags, cpu: Cpu, space: Space, gen: Gen, page: bool, lazy: bool) -> tuple[Extent, Tags]:
    """A processor that leaves a space keeps its tag."""
    return LEFT, attrs.evolve(tags, loaded=tags.loaded.set(cpu, 0))


def given_behind(tags: Tags, cpu: Cpu, space: Space, gen: Gen) -> tuple[Switched, Tags]:
    """A space that had a tag runs under it as it is, however far behind, and another forgets all flushes."""
    return Switched(0, 0), linux.taken(tags, cpu, space, 0, 0)


def page_reaching_back(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """A flush of a page that began earlier takes back what a later one reached."""
    return attrs.evolve(tlb, flushed=tlb.flushed.set(target_of(AT_PAGE, cpu, small_slot(space, page)), stamp))


def first_asked_of_page(tlb: Tlb, space: Space, page: Page) -> bool:
    """Only the first processor is asked whether it has flushed a page."""
    return not has_run(tlb, 0, space) & outlives_small(tlb, 0, space, page, tlb.pages.get(small_slot(space, page), 0))


def first_asked_of_block(tlb: Tlb, space: Space, page: Page) -> bool:
    """Only the first processor is asked whether it has flushed a large page."""
    return not has_run(tlb, 0, space) & outlives_large(tlb, 0, space, page, tlb.pages.get(large_slot(space, page), 0))


def page_for_pointer(tlb: Tlb, space: Space, page: Page) -> bool:
    """A table is settled where its page is."""
    return usable.settled_small(tlb, space, page)


def never_broken(tlb: Tlb, space: Space, page: Page, slot: Slot, entry: Entry) -> bool:
    """Anything may be put where nothing stands."""
    return entry_at(tlb, slot) == 0


def nothing_flushed(tlb: Tlb, cpu: CpuEnd, scope: Scope, space: Space, page: Page, pointers: bool, stamp: Stamp) -> Tlb:
    """A flush of a page flushes nothing."""
    return tlb


def switched_behind(tags: Tags, cpu: Cpu, space: Space, lazy: bool) -> tuple[Switched, Tags]:
    """A processor comes to a space however far behind, and forgets all flushes."""
    return Switched(0, 0), linux.taken(tags, cpu, space, 0, 0)


def switched_ahead(tags: Tags, cpu: Cpu, space: Space, lazy: bool) -> tuple[Switched, Tags]:
    """A processor that comes to a space makes up for a flush that nobody began."""
    return Switched(0, 1), linux.taken(tags, cpu, space, 0, tags.gen.get(space, 0) + 1)


def switched_under_old_tag(tags: Tags, cpu: Cpu, space: Space, lazy: bool) -> tuple[Switched, Tags]:
    """A processor comes to a space under the tag of the one before."""
    return Switched(tags.asid.get(cpu, 0), 0), attrs.evolve(tags, loaded=tags.loaded.set(cpu, space))


WRONG: tuple[tuple[str, Callable[..., Any], dict[str, int]], ...] = (
    ("TLB-FLUSH-LARGE", small_alone, {"scope": 0}),
    ("TLB-FLUSH-NOTHING-NEW-LARGE", reaching_back, {"scope": 0}),
    ("TLB-FLUSH-STANDING", clearing, {"scope": 0}),
    ("TLB-FLUSH-SPACES-PAGE", of_all_spaces, {"scope": 0}),
    ("TLB-FLUSH-CPUS-PAGE", on_all_cpus, {"scope": 0}),
    ("TLB-CHANGE-PAGE", of_another, {}),
    ("TLB-CHANGE-LARGE", of_another, {}),
    ("TLB-CHANGE-STAYS-LARGE", not_noted, {}),
    ("TLB-CHANGE-CLOCK", clock_stands, {}),
    ("TLB-HEARD-CAUGHT-UP", goes_back, {}),
    ("TLB-HEARD-BACK", goes_back, {}),
    ("TLB-HEARD-AHEAD", goes_ahead, {}),
    ("TLB-HEARD-USED", leaves_tag, {}),
    ("TLB-GIVEN-READY", given_behind, {}),
    ("TLB-GIVEN-BACK", given_behind, {}),
    ("TLB-FLUSH-NOTHING-NEW-PAGE", page_reaching_back, {"scope": 0}),
    ("TLB-CHANGE-STAYS-PAGE", not_noted, {}),
    ("TLB-FLUSH-SETTLES-PAGE", nothing_flushed, {"scope": 0}),
    ("TLB-FLUSH-SETTLES-BLOCK", nothing_flushed, {"scope": 0}),
    ("TLB-BREAK-PAGE", never_broken, {"at": 0}),
    ("TLB-BREAK-BLOCK", never_broken, {"at": 0}),
    ("TLB-BREAK-POINTER", never_broken, {"at": 0}),
    ("TLB-SETTLED-PAGE", first_asked_of_page, {"at": 1}),
    ("TLB-SETTLED-BLOCK", first_asked_of_block, {"at": 1}),
    ("TLB-SETTLED-POINTER", page_for_pointer, {"at": 0}),
    ("TLB-SWITCHED-READY", switched_behind, {}),
    ("TLB-SWITCHED-BACK", switched_behind, {}),
    ("TLB-SWITCHED-FLUSHES", switched_behind, {}),
    ("TLB-SWITCHED-AHEAD", switched_ahead, {}),
    ("TLB-SWITCHED-USED", switched_under_old_tag, {}),
    ("TLB-RANGES-FEW", one_by_one, {}),
)


@pytest.mark.parametrize(("name", "subject", "case"), WRONG, ids=[name for name, _, _ in WRONG])
def test_a_wrong_version_is_refuted(name: str, subject: Callable[..., Any], case: dict[str, int]) -> None:
    """The wrong function was run on the counterexample, and failed; lemmas, which only help, would fail first, on no replay."""
    refuted(name, case, subject=subject, also=())


def test_the_right_ranges_are_proved() -> None:
    """Which the same question answers."""
    assert by_id()["TLB-RANGES-FEW"].subject is linux.ranges_for
    assert asked("TLB-RANGES-FEW").verdict is Verdict.PROVED
