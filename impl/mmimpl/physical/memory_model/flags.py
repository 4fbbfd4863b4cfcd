"""The fields of ``page->flags`` as shifts and masks, worked out once for a layout."""

from __future__ import annotations

from mmspec.physical.memory_model.ops import SPARSEMEM, SPARSEMEM_EXTREME, Layout


class Fields:
    """Where zone, node and section lie."""

    __slots__ = ("node", "node_mask", "section", "section_mask", "table", "zone", "zone_id_mask", "zone_mask")

    def __init__(self, layout: Layout) -> None:
        classic = layout.model in (SPARSEMEM, SPARSEMEM_EXTREME)
        sections = layout.max_physmem_bits - layout.section_size_bits if classic else 0
        zones = (layout.zones - 1).bit_length()
        generations = 3 if layout.lru_gen else 0
        fits = sections + zones + generations + layout.nodes_shift <= layout.long_bits - layout.nr_pageflags
        nodes = layout.nodes_shift if fits else 0
        self.table = layout.nodes_shift > 0 and not fits
        self.section = layout.long_bits - sections
        self.node = self.section - nodes
        self.zone = self.node - zones
        self.zone_mask, self.node_mask, self.section_mask = (1 << zones) - 1, (1 << nodes) - 1, (1 << sections) - 1
        self.zone_id_mask = (1 << zones + (sections if self.table else nodes)) - 1

    def write(self, flags: int, zone: int, node: int, section: int) -> int:
        """Return the flags with the three fields written."""
        flags &= ~(self.zone_mask << self.zone | self.node_mask << self.node | self.section_mask << self.section)
        flags |= (zone & self.zone_mask) << self.zone
        flags |= (node & self.node_mask) << self.node
        return flags | (section & self.section_mask) << self.section

    def read(self, flags: int) -> tuple[int, int, int, int]:
        """Return zone, node, section and zone id."""
        zone, node = flags >> self.zone & self.zone_mask, flags >> self.node & self.node_mask
        return zone, node, flags >> self.section & self.section_mask, flags >> self.zone & self.zone_id_mask
