"""The pytest plugin: `routing_table`, the book under test, and `decision_snapshot`, decisions as a snapshot.

    def test_routes(routing_table, decision_snapshot):
        assert routing_table.decisions() == decision_snapshot

A snapshot has no digests, files or lines, so it changes when routing changes and only then. The plugin is loaded by
every pytest run where Routebook is installed; what it needs is imported when a fixture is first used.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from .errors import RouteFileError

LAZY_DOOR = {"compile_book": "routebook.book", "DecisionSnapshot": "routebook.snapshot"}
"""What the fixtures use and the module that has it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--routes` and the ini value `routebook_routes`."""
    group = parser.getgroup("routebook")
    group.addoption("--routes", metavar="DIR", help="The book's directory (default: the ini value routebook_routes).")
    parser.addini("routebook_routes", "The book's directory, relative to the root of the tests.", default="routes")


@pytest.fixture(scope="session")
def routing_table(request: pytest.FixtureRequest) -> Any:
    """The RoutingTable of the book that `--routes` or `routebook_routes` names; a broken book fails the test."""
    named = request.config.getoption("--routes")
    path = Path(named) if named else request.config.rootpath / str(request.config.getini("routebook_routes"))
    try:
        return import_module(LAZY_DOOR["compile_book"]).compile_book(path)
    except RouteFileError as error:
        pytest.fail(f"the book {path} does not compile:\n\n{error}", pytrace=False)


@pytest.fixture
def decision_snapshot(request: pytest.FixtureRequest) -> Any:
    """A syrupy snapshot that compares a Decision, or several."""
    try:
        snapshot = request.getfixturevalue("snapshot")
    except pytest.FixtureLookupError:
        pytest.fail("decision_snapshot needs syrupy: pip install 'routebook[pytest]'", pytrace=False)
    return snapshot.use_extension(import_module(LAZY_DOOR["DecisionSnapshot"]).DecisionSnapshot)
