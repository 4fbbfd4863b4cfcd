"""Lists of what is imported only when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mmspec.registry import Registry

SEEN = "import sys; from mmspec_cli.program import cli; from mmprops.machines import {}; print(*sorted(sys.modules))"


def test_things_come_by_name_and_in_order() -> None:
    """From their places, or as they are."""
    listed: Registry[object] = Registry({"nan": "math:nan", "itself": 3})
    assert listed.names == ["nan", "itself"]
    assert [listed.named("itself"), len(listed), 3 in listed, 4 in listed] == [3, 2, True, False]
    assert next(iter(listed)) is listed.named("nan")
    with pytest.raises(KeyError):
        listed.named("other")


def loaded(ask: str) -> set[str]:
    """The modules that a process has after asking for something of the machines and the commands."""
    done = subprocess.run([sys.executable, "-c", SEEN.format(ask)], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    """Neither components, nor machines, nor commands; and of one component not the others."""
    assert not {name for name in loaded("MACHINES") if name.startswith(("mmspec.physical", "mmimpl", "mmspec_cli.commands."))}
    buddy = loaded("machine_named; machine_named('buddy')")
    assert "mmspec.physical.buddy" in buddy
    assert not {name for name in buddy if name.startswith(("mmspec.physical.hotplug", "mmspec.virtual"))}
