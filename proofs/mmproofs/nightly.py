"""``python -m mmproofs.nightly``: decide every obligation that the ledger does not cover, and write the ledger.

Nobody else writes it. The second solvers are asked as well where the extra ``prove`` is installed.
"""

from __future__ import annotations

import sys

from mmproofs import smtlib, solve


def main() -> int:
    """Prove, print a line for each obligation, write the ledger; 1 if anything is not as expected."""
    second = [name for name in smtlib.SECOND if smtlib.installed(name)] if "--second" in sys.argv else []
    report = solve.prove((), second=second, progress=lambda r: print(f"{r.verdict:8} {r.id} {r.seconds:.1f} s {r.reason}", flush=True))
    solve.write_ledger(report)
    print(f"{report.verdict}: {len(report.obligations)} obligations, {sum(r.cached for r in report.obligations)} as the ledger had them")
    return 0 if report.verdict == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
