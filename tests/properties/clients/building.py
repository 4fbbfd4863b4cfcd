"""Building the example clients, as they are or with a slip in them."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from mmprops.examples import SUFFIXES, adapter_source

COMPILE = {
    "c": ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", "mybuddy", "mybuddy.c"],
    "lib": ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I.", "-o", "libmybuddy.so", "libmybuddy.c"],
    "rust": ["rustc", "-O", "--edition", "2021", "-D", "warnings", "-o", "mybuddy", "mybuddy.rs"],
    "go": ["go", "build", "-o", "mybuddy", "mybuddy.go"],
}


class Builder:
    """Builds each example once."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._built: dict[tuple[str, str, str], str] = {}

    def client(self, language: str, before: str = "", after: str = "") -> str:
        """Return the name on the command line of a client, ``before`` changed to ``after`` in its source."""
        key = language, before, after
        if key not in self._built:
            self._built[key] = self._build(self._folders.mktemp(language), *key)
        return self._built[key]

    def _build(self, folder: Path, language: str, before: str, after: str) -> str:
        if language == "lib":
            return self._build_library(folder)
        source = adapter_source("buddy", language)
        if before:
            assert source.count(before) == 1
            source = source.replace(before, after)
        page = folder / f"mybuddy.{SUFFIXES[language]}"
        page.write_text(source)
        if language == "js":
            return f"exec:node '{page}'"
        subprocess.run(COMPILE[language], cwd=folder, check=True)
        return f"exec:'{folder / 'mybuddy'}'"

    def _build_library(self, folder: Path) -> str:
        for name in ("c/mybuddy.c", "lib/libmybuddy.c"):
            page = folder / name
            page.parent.mkdir()
            page.write_text(files("mmprops.examples").joinpath(name).read_text())
        subprocess.run(COMPILE["lib"], cwd=folder / "lib", check=True)
        return f"lib:{folder / 'lib' / 'libmybuddy.so'}"
