"""Every obligation, one test each: `pytest proofs -k BUDDY`.

What the committed ledger covers is read, except for a tenth that the seed chooses (the commit id, where none is given): that is
decided anew, as is what the ledger has under another hash. What it does not have at all fails: `make nightly` writes it.
"""

from __future__ import annotations

import zlib

import pytest

from mmproofs import ledger, solve
from mmproofs.obligations import by_id

SHARE = 10

LONGEST = 20.0
"""Seconds that deciding one may have taken when the ledger was written; longer ones are left to `make nightly`."""

UNAIDED = frozenset(
    {
        "MEMBLOCK-PLACE-ALIGNED",
        "MEMBLOCK-PLACE-INSIDE",
        "ZONE-SIZING-IN-RANGE-BETWEEN",
        "ZONE-SIZING-LEFT-OUT-MIRRORED",
        "BUDDY-CHOSEN-61-FOUND",
        "BUDDY-CLAIM-ANSWER-KEPT",
        "BUDDY-CONVERT-KEPT",
        "BUDDY-DELIST-KEPT",
        "BUDDY-ENLIST-DEFINED",
        "BUDDY-ENLIST-KEPT",
        "BUDDY-FALL-BACK-61-ALIGNED",
        "BUDDY-FALL-BACK-61-KEPT",
        "BUDDY-FALL-BACK-KEPT",
        "BUDDY-FIND-FALLBACK-DEFINED",
        "BUDDY-FREE-LISTS-ANSWER",
        "BUDDY-FREE-ONE-KEPT",
        "BUDDY-FREE-PIECES-LISTED-KEPT",
        "BUDDY-FROM-TYPE-KEPT",
        "BUDDY-ISOLATE-LISTS-ANSWER",
        "BUDDY-LISTED-OVER-DEFINED",
        "BUDDY-MOVE-PAGEBLOCK-KEPT",
        "BUDDY-MOVED-61-KEPT",
        "BUDDY-PUTBACK-LISTS-ANSWER",
        "BUDDY-RESERVE-LISTS-ANSWER",
        "BUDDY-RETYPE-LISTS-ANSWER",
        "BUDDY-RMQUEUE-ANSWER-ALIGNED",
        "BUDDY-RMQUEUE-ANSWER-KEPT",
        "BUDDY-SMALLEST-DEFINED",
        "BUDDY-TAKE-LISTED-KEPT",
        "BUDDY-UNISOLATE-LISTS-ANSWER",
        "HOTPLUG-ADD-DEFINED",
        "HOTPLUG-GROWN-HOLDS",
        "HOTPLUG-GROWN-OTHERS",
        "HOTPLUG-MAP-DEVICE-DEFINED",
        "HOTPLUG-OFFLINE-DEFINED",
        "HOTPLUG-ONLINE-RETURNED",
        "HOTPLUG-ONLINE-COUNTS",
        "HOTPLUG-ONLINE-RECOUNTED",
        "HOTPLUG-REMOVE-DEFINED",
        "HOTPLUG-UNMAP-DEVICE-DEFINED",
        "MEMBLOCK-INSERT-DEFINED",
        "MEMBLOCK-INSERT-ENTERED",
        "MEMBLOCK-INSERT-OTHERS",
        "MEMBLOCK-SPLIT-STAYS",
    }
)
"""What follows of a function from its text alone; other things that are proved of it need what it requires."""

ALONE = frozenset(
    {
        "HOTPLUG-ADD-REFUSED",
        "HOTPLUG-ADD-REFUSED-DEFINED",
        "HOTPLUG-ADD-UNCOUNTED",
        "HOTPLUG-ISOLATE-REFUSED",
        "HOTPLUG-ISOLATE-STAYS-OFFLINE",
        "HOTPLUG-ISOLATE-UNCOUNTED",
        "HOTPLUG-MAP-DEVICE-REFUSED",
        "HOTPLUG-MAP-DEVICE-STAYS-OFFLINE",
        "HOTPLUG-MAP-DEVICE-UNCOUNTED",
        "HOTPLUG-OFFLINE-REFUSED",
        "HOTPLUG-ONLINE-MAY-GO-AGAIN",
        "HOTPLUG-ONLINE-REFUSED",
        "HOTPLUG-RELEASE-REFUSED",
        "HOTPLUG-REMOVE-REFUSED",
        "HOTPLUG-REMOVE-UNCOUNTED",
        "HOTPLUG-UNISOLATE-REFUSED",
        "HOTPLUG-UNISOLATE-STAYS-OFFLINE",
        "HOTPLUG-UNISOLATE-UNCOUNTED",
        "HOTPLUG-UNMAP-DEVICE-REFUSED",
        "HOTPLUG-UNMAP-DEVICE-STAYS-OFFLINE",
        "HOTPLUG-UNMAP-DEVICE-UNCOUNTED",
        "MEMBLOCK-DIRECTION-DEFINED",
        "MEMBLOCK-DIRECTION-MERGING",
        "MEMBLOCK-QUERY-DEFINED",
        "MEMBLOCK-QUERY-MERGING",
        "MEMBLOCK-SET-LIMIT-DEFINED",
        "MEMBLOCK-SET-LIMIT-MERGING",
        "ZONE-SIZING-ADD-UNSIZED",
        "ZONE-SIZING-IN-ADDS-UP",
        "ZONE-SIZING-IN-AT-MOST",
    }
)
"""What follows of an operation from its text alone, and is no part of a contract whose other parts are proved.

A refusal returns the state that it was given; what puts nothing online moves no counter; and what changes no
array calls nothing that asks for one that is merged. What a region has in a range is arithmetic of four frame numbers, and
whoever adds memory clears where MOVABLE begins.
"""


def chosen(name: str, seed: int) -> bool:
    """Tell whether an obligation is of the tenth that is decided anew."""
    return zlib.crc32(f"{seed} {name}".encode()) % SHARE == 0


@pytest.mark.parametrize("name", list(by_id()))
def test_obligation_is_as_expected(name: str, seed: int) -> None:
    """The obligation's verdict, read from the ledger or decided now, is the expected one."""
    entries, obligation = ledger.read(), by_id()[name]
    assert name in entries, "the ledger does not have it: run make nightly, and commit what it writes"
    if chosen(name, seed) and entries[name].seconds <= LONGEST:
        outcome, _ = solve.work(name, (), None)
        record = solve.from_outcome(obligation, outcome, {})
    else:
        record = next(r for r in solve.prove([name], jobs=1, entries=entries).obligations if r.id == name)
    assert (record.verdict, record.reason) == (record.expected, "")
    assert not record.flags or obligation.unaided or name in UNAIDED | ALONE


def test_parts_that_need_nothing_are_parts_of_contracts_that_do() -> None:
    """Each is there, and another part of its contract uses a hypothesis: the contract does not require in vain."""
    entries = ledger.read()
    for name in UNAIDED:
        contract = name.rpartition("-")[0]
        assert any(other.startswith(f"{contract}-") and entry.hypotheses for other, entry in entries.items()), name


def test_a_tenth_is_chosen_and_each_has_its_turn() -> None:
    """Any seed chooses some, and every obligation is chosen by some seed."""
    names = list(by_id())
    for seed in range(5):
        assert len(names) / 30 < sum(chosen(name, seed) for name in names) < len(names) / 5
    assert all(any(chosen(name, seed) for seed in range(200)) for name in names)
