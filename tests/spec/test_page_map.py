"""Changes to page tables: each architecture's sizes, its entries, what a change needs, on tables of a few entries."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmspec.errors import EBUSY, EINVAL, ENOENT, ENOMEM, InputError
from mmspec.virtual.page_map import PAGE_MAP, encode
from mmspec.virtual.page_map.ops import (
    ALL,
    NONE,
    PAGE,
    RANGE,
    Bytes,
    Changed,
    Collapse,
    Config,
    Found,
    FreeTables,
    Look,
    Map,
    Protect,
    Seen,
    Split,
    TableBytes,
    Translate,
    Unmap,
)  # fmt: skip
from mmspec.virtual.page_map.state import Nothing, Space, initial

LA48, LA57, GRANULE_4K, GRANULE_16K, GRANULE_64K, SV39, SV48, SV57 = range(8)
BASE = 1 << 20
X86 = Config(0, LA48, 48, 46, BASE, 8)
ARM = Config(1, GRANULE_4K, 48, 48, BASE, 8)
RISCV = Config(2, SV39, 39, 56, BASE, 8)
MIB2 = 2 << 20

SHAPES = [
    X86, Config(0, LA57, 57, 52, BASE, 8), ARM, Config(1, GRANULE_4K, 52, 52, BASE, 8), Config(1, GRANULE_16K, 47, 48, BASE, 8),
    Config(1, GRANULE_64K, 48, 52, BASE, 8), RISCV, Config(2, SV48, 48, 56, BASE, 8), Config(2, SV57, 57, 56, BASE, 8),
]  # fmt: skip


def after(space: Space, *requests: Any) -> tuple[Space, Any]:
    """Return the state after Linux's answers to some requests, and the last answer."""
    result: Any = None
    for request in requests:
        operation = next(each for each in PAGE_MAP.operations if each.request is type(request))
        result, _ = operation.choose(space, Nothing(), request)
        assert operation.allowed(space, request, result) is None
        space = operation.apply(space, request, result)
    return space, result


def broken(space: Space, request: Any, result: Any) -> str | None:
    """Return the id of the clause that a result breaks."""
    operation = next(each for each in PAGE_MAP.operations if each.request is type(request))
    clause = operation.allowed(space, request, result)
    return None if clause is None else clause.id


def assert_sound(space: Space) -> None:
    """Every invariant holds at every key."""
    for invariant in PAGE_MAP.invariants:
        assert all(invariant.holds(space, Nothing(), key) for key in invariant.keys(space, Nothing())), invariant.clause.id


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_page_of_every_size_means_its_frame(shape: Config, upper: bool) -> None:
    """Each size is mapped, walked to, protected and unmapped; every table is given back."""
    space = initial(attrs.evolve(shape, upper=upper))
    for height in range(1, space.top + 1):
        if not encode.has_leaves(space.regime, height) or encode.shift_of(space.regime, height) >= shape.phys_bits:
            continue
        size = 1 << encode.shift_of(space.regime, height)
        va, pa = (1 << 64) - size if upper else 0, (1 << shape.phys_bits) - size
        mapped, found = after(space, Map(va, pa, height, 1), Translate(va + size - 1))
        assert (found.pa, found.size, found.permissions & 7) == (pa + size - 1, size, 3)
        assert_sound(mapped)
        mapped, found = after(mapped, Protect(va, height, 2), Translate(va))
        assert (found.permissions & 7, bool(found.permissions & 56)) == (1 if shape.arch == 1 and not upper else 5, not upper)
        gone, answer = after(mapped, Unmap(va, height), FreeTables(va), Translate(va))
        assert (answer, gone.used, [pa for pa, entry in gone.memory.items() if entry]) == (ENOENT, 0, [])


@pytest.mark.parametrize("shape", [X86, ARM, RISCV])
def test_a_split_and_a_collapse_change_no_translation(shape: Config) -> None:
    """The pieces mean what the whole did, and the whole again what they do."""
    space, _ = after(initial(shape), Map(0, 4 * MIB2, 2, 1))
    pieces, _ = after(space, Split(0, 2))
    assert_sound(pieces)
    for va in (0, 0x1234, MIB2 - 1):
        assert after(pieces, Translate(va))[1] == Found(4 * MIB2 + va, 4096, after(space, Translate(va))[1].permissions)
    whole, _ = after(pieces, Collapse(0, 2))
    assert (dict(whole.pages.items()), whole.used) == (dict(space.pages.items()), space.used)
    assert_sound(whole)


def test_leaves_that_differ_are_not_joined() -> None:
    """One leaf that grants less, or that is missing, keeps its table."""
    space, _ = after(initial(X86), Map(0, 4 * MIB2, 2, 1), Split(0, 2))
    for change in (Protect(0x5000, 1, 0), Unmap(0x5000, 1)):
        assert after(space, change, Collapse(0, 2))[1] == EINVAL


ENTRIES = [
    (X86, 1, 1, 0x8000_0000_0060_0067),
    (X86, 2, 3, 0x6000E7),
    (attrs.evolve(X86, upper=True), 2, 0, 0x8000_0000_0060_01A1),
    (attrs.evolve(X86, nxe=False), 1, 0, 0x600025),
    (ARM, 1, 2, 0x0020_0000_0060_0FC3),
    (attrs.evolve(ARM, upper=True), 2, 1, 0x00E8_0000_0060_0701),
    (RISCV, 1, 1, 0x1800D7),
    (attrs.evolve(RISCV, upper=True), 2, 2, 0x18006B),
]


@pytest.mark.parametrize(("config", "height", "prot", "entry"), ENTRIES)
def test_what_linux_writes(config: Config, height: int, prot: int, entry: int) -> None:
    """Leaves as the kernel's protection constants say, dirty where they may be written."""
    space = initial(config)
    assert hex(encode.leaf(space.regime, config.upper, height, 0x600000, prot)) == hex(entry)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (Map(0x1000, 0, 2, 0), EINVAL), (Map(0, 0x1000, 2, 0), EINVAL), (Map(1 << 47, 0, 1, 0), EINVAL),
        (Map(0, 1 << 46, 1, 0), EINVAL), (Map(0, 0, 4, 0), EINVAL), (Map(0, BASE + 0x8000, 1, 0), EINVAL),
        (Map(0, 0, 2, 0), EINVAL),
        (Map(MIB2, 0, 1, 0), EBUSY), (Map(0, 1 << 30, 3, 0), EBUSY), (Map(MIB2 + 0x1000, 0, 1, 0), EBUSY),
        (Unmap(MIB2, 1), ENOENT), (Unmap(0, 2), ENOENT), (Protect(0, 1, 0), ENOENT), (Split(MIB2, 1), EINVAL),
        (Translate(0), ENOENT), (Translate(1 << 47), ENOENT), (Look(MIB2, 1), ENOENT), (Collapse(MIB2, 2), EINVAL),
    ],
)  # fmt: skip
def test_what_is_refused(request_: Any, answer: Any) -> None:
    """Beside a huge page at 2 MiB, and nothing else."""
    space, _ = after(initial(X86), Map(MIB2, 4 * MIB2, 2, 1))
    assert after(space, request_)[1] == answer


def test_no_table_is_left() -> None:
    """A map and a split that need one more table than there is change nothing."""
    space = initial(attrs.evolve(X86, pool=2))
    assert after(space, Map(0, 0, 1, 0))[1] == ENOMEM
    assert after(space, Map(0, 4 * MIB2, 2, 0), Split(0, 2))[1] == ENOMEM


def test_which_tables_may_be_taken() -> None:
    """Any that are free, each once, and as many as are needed."""
    space, request = initial(X86), Map(0, 0, 1, 0)
    first, second, third = (BASE + 0x1000 * number for number in (8, 2, 5))
    assert broken(space, request, Changed(NONE, tables=(first, second, third))) is None
    for wrong in ((first, second), (first, second, first), (first, second, BASE), (first, second, third + 8)):
        assert broken(space, request, Changed(NONE, tables=wrong)) == "PAGE-MAP-TABLES"


def test_which_flush_a_change_needs() -> None:
    """Less than is needed breaks a clause, more does not."""
    for config, kind in ((X86, NONE), (ARM, NONE), (RISCV, PAGE)):
        space, mapped = after(initial(config), Map(0, 4 * MIB2, 2, 1))
        assert mapped.flush == kind
        assert broken(space, Unmap(0, 2), Changed(NONE)) == "PAGE-MAP-FLUSH-UNMAP"
        assert broken(space, Unmap(0, 2), Changed(ALL)) is None
        assert broken(space, Protect(0, 2, 3), Changed(NONE)) is None
        assert broken(space, Protect(0, 2, 2), Changed(NONE)) == "PAGE-MAP-FLUSH-PROTECT"
        halves, split = after(space, Split(0, 2))
        straight = broken(space, Split(0, 2), attrs.evolve(split, invalid_first=False))
        assert straight == ("PAGE-MAP-INVALID-FIRST" if config.arch == 1 else None)
        _, joined = after(halves, Collapse(0, 2))
        assert broken(halves, Collapse(0, 2), attrs.evolve(joined, flush=PAGE)) == "PAGE-MAP-FLUSH-COLLAPSE"
        assert broken(halves, Collapse(0, 2), attrs.evolve(joined, flush=RANGE)) is None
        empty, _ = after(space, Unmap(0, 2))
        freed = after(empty, FreeTables(0))[1]
        assert (freed.flush, freed.structure) == (ALL if config.arch == 2 else PAGE, True)
        assert broken(empty, FreeTables(0), attrs.evolve(freed, structure=False)) == "PAGE-MAP-FLUSH-FREE"


def test_levels_that_are_folded_have_the_roots_entry() -> None:
    """Sv39 has no P4D and no PUD of its own: their entry is the PGD's, which lies in the root."""
    space, _ = after(initial(RISCV), Map(1 << 30, 4 * MIB2, 2, 0))
    seen = {height: after(space, Look(1 << 30, height))[1] for height in (3, 4, 5)}
    assert seen[3] == seen[4] == seen[5] == Seen(BASE + 8, (BASE + 0x1000) >> 2 | 1)
    assert after(space, Look(1 << 30, 1))[1] == ENOENT


def test_which_tables_are_charged() -> None:
    """PTE, PMD and PUD tables are, P4D tables are not."""
    space, _ = after(initial(Config(0, LA57, 57, 52, BASE, 8)), Map(0, 4 * MIB2, 1, 0))
    assert (space.used, after(space, TableBytes())[1]) == (4, Bytes(3 * 4096))


WRONG: list[dict[str, int]] = [{"base": 0x800}, {"base": (1 << 46) - 0x8000}, {"mode": 2}]


@pytest.mark.parametrize("wrong", [attrs.evolve(X86, **wrong) for wrong in WRONG])
def test_a_configuration_that_is_none_is_refused(wrong: Config) -> None:
    """Tables that are not aligned or not in memory, a mode of another architecture."""
    with pytest.raises(InputError, match=r"."):
        initial(wrong)


def test_the_other_half_of_aarch64_has_tables_of_its_own() -> None:
    """Where every address of a half is mapped, the one below its first is the other half's, and not walked here."""
    config = Config(1, GRANULE_64K, 30, 36, BASE, 0)
    space = initial(config)
    for va, pa in ((0, 0x2000_0000), (0x2000_0000, 0xFE000_0000)):
        request = Map(va, pa, 2, 0)
        answer, _ = PAGE_MAP.operation("map").choose(space, Nothing(), request)
        space = PAGE_MAP.operation("map").apply(space, request, answer)
    for invariant in PAGE_MAP.invariants:
        for place in invariant.keys(space, Nothing()):
            assert invariant.holds(space, Nothing(), place), (invariant.clause.id, hex(place))
