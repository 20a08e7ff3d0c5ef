"""Diagnostics as text for people: the place, what is wrong, the line with a caret, why, and the mend."""

from __future__ import annotations

from collections.abc import Iterable

from .diagnostic import Diagnostic

_COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m"}
_BOLD, _DIM, _GREEN, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[0m"
_WIDEST_LINE = 160


def render_text(diagnostics: Iterable[Diagnostic], colour: bool = False) -> str:
    """Render *diagnostics*, a blank line between them; ANSI colours where *colour* is true."""
    return "\n\n".join(_block(diagnostic, colour) for diagnostic in diagnostics)


def _block(diagnostic: Diagnostic, colour: bool) -> str:
    def paint(text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if colour else text

    span = diagnostic.span
    place = paint(f"{span.path}:{span.line}:{span.column}:", _BOLD)
    severity = paint(f"{diagnostic.code} {diagnostic.severity}:", _COLOURS[diagnostic.severity])
    lines = [f"{place} {severity} {diagnostic.message}"]
    if diagnostic.source is not None:
        lines += _excerpt(diagnostic, lambda text: paint(text, _COLOURS[diagnostic.severity]))
    lines += [paint(f"note: {note}", _DIM) for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(paint("help:", _GREEN) + f" {diagnostic.help}")
    return "\n".join(lines)


def _excerpt(diagnostic: Diagnostic, paint) -> list[str]:  # type: ignore[no-untyped-def]
    source, span = diagnostic.source or "", diagnostic.span
    start = max(0, span.column - 1 - _WIDEST_LINE // 2) if len(source) > _WIDEST_LINE else 0
    shown = source[start : start + _WIDEST_LINE].expandtabs(1)
    gutter = f"{span.line} | "
    column = span.column - 1 - start
    width = max(1, min(span.width, len(shown) - column))
    return [gutter + shown, " " * (len(gutter) - 2) + "| " + " " * column + paint("^" * width)]
