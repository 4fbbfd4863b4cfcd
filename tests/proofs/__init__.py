"""Tests of the lifter, the obligations and the ledger."""

from __future__ import annotations
