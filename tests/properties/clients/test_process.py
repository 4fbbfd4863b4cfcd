"""Whatever a child process does, it costs bounded time and memory, says what was wrong, and leaves nothing behind."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

from mmprops.clients import guard, process
from mmprops.clients.base import DIED, FLOOD, HANG, RUBBISH, ClientError, ClientFailure, Limits
from mmprops.clients.process import ProcessClient, exec_client, lib_client, python_client
from mmspec.errors import InputError

HOSTILE = Path(__file__).with_name("hostile_client.py")
QUICK = Limits(hello=0.5, reply=0.3, bye=0.2)
PATIENT = Limits(hello=60.0, reply=60.0, bye=0.2)


def group_is_empty(group: int) -> bool:
    """Whether no process of the group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def state_of(pid: int) -> str:
    """The state letter of a process, or nothing if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until(gone: Callable[[], bool]) -> bool:
    """Whether it comes true: a killed process vanishes when its new parent gets round to it."""
    for _ in range(1000):
        if gone():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def hostile() -> Iterator[Callable[..., ProcessClient]]:
    """Start hostile clients; afterwards no process of theirs may live."""
    started: list[ProcessClient] = []

    def start(behaviour: str, limits: Limits = PATIENT) -> ProcessClient:
        started.append(ProcessClient([sys.executable, "-S", "-E", str(HOSTILE), behaviour], limits))
        return started[-1]

    yield start
    groups = [client._process._child.pid for client in started]
    for client in started:
        client.close()
    assert all(wait_until(lambda group=group: group_is_empty(group)) for group in groups)


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


def test_a_grandchild_does_not_outlive_the_client(hostile: Callable[..., ProcessClient]) -> None:
    """What the client forked is ended with it."""
    client = hostile("fork")
    client.hello()
    pid = int(client.apply("alloc", {})["child"])
    assert state_of(pid) in ("R", "S")
    client.close()
    assert wait_until(lambda: state_of(pid) in ("", "Z"))


def test_a_grandchild_of_a_dead_client_is_ended(hostile: Callable[..., ProcessClient]) -> None:
    """Also where the client itself is gone, and its child holds the pipes open."""
    pid = int(failure_of(hostile("fork-and-die")).errors[-1])
    assert wait_until(lambda: state_of(pid) in ("", "Z"))


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


INTERRUPTED = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
from mmprops.clients.base import Limits
from mmprops.clients.process import ProcessClient
client = ProcessClient([sys.executable, "-S", "-E", {hostile!r}, "fork"], Limits(60, 60, 60))
client.hello()
client.apply("alloc", {{}})
print(client._process._child.pid, flush=True)
{act}
"""


@pytest.mark.parametrize(
    ("act", "status"),
    [
        ('client.apply("alloc", {})', -signal.SIGINT),
        ("client.close(); time.sleep(600)", -signal.SIGINT),
        ("sys.exit(0)", 0),
        ("raise RuntimeError", 1),
        ("time.sleep(600)", -signal.SIGTERM),
        ("time.sleep(600)", -signal.SIGKILL),
    ],
    ids=["asking", "closing", "exit", "exception", "terminated", "killed"],
)
def test_no_process_outlives_the_harness(act: str, status: int) -> None:
    """Ctrl-C while a client is asked or closed, a forgotten client, a crash or a killing of the harness: nobody stays."""
    code = INTERRUPTED.format(hostile=str(HOSTILE), act=act)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        group = int(harness.stdout.readline())
        if status == -signal.SIGINT:
            time.sleep(0.2)
            harness.send_signal(signal.SIGINT)
        elif status < 0:
            harness.send_signal(-status)
        assert harness.wait(60) == status
    assert wait_until(lambda: group_is_empty(group))


@pytest.mark.parametrize("fails", [False, True])
def test_ctrl_c_waits_until_a_client_is_known(fails: bool) -> None:
    """It comes after the block, not within, and also where the block fails."""
    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start() -> None:
        with process._interrupt_deferred():
            signal.raise_signal(signal.SIGINT)
            done.append(1)
            if fails:
                raise ClientError("cannot start")

    try:
        with pytest.raises(KeyboardInterrupt):
            start()
        assert done == [1]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupted_conversation_is_over(hostile: Callable[..., ProcessClient], monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer that was not waited for must not be taken for the next one."""
    client = hostile("")
    client.hello()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(client._process, "_wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        client.apply("alloc", {})
    monkeypatch.undo()
    with pytest.raises(ClientFailure, match="ended after an earlier failure"):
        client.apply("free", {})


def test_a_client_may_live_in_a_thread(hostile: Callable[..., ProcessClient]) -> None:
    """Where no signal arrives."""

    def converse() -> dict[str, object]:
        with hostile("") as client:
            client.hello()
            return client.apply("alloc", {})

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(converse).result() == {"result": {"pfn": "0x0"}}


def test_a_forked_harness_leaves_its_parents_clients_alone() -> None:
    """Each process ends its own."""
    code = f"""
import os, sys
from mmprops.clients.base import Limits
from mmprops.clients.process import ProcessClient
command = [sys.executable, "-S", "-E", {str(HOSTILE)!r}, ""]
client = ProcessClient(command, Limits(60, 60, 60))
client.hello()
pid = os.fork()
if pid == 0:
    with ProcessClient(command, Limits(60, 60, 60)) as own:
        own.hello()
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
client.apply("alloc", {{}})
client.close()
assert client._process._child.returncode == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True)


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


def test_a_batch_needs_one_reply_each(tmp_path: Path) -> None:
    """A reply too few is rubbish, not a misjudged operation."""
    script = tmp_path / "client.py"
    script.write_text("import sys\nfor line in sys.stdin: print('{\"replies\":[{}]}', flush=True)")
    with exec_client(f"{sys.executable} {script}") as client, pytest.raises(ClientFailure, match='2 "replies"'):
        client.batch([("alloc", {"order": 0}), ("alloc", {"order": 0})])


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


def test_the_guard_forgets_whom_the_harness_ended() -> None:
    """Of three groups it ends the one that is left: the others' numbers may be somebody else's by then."""
    code = "import time; time.sleep(600)"
    groups = [subprocess.Popen([sys.executable, "-S", "-c", code], start_new_session=True) for _ in range(3)]
    lines = [f"begun {g.pid}\n" for g in groups] + [f"ended {groups[2].pid}\n", f"ended {groups[0].pid}\n"]
    try:
        subprocess.run(["sh", "-c", guard.SCRIPT], input="".join(lines), text=True, check=True)
        assert groups[1].wait(60) == -signal.SIGKILL
        assert [group.poll() for group in groups] == [None, -signal.SIGKILL, None]
    finally:
        for group in groups:
            group.kill()
            group.wait()
