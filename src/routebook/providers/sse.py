"""Server-sent events: bytes, cut anywhere → the data of each event.

Pure. Lines end with LF, CR or CRLF; comments and fields other than `data` and `event` are passed over; several lines
of data are joined by a line break; a byte order mark at the very start is skipped. An event that no blank line ends is
none: what a broken stream leaves behind is dropped.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = (b"\n", b"\r")
_FIELD = b"data:"


class EventReader:
    """Reads one stream. Linear in its bytes, whatever the pieces are."""

    def __init__(self) -> None:
        self._unended: list[bytes] = []
        self._data: list[bytes] = []
        self._begins = True
        self._skip_feed = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next *piece*; return the data of each event that it completes, the empty ones left out."""
        if self._skip_feed and piece:
            piece = piece.removeprefix(b"\n")
            self._skip_feed = False
        if not piece:
            return []
        self._skip_feed = piece.endswith(b"\r")
        if b"\n" not in piece and b"\r" not in piece:
            self._unended.append(piece)
            return []
        if self._unended:
            piece = b"".join((*self._unended, piece))
            self._unended.clear()
        if self._begins:
            self._begins = False
            piece = piece.removeprefix(_BOM)
        lines = piece.splitlines()
        if not piece.endswith(_LINE_ENDS):
            self._unended.append(lines.pop())
        return self._events(lines)

    def is_within_event(self) -> bool:
        """Tell whether data of an event has begun, and no blank line has ended it."""
        rest = b"".join(self._unended)[: len(_FIELD)]
        return bool(self._data) or (rest != b"" and _FIELD.startswith(rest))

    def _events(self, lines: list[bytes]) -> list[bytes]:
        found: list[bytes] = []
        for line in lines:
            if line.startswith(_FIELD):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif line == b"data":
                self._data.append(b"")
            elif not line and self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                self._data.clear()
                if data:
                    found.append(data)
        return found
