"""File: the text of one file, and where its characters stand."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from ..diagnostics.span import Span

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class SourceFile:
    """The text of one file: *path* is relative to the book's root, with `/`; a byte order mark is no part of *text*."""

    path: str
    text: str

    @cached_property
    def _starts(self) -> array[int]:
        if "\r" in self.text:
            return array("I", (0, *(match.end() for match in _LINE_BREAK.finditer(self.text))))
        starts = array("I", accumulate((len(line) + 1 for line in self.text.split("\n")), initial=0))
        starts.pop()  # where a line after the last would start
        return starts

    def line(self, number: int) -> str | None:
        """Return the text of the line *number* (from 1) without its break, or None where there is no such line."""
        starts = self._starts
        if not 1 <= number <= len(starts):
            return None
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def span(self, start: int, end: int) -> Span:
        """Return the place of the characters from *start* up to *end*, cut at the end of the first line."""
        starts = self._starts
        line = bisect_right(starts, start)
        if line < len(starts) and end >= starts[line]:
            end = start + len(self.text[start : starts[line]].rstrip())
        return Span(self.path, line, start - starts[line - 1] + 1, max(1, end - start))
