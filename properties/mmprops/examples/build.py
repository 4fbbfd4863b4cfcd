"""Building the example clients, for those who want to run them at once."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import attrs

from mmprops.examples import SUFFIXES, adapter_source
from mmspec.errors import MmspecError


@attrs.frozen
class Toolchain:
    """What makes a client of a language: the program without which there is none, and its arguments (none: it runs the page).

    ``picky`` makes it refuse what it would otherwise warn of.
    """

    program: str
    arguments: tuple[str, ...] = ()
    picky: tuple[str, ...] = ()


_C_WARNINGS = ("-Wall", "-Wextra", "-Werror")

TOOLCHAINS: Mapping[str, Toolchain] = {
    "c": Toolchain("gcc", ("-O2",), _C_WARNINGS),
    "lib": Toolchain("gcc", ("-O2", "-shared", "-fPIC"), _C_WARNINGS),
    "js": Toolchain("node"),
    "rust": Toolchain("rustc", ("-O", "--edition", "2021"), ("-D", "warnings")),
    "go": Toolchain("go", ("build",)),
}
"""By language; ``lib`` is the client in C as a shared library."""


def examples(machine: str) -> list[str]:
    """Return the languages in which there is an example client for a machine."""
    return [
        language for language in TOOLCHAINS if (files("mmprops.examples") / language / page_name(machine, language)).is_file()
    ]


def page_name(machine: str, language: str) -> str:
    """Return the name of an example's file."""
    return f"libmy{machine}.c" if language == "lib" else f"my{machine}.{SUFFIXES[language]}"


def write(machine: str, language: str, folder: Path) -> Path:
    """Write a machine's example client into a folder; return its page."""
    page = folder / language / page_name(machine, language)
    page.parent.mkdir()
    if language == "lib":
        write(machine, "c", folder)  # which it includes
        page.write_bytes((files("mmprops.examples") / language / page.name).read_bytes())
    else:
        page.write_text(adapter_source(machine, language), encoding="utf-8")
    return page


def compiled(language: str, page: Path, *, picky: bool = False) -> str:
    """Compile a client's page beside it; return the client's name on the command line (MmspecError: what the compiler said)."""
    tool = TOOLCHAINS[language]
    if not tool.arguments:
        return f"exec:{tool.program} {shlex.quote(str(page))}"
    made = page.with_suffix(".so" if language == "lib" else "")
    command = [tool.program, *tool.arguments, *(tool.picky if picky else ()), "-o", made.name, page.name]
    done = subprocess.run(command, cwd=page.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it says nothing"]
        first = next((line for line in said if "error" in line), said[0])
        raise MmspecError(f"{tool.program} does not compile {page.name}: {first}")
    return f"lib:{made}" if language == "lib" else f"exec:{shlex.quote(str(made))}"


def build(machine: str, language: str, folder: Path) -> str:
    """Build a machine's example client in an empty folder; return its name on the command line (MmspecError: it fails)."""
    return compiled(language, write(machine, language, folder))
