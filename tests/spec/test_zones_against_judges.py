"""The law's zonelists against a judge that was written from the kernel's source alone (``tests/judges/zonelists_612.py``).

Where zones may lie is not compared: the judge has nothing about it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from tests.judges import zonelists_612

from mmspec.errors import ENOENT
from mmspec.physical.zones import ZONES
from mmspec.physical.zones.core import gfp_zone, is_bad
from mmspec.physical.zones.ops import (
    KINDS,
    NORMAL,
    AfterZone,
    Config,
    CountPlacement,
    Entry,
    FirstZone,
    LookPlacement,
    LookZonelist,
    Rebuild,
    SetCpus,
    SetSize,
)  # fmt: skip
from mmspec.physical.zones.state import kind_of, node_of, pair_of, zone_at

OPERATIONS = {operation.request: operation for operation in ZONES.operations}
NAMES = ("DMA", "DMA32", "NORMAL", "HIGHMEM", "MOVABLE", "DEVICE")
ALL_KINDS = (1 << KINDS) - 1
COUNTS = ("NUMA_HIT", "NUMA_MISS", "NUMA_FOREIGN", "NUMA_LOCAL", "NUMA_OTHER")

Ref = tuple[int, int]
Distances = tuple[tuple[int, ...], ...]


class Pair:
    """The law and the judge on one machine."""

    def __init__(self, zones: set[Ref], distance: Distances, cpus: set[int]) -> None:
        listed = tuple((node, kind, 512) for node, kind in sorted(zones))
        made = Config(listed, distance, sum(1 << node for node in cpus), ALL_KINDS)
        self.topology, self.lists = ZONES.initial(made), ZONES.initial_policy(made, "6.12")
        self.zones, self.distance, self.cpus = set(zones), distance, set(cpus)
        self.nodes = len(distance)
        self.counts: dict[tuple[Ref, str], int] = {}
        self.build()

    def build(self) -> None:
        """Let the judge build its lists anew."""
        memory = {node for node, _ in self.zones}
        rows = [list(row) for row in self.distance]
        self.orders, self.load = zonelists_612.build_all_zonelists(rows, memory, self.cpus)
        self.populated = {node: [(node, kind) in self.zones for kind in range(KINDS)] for node in range(self.nodes)}

    def refs(self, node: int, thisnode: bool) -> list[Ref]:
        """Return a list of the judge's."""
        return zonelists_612.build_zonerefs([node] if thisnode else self.orders[node], self.populated)

    def ask(self, request: Any) -> Any:
        """Return the law's answer, which it must allow itself."""
        operation = OPERATIONS[type(request)]
        answer, self.lists = operation.choose(self.topology, self.lists, request)
        assert operation.allowed(self.topology, request, answer) is None, request
        self.topology = operation.apply(self.topology, request, answer)
        return answer

    def same(self) -> None:
        """Every node's order and load, and every list of zones, agree."""
        for node in range(self.nodes):
            order = [self.lists.order[pair_of(node, place)] for place in range(self.lists.length.get(node, 0))]
            assert order == self.orders[node], (node, self.distance, self.cpus)
            assert self.lists.load.get(node, 0) == self.load.get(node, 0), (node, self.distance, self.cpus)
            for thisnode in (0, 1):
                ours = [(node_of(zone), kind_of(zone)) for zone in self.ask(LookZonelist(node, thisnode)).zones]
                assert ours == self.refs(node, thisnode == 1), (node, thisnode)

    def same_counts(self) -> None:
        """Every count of placement agrees."""
        for node, kind in product(range(self.nodes), range(KINDS)):
            ours = self.ask(LookPlacement(zone_at(node, kind)))
            theirs = [self.counts.get(((node, kind), name), 0) for name in COUNTS]
            assert [ours.hit, ours.miss, ours.foreign, ours.local, ours.other] == theirs, (node, kind)


# --- what a program does -------------------------------------------------------------------------------------------------


def any_ref(pair: Pair, rng: random.Random) -> Ref:
    """Return a zone, with memory or without."""
    return rng.randrange(pair.nodes), rng.randrange(KINDS)


def set_size(pair: Pair, rng: random.Random) -> None:
    """Give a zone of both memory, take it, or change how much it is; lists follow its first frame and its last."""
    node, kind = any_ref(pair, rng)
    present = rng.choice((0, 0, 1, 512))
    lawful = present > 0 or bool(pair.zones - {(node, kind)})
    assert pair.ask(SetSize(zone_at(node, kind), 512, present, rng.choice((0, present)))).failed is not lawful
    if lawful and ((node, kind) in pair.zones) != (present > 0):
        pair.zones ^= {(node, kind)}
        pair.build()
    pair.same()


def set_cpus(pair: Pair, rng: random.Random) -> None:
    """Give a node of both CPUs, or take them; no list follows."""
    node, has = rng.randrange(pair.nodes), rng.randrange(2)
    assert not pair.ask(SetCpus(node, has)).failed
    (pair.cpus.add if has else pair.cpus.discard)(node)
    pair.same()


def rebuild(pair: Pair, rng: random.Random) -> None:
    """Build the lists of both anew."""
    assert not pair.ask(Rebuild()).failed
    pair.build()
    pair.same()


def walk(pair: Pair, rng: random.Random) -> None:
    """Go through a list of both from its first zone to its last, as a request may."""
    node, thisnode, highest = rng.randrange(pair.nodes), rng.randrange(2), rng.randrange(KINDS)
    nodes = rng.choice(((1 << 64) - 1, rng.randrange(1 << pair.nodes), 1 << rng.randrange(pair.nodes), 0))
    refs = pair.refs(node, thisnode == 1)
    theirs = [zone_at(*ref) for ref in zonelists_612.eligible(refs, highest) if nodes >> ref[0] & 1]
    ours, answer = [], pair.ask(FirstZone(node, thisnode, highest, nodes))
    while not answer.failed:
        ours.append(answer.zone)
        answer = pair.ask(AfterZone(node, thisnode, highest, nodes, answer.zone))
    assert answer == ENOENT
    assert ours == theirs, (node, thisnode, highest, nodes)
    for place, ref in enumerate(refs):  # from zones that the request itself may not use, too
        behind = [zone_at(*r) for r in zonelists_612.eligible(refs[place + 1 :], highest) if nodes >> r[0] & 1]
        answer = pair.ask(AfterZone(node, thisnode, highest, nodes, zone_at(*ref)))
        assert answer == (Entry(behind[0]) if behind else ENOENT)


def count(pair: Pair, rng: random.Random) -> None:
    """Count allocations in both."""
    preferred, zone, running = any_ref(pair, rng), any_ref(pair, rng), rng.randrange(pair.nodes)
    zone = rng.choice((zone, preferred, (preferred[0], zone[1])))
    calls, counted = rng.choice((1, 1, 2, 63, 1 << 40)), rng.choice((1, 1, 1, 0))
    request = CountPlacement(zone_at(*preferred), zone_at(*zone), running, calls, counted)
    assert not pair.ask(request).failed
    zonelists_612.zone_statistics(pair.counts, preferred, zone, running, calls, counted == 1)


ACTS: tuple[Callable[[Pair, random.Random], None], ...] = (set_size, set_size, set_cpus, rebuild, walk, walk, count, count, count)


def distances(rng: random.Random, nodes: int) -> Distances:
    """Return distances: all equal, few different ones, next to each other (where the penalties count), anything at all."""
    palette = rng.choice(
        ((10,), (10, 20), (10, 11, 12), (20, 21, 22, 23), (0, 255, 254), tuple(range(10, 60)), tuple(range(256)))
    )
    own = rng.choice((10, 10, 10, None))
    rows = [[rng.choice(palette) if a != b or own is None else own for b in range(nodes)] for a in range(nodes)]
    if rng.random() < 0.5:
        rows = [[rows[min(a, b)][max(a, b)] for b in range(nodes)] for a in range(nodes)]
    return tuple(tuple(row) for row in rows)


def machine(rng: random.Random, nodes: int) -> Pair:
    """Return both on a machine some of whose nodes may have no memory, or no CPUs."""
    with_memory = [node for node in range(nodes) if rng.random() < rng.choice((1.0, 0.7, 0.3))] or [rng.randrange(nodes)]
    zones = {(node, rng.randrange(KINDS)) for node in with_memory for _ in range(rng.randrange(1, 4))}
    cpus = {node for node in range(nodes) if rng.random() < rng.choice((0.0, 0.5, 1.0))}
    return Pair(zones, distances(rng, nodes), cpus)


def run(seed: int, programs: int = 120) -> None:
    """Run programs on both."""
    for number in range(programs):
        rng = random.Random(f"{seed} {number}")
        pair = machine(rng, rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 8)))
        pair.same()
        for _ in range(12):
            rng.choice(ACTS)(pair, rng)
        pair.same_counts()


def test_every_list_and_count_is_what_the_judge_has(seed: int) -> None:
    """On machines whose nodes gain and lose memory and CPUs."""
    run(seed)


def test_the_largest_machine(seed: int) -> None:
    """64 nodes, most of them without memory; all as far, and at distances that differ by what a penalty is."""
    rng = random.Random(seed)
    for palette in ((20,), (20, 21, 22)):
        distance = tuple(tuple(10 if a == b else rng.choice(palette) for b in range(64)) for a in range(64))
        memory = rng.sample(range(64), 12)
        Pair({(node, NORMAL) for node in memory}, distance, set(rng.sample(range(64), 40))).same()


@pytest.mark.parametrize(("dma", "dma32", "highmem", "device"), list(product((False, True), repeat=4)))
def test_zones_of_requests_are_the_judge_s(dma: bool, dma32: bool, highmem: bool, device: bool) -> None:
    """Each combination of bits under each configuration of kinds; ``MOVABLE`` is always built in."""
    there = (dma, dma32, True, highmem, True, device)
    kinds = sum(1 << kind for kind in range(KINDS) if there[kind])
    if sum(there) - device > 4:
        with pytest.raises(ValueError, match="does not exist"):
            zonelists_612.gfp_zone(0, dma=dma, dma32=dma32, highmem=highmem, device=device)
        return
    for bits in range(16):
        name, lawful = zonelists_612.gfp_zone(bits, dma=dma, dma32=dma32, highmem=highmem, device=device)
        assert is_bad(bits) is not lawful, bits
        if lawful:
            assert NAMES[gfp_zone(kinds, bits)] == name, bits


# --- the comparison can fail ---------------------------------------------------------------------------------------------


def best(node: int, used: set[int], candidates: dict[int, int], first: bool = True, last: bool = False) -> int | None:
    """Return the candidate of the least value: the lowest, or the ``last`` of several."""
    if first and node in candidates:
        found: int | None = node
    else:
        found = min(candidates, key=lambda n: (candidates[n], -n if last else n), default=None)
    if found is not None:
        used.add(found)
    return found


def values(
    node: int, used: set[int], load: dict[int, int], distance: list[list[int]], memory: set[int], cpus: set[int],
    penalty: Callable[[int], bool], weight: int = 64,
) -> dict[int, int]:  # fmt: skip
    """Return what each node that is left is worth."""
    return {n: (distance[node][n] + penalty(n) + (n in cpus)) * weight + load.get(n, 0) for n in memory - used}


def above_is_farther(node: int, used: set[int], load: Any, distance: Any, memory: Any, cpus: Any, _: int = 64) -> int | None:
    """Let the nodes above the list's own count as farther."""
    return best(node, used, values(node, used, load, distance, memory, cpus, lambda n: n > node))


def cpus_are_nearer(node: int, used: set[int], load: Any, distance: Any, memory: Any, cpus: Any, _: int = 64) -> int | None:
    """Let the nodes without CPUs count as farther."""
    return best(node, used, values(node, used, load, distance, memory, memory - cpus, lambda n: n < node))


def highest_wins(node: int, used: set[int], load: Any, distance: Any, memory: Any, cpus: Any, _: int = 64) -> int | None:
    """Of equals take the highest."""
    return best(node, used, values(node, used, load, distance, memory, cpus, lambda n: n < node), last=True)


def no_load(node: int, used: set[int], load: Any, distance: Any, memory: Any, cpus: Any, _: int = 64) -> int | None:
    """Leave the load out."""
    return best(node, used, values(node, used, {}, distance, memory, cpus, lambda n: n < node))


def load_like_distance(node: int, used: set[int], load: Any, distance: Any, memory: Any, cpus: Any, _: int = 64) -> int | None:
    """Let a load count as much as a distance."""
    return best(node, used, values(node, used, load, distance, memory, cpus, lambda n: n < node, 1))


def own_by_distance(node: int, used: set[int], load: Any, distance: Any, memory: Any, cpus: Any, _: int = 64) -> int | None:
    """Do not take a node's own memory first."""
    return best(node, used, values(node, used, load, distance, memory, cpus, lambda n: n < node), first=False)


def upwards(node_order: list[int], populated: dict[int, list[bool]]) -> list[Ref]:
    """List each node's zones upwards."""
    return [(node, zone) for node in node_order for zone in range(KINDS) if populated[node][zone]]


def below_highest(zonerefs: list[Ref], highest_zoneidx: int) -> list[Ref]:
    """Leave the highest zone out."""
    return [ref for ref in zonerefs if ref[1] < highest_zoneidx]


def counts_zones(counts: Any, preferred: Ref, zone: Ref, cpu_node: int, nr: int = 1, enabled: bool = True) -> None:
    """Score a hit only in the preferred zone itself."""
    found = ("NUMA_HIT",) if zone == preferred else ("NUMA_MISS",)
    for item in (*found, "NUMA_LOCAL" if zone[0] == cpu_node else "NUMA_OTHER") if enabled else ():
        counts[zone, item] = counts.get((zone, item), 0) + nr
    if enabled and zone != preferred:
        counts[preferred, "NUMA_FOREIGN"] = counts.get((preferred, "NUMA_FOREIGN"), 0) + nr


RIGHT_STATISTICS = zonelists_612.zone_statistics


def counts_by_preferred(counts: Any, preferred: Ref, zone: Ref, cpu_node: int, nr: int = 1, enabled: bool = True) -> None:
    """Score local where the preferred zone is."""
    RIGHT_STATISTICS(counts, preferred, zone, cpu_node if zone[0] == preferred[0] else preferred[0], nr, enabled)


def counts_always(counts: Any, preferred: Ref, zone: Ref, cpu_node: int, nr: int = 1, enabled: bool = True) -> None:
    """Count without vm.numa_stat too."""
    RIGHT_STATISTICS(counts, preferred, zone, cpu_node, nr)


WRONG = {
    "find_next_best_node": (above_is_farther, cpus_are_nearer, highest_wins, no_load, load_like_distance, own_by_distance),
    "build_zonerefs": (upwards,),
    "eligible": (below_highest,),
    "zone_statistics": (counts_zones, counts_by_preferred, counts_always),
}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [(name, wrong) for name, several in WRONG.items() for wrong in several],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch, seed: int, name: str, wrong: Any) -> None:
    """A judge that is wrong in one function is told apart."""
    monkeypatch.setattr(zonelists_612, name, wrong)
    with pytest.raises(AssertionError):
        run(seed, 1500)


def nothing_wrong(node: int, used: set[int], load: Any, distance: Any, memory: Any, cpus: Any, _: int = 64) -> int | None:
    """Do what the judge does, in the words of those above."""
    return best(node, used, values(node, used, load, distance, memory, cpus, lambda n: n < node))


def test_the_wrong_ones_are_wrong_in_one_point(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """What they are made of is right."""
    monkeypatch.setattr(zonelists_612, "find_next_best_node", nothing_wrong)
    run(seed, 30)


def test_a_load_that_stays_is_told_apart(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """A judge whose lists begin with the load that the ones before left."""
    right = zonelists_612.build_all_zonelists
    kept: dict[int, int] = {}

    def keeps_load(*arguments: Any) -> Any:
        orders, load = right(*arguments)
        for node, heads in load.items():
            kept[node] = kept.get(node, 0) + heads
        return orders, dict(kept)

    monkeypatch.setattr(zonelists_612, "build_all_zonelists", keeps_load)
    with pytest.raises(AssertionError):
        run(seed, 1500)
