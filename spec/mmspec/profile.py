"""Profiles: how much of the specification a run is held to."""

from __future__ import annotations

from enum import Enum

from mmspec.clause import Clause
from mmspec.errors import InputError


class Profile(Enum):
    """``any`` accepts every lawful result; a kernel profile demands the one that this kernel chooses."""

    ANY = "any"
    KERNEL_6_1 = "kernel-6.1"
    KERNEL_6_12 = "kernel-6.12"

    @property
    def kernel(self) -> str | None:
        """The kernel whose choices are demanded, such as ``6.12``; None for ``any``."""
        return None if self is Profile.ANY else self.value.removeprefix("kernel-")

    def holds_to(self, clause: Clause) -> bool:
        """Whether a run under this profile is held to a clause."""
        if self.kernel is None:
            return not clause.of_policy
        now = _version(self.kernel)
        return (clause.since is None or _version(clause.since) <= now) and (clause.until is None or now <= _version(clause.until))

    @property
    def chooses(self) -> bool:
        """Whether the result must be the one that ``choose`` gives."""
        return self is not Profile.ANY


def _version(kernel: str) -> tuple[int, ...]:
    return tuple(int(part) for part in kernel.split("."))


ALIASES = {"linux": Profile.KERNEL_6_12}


def profile_named(name: str) -> Profile:
    """Return the profile of a name on the command line."""
    if name in ALIASES:
        return ALIASES[name]
    try:
        return Profile(name)
    except ValueError:
        known = ", ".join([*(p.value for p in Profile), *ALIASES])
        raise InputError(f"unknown profile {name!r}", hint=f"one of {known}") from None
