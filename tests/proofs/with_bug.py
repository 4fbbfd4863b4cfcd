"""`python tests/proofs/with_bug.py BUG OBLIGATION [PART=NUMBER...]` decides an obligation where a seeded bug is installed.

It prints the verdict. ``PART=NUMBER`` asks of one case only, such as zones of one max_order: what is false there is false.
"""

from __future__ import annotations

import sys

import attrs

from mmprops.bugs.bug import LAW, install
from mmprops.bugs.physical.buddy import BUGS


def main(bug_id: str, name: str, *parts: str) -> None:
    """Install the law's part of a bug before anything that it edits is imported, then decide."""
    install(next(bug for bug in BUGS if bug.id == bug_id), LAW)

    from mmproofs.obligations import by_id
    from mmproofs.solve import decide_all

    case = {part: (int(number),) for part, number in (fixed.split("=") for fixed in parts)}
    obligation = by_id()[name]
    small_sizes = () if case else obligation.small_sizes
    outcome, _ = decide_all(attrs.evolve(obligation, each={**obligation.each, **case}, small_sizes=small_sizes))
    print(f"{outcome.verdict.value} {'replayed' in outcome.reason} {outcome.reason}".splitlines()[0], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
