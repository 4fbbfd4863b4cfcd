"""What stops the lifter. Nothing in the law can catch it: it is no ``Exception``."""

from __future__ import annotations


class LiftError(BaseException):
    """The function left the dialect, or does something that no proof may pass over in silence."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message, self.hint = message, hint


class TooMany(BaseException):
    """A limit on paths, decisions or time was met: nothing is known."""
