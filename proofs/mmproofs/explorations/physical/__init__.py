"""Explorations of the components of `mmspec.physical`."""

from __future__ import annotations
