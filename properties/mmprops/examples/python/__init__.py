"""Clients in Python."""

from __future__ import annotations
