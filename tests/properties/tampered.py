"""Implementations that are wrong on purpose, each in one way, and a session with any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mmimpl.physical.buddy import Buddy
from mmimpl.physical.buddy.lists import delist, enlist_last
from mmprops.conform import own_session
from mmprops.machines import machine_named
from mmprops.session import InProcess
from mmspec.errors import ENOMEM
from mmspec.physical.buddy.ops import Alloc, Free, Page
from mmspec.profile import profile_named

BUDDY = machine_named("buddy")


class Counting(Buddy):
    """The implementation, which counts its allocations and calls ``tamper`` after each request."""

    limit: ClassVar[int] = 3
    """How many allocations it gets right."""

    def __init__(self, config: Any, kernel: str = "6.12") -> None:
        super().__init__(config, kernel)
        self.allocated_so_far = 0

    def apply(self, request: Any) -> Any:
        """Answer rightly, then tamper."""
        result = super().apply(request)
        if type(request) is Alloc and not result.failed:
            self.allocated_so_far += 1
        return self.tamper(request, result)

    def tamper(self, request: Any, result: Any) -> Any:
        """Return the answer that is given."""
        return result

    @property
    def now(self) -> bool:
        """Whether the limit is passed."""
        return self.allocated_so_far > self.limit


class WrongFrame(Counting):
    """Answers the frame after the one that it handed out."""

    def tamper(self, request: Any, result: Any) -> Any:
        """Lie about the frame."""
        return Page(result.pfn + 1) if self.now and type(request) is Alloc and not result.failed else result


class SpuriousFailure(Counting):
    """Hands a block out, and says that there was none."""

    def tamper(self, request: Any, result: Any) -> Any:
        """Lie about the outcome."""
        return ENOMEM if self.now and type(request) is Alloc else result


class WrongEnd(Counting):
    """Puts what was freed at the other end of its list, where the list has another block."""

    def tamper(self, request: Any, result: Any) -> Any:
        """Move the block."""
        number = self.list_at(request.pfn) if type(request) is Free and not result.failed else 0xFF
        if self.now and number != 0xFF:
            delist(self.zone, request.pfn - self.base)
            enlist_last(self.zone, request.pfn - self.base, number)
        return result


class SilentCount(Counting):
    """Loses one free frame from its count, and shows it to nobody."""

    def tamper(self, request: Any, result: Any) -> Any:
        """Lose one, once."""
        if self.allocated_so_far == self.limit and type(request) is Alloc and not result.failed:
            self.zone.frames[0] -= 1
        return result


class SilentType(Counting):
    """Changes the type of the last pageblock, and shows it to nobody."""

    def tamper(self, request: Any, result: Any) -> Any:
        """Make it RECLAIMABLE."""
        if self.allocated_so_far == self.limit:
            self.zone.types[-1] = 2
        return result


def session(make: Any, profile: str = "linux", **capabilities: Any) -> InProcess:
    """Return a session in this process with what ``make`` makes, with our own implementation's capabilities but for some."""
    own = own_session(BUDDY, "impl", profile_named(profile))
    promised: Mapping[str, Any] = {**own.capabilities, **capabilities}
    return InProcess(make.__name__, make, profile_named(profile).kernel or "6.12", promised, open=True)
