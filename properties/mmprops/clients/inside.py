"""Clients that are Python objects in this very process, where a debugger or a coverage tool sees both sides.

There is nothing to enforce a time limit with, and a crash of the object's C code is a crash of the harness: ``python:`` on the
command line has a child process for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mmprops.clients import wire
from mmprops.clients.base import DIED, RUBBISH, ClientError, ClientFailure, Hello, Rubbish


def _is_factory(client: Any) -> bool:
    return isinstance(client, type) or not hasattr(client, "hello")


class InsideClient:
    """A client over an object, or what a factory makes, with the methods that ``python:`` wants (INTERFACES.md, section 1)."""

    def __init__(self, client: Any) -> None:
        if _is_factory(client) and not callable(client):
            raise ClientError(
                f"{client!r} is no client", hint="give an object with hello, reset, apply and close, or a function that makes one"
            )
        try:
            self._object: Any = client() if _is_factory(client) else client
        except (Exception, SystemExit) as error:
            raise ClientError(f"the factory raised {_last_line(error)}") from error

    def _call(self, name: str, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        except (Exception, SystemExit) as error:
            raise ClientFailure(DIED, f"{name}: the client raised {_last_line(error)}") from error

    def hello(self) -> Hello:
        try:
            reply = self._call("hello", self._object.hello)
        except (ClientFailure, AttributeError) as failure:
            raise ClientError(str(failure)) from failure
        if not isinstance(reply, dict):
            raise ClientError(f"hello returned {wire.show(reply)}, not a dict")
        hello = wire.decode_hello(reply)
        if hasattr(self._object, "batch"):
            return hello
        capabilities = {name: value for name, value in hello.capabilities.items() if name != "batch"}
        return Hello(hello.protocol, hello.name, hello.machines, capabilities)

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        return _body("reset", self._call("reset", self._object.reset, machine, config))

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        return _body(op, self._call(op, self._object.apply, op, args))

    def batch(self, ops: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        replies = self._call("ops", self._object.batch, ops)
        if not isinstance(replies, list) or len(replies) != len(ops):
            raise Rubbish(RUBBISH, f"ops: batch must return a list of {len(ops)} replies: {wire.show(replies)}")
        return replies

    def close(self) -> None:
        if hasattr(self._object, "close"):
            self._object.close()


def _body(asked: str, reply: Any) -> dict[str, Any]:
    if not isinstance(reply, dict):
        raise Rubbish(RUBBISH, f"{asked}: a reply must be a dict of JSON values, not {wire.show(reply)}")
    return reply


def _last_line(error: BaseException) -> str:
    return wire.show_text(f"{type(error).__name__}: {error}".strip(), 200)
