"""Tree: a directory → the texts of its route files, and of the content files that they name.

The only place that reads either. Names decide which files are a book: every `*.yaml`, `*.yml` and `*.json` whose
path, as listed, has no part that begins with `.` or `_`, except the root's `tools.lock.json`. Links may lead
anywhere inside the book, also into hidden folders (as Kubernetes lays out a ConfigMap). What leads out of it, and
what is no regular file, is refused unopened. Nothing raises; what cannot be read is a diagnostic (RB101, RB105,
RB107, RB108), which names paths only below the root, or the root as it was given.
"""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..diagnostics.diagnostic import Diagnostic, diagnose, in_order
from ..diagnostics.span import Span
from ..diagnostics.suggest import near_names

LIMIT_BYTES = 1024 * 1024

_LOCK = "tools.lock.json"
_ENDINGS = (".yaml", ".yml", ".json")
_BOOK_HELP = "a book is a directory with *.yaml, *.yml or *.json files whose names do not begin with '.' or '_'"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class SourceFile:
    """The text of one file: *path* is relative to the book's root, with `/`; a byte order mark is no part of *text*."""

    path: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]

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


@dataclass(frozen=True, slots=True)
class Tree:
    """The route files of a book, by path, and what is to be said about those that cannot be read."""

    root: Path
    files: tuple[SourceFile, ...]
    diagnostics: tuple[Diagnostic, ...]


def read_tree(root: Path) -> Tree:
    """Read every route file below *root*, which may itself be a link."""
    name = _shown(str(root))
    try:
        base = os.path.realpath(root, strict=True)
        is_folder = stat.S_ISDIR(os.stat(base).st_mode)
    except (OSError, ValueError) as error:
        help_text = "name the book's directory with `--routes DIR`, or begin one with `routebook init DIR`"
        return Tree(root, (), (_no_book(f"cannot open directory {name!r}: {_reason(error)}", help_text),))
    if not is_folder:
        return Tree(root, (), (_no_book(f"{name!r} is no directory", _BOOK_HELP),))
    walk = _Walk(base)
    walk.run()
    files: list[SourceFile] = []
    for path, place in walk.found:
        try:
            files.append(SourceFile(path, _read_text(place)))
        except _Refused as refused:
            walk.diagnostics.append(refused.at(refused.place(path)))
    if not files and not walk.diagnostics:
        walk.diagnostics.append(_no_book(f"no route files in directory {name!r}", _BOOK_HELP))
    return Tree(root, tuple(sorted(files, key=lambda file: file.path)), in_order(walk.diagnostics))


def read_content(root: Path, path: str, span: Span) -> str | Diagnostic:
    """Read the content file at *path* below *root*, as `{file: PATH}` names it at *span*.

    Returns:
        Its text; or, where it cannot be read, a diagnostic (RB101, RB105, RB107) that stands at *span*.
    """
    try:
        place = _content_place(root, path, span)
    except _Refused as refused:
        return refused.at(span)
    try:
        return _read_text(place)
    except _Refused as refused:
        return refused.about(path).at(span)


class _Refused(Exception):
    """Why a file is not read; *line* and *column* are where in it, for a file that was opened."""

    def __init__(self, code: str, message: str, help_text: str | None = None, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.line, self.column = code, message, help_text, line, column

    def about(self, path: str) -> _Refused:
        """The same, for a reader who looks at a reference to the file at *path* and not at the file."""
        where = f" (line {self.line}, column {self.column})" if self.code == "RB101" else ""
        return _Refused(self.code, f"content file {path!r}: {self.message}{where}", self.help)

    def place(self, path: str) -> Span:
        return Span(path, self.line, self.column)

    def at(self, span: Span) -> Diagnostic:
        return diagnose(self.code, span, self.message, help=self.help)


class _Walk:
    """Finds a book's files: `found` pairs the path as listed with the real place.

    Folders come before links, and each folder is read once, so that every walk ends; a cycle of links, or a second
    way into a folder (which would define its names twice), is refused.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.found: list[tuple[str, str]] = []
        self.diagnostics: list[Diagnostic] = []
        self._folders = deque([("", base)])
        self._links: deque[tuple[str, str]] = deque()
        self._entered: dict[str, str] = {}

    def run(self) -> None:
        while self._folders or self._links:
            if self._folders:
                self._enter(*self._folders.popleft())
            else:
                self._follow(*self._links.popleft())

    def _enter(self, path: str, place: str) -> None:
        if place in self._entered:
            other = self._entered[place] or "."
            self._refuse(path, f"folder is in the book already, as {other!r}", "remove the link that leads to it")
            return
        self._entered[place] = path
        try:
            with os.scandir(place) as listing:
                for entry in sorted(listing, key=lambda entry: entry.name):
                    self._sort(entry, f"{path}/{entry.name}" if path else entry.name)
        except OSError as error:
            self._refuse(path or ".", f"folder cannot be listed: {_reason(error)}", "make it readable")

    def _sort(self, entry: os.DirEntry[str], path: str) -> None:
        if entry.name.startswith((".", "_")):
            return
        is_folder = entry.is_dir(follow_symlinks=False)
        if not (is_folder or entry.is_symlink() or _is_route_file(path)):
            return
        if _UNPRINTABLE.search(entry.name):
            self._refuse(_shown(path), "name has characters that are not text", "rename it")
        elif is_folder:
            self._folders.append((path, entry.path))
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
            if _is_route_file(path) or not PurePosixPath(path).suffix:
                self._refuse(path, f"link leads nowhere: {_reason(error)}", "mend the link, or remove it")
            return
        if not (is_folder or _is_route_file(path)):
            return
        if not _is_inside(self.base, place):
            self._refuse(path, "link leads out of the book", "copy what it leads to into the book, or remove the link")
        elif is_folder:
            self._folders.append((path, place))
        else:
            self.found.append((path, place))

    def _refuse(self, path: str, message: str, help_text: str) -> None:
        self.diagnostics.append(diagnose("RB107", Span(path), message, help=help_text))


def _content_place(root: Path, path: str, span: Span) -> str:
    """Find the real place of a content file; *path* itself is checked before anything is touched."""
    pure = PurePosixPath(path)
    if not path or _UNPRINTABLE.search(path) or pure.is_absolute() or ".." in pure.parts:
        help_text = "name a file below the book's root, relative to it, such as `_schemas/answer.json`"
        raise _Refused("RB107", f"content file {_shown(path)!r} is not inside the book", help_text)
    base = os.path.realpath(root)
    named = os.path.join(base, path)
    try:
        place = os.path.realpath(named, strict=True)
    except FileNotFoundError as error:
        is_link = os.path.lexists(named)
        message = (
            f"content file {path!r} is a link that leads nowhere" if is_link else f"no such content file: {path!r}"
        )
        raise _Refused("RB107", message, "mend the link" if is_link else _near_file(base, pure, span)) from error
    except OSError as error:
        message = f"content file {path!r} cannot be read: {_reason(error)}"
        raise _Refused("RB107", message, "make it readable") from error
    if not _is_inside(base, place):
        help_text = "copy the file into the book"
        raise _Refused("RB107", f"content file {path!r} is a link that leads out of the book", help_text)
    return place


def _near_file(base: str, path: PurePosixPath, span: Span) -> str:
    """Say what may have been meant by *path*, which does not exist."""
    rule = "paths are relative to the book's root"
    beside = PurePosixPath(span.path).parent / path
    if beside != path and os.path.isfile(os.path.join(base, beside)):
        return f"{rule}: write {str(beside)!r}"
    folder = os.path.realpath(os.path.join(base, path.parent))
    if not (os.path.isdir(folder) and _is_inside(base, folder)):
        return f"{rule}, and the book has no folder {str(path.parent)!r}"
    near = near_names(path.name, _names_in(folder), limit=1)
    return f"did you mean {str(path.parent / near[0])!r}?" if near else rule


def _names_in(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not _UNPRINTABLE.search(name)]
    except OSError:
        return []  # it only means that no help can be offered


def _read_text(place: str) -> str:
    return _decode(_read_bytes(place))


def _read_bytes(place: str) -> bytes:
    """Read the regular file at *place*, whose links are resolved; never waits for a writer at the other end."""
    try:
        _require_regular(os.lstat(place).st_mode)
        descriptor = os.open(place, _OPEN_FLAGS)
        with os.fdopen(descriptor, "rb") as stream:
            _require_regular(os.fstat(descriptor).st_mode)
            data = stream.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise _Refused("RB107", f"file cannot be read: {_reason(error)}", "make it readable, or remove it") from error
    if len(data) > LIMIT_BYTES:
        raise _Refused("RB105", "file is larger than 1 MiB", "split it into several files")
    return data


def _require_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file"
        raise _Refused("RB107", what, "replace it by a regular file")


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        place = SourceFile("", before).span(len(before), len(before))
        encoding = "UTF-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "WINDOWS-1252"
        raise _Refused(
            "RB101",
            f"byte 0x{data[error.start]:02x} is not valid UTF-8",
            f"save the file as UTF-8, for example with `iconv -f {encoding} -t UTF-8`",
            place.line,
            place.column,
        ) from error


def _is_route_file(path: str) -> bool:
    return path.endswith(_ENDINGS) and path != _LOCK


def _is_inside(base: str, place: str) -> bool:
    return os.path.commonpath((base, place)) == base


def _shown(path: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", path)


def _reason(error: OSError | ValueError) -> str:
    """Say why the system refused, without the path that it names."""
    return (getattr(error, "strerror", None) or "not a path").lower()


def _no_book(message: str, help_text: str) -> Diagnostic:
    return diagnose("RB108", Span("."), message, help=help_text)
