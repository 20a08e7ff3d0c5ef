"""Span: a place in a route file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place: *path* below the book's root, 1-based *line* and *column*, and *width* in characters on that line."""

    path: str
    line: int = 1
    column: int = 1
    width: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
