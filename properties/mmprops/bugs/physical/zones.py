"""Wrong versions of the rules of zones and zonelists."""

from __future__ import annotations

from functools import partial

from mmprops.bugs.bug import Bug

CORE, LINUX, STATE = "mmspec.physical.zones.core", "mmspec.physical.zones.linux", "mmspec.physical.zones.state"
OUR = "mmimpl.physical.zones.Zones"
OURS = "INTERFACES 1, machine zones"
GFP = "include/linux/gfp.h:gfp_zone"
BEST = "mm/page_alloc.c:find_next_best_node"
BUILD = "mm/page_alloc.c:build_zonelists"
LIMITS = "arch/x86/mm/init.c:zone_sizes_init"
COUNT = "mm/page_alloc.c:zone_statistics"
KEY = "(self.cost(local, node), load[node], node)"

bug = partial(Bug, component="zones")
core = partial(Bug, component="zones", profile="any")
"""A bug that breaks what every implementation must keep."""

BUGS = (
    core(
        "BUG-ZONE-DEAF",
        "ZONES-ACCEPTED",
        "the last node has no list",
        OURS,
        {f"{OUR}.zonelist": (">= self.nodes", ">= self.nodes - 1")},
    ),
    core(
        "BUG-ZONE-ANY-NODE",
        "ZONES-ARGS",
        "a node that is not there gets CPUs",
        OURS,
        {f"{OUR}.set_cpus": ("            return EINVAL\n", "            return DONE\n")},
    ),
    core(
        "BUG-ZONE-MOVABLE-ALONE",
        "ZONES-GFP-NORMAL",
        "MOVABLE alone opens MOVABLE",
        GFP,
        {
            f"{OUR}.zone_of_bits": (
                "if bits == GFP_HIGHMEM | GFP_MOVABLE:",
                "if bits in (GFP_HIGHMEM | GFP_MOVABLE, GFP_MOVABLE):",
            )
        },
    ),
    core(
        "BUG-ZONE-DMA32-IS-DMA",
        "ZONES-GFP-DMA",
        "DMA32 with MOVABLE gives DMA",
        GFP,
        {f"{OUR}.zone_of_bits": ("GFP_DMA32: DMA32", "GFP_DMA32: DMA if bits & GFP_MOVABLE and self.built[DMA] else DMA32")},
    ),
    core(
        "BUG-ZONE-HIGHMEM-NORMAL",
        "ZONES-GFP-HIGHMEM",
        "HIGHMEM alone gives NORMAL where HIGHMEM is built in",
        GFP,
        {f"{OUR}.zone_of_bits": (", GFP_HIGHMEM: HIGHMEM}", "}")},
    ),
    core(
        "BUG-ZONE-MOVABLE-NORMAL",
        "ZONES-GFP-MOVABLE",
        "MOVABLE with HIGHMEM gives NORMAL where no HIGHMEM is built in",
        GFP,
        {f"{OUR}.zone_of_bits": ("            return MOVABLE", "            return MOVABLE if self.built[HIGHMEM] else NORMAL")},
    ),
    core(
        "BUG-ZONE-MISSING-KIND",
        "ZONES-GFP-MISSING",
        "a request for a kind that is not built in gets its number",
        GFP,
        {f"{OUR}.zone_of_bits": ("wanted if self.built[wanted] else NORMAL", "wanted")},
    ),
    core(
        "BUG-ZONE-TWO-KINDS",
        "ZONES-GFP-BAD",
        "DMA with DMA32 is taken for NORMAL",
        GFP,
        {f"{OUR}.zone_of_bits": ("            return None", "            return NORMAL")},
    ),
    core(
        "BUG-ZONE-OVERLAP",
        "ZONES-1",
        "each kind begins at the first frame of memory",
        "mm/mm_init.c:free_area_init",
        {f"{OUR}.possible_range": ("max(op.start, *ends[: op.kind], 0)", "op.start")},
    ),
    core(
        "BUG-ZONE-DMA-32M",
        "ZONES-LIMIT-DMA",
        "DMA ends at 32 MiB",
        LIMITS,
        {f"{OUR}.possible_range": ("min(1 << 12, low)", "min(1 << 13, low)")},
    ),
    core(
        "BUG-ZONE-DMA32-2G",
        "ZONES-LIMIT-DMA32",
        "DMA32 ends at 2 GiB",
        LIMITS,
        {f"{OUR}.possible_range": ("min(1 << 20, low)", "min(1 << 19, low)")},
    ),
    core(
        "BUG-ZONE-HIGHMEM-LOW",
        "ZONES-LIMIT-NORMAL",
        "HIGHMEM ends with low memory",
        LIMITS,
        {f"{OUR}.possible_range": ("ends[HIGHMEM] = 0, op.end", "ends[HIGHMEM] = 0, low")},
    ),
    core(
        "BUG-ZONE-MORE-THAN-PRESENT",
        "ZONES-2",
        "a zone may have more frames managed than present",
        "mm/mm_init.c:calculate_node_totalpages",
        {f"{OUR}.set_size": ("op.managed <= op.present <=", "op.present <=")},
    ),
    core(
        "BUG-ZONE-LOCAL-LAST",
        "ZONES-4",
        "a node's own zones come last",
        BUILD,
        {f"{OUR}.build": ("zones + self.own[best], best", "self.own[best] + zones, best")},
    ),
    core(
        "BUG-ZONE-THISNODE-STRAYS",
        "ZONES-THISNODE",
        "a request that must stay gets the whole list",
        "mm/page_alloc.c:build_thisnode_zonelists",
        {f"{OUR}.zonelist": ("self.own[op.node] if op.thisnode else ", "")},
    ),
    core(
        "BUG-ZONE-ANY-KIND",
        "ZONES-5",
        "the kind above the highest is tried too",
        "mm/mmzone.c:__next_zones_zonelist",
        {f"{OUR}.tried": ("<= highest", "<= highest + 1")},
    ),
    core(
        "BUG-ZONE-GIVES-UP",
        "ZONES-NONE",
        "only the list's first zone is looked at",
        "mm/mmzone.c:__next_zones_zonelist",
        {
            f"{OUR}.first_zone": (
                "return self.tried(self.own[op.node] if op.thisnode else self.lists[op.node],",
                "return self.tried((self.own[op.node] if op.thisnode else self.lists[op.node])[:1],",
            )
        },
    ),
    bug(
        "BUG-ZONE-EMPTY-HIDDEN",
        "ZONES-POPULATED",
        "a zone whose frames are few is left out",
        "mm/page_alloc.c:build_zonerefs_node",
        {
            f"{OUR}.build": ("if self.present[row])", "if self.present[row] > 1)"),
            f"{LINUX}.built": (
                "is_populated(topology, zone_at(node, kind)))",
                "topology.present.get(zone_at(node, kind), 0) > 1)",
            ),
        },
    ),
    bug(
        "BUG-ZONE-UPWARDS",
        "ZONES-DOWNWARDS",
        "a node's zones are tried from the lowest kind",
        "mm/page_alloc.c:build_zonerefs_node",
        {
            f"{OUR}.build": (
                "range(node * WIDTH + KINDS - 1, node * WIDTH - 1, -1)",
                "range(node * WIDTH, node * WIDTH + KINDS)",
            ),
            f"{LINUX}.zones_on": ("KINDS - 1 - k", "k"),
        },
    ),
    bug(
        "BUG-ZONE-LOCAL-AMONG",
        "ZONES-BEST-1",
        "a node is wanted in its own order as any other",
        BEST,
        {
            f"{OUR}.build": (
                "far, zones, last = self.distance[local], self.own[local], local\n"
                "            left = [node for node in range(self.nodes) if self.own[node] and node != local]",
                "far, zones, last = self.distance[local], self.own[local][:0], local\n"
                "            left = [node for node in range(self.nodes) if self.own[node]]",
            ),
            f"{LINUX}.next_best": ("if has_memory(topology, local) and not used.get(local, False):", "if topology.nodes == 0:"),
        },
    ),
    bug(
        "BUG-ZONE-FARTHEST",
        "ZONES-BEST-2",
        "the farthest node comes next",
        BEST,
        {
            f"{OUR}.cost": ("return self.distance", "return -self.distance"),
            f"{LINUX}.value_of": (
                "value = topology.distance.get(pair_of(local, node), 0)",
                "value = -topology.distance.get(pair_of(local, node), 0)",
            ),
        },
    ),
    bug(
        "BUG-ZONE-ABOVE-FARTHER",
        "ZONES-BEST-3",
        "a node above the list's own counts as farther",
        BEST,
        {f"{OUR}.cost": ("node < local", "node > local"), f"{LINUX}.value_of": ("node < local", "node > local")},
    ),
    bug(
        "BUG-ZONE-CPUS-NEARER",
        "ZONES-BEST-4",
        "a node with CPUs is wanted as one without",
        BEST,
        {
            f"{OUR}.cost": (" + self.has_cpus[node]", ""),
            f"{LINUX}.value_of": ("        rule(c.WITH_CPUS)\n        value += 1", "        rule(c.WITH_CPUS)"),
        },
    ),
    bug(
        "BUG-ZONE-LOAD-UNSEEN",
        "ZONES-BEST-5",
        "load decides nothing",
        BEST,
        {f"{OUR}.build": (KEY, "(self.cost(local, node), node)"), f"{LINUX}.value_of": (" + load.get(node, 0)", "")},
    ),
    bug(
        "BUG-ZONE-TIES-HIGH",
        "ZONES-BEST-6",
        "of nodes that are wanted as much the highest comes first",
        BEST,
        {
            f"{OUR}.build": (KEY, "(self.cost(local, node), load[node], -node)"),
            f"{LINUX}.best_step": ("value < least", "value <= least"),
        },
    ),
    bug(
        "BUG-ZONE-EACH-LOADED",
        "ZONES-LOAD",
        "every node in an order bears a load",
        BUILD,
        {
            f"{OUR}.build": ("far[best] != far[last]", "1"),
            f"{LINUX}.pick_step": ("!= topology.distance.get(pair_of(local, before), 0)", ">= 0"),
        },
    ),
    bug(
        "BUG-ZONE-LOAD-OF-ONE",
        "ZONES-LOAD-ZERO",
        "load is forgotten between two nodes' orders",
        "mm/page_alloc.c:__build_all_zonelists",
        {
            f"{OUR}.build": ("            far, zones,", "            load = [0] * self.nodes\n            far, zones,"),
            f"{LINUX}.all_step": ("length=lists.length.set(local, 0))", "length=lists.length.set(local, 0), load=pmap())"),
        },
    ),
    bug(
        "BUG-ZONE-STALE",
        "ZONES-REBUILT",
        "lists stay when a zone gains or loses its memory",
        "mm/page_alloc.c:build_all_zonelists",
        {
            f"{OUR}.set_size": ("        if changes:", "        if changes and op.present < 0:"),
            f"{LINUX}.set_size_choose": ("if is_populated(topology, op.zone) == (op.present > 0):", "if op.present >= 0:"),
        },
    ),
    bug(
        "BUG-ZONE-NEXT-SAME",
        "ZONES-NEXT",
        "the next zone may be one that was tried before",
        "mm/mmzone.c:__next_zones_zonelist",
        {
            f"{OUR}.after_zone": (
                "zones[zones.index(op.zone) + 1 :] if op.zone in zones else ()",
                "zones if op.zone in zones else ()",
            ),
            f"{LINUX}.after_zone_choose": (
                "place_behind(zones, op.zone)",
                "0 if op.zone in zones else place_behind(zones, op.zone)",
            ),
        },
    ),
    core(
        "BUG-ZONE-HIT-ONCE",
        "ZONES-HIT",
        "a hit counts calls as one",
        COUNT,
        {f"{OUR}.count_placement": ("self.counts[op.zone][0] += op.calls", "self.counts[op.zone][0] += 1")},
    ),
    core(
        "BUG-ZONE-FOREIGN-SERVES",
        "ZONES-MISS",
        "the zone that served is called foreign",
        COUNT,
        {f"{OUR}.count_placement": ("self.counts[op.preferred][2]", "self.counts[op.zone][2]")},
    ),
    core(
        "BUG-ZONE-LOCAL-PREFERRED",
        "ZONES-LOCAL",
        "local is where the preferred zone is",
        COUNT,
        {f"{OUR}.count_placement": ("if node == op.running else 4", "if node == op.preferred // WIDTH else 4")},
    ),
    bug(
        "BUG-ZONE-COUNTS-ALWAYS",
        "ZONES-UNCOUNTED",
        "allocations are counted without vm.numa_stat",
        COUNT,
        {
            f"{OUR}.count_placement": ("if op.counted:", "if op.counted >= 0:"),
            f"{CORE}.count_placement_apply": (
                "if op.counted == 0:\n        rule(c.UNCOUNTED)\n        return topology",
                "if op.counted == 0:\n        rule(c.UNCOUNTED)",
            ),
        },
    ),
    bug(
        "BUG-LAW-ZONE-MISS-UNPAIRED",
        "ZONES-6",
        "a miss is no foreign",
        COUNT,
        {
            f"{CORE}.count_placement_apply": (
                "topology.foreign.get(op.preferred, 0) + calls",
                "topology.foreign.get(op.preferred, 0)",
            )
        },
        client="spec",
    ),
    bug(
        "BUG-ZONE-CPUS-REBUILD",
        "ZONES-CHOICE",
        "lists are built anew when a node gains CPUs",
        "mm/page_alloc.c:build_all_zonelists",
        {f"{OUR}.set_cpus": ("        return DONE", "        self.build()\n        return DONE")},
    ),
)
"""The bugs of the component."""
