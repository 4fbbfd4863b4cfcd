"""The page-table walk: facts of each architecture, on tables of a few entries."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mmspec.errors import DONE, EINVAL, InputError
from mmspec.pmap import pmap
from mmspec.virtual.page_table import core
from mmspec.virtual.page_table.ops import (
    ACCESS_FAULT,
    ACCESS_FLAG,
    ADDRESS_SIZE,
    FETCH,
    GENERAL_PROTECTION,
    NO_FAULT,
    PAGE_FAULT,
    PERMISSION,
    READ,
    TRANSLATION,
    WRITE,
    Access,
    Config,
    Controls,
    Reached,
    Read,
    Value,
    Write,
)  # fmt: skip
from mmspec.virtual.page_table.state import Tables, initial

LA48, LA57, GRANULE_4K, GRANULE_16K, GRANULE_64K, SV39 = 0, 1, 2, 3, 4, 5
XD = 1 << 63


def tables(config: Config, entries: dict[int, int]) -> Tables:
    """Return a state with some words in memory."""
    return attrs.evolve(initial(config), memory=pmap(entries))


def x86(leaf: int, **controls: Any) -> Tables:
    """Return four levels that end in a leaf for address 0."""
    config = Config(0, LA48, 48, 46, Controls(**controls))
    return tables(config, {0x1000: 0x2007, 0x2000: 0x3007, 0x3000: 0x4007, 0x4000: leaf})


def arm(config: Config, leaf: int) -> Tables:
    """Return a root of 4K pages that is level 1, and ends in a leaf for address 0."""
    return tables(config, {0x1000: 0x2003, 0x2000: 0x3003, 0x3000: leaf})


def riscv(leaf: int, level: int = 0, **controls: Any) -> Tables:
    """Return Sv39 that ends in a leaf of a level for address 0."""
    entries = {0x1000: 0x801, 0x2000: 0xC01, 0x3000: leaf}
    entries = {at: value for at, value in entries.items() if at <= 0x1000 * (3 - level)} | {0x1000 * (3 - level): leaf}
    return tables(Config(2, SV39, 39, 56, Controls(**controls)), entries)


ARM = Config(1, GRANULE_4K, 39, 48)

WALKS = [
    ("x86: not canonical", x86(0x5067), (1 << 47, READ, False), (GENERAL_PROTECTION, 4, 0)),
    ("x86: not present", x86(0x5066), (0, WRITE, True), (PAGE_FAULT, 1, 6)),
    ("x86: above MAXPHYADDR", x86(0x5067 | 1 << 46), (0, READ, False), (PAGE_FAULT, 1, 9)),
    ("x86: XD is reserved", x86(0x5067 | XD, nxe=False), (0, READ, False), (PAGE_FAULT, 1, 9)),
    ("x86: XD", x86(0x5067 | XD), (0, FETCH, True), (PAGE_FAULT, 1, 21)),
    ("x86: SMEP", x86(0x5067, smep=True), (0, FETCH, False), (PAGE_FAULT, 1, 17)),
    ("x86: SMAP", x86(0x5067, smap=True), (0, READ, False), (PAGE_FAULT, 1, 1)),
    ("x86: SMAP with AC", x86(0x5067, smap=True, ac=True), (0, READ, False), (NO_FAULT, 1, 0)),
    ("x86: WP", x86(0x5065), (0, WRITE, False), (PAGE_FAULT, 1, 3)),
    ("x86: no WP", x86(0x5065, wp=False), (0, WRITE, False), (NO_FAULT, 1, 0)),
    ("x86: no WP for users", x86(0x5065, wp=False), (0, WRITE, True), (PAGE_FAULT, 1, 7)),
    ("x86: key", x86(0x5067 | 2 << 59, pke=True, pkru=1 << 4), (0, READ, False), (PAGE_FAULT, 1, 33)),
    ("x86: key and fetch", x86(0x5067 | 2 << 59, pke=True, pkru=1 << 4), (0, FETCH, False), (NO_FAULT, 1, 0)),
    ("arm: range", arm(ARM, 0x4703), (1 << 40, READ, False), (TRANSLATION, 0, 4)),
    ("arm: invalid", arm(ARM, 0x4702), (0, READ, False), (TRANSLATION, 3, 7)),
    ("arm: reserved at level 3", arm(ARM, 0x4701), (0, READ, False), (TRANSLATION, 3, 7)),
    ("arm: address size", arm(attrs.evolve(ARM, phys_bits=32), 0x4703 | 1 << 32), (0, READ, False), (ADDRESS_SIZE, 3, 3)),
    ("arm: access flag", arm(ARM, 0x4303), (0, READ, False), (ACCESS_FLAG, 3, 11)),
    ("arm: EL0 and the kernel's", arm(ARM, 0x4703), (0, READ, True), (PERMISSION, 3, 15)),
    ("arm: EL0 executes what it cannot read", arm(ARM, 0x4703), (0, FETCH, True), (NO_FAULT, 3, 0)),
    ("arm: level -1", tables(Config(1, GRANULE_4K, 52, 52), {}), (0, READ, False), (TRANSLATION, -1, 0x2B)),
    ("riscv: write-only", riscv(0x10C5), (0, READ, False), (PAGE_FAULT, 0, 13)),
    ("riscv: misaligned", riscv(0x1 << 10 | 0xCF, level=1), (0, FETCH, False), (PAGE_FAULT, 1, 12)),
    ("riscv: Svade", riscv(0x104F), (0, WRITE, False), (PAGE_FAULT, 0, 15)),
    ("riscv: a page of the top level", riscv(1 << 52 | 0xCF, level=2), (0, READ, False), (NO_FAULT, 2, 0)),
]


@pytest.mark.parametrize(("state", "access", "comes_to"), [row[1:] for row in WALKS], ids=[row[0] for row in WALKS])
def test_a_walk_comes_to(state: Tables, access: tuple[int, int, bool], comes_to: tuple[int, int, int]) -> None:
    """The kind of fault, its level and its code; or the leaf's level."""
    walk = core.walk_of(state, Access(0x1000, *access))
    assert (walk.fault, walk.level, walk.code) == comes_to


def test_marks_of_an_x86_write() -> None:
    """Every entry gets A, the leaf D; entries that have them are not listed."""
    state = attrs.evolve(x86(0x5007), memory=x86(0x5007).memory.set(0x2000, 0x3027))
    walk = core.walk_of(state, Access(0x1000, 0xABC, WRITE, True))
    assert (walk.pa, walk.size, walk.accessed, walk.dirty) == (0x5ABC, 4096, (0x1000, 0x3000, 0x4000), (0x4000,))
    assert walk.memory.get(0x4000, 0) == 0x5067


def test_a_table_that_maps_itself_is_marked_once() -> None:
    """One entry used at every level is listed once."""
    walk = core.walk_of(tables(Config(0, LA57, 57, 52), {0x1000: 0x1007}), Access(0x1000, 8, READ, False))
    assert (walk.pa, walk.used, walk.accessed) == (0x1008, (0x1000,) * 5, (0x1000,))


@pytest.mark.parametrize(
    ("config", "leaf", "pa"),
    [
        (Config(1, GRANULE_64K, 42, 52), 0xA703 | 1 << 16, 0xA << 48 | 1 << 16),
        (Config(1, GRANULE_64K, 42, 48), 0xA703 | 1 << 16, 1 << 16),
    ],
)
def test_where_a_64k_descriptor_keeps_its_top_bits(config: Config, leaf: int, pa: int) -> None:
    """Bits 15 to 12 are address bits 51 to 48 where the output has 52 bits."""
    state = tables(config, {0x10000: 0x20003, 0x20000: leaf})
    assert core.walk_of(state, Access(0x10000, 0, READ, False)).pa == pa


def test_where_a_descriptor_under_ds_keeps_its_top_bits() -> None:
    """Bits 9 and 8 are address bits 51 and 50, bits 49 and 48 are their own."""
    state = arm(Config(1, GRANULE_4K, 39, 52), 0x4403 | 3 << 8 | 3 << 48)
    assert core.walk_of(state, Access(0x1000, 0, READ, False)).pa == 0xF << 48 | 0x4000


def test_dbm_makes_a_clean_page_dirty() -> None:
    """A write clears AP[2]; nothing faults."""
    state = arm(attrs.evolve(ARM, controls=Controls(ha=True, hd=True)), 0x4783 | 1 << 51)
    walk = core.walk_of(state, Access(0x1000, 0, WRITE, False))
    assert (walk.fault, walk.dirty, walk.memory.get(0x3000, 0)) == (NO_FAULT, (0x3000,), 0x4703 | 1 << 51)


def test_napot_takes_the_low_bits_of_the_address() -> None:
    """A leaf with N is 64 KiB."""
    state = riscv(1 << 63 | 0x18 << 10 | 0xCF, svnapot=True)
    walk = core.walk_of(state, Access(0x1000, 0, READ, False))
    assert (walk.pa, walk.size) == (0x10000, 1 << 16)


def test_memory_ends_where_the_platform_says() -> None:
    """An access fault, of the access that was made."""
    config = Config(2, SV39, 39, 34)
    state = tables(config, {0x1000: 1 << 34 >> 2 | 0xCF})
    walk = core.walk_of(state, Access(0x1000, 0, WRITE, False))
    assert (walk.fault, walk.code) == (ACCESS_FAULT, 7)


def test_a_fault_may_mark_or_not() -> None:
    """After a fault A may be read either way, and what was read holds; D may not."""
    state = x86(0x5005)
    request = Access(0x1000, 0, WRITE, True)
    answer, _ = core.access_choose(state, None, request)
    after = core.access_apply(state, request, answer)
    allowed = {value: core.read_allowed(after, Read(0x4000), Value(value)) for value in (0x5005, 0x5025, 0x5045)}
    assert [broken is None for broken in allowed.values()] == [True, True, False]
    known = core.read_apply(after, Read(0x4000), Value(0x5025))
    assert core.read_allowed(known, Read(0x4000), Value(0x5005)) is not None


def test_an_access_may_find_marked_what_a_fault_marked() -> None:
    """Entries that a fault may have marked may be missing from what a later access lists, no others."""
    state = x86(0x5005)
    fault, fine = Access(0x1000, 0, WRITE, True), Access(0x1000, 0, READ, True)
    assert core.access_allowed(state, fine, Reached(0x5000, 4096, (), ())) is not None
    after = core.access_apply(state, fault, core.access_choose(state, None, fault)[0])
    assert core.access_allowed(after, fine, Reached(0x5000, 4096, (), ())) is None
    assert core.access_allowed(after, fine, Reached(0x5000, 4096, (0x1000, 0x2000, 0x3000, 0x4000), ())) is None
    assert core.access_allowed(after, fine, Reached(0x5000, 4096, (0x1000, 0x1000), ())) is not None


def test_only_words_of_memory_are_written() -> None:
    """Anything else is refused, and refusing what is one is not lawful."""
    state = initial(Config(0, LA48, 48, 40))
    assert core.write_allowed(state, Write(4, 1), EINVAL) is None
    assert core.write_allowed(state, Write(1 << 40, 1), DONE) is not None
    assert core.write_allowed(state, Write(8, 1), EINVAL) is not None


@pytest.mark.parametrize(
    "config",
    [
        Config(0, GRANULE_4K, 48, 48), Config(0, LA48, 57, 48), Config(0, LA48, 48, 53),
        Config(1, GRANULE_16K, 52, 48, Controls(ds=False)),
        Config(1, GRANULE_64K, 48, 48, Controls(ds=True)), Config(2, SV39, 39, 57), Config(2, SV39, 39, 56, Controls(wp=True)),
    ],
)  # fmt: skip
def test_a_configuration_that_is_none_is_refused(config: Config) -> None:
    """At the door, with what is wrong."""
    with pytest.raises(InputError, match=r"."):
        initial(config)
