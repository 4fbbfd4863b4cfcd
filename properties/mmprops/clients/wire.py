"""The protocol's lines and replies (INTERFACES.md, section 1), on top of the values that ``values`` makes of records.

msgspec only turns JSON values into bytes and back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import attrs
import msgspec

from mmprops.clients.base import PROTOCOL, RANGE, RUBBISH, ClientError, Hello, Rubbish
from mmprops.clients.values import (
    Misfit,
    Ref,
    config_from_wire,
    from_program,
    from_wire,
    is_text,
    schema,
    show,
    show_text,
    to_program,
    to_wire,
)
from mmspec.component import Operation
from mmspec.errors import Error

__all__ = [
    "DEBUG_PRINT", "MAX_REQUEST", "Misfit", "Ref", "Unsupported", "config_from_wire", "decode_hello", "decode_line",
    "decode_reply", "decode_reset", "encode", "from_program", "from_wire", "schema", "show", "show_text", "to_program", "to_wire",
]  # fmt: skip

MAX_REQUEST = 1 << 16
"""The longest line, in bytes with its newline, that the harness writes."""

DEBUG_PRINT = (
    "standard output carries replies only, one JSON object a line: the usual cause is a debugging print "
    "(write it to standard error) or a reply that was written in parts or twice"
)


@attrs.frozen
class Unsupported:
    """The client does not carry this out, and says why."""

    reason: str


# --- lines -----------------------------------------------------------------------------------------------------------


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a request as its canonical line: ASCII, no spaces, keys in the order given, one newline."""
    line = msgspec.json.encode(message)
    if not line.isascii():
        line = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(line) >= MAX_REQUEST:
        raise ValueError(f"a request of {len(line) + 1} bytes: a line holds {MAX_REQUEST}, so split the batch")
    return line + b"\n"


_decode = msgspec.json.Decoder().decode

_DIGITS = 640
"""Digits of the longest integer that Python reads however its own limit is set: a longer one is in no word's range."""


def _integer(text: str) -> float:
    return int(text) if len(text) <= _DIGITS else math.copysign(math.inf, -1 if text[0] == "-" else 1)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_tolerant = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant).decode
"""Reads the JSON that msgspec refuses, since no one type holds it: a number out of every range, and half a surrogate pair."""


def _decode_any(line: bytes | bytearray) -> Any:
    """Return what a line says: a number too large is infinite, and fits nowhere; a key that nobody reads may hold it."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        try:
            return _tolerant(line.decode())
        except (ValueError, RecursionError):
            raise refusal from None


def decode_line(line: bytes | bytearray) -> dict[str, Any]:
    """Return the JSON object that a client's line says (Rubbish: it says none)."""
    try:
        value = _decode_any(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = show_text(line[:200].decode("utf-8", "backslashreplace"))
        raise Rubbish(RUBBISH, f"a line that is not JSON: {text} ({show_text(str(error))})", hint=DEBUG_PRINT) from None
    if not isinstance(value, dict):
        raise Rubbish(RUBBISH, f"a line that is not a JSON object: {show(value)}", hint=DEBUG_PRINT)
    return value


# --- replies ---------------------------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    """Return a value in which ``5.0`` is the same number as ``5``."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def decode_hello(reply: Mapping[str, Any]) -> Hello:
    """Return a client's introduction (ClientError: what is wrong with it)."""
    protocol = _number(reply.get("protocol"))
    if type(protocol) is not int or protocol != PROTOCOL:
        raise ClientError(
            f"the client speaks protocol {show(protocol)}" if "protocol" in reply else "the hello has no protocol",
            hint=f'this harness speaks protocol {PROTOCOL}: answer "protocol":{PROTOCOL}',
        )
    name, machines, capabilities = reply.get("name"), reply.get("machines"), reply.get("capabilities", {})
    if not is_text(name):
        raise ClientError("the hello has no name", hint='"name":"mybuddy 1.2"')
    if not isinstance(machines, list | tuple) or not all(is_text(m) for m in machines):
        raise ClientError("the hello does not list machines", hint='"machines":["buddy"]')
    if not isinstance(capabilities, dict):
        raise ClientError("the hello's capabilities are not an object", hint='"capabilities":{"checked_free":true}')
    return Hello(PROTOCOL, name, tuple(machines), {key: _number(value) for key, value in capabilities.items()})


def _the_one_of(reply: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = [name for name in names if name in reply]
    if len(found) != 1:
        wanted = ", ".join(f'"{name}"' for name in names[:-1]) + f' or "{names[-1]}"'
        raise Rubbish(RUBBISH, f"a reply must have exactly one of {wanted}: {show(reply)}")
    return found[0]


def _text(reply: Mapping[str, Any], name: str) -> str:
    value: str = reply[name]
    if not is_text(value):
        raise Rubbish(RUBBISH, f'"{name}" must be a string: {show(reply)}')
    return value


def decode_reset(reply: Mapping[str, Any]) -> Unsupported | None:
    """Return None if the client began again, or why it does not take the configuration (Rubbish: neither)."""
    if _the_one_of(reply, ("ok", "unsupported")) == "unsupported":
        return Unsupported(_text(reply, "unsupported"))
    if reply["ok"] is not True:
        raise Rubbish(RUBBISH, f'"ok" must be true: {show(reply)}')
    return None


def decode_reply(operation: Operation, reply: Any, *, more_errors: Collection[str] = ()) -> Any:
    """Return the operation's result record, an ``Error`` that it lists (or of ``more_errors``), or ``Unsupported``.

    Raises Rubbish for everything else, with the clause and what is wrong.
    """
    if not isinstance(reply, dict):
        raise Rubbish(RUBBISH, f"a reply to {operation.name} must be an object, not {show(reply)}")
    kind = _the_one_of(reply, ("result", "error", "unsupported"))
    if kind == "unsupported":
        return Unsupported(_text(reply, kind))
    if kind == "error":
        name = _text(reply, kind)
        if name not in operation.errors and name not in more_errors:
            known = ", ".join(operation.errors) or "none"
            raise Rubbish(RUBBISH, f"{operation.name} has no error {show(name)}: it lists {known}")
        return Error(name)
    try:
        return from_wire(operation.result, reply["result"])
    except Misfit as misfit:
        clause = RANGE if misfit.out_of_range else RUBBISH
        raise Rubbish(clause, f"{operation.name}: result{misfit.path} {misfit.explanation}") from None
