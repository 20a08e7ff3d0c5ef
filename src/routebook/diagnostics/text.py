"""Diagnostics as text for people: the place, what is wrong, the line with a caret, why, and the mend."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from .diagnostic import Diagnostic

_COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m"}
_BOLD, _DIM, _GREEN, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[0m"
_WIDEST_LINE = 160
_CUT = "…"


def render_text(diagnostics: Iterable[Diagnostic], colour: bool = False) -> str:
    """Render *diagnostics*, a blank line between them; ANSI colours where *colour* is true."""
    return "\n\n".join(_block(diagnostic, colour) for diagnostic in diagnostics)


def _block(diagnostic: Diagnostic, colour: bool) -> str:
    def paint(text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if colour else text

    span = diagnostic.span
    hue = _COLOURS[diagnostic.severity]
    place = paint(f"{span.path}:{span.line}:{span.column}:", _BOLD)
    lines = [f"{place} {paint(f'{diagnostic.code} {diagnostic.severity}:', hue)} {diagnostic.message}"]
    if diagnostic.source is not None:
        shown, indent, caret = _excerpt(diagnostic.source, span.column - 1, span.width)
        gutter = f"{span.line} | "
        lines += [gutter + shown, " " * (len(gutter) - 2) + "| " + indent + paint(caret, hue)]
    lines += [paint(f"note: {note}", _DIM) for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(paint("help:", _GREEN) + f" {diagnostic.help}")
    return "\n".join(lines)


def _excerpt(source: str, column: int, width: int) -> tuple[str, str, str]:
    """Return what of the line *source* is shown, the space up to the characters from *column* on, and their caret."""
    start = max(0, column - _WIDEST_LINE // 2) if len(source) > _WIDEST_LINE else 0
    end = start + _WIDEST_LINE
    before = _CUT * (start > 0) + _printable(source[start:column])
    marked = _printable(source[column : min(column + width, end)])
    after = _printable(source[column + width : end]) + _CUT * (end < len(source))
    return before + marked + after, " " * _columns(before), "^" * max(1, _columns(marked))


def _printable(text: str) -> str:
    """Return *text* with a space for each tab, and nothing in it that steers a terminal."""
    return "".join(
        "\ufffd" if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} else c for c in text.replace("\t", " ")
    )


def _columns(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    return sum(map(_character_columns, text))


def _character_columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
