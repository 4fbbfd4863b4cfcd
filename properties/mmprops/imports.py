"""Which of our modules others import, at whatever remove, read from their text: what a recorded result may depend on.

Nothing is imported for it. ``mmproofs.hashing`` follows functions instead of modules, which needs them imported.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

OURS = ("mmspec", "mmimpl", "mmprops")
"""The packages that are followed: the law, the implementation, and what holds one against the other."""

REGISTRIES = frozenset({"mmspec.components", "mmprops.machines", "mmprops.bugs"})
"""Modules that only list what there is. They are not followed: else each component would depend on every other."""


@cache
def path_of(module: str) -> Path | None:
    """Return the file of one of our modules, or None: there is none of the name."""
    root, *rest = module.split(".")
    spec = importlib.util.find_spec(root) if root in OURS else None
    if spec is None or not spec.submodule_search_locations:
        return None
    place = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


@cache
def imported(module: str) -> frozenset[str]:
    """Return our modules that the text of one of ours imports, and the packages that it lies in."""
    path = path_of(module)
    assert path is not None, module
    found = {module.rpartition(".")[0]}
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found.update((base, *(f"{base}.{alias.name}" for alias in node.names)))
    return frozenset(name for name in found if path_of(name) is not None)


def closure(roots: Iterable[str]) -> dict[str, Path]:
    """Return the files of some of our modules and of all that they import, by name; registries and what they list aside."""
    found: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        path = path_of(module)
        if path is not None and module not in found and module not in REGISTRIES:
            found[module] = path
            waiting += imported(module)
    return dict(sorted(found.items()))


def modules_behind(record: Any) -> Iterator[str]:
    """Yield the modules of the functions and classes in a record such as a component or a machine, and in its own records."""
    if attrs.has(type(record)):
        yield type(record).__module__
        for field in attrs.fields(type(record)):
            yield from modules_behind(getattr(record, field.name))
    elif isinstance(record, Mapping):
        yield from modules_behind(tuple(record.values()))
    elif isinstance(record, tuple):
        for part in record:
            yield from modules_behind(part)
    elif callable(record):
        yield str(getattr(record, "__module__", ""))
