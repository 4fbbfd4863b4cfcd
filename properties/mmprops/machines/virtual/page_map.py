"""The machine ``page_map``: one half of an address space with few tables, mapped, split and joined at the edges of its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from mmimpl.virtual.page_map import PageMap
from mmprops.machine import Capability, Lockstep, Machine
from mmprops.machines.virtual.page_table_draw import ARCH_OF, PHYS_BITS, VA_BITS
from mmprops.picture import Picture, Strip
from mmprops.unforgiving import Unforgiving
from mmspec.virtual import page_map as law
from mmspec.virtual.page_map import encode
from mmspec.virtual.page_map.ops import (
    MAX_TABLES,
    Changed,
    Collapse,
    Config,
    FreeTables,
    Look,
    Map,
    Protect,
    Split,
    TableBytes,
    Translate,
    Unmap,
)  # fmt: skip
from mmspec.virtual.page_map.state import NO_PAGE, Nothing, Space, half_bits, initial, page_at, size_bits, start_of
from mmspec.virtual.page_table.ops import GRANULE_64K, MODES, X86_64, Va

CAPABILITIES = {
    "mode": Capability("all", "the one mode that it serves", choices=("all", *MODES)),
    "max_tables": Capability(MAX_TABLES, "the most tables that it may take", least=1),
    "flushes": Capability(False, "says which flush each change needs", opens=True),
}

POOLS = (8, 16, 3, 1, 64, 0, 5, 12)
MASK = (1 << 64) - 1
SPOTS = 4
FEW_WORDS = 2048
"""So many words are few enough that every invariant may be asked of each."""

Made = tuple[str, Any, Mapping[str, int]]


def draw(header: bytes, capabilities: Mapping[str, Any]) -> Config:
    """Return a half of some mode, with few tables, at the beginning or the end of memory or between."""
    modes = range(len(MODES)) if capabilities["mode"] == "all" else (MODES.index(capabilities["mode"]),)
    mode = modes[header[0] % len(modes)]
    if mode == GRANULE_64K and header[9] & 3 and len(modes) > 1:  # its tables are large: seldom
        mode = modes[header[9] % mode]
    arch = ARCH_OF[mode]
    va_bits = VA_BITS[mode][header[1] % len(VA_BITS[mode])]
    phys_bits = PHYS_BITS[arch][header[2] % len(PHYS_BITS[arch])]
    bits = {2: 12, 3: 14, 4: 16}.get(mode, 12)
    pool = min(POOLS[header[3] % len(POOLS)], capabilities["max_tables"])
    last = (1 << phys_bits) - (pool + 1 << bits)
    base = (1 << 20, last, 0, last >> 1)[header[4] % 4] >> bits << bits
    odd = arch == X86_64 and header[6] % 4 == 1
    return Config(arch, mode, va_bits, phys_bits, base, pool, bool(header[5] & 1), not odd, header[6] % 8 != 2 or arch != X86_64)


def simpler(config: Config) -> Iterator[Config]:
    """Yield halves that are simpler: a process's, with usual controls, widths and place, and fewer tables."""
    for plain in ({"upper": False}, {"nxe": True}, {"gbpages": True}, {"base": 1 << 20}, {"pool": 8}, {"pool": 3}):
        other = attrs.evolve(config, **plain)
        if other != config and other.pool <= config.pool:
            yield other


class Generator:
    """Makes operations from records of eight bytes, around a few addresses that select entries at the edges of tables."""

    def __init__(self, header: bytes, config: Config, capabilities: Mapping[str, Any]) -> None:
        self.config, space = config, initial(config)
        self.sizes = [h for h in range(1, space.top + 1) if encode.has_leaves(space.regime, h)]
        self.spots = [self.spot(space, header[7 + n] | header[8 + n] << 8) for n in range(SPOTS)]
        self.actions = [
            *[self.map] * 9, *[self.unmap] * 4, *[self.protect] * 4, *[self.split] * 5, *[self.collapse] * 4,
            *[self.free_tables] * 3, *[self.translate] * 4, *[self.look] * 3, self.table_bytes,
        ]  # fmt: skip

    def spot(self, space: Space, seed: int) -> Va:
        """Return an address of the half whose indices are at the edges of tables."""
        va, last = 0, (1 << encode.table_bits(space.regime) - 3) - 1
        for height in range(1, space.top + 1):
            va |= (0, 1, last, 2, 0, 1, last >> 1, last - 1)[seed >> 3 * (height - 1) & 7] << size_bits(space, height)
        bits = half_bits(space)
        return va & (1 << bits) - 1 | (MASK >> bits << bits if self.config.upper else 0)

    def request(self, record: bytes, space: Space) -> Made | None:
        """Return the operation that a record stands for in this state."""
        if not any(record):
            return None
        request = self.actions[record[0] % len(self.actions)](record, space)
        return NAMES[type(request)], request, {}

    def note(self, step: int, name: str, request: Any, result: Any) -> None:
        """Nothing to remember: the state tells all."""

    def height(self, r: bytes) -> int:
        """Return a height that has pages, mostly a low one; now and then any."""
        return 1 + r[6] % 5 if r[5] >= 244 else self.sizes[(0, 1, 1, 2, 0, 1, 3, 4)[r[6] % 8] % len(self.sizes)]

    def near(self, r: bytes, space: Space, height: int) -> Va:
        """Return one of the addresses, or a neighbour of its page; now and then one that is nowhere."""
        va = self.spots[r[1] % SPOTS]
        if r[2] >= 160:
            va += (-1, 1, 2, 7)[r[3] % 4] << size_bits(space, height)
        return va & MASK if r[5] < 250 else va ^ 1 << r[3] % 64

    def start(self, r: bytes, space: Space, height: int) -> Va:
        """Return where a page of a height may begin; now and then a little behind that."""
        va = start_of(space, self.near(r, space, height), height)
        return va | 1 << r[3] % 12 if 238 <= r[5] < 244 else va

    def mapped(self, r: bytes, space: Space) -> tuple[Va, int]:
        """Return a page that is mapped, where there is one near."""
        va = self.near(r, space, 1)
        page = page_at(space, va)
        if page == NO_PAGE and space.pages and r[5] < 200:
            va, page = next(iter(space.pages.items()))
        height = page.height if page != NO_PAGE and r[5] < 240 else self.height(r)
        return start_of(space, va, height) if r[5] < 236 else self.start(r, space, height), height

    # each of the following makes one request from a record

    def map(self, r: bytes, space: Space) -> Any:
        """Map a page to a frame at the beginning or the end of memory, to one that holds tables, or to anything."""
        height, end = self.height(r), 1 << self.config.phys_bits
        size = 1 << size_bits(space, height)
        frame = (size * (1 + r[4]), end - size, size << 3, self.config.base, end >> 1)[r[7] % 16 % 5]
        frame = frame if r[5] < 232 and r[7] % 16 != 3 else frame + (1 << r[4] % 56)
        frame = frame // size * size if r[7] < 240 else frame
        return Map(self.start(r, space, height), frame % (1 << 56), height, r[4] % 4)

    def unmap(self, r: bytes, space: Space) -> Any:
        """Unmap a page."""
        return Unmap(*self.mapped(r, space))

    def protect(self, r: bytes, space: Space) -> Any:
        """Change the rights of a page."""
        return Protect(*self.mapped(r, space), r[4] % 4)

    def huge(self, space: Space) -> Iterator[tuple[Va, int]]:
        """Yield the huge pages, as far as they are among the first that the map names."""
        for _, (va, page) in zip(range(64), space.pages.items(), strict=False):
            if page.height > 1:
                yield va, page.height

    def split(self, r: bytes, space: Space) -> Any:
        """Split a huge page, where there is one."""
        found = next(self.huge(space), None) if r[5] < 224 else None
        return Split(*(found or self.mapped(r, space)))

    def collapse(self, r: bytes, space: Space) -> Any:
        """Join the pages around one that is mapped."""
        va, height = self.mapped(r, space)
        height = height + (height < space.top) if r[5] < 240 else height
        return Collapse(start_of(space, va, height), height)

    def free_tables(self, r: bytes, space: Space) -> Any:
        """Give back the tables on the way to an address."""
        return FreeTables(self.near(r, space, 1))

    def translate(self, r: bytes, space: Space) -> Any:
        """Walk to an address in a page, or beside it."""
        va, height = self.mapped(r, space)
        va ^= 1 << 63 - r[3] % 16 if r[6] >= 224 else 0
        return Translate(va + (0, 5, (1 << size_bits(space, height)) - 1, 1 << size_bits(space, height))[r[7] % 4] & MASK)

    def look(self, r: bytes, space: Space) -> Any:
        """Look at an entry of any of the five levels."""
        return Look(self.near(r, space, 1 + r[6] % 3) if r[5] & 1 else self.mapped(r, space)[0], 1 + r[4] % 5)

    def table_bytes(self, r: bytes, space: Space) -> Any:
        """Ask for the bytes that are charged."""
        return TableBytes()


NAMES = {operation.request: operation.name for operation in law.PAGE_MAP.operations}


def too_much(config: Config, capabilities: Mapping[str, Any]) -> str | None:
    """Return what a client of these capabilities does not take of a configuration, or None."""
    if capabilities["mode"] not in ("all", MODES[config.mode]):
        return f"mode {MODES[config.mode]}"
    return f"{config.pool} tables" if config.pool > capabilities["max_tables"] else None


def completed(space: Space, request: Any, result: Any, capabilities: Mapping[str, Any]) -> Any:
    """Return a result in which the flush is Linux's, where a client does not promise to say it."""
    if capabilities["flushes"] or result.failed or not isinstance(result, Changed):
        return result
    operation = law.PAGE_MAP.operation(NAMES[type(request)])
    chosen, _ = operation.choose(space, Nothing(), request)
    if chosen.failed:
        return result
    return attrs.evolve(result, flush=chosen.flush, structure=chosen.structure, invalid_first=chosen.invalid_first)


# --- lock-step with our implementation -------------------------------------------------------------------------------------


def differs(space: Space, policy: Any, body: PageMap, keys: Iterable[Any]) -> str | None:
    """Nothing is compared between the steps."""
    return None


def recount(space: Space, policy: Any, body: PageMap) -> str | None:
    """Compare all of memory."""
    ours, words = dict(body.words()), {pa: value for pa, value in space.memory.items() if value}
    for pa in sorted(set(ours) | set(words)):
        if ours.get(pa, 0) != words.get(pa, 0):
            return f"the entry at {pa:#x} is {ours.get(pa, 0):#x}, in Linux {words.get(pa, 0):#x}"
    return None


def picture(space: Space, policy: Any) -> Picture:
    """Draw which tables are taken, and which of them hold entries."""
    bits = encode.table_bits(space.regime)
    number = {table: (table - space.root) >> bits for table, _ in space.parent.items()}
    taken = tuple((place, 1) for place in (0, *sorted(number.values())))
    used = tuple((place, 1) for place in sorted(n for table, n in number.items() if space.live.get(table, 0)))
    return Picture("table", "number", 0, space.pool + 1, (Strip("taken", taken), Strip("in use", used)))


PAGE_MAP = Machine(
    component=law.PAGE_MAP,
    implementation=PageMap,
    capabilities=CAPABILITIES,
    requires={},
    draw=draw,
    generator=Generator,
    sent=lambda capabilities: {"reset": tuple(attrs.fields_dict(Config))},
    simpler=simpler,
    too_much=too_much,
    completed=completed,
    tolerance=Unforgiving,
    weakening=(),
    lockstep=Lockstep(lambda policy, journal: policy, differs, recount),
    small=lambda space: len(space.memory) <= FEW_WORDS,
    picture=picture,
)
"""The machine."""
