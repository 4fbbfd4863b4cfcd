"""Virtual memory over flat arrays."""

from __future__ import annotations
