"""Clients that misbehave on purpose: ``python hostile_client.py BEHAVIOUR``, each a program of its own over the standard library.

Each is a correct enough client up to the point where it goes wrong.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

HELLO = {"protocol": 1, "name": "hostile", "machines": ["buddy"], "capabilities": {"observe": True}}


def say(value: Any) -> None:
    """Write a reply."""
    print(json.dumps(value), flush=True)


def hang() -> None:
    """Do nothing, for longer than anybody waits."""
    time.sleep(600)


def raw(data: bytes) -> None:
    """Write bytes on standard output, as they are."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


def flood() -> None:
    """Write 64 MiB on one line."""
    for _ in range(64):
        raw(b"x" * (1 << 20))


def flood_errors() -> None:
    """Flood standard error, say a last word there, and answer."""
    for _ in range(64):
        rest = memoryview(b"y" * (1 << 20))
        while rest:
            rest = rest[os.write(2, rest) :]
    os.write(2, b"\nthe last word\n")
    say({"result": {"pfn": "0x0"}})


def drip() -> None:
    """Write one byte now and then, and never a newline."""
    while True:
        raw(b" ")
        time.sleep(0.01)


children: list[subprocess.Popen[bytes]] = []
daemons: list[int] = []


def fork_then_hang() -> None:
    """Start a child that only the last signal ends and tell its number; the next time, hang."""
    if children:
        hang()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    children.append(subprocess.Popen([sys.executable, "-S", "-c", code]))
    say({"child": children[0].pid})


def daemon_then_hang() -> None:
    """Start a child in a session of its own whose parent ends at once, and tell its number; the next time, hang."""
    if daemons:
        hang()
    code = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdout=2, start_new_session=True).pid)"
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    done = subprocess.run([sys.executable, "-S", "-c", code, *sleeper], stdout=subprocess.PIPE, check=True)
    daemons.append(int(done.stdout))
    say({"child": daemons[0]})


def fork_and_die() -> None:
    """Start a child that holds the pipes open, and die."""
    print(subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"]).pid, file=sys.stderr, flush=True)
    os._exit(3)


def debug_and_answer() -> None:
    """Print what is going on where the replies go."""
    print("alloc: looking for a block", flush=True)
    say({"result": {"pfn": "0x0"}})


def close_output() -> None:
    """Close standard output and go on."""
    os.close(1)
    hang()


def close_input() -> None:
    """Close standard input after an answer, and go on."""
    os.close(0)
    say({"result": {"pfn": "0x0"}})
    hang()


def crash() -> None:
    """Die of a bad memory access."""
    print("about to crash", file=sys.stderr, flush=True)
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def no_newline() -> None:
    """Answer without a newline, as if the output were not flushed."""
    raw(b'{"result":{"pfn":"0x0"}}')
    hang()


def flood_errors_forever() -> None:
    """Flood standard error and do nothing else."""
    while True:
        os.write(2, b"y" * (1 << 16))


def debug_at_hello() -> None:
    """Print what is going on where the hello goes."""
    print("starting up", flush=True)
    say(HELLO)


def twice() -> None:
    """Answer twice at once."""
    raw(b'{"result":{"pfn":"0x0"}}\n{"result":{"pfn":"0x0"}}\n')


AT_OP: dict[str, Callable[[], None]] = {
    "hang": hang,
    "drip": drip,
    "exit": lambda: os._exit(3),
    "crash": crash,
    "debug": debug_and_answer,
    "flood": flood,
    "flood-errors": flood_errors,
    "flood-errors-forever": flood_errors_forever,
    "no-newline": no_newline,
    "utf8": lambda: raw(b'{"result":{"pfn":"\xff\xfe"}}\n'),
    "not-an-object": lambda: raw(b"[1]\n"),
    "nested": lambda: raw(b"[" * 100_000 + b"\n"),
    "twice": twice,
    "empty": lambda: raw(b"\n"),
    "close-output": close_output,
    "close-input": close_input,
    "fork": fork_then_hang,
    "fork-and-die": fork_and_die,
    "daemon": daemon_then_hang,
    "unsupported": lambda: say({"unsupported": "no"}),
    "long": lambda: say({"result": {"pfn": "0x0"}, "more": "z" * 900_000}),
}

OUT_OF_RANGE = {
    "alloc": {"result": {"pfn": "0x10000000000000"}},
    "free": {"error": "EINVAL"},
    "free_count": {"result": {"count": 1 << 62}},
    "free_blocks": {"result": {"blocks": [["0x10000000000000", 0]]}},
}
"""An answer of the right form to each operation, beyond what its words hold; a free's has no words."""

AT_HELLO: dict[str, Callable[[], None]] = {
    "hello-hang": hang,
    "hello-exit": lambda: os._exit(2),
    "hello-debug": debug_at_hello,
    "hello-protocol-2": lambda: say(HELLO | {"protocol": 2}),
    "hello-nothing": lambda: say({}),
    "hello-flood": flood,
    "hello-utf8": lambda: raw(b'"\xff"\n'),
}


def main(behaviour: str) -> None:
    """Answer as the protocol says, and otherwise at the place that the behaviour names."""
    for line in sys.stdin:
        request = json.loads(line)
        do = request["do"]
        if do == "hello":
            AT_HELLO.get(behaviour, lambda: say(HELLO))()
        elif do == "reset":
            say({"unsupported": "no"} if behaviour == "unsupported" else {"ok": True})
        elif do == "op" and behaviour == "out-of-range":
            say(OUT_OF_RANGE[request["op"]])
        elif do == "op":
            AT_OP.get(behaviour, lambda: say({"result": {"pfn": "0x0"}}))()
        elif do == "bye" and behaviour in ("ignores-bye", "fork", "daemon"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            hang()
        elif do == "bye":
            return


if __name__ == "__main__":
    main(sys.argv[1])
