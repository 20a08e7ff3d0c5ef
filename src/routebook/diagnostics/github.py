"""Diagnostics as GitHub workflow commands, which annotate the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from .diagnostic import Diagnostic

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render_github(diagnostics: Iterable[Diagnostic], prefix: str = "") -> str:
    """Render one workflow command a diagnostic; *prefix* is the book's directory as the repository knows it."""
    return "\n".join(_command(diagnostic, prefix) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic, prefix: str) -> str:
    span = diagnostic.span
    path = f"{prefix.rstrip('/')}/{span.path}" if prefix else span.path
    text = diagnostic.message + "".join(f"\nnote: {note}" for note in diagnostic.notes)
    if diagnostic.help:
        text += f"\nhelp: {diagnostic.help}"
    place = f"file={_property(path)},line={span.line},col={span.column},endColumn={span.column + span.width}"
    return f"::{_COMMANDS[diagnostic.severity]} {place},title={diagnostic.code}::{_escape(text)}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
