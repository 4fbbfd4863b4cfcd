"""The transports carry out the same work, and each says what it would need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmprops.bench import transports as bench
from mmprops.bench.row import Effort, Left, Row
from mmprops.clients.inside import InsideClient
from mmprops.clients.registry import open_client
from mmprops.examples.build import build
from mmprops.examples.python.mybuddy import Lowest
from mmspec.errors import MmspecError

SMALL = Effort(operations=100, turns=1)


@pytest.mark.needs_gcc
def test_each_transport_is_beside_the_client_in_this_process() -> None:
    """No target was set, so that nothing is met or missed."""
    rows = [row for row in bench.measure(SMALL) if isinstance(row, Row)]
    assert [row.name for row in rows] == [f"transport {way}" for way in ("python:", "exec:", "exec:, in batches", "lib:")]
    assert {(row.unit, *row.anchors, row.target, row.met) for row in rows} == {("operations/s", "in this process", None, None)}
    assert all(row.ours > 0 for row in rows)


def test_without_a_compiler_the_clients_in_c_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one in Python is measured all the same."""
    monkeypatch.setenv("PATH", str(tmp_path))
    left, other, row = bench.measure(SMALL)
    assert (left, other) == (Left("transport exec:", "gcc"), Left("transport lib:", "gcc"))
    assert isinstance(row, Row)
    assert row.name == "transport python:"


@pytest.mark.needs_gcc
def test_batches_do_what_single_requests_do(tmp_path: Path) -> None:
    """As many frames are free afterwards."""
    client = open_client(build("buddy", "c", tmp_path))
    work = bench.steps(700)
    counts = []
    for carry in (bench.one_by_one, bench.in_batches):
        bench.speed(client, carry, work)
        counts.append(client.apply("free_count", {}))
    client.close()
    live = dict[int, int]()
    for at, (order, freed) in enumerate(work):
        live[at if freed is None else freed] = order if freed is None else -1
    used = sum(1 << order for order in live.values() if order >= 0)
    assert counts == [{"result": {"count": bench.PAGES - used}}] * 2


class Refusing(Lowest):
    """A client that takes nothing back."""

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer a free wrongly."""
        return {"error": "EINVAL"} if op == "free" else super().apply(op, args)


def test_a_client_that_refuses_is_not_timed() -> None:
    """It would be quick."""
    with pytest.raises(MmspecError, match=r"nothing to compare: .*EINVAL"):
        bench.speed(InsideClient(Refusing), bench.one_by_one, bench.steps(50))
