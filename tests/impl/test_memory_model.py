"""The memory map's implementation: in lock-step with the law, and over whole arrays on both engines."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mmimpl.physical.memory_model import MemoryModel
from mmprops.conform import own_session
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmspec.physical.memory_model.architectures import ARCHITECTURES
from mmspec.physical.memory_model.layout import pages_per_section
from mmspec.physical.memory_model.ops import Config, PageToPfn, PfnToPage
from mmspec.profile import profile_named

MACHINE = machine_named("memory_model")
ENGINES = ["python", pytest.param("numba", marks=pytest.mark.needs_numba)]


@pytest.mark.parametrize("profile", ["any", "linux"])
def test_it_answers_as_the_law_does(profile: str, seed: int) -> None:
    """Programs on every architecture; what is remembered is compared after each."""
    held_to, rng, judged = profile_named(profile), random.Random(seed), 0
    session = own_session(MACHINE, "impl", held_to)
    for _ in range(40):
        outcome = explore(MACHINE, session, held_to, rng.randbytes(HEADER + 60 * RECORD))
        assert outcome.broken is None
        judged += outcome.judged
    assert judged > 2000


def booted(name: str) -> tuple[MemoryModel, list[int]]:
    """Return an architecture's memory map of three sections, and frames of it."""
    layout = ARCHITECTURES[name]
    size = pages_per_section(layout)
    first = layout.first_pfn // size * size
    last = layout.first_pfn + layout.max_mapnr if layout.model == 0 else first + 3 * size
    rng = random.Random(0)
    frames = [max(first, layout.first_pfn), last - 1, *(rng.randrange(max(first, layout.first_pfn), last) for _ in range(200))]
    return MemoryModel(Config(layout, ((first, first + 3 * size, 0),))), frames


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("which", ENGINES)
def test_whole_arrays_are_answered_as_single_frames_are(which: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To pages and back, on either engine."""
    monkeypatch.setenv("MMSPEC_ENGINE", which)
    memmap, frames = booted(name)
    pfns = np.array(frames, np.int64)
    pages = memmap.pages(pfns)
    assert pages.tolist() == [memmap.apply(PfnToPage(pfn)).page for pfn in frames]
    sections = pfns >> memmap.numbers.section_shift if memmap.numbers.classic else None
    assert memmap.frames(pages, sections).tolist() == frames
    assert [memmap.apply(PageToPfn(int(page))).pfn for page in pages[:5]] == frames[:5]


def test_what_is_no_request_is_refused() -> None:
    """With what to use instead."""
    with pytest.raises(TypeError, match="not a request"):
        booted("x86_64")[0].apply(7)


def test_pages_of_maps_of_their_own_need_their_sections() -> None:
    """A page alone does not tell."""
    memmap, _ = booted("x86_64 without VMEMMAP")
    with pytest.raises(ValueError, match="give them"):
        memmap.frames(np.zeros(1, np.uint64))
