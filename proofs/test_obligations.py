"""Every obligation, one test each: `pytest proofs -k BUDDY`. What the committed ledger covers is read, the rest is decided."""

from __future__ import annotations

import pytest

from mmproofs import solve
from mmproofs.obligations import by_id


@pytest.mark.parametrize("name", list(by_id()))
def test_obligation_is_as_expected(name: str) -> None:
    """The obligation's verdict, read from the ledger or decided now, is the expected one."""
    report = solve.prove([name], jobs=1)
    record = next(r for r in report.obligations if r.id == name)
    assert (record.verdict, record.reason) == (record.expected, "")
    assert bool(record.flags) == by_id()[name].unaided
