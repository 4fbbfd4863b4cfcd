"""Which branches of the law's text a run takes: what no program reaches, no program checks.

Measured by ``coverage`` (extra ``test``), of every module of the law that a component imports. A line that only the prover
reads is among the missing ones. Left out are declarations without a text (``def f(self) -> T: ...``), and they are listed.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import attrs

from mmprops.imports import closure, modules_behind
from mmspec.component import Component
from mmspec.components import COMPONENTS
from mmspec.errors import InputError

LAW = "mmspec"

NOTHING = "(?!)"
"""A pattern that no line matches."""

WITHOUT_TEXT = r"\.\.\.$"
"""What ends a line that declares a function and says nothing about what it does."""

T = TypeVar("T")


@attrs.frozen
class Branches:
    """How many ways out of the law's branching lines were taken, and which were not."""

    covered: int
    total: int
    missing: tuple[str, ...]
    """As ``module/path.py:line->line``, or ``->exit`` where the function ends."""
    left_out: tuple[str, ...]
    """Lines that were not counted, as ``module/path.py:line``."""

    @property
    def percent(self) -> float:
        """The share that was taken; 100 where nothing branches."""
        return 100.0 * self.covered / self.total if self.total else 100.0


def law_files(components: Iterable[Component]) -> dict[str, Path]:
    """Return the files of the law's modules that components are made of, by the name of the module.

    Those of other components, whose functions they call, are left out.
    """
    asked = list(components)
    roots = [module for component in asked for module in modules_behind(component)]
    names = {component.name for component in asked}
    others = tuple(f"{module}." for name, module in COMPONENTS.modules.items() if name not in names)
    return {
        name: path for name, path in closure(roots).items() if name.split(".")[0] == LAW and not f"{name}.".startswith(others)
    }


def measured(components: Iterable[Component], run: Callable[[], T]) -> tuple[T, Branches]:
    """Carry out a run and return what it returned, with the branches of the law that it took (InputError: no ``coverage``)."""
    try:
        coverage = importlib.import_module("coverage")
    except ImportError:
        raise InputError("coverage is not installed, which counts the branches", hint="pip install 'mmspec[test]'") from None
    files = law_files(components)
    meter = coverage.Coverage(branch=True, data_file=None, config_file=False, include=[str(path) for path in files.values()])
    # Its defaults leave lines out by what they look like; an empty list would match every line.
    patterns = {"exclude_lines": WITHOUT_TEXT, "partial_branches": NOTHING, "partial_branches_always": NOTHING}
    for option, pattern in patterns.items():
        meter.set_option(f"report:{option}", [pattern])
    meter.set_option("run:disable_warnings", ["no-data-collected"])  # the counts say so
    meter.start()
    try:
        result = run()
    finally:
        meter.stop()
    return result, counted(meter, files)


def counted(meter: Any, files: dict[str, Path]) -> Branches:
    """Return what was measured; a file of which no line ran counts as well."""
    with TemporaryDirectory(prefix="mmspec-") as folder:
        report = Path(folder) / "branches.json"
        meter.json_report(morfs=[str(path) for path in files.values()], outfile=str(report))
        found = json.loads(report.read_text(encoding="utf-8"))["files"]
    by_path = {Path(name).resolve(): file for name, file in found.items()}
    covered = total = 0
    missing: list[str] = []
    left_out: list[str] = []
    for path in files.values():
        file = by_path[path.resolve()]
        covered += file["summary"]["covered_branches"]
        total += file["summary"]["num_branches"]
        missing += [f"{shown(path)}:{line}->{'exit' if to < 0 else to}" for line, to in file["missing_branches"]]
        left_out += [f"{shown(path)}:{line}" for line in file["excluded_lines"]]
    return Branches(covered, total, tuple(missing), tuple(left_out))


def shown(path: Path) -> str:
    """Return a module's path from the law's package on."""
    parts = path.parts
    return "/".join(parts[len(parts) - 1 - parts[::-1].index(LAW) :])
