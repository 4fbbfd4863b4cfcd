"""The names of clients on the command line (INTERFACES.md, section 1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from mmprops.clients import kernel_buddy, kernel_memblock, kernel_pcp, unicorn
from mmprops.clients.base import Client, Limits
from mmprops.clients.inside import InsideClient
from mmprops.clients.process import exec_client, lib_client, python_client
from mmspec.errors import InputError


@attrs.frozen
class BuiltIn:
    """A client that is known by its name alone: the machine that it offers, how to open it, and what it lacks here, or None."""

    machine: str
    open: Callable[[Limits], Client]
    missing: Callable[[], str | None]


BUILT_IN: dict[str, BuiltIn] = {
    "gpu-buddy": BuiltIn("buddy", kernel_buddy.open_gpu_buddy, kernel_buddy.missing),
    "kernel-memblock": BuiltIn("memblock", kernel_memblock.open_kernel_memblock, kernel_buddy.missing),
    "kernel-pcp": BuiltIn("pcp", kernel_pcp.open_kernel_pcp, kernel_buddy.missing),
    **{
        name: BuiltIn("page_table", partial(unicorn.open_unicorn, factory), unicorn.missing)
        for name, factory in unicorn.FACTORIES.items()
    },
}
"""The clients that need no form, by name."""

FORMS = ("exec:COMMAND", "lib:./libfoo.so", "python:package.module:factory")


def _open_lib(path: str, limits: Limits) -> Client:
    if not Path(path).is_file():
        raise InputError(f"no shared library {path!r}", hint="lib:./libfoo.so, a path from here")
    return lib_client(path, limits)


def _open_python(name: str, limits: Limits) -> Client:
    module, colon, factory = name.partition(":")
    if not (colon and all(part.isidentifier() for part in [*module.split("."), *factory.split(".")])):
        raise InputError(f"python:{name} does not name a factory", hint="python:package.module:factory")
    return python_client(name, limits)


_OPENERS: dict[str, Callable[[str, Limits], Client]] = {"exec": exec_client, "lib": _open_lib, "python": _open_python}


def named(name: str) -> Callable[[Limits], Client]:
    """Return what opens the client of a name (InputError: there is no such client)."""
    if name in BUILT_IN:
        return BUILT_IN[name].open
    form, colon, rest = name.partition(":")
    if not colon or form not in _OPENERS:
        known = ", ".join(["impl", "spec", *BUILT_IN, *FORMS])
        hint = f"did you mean exec:{name}?" if Path(name).is_file() else f"one of {known}"
        raise InputError(f"unknown client {name!r}", hint=hint)
    return partial(_OPENERS[form], rest)


def open_client(name: str, *, timeout: float = 5.0) -> Client:
    """Start the client of a name; ``timeout`` is the limit of a reply in seconds.

    Raises InputError (there is no such client) or ClientError (it does not start).
    """
    return named(name)(Limits(reply=timeout))


def opener(client: Any, *, timeout: float = 5.0) -> Callable[[], Client]:
    """Return what opens a client anew each time: one of a name, or a Python object or a factory of objects in this process."""
    if isinstance(client, str):
        return lambda: open_client(client, timeout=timeout)
    return lambda: InsideClient(client)
