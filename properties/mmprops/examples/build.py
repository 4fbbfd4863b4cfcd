"""Building the example clients, for those who want to run them at once."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from mmprops.examples import SUFFIXES, adapter_source
from mmspec.errors import MmspecError

COMPILERS = {
    "c": ("gcc", "-O2", "-o", "client", "client.c"),
    "rust": ("rustc", "-O", "--edition", "2021", "-o", "client", "client.rs"),
    "go": ("go", "build", "-o", "client", "client.go"),
}
"""How a language's client is compiled, in its folder; the first word is the program that is needed."""

NEEDS = {"c": "gcc", "js": "node", "rust": "rustc", "go": "go"}
"""The program without which a language's client cannot be run."""


def build(machine: str, language: str, folder: Path) -> str:
    """Build a machine's example client in an empty folder; return its name on the command line (MmspecError: it fails)."""
    page = folder / f"client.{SUFFIXES[language]}"
    page.write_text(adapter_source(machine, language), encoding="utf-8")
    if language not in COMPILERS:
        return f"exec:{NEEDS[language]} {shlex.quote(str(page))}"
    done = subprocess.run(COMPILERS[language], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise MmspecError(f"{NEEDS[language]} does not compile the example client: {last}")
    return f"exec:{shlex.quote(str(folder / 'client'))}"
