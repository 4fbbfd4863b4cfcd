"""``python -m mmproofs.nightly``: decide every obligation that the ledger does not cover, and write the ledger.

Nobody else writes it. What CrossHair explored of another text is explored anew, and that record written (``explore``).
With ``--second`` the other solvers that are installed (extra ``prove``) are asked about all of the ledger anew.
"""

from __future__ import annotations

import sys

from mmproofs import explore, smtlib, solve


def tell(record: solve.Record) -> None:
    """Print an obligation's line."""
    print(f"{record.verdict:8} {record.id} {record.seconds:.1f} s {record.reason}", flush=True)


def main() -> int:
    """Prove, print a line for each obligation, write the ledger, explore; 1 if anything is not as expected."""
    second = [name for name in smtlib.SECOND if smtlib.installed(name)] if "--second" in sys.argv else []
    report = solve.prove((), second=second, progress=tell)
    solve.write_ledger(report)
    cached = sum(record.cached for record in report.obligations)
    print(f"{report.verdict}: {len(report.obligations)} obligations, {cached} as the ledger had them")
    explored = explore.main(["--write"])
    return 0 if report.verdict == "pass" and explored == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
