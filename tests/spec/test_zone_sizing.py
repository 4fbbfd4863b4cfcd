"""The sizing of zones, against starts and sizes that were worked out by hand from the kernel's source."""

from __future__ import annotations

from typing import Any

import pytest

from mmspec.errors import EINVAL, InputError
from mmspec.physical.zone_sizing import ZONE_SIZING, clauses
from mmspec.physical.zone_sizing.ops import (
    DMA,
    DMA32,
    HIGHMEM,
    HOTPLUG,
    MIRROR,
    MOVABLE,
    NORMAL,
    Absent,
    AddMemory,
    Config,
    Frames,
    LookNode,
    LookZone,
    Possible,
    Range,
    Size,
    Sizes,
    Starts,
)  # fmt: skip

OPERATIONS = {operation.request: operation for operation in ZONE_SIZING.operations}
MIB, GIB = 1 << 20, 1 << 30
SMALL = Config(2, (0, 64, 4096, 0), max_order=3)
"""DMA32 to frame 64, NORMAL to 4096; blocks of 8 frames."""
SERVER = Config(2, (4096, 1 << 20, 1 << 22, 0))


def region(start: int, end: int, node: int = 0, flags: int = 0) -> AddMemory:
    """Return the request for a region of whole frames."""
    return AddMemory(start << 12, end << 12, node, flags)


def ask(config: Config, *requests: Any) -> Any:
    """Return Linux's answer to the last of some requests; the law must allow all."""
    layout, policy = ZONE_SIZING.initial(config), ZONE_SIZING.initial_policy(config, "6.12")
    for request in requests:
        operation = OPERATIONS[type(request)]
        answer, policy = operation.choose(layout, policy, request)
        assert operation.allowed(layout, request, answer) is None
        layout = operation.apply(layout, request, answer)
    return answer


def zones(config: Config, node: int, *requests: Any) -> dict[int, tuple[int, int, int]]:
    """Return the zones of a node that span anything, after some requests."""
    found = {kind: ask(config, *requests, LookZone(node, kind)) for kind in range(6)}
    return {kind: (sizes.start, sizes.spanned, sizes.present) for kind, sizes in found.items() if sizes.spanned}


def test_kinds_tile_from_the_first_frame() -> None:
    """A kind begins where the one below must end; one whose limit is no higher is empty."""
    memory = region(16, 100)
    assert ask(SMALL, memory, Possible(DMA)) == Range(16, 16)
    assert ask(SMALL, memory, Possible(DMA32)) == Range(16, 64)
    assert ask(SMALL, memory, Possible(NORMAL)) == Range(64, 4096)
    assert ask(SMALL, memory, Possible(HIGHMEM)) == Range(4096, 4096)
    assert ask(SMALL, memory, Possible(MOVABLE)) == Range(0, 0)


def test_zones_of_two_nodes() -> None:
    """Each node has what it spans of a kind; holes are spanned and not present."""
    memory = (region(1, 20), region(30, 80), region(80, 200, 1))
    assert zones(SMALL, 0, *memory) == {DMA32: (1, 63, 53), NORMAL: (64, 16, 16)}
    assert zones(SMALL, 1, *memory) == {NORMAL: (80, 120, 120)}
    assert ask(SMALL, *memory, LookNode(0)) == Sizes(1, 79, 69)
    assert ask(SMALL, *memory, Absent(0, 100)) == Frames(11)


def test_a_node_inside_another() -> None:
    """A node spans another one's memory and has none of it present."""
    memory = (region(64, 72), region(72, 80, 1), region(80, 88))
    assert zones(SMALL, 0, *memory) == {NORMAL: (64, 24, 16)}
    assert zones(SMALL, 1, *memory) == {NORMAL: (72, 8, 8)}


def test_only_whole_pages_count() -> None:
    """A page of which a region has a part is absent."""
    memory = AddMemory((100 << 12) + 1, (104 << 12) - 1)
    assert zones(SMALL, 0, memory) == {NORMAL: (101, 2, 2)}
    assert ask(SMALL, AddMemory((100 << 12) + 1, (100 << 12) + 9), LookNode(0)) == Sizes(0, 0, 0)


def test_no_option_no_movable() -> None:
    """Without any option MOVABLE begins nowhere."""
    assert ask(SMALL, region(64, 200), Size()) == Starts((0, 0))


def test_kernelcore_is_shared_evenly() -> None:
    """Of 256 frames the kernel wants 100: 50 of each node, rounded up to blocks of 8."""
    memory = (region(64, 192), region(192, 320, 1))
    assert ask(SMALL, *memory, Size(kernelcore=100)) == Starts((120, 248))
    assert zones(SMALL, 0, *memory, Size(kernelcore=100)) == {NORMAL: (64, 56, 56), MOVABLE: (120, 72, 72)}


def test_a_small_node_gives_all_and_the_other_the_rest() -> None:
    """A node of 16 frames gives them; the second time the other one gives the 34 that are wanted still."""
    memory = (region(64, 80), region(128, 328, 1))
    assert ask(SMALL, *memory, Size(kernelcore=100)) == Starts((0, 216))  # 128 + 50 + 34 = 212, rounded up


def test_low_memory_is_the_kernels_first() -> None:
    """The 48 frames below NORMAL count; of 100 wanted 52 are taken of NORMAL."""
    assert ask(SMALL, region(16, 320), Size(kernelcore=100)) == Starts((120, 0))  # 64 + 52 = 116, rounded up


def test_low_memory_may_be_more_than_is_wanted() -> None:
    """All of DMA32 stays the kernel's, though it wants less: MOVABLE begins with NORMAL."""
    assert zones(SMALL, 0, region(16, 320), Size(kernelcore=10)) == {DMA32: (16, 48, 48), MOVABLE: (64, 256, 256)}


def test_movablecore_leaves_the_rest() -> None:
    """Of 200 frames, 101 MOVABLE are 104: the kernel has 96; kernelcore counts where it is more."""
    memory = region(64, 264)
    assert ask(SMALL, memory, Size(movablecore=101)) == Starts((160, 0))
    assert ask(SMALL, memory, Size(movablecore=101, kernelcore=20)) == Starts((160, 0))
    assert ask(SMALL, memory, Size(movablecore=101, kernelcore=160)) == Starts((224, 0))
    assert ask(SMALL, memory, Size(movablecore=5000)) == Starts((0, 0))


def test_percentages_go_before_sizes() -> None:
    """25 % of 200 frames are 50, whatever the size says."""
    memory = region(64, 264)
    assert ask(SMALL, memory, Size(kernelcore=199, kernelcore_percent=25)) == Starts((120, 0))
    assert ask(SMALL, memory, Size(movablecore=8, movablecore_percent=25)) == Starts((208, 0))  # 56 of 200 MOVABLE, 144 not


def test_all_for_the_kernel_is_no_movable() -> None:
    """As much as there is, or more, leaves nothing."""
    assert ask(SMALL, region(64, 264), Size(kernelcore=200)) == Starts((0, 0))
    assert ask(SMALL, region(64, 264), Size(kernelcore=199)) == Starts((0, 0))  # 263 is rounded up to the end


def test_movable_node_begins_at_the_lowest_hotplug_memory() -> None:
    """Whatever else is asked for; a zone above it is emptied, one around it cut."""
    memory = (region(16, 40), region(40, 100, 0, HOTPLUG), region(100, 120, 0, HOTPLUG), region(120, 128, 1))
    assert ask(SMALL, *memory, Size(movable_node=1, kernelcore=7)) == Starts((40, 0))
    assert zones(SMALL, 0, *memory, Size(movable_node=1)) == {DMA32: (16, 24, 24), MOVABLE: (40, 80, 80)}


MIRRORED = (
    AddMemory(1 * MIB, 2 * GIB),
    AddMemory(4 * GIB, 5 * GIB, 0, MIRROR),
    AddMemory(5 * GIB, 6 * GIB),
    AddMemory(6 * GIB, 7 * GIB, 0, MIRROR),
)


def test_mirrored_memory_stays_the_kernels() -> None:
    """NORMAL and MOVABLE overlap from 5 GiB on; each has present what the other has not."""
    asked = Size(mirror=1)
    assert ask(SERVER, *MIRRORED, asked) == Starts((5 << 18, 0))
    found = zones(SERVER, 0, *MIRRORED, asked)
    assert found[NORMAL] == (4 << 18, 3 << 18, 2 << 18)
    assert found[MOVABLE] == (5 << 18, 2 << 18, 1 << 18)
    assert found[DMA32] == (4096, (4 << 18) - 4096, (2 << 18) - 4096)


def test_mirrors_need_a_mirror_and_no_kdump() -> None:
    """Without mirrored memory, or under kdump, kernelcore=mirror gives nothing; it never goes by size."""
    assert ask(SERVER, *MIRRORED, Size(mirror=1, kdump=1, kernelcore=1 << 18)) == Starts((0, 0))
    plain = tuple(AddMemory(op.base, op.end) for op in MIRRORED)
    assert ask(SERVER, *plain, Size(mirror=1, kernelcore=1 << 18)) == Starts((0, 0))


def test_what_is_no_request() -> None:
    """Memory out of order, of no node, above every zone; mirrors in nodes that interleave; nodes and ranges that are none."""
    assert ask(SMALL, region(64, 80), region(72, 90)) == EINVAL
    assert ask(SMALL, region(64, 80, 2)) == EINVAL
    assert ask(SMALL, region(64, 4097)) == EINVAL
    assert ask(SMALL, region(64, 72), region(72, 80, 1), region(80, 88), Size(mirror=1)) == EINVAL
    assert ask(SMALL, LookZone(2, NORMAL)) == EINVAL
    assert ask(SMALL, LookNode(2)) == EINVAL
    assert ask(SMALL, Absent(2, 1)) == EINVAL


@pytest.mark.parametrize("starts", [(100, 0), (8, 0), (328, 0), (96,)], ids=["no block", "lawful", "outside", "one node"])
def test_any_start_that_keeps_the_rules_is_lawful(starts: tuple[int, ...]) -> None:
    """Which start is chosen is free; where it may lie is not."""
    layout = ZONE_SIZING.initial(SMALL)
    for request in (region(64, 192), region(192, 320, 1)):
        layout = OPERATIONS[AddMemory].apply(layout, request, ask(SMALL, region(64, 65)))
    broken = OPERATIONS[Size].allowed(layout, Size(kernelcore=1), Starts(starts))
    wanted = {(100, 0): clauses.START_ALIGNED, (8, 0): None, (328, 0): clauses.START_INSIDE, (96,): clauses.START_EACH}
    assert broken == wanted[starts]


@pytest.mark.parametrize(
    "config", [Config(0, (0, 0, 1, 0)), Config(1, (0, 0, 1 << 45, 0)), Config(1, (0, 0, 1, 0), page_shift=11)]
)
def test_machines_that_there_are_not(config: Config) -> None:
    """A configuration that is none is refused at the door."""
    with pytest.raises(InputError):
        ZONE_SIZING.initial(config)
