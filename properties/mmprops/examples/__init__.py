"""Clients to start from: the protocol's adapters in several languages, each with a small correct allocator behind it."""

from __future__ import annotations

from importlib.resources import files

from mmspec.errors import InputError

SUFFIXES = {"c": "c", "rust": "rs", "go": "go", "js": "js"}
"""The languages that an adapter comes in, and how its file's name ends."""


def adapter_source(machine: str, language: str) -> str:
    """Return the source of a page-long client for a machine (InputError: there is none in this language)."""
    if language not in SUFFIXES:
        raise InputError(f"no adapter in {language!r}", hint=f"one of {', '.join(SUFFIXES)}")
    page = files(__name__) / language / f"my{machine}.{SUFFIXES[language]}"
    if not page.is_file():
        raise InputError(f"no adapter for machine {machine!r} in {language}", hint="buddy has one; the protocol is the same")
    return page.read_text(encoding="utf-8")
