"""A browser, and pages of the report for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.browser import Browser
from tests.cli.report_facts import clause, facts

from mmspec_cli.report.assemble import write


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the small facts."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write(facts(), path)
    return path


@pytest.fixture(scope="session")
def colourful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every kind of evidence, and steps of every verdict."""
    path = tmp_path_factory.mktemp("colourful") / "report.html"
    kinds = ("proved", "bounded", "tested", "agreed", "predicted", "explored", "manual")
    clauses = [clause("RULE-0"), *(clause(f"RULE-{kind}", kind) for kind in kinds)]
    steps = [
        {"name": f"conform {verdict}", "verdict": verdict, "seconds": 1.0, "needs": None, "detail": "so"}
        for verdict in ("pass", "fail", "unknown", "error", "skipped")
    ]
    write(facts() | {"assurance": facts()["assurance"] | {"clauses": clauses}, "steps": steps}, path)
    return path


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of a process."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(started: Browser) -> Iterator[Browser]:
    """The browser at its usual size, with a page that complains of nothing and asks the network for nothing."""
    started.size(1280)
    started.prefer("light")
    started.complaints.clear()
    started.requests.clear()
    yield started
    assert started.complaints == []
    assert {request.split(":")[0] for request in started.requests} <= {"file", "about", "data"}
