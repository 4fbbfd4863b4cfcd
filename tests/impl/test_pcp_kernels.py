"""The kernels of the per-CPU lists are what Numba compiles: the same cells after the same calls."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from mmimpl import engine
from mmimpl.physical.pcp import PerCpuPages, amounts, operations
from mmimpl.physical.pcp.memory import ARRAYS
from mmspec.errors import InputError
from mmspec.physical.pcp.ops import CPUS, Config


def calls(seed: int) -> list[tuple[Any, tuple[int, ...]]]:
    """Kernels with their arguments, drawn: most of them frees, requests and drains of two CPUs."""
    pick, found = random.Random(seed), [(amounts.tune, (16384, 20, 1, 0))]
    for _ in range(400):
        cpu, pfn, flags = pick.randrange(2), pick.randrange(64), pick.randrange(4)
        found.append(
            pick.choice(
                [
                    (operations.free, (cpu, pfn, 0, pick.randrange(6), flags)),
                    (operations.free, (cpu, pfn & ~3, pick.choice((1, 2)), 1, 0)),
                    (operations.alloc, (cpu, 0, pick.randrange(3), flags & 1)),
                    (operations.want, (cpu, pick.choice((0, 1, 9)), flags & 1)),
                    (operations.refill, (cpu, pfn, 0, pick.randrange(3))),
                    (operations.drain, (cpu,)),
                    (operations.drain, (cpu,)),
                    (operations.bulk, (cpu, pick.randrange(6))),
                    (operations.decay, (cpu,)),
                    (operations.drain_all, (cpu,)),
                    (operations.refresh, (cpu, flags)),
                    (operations.cacheinfo, (cpu, pfn)),
                    (operations.disable, ()),
                    (operations.enable, ()),
                ]
            )
        )
    return found


@pytest.mark.nightly
@pytest.mark.needs_numba
@pytest.mark.parametrize("kernel", ["6.12", "6.1"])
def test_compiled_kernels_do_the_same(kernel: str) -> None:
    """Answers and every array agree."""
    plain, other = PerCpuPages(Config(0, 64, 2), kernel), PerCpuPages(Config(0, 64, 2), kernel)
    for function, arguments in calls(3):
        wanted = function(plain.lists, *arguments)
        assert engine.compiled(function)(other.arrays, *arguments) == wanted
        for ours, theirs in zip(plain.arrays[:ARRAYS], other.arrays[:ARRAYS], strict=True):
            assert np.array_equal(ours, theirs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "config",
    [
        Config(8, 8), Config(0, (1 << 52) + 1), Config(0, 8, 0), Config(0, 8, CPUS + 1), Config(0, 8, huge_order=3),
        Config(0, 8, huge_order=14), Config(0, 8, scale_max=7), Config(0, (1 << 26) + 1),
    ],
    ids=str,
)  # fmt: skip
def test_configurations_that_describe_nothing(config: Config) -> None:
    """Are refused at the door, as are kernels that nobody knows."""
    with pytest.raises(InputError):
        PerCpuPages(config)
    with pytest.raises(InputError, match="is not implemented"):
        PerCpuPages(Config(0, 8), "5.15")


def test_ten_bytes_a_page() -> None:
    """And sixteen list heads and some numbers a CPU."""
    small, large = (sum(a.nbytes for a in PerCpuPages(Config(0, 1 << k)).arrays[:ARRAYS]) for k in (16, 18))
    assert large - small == 10 * ((1 << 18) - (1 << 16))
