"""Lines: where each part of a book stands in the JSON text that `compile_mapping` makes of it."""

from __future__ import annotations

from typing import Any

Path = tuple[str | int, ...]


def lines(book: Any) -> dict[Path, int]:
    """Return the line of each key and item of *book*, written as JSON with an indent, one line for each of them."""
    found: dict[Path, int] = {}
    _write(book, (), 1, found)
    return found


def paths(book: Any) -> dict[int, Path]:
    """Return what stands on each line; lines that only close something are left out."""
    return {line: path for path, line in lines(book).items()}


def _write(value: Any, path: Path, line: int, found: dict[Path, int]) -> int:
    """Note the lines of *value*, which begins on *line*; return the line on which it ends."""
    found[path] = line
    if not isinstance(value, (dict, list)) or not value:
        return line
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        line = _write(part, (*path, key), line + 1, found)
    return line + 1
