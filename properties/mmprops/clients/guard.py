"""A guard that ends the clients of a harness that was killed: after SIGKILL or SIGTERM nobody else is left to do it.

A shell reads which process groups come and go. When its input ends, this process is gone, and it ends the groups that are left,
and what left them with the mark of a client (``stray``): a few times, since what is about to die may have begun something.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess

from mmprops.clients import stray

SCRIPT = """
live=" "
while read -r what group; do
    case $what in
        begun) live="$live$group " ;;
        ended) live="${live%% $group *} ${live#* $group }" ;;
    esac
done
for group in $live; do
    kill -s KILL -- "-$group"
done
[ "$live" = " " ] && exit
for round in 1 2 3; do
    for environ in /proc/[0-9]*/environ; do
        case " $(tr '\\0\\n' '  ' <"$environ")" in
            *" $1="*) pid=${environ%/environ}; kill -s KILL "${pid#/proc/}" ;;
        esac
    done
done
"""

_guards: dict[int, subprocess.Popen[bytes]] = {}
"""The guard of each process that has one, by process number: a forked copy of this process needs its own."""


def tell(what: str, group: int) -> None:
    """Tell the guard that a process group has ``begun`` or ``ended``."""
    guard = _guards.get(os.getpid()) or _start()
    assert guard.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # somebody ended the guard, which is no reason to stop
        guard.stdin.write(f"{what} {group}\n".encode())


def _start() -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    guard = subprocess.Popen(
        ["sh", "-c", SCRIPT, "sh", stray.name()],
        stdin=subprocess.PIPE,
        stdout=nowhere,
        stderr=nowhere,
        bufsize=0,
        start_new_session=True,
    )
    _guards[os.getpid()] = guard
    return guard


@atexit.register
def _stop() -> None:
    guard = _guards.pop(os.getpid(), None)
    if guard is not None:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait()
