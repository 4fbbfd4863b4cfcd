"""What our modules import, read from their text."""

from __future__ import annotations

import attrs
import pytest

from mmprops import imports
from mmprops.imports import closure, imported, modules_behind, path_of
from mmspec.physical.buddy import BUDDY


@pytest.mark.parametrize("name", ["mmspec.nowhere", "numpy", "mmspec.words.size_of", ""])
def test_what_is_no_module_of_ours_has_no_file(name: str) -> None:
    """A name that does not exist, a function, or somebody else's module."""
    assert path_of(name) is None


def test_imports_of_every_form_are_found() -> None:
    """`from package import module`, `import module`, relative ones, and the packages around a module."""
    assert "mmprops.traces.archive" in imported("mmprops.traces.checks")  # from .archive import
    assert "mmprops.clients.wire" in imported("mmprops.session")  # from mmprops.clients import wire
    assert "mmspec.physical.buddy" in imported("mmspec.physical.buddy.core")


def test_imports_within_functions_are_found() -> None:
    """What is imported late is imported all the same."""
    assert "mmprops.bugs.hunt" in imported("mmprops.bugs.kill")


def test_a_closure_follows_what_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """At whatever remove, but not beyond a registry, whose text is left out too."""
    assert "mmspec.pmap" in closure(["mmspec.physical.buddy.core"])
    assert "mmprops.machines.physical.buddy" not in closure(["mmprops.conform"])
    assert "mmprops.machines" not in closure(["mmprops.conform"])
    monkeypatch.setattr(imports, "REGISTRIES", frozenset())
    assert "mmprops.machines" in closure(["mmprops.conform"])


def test_the_modules_behind_a_record_are_those_of_its_functions() -> None:
    """Of its operations' functions and records too, however deep they lie."""
    found = set(modules_behind(BUDDY))
    assert {"mmspec.physical.buddy.kinds", "mmspec.physical.buddy.ops", "mmspec.physical.buddy.invariants"} <= found
    assert "mmspec.physical.buddy.kinds" not in set(modules_behind(attrs.evolve(BUDDY, operations=())))
