"""The ledger: what was proved, of which text, by which solver. Written by a machine, committed, and read by CI.

An entry counts as long as its hash is the one that the obligation has now. Only a run that is told to (``make nightly``) writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from mmproofs.hashing import obligation_digest
from mmproofs.obligation import Obligation
from mmprops.files import beside_or_inside

HERE = Path(__file__).resolve().parent
PATH = beside_or_inside(HERE.parent / "ledger.json", HERE / "ledger.json")
"""The committed ledger beside the package; an installed wheel has it inside. Its hashes are of texts, the same in both."""

SCHEMA = 2
"""The form of the file; one of another form counts as none."""


@attrs.frozen
class Entry:
    """What the ledger says about one obligation."""

    sha256: str
    verdict: str
    reason: str
    subject: list[str]
    """The functions that ran, by name."""
    paths: int
    seconds: float
    rlimit: int
    solvers: list[dict[str, str]]
    hypotheses: list[str]
    assumptions: list[str]
    bounds: dict[str, str]


def read(path: Path = PATH) -> dict[str, Entry]:
    """Return the ledger's entries by obligation id; none where there is no ledger."""
    if not path.exists():
        return {}
    document: dict[str, Any] = json.loads(path.read_text())
    if document["schema"] != SCHEMA:
        return {}
    return {name: Entry(**fields) for name, fields in document["obligations"].items()}


def write(entries: dict[str, Entry], path: Path = PATH) -> None:
    """Replace the ledger."""
    document = {"schema": SCHEMA, "obligations": {name: attrs.asdict(entries[name]) for name in sorted(entries)}}
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def current(obligation: Obligation, entries: dict[str, Entry]) -> Entry | None:
    """Return an obligation's entry if it is about the text as it is now."""
    entry = entries.get(obligation.id)
    return entry if entry is not None and entry.sha256 == obligation_digest(obligation) else None
