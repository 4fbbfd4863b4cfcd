"""Python objects and shared libraries are served in a process of their own, and their failures are told apart."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mmprops.clients.base import DIED, RUBBISH, ClientError, ClientFailure
from mmprops.clients.process import lib_client, python_client

SERVED = "mmprops.examples.python.mybuddy:Lowest"


def test_a_python_factory_is_served() -> None:
    """The dicts are the JSON bodies."""
    with python_client(SERVED) as client:
        assert client.hello().machines == ("buddy",)
        assert client.reset("buddy", {"start_pfn": "0x100", "end_pfn": "0x200", "max_order": 4}) == {"ok": True}
        assert client.apply("alloc", {"order": 1}) == {"result": {"pfn": "0x100"}}


PYTHON_CLIENT = """
import os, sys
class Client:
    def hello(self): return {"protocol": 1, "name": "p", "machines": ["buddy"], "capabilities": {"batch": True, "observe": True}}
    def reset(self, machine, config): return {"ok": True}
    def close(self): pass
    def apply(self, op, args):
        print("a debugging print"); os.system("echo one from a child"); sys.stdout.flush()
        if op == "raise": raise ValueError("no such luck")
        if op == "exit": sys.exit(5)
        if op == "odd": return {"result": object()}
        if op == "list": return [1]
        return {"result": {"read": sys.stdin.read()}}
class Batching(Client):
    def batch(self, ops): return [{"result": {}} for _ in ops]
def broken(): raise KeyError("nothing to make")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a module of clients in it."""
    (tmp_path / "my_clients.py").write_text(PYTHON_CLIENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_a_served_module_is_found_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where Python is told not to look in the working directory."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    with python_client("my_clients:Client") as client:
        assert client.hello().name == "p"


@pytest.mark.usefixtures("here")
def test_a_served_object_may_print() -> None:
    """What it prints goes to standard error, and its standard input is empty: the protocol has its own."""
    with python_client("my_clients:Client") as client:
        client.hello()
        assert client.apply("x", {}) == {"result": {"read": ""}}
        assert client.apply("x", {}) == {"result": {"read": ""}}
        assert set(client._process.last_errors()) == {"a debugging print", "one from a child"}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("op", "clause", "words"),
    [
        ("raise", DIED, "ValueError: no such luck"),
        ("exit", DIED, "exit status 5"),
        ("odd", RUBBISH, "not JSON: {'result': <object"),
        ("list", RUBBISH, "not a JSON object"),
    ],
)
def test_a_served_object_that_fails(op: str, clause: str, words: str) -> None:
    """An exception is a dead client with the traceback's last line; what is no dict of JSON values is rubbish."""
    with python_client("my_clients:Client") as client:
        client.hello()
        with pytest.raises(ClientFailure) as caught:
            client.apply(op, {})
    assert caught.value.clause == clause
    assert words in caught.value.explanation


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("factory", "batch"), [("Client", False), ("Batching", True)])
def test_a_served_object_batches_if_it_can(factory: str, batch: bool) -> None:
    """The capability counts where the object has the method."""
    with python_client(f"my_clients:{factory}") as client:
        capabilities = client.hello().capabilities
        assert capabilities == ({"batch": True, "observe": True} if batch else {"observe": True})
        if batch:
            assert client.batch([("a", {}), ("b", {})]) == [{"result": {}}, {"result": {}}]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("my_clients:broken", "KeyError: 'nothing to make'"),
        ("my_clients:missing", "has no attribute 'missing'"),
        ("no_such_module:f", "No module named 'no_such_module'"),
    ],
)
def test_a_factory_that_makes_nothing_is_an_error(factory: str, words: str) -> None:
    """The error ends with the traceback's last line."""
    with python_client(factory) as client, pytest.raises(ClientError, match=words):
        client.hello()


BAD_LIBRARY = """
#include <stdio.h>
#include <string.h>
int mmspec_call(const char *request, char *reply, size_t size)
{
    if (strstr(request, "minus")) return -1;
    if (strstr(request, "huge")) return 1 << 30;
    if (strstr(request, "crash")) return *(volatile int *)0;
    if (strstr(request, "print")) { printf("a print of the library\\n"); fflush(stdout); }
    return snprintf(reply, size, "{\\n \\"size\\":%zu,\\n \\"request\\":%zu}", size, strlen(request));
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shared library that misbehaves when asked to."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "bad.c").write_text(BAD_LIBRARY)
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-o", folder / "bad.so", folder / "bad.c"], check=True)
    return str(folder / "bad.so")


@pytest.mark.needs_gcc
def test_a_library_may_print_and_lay_its_reply_out(library: str) -> None:
    """The request comes without its newline; JSON on several lines, and prints on standard output, are no harm."""
    with lib_client(library) as client:
        request = b'{"do":"op","op":"print","args":{}}'
        assert client.apply("print", {}) == {"size": (1 << 20) + 1, "request": len(request)}
        assert client._process.last_errors() == ("a print of the library",)


@pytest.mark.needs_gcc
@pytest.mark.parametrize(
    ("op", "clause", "words"),
    [("minus", RUBBISH, "mmspec_call returned -1"), ("huge", RUBBISH, "returned 1073741824"), ("crash", DIED, "SIGSEGV")],
)
def test_a_library_that_fails(library: str, op: str, clause: str, words: str) -> None:
    """A length that is none is rubbish; a crash is a dead client, and the harness lives."""
    with lib_client(library) as client, pytest.raises(ClientFailure, match=words) as caught:
        client.apply(op, {})
    assert caught.value.clause == clause


def test_a_file_that_is_no_library_is_an_error(tmp_path: Path) -> None:
    """The error says what the loader said."""
    (tmp_path / "not.so").write_text("text")
    with lib_client(str(tmp_path / "not.so")) as client, pytest.raises(ClientError, match=r"cannot load .*not\.so"):
        client.hello()
