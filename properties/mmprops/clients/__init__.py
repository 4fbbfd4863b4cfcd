"""Clients: implementations under test behind one small interface, each in a process of its own with limits."""

from __future__ import annotations
