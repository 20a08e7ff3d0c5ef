"""Place: a file of the file system → its text, or why it is not read.

Never opens what is no regular file, never waits for a writer at the other end, and reads no more than the limit.
"""

from __future__ import annotations

import os
import re
import stat

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from .file import SourceFile

LIMIT_BYTES = 1024 * 1024

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)

Mark = tuple[int, ...] | str
"""What tells one state of a file or folder from another: identity, size and times, or the error that hides it."""


class Refused(Exception):
    """Why a file is not read; *line* and *column* are where in it, for a file that was opened."""

    def __init__(self, code: str, message: str, help_text: str | None = None, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.line, self.column = code, message, help_text, line, column

    def about(self, path: str) -> Refused:
        """The same, for a reader who looks at a reference to the file at *path* and not at the file."""
        where = f" (line {self.line}, column {self.column})" if self.code == "RB101" else ""
        return Refused(self.code, f"content file {path!r}: {self.message}{where}", self.help)

    def place(self, path: str) -> Span:
        return Span(path, self.line, self.column)

    def at(self, span: Span) -> Diagnostic:
        return diagnose(self.code, span, self.message, help=self.help)


def mark(place: str) -> Mark:
    """Return the mark of *place*, itself and not what a link leads to."""
    try:
        status = os.lstat(place)
    except (OSError, ValueError) as error:
        return reason(error)
    return status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read_text(place: str) -> str:
    """Return the text of the regular file at *place*, whose links are resolved.

    Raises:
        Refused: It is no regular file, cannot be read, is too large or is no text.
    """
    return _decode(_read_bytes(place))


def _read_bytes(place: str) -> bytes:
    try:
        _require_regular(os.lstat(place).st_mode)
        descriptor = os.open(place, _OPEN_FLAGS)
        try:
            _require_regular(os.fstat(descriptor).st_mode)
            data = _read_all(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Refused("RB107", f"file cannot be read: {reason(error)}", "make it readable, or remove it") from error
    if len(data) > LIMIT_BYTES:
        raise Refused("RB105", "file is larger than 1 MiB", "split it into several files")
    return data


def _read_all(descriptor: int) -> bytes:
    """Read up to the end, or one byte past the limit."""
    data = b""
    while part := os.read(descriptor, LIMIT_BYTES + 1 - len(data)):
        data = data + part if data else part
    return data


def _require_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file"
        raise Refused("RB107", what, "replace it by a regular file")


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        place = SourceFile("", before).span(len(before), len(before))
        encoding = "UTF-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "WINDOWS-1252"
        raise Refused(
            "RB101",
            f"byte 0x{data[error.start]:02x} is not valid UTF-8",
            f"save the file as UTF-8, for example with `iconv -f {encoding} -t UTF-8`",
            place.line,
            place.column,
        ) from error


def is_inside(base: str, place: str) -> bool:
    """Tell whether *place* is *base* or lies below it; both are resolved."""
    return os.path.commonpath((base, place)) == base


def is_printable(name: str) -> bool:
    """Tell whether *name* can stand in a message as it is."""
    return _UNPRINTABLE.search(name) is None


def shown(path: str) -> str:
    """Return *path* as a message can hold it."""
    return _UNPRINTABLE.sub("\ufffd", path)


def reason(error: OSError | ValueError) -> str:
    """Say why the system refused, without the path that it names."""
    return (getattr(error, "strerror", None) or "not a path").lower()
