"""However a conversation or the harness itself comes to its end, no process outlives it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.properties.clients.processes import HOSTILE, group_is_empty, state_of, wait_until

from mmprops.clients import guard, process, stray
from mmprops.clients.base import ClientError, ClientFailure
from mmprops.clients.process import ProcessClient

INTERRUPTED = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
from mmprops.clients.base import Limits
from mmprops.clients.process import ProcessClient
client = ProcessClient([sys.executable, "-S", "-E", {hostile!r}, {behaviour!r}], Limits(60, 60, 60))
client.hello()
child = client.apply("alloc", {{}})["child"]
print(client._process._child.pid, child, flush=True)
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
@pytest.mark.parametrize("behaviour", ["fork", "daemon"])
def test_no_process_outlives_the_harness(act: str, status: int, behaviour: str) -> None:
    """Ctrl-C while a client is asked or closed, a forgotten client, a crash or a killing of the harness: nobody stays."""
    code = INTERRUPTED.format(hostile=str(HOSTILE), act=act, behaviour=behaviour)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        group, child = map(int, harness.stdout.readline().split())
        if status == -signal.SIGINT:
            time.sleep(0.2)
            harness.send_signal(signal.SIGINT)
        elif status < 0:
            harness.send_signal(-status)
        assert harness.wait(60) == status
    assert wait_until(lambda: group_is_empty(group) and state_of(child) in ("", "Z"))


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


def test_the_guard_forgets_whom_the_harness_ended() -> None:
    """Of three groups it ends the one that is left: the others' numbers may be somebody else's by then."""
    code = "import time; time.sleep(600)"
    groups = [subprocess.Popen([sys.executable, "-S", "-c", code], start_new_session=True) for _ in range(3)]
    lines = [f"begun {g.pid}\n" for g in groups] + [f"ended {groups[2].pid}\n", f"ended {groups[0].pid}\n"]
    try:
        subprocess.run(["sh", "-c", guard.SCRIPT, "sh", stray.name()], input="".join(lines), text=True, check=True)
        assert groups[1].wait(60) == -signal.SIGKILL
        assert [group.poll() for group in groups] == [None, -signal.SIGKILL, None]
    finally:
        for group in groups:
            group.kill()
            group.wait()
