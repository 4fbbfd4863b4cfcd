"""`python tests/proofs/with_bug.py BUG OBLIGATION...` decides obligations where a seeded bug is installed; prints verdicts."""

from __future__ import annotations

import sys

from mmprops.bugs.bug import LAW, install
from mmprops.bugs.physical.buddy import BUGS


def main(bug_id: str, names: list[str]) -> None:
    """Install the law's part of a bug before anything that it edits is imported, then decide."""
    install(next(bug for bug in BUGS if bug.id == bug_id), LAW)

    from mmproofs.obligations import by_id
    from mmproofs.solve import decide_all

    for name in names:
        outcome, _ = decide_all(by_id()[name])
        print(f"{outcome.verdict.value} {'replayed' in outcome.reason} {outcome.reason}".splitlines()[0], flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
