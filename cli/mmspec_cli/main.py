"""The program ``mmspec``: sees to interrupts and closed streams before it imports anything that takes its time."""

from __future__ import annotations

import os
import signal
import sys

from mmspec_cli import INTERRUPTED


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    # The imports take most of a second: what is interrupted within them ends as what is interrupted later does.
    early: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if callable(before):
        signal.signal(signal.SIGINT, lambda number, _: early.append(number))
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # open until the end
    from mmspec_cli.output import run
    from mmspec_cli.program import cli

    def ready() -> None:
        if callable(before):
            signal.signal(signal.SIGINT, before)
        if early:
            raise KeyboardInterrupt

    try:
        code = run(cli, sys.argv[1:] if arguments is None else arguments, ready)
    except KeyboardInterrupt:  # a second one, while the first was reported
        code = INTERRUPTED
    if callable(before):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what was printed stands, and so does its exit code
    sys.exit(code)


if __name__ == "__main__":
    main()
