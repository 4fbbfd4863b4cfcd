"""Sessions: a client or an implementation in this process, asked in records instead of JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from mmprops.clients import wire
from mmprops.clients.base import DIED, Client, ClientError, ClientFailure
from mmprops.machine import Implementation, Machine
from mmspec.component import Operation
from mmspec.errors import MmspecError

EREF = "EREF"
"""What a client answers to an operation of a batch whose reference names an error."""


class Session(Protocol):
    """Something under test."""

    name: str

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What it promises, every capability of the machine by name."""

    def reset(self, config: Any) -> wire.Unsupported | None:
        """Begin again from nothing with a configuration; an answer is a refusal."""

    def apply(self, operation: Operation, request: Any) -> Any:
        """Return the result record of a request, or ``Unsupported``. May raise ``ClientFailure``."""

    def batch(self, steps: Sequence[tuple[Operation, Any]]) -> list[Any]:
        """Return the result of each step; references count within these steps."""

    def renew(self) -> None:
        """Make the next reset that of a fresh client, which remembers nothing."""

    def close(self) -> None:
        """End it."""


class InProcess:
    """An implementation in this process; ``open`` tells whether its state can be looked at beside its results."""

    def __init__(self, name: str, make: Any, kernel: str, capabilities: Mapping[str, Any], *, open: bool) -> None:
        self.name, self._make, self._kernel, self._capabilities, self.open = name, make, kernel, capabilities, open
        self.body: Implementation

    @property
    def capabilities(self) -> Mapping[str, Any]:
        return self._capabilities

    def reset(self, config: Any) -> wire.Unsupported | None:
        self.body = self._make(config, self._kernel)
        return None

    def apply(self, operation: Operation, request: Any) -> Any:
        try:
            return self.body.apply(request)
        except MmspecError:
            raise
        except Exception as error:
            raise ClientFailure(DIED, f"{operation.name} raised {type(error).__name__}: {error}") from error

    def batch(self, steps: Sequence[tuple[Operation, Any]]) -> list[Any]:
        raise AssertionError("an implementation in this process has no batches")

    def renew(self) -> None:
        return None

    def close(self) -> None:
        return None


class OverTheWire:
    """A client that speaks the protocol. After it has failed, the next reset opens it anew."""

    def __init__(self, machine: Machine, opener: Callable[[], Client]) -> None:
        self.machine, self._opener = machine, opener
        self._failed = False
        self._open()

    @property
    def capabilities(self) -> Mapping[str, Any]:
        return self._capabilities

    def _open(self) -> None:
        self.client = self._opener()
        try:
            hello = self.client.hello()
        except BaseException:
            self.client.close()
            raise
        self.name, self.machines = hello.name, hello.machines
        try:
            self._capabilities = self.machine.capable(hello.capabilities)
            self.fields = self.machine.sent(self._capabilities)
        except ValueError as error:
            self.client.close()
            raise ClientError(f"the hello's capability {error}") from None

    def reset(self, config: Any) -> wire.Unsupported | None:
        if self._failed:
            self.client.close()
            self._open()
            self._failed = False
        reply = self._asked(self.client.reset, self.machine.name, wire.to_wire(config, self.fields.get("reset")))
        refusal: wire.Unsupported | None = self._asked(wire.decode_reset, reply)
        return refusal

    def apply(self, operation: Operation, request: Any) -> Any:
        reply = self._asked(self.client.apply, operation.name, wire.to_wire(request, self.fields.get(operation.name)))
        return wire.decode_reply(operation, reply)

    def batch(self, steps: Sequence[tuple[Operation, Any]]) -> list[Any]:
        program = wire.to_program([(operation.name, request) for operation, request in steps], self.fields)
        replies = self._asked(self.client.batch, [(name, args) for name, args in program])
        return [
            wire.decode_reply(operation, reply, more_errors=(EREF,)) for (operation, _), reply in zip(steps, replies, strict=True)
        ]

    def _asked(self, ask: Callable[..., Any], *args: Any) -> Any:
        try:
            return ask(*args)
        except ClientFailure:
            self._failed = True
            raise

    def renew(self) -> None:
        self._failed = True

    def close(self) -> None:
        self.client.close()
