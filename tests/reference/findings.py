"""Findings: the diagnostics of a book, as pairs of a code and the path of what each is said of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from routebook import Diagnostic

from .lines import paths
from .verdict import Finding, Path

CODES = ("RB501", "RB502", "RB508", "RB509", "RB510", "RB511", "RB512")


def findings(book: Any, diagnostics: Iterable[Diagnostic]) -> list[Finding]:
    """Return what *diagnostics* say of *book* about what is never taken, touched or reached."""
    at = paths(book)
    return [(d.code, _subject(d.code, at[d.span.line])) for d in diagnostics if d.code in CODES]


def _subject(code: str, path: Path) -> Path:
    """Return the field of a `when` or the fallback that *path* lies in; elsewhere the place is to be exact."""
    if code == "RB509":
        return path[:6]
    if "fallbacks" in path and "weight" not in path:
        return path[: path.index("fallbacks") + 2]
    return path
