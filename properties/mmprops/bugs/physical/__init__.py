"""Wrong versions of the rules of physical memory."""

from __future__ import annotations
