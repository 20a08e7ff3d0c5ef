"""Look: what a directory is at one moment, told by names, sizes and times alone; no file is opened.

Comes in: a book's root. Goes out: a Look; two that are the same mean that nothing was written between them. The root
may be a link. Hidden folders count, since links lead into them; folders behind links do not: where such a link stays
inside the book its folder is walked by its own name, and what lies outside is never looked at.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_RACY_NS = 25_000_000
_NO_PART_OF_A_BOOK = frozenset({".git", ".hg", ".svn"})

Mark = tuple[int | str, ...]
"""What tells one state of an entry from another: identity, size and times, or the error that hides them."""


@dataclass(frozen=True, slots=True)
class Look:
    """The marks of all entries by path, the folders among them, and whether something was written just now.

    A file may be written twice within one tick of the file system's clock. After a look that `is_fresh`, an equal one
    does not prove that nothing happened in between.
    """

    marks: dict[str, Mark]
    folders: frozenset[str]
    is_fresh: bool

    def is_same(self, other: Look) -> bool:
        """Tell whether *other* shows the same tree."""
        return self.marks == other.marks


def look(root: Path) -> Look:
    """Look at everything below *root*; a root that is missing, or no directory, is a look too."""
    now = time.time_ns()
    marks: dict[str, Mark] = {}
    folders: set[str] = set()
    try:
        base = os.path.realpath(root, strict=True)
        top = os.stat(base)
        marks[base] = _mark(top)
        if stat.S_ISDIR(top.st_mode):
            _walk(base, marks, folders)
    except (OSError, ValueError) as error:
        marks[str(root)] = _hidden(error)
    newest = max((mark[-1] for mark in marks.values() if isinstance(mark[-1], int)), default=0)
    return Look(marks, frozenset(folders), abs(now - newest) < _RACY_NS)


def identity_of(root: Path) -> tuple[int, int] | None:
    """Return which directory *root* is now, or None where there is none; links are followed."""
    try:
        status = os.stat(root / ".")
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _walk(base: str, marks: dict[str, Mark], folders: set[str]) -> None:
    waiting = [base]
    while waiting:
        folder = waiting.pop()
        folders.add(folder)
        try:
            with os.scandir(folder) as listing:
                waiting += _marked(listing, marks)
        except OSError as error:
            marks[f"{folder}/"] = _hidden(error)


def _marked(listing: Iterator[os.DirEntry[str]], marks: dict[str, Mark]) -> Iterator[str]:
    """Mark each entry; yield the folders."""
    for entry in listing:
        if entry.name in _NO_PART_OF_A_BOOK:
            continue
        try:
            status = entry.stat(follow_symlinks=False)
            marks[entry.path] = _mark_of_link(entry.path, status) if entry.is_symlink() else _mark(status)
        except OSError as error:
            marks[entry.path] = _hidden(error)
            continue
        if stat.S_ISDIR(status.st_mode):
            yield entry.path


def _mark(status: os.stat_result) -> Mark:
    return status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _mark_of_link(path: str, status: os.stat_result) -> Mark:
    """Mark a link by itself and by what it leads to, of which the identity is enough: inside it has its own mark."""
    try:
        end = os.stat(path)
        leads_to: Mark = (end.st_dev, end.st_ino, end.st_mode)
    except OSError as error:
        leads_to = _hidden(error)
    return (os.readlink(path), *leads_to, *_mark(status))


def _hidden(error: OSError | ValueError) -> Mark:
    return (type(error).__name__, str(getattr(error, "errno", "")))
