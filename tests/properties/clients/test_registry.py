"""Names lead to clients, and objects in this process behave as their served twins do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mmprops.clients import registry
from mmprops.clients.base import DIED, RUBBISH, ClientError, ClientFailure, Limits
from mmprops.clients.inside import InsideClient
from mmprops.clients.process import ProcessClient
from mmprops.clients.registry import BuiltIn, open_client, opener
from mmprops.examples import SUFFIXES, adapter_source
from mmprops.examples.build import TOOLCHAINS, examples
from mmprops.examples.python.mybuddy import Lowest
from mmspec.errors import InputError

# --- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mybuddy", "execute:x", "", "python", "unicorn:z80"])
def test_an_unknown_name_lists_the_known_forms(name: str) -> None:
    """The hint says what a name looks like."""
    with pytest.raises(InputError, match="unknown client") as caught:
        open_client(name)
    assert all(form in caught.value.hint for form in registry.FORMS)


def test_a_path_without_its_form_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual slip gets the right command."""
    (tmp_path / "mybuddy").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        open_client("./mybuddy")
    assert caught.value.hint == "did you mean exec:./mybuddy?"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lib:./no.so", r"no shared library '\./no\.so'"),
        ("python:package", "does not name a factory"),
        ("python:pack age:f", "does not name a factory"),
        ("python::f", "does not name a factory"),
        ("python:m:", "does not name a factory"),
        ("exec:", "names no command"),
    ],
)
def test_a_form_without_its_content_is_explained(name: str, words: str) -> None:
    """Nothing is started."""
    with pytest.raises(InputError, match=words):
        open_client(name)


def test_a_built_in_name_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened with the limits that were asked for."""
    seen: list[Limits] = []

    def open_it(limits: Limits) -> InsideClient:
        seen.append(limits)
        return InsideClient(Lowest)

    monkeypatch.setitem(registry.BUILT_IN, "mine", BuiltIn("buddy", open_it, lambda: None))
    assert open_client("mine", timeout=7).hello().name == Lowest.name
    assert seen == [Limits(reply=7)]


def test_the_time_limit_is_that_of_a_reply() -> None:
    """The hello keeps its own."""
    client = open_client("exec:cat", timeout=0.25)
    assert isinstance(client, ProcessClient)
    assert client._limits == Limits(hello=10.0, reply=0.25, bye=2.0, line=1 << 20)
    client.close()


def test_an_opener_opens_anew() -> None:
    """Each call is another client: by name, and from a factory."""
    for client in ("exec:cat", Lowest):
        again = opener(client)
        first, second = again(), again()
        assert first is not second
        first.close()
        second.close()


# --- objects in this process ---------------------------------------------------------------------------------------------

CONFIG = {"start_pfn": "0x100", "end_pfn": "0x200", "max_order": 4}


class Misbehaving(Lowest):
    """Fails as it is asked to."""

    def apply(self, op: str, args: dict[str, Any]) -> Any:
        if op == "raise":
            raise ValueError("no such luck")
        return {"exit": lambda: sys.exit(3), "list": lambda: [1], "none": lambda: None}[op]()


def make_lowest() -> Lowest:
    """A factory that is no class."""
    return Lowest()


def test_an_object_answers() -> None:
    """An object as it is, or what a factory makes."""
    for client in (Lowest, Lowest(), make_lowest):
        inside = InsideClient(client)
        assert inside.hello().machines == ("buddy",)
        assert inside.reset("buddy", CONFIG) == {"ok": True}
        assert inside.apply("alloc", {"order": 1}) == {"result": {"pfn": "0x100"}}
        inside.close()


@pytest.mark.parametrize(
    ("op", "clause", "words"),
    [
        ("raise", DIED, "ValueError: no such luck"),
        ("exit", DIED, "SystemExit: 3"),
        ("list", RUBBISH, r"not \[1\]"),
        ("none", RUBBISH, "not null"),
    ],
)
def test_an_object_that_fails(op: str, clause: str, words: str) -> None:
    """As a served one does; the exception is the cause, for whoever has a debugger."""
    with pytest.raises(ClientFailure, match=words) as caught:
        InsideClient(Misbehaving).apply(op, {})
    assert caught.value.clause == clause
    assert (caught.value.__cause__ is not None) == (clause == DIED)


def test_ctrl_c_is_not_the_clients_death() -> None:
    """It goes through."""

    class Interrupted(Lowest):
        def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InsideClient(Interrupted).apply("alloc", {})


def broken() -> Any:
    """A factory that makes nothing."""
    raise KeyError("nothing to make")


class Mute(Lowest):
    """Says nothing at hello."""

    def hello(self) -> Any:
        return None


class NoBatch(Lowest):
    """Promises batches without having the method."""

    def hello(self) -> dict[str, Any]:
        return super().hello() | {"capabilities": {"batch": True, "observe": True}}


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (broken, "KeyError: 'nothing to make'"),
        (7, "7 is no client"),
        (Mute, "hello returned null"),
        (object, "no attribute 'hello'"),
    ],
)
def test_what_makes_no_client_is_an_error(client: Any, words: str) -> None:
    """There is nothing to judge."""
    with pytest.raises(ClientError, match=words):
        InsideClient(client).hello()


def test_a_promise_without_its_method_does_not_count() -> None:
    """As with a served object."""
    assert InsideClient(NoBatch).hello().capabilities == {"observe": True}


# --- examples ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", SUFFIXES)
def test_there_is_an_adapter_in_each_language(language: str) -> None:
    """It introduces itself, and its first lines say how it is run."""
    source = adapter_source("buddy", language)
    assert "checked_free" in source
    assert "mmspec conform buddy --client" in "\n".join(source.splitlines()[:6])


@pytest.mark.parametrize(("machine", "language"), [("slab", "c"), ("buddy", "cobol"), ("../c/buddy", "c")])
def test_a_missing_adapter_is_an_input_error(machine: str, language: str) -> None:
    """With what there is."""
    with pytest.raises(InputError) as caught:
        adapter_source(machine, language)
    assert caught.value.hint


def test_a_machine_s_examples_are_the_pages_that_there_are() -> None:
    """In every language for the buddy allocator; none for a machine that has no page."""
    assert examples("buddy") == list(TOOLCHAINS)
    assert examples("slab") == []
