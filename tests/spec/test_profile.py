"""Profiles and their names."""

from __future__ import annotations

import pytest

from mmspec.clause import Clause
from mmspec.errors import InputError
from mmspec.profile import Profile, profile_named


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("any", Profile.ANY),
        ("kernel-6.1", Profile.KERNEL_6_1),
        ("kernel-6.12", Profile.KERNEL_6_12),
        ("linux", Profile.KERNEL_6_12),
    ],
)
def test_a_profile_has_its_name(name: str, profile: Profile) -> None:
    """``linux`` means kernel-6.12."""
    assert profile_named(name) is profile


@pytest.mark.parametrize("name", ["", "Linux", "6.12", "kernel-6.11"])
def test_an_unknown_profile_is_told_the_known_ones(name: str) -> None:
    """The message has the name that was given, the hint those that exist."""
    with pytest.raises(InputError, match="unknown profile") as caught:
        profile_named(name)
    assert repr(name) in caught.value.message
    assert caught.value.hint == "one of any, kernel-6.1, kernel-6.12, linux"


@pytest.mark.parametrize(("profile", "kernel"), [("any", None), ("kernel-6.1", "6.1"), ("linux", "6.12")])
def test_only_any_follows_no_kernel(profile: str, kernel: str | None) -> None:
    """A kernel's profile demands that kernel's choices."""
    assert profile_named(profile).kernel == kernel


@pytest.mark.parametrize(
    ("clause", "held"),
    [
        (Clause("X-1", "X", "x"), ["any", "kernel-6.1", "kernel-6.12"]),
        (Clause("X-2", "X", "x", of_policy=True), ["kernel-6.1", "kernel-6.12"]),
        (Clause("X-3", "X", "x", since="6.12", of_policy=True), ["kernel-6.12"]),
        (Clause("X-4", "X", "x", until="6.1", of_policy=True), ["kernel-6.1"]),
    ],
    ids=repr,
)
def test_a_profile_is_held_to_what_its_kernel_has(clause: Clause, held: list[str]) -> None:
    """Policy binds the kernel profiles only, and versions are compared as numbers: 6.12 comes after 6.1."""
    assert [profile.value for profile in Profile if profile.holds_to(clause)] == held
