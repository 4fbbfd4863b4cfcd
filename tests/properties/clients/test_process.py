"""Whatever a child process does, it costs bounded time and memory, says what was wrong, and leaves nothing behind."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from tests.properties.clients.processes import HOSTILE, QUICK, group_is_empty, state_of, wait_until

from mmprops.clients.base import DIED, FLOOD, HANG, RUBBISH, ClientError, ClientFailure, Limits
from mmprops.clients.process import ProcessClient, exec_client
from mmspec.errors import InputError


def failure_of(client: ProcessClient, seconds: float = 60.0) -> ClientFailure:
    """Say hello, reset, and return how the first operation fails within so many seconds."""
    client.hello()
    assert client.reset("buddy", {}) == {"ok": True}
    client._limits = attrs.evolve(client._limits, reply=seconds)
    with pytest.raises(ClientFailure) as caught:
        client.apply("alloc", {"order": 0})
    return caught.value


@pytest.mark.parametrize(
    ("behaviour", "clause", "words"),
    [
        ("exit", DIED, "exit status 3"),
        ("crash", DIED, "killed by SIGSEGV; the last line on its standard error: about to crash"),
        ("fork-and-die", DIED, "exit status 3"),
        ("close-output", DIED, "closed its standard input or output"),
        ("debug", RUBBISH, "alloc: looking for a block"),
        ("utf8", RUBBISH, "not JSON"),
        ("nested", RUBBISH, "not JSON"),
        ("empty", RUBBISH, "not JSON"),
        ("not-an-object", RUBBISH, "not a JSON object: [1]"),
        ("twice", RUBBISH, "more than one line"),
        ("flood", FLOOD, "more than 1048576 bytes, beginning xxx"),
    ],
)
def test_a_bad_answer_is_named(hostile: Callable[..., ProcessClient], behaviour: str, clause: str, words: str) -> None:
    """Each way of giving no answer has its clause, and the explanation names the operation and shows what came."""
    failure = failure_of(hostile(behaviour))
    assert failure.clause == clause
    assert words in failure.explanation
    assert failure.explanation.startswith("alloc: ")


@pytest.mark.parametrize("behaviour", ["hang", "drip", "no-newline", "flood-errors-forever"])
def test_a_hang_ends(hostile: Callable[..., ProcessClient], behaviour: str) -> None:
    """A client that gives no whole line hangs, whatever else it does meanwhile."""
    failure = failure_of(hostile(behaviour), 0.3)
    assert failure.clause == HANG
    assert "no reply within 0.3 s" in failure.explanation


def test_an_endless_flood_of_errors_is_a_hang() -> None:
    """A stream that is never empty does not keep the harness from looking at the clock."""
    with exec_client("sh -c 'exec 3>&1 yes >&2'", QUICK) as client, pytest.raises(ClientError, match=r"no reply within 0\.5 s"):
        client.hello()


def test_a_hang_shows_what_was_written(hostile: Callable[..., ProcessClient]) -> None:
    """A reply without its newline is shown, and the usual causes are named."""
    failure = failure_of(hostile("no-newline"), 0.5)
    assert '{"result":{"pfn":"0x0"}} without a newline' in failure.explanation
    assert "not flushed" in failure.explanation


def test_rubbish_names_the_usual_cause(hostile: Callable[..., ProcessClient]) -> None:
    """A debugging print is what rubbish usually is."""
    assert "debugging print" in failure_of(hostile("debug")).explanation


def test_a_client_that_closes_its_input_is_dead(hostile: Callable[..., ProcessClient]) -> None:
    """It answers what it was asked; the next request finds nobody."""
    client = hostile("close-input")
    client.hello()
    assert client.apply("alloc", {}) == {"result": {"pfn": "0x0"}}
    with pytest.raises(ClientFailure) as caught:
        client.apply("alloc", {})
    assert caught.value.clause == DIED


def test_floods_stay_small() -> None:
    """64 MiB on standard output and on standard error do not grow the harness by even a quarter of that."""
    script = f"""
import resource, sys
from mmprops.clients.base import ClientFailure, Limits
from mmprops.clients.process import ProcessClient
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for behaviour in ("long", "flood", "flood-errors"):
    client = ProcessClient([sys.executable, "-S", "-E", {str(HOSTILE)!r}, behaviour], Limits(60, 60, 0.2))
    client.hello()
    if behaviour == "long":
        client.apply("alloc", {{}}); before = peak()
    try:
        print(behaviour, client.apply("alloc", {{}}) if behaviour != "long" else "")
    except ClientFailure as failure:
        print(behaviour, failure.clause)
    print(client._process.last_errors()[-1:])
    client.close()
assert peak() - before < 16 << 10, (peak(), before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "flood CLIENT-FLOOD" in done.stdout
    assert "('the last word',)" in done.stdout


def test_a_reply_of_nearly_a_mebibyte_is_read(hostile: Callable[..., ProcessClient]) -> None:
    """The limit of a line is a mebibyte, not a pipe's length."""
    client = hostile("long")
    client.hello()
    assert len(client.apply("alloc", {})["more"]) == 900_000


@pytest.mark.parametrize("excess", [0, 1])
def test_the_limit_of_a_line_is_exact(excess: int) -> None:
    """A line of exactly the limit is read, one byte more is a flood."""
    code = f"import os, sys\nfor line in sys.stdin: os.write(1, b'{{}}'.ljust(1000 + {excess}) + b'\\n')"
    with ProcessClient([sys.executable, "-S", "-c", code], Limits(60, 60, 0.2, line=1000)) as client:
        if excess:
            with pytest.raises(ClientFailure, match="more than 1000 bytes") as caught:
                client.apply("alloc", {})
            assert caught.value.clause == FLOOD
        else:
            assert client.apply("alloc", {}) == {}


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("hello-exit", "hello: the client ended with exit status 2"),
        ("hello-debug", "hello: a line that is not JSON: starting up"),
        ("hello-protocol-2", "speaks protocol 2"),
        ("hello-nothing", "no protocol"),
        ("hello-flood", "more than 1048576 bytes"),
        ("hello-utf8", "not JSON"),
    ],
)
def test_a_bad_hello_is_an_error(hostile: Callable[..., ProcessClient], behaviour: str, words: str) -> None:
    """Before a good hello there is no client to fail."""
    with pytest.raises(ClientError, match=words):
        hostile(behaviour).hello()


def test_a_hello_that_hangs_is_an_error(hostile: Callable[..., ProcessClient]) -> None:
    """It has a limit of its own."""
    with pytest.raises(ClientError, match=r"hello: no reply within 0\.5 s"):
        hostile("hello-hang", QUICK).hello()


@pytest.mark.parametrize("command", ["/nonexistent/mybuddy", "/dev/null", "mybuddy-that-is-not-on-the-path -x"])
def test_what_cannot_be_started_is_an_error(command: str) -> None:
    """The error names the program."""
    with pytest.raises(ClientError, match=f"cannot start '{shlex.split(command)[0]}'"):
        exec_client(command)


@pytest.mark.parametrize("command", ["", "  ", "'unclosed"])
def test_a_command_that_is_none_is_an_input_error(command: str) -> None:
    """Nothing is started."""
    with pytest.raises(InputError):
        exec_client(command)


def test_the_command_is_split_without_a_shell(tmp_path: Path) -> None:
    """Quotes hold words together; a dollar and a semicolon are themselves."""
    code = 'import sys, json\nfor line in sys.stdin: print(json.dumps({"argv": sys.argv[1:]}), flush=True)'
    script = tmp_path / "client.py"
    script.write_text(code)
    with exec_client(f"{sys.executable} '{script}' 'a b' $HOME ; \\; \"x\"") as client:
        assert client.apply("alloc", {})["argv"] == ["a b", "$HOME", ";", ";", "x"]


@pytest.mark.parametrize("kind", ["fork", "daemon"])
def test_what_a_client_started_does_not_outlive_it(kind: str, hostile: Callable[..., ProcessClient]) -> None:
    """What the client forked is ended with it, also where that is in a session of its own and has another parent."""
    client = hostile(kind)
    client.hello()
    pid = int(client.apply("alloc", {})["child"])
    assert state_of(pid) in ("R", "S")
    client.close()
    assert wait_until(lambda: state_of(pid) in ("", "Z"))


def test_a_grandchild_of_a_dead_client_is_ended(hostile: Callable[..., ProcessClient]) -> None:
    """Also where the client itself is gone, and its child holds the pipes open."""
    pid = int(failure_of(hostile("fork-and-die")).errors[-1])
    assert wait_until(lambda: state_of(pid) in ("", "Z"))


def test_a_daemon_of_another_client_lives_on(hostile: Callable[..., ProcessClient]) -> None:
    """A client is ended with its own processes and nobody else's."""
    client, other = hostile("daemon"), hostile("daemon")
    pid = int(client.apply("alloc", {})["child"])
    other.apply("alloc", {})
    other.close()
    assert state_of(pid) in ("R", "S")


def test_a_client_that_ignores_bye_is_killed(hostile: Callable[..., ProcessClient]) -> None:
    """After its time."""
    client = hostile("ignores-bye")
    client.hello()
    group = client._process._child.pid
    client.close()
    assert group_is_empty(group)
    assert client._process._child.returncode == -signal.SIGKILL


def test_a_client_that_obeys_bye_ends_by_itself(hostile: Callable[..., ProcessClient]) -> None:
    """It is not killed."""
    client = hostile("", Limits(60, 60, 60))
    client.hello()
    client.close()
    assert client._process._child.returncode == 0


def test_closing_twice_is_closing_once(hostile: Callable[..., ProcessClient]) -> None:
    """Also after a failure."""
    client = hostile("exit")
    failure_of(client)
    client.close()
    client.close()
    with pytest.raises(ClientFailure) as caught:
        client.apply("alloc", {})
    assert caught.value.clause == DIED


def test_thousands_of_resets(hostile: Callable[..., ProcessClient]) -> None:
    """One process takes them all, and the harness keeps nothing of them."""
    client = hostile("")
    client.hello()
    for _ in range(3000):
        assert client.reset("buddy", {}) == {"ok": True}
    assert not client._process._buffer


def test_a_request_longer_than_a_pipe(hostile: Callable[..., ProcessClient]) -> None:
    """A client that does not read meets its time limit, not a harness that waits for the pipe."""
    code = "import time; time.sleep(600)"
    client = ProcessClient([sys.executable, "-S", "-c", code], QUICK)
    with client, pytest.raises(ClientFailure) as caught:
        client._process.ask(b"x" * (1 << 20) + b"\n", 0.3)
    assert caught.value.clause == HANG


def test_a_batch_needs_one_reply_each(tmp_path: Path) -> None:
    """A reply too few is rubbish, not a misjudged operation."""
    script = tmp_path / "client.py"
    script.write_text("import sys\nfor line in sys.stdin: print('{\"replies\":[{}]}', flush=True)")
    with exec_client(f"{sys.executable} {script}") as client, pytest.raises(ClientFailure, match='2 "replies"'):
        client.batch([("alloc", {"order": 0}), ("alloc", {"order": 0})])
