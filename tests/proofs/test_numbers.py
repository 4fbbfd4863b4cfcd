"""What is proved of marks, counters and zones can fail: of wrong versions of the law, and outside its scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from tests.proofs.breaking import refuted

from mmspec.errors import Done, Error
from mmspec.physical.pcp import core as pcp
from mmspec.physical.pcp.ops import Cpu as HolderCpu
from mmspec.physical.pcp.state import Pages
from mmspec.physical.vmstat.linux import put
from mmspec.physical.vmstat.ops import Cpu, CpuEnd, Delta, Item, PageShift, Threshold
from mmspec.physical.vmstat.ops import Managed as Frames
from mmspec.physical.vmstat.state import Cells, cell_of
from mmspec.physical.watermarks import linux, sizes
from mmspec.physical.watermarks.ops import HIGHMEM, NORMAL, Config, Factor, Managed, Mark, SetMinFree, Zone
from mmspec.physical.watermarks.state import Machine, Marks, machine_of, zone_at
from mmspec.physical.zones import core as zones
from mmspec.physical.zones.ops import GFP_DMA, KINDS, MOVABLE, CountPlacement, GfpBits, Kind, KindSet, Node
from mmspec.physical.zones.state import Lists, Topology
from mmspec.words import Count, Flags, Migratetype, Order, Pfn


def flush_and_forget(cells: Cells, cpu: Cpu, item: Item, delta: Delta) -> Cells:
    """What is beyond the threshold goes nowhere."""
    held, threshold = cells.held.get(cell_of(cpu, item), 0) + delta, cells.threshold.get(cpu, 0)
    kept = 0 if held > threshold or held < -threshold else held
    return put(cells, cpu, item, kept, 0)


def never_over(cells: Cells, cpu: Cpu, item: Item) -> Cells:
    """The CPU holds everything back."""
    return put(cells, cpu, item, cells.held.get(cell_of(cpu, item), 0) + 1, 0)


def half_of_it_twice(cells: Cells, cpu: Cpu, item: Item) -> Cells:
    """The half that goes over on top is not owed."""
    held, threshold = cells.held.get(cell_of(cpu, item), 0) - 1, cells.threshold.get(cpu, 0)
    if held < -threshold:
        return put(cells, cpu, item, 0, held - (threshold >> 1))
    return put(cells, cpu, item, held, 0)


def no_threshold(managed: Frames, page_shift: PageShift, online: CpuEnd) -> Threshold:
    """A CPU may hold back nothing."""
    return 0


def high_is_low(marks: Marks, zone: Zone, lowest: Mark, distance: Mark) -> Marks:
    """HIGH is no farther than LOW."""
    marked = sizes.mark_zone(marks, zone, lowest, distance)
    return attrs.evolve(marked, high=marked.high.set(zone, lowest + distance))


def boost_stays(marks: Marks, zone: Zone, lowest: Mark, distance: Mark) -> Marks:
    """The boost outlives the marks."""
    return attrs.evolve(sizes.mark_zone(marks, zone, lowest, distance), boost=marks.boost)


def a_third_more(mark: Mark, flags: Flags) -> Mark:
    """With a flag of reserves the mark is higher."""
    return mark + mark // 3 if flags & 0x20 else mark


def whole_block_usable(order: Order, flags: Flags, highatomic: Mark, cma: Mark) -> Count:
    """All frames of the block are usable."""
    return highatomic + cma


def nearer_with_share(managed: Managed, share: Mark, scale: Factor) -> Mark:
    """The marks come nearer as the share of min_free_kbytes grows."""
    return (1 << 46) - 1 - share


def from_itself_too(machine: Machine, marks: Marks, zone: Zone, highest: Kind) -> Mark:
    """A zone keeps frames from requests for itself."""
    return 1


def movable_moves(kinds: KindSet, bits: GfpBits) -> Kind:
    """MOVABLE alone gives MOVABLE."""
    return MOVABLE if bits == 8 else zones.gfp_zone(kinds, bits)


def dma_for_all(kinds: KindSet, bits: GfpBits) -> Kind:
    """DMA is given also where it is not built in."""
    return 0 if bits & GFP_DMA else zones.gfp_zone(kinds, bits)


def upwards(lists: Lists, node: Node) -> tuple[Zone, ...]:
    """The lowest zone comes first."""
    found: tuple[Zone, ...] = ()
    for kind in range(KINDS):
        found += ((node << 3) | kind,) if lists.listed.get((node << 3) | kind, False) else ()
    return found


def a_hit_too(topology: Topology, op: CountPlacement, result: Done | Error) -> Topology:
    """What misses is counted as a hit as well."""
    after = zones.count_placement_apply(topology, op, result)
    return attrs.evolve(after, hit=after.hit.set(op.zone, topology.hit.get(op.zone, 0) + op.calls))


def held_still(pages: Pages, cpu: HolderCpu, pfn: Pfn, order: Order) -> Pages:
    """What a CPU lets go it holds as well."""
    return attrs.evolve(pcp.let_go(pages, cpu, pfn, order), held=pages.held)


def counted_as_one(pages: Pages, cpu: HolderCpu, pfn: Pfn, order: Order, migratetype: Migratetype) -> Pages:
    """A block counts as one frame."""
    held = pcp.hold(pages, cpu, pfn, order, migratetype)
    return attrs.evolve(held, count=held.count.set(cpu, pages.count.get(cpu, 0) + 1))


WRONG: list[tuple[str, Callable[..., Any]]] = [
    ("VMSTAT-STEP-MOD-SUM", flush_and_forget),
    ("VMSTAT-STEP-INC-WITHIN", never_over),
    ("VMSTAT-STEP-DEC-SUM", half_of_it_twice),
    ("VMSTAT-THRESHOLD-NORMAL-LAWFUL", no_threshold),
    ("WATERMARKS-MARK-ORDERED", high_is_low),
    ("WATERMARKS-MARK-UNBOOSTED", boost_stays),
    ("WATERMARKS-REDUCED-LOWERS", a_third_more),
    ("WATERMARKS-UNUSABLE-BLOCK", whole_block_usable),
    ("WATERMARKS-DISTANCE-RISES", nearer_with_share),
    ("WATERMARKS-RESERVE-NOTHING-BELOW", from_itself_too),
    ("ZONES-GFP-TABLE", movable_moves),
    ("ZONES-GFP-TABLE", dma_for_all),
    ("ZONES-NODE-DOWNWARDS", upwards),
    ("ZONES-COUNTED-TWICE", a_hit_too),
    ("PCP-LET-GO-PLACED", held_still),
    ("PCP-HOLD-COUNTED", counted_as_one),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_a_wrong_law_is_refuted(name: str, wrong: Callable[..., Any]) -> None:
    """The obligation about the right function is REFUTED of the wrong one, and the real one fails on the counterexample."""
    refuted(name, subject=wrong)


# --- scopes --------------------------------------------------------------------------------------------------------------------


def test_beyond_32_bits_the_marks_are_not_ordered() -> None:
    """The scope is the largest: where PROMO does not fit, the order fails at once."""
    refuted("WATERMARKS-MARK-32-ORDERED", given=())


def kept(mark: int, bits: int) -> int:
    """Return a mark as a kernel keeps it."""
    return mark & ((1 << bits) - 1)


def marks_of(kbytes: int, normal: int, other: int) -> tuple[int, int, int, int]:
    """Return the marks of a HIGHMEM zone beside a NORMAL one, as the law computes them."""
    config = Config(((0, NORMAL, normal), (0, HIGHMEM, other)))
    _, marks = linux.set_min_free_choose(machine_of(config), linux.initial_marks(config, "6.12"), SetMinFree(kbytes))
    zone = zone_at(0, HIGHMEM)
    return marks.min[zone], marks.low[zone], marks.high[zone], marks.promo[zone]


def test_a_machine_of_32_bits_on_which_the_order_fails() -> None:
    """With 1 MiB of lowmem beside 1 GiB of HIGHMEM, and min_free_kbytes as large as it goes, PROMO comes below HIGH."""
    marks = marks_of((1 << 31) - 1, 256, 260000)
    assert marks[0] < marks[1] < marks[2] < marks[3]
    words = [kept(mark, 32) for mark in marks]
    assert words != sorted(words)
    assert [kept(mark, 64) for mark in marks] == list(marks)


def test_beyond_64_bits_a_larger_zone_has_a_lower_mark() -> None:
    """What the machine takes ends where the product of pages and frames leaves 64 bits: there the kernel's share would shrink."""
    pages, lowmem = (1 << 29) - 1, 1 << 34
    share = [kept(pages * managed, 64) // lowmem for managed in (1 << 35, (1 << 35) + (1 << 7))]
    assert share[1] < share[0]
