"""Profiles: how much of the specification a run is held to."""

from __future__ import annotations

from enum import Enum

from mmspec.errors import InputError


class Profile(Enum):
    """``any`` accepts every lawful result; a kernel profile demands the one that this kernel chooses."""

    ANY = "any"
    KERNEL_6_1 = "kernel-6.1"
    KERNEL_6_12 = "kernel-6.12"

    @property
    def chooses(self) -> bool:
        """Whether the result must be the one that ``choose`` gives."""
        return self is not Profile.ANY


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
