"""The example book: clean under the strictest check, and every decision it can make as a snapshot."""

from __future__ import annotations

from pathlib import Path

from routebook import RoutingTable
from routebook.book import read_book

ROUTES = Path(__file__).parents[1] / "routes"


def test_the_example_book_is_clean_under_the_strictest_check():
    report = read_book(ROUTES, {})

    assert report.diagnostics == ()
    assert report.table is not None


def test_the_example_book_decides_as_recorded(routing_table: RoutingTable, decision_snapshot):
    assert routing_table.decisions() == decision_snapshot
