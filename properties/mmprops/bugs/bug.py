"""The record of a seeded bug, and how it gets into the code: as an edit of a function's source, made while it is imported.

The files of the product are never touched. A bug is installed in a process of its own before the functions that it edits are
imported; from then on everything there (law, implementation, properties, proofs) sees the edited ones. This module and the
bugs themselves import nothing that a bug could edit.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

import attrs

from mmspec.errors import MmspecError

Edit = tuple[str, str]
"""Text that occurs exactly once in a function's source, and what stands there instead."""

LAW, IMPLEMENTATION = "mmspec", "mmimpl"
"""The packages that bugs edit."""


class BugError(MmspecError):
    """A bug cannot be installed: its edit does not fit the code, or comes too late. ``hint`` says how it would be right."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@attrs.frozen
class Bug:
    """A wrong version of one rule.

    ``patches`` holds an edit for each dotted function. Where the law states the rule, the same edit is made there: the
    implementation's is then known to break this rule and no other if the two agree again. ``profile`` and ``client`` say what
    shows it: ``impl`` held against the law, or the law's own choices (``spec``) against its invariants.
    """

    id: str
    clause: str
    what: str
    """What goes wrong, in one sentence."""
    reference: str
    """Where it happened, or the code whose rule is broken."""
    patches: Mapping[str, Edit]
    component: str
    profile: str = "linux"
    client: str = "impl"

    def edits(self, *packages: str) -> dict[str, Edit]:
        """Return the patches that lie in some packages."""
        return {function: edit for function, edit in self.patches.items() if function.split(".")[0] in packages}


# --- from a dotted name to edited source ---------------------------------------------------------------------------------


def located(function: str) -> tuple[ModuleSpec, str]:
    """Return the module that a dotted function lies in, and its name there, without importing anything."""
    parts = function.split(".")
    found, rest, path = None, parts, None
    for end in range(1, len(parts)):
        spec = PathFinder.find_spec(".".join(parts[:end]), path)
        if spec is None:
            break
        found, rest, path = spec, parts[end:], spec.submodule_search_locations
        if path is None:
            break
    if found is None or not isinstance(found.loader, SourceFileLoader):
        raise BugError(f"no module holds {function}", hint="name a function as package.module.function")
    return found, ".".join(rest)


def definition(source: str, name: str) -> tuple[int, int]:
    """Return the first and last line of a function or method, counted from 1."""
    body: Sequence[ast.stmt] = ast.parse(source).body
    node: ast.stmt | None = None
    for part in name.split("."):
        kinds = (ast.FunctionDef, ast.ClassDef)
        node = next((n for n in body if isinstance(n, kinds) and n.name == part), None)
        if not isinstance(node, kinds):
            break
        body = node.body
    if not isinstance(node, ast.FunctionDef) or node.end_lineno is None:
        raise BugError(f"there is no function {name}", hint="name a function, or a method as class.method")
    return node.lineno, node.end_lineno


def edited(source: str, name: str, edit: Edit) -> str:
    """Return a module's source with one function edited (BugError: the text to replace is not there exactly once)."""
    before, after = edit
    first, last = definition(source, name)
    lines = source.splitlines(keepends=True)
    body = "".join(lines[first - 1 : last])
    if before == after:
        raise BugError(f"the edit of {name} changes nothing", hint="what stands there instead must differ")
    if body.count(before) != 1:
        raise BugError(
            f"the source of {name} has {before!r} {body.count(before)} times", hint="an edit replaces what occurs exactly once"
        )
    return "".join(lines[: first - 1]) + body.replace(before, after) + "".join(lines[last:])


def edited_modules(edits: Mapping[str, Edit]) -> dict[str, tuple[ModuleSpec, str]]:
    """Return the modules that edits change, by name, with their edited source."""
    modules: dict[str, tuple[ModuleSpec, str]] = {}
    for function, edit in edits.items():
        spec, name = located(function)
        assert isinstance(spec.loader, SourceFileLoader)
        source = modules[spec.name][1] if spec.name in modules else spec.loader.get_source(spec.name)
        assert source is not None
        modules[spec.name] = spec, edited(source, name, edit)
    return modules


# --- importing it --------------------------------------------------------------------------------------------------------


class EditedLoader(SourceFileLoader):
    """Loads one module from edited source, past every cache of bytecode."""

    def __init__(self, spec: ModuleSpec, source: str, bug: str) -> None:
        assert spec.origin is not None
        super().__init__(spec.name, spec.origin)
        self._source, self._bug = source, bug

    def get_source(self, fullname: str) -> str:
        return self._source

    def get_code(self, fullname: str) -> CodeType:
        # No such file exists, so that tracebacks and ``inspect`` ask this loader and show the text that really runs.
        code: CodeType = self.source_to_code(self._source, f"{self.path} with {self._bug}")
        return code


class EditedFinder(importlib.abc.MetaPathFinder):
    """Finds the edited modules before anything else does."""

    def __init__(self, bug: Bug, modules: Mapping[str, tuple[ModuleSpec, str]]) -> None:
        self._bug, self._modules = bug, modules

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in self._modules:
            return None
        spec, source = self._modules[fullname]
        return importlib.util.spec_from_file_location(
            fullname,
            spec.origin,
            loader=EditedLoader(spec, source, self._bug.id),
            submodule_search_locations=spec.submodule_search_locations,
        )


def install(bug: Bug, *packages: str) -> None:
    """Let this process import a bug's functions edited, those of the packages named (default: all).

    BugError: an edit does not fit the source, the bug edits nothing there, or a module that it edits is imported already.
    """
    edits = bug.edits(*(packages or (LAW, IMPLEMENTATION)))
    if not edits:
        raise BugError(f"{bug.id} edits nothing in {' or '.join(packages)}", hint=f"it edits {', '.join(bug.patches)}")
    modules = edited_modules(edits)
    late = sorted(name for name in modules if name in sys.modules)
    if late:
        raise BugError(f"{bug.id} comes too late: {late[0]} is imported", hint="install it first, in a process of its own")
    sys.meta_path.insert(0, EditedFinder(bug, modules))
