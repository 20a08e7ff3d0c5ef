"""Golden books: each folder of tests/books/ has a book, and what compiling it must say.

`book/` is the book, `environment.json` (optional) the environment, `expected.txt` the diagnostics, followed, where
it compiles, by every decision. A new case needs no code: write the book, run `pytest tests/test_books.py
--update-books`, and read what it wrote.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from routebook.book import read_book
from routebook.diagnostics.text import render_text
from routebook.snapshot import decisions_text

BOOKS = Path(__file__).parent / "books"
CASES = sorted(path.name for path in BOOKS.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES)
def test_a_golden_book_says_what_it_is_expected_to_say(case: str, request: pytest.FixtureRequest):
    folder = BOOKS / case
    environment = folder / "environment.json"
    report = read_book(folder / "book", json.loads(environment.read_text()) if environment.exists() else {})

    said = render_text(report.diagnostics)
    if report.table is not None:
        said = "\n\n".join(part for part in (said, decisions_text(report.table.decisions())) if part)
    expected = folder / "expected.txt"
    if request.config.getoption("--update-books"):
        expected.write_text(said.rstrip("\n") + "\n", encoding="utf-8")

    assert said.rstrip("\n") + "\n" == expected.read_text(encoding="utf-8")


def test_there_are_golden_books():
    assert len(CASES) > 20
