"""A client's hello is held to what capabilities may be, before anything is asked of it."""

from __future__ import annotations

from typing import Any

import pytest

from mmprops.clients.base import ClientError
from mmprops.conform import conform
from mmprops.examples.python.mybuddy import Lowest

WRONG = {
    "max_pages": ["many", 0, -1, True, None],
    "max_pfn": [5, "5", "0xg", None],
    "align": ["page", 1],
    "observe": [1, "yes"],
    "reserved": [True, -1, "0"],
    "min_order": [11],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_capability_that_is_none_is_a_bad_hello(name: str, value: Any) -> None:
    """It is named, and no verdict is given."""

    class Boasting(Lowest):
        def hello(self) -> dict[str, Any]:
            return super().hello() | {"capabilities": {name: value}}

    with pytest.raises(ClientError, match=name):
        conform("buddy", Boasting, ops=100)


def test_a_capability_that_nobody_knows_is_ignored() -> None:
    """A newer client may promise more."""

    class Newer(Lowest):
        def hello(self) -> dict[str, Any]:
            hello = super().hello()
            return hello | {"capabilities": hello["capabilities"] | {"teleports": "often"}}

    assert conform("buddy", Newer, ops=500).verdict == "pass"
