"""What ``test_batch`` runs with Numba's bounds checks on, in a process of its own: Numba reads its settings once."""

from __future__ import annotations

import numpy as np

from mmimpl import engine
from mmimpl.physical.buddy import Buddy, batch
from mmspec.physical.buddy import ops
from mmspec.physical.buddy.ops import KERNELS

from .lockstep import ZONES, program_of, recorded


def main() -> None:
    """Replay traces, then ask for a list behind the end of the links, and for one before their beginning; say what was caught."""
    for zone in ("uneven", "holed", "a few frames", "huge base"):
        for kernel in KERNELS:
            requests, results = recorded(zone, kernel)
            assert Buddy(ZONES[zone], kernel).replay(program_of(requests)).tolist() == results
    rows = program_of([ops.Alloc(0)]).ravel()
    for heads in (1 << 20, -(1 << 5)):
        arrays = Buddy(ops.Config(0, 64, 4)).arrays._replace(heads=heads)
        try:
            engine.compiled(batch.replay)(arrays, 0, rows, np.zeros(1, np.int64), 1)
        except IndexError:
            print("caught")


if __name__ == "__main__":
    main()
