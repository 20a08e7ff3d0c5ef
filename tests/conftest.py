"""What every test may use, and the one flag: `--update-books` rewrites what golden books expect."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-books", action="store_true", help="Rewrite tests/books/*/expected.txt.")
