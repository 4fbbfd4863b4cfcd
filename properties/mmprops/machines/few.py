"""How many drawn programs become vectors whatever they meet, where files are to stay small: the others each meet a new clause."""

from __future__ import annotations

from collections.abc import Mapping

FEW: Mapping[str, int] = {"any.jsonl": 6, "linux-6.12.jsonl": 2, "linux-6.1.jsonl": 2}
"""``usual`` of a machine with many clauses, or with long steps."""
