"""Ignore: the comments of a YAML text that silence warnings, `# routebook: ignore RB501, RB504`.

Goes out: each comment with its codes as they are written, and the line it is about. Whether there is such a code, and
whether anything was silenced, is for others to say. A `#` inside a text is no comment; JSON has none.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from ..diagnostics.ignore import Ignore
from ..diagnostics.span import Span
from .file import SourceFile
from .yaml import text_places

_COMMENT = re.compile(
    r"(?<![^\s])#[ \t]*routebook:[ \t]*ignore(?![\w-])[ \t]*"
    r"(?P<codes>[\w-]+(?:(?:[ \t]*,[ \t]*|[ \t]+(?=RB\d))[\w-]+)*)?"
)
_CODE = re.compile(r"[\w-]+")


def ignores_in(file: SourceFile) -> tuple[Ignore, ...]:
    """Return the comments of *file* that silence warnings, in its order; a text that is no YAML has none."""
    if "routebook:" not in file.text or file.path.endswith(".json"):
        return ()
    found = list(_COMMENT.finditer(file.text))
    places = text_places(file) if found else None
    if places is None:
        return ()
    starts = [start for start, _ in places]
    comments = [match for match in found if not _is_inside(match.start(), places, starts)]
    meant: dict[int, int] = {}
    ignores = [_ignore(file, match, meant) for match in reversed(comments)]
    return tuple(reversed(ignores))


def _is_inside(offset: int, places: list[tuple[int, int]], starts: list[int]) -> bool:
    before = bisect_right(starts, offset) - 1
    return before >= 0 and offset < places[before][1]


def _ignore(file: SourceFile, match: re.Match[str], meant: dict[int, int]) -> Ignore:
    end = match.end("codes") if match["codes"] else match.start() + len(match[0].rstrip())
    span = file.span(match.start(), end)
    codes = [] if not match["codes"] else list(_CODE.finditer(file.text, match.start("codes"), end))
    places = tuple(file.span(code.start(), code.end()) for code in codes)
    return Ignore(tuple(code[0] for code in codes), span, _line_meant(file, span, meant), places)


def _line_meant(file: SourceFile, span: Span, meant: dict[int, int]) -> int:
    """Return the line that the comment at *span* is about; *meant* has those of the comments below it."""
    if (file.line(span.line) or "")[: span.column - 1].strip():
        return span.line
    number = span.line + 1
    while (line := file.line(number)) is not None:
        if number in meant:
            number = meant[number]
            break
        if line.strip() and not line.lstrip().startswith("#"):
            break
        number += 1
    meant[span.line] = number
    return span.line if file.line(number) is None else number
