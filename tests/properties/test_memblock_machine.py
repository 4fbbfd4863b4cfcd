"""The machine memblock: its example client conforms, nothing unpromised is asked, and its pictures show what is there."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mmprops.conform import Choices, ConformanceError, InProcess, conform
from mmprops.examples.python import mymemblock
from mmprops.lockstep import Outcome, explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines.physical.memblock import MEMBLOCK
from mmprops.picture import lines
from mmspec.physical.memblock.ops import Config
from mmspec.profile import Profile

BARE = MEMBLOCK.capable({})


@pytest.mark.parametrize("placement", [mymemblock.Lowest, mymemblock.Highest])
def test_the_example_conforms_wherever_it_places(placement: type, seed: int) -> None:
    """Which lawful place it takes is its own business."""
    assert conform("memblock", placement, ops=3_000, seed=seed).verdict == "pass"


class Careless(mymemblock.Highest):
    """Forgets what is reserved."""

    def free(self) -> Any:
        """Take all memory that may be handed out for free."""
        return ((base, end) for base, end, _, flags in self.memory if not flags & 12)


def test_a_careless_client_is_told_which_rule_it_broke(seed: int) -> None:
    """In a few steps."""
    with pytest.raises(ConformanceError) as caught:
        conform("memblock", Careless, seed=seed)
    assert caught.value.clause == "MEMBLOCK-ALLOC-FREE"
    assert len(caught.value.program.steps) <= 4


def bare(data: bytes) -> Outcome:
    """What comes of a program on a client that promises nothing."""
    session = InProcess("bare", lambda config, kernel: Choices(MEMBLOCK, config, kernel), "6.12", BARE, open=False)
    return explore(MEMBLOCK, session, Profile.ANY, data)


def test_a_client_that_promises_nothing_is_asked_for_no_more(seed: int) -> None:
    """The six operations of INTERFACES, on arrays that never hold more than 128 regions, and nothing that is refused."""
    rng = random.Random(seed)
    for _ in range(20):
        outcome = bare(rng.randbytes(HEADER + 200 * RECORD))
        assert outcome.broken is None
        assert outcome.config == Config(nodes=outcome.config.nodes)
        assert {name for name, _, _ in outcome.made} <= {"add", "remove", "reserve", "free", "alloc", "regions"}
        assert max(outcome.state.memory.cnt, outcome.state.reserved.cnt) <= 128
        assert not any(result.failed and result.name == "EINVAL" for result in outcome.results)


@pytest.mark.parametrize("limit", ["0xffff", "0xffffffff"])
def test_addresses_stay_below_a_client_s_limit(limit: str, seed: int) -> None:
    """Also in the sizes of ranges."""
    rng, capabilities = random.Random(seed), MEMBLOCK.capable({"max_addr": limit})
    config = MEMBLOCK.draw(bytes(HEADER), capabilities)
    for _ in range(20):
        header = rng.randbytes(HEADER)
        generator = MEMBLOCK.generator(header, config, capabilities)
        state = MEMBLOCK.component.initial(config)
        for _ in range(20):
            made = generator.request(rng.randbytes(RECORD), state)
            assert made is None or MEMBLOCK.unpromised(state, made[1], capabilities) is None


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (Config(), None),
        (Config(memory_max=4, reserved_max=4), "arrays of a given size"),
        (Config(mirrored=True), "mirrored memory"),
        (Config(movable_node=True), "movable_node"),
    ],
)
def test_what_was_not_promised_is_not_configured(config: Config, reason: str | None) -> None:
    """And says why."""
    assert MEMBLOCK.too_much(config, BARE) == reason


def test_a_picture_shows_memory_and_what_is_reserved() -> None:
    """By node and flags."""
    state = MEMBLOCK.component.initial(Config(nodes=2))
    for name, values in (("add", (0x1000, 0x1000, 1, 4)), ("reserve", (0x1800, 0x100))):
        operation = MEMBLOCK.component.operation(name)
        request = operation.request(*values)
        state = operation.apply(state, request, operation.result())
    drawn = lines(MEMBLOCK.picture(state, None))
    assert [line.split(" ")[0] for line in drawn] == ["bytes", "memory", "reserved"]
    assert drawn[1].startswith("memory node 1 NOMAP ##")
