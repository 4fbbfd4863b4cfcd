"""Unicorn's processors against the law: real loads, stores and fetches through generated tables."""

from __future__ import annotations

import random
from importlib import import_module
from typing import Any

import attrs
import pytest

from mmprops.clients.inside import InsideClient
from mmprops.clients.registry import BUILT_IN
from mmprops.clients.unicorn import FACTORIES
from mmprops.conform import judge_session, session_for
from mmprops.lockstep import explore
from mmprops.machine import HEADER, RECORD
from mmprops.machines import machine_named
from mmspec.clause import Clause
from mmspec.profile import Profile
from mmspec.virtual.page_table import x86_64
from mmspec.virtual.page_table.clauses import ARM_SIZE, X86_RESERVED_LARGE

MACHINE = machine_named("page_table")

pytestmark = pytest.mark.needs_unicorn


def client_of(name: str) -> Any:
    """Return a client in this process."""
    module, _, factory = FACTORIES[name].partition(":")
    return getattr(import_module(f"mmprops.clients.unicorn.{module}"), factory)()


def run_of(name: str, ops: int, seed: int) -> Any:
    """Hold a client in this process against the law."""
    session = session_for(MACHINE, lambda: InsideClient(lambda: client_of(name)))
    return judge_session(MACHINE, session, Profile.ANY, ops=ops, seed=seed)


def test_all_eight_are_built_in() -> None:
    """Each mode has a client, of this machine."""
    assert {name for name, client in BUILT_IN.items() if client.machine == "page_table"} == set(FACTORIES)
    assert len(FACTORIES) == 8


@pytest.mark.parametrize("name", FACTORIES)
def test_a_processor_conforms(name: str, seed: int) -> None:
    """No access is answered otherwise than the law allows, known gaps aside, which are few."""
    run = run_of(name, 3000, seed)
    assert (run.verdict, run.violation) == ("pass", None)


@pytest.mark.nightly
@pytest.mark.parametrize("name", FACTORIES)
def test_a_processor_conforms_for_long(name: str, seed: int) -> None:
    """The same of a hundred thousand operations."""
    assert run_of(name, 100_000, seed).verdict == "pass"


def test_a_wrong_law_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A law that lets supervisors write what is read-only is contradicted by the processor."""
    right = x86_64.denied

    def denied(regime: Any, granted: Any, kind: int, user: bool) -> Any:
        forbidden, why = right(regime, granted, kind, user)
        return (forbidden and user), why

    monkeypatch.setattr(x86_64, "denied", denied)
    session = session_for(MACHINE, lambda: InsideClient(lambda: client_of("unicorn:x86_64")))
    rng = random.Random(1)
    broken = (explore(MACHINE, session, Profile.ANY, rng.randbytes(HEADER + 200 * RECORD)).broken for _ in range(30))
    assert any(found is not None and found.clause == "PAGE-TABLE-TRANSLATED" for found in broken)


@pytest.mark.parametrize(("name", "clause"), [("unicorn:aarch64-4k", ARM_SIZE), ("unicorn:x86_64-la57", X86_RESERVED_LARGE)])
def test_a_gap_that_is_none_any_more_is_an_error(name: str, clause: Clause) -> None:
    """A vector that Unicorn answers as the law does ends the client."""
    client = client_of(name)
    (gap,) = [gap for gap in client.gaps if gap.clause is clause]
    controls, entries, access = gap.vector
    closed = attrs.evolve(gap, vector=(controls, (*entries[:-1], 0), access), applies=lambda walk: True)
    with pytest.raises(RuntimeError, match="not so any more"):
        client.check(closed)


def test_what_it_does_not_have_is_refused() -> None:
    """A configuration with a control bit that the processor lacks is not taken."""
    client = client_of("unicorn:x86_64")
    refused = client.reset("page_table", client.plain() | {"controls": {"smap": True}})
    assert "SMAP" in refused["unsupported"]
