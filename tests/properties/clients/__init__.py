"""Clients, good, wrong and hostile, and the tests of what carries their answers."""

from __future__ import annotations
