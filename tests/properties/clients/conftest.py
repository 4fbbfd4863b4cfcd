"""A fixture of the tests of clients."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from tests.properties.clients.processes import HOSTILE, PATIENT, group_is_empty, wait_until

from mmprops.clients.base import Limits
from mmprops.clients.process import ProcessClient


@pytest.fixture
def hostile() -> Iterator[Callable[..., ProcessClient]]:
    """Start hostile clients; afterwards no process of theirs may live."""
    started: list[ProcessClient] = []

    def start(behaviour: str, limits: Limits = PATIENT) -> ProcessClient:
        started.append(ProcessClient([sys.executable, "-S", "-E", str(HOSTILE), behaviour], limits))
        return started[-1]

    yield start
    groups = [client._process._child.pid for client in started]
    for client in started:
        client.close()
    assert all(wait_until(lambda group=group: group_is_empty(group)) for group in groups)
