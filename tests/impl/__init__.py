"""Tests of the optimised implementation."""

from __future__ import annotations
