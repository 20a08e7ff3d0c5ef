"""Walk: a directory → which of its files are a book, by their names alone; none is opened.

They are every `*.yaml`, `*.yml` and `*.json` whose path, as listed, has no part that begins with `.` or `_`. Links may
lead anywhere inside the book, also into hidden folders (as Kubernetes lays out a ConfigMap); what leads out of it is
refused (RB107).
"""

from __future__ import annotations

import os
import stat
from collections import deque
from pathlib import PurePosixPath

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from .place import Mark, is_inside, is_printable, mark, reason, shown

_LOCK = "tools.lock.json"
_ENDINGS = (".yaml", ".yml", ".json")


class Walk:
    """Finds a book's files: `found` pairs the path as listed with the real place, `folders` are those looked into.

    Folders come before links, and each folder is read once, so that every walk ends; a cycle of links, or a second
    way into a folder (which would define its names twice), is refused.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.found: list[tuple[str, str]] = []
        self.folders: dict[str, Mark] = {}
        self.diagnostics: list[Diagnostic] = []
        self._waiting = deque([("", base)])
        self._links: deque[tuple[str, str]] = deque()
        self._entered: dict[str, str] = {}
        while self._waiting or self._links:
            if self._waiting:
                self._enter(*self._waiting.popleft())
            else:
                self._follow(*self._links.popleft())

    def saw_the_same(self, other: Walk) -> bool:
        """Tell whether *other* found the same files at the same places, in folders that did not change."""
        return (self.base, self.found, self.folders, self.diagnostics) == (
            other.base,
            other.found,
            other.folders,
            other.diagnostics,
        )

    def _enter(self, path: str, place: str) -> None:
        if place in self._entered:
            other = self._entered[place] or "."
            self._refuse(path, f"folder is in the book already, as {other!r}", "remove the link that leads to it")
            return
        self._entered[place] = path
        self.folders[place] = mark(place)
        try:
            with os.scandir(place) as listing:
                for entry in sorted(listing, key=lambda entry: entry.name):
                    self._sort(entry, f"{path}/{entry.name}" if path else entry.name)
        except OSError as error:
            self._refuse(path or ".", f"folder cannot be listed: {reason(error)}", "make it readable")

    def _sort(self, entry: os.DirEntry[str], path: str) -> None:
        if entry.name.startswith((".", "_")):
            return
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name == _LOCK and path != _LOCK:
            return
        if not (is_folder or entry.is_symlink() or path.endswith(_ENDINGS)):
            return
        if not is_printable(entry.name):
            self._refuse(shown(path), "name has characters that are not text", "rename it")
        elif is_folder:
            self._waiting.append((path, entry.path))
        elif entry.is_symlink():
            self._links.append((path, entry.path))
        else:
            self.found.append((path, entry.path))

    def _follow(self, path: str, link: str) -> None:
        try:
            place = os.path.realpath(link, strict=True)
            is_folder = stat.S_ISDIR(os.stat(place).st_mode)
        except OSError as error:
            # Without an ending it may have been a folder of route files, which must not vanish in silence.
            if path.endswith(_ENDINGS) or not PurePosixPath(path).suffix:
                self._refuse(path, f"link leads nowhere: {reason(error)}", "mend the link, or remove it")
            return
        if not (is_folder or path.endswith(_ENDINGS)):
            return
        if not is_inside(self.base, place):
            self._refuse(path, "link leads out of the book", "copy what it leads to into the book, or remove the link")
        elif is_folder:
            self._waiting.append((path, place))
        else:
            self.found.append((path, place))

    def _refuse(self, path: str, message: str, help_text: str) -> None:
        self.diagnostics.append(diagnose("RB107", Span(path), message, help=help_text))
