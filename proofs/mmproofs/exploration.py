"""What is to be explored: a contract, or two functions that must behave alike, over integers in a stated domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from mmspec.clause import Clause


@attrs.frozen(eq=False)
class Exploration:
    """One thing for CrossHair to look for a way to break.

    ``subject`` is a function of integers. It must return a truth for all of them that ``given`` accepts; or, where there is
    ``other``, the two must return equal values or raise the same exception.
    """

    id: str
    clauses: tuple[Clause, ...]
    statement: str
    domain: str
    """What ``given`` accepts, in words."""
    subject: Callable[..., Any]
    given: Callable[..., bool]
    other: Callable[..., Any] | None = None
    runs: tuple[Any, ...] = ()
    """Functions that these reach other than by name (through a table, as methods): their text is part of the record's hash."""
    tries: int = 200
    """Most paths to start, shared evenly by the two orders in which two functions are run."""
