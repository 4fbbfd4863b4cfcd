"""Clients in a process of their own: ``exec:``, ``lib:`` and ``python:``.

The child runs in a session of its own, so that one signal ends it with all that it forked; what left the session is known by a
mark (``stray``). One ``poll`` watches its three pipes and its end: whatever it does (no answer, endless output on either stream,
not reading its input, dying with a child that holds the pipes open) costs bounded time and bounded memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, NoReturn, Self

from mmprops.clients import guard, stray, wire
from mmprops.clients.base import DIED, FLOOD, HANG, PROTOCOL, RUBBISH, ClientError, ClientFailure, Hello, Limits, Rubbish
from mmspec.errors import InputError

READ_SIZE = 1 << 16
SHOWN_ERROR_LINES = 10

NO_FLUSH = (
    "the usual causes: standard output is not flushed after each reply, the reply does not end in a newline, or an endless loop"
)

DEATH = "the usual causes: an exception, an assertion or a bad memory access in the client"

BYE = wire.encode({"do": "bye"})


@contextlib.contextmanager
def _interrupt_deferred() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done, so that no child is started and then forgotten."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    seen: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: seen.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if seen:
            before(*seen[0])


def _start(command: Sequence[str], mark: tuple[str, str]) -> subprocess.Popen[bytes]:
    pipe, environment = subprocess.PIPE, os.environ | dict([mark])
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True, env=environment)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClientError(
            f"cannot start {command[0]!r}: {reason}", hint="give the path of an executable file, such as exec:./mybuddy"
        ) from None


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


class Process:
    """A child process with its pipes, its limits, and what it last wrote on standard error."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self.limits = limits
        self._buffer, self._errors = bytearray(), bytearray()
        self._pidfd = -1
        self._ended = False
        self._mark = stray.mark()
        with _interrupt_deferred():
            self._child = _start(command, self._mark)
            guard.tell("begun", self._child.pid)
        self._in, self._out, self._err = self._pipes()
        self._pidfd = os.pidfd_open(self._child.pid)
        self._watched = select.poll()
        for fd in (self._out, self._err, self._pidfd):
            self._watched.register(fd, select.POLLIN)

    def _pipes(self) -> tuple[int, int, int]:
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        fds = child.stdin.fileno(), child.stdout.fileno(), child.stderr.fileno()
        for fd in fds:
            os.set_blocking(fd, False)
        return fds

    # --- a question and its answer ---

    def ask(self, request: bytes, seconds: float) -> bytearray:
        """Return the line that answers a request line (ClientFailure: there is none)."""
        if self._ended:
            raise ClientFailure(DIED, "the client was ended after an earlier failure")
        deadline = time.monotonic() + seconds
        try:
            written = os.write(self._in, request)
        except BlockingIOError:
            written = 0
        except BrokenPipeError:
            self._drain()
            self._say_dead()
        if written < len(request):
            self._write_rest(memoryview(request)[written:], deadline, seconds)
        return self._read_line(deadline, seconds)

    def expect_silence(self) -> None:
        """Raise if more than the line that was asked for has come."""
        if self._buffer:
            raise Rubbish(RUBBISH, f"more than one line for one request: {self._shown()}", hint=wire.DEBUG_PRINT)

    def _write_rest(self, rest: memoryview, deadline: float, seconds: float) -> None:
        self._watched.register(self._in, select.POLLOUT)
        try:
            while rest:
                self._wait(deadline, seconds)
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(self._in, rest) :]
        except BrokenPipeError:
            self._unwatch(self._in)
            self._say_dead()
        finally:
            self._unwatch(self._in)

    def _read_line(self, deadline: float, seconds: float) -> bytearray:
        buffer, start = self._buffer, 0
        while True:
            end = buffer.find(b"\n", start)
            if end > self.limits.line or (end < 0 and len(buffer) > self.limits.line):
                explanation = f"a line of more than {self.limits.line} bytes, beginning {self._shown()}"
                raise ClientFailure(FLOOD, explanation, hint=wire.DEBUG_PRINT)
            if end >= 0:
                line = buffer[:end]
                del buffer[: end + 1]
                return line
            start = len(buffer)
            self._wait(deadline, seconds)

    def _wait(self, deadline: float, seconds: float) -> None:
        """Take in what the client does next; raise if it does nothing until the deadline, or ends."""
        left = deadline - time.monotonic()
        events = self._watched.poll(max(0.0, left * 1000)) if left > 0 else []
        if not events:
            self._say_hang(seconds)
        ready = {fd for fd, _ in events}
        if self._err in ready:
            self._read_errors()
        if self._out in ready or self._pidfd in ready:
            got = self._read_output()
            if got == 0 or (got is None and self._pidfd in ready):
                self._say_dead()

    def _read_output(self) -> int | None:
        """Take in what is on standard output; return how many bytes: 0 at its end, None if nothing is there yet."""
        try:
            chunk = os.read(self._out, READ_SIZE)
        except BlockingIOError:
            return None
        self._buffer += chunk
        return len(chunk)

    def _read_errors(self) -> int | None:
        """Keep the end of what is on standard error; return as ``_read_output`` does."""
        try:
            chunk = os.read(self._err, READ_SIZE)
        except BlockingIOError:
            return None
        if not chunk:
            self._unwatch(self._err)
        self._errors += chunk
        del self._errors[: -self.limits.errors]
        return len(chunk)

    def _unwatch(self, fd: int) -> None:
        with contextlib.suppress(KeyError):
            self._watched.unregister(fd)

    # --- what went wrong ---

    def _shown(self) -> str:
        return wire.show_text(self._buffer[:200].decode("utf-8", "backslashreplace"))

    def _say_hang(self, seconds: float) -> NoReturn:
        so_far = f"; so far it wrote {self._shown()} without a newline" if self._buffer else ""
        raise ClientFailure(HANG, f"no reply within {seconds:g} s{so_far}", hint=NO_FLUSH)

    def _say_dead(self) -> NoReturn:
        status = self._exit_status(time.monotonic() + min(0.5, self.limits.bye))
        if status is None:
            how = "closed its standard input or output and runs on"
        elif status.si_code == os.CLD_EXITED:
            how = f"ended with exit status {status.si_status}"
        else:
            how = f"was killed by {_signal_name(status.si_status)}"
        part = f", after {self._shown()} without a newline" if self._buffer else ""
        words = self.last_errors()
        last = f"; the last line on its standard error: {words[-1]}" if words else ""
        raise ClientFailure(DIED, f"the client {how}{part}{last}", hint=DEATH)

    def _exit_status(self, deadline: float) -> os.waitid_result | None:
        """Return how the child ended, without reaping it (its number must stay taken until its group is killed), or None."""
        while True:
            self._drain()
            status = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            left = deadline - time.monotonic()
            if status is not None or left <= 0:
                self._drain()
                return status
            self._watched.poll(left * 1000)

    def _drain(self) -> None:
        """Take standard error in and throw standard output away, each a few pipes full at most."""
        for _ in range(16):
            if not self._read_errors():
                break
        with contextlib.suppress(BlockingIOError):
            if not os.read(self._out, READ_SIZE):
                self._unwatch(self._out)

    def last_errors(self) -> tuple[str, ...]:
        """Return the last lines that the client has written on standard error."""
        if not self._ended:
            self._read_errors()
        lines = self._errors.decode("utf-8", "replace").splitlines()
        return tuple(wire.show_text(line, 200) for line in lines[-SHOWN_ERROR_LINES:])

    # --- the end ---

    def bye(self) -> None:
        """Say the word that has no answer, and give the client its time to end by itself."""
        if self._ended:
            return
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._in, BYE)
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._exit_status(time.monotonic() + self.limits.bye)

    def kill(self) -> None:
        """End the whole process group and whatever left it, and reap the child. May be called twice."""
        if self._ended:
            return
        with _interrupt_deferred():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            stray.end(self._mark)
            self._ended = True
            guard.tell("ended", self._child.pid)
            for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
                if pipe is not None:
                    pipe.close()
            if self._pidfd >= 0:
                os.close(self._pidfd)


class ProcessClient:
    """A client behind JSON Lines on a child's standard input and output."""

    def __init__(self, command: Sequence[str], limits: Limits | None = None, *, rubbish_hint: str = "") -> None:
        self._process = Process(command, limits or Limits())
        self._limits = self._process.limits
        self._rubbish_hint = rubbish_hint

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, message: dict[str, Any], asked: str, seconds: float) -> dict[str, Any]:
        request = wire.encode(message)
        try:
            reply = wire.decode_line(self._process.ask(request, seconds))
            self._process.expect_silence()
            return reply
        except ClientFailure as failure:
            errors = self._process.last_errors()
            self._process.kill()
            hint = self._rubbish_hint if failure.clause == RUBBISH and self._rubbish_hint else failure.hint
            raise type(failure)(failure.clause, f"{asked}: {failure.what}", hint=hint, errors=errors) from None
        except BaseException:
            self._process.kill()
            raise

    def hello(self) -> Hello:
        try:
            reply = self._ask({"do": "hello", "protocol": PROTOCOL}, "hello", self._limits.hello)
        except ClientFailure as failure:
            raise ClientError(failure.what, hint=failure.hint, errors=failure.errors) from None
        return wire.decode_hello(reply)

    def reset(self, machine: str, config: dict[str, Any]) -> dict[str, Any]:
        return self._ask({"do": "reset", "machine": machine, "config": config}, "reset", self._limits.reply)

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        return self._ask({"do": "op", "op": op, "args": args}, op, self._limits.reply)

    def batch(self, ops: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        reply = self._ask({"do": "ops", "ops": ops}, "ops", self._limits.reply)
        replies = reply.get("replies")
        if not isinstance(replies, list) or len(replies) != len(ops):
            raise Rubbish(RUBBISH, f'ops: the reply must have {len(ops)} "replies", one for each operation: {wire.show(reply)}')
        return replies

    def close(self) -> None:
        try:
            self._process.bye()
        finally:
            self._process.kill()


def exec_client(command: str, limits: Limits | None = None) -> ProcessClient:
    """Start the program of ``exec:COMMAND``, split as ``shlex`` does, with no shell."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"cannot split the command {command!r}: {error}", hint="close every quotation mark") from None
    if not words:
        raise InputError("exec: names no command", hint="exec:./mybuddy")
    return ProcessClient(words, limits)


def _served(module: str, argument: str, limits: Limits | None, rubbish_hint: str) -> ProcessClient:
    return ProcessClient([sys.executable, "-m", f"mmprops.clients.{module}", argument], limits, rubbish_hint=rubbish_hint)


def lib_client(path: str, limits: Limits | None = None) -> ProcessClient:
    """Load the shared library of ``lib:PATH`` in a child process."""
    return _served("serve_lib", path, limits, "mmspec_call must write one JSON object and return its length")


def python_client(factory: str, limits: Limits | None = None) -> ProcessClient:
    """Call the factory of ``python:package.module:factory`` in a child process."""
    return _served("serve_python", factory, limits, "every method must return a dict of JSON values")
