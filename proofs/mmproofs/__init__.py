"""Proofs: the lifter that runs the law on symbolic words, the obligations, and the ledger of what was proved."""

from __future__ import annotations
