"""Edited books: what is said of a book that is read again after an edit is what is said of it read anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from random_books import ENVIRONMENT
from random_edits import EditedBook
from routebook import Diagnostic
from routebook.book import BookReport, OpenBook, read_book
from stress import rounds

EDITS = 12


def is_read(report: BookReport) -> bool:
    """Tell whether everything in the book could be read."""
    return not any(each.code[:3] in ("RB1", "RB2") and each.severity == "error" for each in report.diagnostics)


def compared(report: BookReport, *, with_warnings: bool) -> tuple[Any, ...]:
    """What a reading gave: all that is said of the book, and what its table has; of a bad book also what was linked."""
    said = [each for each in report.diagnostics if with_warnings or each.severity == "error"]
    tables = [
        None if table is None else (table.digest, dict(table.digests), table.coverage, dict(table.features))
        for table in (report.table, report.linked)
    ]
    return said, *tables


def differences(again: BookReport, anew: BookReport) -> list[str]:
    """What was said and should not be, what was not, and which of the tables differ."""
    with_warnings = is_read(anew)
    one, other = compared(again, with_warnings=with_warnings), compared(anew, with_warnings=with_warnings)
    if one == other:
        return []
    too_much, missing = ([each for each in ours if each not in theirs] for ours, theirs in _both(one[0], other[0]))
    tables = [name for name, a, b in zip(("table", "linked"), one[1:], other[1:], strict=True) if a != b]
    return [f"not anew: {each!r}" for each in too_much] + [f"only anew: {each!r}" for each in missing] + tables or ["order"]


def _both(one: list[Diagnostic], other: list[Diagnostic]) -> tuple[tuple[list[Diagnostic], list[Diagnostic]], ...]:
    return (one, other), (other, one)


def test_random_edits_are_read_as_if_the_book_was_read_for_the_first_time(tmp_path: Path):
    edits = good = 0
    for seed in rounds(40):
        root = tmp_path / str(seed)
        root.mkdir()
        book, opened, made = EditedBook(seed, root), OpenBook(root, ENVIRONMENT), ["begin"]
        for _ in range(EDITS):
            again, anew = opened.read(), read_book(root, ENVIRONMENT)
            assert not differences(again, anew), "\n".join([f"seed {seed}", *made, *differences(again, anew)])
            edits, good = edits + 1, good + (anew.table is not None)
            made.append(book.edit())

    assert good > edits / 3
