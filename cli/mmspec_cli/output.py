"""What every command shares: one JSON object or text for people, the four verdicts, exit codes, and errors in one line."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from mmprops.clients.base import ClientError
from mmspec import __version__
from mmspec.errors import FileError, InputError, MmspecError
from mmspec_cli import INTERRUPTED

EXIT = {"pass": 0, "fail": 1, "unknown": 3, "error": 4}
WORST = ("error", "fail", "unknown", "pass")
USAGE = 2

people = Console(stderr=True, highlight=False)
"""Where progress and what is meant for people while a command runs is written."""

STYLE = {"pass": "green", "fail": "bold red", "unknown": "yellow", "error": "bold red", "skipped": "dim"}


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--format`` to a command."""
    choice = click.Choice(["text", "json"])
    return click.option("--format", "form", type=choice, default="text", show_default=True, help="What is printed on stdout.")(
        command
    )


def worst(verdicts: Iterable[str]) -> str:
    """Return the verdict that counts of several; ``pass`` of none."""
    found = set(verdicts)
    return next((verdict for verdict in WORST if verdict in found), "pass")


def styled(verdict: str) -> str:
    """Return a verdict with its colour."""
    return f"[{STYLE[verdict]}]{verdict}[/]"


class Unwritable(Exception):
    """Standard output did not take what was printed: a full disk, most likely."""


@contextmanager
def printing() -> Iterator[None]:
    """Print within (BrokenPipeError: nobody reads it any more; Unwritable: it does not fit)."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(f"cannot write to standard output: {error.strerror}") from None


def envelope(verdict: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command's answer with the three keys that every answer begins with."""
    return {"schema": 1, "mmspec": __version__, "verdict": verdict} | dict(fields)


def finish(form: str, verdict: str, fields: Mapping[str, Any], text: Iterable[str | Text] = ()) -> None:
    """Print a command's answer and leave with the exit code of its verdict."""
    with printing():
        if form == "json":
            print(json.dumps(envelope(verdict, fields), default=str))
        else:
            out = Console(highlight=False, soft_wrap=True)
            for line in text:
                out.print(line)
    raise click.exceptions.Exit(EXIT[verdict])


def give_up_stdout() -> None:
    """Print into the void from here on, so that closing stdout at exit does not fail again."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # open until the end


def run(cli: click.Group, arguments: list[str], ready: Callable[[], None] = lambda: None) -> int:
    """Run a command and return its exit code; whatever goes wrong becomes one line, or one JSON object.

    ``ready`` is called once whatever it raises is in good hands.
    """
    wants_json = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    try:
        ready()
        code = cli.main(arguments, prog_name="mmspec", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        where = f"mmspec {error.ctx.info_name}" if error.ctx is not None and error.ctx.parent else "mmspec"
        return complain(wants_json, USAGE, "usage", error.format_message(), f"{where} --help", where)
    except FileError as error:
        message = f"{error.where}: {error.message}" if error.where else error.message
        return complain(wants_json, EXIT["error"], "file", message, error.hint, error.where)
    except InputError as error:
        return complain(wants_json, USAGE, "usage", error.message, error.hint, error.where)
    except (KeyboardInterrupt, click.exceptions.Abort):
        return complain(wants_json, INTERRUPTED, "interrupted", "interrupted: nothing was decided", "run it again", "")
    except BrokenPipeError:
        give_up_stdout()
        return EXIT["error"]
    except Unwritable as error:
        give_up_stdout()
        return complain(False, EXIT["error"], "output", str(error), "make room for it, or send it elsewhere", "stdout")
    except (ClientError, MmspecError) as error:
        return complain(
            wants_json, EXIT["error"], type(error).__name__, str(error), getattr(error, "hint", ""), getattr(error, "where", "")
        )
    except Exception as error:  # the last resort: a defect of mmspec itself
        if os.environ.get("MMSPEC_TRACEBACK"):
            traceback.print_exc()
        at = traceback.extract_tb(error.__traceback__)[-1]
        hint = "this is a defect of mmspec: MMSPEC_TRACEBACK=1 shows where"
        return complain(wants_json, EXIT["error"], "internal", f"{type(error).__name__}: {error}", hint, f"{at.name}:{at.lineno}")


def complain(wants_json: bool, code: int, kind: str, message: str, hint: str, where: str) -> int:
    """Say what was wrong, in the form that was asked for, and return the exit code."""
    message = " ".join(message.split())
    if wants_json:
        error = {"kind": kind, "message": message, "hint": hint, "where": where}
        with suppress(OSError):  # nobody takes it: the exit code tells
            print(json.dumps({"schema": 1, "mmspec": __version__, "verdict": "error", "error": error}), flush=True)
    else:
        people.print("mmspec: " + message + (f" ({hint})" if hint else ""), markup=False, soft_wrap=True)
    return code
