"""Zone selection, zonelists and NUMA statistics of Linux 6.12, function by function from the source.

A judge, not a specification: written from mm/page_alloc.c, mm/mmzone.c, include/linux/gfp.h and
include/linux/topology.h of v6.12 (Debian linux-source-6.12, 6.12.117) without sight of the project's own text.
"""

from __future__ import annotations

INT_MAX = (1 << 31) - 1


def gfp_zone(flags: int, *, dma: bool = True, dma32: bool = True, highmem: bool = False, device: bool = True) -> tuple[str, bool]:
    """include/linux/gfp.h:gfp_zone: (the zone, whether the combination is allowed: else VM_BUG_ON).

    The low bits of `flags`: DMA 1, HIGHMEM 2, DMA32 4, MOVABLE 8. Without CONFIG_DEBUG_VM a forbidden
    combination reads an empty table entry: zone index 0.
    """
    present = [("DMA", dma), ("DMA32", dma32), ("NORMAL", True), ("HIGHMEM", highmem), ("MOVABLE", True), ("DEVICE", device)]
    zones = [name for name, there in present if there]
    width = {1: 0, 2: 1, 3: 2, 4: 2}.get(len(zones), 3)
    if device and len(zones) - 1 <= 4:
        width = 2
    if width > 2:
        raise ValueError("a configuration with so many zones does not exist: the table is made of ints")
    opt_dma = zones.index("DMA" if dma else "NORMAL")
    opt_dma32 = zones.index("DMA32" if dma32 else "NORMAL")
    opt_highmem = zones.index("HIGHMEM" if highmem else "NORMAL")
    normal, movable = zones.index("NORMAL"), zones.index("MOVABLE")
    table = {0: normal, 1: opt_dma, 2: opt_highmem, 4: opt_dma32, 8: normal, 9: opt_dma, 10: movable, 12: opt_dma32}
    packed = sum(zone << (bit * width) for bit, zone in table.items())
    bit = flags & 0xF
    return zones[packed >> (bit * width) & ((1 << width) - 1)], bit in table


def find_next_best_node(
    node: int,
    used: set[int],
    load: dict[int, int],
    distance: list[list[int]],
    memory: set[int],
    cpus: set[int],
    max_numnodes: int = 64,
) -> int | None:
    """mm/page_alloc.c:find_next_best_node; adds what it finds to `used`. `cpus`: nodes with CPUs in their mask."""
    if node not in used and node in memory:
        used.add(node)
        return node
    best, least = None, INT_MAX
    for n in sorted(memory - used):
        value = distance[node][n] + (n < node) + (n in cpus)
        value = value * max_numnodes + load.get(n, 0)
        if value < least:
            best, least = n, value
    if best is not None:
        used.add(best)
    return best


def build_all_zonelists(
    distance: list[list[int]], memory: set[int], cpus: set[int], possible: set[int] | None = None, max_numnodes: int = 64
) -> tuple[dict[int, list[int]], dict[int, int]]:
    """mm/page_alloc.c:__build_all_zonelists and build_zonelists: (each node's node order, the final node_load).

    All possible nodes, ascending, memoryless ones too, share one node_load that starts at zero.
    """
    load: dict[int, int] = {}
    orders: dict[int, list[int]] = {}
    for local in sorted(range(len(distance)) if possible is None else possible):
        used: set[int] = set()
        order: list[int] = []
        previous = local
        while (node := find_next_best_node(local, used, load, distance, memory, cpus, max_numnodes)) is not None:
            if distance[local][node] != distance[local][previous]:
                load[node] = load.get(node, 0) + 1
            order.append(node)
            previous = node
        orders[local] = order
    return orders, load


def build_zonerefs(node_order: list[int], populated: dict[int, list[bool]]) -> list[tuple[int, int]]:
    """mm/page_alloc.c:build_zonelists_in_node_order: (node, zone index); `[node]` alone gives the NOFALLBACK list."""
    return [(node, zone) for node in node_order for zone in reversed(range(len(populated[node]))) if populated[node][zone]]


def eligible(zonerefs: list[tuple[int, int]], highest_zoneidx: int) -> list[tuple[int, int]]:
    """mm/mmzone.c:__next_zones_zonelist: the entries a request may use; the first is the preferred zone."""
    return [ref for ref in zonerefs if ref[1] <= highest_zoneidx]


def zone_statistics(
    counts: dict[tuple[tuple[int, int], str], int],
    preferred: tuple[int, int],
    zone: tuple[int, int],
    cpu_node: int,
    nr: int = 1,
    enabled: bool = True,
) -> None:
    """mm/page_alloc.c:zone_statistics: adds to counts[zone, item]; zones are (node, zone index).

    `cpu_node` is numa_node_id(), not numa_mem_id(). Only nodes are compared, never zones.
    """
    if not enabled:
        return

    def count(where: tuple[int, int], item: str) -> None:
        counts[where, item] = (counts.get((where, item), 0) + nr) % (1 << 64)

    if zone[0] == preferred[0]:
        count(zone, "NUMA_HIT")
    else:
        count(zone, "NUMA_MISS")
        count(preferred, "NUMA_FOREIGN")
    count(zone, "NUMA_LOCAL" if zone[0] == cpu_node else "NUMA_OTHER")
