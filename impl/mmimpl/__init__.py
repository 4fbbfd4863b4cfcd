"""The optimised implementation: the same subsystem as `mmspec`, as plain functions over flat integer arrays."""

from __future__ import annotations
