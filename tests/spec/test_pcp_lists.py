"""Which blocks come and go, and from which end of which list."""

from __future__ import annotations

import pytest

from mmspec.errors import InputError
from mmspec.physical.pcp import clauses as c
from mmspec.physical.pcp.ops import (
    AGAIN,
    CMA,
    HIGHATOMIC,
    ISOLATE,
    MOVABLE,
    RECLAIMABLE,
    UNMOVABLE,
    Alloc,
    Block,
    Bulk,
    Config,
    CountPages,
    Drain,
    Error,
    Frames,
    Free,
    HeldBlocks,
    Page,
    Refill,
    Want,
)  # fmt: skip
from mmspec.physical.pcp.state import index_of

from .pcp_model import Model

ZONE = Config(0, 4096)


def test_last_in_first_out() -> None:
    """The block freed last is handed out first."""
    model = Model(ZONE)
    model.free(1)
    model.free(2)
    assert [model.alloc(), model.alloc(), model.alloc()] == [2, 1, "ENOENT"]


def test_a_refill_is_handed_out_in_its_own_order() -> None:
    """Its blocks go to the tail: behind what was freed."""
    model = Model(ZONE)
    model.free(9)
    model.refill(1, 2, 3)
    assert [model.alloc(flags=AGAIN) for _ in range(4)] == [9, 1, 2, 3]


def test_a_drain_takes_the_tail() -> None:
    """What was freed first goes back first."""
    model = Model(ZONE)
    for pfn in (1, 2, 3, 4):
        model.free(pfn)
    assert model.bulk(3) == [1, 2, 3]


def test_a_drain_goes_from_list_to_list() -> None:
    """Each list until it is empty: by order, and there UNMOVABLE, MOVABLE, RECLAIMABLE; huge pages last."""
    model = Model(ZONE)
    model.refill(512, order=9, migratetype=MOVABLE)
    model.refill(1024, order=9, migratetype=RECLAIMABLE)
    model.refill(8, order=1, migratetype=UNMOVABLE)
    model.refill(1, 2, migratetype=RECLAIMABLE)
    model.refill(3, migratetype=UNMOVABLE)
    assert model.bulk(1 << 20) == [3, 2, 1, 8, 1024, 512]


def test_the_drain_of_a_free_begins_at_its_list() -> None:
    """And comes round to the first one at the end."""
    model = Model(ZONE)
    model.refill(*range(1, 10), migratetype=UNMOVABLE)
    model.refill(16, order=1, migratetype=MOVABLE)
    assert model.free(20, migratetype=RECLAIMABLE) == [20, 16]


def test_what_is_owed_is_at_least_given() -> None:
    """A block is given back whole: a frame of a huge page that is owed takes all of it."""
    model = Model(ZONE)
    model.refill(512, order=9)
    assert model.do(Bulk(0, 1)) == Frames(1)
    assert model.do(Drain(0)) == Block(512, 9)
    assert model.do(Drain(0)).name == "ENOENT"


def test_more_than_there_is_is_not_owed() -> None:
    """PCP-01: a drain of more frames than a CPU holds ends."""
    model = Model(ZONE)
    model.refill(7)
    assert model.do(Bulk(0, 63)) == Frames(1)
    assert model.drained() == [7]


def test_the_lock_is_held_while_blocks_go_back() -> None:
    """Every other request to that CPU gets EBUSY; another CPU is served."""
    model = Model(Config(0, 4096, 2))
    model.refill(1, 2)
    model.do(Bulk(0, 2))
    for request in (Alloc(0, 0), Free(0, 9, 0), Refill(0, 9, 0), Want(0, 0), Bulk(0, 1)):
        assert model.do(request).name == "EBUSY"
    assert model.free(9, cpu=1) == []
    assert model.drained() == [2, 1]
    assert not model.do(Free(0, 10, 0)).failed


@pytest.mark.parametrize("order", range(12))
def test_which_orders_are_kept(order: int) -> None:
    """0 to 3, and a huge page's."""
    result = Model(ZONE).do(Free(0, 0, order))
    assert (Error("EBUSY") if result.failed else "kept") == ("kept" if order in (0, 1, 2, 3, 9) else Error("EBUSY"))


def test_without_huge_pages_none_is_kept() -> None:
    """CONFIG_TRANSPARENT_HUGEPAGE is off."""
    assert Model(Config(0, 4096, huge_order=0)).do(Free(0, 0, 9)).name == "EBUSY"


def test_an_isolated_block_is_not_kept() -> None:
    """It goes to the free lists, where nobody is given it."""
    assert Model(ZONE).do(Free(0, 1, 0, ISOLATE)).name == "EBUSY"


@pytest.mark.parametrize("kind", [HIGHATOMIC, CMA])
def test_reserved_and_contiguous_blocks_serve_movable_requests(kind: int) -> None:
    """And no others."""
    model = Model(ZONE)
    model.free(1, migratetype=kind)
    assert [model.alloc(migratetype=UNMOVABLE), model.alloc(migratetype=RECLAIMABLE), model.alloc()] == ["ENOENT", "ENOENT", 1]


def test_huge_pages_that_are_not_movable_share_a_list() -> None:
    """Orders 0 to 3 have three lists each."""
    assert [index_of(order, mt) for order in (0, 1, 2, 3, 9) for mt in (0, 1, 2)] == [*range(12), 12, 13, 12]
    model = Model(ZONE)
    model.refill(512, order=9, migratetype=RECLAIMABLE)
    assert (model.alloc(9, MOVABLE), model.alloc(9, UNMOVABLE)) == ("ENOENT", 512)


def test_a_block_comes_in_once() -> None:
    """On any CPU; and only as one that is aligned, and inside the zone."""
    model = Model(Config(16, 64, 2))
    model.free(20)
    wrong = (Free(1, 20, 0), Refill(1, 20, 0), Free(0, 21, 1), Free(0, 15, 0), Free(0, 64, 0), Free(0, 60, 3), Free(2, 30, 0))
    assert {model.do(request).name for request in wrong} == {"EINVAL"}


def test_looking() -> None:
    """Counts are in frames, blocks with their orders."""
    model = Model(ZONE)
    model.refill(8, order=2)
    model.refill(1)
    assert model.do(CountPages(0)) == Frames(5)
    assert model.do(HeldBlocks(0)).blocks == ((1, 0), (8, 2))
    assert (model.do(CountPages(1)).name, model.do(HeldBlocks(1)).name) == ("EINVAL", "EINVAL")


def test_what_no_cache_may_answer() -> None:
    """The clause that each wrong answer breaks."""
    model = Model(Config(0, 4096, 2))
    model.refill(1, 2)
    model.refill(8, order=1)
    wrong = [
        (Alloc(0, 0), Page(3), c.ALLOC_HELD),
        (Alloc(0, 0), Page(8), c.ALLOC_HELD),
        (Alloc(1, 0), Page(1), c.ALLOC_HELD),
        (Alloc(0, 0, UNMOVABLE), Page(1), c.ALLOC_TYPE),
        (Alloc(0, 0), Error("ENOENT"), c.ALLOC_NONE),
        (Want(0, 0), Frames(0), c.WANT_SOME),
        (Free(0, 30, 0), Frames(6), c.OWED_HELD),
        (Bulk(0, 2), Frames(1), c.BULK),
        (Drain(0), Block(1, 0), c.DRAIN_NONE),
        (HeldBlocks(0), model.do(HeldBlocks(1)), c.BLOCKS_REPORTED),
        (CountPages(0), Frames(3), c.COUNT_REPORTED),
    ]
    assert [model.allows(request, result) for request, result, _ in wrong] == [clause for _, _, clause in wrong]
    assert model.allows(Alloc(0, 0), Page(2)) is None
    model.do(Bulk(0, 1))
    assert [model.allows(Drain(0), Block(pfn, order)) for pfn, order in ((1, 1), (3, 0), (9, 0))] == [c.DRAIN] * 3
    assert model.allows(Drain(0), Block(8, 1)) is None


@pytest.mark.parametrize(
    "config",
    [
        Config(8, 8), Config(0, (1 << 52) + 1), Config(0, 8, 0), Config(0, 8, 4096), Config(0, 8, huge_order=3),
        Config(0, 8, huge_order=14), Config(0, 8, scale_max=7),
    ],
    ids=str,
)  # fmt: skip
def test_configurations_that_describe_nothing(config: Config) -> None:
    """Are refused at the door."""
    with pytest.raises(InputError):
        Model(config)
