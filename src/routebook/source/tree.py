"""Tree: a directory → the texts of its route files, and of the content files that they name, from one look.

The only place that reads either; `walk` says which files are a book. What is no regular file is refused unopened.
Nothing raises; what cannot be read is a diagnostic (RB101, RB105, RB107, RB108), which names paths only below the
root, or the root as it was given.

A look is consistent: all files were there together, as they were read. Reading ends with a second look; if anything
changed in between, all is read again, a few times. Content is read later, so its reader asks at the end whether the
look still holds (`Tree.still`), and begins anew if not.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..diagnostics.diagnostic import Diagnostic, diagnose, in_order
from ..diagnostics.span import Span
from .content import content_place
from .file import SourceFile as SourceFile
from .place import Mark, Refused, mark, read_text, reason, shown
from .walk import Walk

LOOKS = 5

_LOCK = "tools.lock.json"
_BOOK_HELP = "a book is a directory with *.yaml, *.yml or *.json files whose names do not begin with '.' or '_'"
# A file may be written twice within one tick of the file system's clock, and the second time leaves no mark.
_RACY_NS = 25_000_000


@dataclass(frozen=True, slots=True)
class _Read:
    """One file that was looked at: its mark before it was read, and what it gave."""

    mark: Mark
    file: SourceFile | Refused

    def is_same(self, place: str, since_ns: int) -> bool:
        """Tell whether the file at *place* is still what was read at *since_ns*."""
        if mark(place) != self.mark:
            return False
        if isinstance(self.mark, str) or max(self.mark[-2:]) < since_ns - _RACY_NS:
            return True
        again = _read(self.file.path, place) if isinstance(self.file, SourceFile) else None
        return again is None or again.file == self.file


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen at one moment: the walk, and each file by its real place."""

    walk: Walk
    taken_ns: int
    read: dict[str, _Read] = field(default_factory=dict)
    contents: dict[str, SourceFile] = field(default_factory=dict)
    named: dict[str, str | None] = field(default_factory=dict)
    earlier: Mapping[str, SourceFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tree:
    """The route files of a book, by path, the lock of its tools, and what is to be said of what cannot be read."""

    root: Path
    files: tuple[SourceFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    lock: SourceFile | None = None
    _look: _Look | None = field(default=None, repr=False, compare=False)

    def read_content(self, path: str, span: Span) -> SourceFile | Diagnostic:
        """Read the content file at *path*, as `{file: PATH}` names it at *span*, once in the life of this tree.

        Returns:
            The file, the same object as in the earlier tree if its text is the same; or, where it cannot be read, a
            diagnostic (RB101, RB105, RB107) that stands at *span*.
        """
        look = self._look
        if look is not None and path in look.contents:
            return look.contents[path]
        try:
            place = content_place(self.root, path, span)
        except Refused as refused:
            if look is not None:
                look.named[path] = None
            return refused.at(span)
        read = _read(path, place, None if look is None else look.earlier.get(path))
        if look is not None:
            look.named[path] = place
            look.read.setdefault(place, read)
        if isinstance(read.file, Refused):
            return read.file.about(path).at(span)
        if look is not None:
            look.contents[path] = read.file
        return read.file

    def still(self) -> bool:
        """Tell whether everything that was read from this tree, content too, is there unchanged."""
        look = self._look
        if look is None:
            again = _look_at(self.root, None)
            return again._look is None and again.diagnostics == self.diagnostics
        try:
            if os.path.realpath(self.root, strict=True) != look.walk.base:
                return False
        except (OSError, ValueError):
            return False
        if not look.walk.saw_the_same(Walk(look.walk.base)):
            return False
        if any(_place_of(self.root, path) != place for path, place in look.named.items()):
            return False
        return all(read.is_same(place, look.taken_ns) for place, read in look.read.items())


def read_tree(root: Path, earlier: Tree | None = None) -> Tree:
    """Read every route file below *root*, which may itself be a link.

    A file with the same text as in the *earlier* tree is the very same object.
    """
    tree = _look_at(root, earlier)
    for _ in range(LOOKS - 1):
        if tree._look is None or tree.still():
            break
        tree = _look_at(root, earlier)
    return tree


def read_content(root: Path, path: str, span: Span) -> str | Diagnostic:
    """Read the content file at *path* below *root*, as `{file: PATH}` names it at *span*, with no tree around it.

    Returns:
        Its text; or, where it cannot be read, a diagnostic (RB101, RB105, RB107) that stands at *span*.
    """
    read = Tree(root, (), ()).read_content(path, span)
    return read if isinstance(read, Diagnostic) else read.text


def _look_at(root: Path, earlier: Tree | None) -> Tree:
    name = shown(str(root))
    taken_ns = time.time_ns()
    try:
        base = os.path.realpath(root, strict=True)
        is_folder = stat.S_ISDIR(os.stat(base).st_mode)
    except (OSError, ValueError) as error:
        help_text = "name the book's directory with `--routes DIR`, or begin one with `routebook init DIR`"
        return Tree(root, (), (_no_book(f"cannot open directory {name!r}: {reason(error)}", help_text),))
    if not is_folder:
        return Tree(root, (), (_no_book(f"{name!r} is no directory", _BOOK_HELP),))
    walk = Walk(base)
    look = _Look(walk, taken_ns, earlier=_known(earlier))
    files = _read_found(look)
    diagnostics = [*walk.diagnostics, *(file.at(file.place(path)) for path, file in files if isinstance(file, Refused))]
    texts = {path: file for path, file in files if isinstance(file, SourceFile)}
    lock = texts.pop(_LOCK, None)
    if not texts and not diagnostics:
        diagnostics.append(_no_book(f"no route files in directory {name!r}", _BOOK_HELP))
    return Tree(root, tuple(texts[path] for path in sorted(texts)), in_order(diagnostics), lock, look)


def _read_found(look: _Look) -> list[tuple[str, SourceFile | Refused]]:
    """Read what the walk found, each under its path."""
    files: list[tuple[str, SourceFile | Refused]] = []
    for path, place in look.walk.found:
        read = _read(path, place, look.earlier.get(path))
        look.read.setdefault(place, read)
        files.append((path, read.file))
    return files


def _read(path: str, place: str, known: SourceFile | None = None) -> _Read:
    """Read one file; where its text is that of the *known* one, it is that one."""
    before = mark(place)
    try:
        text = read_text(place)
    except Refused as refused:
        return _Read(before, refused)
    return _Read(before, known if known is not None and known.text == text else SourceFile(path, text))


def _known(earlier: Tree | None) -> dict[str, SourceFile]:
    """Return every file that an earlier tree read, by path."""
    if earlier is None:
        return {}
    contents = {} if earlier._look is None else earlier._look.contents
    lock = {} if earlier.lock is None else {_LOCK: earlier.lock}
    return {**contents, **lock, **{file.path: file for file in earlier.files}}


def _place_of(root: Path, path: str) -> str | None:
    try:
        return content_place(root, path, Span(path))
    except Refused:
        return None


def _no_book(message: str, help_text: str) -> Diagnostic:
    return diagnose("RB108", Span("."), message, help=help_text)
