"""Results that every operation shares, and the exceptions of the law.

A failure is a result like any other. ``failed`` is a class constant, so that the law branches on ``result.failed`` and never
on a type. An exception here means that the law itself, or what was fed to it, is defective; it is never an answer.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs


@attrs.frozen
class Done:
    """The operation was carried out and has nothing to say."""

    failed: ClassVar[Literal[False]] = False


@attrs.frozen
class Error:
    """The operation was refused, with the name of an error that the operation lists."""

    failed: ClassVar[Literal[True]] = True
    name: str


DONE = Done()
EINVAL = Error("EINVAL")
ENOMEM = Error("ENOMEM")
EBUSY = Error("EBUSY")
ENOENT = Error("ENOENT")


def refused(result: Any, name: str) -> bool:
    """Tell whether a result is the refusal of that name."""
    answer: bool = result.failed and result.name == name
    return answer


class MmspecError(Exception):
    """Base of what this project raises on purpose; the message names the act that was wrong and the right one."""


class InputError(MmspecError):
    """Something from outside (a configuration, a program, a file) is not what it must be."""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message, self.where, self.hint = message, where, hint


class FileError(InputError):
    """A file that was given to read is damaged: the command was right, what it was given is not."""


class LawError(MmspecError):
    """The law contradicts itself: a loop outran its measure, or an invariant fails on a state that the law made."""
