"""Golden books: each folder of tests/books/ has a book, and what compiling it must say.

`book/` is the book, `environment.json` (optional) the environment, `without.json` (optional) packages that are not
installed, `flags.txt` (optional, `--env`) the flags of `routebook check`, `expected.txt` the diagnostics, followed,
where it compiles, by every decision. A new case needs no code: write the book, run
`pytest tests/test_books.py --update-books`, and read what it wrote.

The book `rb301` is the shortest that shows RB301, and so on: `docs/diagnostics.md` is made of them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from routebook.book import read_book
from routebook.credentials import missing_secrets
from routebook.diagnostics.codes import CODES
from routebook.diagnostics.diagnostic import in_order
from routebook.diagnostics.text import render_text
from routebook.snapshot import decisions_text

BOOKS = Path(__file__).parent / "books"
CASES = sorted(path.name for path in BOOKS.iterdir() if path.is_dir())
OF_A_CODE = sorted(case for case in CASES if re.fullmatch(r"rb\d{3}", case))


@pytest.mark.parametrize("case", CASES)
def test_a_golden_book_says_what_it_is_expected_to_say(
    case: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    for package in _json(BOOKS / case / "without.json"):
        monkeypatch.setitem(sys.modules, package, None)
    said = what_is_said(BOOKS / case)
    expected = BOOKS / case / "expected.txt"
    if request.config.getoption("--update-books"):
        expected.write_text(said, encoding="utf-8")

    assert said == expected.read_text(encoding="utf-8")


def what_is_said(folder: Path) -> str:
    environment = _json(folder / "environment.json")
    report = read_book(folder / "book", environment)
    diagnostics = report.diagnostics
    if report.table is not None and (folder / "flags.txt").exists():
        diagnostics = in_order([*diagnostics, *missing_secrets(report.table, environment)])
    said = render_text(diagnostics).replace(str(folder / "book"), "routes")
    if report.table is not None:
        said = "\n\n".join(part for part in (said, decisions_text(report.table.decisions())) if part)
    return said.rstrip("\n") + "\n"


def _json(path: Path) -> dict[str, str]:
    return json.loads(path.read_text()) if path.exists() else {}


@pytest.mark.parametrize("case", OF_A_CODE)
def test_the_book_of_a_code_is_said_to_have_that_and_nothing_else(case: str):
    said = re.findall(r"^\S+:\d+:\d+: (RB\d{3}) ", (BOOKS / case / "expected.txt").read_text(encoding="utf-8"), re.M)

    assert set(said) == {case.upper()}


def test_every_code_that_is_reported_has_its_book():
    assert CODES.keys() == {case.upper() for case in OF_A_CODE}


def test_there_are_golden_books():
    assert len(CASES) > 20
