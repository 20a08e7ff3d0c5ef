"""Diagnostic: one thing said about a book, and the order in which a report says them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from .codes import CODES
from .span import Span

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: what is wrong (`message`), where (`span`, with the text of that line in `source`), why
    (`notes`), and how to mend it (`help`).
    """

    code: str
    span: Span
    message: str
    notes: tuple[str, ...] = ()
    help: str | None = None
    source: str | None = None
    severity: Severity = "error"

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnostic as plain data: path, line, column, width, code, severity, message, notes, help,
        source.
        """
        return {
            "path": self.span.path,
            "line": self.span.line,
            "column": self.span.column,
            "width": self.span.width,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "notes": list(self.notes),
            "help": self.help,
            "source": self.source,
        }


def diagnose(
    code: str,
    span: Span,
    message: str,
    *,
    notes: Iterable[str] = (),
    help: str | None = None,  # noqa: A002
) -> Diagnostic:
    """Make a diagnostic with the severity that *code* has."""
    return Diagnostic(code, span, message, tuple(notes), help, severity=CODES[code].severity)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by path, then line, then column; drop repeats.

    By an alias, one line stands in several definitions; a name on it that leads nowhere is one mistake all the same.
    """
    unique: dict[object, Diagnostic] = {}
    for diagnostic in sorted(diagnostics, key=_place):
        same_name = (diagnostic.span, diagnostic.help) if diagnostic.code == "RB301" else _identity(diagnostic)
        unique.setdefault(same_name, diagnostic)
    return tuple(unique.values())


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, int, str, str]:
    span = diagnostic.span
    return span.path, span.line, span.column, span.width, diagnostic.code, diagnostic.message


def _identity(diagnostic: Diagnostic) -> tuple[object, ...]:
    return (*_place(diagnostic), diagnostic.notes, diagnostic.help, diagnostic.severity)


def as_errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Turn warnings into errors, as `--strict` does; notes stay notes."""
    return tuple(replace(d, severity="error") if d.severity == "warning" else d for d in diagnostics)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any of *diagnostics* is an error."""
    return any(d.severity == "error" for d in diagnostics)
