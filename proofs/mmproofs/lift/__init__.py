"""The lifter: runs the law's own functions on symbolic words, maps and records, down every path."""

from __future__ import annotations
