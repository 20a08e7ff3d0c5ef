"""What compiling a book says, for the tests of the compiler."""

from __future__ import annotations

from typing import Any

from routebook import Diagnostic, RouteFileError, compile_mapping


def said(written: dict[str, Any], **environment: str) -> list[Diagnostic]:
    """Every diagnostic of a book, good or not."""
    try:
        return list(compile_mapping(written, environment).diagnostics)
    except RouteFileError as error:
        return list(error.diagnostics)


def the_one(written: dict[str, Any], code: str | None = None) -> Diagnostic:
    """The one diagnostic of a book that is more than a note, or the one of *code*."""
    found = [one for one in said(written) if one.code == code or (code is None and one.severity != "note")]
    assert len(found) == 1, [str(one) for one in found]
    return found[0]


def marked(diagnostic: Diagnostic) -> str:
    """The characters that the diagnostic's caret stands under."""
    start = diagnostic.span.column - 1
    return (diagnostic.source or "")[start : start + diagnostic.span.width]
