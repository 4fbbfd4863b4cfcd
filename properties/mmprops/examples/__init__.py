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
    folder, suffix = files(__name__) / language, f".{SUFFIXES[language]}"
    page = folder / f"my{machine}{suffix}"
    if not page.is_file():
        others = sorted(p.name.removeprefix("my").removesuffix(suffix) for p in folder.iterdir() if p.name.endswith(suffix))
        hint = f"the protocol is the same as in that of {', '.join(others)}"
        raise InputError(f"no adapter for machine {machine!r} in {language}", hint=hint)
    return page.read_text(encoding="utf-8")
