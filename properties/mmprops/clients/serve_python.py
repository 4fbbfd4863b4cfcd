"""Serve the client protocol for a Python object: ``python -m mmprops.clients.serve_python package.module:factory``.

The protocol keeps the real standard input and output for itself: what the object's own code prints goes to standard error,
and what it reads is empty. An exception ends the process: its traceback is then the end of standard error.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec


def take_streams() -> tuple[BinaryIO, int]:
    """Return the protocol's input and output, and give everybody else an empty input and standard error instead."""
    requests, replies = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return open(requests, "rb"), replies


def write_line(fd: int, text: bytes) -> None:
    """Write a line whole."""
    rest = memoryview(text.replace(b"\n", b" ") + b"\n")
    while rest:
        rest = rest[os.write(fd, rest) :]


def load(name: str) -> Any:
    """Return what the factory ``package.module:factory`` makes."""
    module, _, factory = name.partition(":")
    sys.path.insert(0, os.getcwd())
    made: Any = importlib.import_module(module)
    for attribute in factory.split("."):
        made = getattr(made, attribute)
    return made()


def introduction(client: Any) -> Any:
    """Return the object's hello, without a capability that it has no method for."""
    hello = client.hello()
    if isinstance(hello, dict) and isinstance(hello.get("capabilities"), dict) and not hasattr(client, "batch"):
        hello = hello | {"capabilities": {k: v for k, v in hello["capabilities"].items() if k != "batch"}}
    return hello


def answers(client: Any, requests: BinaryIO) -> Iterator[Any]:
    """Yield the object's answer to each request, until bye or the end of input."""
    ask: dict[str, Callable[[dict[str, Any]], Any]] = {
        "hello": lambda request: introduction(client),
        "reset": lambda request: client.reset(request["machine"], request["config"]),
        "op": lambda request: client.apply(request["op"], request["args"]),
        "ops": lambda request: {"replies": client.batch(request["ops"])},
    }
    for line in requests:
        request = msgspec.json.decode(line)
        if request["do"] == "bye":
            return
        yield ask[request["do"]](request)


def main() -> None:
    """Serve the object that the first argument names."""
    requests, replies = take_streams()
    client = load(sys.argv[1])
    for answer in answers(client, requests):
        try:
            line = msgspec.json.encode(answer)
        except (TypeError, ValueError) as error:
            line = f"not JSON: {answer!r} ({error})".encode("ascii", "backslashreplace")
        write_line(replies, line)
    client.close()


if __name__ == "__main__":
    main()
